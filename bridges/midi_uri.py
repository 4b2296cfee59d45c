"""Read the address of a MIDI bridge: midi:NAME?channel=1&cc=valence:20,arousal:21&rate=30&smooth=0.1&stream=NAME."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..engine.errors import UriError
from ..engine.options import check_keys, number, read_options, whole
from .midi import RATE_HZ, SMOOTH_S, VIRTUAL, MidiBridge, MidiSettings
from .midi_map import read_controls
from .osc_gate import MAX_RATE
from .osc_uri import streams_of

if TYPE_CHECKING:
    from .uri import Wish

_OPTIONS: Final = ("channel", "cc", "stream", "rate", "smooth")


def make_midi(wish: Wish) -> MidiBridge:
    """Make the bridge of a MIDI address; raises UriError. Whether the port is there shows when it is started."""
    name, _, query = wish.rest.partition("?")
    options = read_options(wish.uri, query)
    check_keys(wish.uri, options, _OPTIONS)
    if not name.removeprefix(VIRTUAL).strip():
        raise UriError(wish.uri, "no port is named", mend="midi:PART OF ITS NAME, or midi:new:NAME to make one")
    settings = MidiSettings(
        controls=read_controls(wish.uri, options["cc"]) if "cc" in options else None,
        channel=whole(wish.uri, options, "channel", 1, 1, 16),
        streams=streams_of(wish.uri, options),
        rate_hz=number(wish.uri, options, "rate", RATE_HZ, 0.0, MAX_RATE),
        smooth_s=number(wish.uri, options, "smooth", SMOOTH_S, 0.0, 5.0),
    )
    return MidiBridge(name, labels=wish.labels, clock=wish.clock, settings=settings)
