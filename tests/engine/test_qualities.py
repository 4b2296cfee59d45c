"""Movement qualities: each does what its definition says, for bodies of any size, anywhere, from the first frame on."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.marked_mover import TRIALS, positions_of_trial
from support.performers import FULL, walker

from emotus.engine.body import BODY, JOINT_INDEX
from emotus.engine.pose import Pose
from emotus.engine.qualities import Qualities
from emotus.engine.qualities_body import MASSES

REST = BODY.rest_positions.astype(np.float32)
LEFT_HAND, RIGHT_HAND = JOINT_INDEX["LeftHand"], JOINT_INDEX["RightHand"]
LEFT_ARM = [JOINT_INDEX[name] for name in ("LeftLowerArm", "LeftHand")]
RIGHT_ARM = [JOINT_INDEX[name] for name in ("RightLowerArm", "RightHand")]
NAMES = ("energy", "smoothness", "fluidity", "contraction", "symmetry", "impulsiveness", "verticality", "pace")
BANDAI = Path(__file__).parents[3] / "shared" / "data" / "bandai-1.tar.xz"


def poses(frames, confidence=FULL):
    return [Pose("anna", i, i * 33_333_333, np.asarray(x, dtype=np.float32), confidence) for i, x in enumerate(frames)]


def measured(given, rate_hz=30.0):
    qualities = Qualities(rate_hz)
    return [qualities.step(pose) for pose in given]


def swinging(hz, metres=0.3, n=300, rate_hz=30.0, joints=(LEFT_ARM, RIGHT_ARM)):
    """Return frames of the T-pose whose arms swing to and fro as a sine."""
    frames = np.repeat(REST[None], n, axis=0)  # (n, 21, 3)
    for arm in joints:
        frames[:, arm, 2] += (metres * np.sin(2 * np.pi * hz * np.arange(n) / rate_hz))[:, None]
    return frames


def test_every_quality_is_there_from_the_first_frame():
    """The first frame has all eight qualities within 0..1, and so has every other."""
    out = measured(walker(100))
    assert tuple(out[0]) == NAMES
    assert all(0.0 <= value <= 1.0 for each in out for value in each.values())


def test_a_body_at_rest():
    """One who stands still has no energy, pace or impulse, is upright, and neither smooth nor unsmooth."""
    last = measured(poses(np.repeat(REST[None], 60, axis=0)))[-1]
    assert last["energy"] == last["pace"] == last["impulsiveness"] == 0
    for name, value in (("smoothness", 0.5), ("fluidity", 0.5), ("symmetry", 1.0), ("verticality", 1.0)):
        assert last[name] == pytest.approx(value, abs=1e-6), name


@given(
    size=st.floats(0.3, 3.0),
    turn_rad=st.floats(-np.pi, np.pi),
    east_m=st.floats(-100, 100),
    north_m=st.floats(-100, 100),
)
@settings(max_examples=20, deadline=None)
def test_size_heading_and_place_do_not_matter(size, turn_rad, east_m, north_m):
    """The same movement gives the same qualities whoever makes it, wherever she stands and looks."""
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    given = list(walker(90))
    there = [
        replace(p, positions=(size * p.positions @ turn.T + [east_m, 0, north_m]).astype(np.float32)) for p in given
    ]
    for name, here in measured(given)[-1].items():
        assert measured(there)[-1][name] == pytest.approx(here, abs=0.01), name


def test_masses_are_those_of_the_tables():
    """Segments sum to one body; an arm is 5 % of it, a leg 16 % (Winter)."""
    by_name = dict(zip(BODY.names, MASSES, strict=True))
    arm = sum(by_name["Left" + name] for name in ("UpperArm", "LowerArm", "Hand"))
    leg = sum(by_name["Right" + name] for name in ("UpperLeg", "LowerLeg", "Foot", "Toes"))
    assert MASSES.sum() == pytest.approx(1.0, abs=1e-6)
    assert arm == pytest.approx(0.050, abs=1e-6)
    assert leg == pytest.approx(0.161, abs=1e-6)


def test_energy_is_kinetic_energy():
    """A body that glides at 0.51 m/s, 0.3 of its height a second, has energy one half; faster has more."""
    glide = [REST + np.array([0, 0, 0.51 * i / 30]) for i in range(120)]
    assert measured(poses(glide))[-1]["energy"] == pytest.approx(0.5, abs=0.01)
    speeds = [measured(poses(swinging(hz)))[-1]["energy"] for hz in (0.3, 0.6, 1.2, 2.4)]
    assert speeds == sorted(speeds)


@pytest.mark.parametrize("hz", [0.5, 1.0, 2.0, 3.0])
def test_smoothness_and_pace_of_a_sine(hz):
    """For a sine at f Hz smoothness is 1 / (1 + (f / 2)^2) and pace f / (f + 1.5), whatever its size."""
    for metres in (0.1, 0.5):
        last = measured(poses(swinging(hz, metres)))[-1]
        assert last["smoothness"] == pytest.approx(1 / (1 + (hz / 2) ** 2), abs=0.03)
        assert last["pace"] == pytest.approx(hz / (hz + 1.5), abs=0.03)


def test_trembling_sensors_do_not_look_like_trembling_people():
    """Three millimetres of white noise change smoothness, pace and energy of a movement little."""
    rng = np.random.default_rng(1)
    frames = swinging(1.0, n=600)
    clean, noisy = (np.mean([list(q.values()) for q in measured(poses(x))[100:]], axis=0) for x in (
        frames, frames + rng.normal(0, 0.003, frames.shape),
    ))  # fmt: skip
    for name in ("energy", "smoothness", "pace"):
        assert noisy[NAMES.index(name)] == pytest.approx(clean[NAMES.index(name)], abs=0.2), name


def test_stops_are_not_fluid():
    """Going on evenly is more fluid than starting and stopping, with the same way gone."""
    t = np.arange(300) / 30
    even = t * 0.3
    halting = 0.3 * (np.floor(t) + np.clip((t % 1) * 3, 0, 1))
    fluid = []
    for way in (even, halting):
        frames = np.repeat(REST[None], 300, axis=0)
        frames[:, LEFT_ARM, 2] += way[:, None]
        fluid.append(measured(poses(frames))[-1]["fluidity"])
    assert fluid[0] > fluid[1] + 0.2


def test_limbs_that_move_by_turns_are_not_fluid():
    """A forearm that moves while the hand rests, and rests while it moves, breaks the chain."""
    t = np.arange(300) / 30
    frames = np.repeat(REST[None], 300, axis=0)
    frames[:, LEFT_ARM, 2] += (0.1 * np.sin(2 * np.pi * t))[:, None]
    together = measured(poses(frames))[-1]["fluidity"]
    frames = np.repeat(REST[None], 300, axis=0)
    frames[:, LEFT_ARM[0], 2] += 0.1 * np.sin(2 * np.pi * t) * (t % 2 < 1)
    frames[:, LEFT_ARM[1], 2] += 0.1 * np.sin(2 * np.pi * t) * (t % 2 >= 1)
    assert measured(poses(frames))[-1]["fluidity"] < together - 0.2


def test_contraction_grows_as_the_body_closes():
    """From the T-pose over hanging arms to a crouch, contraction rises from about 0 towards 1."""
    hanging = REST.copy()
    crouched = REST.copy()
    for arm, side in ((LEFT_ARM, "Left"), (RIGHT_ARM, "Right")):
        shoulder = REST[JOINT_INDEX[f"{side}UpperArm"]]
        hanging[arm] = shoulder + np.array([[0, -0.29, 0], [0, -0.54, 0]])
        knee, foot = JOINT_INDEX[f"{side}LowerLeg"], JOINT_INDEX[f"{side}Foot"]
        hip = REST[JOINT_INDEX[f"{side}UpperLeg"]]
        crouched[knee] = hip + np.array([0, 0.29, 0.29])
        crouched[[foot, foot + 1]] = crouched[knee] + np.array([[0, -0.38, -0.15], [0, -0.44, -0.01]])
        crouched[arm] = shoulder + np.array([[0, -0.2, 0.21], [0, -0.35, 0.4]])
    values = [measured(poses([x] * 3))[-1]["contraction"] for x in (REST, hanging, crouched)]
    assert values == sorted(values)
    assert values[0] < 0.1
    assert 0.4 < values[1] < 0.8
    assert values[2] > 0.8


def test_symmetry_of_posture_and_of_motion():
    """Both arms alike are symmetric, one arm alone is not, and mirroring the body changes nothing."""
    both, alone = swinging(1.0), swinging(1.0, joints=(LEFT_ARM,))
    mirrored = swinging(1.0, joints=(RIGHT_ARM,))
    one, other, two = (measured(poses(x))[-1]["symmetry"] for x in (alone, mirrored, both))
    assert two > 0.99
    assert one < 0.75
    assert one == pytest.approx(other, abs=1e-4)


def test_impulse_is_a_sudden_rise():
    """A sudden start is impulsive and fades; the same speed reached slowly is not."""
    t = np.arange(150) / 30
    sudden = np.where(t > 2, (t - 2) * 1.5, 0)
    gradual = 0.5 * 1.5 * np.clip(t, 0, None) ** 2 / 5
    peaks: list[float] = []
    after: list[float] = []
    for way in (sudden, gradual):
        frames = np.repeat(REST[None], 150, axis=0)
        frames[:, LEFT_ARM, 2] += way[:, None]
        values = [each["impulsiveness"] for each in measured(poses(frames))]
        peaks.append(max(values[30:]))
        after.append(values[-1])
    assert peaks[0] > 0.5
    assert peaks[1] < 0.4
    assert after[0] < 0.3


@pytest.mark.parametrize(("lean_deg", "value"), [(0, 1.0), (45, 0.5), (90, 0.0), (150, 0.0)])
def test_verticality_follows_the_trunk(lean_deg, value):
    """Verticality falls with the angle of the trunk and is 0 from level on."""
    a = np.radians(lean_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    assert measured(poses([REST @ turn.T]))[-1]["verticality"] == pytest.approx(value, abs=1e-3)


def test_unknown_joints_do_not_count():
    """A hand of confidence 0 that jumps about leaves energy, smoothness and pace as without it."""
    rng = np.random.default_rng(3)
    frames = swinging(1.0, joints=(LEFT_ARM,))
    jumping = frames.copy()
    jumping[:, RIGHT_HAND] += rng.normal(0, 0.3, (300, 3))
    hidden = np.where(np.arange(21) == RIGHT_HAND, 0, 1).astype(np.float32)
    still, jumps = (measured(poses(x, hidden))[-1] for x in (frames, jumping))
    for name in ("energy", "smoothness", "pace", "impulsiveness"):
        assert jumps[name] == pytest.approx(still[name], abs=1e-6), name


def test_a_joint_that_comes_back_elsewhere_is_no_movement():
    """A hand unseen for a second and back half a metre away is no burst of energy."""
    frames = np.repeat(REST[None], 120, axis=0)
    frames[60:, RIGHT_HAND] += np.array([0.2, 0.3, 0.3])
    hidden = np.where(np.arange(21) == RIGHT_HAND, 0, 1).astype(np.float32)
    given = [replace(p, confidence=hidden if 45 <= p.seq < 75 else FULL) for p in poses(frames)]
    out = measured(given)
    assert max(each["energy"] for each in out) < 0.01
    given = [replace(p, confidence=FULL) for p in given]
    assert max(each["energy"] for each in measured(given)) > 0.3


def test_reset_forgets():
    """After a reset the same poses give the same qualities."""
    qualities, given = Qualities(), list(walker(40))
    first = [qualities.step(pose) for pose in given]
    qualities.reset()
    assert [qualities.step(pose) for pose in given] == first


def test_a_point_is_no_body_but_no_error_either():
    """All joints in one place, or none known, give finite qualities."""
    nowhere = np.zeros((3, 21, 3))
    for confidence in (FULL, np.zeros(21, dtype=np.float32)):
        assert all(0 <= value <= 1 for each in measured(poses(nowhere, confidence)) for value in each.values())


@pytest.mark.skipif(not TRIALS.is_dir(), reason=f"no recordings of a mover in {TRIALS}")
def test_a_smooth_figure_eight_is_smoother_than_an_unsmooth_one():
    """One mover, the same figure-eight: what was meant smooth (trial 11) is smoother and more fluid than trial 12."""
    median = {}
    for trial in (11, 12, 22):
        out = measured(poses(positions_of_trial(trial)))
        median[trial] = {name: np.median([each[name] for each in out[60:]]) for name in NAMES}
        print(f"trial {trial}: " + ", ".join(f"{name} {value:.2f}" for name, value in median[trial].items()))
    assert median[11]["smoothness"] > median[12]["smoothness"] + 0.15
    assert median[11]["fluidity"] > median[12]["fluidity"] + 0.1
    assert median[22]["smoothness"] > median[12]["smoothness"] + 0.15


@pytest.mark.skipif(not BANDAI.is_file(), reason=f"no recordings of emotions at {BANDAI}")
def test_anger_has_more_energy_than_sadness():
    """The same content played angry has more energy than played sad, and sad bodies are more contracted."""
    from emotus.engine.matching import match_skeleton
    from emotus.engine.retarget import Retargeter
    from emotus.sensors.bvh import parse_bvh
    from emotus.sensors.bvh_pose import forward

    means: dict[str, dict[str, dict[str, float]]] = {}
    with tarfile.open(BANDAI, "r|xz") as archive:
        for member in archive:
            words = Path(member.name).stem.split("_")
            if len(words) != 4 or words[2] not in ("angry", "sad") or words[3] != "001":
                continue
            bvh = parse_bvh(archive.extractfile(member).read(), member.name)
            positions, rotations = forward(bvh)
            match = match_skeleton(bvh.skeleton, place=member.name, positions=positions, rotations=rotations)
            out = measured(poses(Retargeter(match).apply(positions, rotations).positions))
            means.setdefault(words[1], {})[words[2]] = {
                name: float(np.mean([each[name] for each in out[10:]])) for name in NAMES
            }
    assert len(means) == 10
    for content, each in means.items():
        assert each["angry"]["energy"] > each["sad"]["energy"], content
    contracted = [each["sad"]["contraction"] > each["angry"]["contraction"] for each in means.values()]
    print(f"more contracted when sad: {sum(contracted)} of {len(contracted)}")
    assert sum(contracted) >= 8
