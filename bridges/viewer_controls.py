"""The panel's buttons: teach, calibrate, record, consent, stop everything. Each makes a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from ..engine.control import (
    BaselineFreeze,
    BaselineResume,
    Calibrate,
    Command,
    ConsentGrant,
    ConsentRevoke,
    ControlInbox,
    RecordStart,
    RecordStop,
    StopEverything,
    TeachStart,
    TeachStop,
    TeachUndo,
    check_label,
)
from ..engine.errors import ControlError
from .viewer_state import PerformerState

if TYPE_CHECKING:
    import viser

MAX_BUTTONS: Final = 24  # labels with a button of their own; further ones are taught through their name
EVERYBODY: Final = "choose whom"
SUBJECT: Final = "page"  # who is said to consent: whoever stands at this machine
_RED: Final = "red"


class Controls:
    """Show the buttons and what is said of the take under way; bounded by MAX_BUTTONS."""

    def __init__(self, gui: viser.GuiApi, control: ControlInbox, labels: Sequence[str]) -> None:
        self._gui = gui
        self._control = control
        self._buttons: set[str] = set()
        self._streams: tuple[str, ...] = ()
        self._whom = gui.add_dropdown("performer", [str(EVERYBODY)], visible=False)
        with gui.add_folder("teach", expand_by_default=False):
            self._told = gui.add_html(told("press a label, move, press stop"))
            self._add("stop the take", lambda: TeachStop(self._stream()))
            self._add("undo the last take", lambda: TeachUndo(self._stream()))
            self._labels = gui.add_folder("labels")
            self._name = gui.add_text("new label", "")
            gui.add_button("add label").on_click(lambda _: self._add_label())
        with gui.add_folder("record", expand_by_default=False):
            self._add("record in a new file", RecordStart)
            self._add("end the recording", RecordStop)
        with gui.add_folder("baseline and consent", expand_by_default=False):
            self._add("calibrate: 45 s of usual movement", lambda: Calibrate(stream=self._stream()))
            self._add("freeze the baseline", lambda: BaselineFreeze(self._stream()))
            self._add("let the baseline follow", lambda: BaselineResume(self._stream()))
            self._add("I consent", lambda: ConsentGrant(SUBJECT, self._stream()))
            self._add("I do not consent any more", lambda: ConsentRevoke(self._stream()))
        for label in labels:
            self.offer(label)

    def show(self, states: Sequence[PerformerState]) -> None:
        """Offer the labels that answers bring along, the performers there are, and what was last said of a take."""
        for state in states:
            for label in () if state.emotion is None else state.emotion.probs:
                self.offer(label)
        streams = tuple(state.stream for state in states)
        if streams != self._streams:
            self._streams = streams
            self._whom.options = (EVERYBODY, *streams)
            self._whom.visible = len(streams) > 1
        latest = max((s.teaching for s in states if s.teaching is not None), key=lambda e: e.t_ns, default=None)
        if latest is not None:
            self._told.content = told(latest.message, warning=latest.level != "info")

    def offer(self, label: str) -> bool:
        """Give a label a button, once; return whether it has one."""
        if label in self._buttons:
            return True
        if len(self._buttons) >= MAX_BUTTONS:
            return False
        self._buttons.add(label)
        with self._labels:
            self._add(label, lambda: TeachStart(label, self._stream()))
        return True

    def _add(self, text: str, command: Callable[[], Command]) -> None:
        self._gui.add_button(text).on_click(lambda _: self._put(command()))

    def _put(self, command: Command) -> None:
        if not self._control.put(command):
            self._told.content = told("too many commands are waiting", warning=True)

    def _add_label(self) -> None:
        try:
            label = check_label(self._name.value)
        except ControlError as error:
            self._told.content = told(str(error), warning=True)
            return
        if self.offer(label):
            self._name.value = ""
        else:
            self._told.content = told(f"{MAX_BUTTONS} labels have buttons already", warning=True)

    def _stream(self) -> str | None:
        chosen = str(self._whom.value)
        return chosen if chosen in self._streams else None


def add_stop(gui: viser.GuiApi, control: ControlInbox) -> object:
    """Add the red button, which always finds room in the inbox."""
    button = gui.add_button("stop everything", color=_RED)

    def stop(_: object) -> None:
        control.put(StopEverything())

    button.on_click(stop)
    return button


def told(text: str, *, warning: bool = False) -> str:
    """Return what was said of a take as HTML; it may hold words that came from outside."""
    color = "#d29922" if warning else "#e6e9ef"
    return f'<div style="color:{color};font-size:.95em;padding:.15em .45em">{escape(text)}</div>'
