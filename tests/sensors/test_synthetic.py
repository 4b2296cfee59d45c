"""The synthetic performer: a sensor that keeps time, and a body that moves as a body can."""

from __future__ import annotations

import numpy as np
import pytest

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.clock import NS_PER_S, ManualClock
from emotus.engine.errors import UriError
from emotus.engine.kinematics import forward_kinematics
from emotus.engine.pose import Pose
from emotus.sensors.synthetic import SyntheticSensor, from_uri
from emotus.sensors.synthetic_body import SyntheticBody
from emotus.sensors.synthetic_styles import STYLES, TOUR, TOUR_HOLD_S, canonical_emotion

EMOTIONS = tuple(STYLES)
RATE_HZ = 120.0
TOES = [JOINT_INDEX["LeftToes"], JOINT_INDEX["RightToes"]]


def take(emotion: str, *, seconds: float = 8.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    positions, rotations = SyntheticBody(emotion, rate_hz=RATE_HZ, seed=seed).frames(round(seconds * RATE_HZ))
    return positions.astype(np.float64), rotations.astype(np.float64)


def read_all(sensor: SyntheticSensor) -> list[Pose]:
    sensor.open()
    poses = []
    while sensor.health().state == "live":
        pose = sensor.read()
        if pose is not None:
            poses.append(pose)
    return poses


def test_time_rises_by_the_rate_and_nothing_is_lost() -> None:
    """A second at 60 Hz is sixty poses, a sixtieth of a second apart, with seq rising by one."""
    poses = read_all(SyntheticSensor("neutral", rate_hz=60, seconds=1.0, clock=ManualClock(5)))
    assert [pose.seq for pose in poses] == list(range(60))
    steps = np.diff([pose.t_ns for pose in poses])
    assert abs(steps - NS_PER_S / 60).max() <= 1
    assert poses[0].t_ns == 5
    assert poses[0].positions.shape == (21, 3)
    assert poses[0].positions.dtype == poses[0].confidence.dtype == np.float32
    assert poses[0].rotations is not None
    assert poses[0].rotations.shape == (21, 4)


def test_read_waits_for_the_frame_but_never_longer_than_a_tenth_of_a_second() -> None:
    """At 5 Hz two reads pass before the next frame, and each of them took 0.1 s of the clock."""
    clock = ManualClock()
    sensor = SyntheticSensor("sad", rate_hz=5, clock=clock)
    sensor.open()
    assert sensor.read() is not None
    assert sensor.read() is None
    assert clock.now_ns() == NS_PER_S // 10
    assert sensor.read() is not None
    assert clock.now_ns() == NS_PER_S // 5


def test_speed_two_halves_the_time_between_the_same_frames() -> None:
    """speed=2 shows the same body at the same frames, at twice the rate."""
    slow = read_all(SyntheticSensor("happy", seconds=0.5, clock=ManualClock()))
    fast = read_all(SyntheticSensor("happy", seconds=0.5, speed=2.0, clock=ManualClock()))
    assert np.array_equal(slow[-1].positions, fast[-1].positions)
    assert fast[-1].t_ns * 2 == pytest.approx(slow[-1].t_ns, abs=2)


def test_speed_zero_gives_everything_at_once_and_is_not_live() -> None:
    """speed=0 never waits: the clock stands still while the poses carry the time they would have had."""
    clock = ManualClock()
    sensor = SyntheticSensor("angry", seconds=2.0, speed=0.0, clock=clock)
    poses = read_all(sensor)
    assert not sensor.live
    assert clock.now_ns() == 0
    assert len(poses) == 120
    assert poses[-1].t_ns == pytest.approx(119 / 60 * NS_PER_S, abs=1)


def test_a_late_reader_finds_frames_dropped_and_counted_and_time_still_rising() -> None:
    """After a second of silence the performance goes on from now, with the lost frames in seq and in the counter."""
    clock = ManualClock()
    sensor = SyntheticSensor("proud", rate_hz=50, clock=clock)
    sensor.open()
    first = sensor.read()
    clock.advance_ns(NS_PER_S)
    after = sensor.read()
    assert first is not None
    assert after is not None
    assert clock.now_ns() - after.t_ns < NS_PER_S // 50
    lost = sensor.health().counters["dropped_late"]
    assert lost == 49
    assert after.seq == first.seq + 1 + lost


def test_states_follow_the_life_of_a_sensor() -> None:
    """Closed before open, live after it, ended after the last frame, closed for good after close, and open again."""
    sensor = SyntheticSensor("unsure", seconds=0.05, clock=ManualClock())
    assert sensor.health().state == "closed"
    assert sensor.read() is None
    first = read_all(sensor)
    assert sensor.health().state == "ended"
    assert sensor.health().counters["received"] == 3
    sensor.close()
    sensor.close()
    assert sensor.health().state == "closed"
    assert np.array_equal(read_all(sensor)[0].positions, first[0].positions)


@pytest.mark.parametrize("emotion", [*EMOTIONS, "tour"])
def test_bones_keep_their_length_and_positions_follow_from_rotations(emotion: str) -> None:
    """Positions are exactly the forward kinematics of the rotations upon the body's own bones."""
    positions, rotations = take(emotion, seconds=3.0)
    lengths = np.array([np.linalg.norm(BODY.offsets[child]) for _, child in BODY.edges])
    seen = np.stack([np.linalg.norm(positions[:, c] - positions[:, p], axis=1) for p, c in BODY.edges], axis=1)
    assert abs(seen - lengths).max() < 1e-6
    assert abs(np.linalg.norm(rotations, axis=-1) - 1).max() < 1e-6
    assert abs(forward_kinematics(BODY, rotations, positions[:, 0]) - positions).max() < 1e-5


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_planted_foot_does_not_slide_and_nothing_is_below_the_floor(emotion: str) -> None:
    """While the ball of a foot is down it stands still, and it is down for a good part of the time."""
    positions, _ = take(emotion)
    assert positions[..., 1].min() > 0.0
    toes = positions[:, TOES]
    speed = np.linalg.norm(np.diff(toes, axis=0), axis=-1) * RATE_HZ
    planted = (toes[1:, :, 1] < 0.0201) & (toes[:-1, :, 1] < 0.0201)
    assert 0.4 < planted.mean() < 0.75
    assert np.median(speed[planted]) < 1e-3
    assert np.percentile(speed[planted], 97) < 0.05
    assert speed.max() > 1.0


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_joints_bend_only_as_joints_can(emotion: str) -> None:
    """Knees and elbows stay between straight and closed and never bend backwards."""
    positions, rotations = take(emotion)
    for joint, axis, sign in (
        ("LeftLowerLeg", 1, 1.0),
        ("RightLowerLeg", 1, 1.0),
        ("LeftLowerArm", 2, -1.0),
        ("RightLowerArm", 2, 1.0),
    ):
        q = rotations[:, JOINT_INDEX[joint]]
        bend = 2.0 * np.arctan2(sign * q[:, axis], q[:, 0])
        assert bend.min() > -0.05, joint
        assert bend.max() < np.radians(165), joint
    assert positions[:, JOINT_INDEX["Head"], 1].min() > 1.3


@pytest.mark.parametrize("emotion", [*EMOTIONS, "tour"])
def test_movement_has_no_jumps(emotion: str) -> None:
    """Between frames no joint's velocity jumps: halving the step halves the largest change of velocity."""
    seconds = 2.5 * TOUR_HOLD_S if emotion == "tour" else 8.0
    changes = []
    for rate_hz in (120.0, 240.0):
        positions, _ = SyntheticBody(emotion, rate_hz=rate_hz, seed=1).frames(round(seconds * rate_hz))
        velocity = np.diff(positions.astype(np.float64), axis=0) * rate_hz
        changes.append(np.linalg.norm(np.diff(velocity, axis=0), axis=-1).max())
    assert changes[1] < 0.65 * changes[0]
    assert changes[0] < 2.0


def test_the_same_seed_moves_the_same_and_another_seed_does_not() -> None:
    """Frames depend on emotion, rate and seed alone, whatever the size of the blocks they are made in."""
    whole, _ = take("happy", seconds=2.0, seed=7)
    body = SyntheticBody("happy", rate_hz=RATE_HZ, seed=7)
    parts = np.concatenate([body.frames(n)[0] for n in (1, 30, 100, 109)])
    assert abs(whole - parts).max() < 1e-5
    assert abs(whole - take("happy", seconds=2.0, seed=8)[0]).max() > 0.01
    body.reset()
    assert np.array_equal(body.frames(1)[0], parts[:1])


def test_emotions_differ_as_the_literature_says() -> None:
    """Anger and joy are faster than neutral, sadness and doubt slower; sad heads hang; joyful arms are wide."""
    speed, stoop, reach = {}, {}, {}
    for emotion in EMOTIONS:
        positions, _ = take(emotion, seconds=18.0)
        root = positions[:, 0]
        speed[emotion] = np.linalg.norm(np.diff(root[:, [0, 2]], axis=0), axis=1).mean() * RATE_HZ
        head = positions[:, JOINT_INDEX["Head"]] - root
        forward = np.gradient(root, axis=0)
        forward[:, 1] = 0
        stoop[emotion] = (head * forward / np.linalg.norm(forward, axis=1)[:, None]).sum(axis=1).mean()
        hands = positions[:, JOINT_INDEX["LeftHand"]] - positions[:, JOINT_INDEX["RightHand"]]
        reach[emotion] = np.linalg.norm(hands, axis=1).mean()
    assert min(speed["angry"], speed["happy"]) > speed["neutral"] > max(speed["sad"], speed["unsure"])
    assert stoop["sad"] > stoop["angry"] > stoop["neutral"] > stoop["proud"]
    assert reach["happy"] > reach["neutral"] > reach["unsure"]


def test_the_tour_passes_through_every_emotion() -> None:
    """The tour walks at the pace of each emotion while that emotion is shown."""
    positions, _ = take("tour", seconds=TOUR_HOLD_S * len(TOUR))
    steps = np.linalg.norm(np.diff(positions[:, 0][:, [0, 2]], axis=0), axis=1) * RATE_HZ
    held = [steps[round((k * TOUR_HOLD_S + 2) * RATE_HZ) :][: round(4 * RATE_HZ)].mean() for k in range(len(TOUR))]
    shown = dict(zip(TOUR, held, strict=True))
    assert shown["angry"] > shown["neutral"] > shown["sad"]


@pytest.mark.parametrize(("name", "emotion"), [("JOY", "happy"), (" Anger ", "angry"), ("Tour", "tour"), ("x", None)])
def test_names_of_emotions_are_taken_in_any_case_and_by_their_aliases(name: str, emotion: str | None) -> None:
    """Joy is happy, anger is angry, and an unknown word is none."""
    assert canonical_emotion(name) == emotion


def test_an_unknown_emotion_names_the_known_ones() -> None:
    """synthetic:bored says which emotions there are."""
    with pytest.raises(UriError, match=r"synthetic:bored: unknown emotion 'bored' \(known are .*sad.*tour\)"):
        from_uri("bored", {}, ManualClock())


def test_options_set_rate_speed_seed_length_and_stream() -> None:
    """Every option of the address reaches the sensor."""
    options = {"rate": "30", "speed": "0", "seed": "3", "seconds": "1", "stream": "anna"}
    sensor = from_uri("Joy", options, ManualClock())
    poses = read_all(sensor)
    assert len(poses) == 30
    assert {pose.stream for pose in poses} == {"anna"}
    assert not sensor.live
    assert from_uri("joy", {}, ManualClock()).rate_hz == 60


def test_performers_of_two_emotions_have_two_streams() -> None:
    """Unless a stream is named it is called after the emotion, so that two performers never mix."""
    streams = set()
    for emotion in ("sad", "happy"):
        sensor = from_uri(emotion, {"speed": "0"}, ManualClock())
        sensor.open()
        pose = sensor.read()
        assert pose is not None
        streams.add(pose.stream)
    assert streams == {"synthetic-sad", "synthetic-happy"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": "0"}, r"rate=0 \(a number from 5 to 1000\)"),
        ({"speed": "nan"}, r"speed=nan \(a number from 0 to 100\)"),
        ({"stream": "a/b"}, r"stream=a/b \(1 to 64 letters"),
        ({"seed": "1.5"}, r"seed=1.5 \(a whole number"),
        ({"sped": "1"}, r"unknown option sped \(known are rate, speed"),
    ],
)
def test_a_bad_option_is_refused_with_what_would_be_good(options: dict[str, str], said: str) -> None:
    """A value out of range or an unknown option names itself and the mend."""
    with pytest.raises(UriError, match=said):
        from_uri("sad", options, ManualClock())
