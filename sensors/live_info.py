"""Describe the options that every sensor shares that hears datagrams, for `emotus sensors`."""

from __future__ import annotations

from typing import Final

from .info import Option
from .packets import STALE_AFTER_MS

# As `datagram.hear_datagrams` reads them.
LIVE_INFO: Final = (
    Option("from", "the hosts to hear, with commas between; elsewhere than on loopback the first that sends well"),
    Option("timeout", "seconds of silence after which it has ended; 0 is never", "0"),
    Option("stale", "milliseconds of silence after which it is stale", f"{STALE_AFTER_MS:g}"),
    Option("most", "datagrams a second that are read; what comes beyond is dropped and counted"),
)
HEIGHT_INFO: Final = Option("height", "metres: the assumed person's, whose bones are taken", "1.70")
