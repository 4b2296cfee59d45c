"""The One-Euro filter: equal to the paper's algorithm, with the delay that it tells, and worth its delay."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotus.engine.body import BODY
from emotus.engine.one_euro import SMOOTHINGS, OneEuro, Smoothing, share

STEP_NS = 16_666_667  # 60 Hz


def reference(points: list[list[float]], times_s: list[float], smoothing: Smoothing) -> list[list[float]]:
    """Filter one point as the authors' code does, number by number; the speed is the length of the velocity."""

    def alpha(cutoff: float, step: float) -> float:
        tau = 1.0 / (2 * math.pi * cutoff)
        return 1.0 / (1.0 + tau / step)

    out = [points[0]]
    velocity = [0.0, 0.0, 0.0]
    for now, before, point, raw in zip(times_s[1:], times_s, points[1:], points, strict=False):
        step = now - before
        a = alpha(smoothing.speed_cutoff_hz, step)
        velocity = [a * (x - y) / step + (1 - a) * v for x, y, v in zip(point, raw, velocity, strict=True)]
        cutoff = smoothing.min_cutoff_hz + smoothing.beta_hz_s_m * math.sqrt(sum(v * v for v in velocity))
        a = alpha(cutoff, step)
        out.append([a * x + (1 - a) * y for x, y in zip(point, out[-1], strict=True)])
    return out


coordinate = st.floats(-3, 3, width=32)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.tuples(*[coordinate] * 3), st.integers(1_000_000, 200_000_000)), min_size=1, max_size=30),
    st.floats(0.1, 20),
    st.floats(0, 5),
    st.floats(0.2, 5),
)
def test_it_is_the_authors_algorithm(steps, cutoff, beta, speed_cutoff):
    """Step by step, at whatever times, it gives what the published algorithm gives."""
    smoothing = Smoothing(cutoff, beta, speed_cutoff)
    times_ns = np.cumsum([step for _, step in steps])
    points = [list(point) for point, _ in steps]
    wanted = reference(points, [t / 1e9 for t in times_ns], smoothing)
    ours = OneEuro(smoothing)
    made = [
        ours.step(np.array([point], dtype=np.float32), int(t))[0] for point, t in zip(points, times_ns, strict=True)
    ]
    assert np.array(made) == pytest.approx(np.array(wanted), abs=2e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_choice_of_axes_does_not_matter(seed):
    """A turned movement is smoothed to the turned result."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    walk = np.cumsum(rng.normal(scale=0.05, size=(40, 5, 3)), axis=0).astype(np.float32)
    plain, turned = OneEuro(Smoothing(2.0, 1.0)), OneEuro(Smoothing(2.0, 1.0))
    for i, points in enumerate(walk):
        a = plain.step(points, i * STEP_NS)
        b = turned.step((points @ turn).astype(np.float32), i * STEP_NS)
        assert b == pytest.approx(a @ turn, abs=1e-4)


@pytest.mark.parametrize("speed_m_s", [0.0, 0.5, 3.0])
def test_the_delay_it_tells_is_the_delay_it_costs(speed_m_s):
    """Behind a point that moves evenly it lies by exactly delay_ms of its way."""
    ours = OneEuro(Smoothing(1.5, 1.0))
    for i in range(600):
        x = speed_m_s * i / 60
        made = ours.step(np.array([[x, 0, 0]], dtype=np.float32), i * 1_000_000_000 // 60)[0, 0]
    assert ours.delay_ms == pytest.approx(1e3 / (math.tau * (1.5 + speed_m_s)), rel=0.02)
    assert x - made == pytest.approx(speed_m_s * ours.delay_ms / 1e3, abs=2e-4)


def test_on_a_noisy_body_it_halves_the_jitter_for_thirty_milliseconds():
    """A body at 60 Hz that sways at 1 Hz by 20 cm, with 10 mm of white noise: the figure of the specification."""
    rng = np.random.default_rng(3)
    t_s = np.arange(1200) / 60
    sway = np.zeros((len(t_s), 1, 3))
    sway[:, 0, 0] = 0.2 * np.sin(math.tau * t_s)
    clean = (BODY.rest_positions + sway).astype(np.float32)  # (T, 21, 3)
    noisy = (clean + rng.normal(scale=0.01, size=clean.shape)).astype(np.float32)
    light = SMOOTHINGS["light"]
    assert light is not None
    ours, still = OneEuro(light), OneEuro(light)
    made = np.array([ours.step(points, i * STEP_NS) for i, points in enumerate(noisy)])
    smooth = np.array([still.step(points, i * STEP_NS) for i, points in enumerate(clean)])
    jitter = float(np.sqrt(np.mean((made - smooth)[120:] ** 2))) / 0.01
    wave = np.exp(-1j * math.tau * t_s[120:])
    shift = np.angle((clean[120:, 0, 0] * wave).sum()) - np.angle((made[120:, :, 0].mean(axis=1) * wave).sum())
    lag_ms = float(1e3 * shift / math.tau)
    print(f"one euro, light: jitter {jitter:.2f} of the noise, lag {lag_ms:.1f} ms")
    assert jitter <= 0.5
    assert 0 < lag_ms <= 30


def test_what_is_not_finite_keeps_its_place():
    """A point that is nowhere stays where it was, and nothing else is touched."""
    ours = OneEuro(Smoothing(5.0, 0.5))
    points = np.ones((2, 3), dtype=np.float32)
    ours.step(points, 0)
    broken = points.copy()
    broken[0, 1] = np.nan
    broken[1, 2] = np.inf
    assert ours.step(broken, STEP_NS) == pytest.approx(points)


@pytest.mark.parametrize("gap_ns", [0, -STEP_NS, 600_000_000])
def test_a_gap_and_a_clock_that_goes_back_start_anew(gap_ns):
    """The next points are taken as they are, and the delay is none."""
    ours = OneEuro(Smoothing(1.0, 0.0))
    ours.step(np.zeros((1, 3), dtype=np.float32), 10**9)
    ours.step(np.zeros((1, 3), dtype=np.float32), 10**9 + STEP_NS)
    jumped = np.full((1, 3), 2.0, dtype=np.float32)
    assert np.array_equal(ours.step(jumped, 10**9 + STEP_NS + gap_ns), jumped)
    assert ours.delay_ms == 0.0


def test_a_share_is_that_of_a_low_pass():
    """At a step of one time constant half is taken in."""
    assert share(1 / math.tau, 1.0) == pytest.approx(0.5)
