"""A MIDI port of this process, which may be pulled out."""

from __future__ import annotations

from collections.abc import Sequence


class FakePort:
    """Keep the bytes of what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_open = True
        self.is_broken = False

    def send_message(self, message: Sequence[int]) -> None:
        """Keep a message, or raise what python-rtmidi raises when the device has gone."""
        if self.is_broken:
            raise OSError("MidiOutAlsa::sendMessage: error sending")
        self.sent.append(bytes(message))

    def close_port(self) -> None:
        """Close."""
        self.is_open = False
