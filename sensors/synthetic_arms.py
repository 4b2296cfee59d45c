"""What the arms of the synthetic performer do: they swing against the legs, and now and then make a gesture."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..engine.skeleton import Float64
from .synthetic_blend import smoothstep
from .synthetic_gait import Cycle
from .synthetic_turns import chain, mirror, turn

GESTURE_EVERY_S: Final = 7.0
_RISE_S: Final = 0.9  # of a gesture; a sharp one takes half of it
_HELD_S: Final = 2.3
_TAU: Final = 2.0 * np.pi

Arm = tuple[Float64, Float64, Float64, Float64]


def arm(cycle: Cycle, side: int, seed: int) -> Arm:
    """Return the local rotations (T, 3, 3) of shoulder, upper arm, lower arm and hand; side +1 left, -1 right."""
    s = cycle.style
    amount = gesture(cycle, side, seed)
    beat = s["gesture_beat"] * np.sin(_TAU * cycle.beats)
    wave = swing_wave(cycle, side)
    flexion = _mix(amount, s["arm_flexion"] + s["arm_swing"] * wave, s["gesture_flexion"] + 0.3 * beat)
    abduction = _mix(amount, s["arm_abduction"], s["gesture_abduction"] + 0.2 * beat)
    twist = _mix(amount, s["arm_twist"], s["gesture_twist"])
    elbow = _mix(amount, s["elbow"] + s["elbow_swing"] * 0.5 * (1.0 + wave), s["gesture_elbow"] + beat)
    lift = s["shoulder_raise"] + 0.12 * amount * np.maximum(abduction - 0.8, 0.0) + 0.6 * breathing(cycle)
    shoulder = turn(2, lift) @ turn(1, -s["shoulder_forward"])
    upper = chain([turn(0, -flexion), turn(2, abduction - 0.5 * np.pi), turn(0, twist)])
    left = (shoulder, upper, turn(1, -elbow), turn(1, -0.15 - 0.1 * wave))
    return left if side > 0 else (mirror(left[0]), mirror(left[1]), mirror(left[2]), mirror(left[3]))


def swing_wave(cycle: Cycle, side: int) -> Float64:
    """Return -1..1, forward positive: a sine for a soft swing, nearly a square for a sharp one."""
    wave = -side * np.cos(_TAU * cycle.phase - 0.25)
    steep = 0.05 + 2.2 * cycle.style["sharp"]
    return np.tanh(steep * wave) / np.tanh(steep)


def breathing(cycle: Cycle) -> Float64:
    """Return the breath in radians of chest movement, in positive."""
    return cycle.style["breath"] * np.sin(_TAU * cycle.breaths)


def gesture(cycle: Cycle, side: int, seed: int) -> Float64:
    """Return how far this arm is in a gesture, 0..1."""
    slot = np.floor(cycle.t_s / GESTURE_EVERY_S)
    plans = {each: _plan(int(each), seed) for each in np.unique(slot)}
    starts = np.array([plans[each][0] for each in slot])
    leads = np.array([plans[each][1] == side for each in slot])
    into_s = cycle.t_s - slot * GESTURE_EVERY_S - starts
    rise_s = _RISE_S * (1.0 - 0.5 * cycle.style["sharp"])
    shown = smoothstep(into_s / rise_s) * (1.0 - smoothstep((into_s - _HELD_S) / rise_s))
    return cycle.style["gesture"] * np.where(leads, 1.0, cycle.style["gesture_both"]) * shown


def _plan(slot: int, seed: int) -> tuple[float, int]:
    """Return when in its slot a gesture begins, in seconds, and which arm leads it."""
    rng = np.random.default_rng([seed, slot % 2**32])
    return float(rng.uniform(0.6, 1.6)), int(rng.choice((-1, 1)))


def _mix(share: Float64, one: Float64, other: Float64) -> Float64:
    return (1.0 - share) * one + share * other
