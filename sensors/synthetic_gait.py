"""Where a walker's phase, path and feet are at each moment: footsteps are planned, so a planted foot never slides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..engine.body import BODY, JOINT_INDEX
from ..engine.skeleton import Float64
from .synthetic_blend import blend, smoothstep
from .synthetic_styles import FIELDS
from .synthetic_turns import turn

CIRCLE_M: Final = 1.5  # radius of the circle walked
_BLOCK: Final = 256
_PAST_S: Final = 5.0
_MID_STANCE: Final = 0.26  # share of the cycle after landing at which the body passes over the foot
_LANDED: Final = 0.12  # share of the cycle that the sole takes to come down
_TOE: Final = BODY.offsets[JOINT_INDEX["LeftToes"]]  # ankle to ball of the foot
_BALL_HEIGHT_M: Final = float(BODY.rest_positions[JOINT_INDEX["LeftToes"], 1])
_HEEL_TO_BALL: Final = np.array([0.0, _BALL_HEIGHT_M, _TOE[2] + 0.05])
_STRIKE: Final = 0.24  # radians that the toes point up when the heel lands, at a stride of 1.2 m

Styles = Mapping[str, Float64]


@dataclass(frozen=True, slots=True)
class Cycle:
    """Hold T moments of the walk: time, gait cycles and metres since the start, breaths, beats, and the style."""

    t_s: Float64
    phase: Float64
    arc_m: Float64
    breaths: Float64
    beats: Float64
    style: Styles


@dataclass(frozen=True, slots=True)
class Foot:
    """Hold one foot at T moments: ankle (T, 3), its heading and its pitch (toes down positive) in radians."""

    ankle: Float64
    yaw: Float64
    pitch: Float64
    heel_rise: Float64


class Track:
    """Run phase and path on, on a fixed grid of times, as far ahead as the footsteps need; keeps 5 s of the past."""

    def __init__(self, rows: Float64, step_s: float) -> None:
        self._rows = rows
        self._step_s = step_s
        self.reset()

    def reset(self) -> None:
        """Go back to the start."""
        self._first = -round(_PAST_S / self._step_s)  # index of the first moment kept; moment 0 is t = 0
        self._grid = np.zeros((5, 1))  # time, phase, arc, breaths, beats
        self._grid[0, 0] = self._first * self._step_s
        self._walked = 0.0  # phase before hesitation

    def cycle(self, start: int, count: int) -> Cycle:
        """Return the moments start .. start + count, and forget those long before them."""
        while self._first + self._grid.shape[1] < start + count:
            self._extend()
        part = self._grid[:, start - self._first : start - self._first + count]
        return Cycle(*part, style=self.style(part[0]))

    def forget_before(self, start: int) -> None:
        """Drop the moments that no foot at or after start can ask for."""
        gone = start - round(_PAST_S / self._step_s) - self._first
        if gone > 0:
            self._grid = self._grid[:, gone:]
            self._first += gone

    def style(self, t_s: Float64) -> Styles:
        """Return each field of the style at the times t_s."""
        return dict(zip(FIELDS, blend(self._rows, t_s).T, strict=True))

    def when(self, phase: Float64) -> tuple[Float64, Float64]:
        """Return time and arc at which the walk reaches each phase."""
        while self._grid[1, -1] < phase.max():
            self._extend()
        time, phases, arc, *_ = self._grid
        return np.interp(phase, phases, time), np.interp(phase, phases, arc)

    def _extend(self) -> None:
        """Add a block of moments."""
        last = self._grid[:, -1]
        t = np.asarray((self._first + self._grid.shape[1] + np.arange(_BLOCK)) * self._step_s, dtype=np.float64)
        style = self.style(t)
        walked = self._walked + np.cumsum(style["cadence_hz"]) * self._step_s
        drawn_out = style["hesitation"] * np.sin(4.0 * np.pi * (walked - 0.06)) / (4.0 * np.pi)
        phase = walked - drawn_out  # slow in both double supports, which centre on phases 0.06 and 0.56
        arc = last[2] + np.cumsum(style["stride_m"] * np.diff(phase, prepend=last[1]))
        breaths = last[3] + np.cumsum(style["breath_hz"]) * self._step_s
        beats = last[4] + np.cumsum(style["gesture_beat_hz"]) * self._step_s
        self._walked = float(walked[-1])
        self._grid = np.concatenate([self._grid, np.stack([t, phase, arc, breaths, beats])], axis=1)


def on_path(arc_m: Float64) -> tuple[Float64, Float64]:
    """Return position (T, 3) and heading (T,) at each length along the circle, which is walked leftwards."""
    yaw = arc_m / CIRCLE_M
    return CIRCLE_M * np.stack([-np.cos(yaw), np.zeros_like(yaw), np.sin(yaw)], axis=1), yaw


def foot(track: Track, cycle: Cycle, side: int) -> Foot:
    """Return where a foot is: side +1 left, -1 right; planted for the duty share of its cycle, swung for the rest."""
    style = cycle.style
    own = cycle.phase if side > 0 else cycle.phase - 0.5
    index = np.floor(own)
    share = own - index  # of this foot's cycle
    swing = np.clip((share - style["duty"]) / (1.0 - style["duty"]), 0.0, 1.0)
    moved = swing**2 * (6.0 - 8.0 * swing + 3.0 * swing**2)  # rests at both ends, fastest a third of the way
    old, old_yaw = _prints(track, index, side)
    new, new_yaw = _prints(track, index + 1.0, side)
    yaw = old_yaw + moved * (new_yaw - old_yaw)
    rise, strike = _pitches(share, style)
    ball = old + moved[:, None] * (new - old)  # (T, 3)
    ball[:, 1] += _BALL_HEIGHT_M + style["clearance_m"] * 16.0 * swing**2 * (1.0 - swing) ** 2
    heading = turn(1, yaw)
    ball += (heading @ _about_heel(strike)[..., None])[..., 0]
    ankle = ball - (heading @ turn(0, rise - strike)) @ _TOE
    return Foot(ankle, yaw, rise - strike, rise)


def _prints(track: Track, index: Float64, side: int) -> tuple[Float64, Float64]:
    """Return where on the floor the ball of the foot stands in its index-th stance, (T, 3), and its heading (T,)."""
    stances, which = np.unique(index, return_inverse=True)
    t, arc = track.when(stances + _MID_STANCE + (0.0 if side > 0 else 0.5))
    style = track.style(t)
    centre, yaw = on_path(arc)
    left = np.stack([np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=1)
    centre += side * 0.5 * style["step_width_m"][:, None] * left
    yaw = yaw + side * style["toe_out"]
    ball = centre + _TOE[2] * np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=1)
    return ball[which], yaw[which]


def _pitches(share: Float64, style: Styles) -> tuple[Float64, Float64]:
    """Return how far the heel has risen about the ball, and the toes about the heel, in radians."""
    duty = style["duty"]
    off, peak = 0.6 * duty, duty + 0.03
    up = smoothstep((share - off) / (peak - off))
    back = smoothstep((share - peak) / 0.22)
    rise = style["heel_rise"] * up * (1.0 - back)
    amount = _STRIKE * np.minimum(style["stride_m"] / 1.2, 1.2)
    strike = amount * (smoothstep((share - duty - 0.12) / (0.86 - duty)) + 1.0 - smoothstep(share / _LANDED))
    return rise, strike


def _about_heel(strike: Float64) -> Float64:
    """Return how far the ball of the foot leaves its print, (T, 3), while the foot turns about its heel."""
    return turn(0, -strike) @ _HEEL_TO_BALL - _HEEL_TO_BALL
