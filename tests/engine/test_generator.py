"""The generator: the same seed the same motion, for ever, at any rate, whatever is asked for and however often."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.body import BODY
from emotus.engine.errors import InputError, WeightsError
from emotus.engine.generator import Generator, GeneratorModel, load_generator
from emotus.engine.keys import between_keys
from emotus.engine.kinematics import forward_kinematics
from emotus.engine.quaternion import angle_between
from emotus.engine.wish import Wish, at_point, checked, command_of, moods_of, place_of
from emotus.models.primitive_lean import LeanPrimitive

JOINT_M_S = 14.0  # no joint of a person who dances or runs is faster
TOES = [BODY.index["LeftToes"], BODY.index["RightToes"]]
HOURS = float(os.environ.get("EMOTUS_GENERATOR_HOURS", "0"))


@pytest.fixture(scope="module")
def model() -> GeneratorModel:
    return load_generator()


def _made(model: GeneratorModel, seconds: float, *, seed: int = 0, rate_hz: float = 60.0, **wish: object) -> tuple:
    generator = Generator(model, seed=seed, rate_hz=rate_hz)
    generator.ask(Wish(**wish))
    return generator.take(round(seconds * rate_hz))


def _check(joints: np.ndarray, rotations: np.ndarray, rate_hz: float) -> None:
    """Check what must hold of any motion (N, T, 21, ...): finite, bones as they are, feet on the floor, no leaps."""
    assert np.isfinite(joints).all()
    assert np.allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-4)
    for parent, joint in BODY.edges:
        length = np.linalg.norm(joints[:, :, joint] - joints[:, :, parent], axis=-1)
        assert np.abs(length / np.linalg.norm(BODY.offsets[joint]) - 1.0).max() < 0.01
    assert joints[:, :, TOES, 1].min() > -0.01
    if rate_hz >= 30:
        assert np.linalg.norm(np.diff(joints, axis=1), axis=-1).max() * rate_hz < JOINT_M_S


def test_the_same_seed_gives_the_same_motion(model) -> None:
    """To the last bit; another seed gives another."""
    a, b, c = (_made(model, 4.0, seed=seed, emotion="happy")[0] for seed in (7, 7, 8))
    assert np.array_equal(a, b)
    assert not np.allclose(a, c, atol=0.01)


def test_performers_at_once_move_as_each_alone(model) -> None:
    """Of three who are asked for other things the first is as it would be alone with its seed."""
    together = Generator(model, performers=3, seed=5)
    for i, emotion in enumerate(("sad", "happy", "angry")):
        together.ask(Wish(emotion, travels=i > 0), i)
    alone = Generator(model, seed=5)
    alone.ask(Wish("sad"))
    assert np.allclose(together.take(240)[0][0], alone.take(240)[0][0], atol=1e-3)


def test_joints_are_those_of_the_rotations(model) -> None:
    """Forward kinematics of what is said gives what is shown."""
    joints, rotations, root = _made(model, 2.0, emotion="angry", travels=True)
    assert np.allclose(forward_kinematics(BODY, rotations[0], root[0]), joints[0], atol=1e-4)


@pytest.mark.parametrize("rate_hz", [1.0, 24.0, 60.0, 90.0, 240.0])
def test_any_rate_shows_the_same_motion(model, rate_hz) -> None:
    """At whole seconds every rate shows the same pose, and all are sound."""
    joints, rotations, _ = _made(model, 6.0, rate_hz=rate_hz, emotion="happy", travels=True)
    _check(joints, rotations, rate_hz)
    reference = _made(model, 6.0, emotion="happy", travels=True)[0]
    assert np.allclose(joints[0, :: round(rate_hz)], reference[0, ::60], atol=2e-3)


@given(seed=st.integers(0, 999), every=st.integers(1, 40), data=st.data())
@settings(max_examples=8, deadline=None)
def test_any_wishes_at_any_time_stay_sound(model, seed, every, data) -> None:
    """Moods, ways and points changed as often as every frame leave the motion finite, on the floor and untorn."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    generator = Generator(model, seed=seed, stage_m=2.5)
    frames = []
    for i in range(240):
        if i % every == 0:
            generator.ask(_anything(rng, model.info.emotions))
        frames.append(generator.step())
    _check(*(np.stack([getattr(f, name) for f in frames], axis=1) for name in ("joints", "rotations")), 60.0)


def _anything(rng: np.random.Generator, emotions: tuple[str, ...]) -> Wish:
    point = rng.uniform(-5, 5, 2) if rng.random() < 0.3 else (None, None)
    speed = None if rng.random() < 0.5 else float(rng.uniform(-9, 9))
    emotion, intensity = str(rng.choice(emotions)), float(rng.uniform(-1, 9))
    return Wish(emotion, intensity, *point, bool(rng.random() < 0.5), speed, float(rng.uniform(-720, 720)))


def test_a_change_of_emotion_is_seen_within_half_a_second_and_tears_nothing(model) -> None:
    """From sad to happy the posture is on its way in half a second, with no more jerk than the motion has anyway."""
    rise, jerks = [], []
    for seed in range(6):
        generator = Generator(model, seed=seed)
        generator.ask(Wish("sad"))
        before = generator.take(240)[0][0]
        generator.ask(Wish("angry", travels=True))
        after = generator.take(240)[0][0]
        whole = np.concatenate((before, after))
        moved = np.linalg.norm(after[30] - before[-1], axis=-1).mean()
        rise.append(moved / np.linalg.norm(before[-1] - before[-31], axis=-1).mean())
        jerk = np.linalg.norm(np.diff(whole, 3, axis=0), axis=-1).max(axis=1) * 60.0**3
        jerks.append(jerk[230:270].max() / max(jerk[300:].max(), 1.0))
    assert np.median(rise) > 3.0  # it moves far more than it did
    assert np.median(jerks) < 2.5


def test_it_goes_where_it_is_led(model) -> None:
    """A walk towards 90 degrees gains ground to +X, one on the spot stays, and speed is heard."""
    walk = _made(model, 8.0, emotion="neutral", travels=True, direction_deg=90.0)[2][0]
    assert walk[-1, 0] > 2.0
    assert abs(walk[-1, 2]) < abs(walk[-1, 0])
    stay = _made(model, 8.0, emotion="neutral")[2][0]
    assert np.linalg.norm((stay - stay[0])[:, [0, 2]], axis=-1).max() < 0.5
    slow, fast = (_made(model, 8.0, emotion="happy", travels=True, speed_m_s=v)[2][0] for v in (0.5, 1.6))
    assert np.linalg.norm(fast[-1] - fast[60]) > 1.3 * np.linalg.norm(slow[-1] - slow[60])


def test_a_stage_is_not_left(model) -> None:
    """Who walks for a minute on a stage of 2 m turns back at its edge."""
    generator = Generator(model, seed=1, stage_m=2.0)
    generator.ask(Wish("happy", travels=True))
    root = generator.take(3600)[2][0]
    assert np.hypot(root[:, 0], root[:, 2]).max() < 5.0
    assert np.ptp(root[:, 2]) > 2.0


def test_a_state_of_no_numbers_is_mended(model) -> None:
    """NaN in the network's state is held back: the body rests, is counted, and goes on."""
    generator = Generator(model, performers=2, seed=3)
    generator.take(60)
    generator._state = (torch.full_like(generator._state[0], float("nan")),)
    joints, rotations, _ = generator.take(240)
    assert generator.held > 0
    _check(joints, rotations, 60.0)
    assert np.ptp(joints[:, -60:], axis=1).max() > 1e-3  # it lives again


def test_what_it_remembers_is_what_it_made(model) -> None:
    """Undisturbed, the network's memory is restored not once in twenty seconds: it goes on from its own frames."""
    generator = Generator(model, performers=2, seed=3)
    generator.ask(Wish("happy", travels=True), 1)
    generator.take(1200)
    assert generator.held == 0


def test_the_step_for_the_show_is_the_networks(model) -> None:
    """In numpy, for one performer or several, it gives what the network's own step gives."""
    rng = np.random.default_rng(0)
    for n in (1, 3):
        lean, state = LeanPrimitive(model.network, n), model.network.start(n)
        for _ in range(20):
            x = (2.0 * rng.standard_normal((n, model.network.input_size))).astype(np.float32)
            made = lean(x, state[0].numpy())
            piece, state = model.network.step(torch.from_numpy(x), state)
            assert np.allclose(made.reshape(n, -1), piece.numpy(), atol=1e-5)


def test_an_unknown_emotion_lists_what_there_is(model) -> None:
    """And tells what was probably meant; what is no number is refused, and what is extreme is clamped."""
    generator = Generator(model)
    with pytest.raises(InputError, match=r"did you mean happy\? it knows angry, happy, sad, proud, unsure, neutral"):
        generator.ask(Wish("hapy"))
    with pytest.raises(InputError, match="valence nan: is no number"):
        generator.ask(Wish(valence=float("nan"), arousal=0.0))
    wish = checked(Wish("sad", 99.0, -7.0, 7.0, speed_m_s=50.0), model.info.emotions)
    assert (wish.intensity, wish.valence, wish.arousal, wish.speed_m_s) == (1.5, -1.0, 1.0, 3.0)


def test_a_point_is_the_mood_that_stands_there(model) -> None:
    """At an emotion's own place that emotion has most to say; weights always sum to one."""
    for i, emotion in enumerate(model.info.emotions):
        weights = at_point(model.info.valence[emotion], model.info.arousal[emotion], model.info)
        assert weights.argmax() == i
        assert weights.sum() == pytest.approx(1.0, abs=1e-5)
    halfway = moods_of(Wish("sad", 0.5), model.info)
    assert dict(zip(model.info.emotions, halfway.tolist(), strict=True)) == pytest.approx(
        {**dict.fromkeys(model.info.emotions, 0.0), "sad": 0.5, "neutral": 0.5}
    )
    assert place_of(Wish("sad", 0.5), model.info) == (-0.35, -0.25)
    assert command_of(Wish("sad", travels=True, speed_m_s=0.0), model.info)[-1] == 0.0


def test_keys_are_passed_through_exactly(model) -> None:
    """Between keys it is smooth; at a key it is that key."""
    rng = np.random.default_rng(0)
    keys = rng.standard_normal((1, 6, 21, 4)).astype(np.float32)
    keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
    root = rng.standard_normal((1, 6, 3))
    turned, moved = between_keys(keys, root, np.array([1.0, 2.0, 3.0]))
    assert angle_between(turned, keys[:, 1:4]).max() < 1e-3
    assert np.allclose(moved, root[:, 1:4])


def test_missing_or_altered_weights_are_refused(tmp_path) -> None:
    """One line says which file and what is wrong with it."""
    from emotus.models.primitive_store import FOLDER, NAME

    with pytest.raises(WeightsError, match="no such file"):
        load_generator(tmp_path / "none.safetensors")
    data = bytearray((FOLDER / f"{NAME}.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "own.safetensors").write_bytes(data)
    (tmp_path / "own.json").write_bytes((FOLDER / f"{NAME}.json").read_bytes())
    with pytest.raises(WeightsError, match="hash"):
        load_generator(tmp_path / "own.safetensors")


@pytest.mark.skipif(HOURS <= 0, reason="set EMOTUS_GENERATOR_HOURS for hours of streaming without drift")
def test_hours_do_not_drift(model) -> None:
    """The last minutes move as the first did, in place within half a metre, and nothing leaves its bounds."""
    generator = Generator(model, seed=2)
    generator.ask(Wish("happy"))
    minute = 3600
    first, far, last = None, 0.0, None
    for _ in range(max(2, round(HOURS * 60))):
        joints, rotations, root = generator.take(minute)
        _check(joints, rotations, 60.0)
        last = joints[0] - root[0][:, None]
        first = last if first is None else first
        far = max(far, float(np.abs(root[0][:, [0, 2]]).max()))
    assert first is not None
    assert last is not None
    speeds = [np.linalg.norm(np.diff(each, axis=0), axis=-1).mean() * 60 for each in (first, last)]
    print(f"after {HOURS:g} h: mean joint speed {speeds[0]:.3f} -> {speeds[1]:.3f} m/s, farthest {far:.2f} m")
    assert 0.3 < speeds[1] / speeds[0] < 3.0
    assert far < 0.6
