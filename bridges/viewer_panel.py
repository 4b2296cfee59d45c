"""The panel beside the stage: buttons, and of each performer the reading, its last twenty seconds and the intake."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from ..engine.control import ControlInbox
from ..engine.signature_references import References
from .viewer_controls import Controls, add_stop
from .viewer_furniture import told_html as page_html
from .viewer_lamps import everybody_html
from .viewer_map import map_svg, told_html
from .viewer_plane import plane_svg
from .viewer_plot import plot_svg
from .viewer_ribbon import ribbon_svg
from .viewer_state import PerformerState
from .viewer_text import details_html, reading_html, said_of

if TYPE_CHECKING:
    import viser

_BRAND: Final = (72, 209, 178)
_WIDTH_PX: Final = 340
_UNFOLDED: Final = 2  # performers whose cards are open from the start; of more, the lines above tell what matters


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
        self._page = gui.add_html(page_html((), 0))
        self._stop = None if control is None else add_stop(gui, control)
        self._house = gui.add_html(_house("waiting for a performer"))
        self._everybody = gui.add_html("")
        self._plane = gui.add_html("")
        self._controls = None if control is None else Controls(gui, control, labels)

    def show(self, states: list[PerformerState], now_ns: int, notice: str, turn: int) -> None:
        """Write the readings at every call, the rest at every second one: numbers are read no faster."""
        self._page.content = page_html(states, now_ns)
        for gone in set(self._cards) - {state.stream for state in states}:
            self._cards.pop(gone).leave()
        for state in states:
            if state.stream not in self._cards:
                self._cards[state.stream] = self._new_card(state.stream)
            self._cards[state.stream].read_out(state, now_ns)
            if turn % 2 == 0:
                self._cards[state.stream].look_back(state, now_ns)
        if turn % 2 == 0:
            self._overlook(states, now_ns)
        if self._controls is not None:
            self._controls.show(states)
        self._house.content = _house(notice or ("" if states else "waiting for a performer"))

    def _overlook(self, states: list[PerformerState], now_ns: int) -> None:
        """Write a line a performer where there are several, and draw everybody on the plane."""
        rows = [said_of(state) for state in states]
        self._everybody.content = everybody_html(states, now_ns, rows) if len(states) > 1 else ""
        placed = any(state.emotion is not None or state.motion is not None for state in states)
        self._plane.content = plane_svg(states) if placed else ""

    def _new_card(self, stream: str) -> _Card:
        return _Card(self._server.gui, stream, self._references, unfolded=len(self._cards) < _UNFOLDED)


class _Card:
    """Write one performer's part of the panel."""

    def __init__(self, gui: viser.GuiApi, stream: str, references: References | None, *, unfolded: bool) -> None:
        self._references = references
        self._folder = gui.add_folder(stream, expand_by_default=unfolded)
        with self._folder:
            self._reading = gui.add_html("")
            self._ribbon = gui.add_html("")
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
        """Draw labels, valence and arousal and the signature map; write the qualities and the intake's state."""
        self._ribbon.content = ribbon_svg(state.moods()) if state.emotion is not None else ""
        self._plot.content = plot_svg(*state.history()) if state.emotion is not None else ""
        if state.signature is not None:
            drawn = "" if self._references is None else map_svg(self._references, state.signature, *state.trail())
            self._map.content = told_html(state.signature) + drawn
        self._details.content = details_html(state, now_ns)


def _house(notice: str) -> str:
    """Write the line that is about no performer in particular."""
    return f'<div style="color:#d29922;font-size:.8em">{escape(notice)}</div>' if notice else ""
