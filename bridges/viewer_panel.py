"""The panel beside the stage: buttons, and of each performer the reading, its last twenty seconds and the intake."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from ..engine.control import ControlInbox
from ..engine.signature_references import References
from .viewer_controls import Controls
from .viewer_map import map_svg, told_html
from .viewer_plot import plot_svg
from .viewer_state import PerformerState
from .viewer_text import details_html, reading_html

if TYPE_CHECKING:
    import viser

_BRAND: Final = (72, 209, 178)
_WIDTH_PX: Final = 340


class Panel:
    """Write what the performers given said last; bounded by what it is given."""

    def __init__(
        self,
        server: viser.ViserServer,
        control: ControlInbox | None = None,
        labels: Sequence[str] = (),
        references: References | None = None,
    ) -> None:
        self._server = server
        self._references = references
        self._cards: dict[str, _Card] = {}
        gui = server.gui
        gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False, brand_color=_BRAND)
        gui.main_panel.dock_right()
        gui.main_panel.set_width(_WIDTH_PX)
        self._house = gui.add_html(_house("waiting for a performer"))
        self._controls = None if control is None else Controls(gui, control, labels)

    def show(self, states: list[PerformerState], now_ns: int, notice: str, turn: int) -> None:
        """Write the readings at every call, the rest at every second one: numbers are read no faster."""
        for gone in set(self._cards) - {state.stream for state in states}:
            self._cards.pop(gone).leave()
        for state in states:
            if state.stream not in self._cards:
                self._cards[state.stream] = _Card(self._server.gui, state.stream, self._references)
            self._cards[state.stream].read_out(state, now_ns)
            if turn % 2 == 0:
                self._cards[state.stream].look_back(state, now_ns)
        if self._controls is not None:
            self._controls.show(states)
        self._house.content = _house(notice or ("" if states else "waiting for a performer"))


class _Card:
    """Write one performer's part of the panel."""

    def __init__(self, gui: viser.GuiApi, stream: str, references: References | None) -> None:
        self._references = references
        self._folder = gui.add_folder(stream)
        with self._folder:
            self._reading = gui.add_html("")
            self._plot = gui.add_html("")
            self._map = gui.add_html("")
            self._details = gui.add_html("")

    def leave(self) -> None:
        """Take the card off the panel."""
        self._folder.remove()

    def read_out(self, state: PerformerState, now_ns: int) -> None:
        """Write the label and the probabilities."""
        self._reading.content = reading_html(state, now_ns)

    def look_back(self, state: PerformerState, now_ns: int) -> None:
        """Draw valence and arousal and the signature map; write the movement's qualities and the intake's state."""
        self._plot.content = plot_svg(*state.history()) if state.emotion is not None else ""
        if state.signature is not None:
            drawn = "" if self._references is None else map_svg(self._references, state.signature, *state.trail())
            self._map.content = told_html(state.signature) + drawn
        self._details.content = details_html(state, now_ns)


def _house(notice: str) -> str:
    """Write the line that is about no performer in particular."""
    return f'<div style="color:#d29922;font-size:.8em">{escape(notice)}</div>' if notice else ""
