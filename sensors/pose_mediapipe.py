"""MediaPipe's pose networks in its two library forms. Runs in the worker's process only.

Up to 0.10.21 the library has `solutions` with a model inside; from 0.10.30 on only `tasks`, with a .task file that the
user brings. Its own smoothing stays off, as it takes every camera for one of 30 pictures a second (PROTOCOLS 7.5).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ..engine.clock import NS_PER_MS
from .sighting import LANDMARKS, Person, Pixels

_DETECTED: Final = 0.5  # the library's own default
_TRACKED: Final = 0.5


class Solutions:
    """Find one person with `mediapipe.solutions.pose`."""

    bystanders = 0

    def __init__(self, _settings: Mapping[str, Any]) -> None:
        mediapipe = importlib.import_module("mediapipe")
        self.name = f"mediapipe {mediapipe.__version__}"
        self._pose = mediapipe.solutions.pose.Pose(
            model_complexity=1,
            smooth_landmarks=False,
            min_detection_confidence=_DETECTED,
            min_tracking_confidence=_TRACKED,
        )

    def reset(self) -> None:
        """Begin with another recording."""
        self._pose.reset()

    def see(self, pixels: Pixels, _t_ns: int, /) -> list[Person]:
        """Return the person in a picture, if any."""
        found = self._pose.process(np.ascontiguousarray(pixels[:, :, ::-1]))
        if found.pose_world_landmarks is None or found.pose_landmarks is None:
            return []
        return [person(found.pose_world_landmarks.landmark, found.pose_landmarks.landmark, pixels)]


class Tasks:
    """Find up to settings["people"] people with `mediapipe.tasks` and the file settings["model"]."""

    bystanders = 0  # whoever is beyond the number asked for is not looked for at all

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._mediapipe = importlib.import_module("mediapipe")
        vision = importlib.import_module("mediapipe.tasks.python.vision")
        base = importlib.import_module("mediapipe.tasks.python.core.base_options")
        self.name = f"mediapipe {self._mediapipe.__version__} tasks"
        self._landmarker = vision.PoseLandmarker
        self._options = vision.PoseLandmarkerOptions(
            base_options=base.BaseOptions(model_asset_path=str(settings["model"])),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=int(settings.get("people", 1)),
            min_pose_detection_confidence=_DETECTED,
            min_pose_presence_confidence=_DETECTED,
            min_tracking_confidence=_TRACKED,
        )
        self.reset()

    def reset(self) -> None:
        """Begin with another recording."""
        self._last_ms = -1
        self._task = self._landmarker.create_from_options(self._options)

    def see(self, pixels: Pixels, t_ns: int, /) -> list[Person]:
        """Return the people in a picture."""
        self._last_ms = max(t_ns // NS_PER_MS, self._last_ms + 1)  # it wants rising milliseconds
        rgb = np.ascontiguousarray(pixels[:, :, ::-1])
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=rgb)
        found = self._task.detect_for_video(image, self._last_ms)
        pairs = zip(found.pose_world_landmarks, found.pose_landmarks, strict=True)
        return [person(world, image, pixels) for world, image in pairs]


def person(world: Sequence[Any], image: Sequence[Any], pixels: Pixels) -> Person:
    """Return a person of the library's landmarks; image landmarks are shares of the picture's size."""
    size = (pixels.shape[1], pixels.shape[0])
    points = np.array([(p.x, p.y, p.z, p.visibility) for p in world], dtype=np.float32)
    places = np.array([(p.x * size[0], p.y * size[1]) for p in image], dtype=np.float32)
    return Person(points.reshape(LANDMARKS, 4), places.reshape(LANDMARKS, 2))
