"""Shows made of recordings: clips one after another without a jump, played to the engine frame by frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT, JOINT_INDEX
from ..engine.clock import NS_PER_S, ManualClock
from ..engine.events import EmotionEvent
from ..engine.pipeline import Engine
from ..engine.pose import Pose
from ..engine.recognise import Recogniser
from ..engine.skeleton import Float32
from ..engine.streams import MODEL_RATE_HZ
from .clips import LABELS, STYLE_OF_LABEL, cache_folder, load_folds, unpack
from .signature_files import read_poses

FADE_FRAMES: Final = 10
Points = NDArray[np.floating]


def labelled_movements(data: Path) -> dict[str, Float32]:
    """Return positions (T, 21, 3) of the 63 labelled clips by their file's name; raises DataError."""
    folds = load_folds(data)
    files = unpack(data / "bandai-1.tar.xz", cache_folder() / "bandai-1")
    wanted = [file for file in files if file.name in folds.content]
    return {file.name: np.stack([pose.positions for pose in read_poses(str(file))]) for file in wanted}


def label_of(name: str) -> str:
    """Return the label that was acted in a clip of set 1."""
    label = STYLE_OF_LABEL[name.split("_")[2]]
    assert label in LABELS  # noqa: S101 - the folds hold labelled clips only
    return label


def joined(first: Points, second: Points) -> Points:
    """Return two movements (T, 21, 3) one after the other, turned and moved together and faded."""
    last = first[-FADE_FRAMES]
    angle = _heading(last) - _heading(second[0])
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=second.dtype)
    place = np.array([last[0, 0], second[0, 0, 1], last[0, 2]], dtype=second.dtype)
    moved = (second - second[0, 0]) @ turn.T + place
    weight = np.linspace(0, 1, FADE_FRAMES, dtype=second.dtype)[:, None, None]
    seam = first[-FADE_FRAMES:] * (1 - weight) + moved[:FADE_FRAMES] * weight
    return np.concatenate((first[:-FADE_FRAMES], seam, moved[FADE_FRAMES:]))


def looped(points: Points, frames: int) -> Points:
    """Return so many frames of a movement, over and over."""
    show = points
    while len(show) < frames:
        show = joined(show, points)
    return show[:frames]


def played(recogniser: Recogniser, points: Points) -> list[EmotionEvent]:
    """Return what a new engine says of positions (T, 21, 3) at the model's rate."""
    engine = Engine(recogniser, ManualClock(), live=False)
    seen = np.ones(JOINT_COUNT, dtype=np.float32)
    said: list[EmotionEvent] = []
    for i, each in enumerate(points.astype(np.float32)):
        events = engine.step(Pose("show", i, round(i * NS_PER_S / MODEL_RATE_HZ), each, seen))
        said += [event for event in events if isinstance(event, EmotionEvent)]
    return said


def _heading(body: Points) -> float:
    across = [body[JOINT_INDEX["Left" + part]] - body[JOINT_INDEX["Right" + part]] for part in ("UpperLeg", "UpperArm")]
    x, _, z = np.sum(across, axis=0)
    return math.atan2(-z, x)
