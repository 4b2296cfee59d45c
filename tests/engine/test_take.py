"""A recording as a whole: its answer and its time line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from emotus.engine.clock import NS_PER_S
from emotus.engine.events import Disclosure, EmotionEvent
from emotus.engine.take import summarise


def emotion(t_s: float, happy: float, *, abstain: bool = False, confidence: float | None = None, joints=None):
    probs = {"happy": happy, "sad": 1 - happy}
    label = "unknown" if abstain else max(probs, key=probs.get)
    best = max(probs.values()) if confidence is None else confidence
    disclosure = Disclosure("m", "0")
    return EmotionEvent(
        "anna", 0, round(t_s * NS_PER_S), label, probs, happy, -happy, best, abstain, 1.0, disclosure, joints
    )


def test_the_answer_is_the_mean_over_the_frames():
    """A take's probabilities, valence and arousal are means over its frames."""
    take = summarise([emotion(0.0, 0.9), emotion(0.5, 0.5), emotion(1.0, 0.7)])
    assert take.label == "happy"
    assert take.probs["happy"] == pytest.approx(0.7)
    assert take.arousal == pytest.approx(-0.7)
    assert (take.frames, take.seconds) == (3, 1.0)


def test_the_time_line_has_a_beat_a_second():
    """Each second of the recording is answered by its own frames."""
    take = summarise([emotion(k / 10, 0.9 if k < 20 else 0.1) for k in range(35)])
    assert [beat.label for beat in take.timeline] == ["happy", "happy", "sad", "sad"]
    assert take.timeline[-1].end_s == pytest.approx(3.4)


def test_mostly_unknown_is_unknown():
    """A take whose frames are mostly unknown is unknown."""
    take = summarise([emotion(0, 0.5, abstain=True), emotion(1, 0.5, abstain=True), emotion(2, 0.9)])
    assert (take.label, take.abstain) == ("unknown", True)


def test_silence_is_left_out():
    """Frames that stand for holes (confidence 0) count neither as answers nor as time; nothing else is no take."""
    take = summarise([emotion(0, 0.9), emotion(1, 0.5, abstain=True, confidence=0.0)])
    assert take.frames == 1
    assert summarise([emotion(0, 0.5, confidence=0.0)]) is None


def test_a_take_is_plain_json():
    """A take turns into finite plain values with its disclosure, and joints by name where they were asked for."""
    take = summarise([emotion(0, 0.9, joints=np.full(21, 1 / 21, dtype=np.float32))])
    values = json.loads(json.dumps(take.to_dict(), allow_nan=False))
    assert values["disclosure"] == {"inferred": True, "kind": "apparent expression"}
    assert len(values["joints"]) == 21
    assert values["timeline"][0]["label"] == "happy"
    assert "apparent expression happy (0.90)" in take.to_text("x.bvh")
