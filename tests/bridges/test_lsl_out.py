"""LSL streams say what they are, carry the time of the pose, and are heard by pylsl and by our own sensor."""

from __future__ import annotations

import dataclasses
import json
import time

import numpy as np
import pytest
from support.lsl_outlets import OutletLibrary
from support.network_senders import performance
from support.sayings import CONFIDENCE, JOINTS, LABELS, emotion, motion, pose, qualities, signature, status, wait_for

from emotus.bridges.lsl import MAX_PERFORMERS, LslBridge, make_lsl
from emotus.bridges.uri import Wish
from emotus.engine.clock import ManualClock, MonotonicClock
from emotus.engine.errors import MissingPackageError, UriError
from emotus.engine.events import PoseEvent

POSITIONS, ROTATIONS = performance(8)


def given(*events) -> tuple[OutletLibrary, LslBridge]:
    """Return what became of events."""
    library = OutletLibrary()
    bridge = LslBridge("show", labels=LABELS, clock=MonotonicClock(), expose=True, library=library)
    bridge.start()
    for event in events:
        bridge.send(event)
    assert wait_for(lambda: bridge.stats().waiting == 0)
    return library, bridge


def test_each_kind_has_its_stream_with_channels_as_the_conventions_have_them():
    """The body as MoCap with a marker a joint, the answers, the qualities, and markers when the label changes."""
    angry = dataclasses.replace(emotion(2), label="angry")
    library, bridge = given(
        pose(1, rotations=True), emotion(1), emotion(1), angry, qualities(1), status(1), signature(1)
    )
    bridge.close()
    assert set(library.outlets) == {"show", "show-emotion", "show-qualities", "show-markers"}
    body = library.outlets["show"]
    assert (body.info.type, body.info.channel_count) == ("MoCap", 21 * 8)
    sample = np.array(body.samples[0][0]).reshape(21, 8)
    assert np.allclose(sample[:, :3], JOINTS)
    assert np.allclose(sample[:, 7], CONFIDENCE)
    answers = library.outlets["show-emotion"]
    assert [round(value, 6) for value in answers.samples[0][0][:4]] == [0.123457, -0.25, 0.5, 0.0]
    channels = [dict(each.children)["label"] for _, each in dict(answers.info.desc().children)["channels"].children]
    assert channels == ["valence", "arousal", "confidence", "abstain", *LABELS]
    facts = dict(dict(answers.info.desc().children)["acquisition"].children)
    assert (facts["kind"], facts["inferred"], facts["model"]) == ("apparent expression", "true", "bandai-stgcn")
    marks = [json.loads(sample[0]) for sample, _ in library.outlets["show-markers"].samples]
    assert [mark.get("label") or mark.get("status") for mark in marks] == ["happy", "angry", "stale"]
    assert bridge.stats().sent == 6  # a signature has no stream


def test_a_sample_is_stamped_with_the_time_of_its_pose_on_lsls_clock():
    """The library's clock is a thousand seconds ahead: so are the stamps, to a millisecond."""
    now_ns = time.monotonic_ns()
    library, bridge = given(dataclasses.replace(emotion(1), t_ns=now_ns))
    bridge.close()
    ((_, stamp_s),) = library.outlets["show-emotion"].samples
    assert stamp_s == pytest.approx(now_ns / 1e9 + library.offset_s, abs=1e-3)


def test_further_performers_and_generated_ones_have_streams_of_their_own():
    """The first is NAME, the others NAME-STREAM; what is generated says so; no more than sixteen."""
    library, bridge = given(pose(1), motion(1), *(pose(1, stream=f"x{i}") for i in range(30)))
    bridge.close()
    assert "show-p1.partner" in library.outlets
    facts = dict(dict(library.outlets["show-p1.partner"].info.desc().children)["acquisition"].children)
    assert facts["synthetic"] == "true"
    assert len(library.outlets) == MAX_PERFORMERS + 1
    stats = bridge.stats()
    assert (stats.sent, stats.dropped) == (MAX_PERFORMERS, 32 - MAX_PERFORMERS)


def test_who_is_forgotten_has_no_stream_any_more():
    """Her outlets close, and what receivers had not fetched goes with them; others go on."""
    _, bridge = given(pose(1), emotion(1), pose(1, stream="p2"))
    bridge.forget("p1")
    assert set(bridge._outlets) == {"show-p2", "show-markers"}
    bridge.close()


def test_what_is_not_finite_costs_itself():
    """It is counted as an error and a loss."""
    _, bridge = given(emotion(1, valence=float("nan")), pose(1))
    bridge.close()
    stats = bridge.stats()
    assert (stats.sent, stats.dropped, stats.errors) == (1, 1, 1)


def test_it_needs_leave_and_its_library(monkeypatch):
    """LSL listens on every address, so that --expose is asked for; without pylsl the extra is named."""
    with pytest.raises(UriError, match="--expose"):
        LslBridge("show", clock=ManualClock(), library=OutletLibrary()).start()
    monkeypatch.setitem(__import__("sys").modules, "pylsl", None)
    with pytest.raises(MissingPackageError, match=r"emotus\[lsl\]"):
        LslBridge("show", clock=ManualClock(), expose=True).start()


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("", "no stream is named"),
        ("x" * 65, "1 to 64"),
        ("a?scope=all", "one of machine"),
        ("a?b=1", "known are scope"),
    ],
)
def test_an_address_that_cannot_be_is_told_with_its_mend(rest, problem):
    """One line that begins with the address."""
    with pytest.raises(UriError, match=problem):
        make_lsl(Wish(f"lsl:{rest}", rest, (), expose=True, clock=ManualClock()))


def test_the_real_library_is_heard_by_itself_and_by_our_own_sensor():
    """pylsl on this machine: our sensor finds the joints again, an inlet hears the answers with their time."""
    pylsl = pytest.importorskip("pylsl", reason="pylsl is not installed, or its library is not", exc_type=Exception)
    from emotus.sensors.lsl import LslSensor

    clock = MonotonicClock()
    bridge = LslBridge("emotus-out-test", clock=clock, expose=True)
    sensor = LslSensor("emotus-out-test", clock=clock)
    bridge.start()
    sensor.open()
    try:
        found = None
        deadline = time.monotonic() + 20
        inlet = None
        heard: list[tuple[list, float]] = []
        seq = 0
        while (found is None or not heard) and time.monotonic() < deadline:
            now_ns = clock.now_ns()
            joints = POSITIONS[0].astype(np.float32)
            bridge.send(PoseEvent("p1", seq, now_ns, joints, np.ones(21, np.float32), ROTATIONS[0]))
            bridge.send(dataclasses.replace(emotion(seq), t_ns=now_ns))
            seq += 1
            found = sensor.read() or found
            if inlet is None:
                results = pylsl.resolve_byprop("name", "emotus-out-test-emotion", timeout=0.1)
                inlet = pylsl.StreamInlet(results[0]) if results else None
            elif (sample := inlet.pull_sample(timeout=0.0))[0]:
                heard.append(sample)
        assert found is not None, "our own sensor heard nothing"
        assert np.abs(found.positions - POSITIONS[0]).max() < 1e-3
        sample, stamp_s = heard[-1]
        assert sample[1] == -0.25
        age_s = (
            pylsl.local_clock() - stamp_s
        )  # both ends have the same clock; a busy machine cannot measure how far apart
        assert -0.01 < age_s < 10
        inlet.close_stream()
    finally:
        sensor.close()
        bridge.close()
