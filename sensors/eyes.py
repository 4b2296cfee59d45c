"""What the camera and the video sensor share: a worker that sees, performers that become poses, and what to tell."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..engine.clock import NS_PER_S
from ..engine.errors import PacketError, UriError
from ..engine.one_euro import SMOOTHINGS
from ..engine.pose import Pose
from .info import Option
from .options import number, stream_name, switch, whole
from .pose_choice import choose_backend
from .sighting import MOST_PEOPLE, Sighting, decode
from .webcam_performers import Performers
from .worker import Patience, Worker

PACKAGES: Final = (("cv2", "webcam"),)  # which pose back end there is, pose_choice.describe tells
SHARED_INFO: Final = (
    Option("stream", "the performer's name on the wire; of several, NAME-1 to NAME-4"),
    Option("people", "1 to 4 people to follow, where the pose back end can", "1"),
    Option("smooth", "off, light or strong: One-Euro filter; its delay stands in the sensor's health", "light"),
    Option("rotate", "0, 90, 180 or 270 degrees clockwise, to set the picture upright", "0"),
    Option("mirror", "1: the picture is mirrored", "0"),
    Option("fov", "the camera's horizontal field of view in degrees, 20 to 150", "60"),
    Option("model", "a .task file, or a folder with two ONNX networks; left out: what this machine has"),
)
SHARED_OPTIONS: Final = tuple(option.name for option in SHARED_INFO)
_SLOW_HZ: Final = 14.0  # of a recording: poses are put between its pictures, up to about
_FILLED_HZ: Final = 30.0
_TURNS: Final = (0, 90, 180, 270)


@dataclass(frozen=True, slots=True)
class Sight:
    """Say how to look: options that cameras and videos share.

    people: how many are followed. smooth: off, light or strong. rotate: degrees clockwise that set the picture upright.
    mirror: the picture is mirrored. fov_deg: the camera's horizontal field of view. model: a path, "" for the usual.
    """

    stream: str
    people: int = 1
    smooth: str = "light"
    rotate: int = 0
    mirror: bool = False
    fov_deg: float = 60.0
    model: str = ""


def sight_of(place: str, options: Mapping[str, str], stream: str) -> Sight:
    """Read the shared options; raises UriError."""
    smooth = options.get("smooth", "light")
    if smooth not in SMOOTHINGS:
        raise UriError(place, f"smooth={smooth}", mend=f"one of {', '.join(SMOOTHINGS)}")
    rotate = whole(place, options, "rotate", 0, 0, 270)
    if rotate not in _TURNS:
        raise UriError(place, f"rotate={rotate}", mend=f"one of {', '.join(map(str, _TURNS))}")
    return Sight(
        stream_name(place, options, stream),
        people=whole(place, options, "people", 1, 1, MOST_PEOPLE),
        smooth=smooth,
        rotate=rotate,
        mirror=switch(place, options, "mirror", default=False),
        fov_deg=number(place, options, "fov", 60.0, 20.0, 150.0),
        model=options.get("model", ""),
    )


class Eyes:
    """Run the worker that sees, and turn what it says into poses of each person.

    target: what the worker runs, sensors.webcam_worker:film or :play. settings: told to it. estimator: what finds
    people, in place of the back end this machine has. Safe for one reader and one closer at a time.
    """

    def __init__(
        self,
        place: str,
        sight: Sight,
        target: str,
        settings: Mapping[str, object],
        *,
        estimator: str | None = None,
        patience: Patience | None = None,
        lossless: bool = False,
    ) -> None:
        self.place = place
        self._sight = sight
        self._target = target
        self._settings = {"place": place, "rotate": sight.rotate, "mirror": sight.mirror, **settings}
        self._estimator = estimator
        self._patience = patience or Patience()
        self._lossless = lossless
        self._worker: Worker | None = None
        self._performers = Performers(sight.stream, people=sight.people, smooth=sight.smooth, fov_deg=sight.fov_deg)
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._performers.reset()
        self.rate_hz = 30.0
        self._seen = self._malformed = self._given = 0
        self._about = self._warning = ""
        self.sees_nobody = False  # in the last picture

    def open(self) -> None:
        """Start the worker and wait until it sees; raises UriError or InputError with the mend."""
        self.close()
        self._reset()
        estimator, model = self._estimator, self._sight.model
        if estimator is None:
            backend = choose_backend(self.place, model, self._sight.people)
            estimator, model, self._warning = backend.maker, backend.model, backend.warning
        settings = {**self._settings, "estimator": estimator, "model": model, "people": self._sight.people}
        worker = Worker(self._target, settings, place=self.place, patience=self._patience, lossless=self._lossless)
        facts = worker.start()
        told_hz = facts.get("rate_hz")
        self.rate_hz = float(told_hz) if isinstance(told_hz, int | float) and told_hz > 0 else 30.0
        self._about = str(facts.get("estimator", ""))
        self._worker = worker

    def fill(self) -> float:
        """Put poses between the pictures of a recording too slow for movement; return the rate that comes out."""
        slow = self.rate_hz < _SLOW_HZ
        self._performers.between = round(_FILLED_HZ / self.rate_hz) - 1 if slow else 0
        return self.rate_hz * (self._performers.between + 1)

    def look(self, wait_s: float) -> Sighting | None:
        """Return the next sighting, waiting at most so long; None where there is none yet, or none any more."""
        worker = self._worker
        data = None if worker is None else worker.receive(wait_s)
        if data is None:
            return None
        with self._lock:
            try:
                sighting = decode(data)
            except PacketError:
                self._malformed += 1
                return None
            self._seen += 1
            self.sees_nobody = not sighting.people
            return sighting

    def poses(self, sighting: Sighting, t_ns: int) -> deque[Pose]:
        """Return the poses of a sighting of t_ns."""
        with self._lock:
            return deque(self._performers.poses(sighting, t_ns))

    def gave(self) -> None:
        """Count a pose that the sensor gave."""
        with self._lock:
            self._given += 1

    @property
    def state(self) -> str:
        """Return the worker's state: closed, live, stale, ended or failed."""
        return "closed" if self._worker is None else self._worker.state

    @property
    def pid(self) -> int | None:
        """Return the id of the worker's process."""
        return None if self._worker is None else self._worker.pid

    def trouble(self) -> str:
        """Return what is amiss with the process, "" where nothing is."""
        return "" if self._worker is None else self._worker.message

    def message(self) -> str:
        """Return what a person should know just now, a line each."""
        worker = self._worker
        lines = [] if worker is None or not worker.message else [f"{self.place}: {worker.message}"]
        with self._lock:
            lines += self._performers.doubts()
            delay_ms = self._performers.delay_ms()
        lines += [self._warning] if self._warning else []
        rate = f"{self.place}: {self._about}, {self.rate_hz:.3g} pictures a second"
        smoothed = (
            ""
            if self._sight.smooth == "off"
            else f"; smoothing {self._sight.smooth}" + (f" delays by {delay_ms:.0f} ms" if delay_ms else "")
        )
        root = "; the place in the room is estimated (travels is false, the hips' confidence is lowered)"
        filled = self._performers.between
        slow = f"; slow for movement: {filled} poses are put between each two pictures" if filled else ""
        return "\n".join([*lines, rate + smoothed + root + slow]) if self._about else "\n".join(lines)

    def counters(self) -> dict[str, int]:
        """Return what came and what was given; nobody: pictures without a person, bystanders: people not followed."""
        worker = self._worker
        with self._lock:
            return {
                "received": self._given,
                "pictures": self._seen,
                "nobody": self._performers.nobody,
                "bystanders": self._performers.bystanders,
                "dropped_malformed": self._malformed,
                "dropped_late": 0 if worker is None else worker.dropped,
                "restarts": 0 if worker is None else worker.restarted,
            }

    def close(self) -> None:
        """End the worker's process, and with it everything that holds pictures; harmless when repeated."""
        worker = self._worker
        if worker is not None:
            worker.close()


def wait_s(now_ns: int, deadline_ns: int) -> float:
    """Return the seconds until a deadline, at least 0."""
    return max(0, deadline_ns - now_ns) / NS_PER_S
