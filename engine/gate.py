"""The gate: which poses may come in at all: not two sensors under one name, and nobody who did not consent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from .consent import Consent
from .errors import InputError
from .ports import Source
from .pose import Pose

NAMES_KEPT: Final = 256  # names of streams remembered; the engine follows far fewer performers


class Gate:
    """Let poses in, or turn them away and count them; called from the sensors' threads and the inference thread.

    persons: the sources that show somebody live, whose streams need consent.
    """

    def __init__(self, consent: Consent | None, persons: Collection[Source]) -> None:
        self._consent = consent
        self._persons = persons
        self._owners: dict[str, Source] = {}
        self._closed: dict[str, int] = {}

    def claim(self, stream: str, source: Source) -> None:
        """Refuse a second sensor under one name: two performers mixed into one would be read as neither."""
        if len(self._owners) > NAMES_KEPT:
            self._owners.clear()
        if self._owners.setdefault(stream, source) is not source:
            raise InputError(stream, "two sensors give this stream", mend="add ?stream=NAME to one of them")

    def may_enter(self, pose: Pose, source: Source) -> bool:
        """Tell whether a pose may be taken in; those of persons who have not consented end here, counted."""
        if self._consent is None or source not in self._persons or self._consent.guard(pose.stream):
            return True
        self._turn_away(pose.stream)
        return False

    def may_be_read(self, pose: Pose) -> bool:
        """Tell whether consent has not ended while a pose waited; otherwise count it."""
        if self._consent is None or self._consent.admits(pose.stream):
            return True
        self._turn_away(pose.stream)
        return False

    def _turn_away(self, stream: str) -> None:
        if stream in self._closed or len(self._closed) < NAMES_KEPT:
            self._closed[stream] = self._closed.get(stream, 0) + 1

    def add_to(self, counters: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        """Return the counters of each stream with the poses that were not let in."""
        for stream, closed in self._closed.items():
            counts = counters.setdefault(stream, {"received": 0})
            counts["received"] += closed
            counts["dropped_unconsented"] = closed
        return counters
