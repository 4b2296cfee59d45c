"""The recorder: every event in MCAP files, from which the show can be played again, whatever happens to the machine.

`mcap:PATH?rotate=600&budget=4000&keep=30` on the command line, or `--record PATH`. A new file begins every `rotate`
seconds, or when one has a quarter of the budget; of its own files it keeps the newest within `budget` megabytes, and
after `keep` days they go (retention.py). When the disk is full the file is ended properly, the show goes on and hears
of it, and a new file is begun as soon as there is room.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from .. import __version__
from ..engine.body import JOINT_NAMES
from ..engine.clock import Clock
from ..engine.errors import InputError, MissingPackageError, PacketError, UriError
from ..engine.events import Event, PoseEvent
from ..engine.recording import base_properties, encode_pose, pose_schema
from . import wire
from .base import BridgeStats
from .courier import Courier
from .mcap_copy import copy_without
from .mcap_file import McapFile
from .outbox import Outbox
from .retention import DAY_S, KEY, tidy

ROTATE_S: Final = 600.0
BUDGET_BYTES: Final = 4_000_000_000
SHARE: Final = 0.25  # of the budget: no file grows beyond it, so that the others can make room for the next
RETRY_S: Final = 1.0
PURPOSE: Final = "record"
Open = Callable[[Path, dict[str, str], float], McapFile]


class RecorderBridge:
    """Record every event; an event counts as sent once its chunk is in the file.

    rotate_s: seconds after which a new file begins. budget_bytes: what all files of this run may take together; the
    oldest of them goes when there is more. keep_s: after which each may be removed, None to keep it. wall: wall time in
    ns, which only labels. open_file: for tests.
    """

    purpose = PURPOSE  # a stream is recorded only where consent says so

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock,
        rotate_s: float = ROTATE_S,
        budget_bytes: int = BUDGET_BYTES,
        keep_s: float | None = None,
        wall: Callable[[], int] = time.time_ns,
        open_file: Open = McapFile,
    ) -> None:
        self._path = Path(path)
        self._uri = f"mcap:{path}"
        self._clock, self._wall, self._open_file = clock, wall, open_file
        self._rotate_s, self._budget, self._keep_s = rotate_s, budget_bytes, keep_s
        self._outbox = Outbox(clock)
        self._courier: Courier | None = None
        self._lock = threading.Lock()
        self._file: McapFile | None = None
        self._files: list[Path] = []
        self._numbers = itertools.count(2)
        self._begun_s = self._retry_s = 0.0
        self._wall_ns = 0
        self._to_erase: set[str] = set()
        self._held = False  # told to record nothing for now

    def start(self) -> None:
        """Open the first file; raise UriError where it cannot be written or is there already."""
        if self._courier is not None:
            return
        self._wall_ns = self._wall() - self._clock.now_ns()
        try:
            self._begin(self._path)
            tidy(self._path.parent, self._wall() / 1e9)
        except ImportError:
            raise MissingPackageError("mcap", "record") from None
        except OSError as error:
            mend = "name another file" if isinstance(error, FileExistsError) else "name a file that can be written"
            raise UriError(self._uri, (error.strerror or str(error)).lower(), mend=mend) from error
        self._courier = Courier(self._outbox, self._deliver, name=self._uri, on_beat=self._beat)
        self._courier.start()

    def send(self, event: Event) -> None:
        """Take one event."""
        self._outbox.put(event)

    def forget(self, stream: str | None) -> None:
        """Drop what waits of a stream, or of all for None; what is recorded stays."""
        if self._courier is not None:
            self._courier.forget(stream)

    def record(self, *, on: bool) -> None:
        """Go on in a new file, or end the file that there is; the recorder's own thread does it, a moment later.

        What comes while nothing is recorded counts as dropped.
        """
        self._held = not on
        self._retry_s = 0.0

    def erase(self, stream: str) -> None:
        """Drop what waits of a stream and take it out of every file of this run, from which others are copied over.

        The files are gone through by the recorder's own thread; nothing of the stream is in them a moment later.
        """
        self.forget(stream)
        with self._lock:
            self._to_erase.add(stream)

    def close(self) -> None:
        """Record what is left and end the file properly."""
        courier, self._courier = self._courier, None
        if courier is None:
            return
        courier.stop()
        with self._lock:
            self._erase()
            self._end()

    def stats(self) -> BridgeStats:
        """Return the counts; errors are failed writes, and events that could not be encoded."""
        return self._outbox.stats()

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the files of this run, oldest first."""
        return tuple(self._files)

    def _now_s(self) -> float:
        return self._clock.now_ns() / 1e9

    def _begin(self, path: Path) -> None:
        about = {
            "emotus": __version__,
            "joints": " ".join(JOINT_NAMES),
            "frame": "right-handed, metres, Y up, +Z forward",
            "kind": "apparent expression, inferred; not what anybody feels",
        }
        if self._keep_s is not None:
            about[KEY] = str(round(self._wall() / 1e9 + self._keep_s))
        self._file = self._open_file(path, about, self._now_s())
        self._begun_s = self._now_s()
        self._files.append(path)

    def _deliver(self, events: Sequence[Event]) -> tuple[int, int]:
        with self._lock:
            self._erase()
            if self._held or (self._file is None and not self._begin_again()):
                self._rest()
                return 0, 0
            errors = sum(not self._add(event) for event in events)
            return len(events) - errors, errors + self._flush()

    def _beat(self) -> None:
        with self._lock:
            errors = self._erase() + self._flush()
            self._rest()
        if errors:
            self._outbox.settle(errors=errors)

    def _add(self, event: Event) -> bool:
        """Add an event to the chunk; return whether it could be encoded."""
        assert self._file is not None  # noqa: S101 - held by _deliver
        try:
            data = encode_pose(event) if isinstance(event, PoseEvent) else wire.to_json(event)
        except PacketError:
            return False
        channel = self._file.channel(f"/{event.stream}/{event.type}", f"emotus.{event.type}", schema_of(event.type))
        self._file.add(channel, data, self._wall_ns + self._clock.now_ns(), event.seq & 0xFFFFFFFF)
        return True

    def _rest(self) -> None:
        """End the file where recording was ended."""
        if self._held:
            self._end()

    def _flush(self, *, force: bool = False) -> int:
        """Close the chunk where it is time, begin a new file where it is time; return the errors met."""
        file = self._file
        if file is None:
            return 0
        pending = file.pending
        try:
            file.flush(self._now_s(), force=force)
        except OSError as error:
            self._lose(pending)
            self._say(error)
            self._end()
            self._retry_s = self._now_s() + RETRY_S
            return 1
        if self._now_s() - self._begun_s >= self._rotate_s or file.size >= self._budget * SHARE:
            self._end()
            self._begin_again()
        return 0

    def _begin_again(self) -> bool:
        """Begin the next file, where there is room for it; return whether one is open."""
        if self._now_s() < self._retry_s:
            return False
        self._retry_s = self._now_s() + RETRY_S
        path = self._path.with_name(f"{self._path.stem}-{next(self._numbers):03d}{self._path.suffix}")
        try:
            self._begin(path)
        except OSError as error:
            self._say(error)
            return False
        self._outbox.problem = ""
        self._keep_within_budget()
        return True

    def _say(self, error: OSError) -> None:
        """Let the show hear that it is not recorded, and why."""
        self._outbox.problem = f"{self._uri}: {(error.strerror or str(error)).lower()}; the show goes on unrecorded"

    def _lose(self, events: int) -> None:
        """Count events as dropped that were taken for recorded, and whose chunk never came to be."""
        self._outbox.settle(sent=-events, dropped=events)

    def _keep_within_budget(self) -> None:
        sizes = {path: path.stat().st_size for path in self._files if path.exists()}
        while sum(sizes.values()) > self._budget * (1 - SHARE) and len(self._files) > 1:
            oldest = self._files.pop(0)
            sizes.pop(oldest, None)
            oldest.unlink(missing_ok=True)

    def _end(self) -> None:
        """End the file properly, or leave it as its last whole chunk left it."""
        file, self._file = self._file, None
        if file is None:
            return
        pending = file.pending
        try:
            try:
                file.flush(self._now_s(), force=True)
            except OSError:  # on a full disk what is pending is lost, and the end still has room
                self._lose(pending)
            file.close()
        except OSError:
            file.give_up()

    def _erase(self) -> int:
        """Take the streams that are to be erased out of every file; return how many files could not be copied.

        Those are removed: what a person may not leave behind goes, even where others lose what they have.
        """
        gone, self._to_erase = self._to_erase, set()
        if not gone:
            return 0
        self._end()
        failed = 0
        for path in tuple(self._files):
            try:
                copy_without(path, gone)
            except (OSError, InputError):
                path.unlink(missing_ok=True)
                self._files.remove(path)
                failed += 1
        self._retry_s = 0.0
        self._begin_again()
        return failed


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of an event: what every one has, and for poses all of it."""
    if kind == PoseEvent.type:
        return pose_schema()
    return {"title": f"emotus.{kind}", "type": "object", "properties": base_properties()}


def recorder_of(uri: str, rest: str, clock: Clock) -> RecorderBridge:
    """Make the recorder of `mcap:PATH?rotate=SECONDS&budget=MEGABYTES&keep=DAYS`; raises UriError."""
    path, _, query = rest.partition("?")
    if not path:
        raise UriError(uri, "no file is named", mend="mcap:PATH")
    told = {"rotate": ROTATE_S, "budget": BUDGET_BYTES / 1e6, "keep": 0.0}
    for part in query.split("&") if query else ():
        key, _, text = part.partition("=")
        value = float(text) if text.replace(".", "", 1).isdigit() else 0.0
        if key not in told or value <= 0.0:
            raise UriError(uri, f"'{part}' is no option", mend="rotate=SECONDS, budget=MEGABYTES or keep=DAYS, above 0")
        told[key] = value
    limits = {"rotate_s": told["rotate"], "keep_s": told["keep"] * DAY_S or None}
    return RecorderBridge(path, clock=clock, budget_bytes=round(told["budget"] * 1e6), **limits)
