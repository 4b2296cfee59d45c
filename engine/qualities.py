"""Movement qualities: how a body moves, with no emotion inferred.

All in 0..1, from the first frame on, whatever the body's size, place and heading. v, a, j, s: first to fourth
differences of the joints about the hips, weighted by the mass that moves with them (Winter); <> is an exponential mean.

energy          kinetic energy of the limbs about the hips and of the body with them, as the speed it is that of, u,
                in body heights a second: u / (u + 0.3). (Piana et al., Adaptive body gesture representation for
                automatic emotion recognition, ACM TiiS 2016; Camurri et al., Recognizing emotion from dance movement,
                IJHCS 2003, call its picture counterpart quantity of motion.)
smoothness      log dimensionless jerk (Balasubramanian et al., On the analysis of movement smoothness, JNER 2015) with
                one second as the duration and the mean square as the speed: 4 ln(2 pi f), f = (<j2> / <v2>)^1/4 / 2 pi,
                the frequency of the sine that is as jerky; 1 / (1 + (f / 2 Hz)^2). Size has no part in it.
fluidity        smooth is how the way is gone, fluid that it goes on: without stops, and through the limbs (Piana et
                al., Movement fluidity analysis based on performance and perception, CHI EA 2016: energy propagates
                along the kinematic chains). Continuity <speed>^2 / <speed^2> of each joint, times the likeness
                (cosine) of the speeds of neighbours along each limb.
contraction     contraction index (Camurri et al. 2003, there by the silhouette): spread of hands, elbows, feet, knees
                and head about their centre, beside that of the T-pose; 0 spread to a star, 1 crouched to a ball.
symmetry        mean of two: how near the limbs are to the mirror image of each other, and how evenly left and right
                share the motion 2 sqrt(l r) / (l + r). (Piana et al. 2016.)
impulsiveness   energy that rises without preparation (Niewiadomski et al., Automated detection of impulsive movements
                in HCI, CHItaly 2015): (fast - slow) / (fast + slow) of means over 0.1 s and 1 s; fades over 0.5 s.
verticality     1 with the trunk upright, falling with its angle to 0 where it is level or upside down.
pace            how often a second the motion turns, f = (<a2> / <v2>)^1/2 / 2 pi (Rice, Mathematical analysis of random
                noise, 1944): f / (f + 1.5 Hz).

The sensor's own trembling is taken off: were it white, its variance would be <s2> / 70, and v2, a2, j2 hold 2, 6 and 20
times that. A body at rest is neither smooth nor unsmooth, fluid nor halting: both are a half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from .body import HEIGHT_M, JOINT_COUNT
from .pose import Pose
from .qualities_body import (
    CHILDREN,
    LIMB_SHARE,
    PARENTS,
    REST_SPREAD,
    lean_rad,
    lopsidedness,
    motion_weights,
    spread,
    stature_m,
)
from .skeleton import Float32
from .streams import MODEL_RATE_HZ

# Rows make first to fourth differences of five frames, the newest last.
_DIFFERENCES: Final = np.array(
    [[0, 0, 0, -1, 1], [0, 0, 1, -2, 1], [0, -1, 3, -3, 1], [1, -4, 6, -4, 1]], dtype=np.float32
)
_FRAMES: Final = 5
_NOISE: Final = (2 / 70, 6 / 70, 20 / 70)  # share of <s2> that white noise puts into <v2>, <a2>, <j2>

_EVEN_SPEED: Final = 0.3  # body heights a second at which energy is a half: an unhurried walk, gestures with both arms
_STILL_SPEED: Final = 0.01  # body heights a second: sway of a body that stands still
_BURST_SPEED: Final = 0.05  # body heights a second below which nothing is impulsive
_EVEN_JERK_HZ: Final = 2.0
_EVEN_PACE_HZ: Final = 1.5
_NOISE_DOUBT: Final = 0.25  # share of the noise by which smoothness is less sure
_WIDEST, _NARROWEST = 1.05, 0.35  # spread of a star and of a ball beside that of the T-pose
_LOPSIDED: Final = 0.2  # body heights off the mirror image at which the posture is half symmetric
_SIZE_EVERY: Final = 16  # frames between two measurements of a stature that is known
_ROOT_HALF: Final = math.sqrt(0.5)


class Qualities:
    """Measure the movement qualities of one stream, frame by frame; memory and time a frame are constant.

    rate_hz: of the poses, one a period. Joints with confidence 0 do not count, nor do their jumps as they come and go.
    """

    def __init__(self, rate_hz: float = MODEL_RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self._fast, self._medium, self._slow = (1 - math.exp(-1 / (rate_hz * s)) for s in (0.1, 0.3, 1.0))
        self._fade = math.exp(-1 / (rate_hz * 0.5))
        self._even_jerk = (2 * math.pi * _EVEN_JERK_HZ / rate_hz) ** 4  # <j2> / <v2> where smoothness is a half
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._count = 0
        self._history = np.zeros((_FRAMES, JOINT_COUNT * 3), dtype=np.float32)
        self._confidence_bytes = b""
        self._known = self._counting = np.ones(JOINT_COUNT, dtype=np.bool_)
        self._steady = 0
        self._weigh()
        self._height_m, self._measured = HEIGHT_M, 0
        self._energies = [0.0, 0.0, 0.0]  # means over 0.1, 0.3 and 1 s, in body heights a second, squared
        self._energy2 = self._burst = 0.0
        self._moments = np.zeros((4, 4))  # <v2>, <a2>, <j2>, <s2>, of limbs, hips, left, right, in metres a frame
        self._flow = np.zeros(2 * JOINT_COUNT + len(PARENTS), dtype=np.float32)
        self._flow_now = np.zeros_like(self._flow)

    def step(self, pose: Pose) -> Mapping[str, float]:
        """Take the next pose and return the qualities by name, each in 0..1."""
        self._count += 1
        positions = pose.positions
        about_hips = positions - positions[0]  # (21, 3)
        self._see(pose.confidence)
        if not pose.interpolated:  # bones shorten on the straight way between two poses
            self._measure(positions)
        self._move(about_hips, positions)
        limbs, _, left, right = self._moments.T.tolist()
        still = (_STILL_SPEED * self._height_m / self.rate_hz) ** 2
        return {
            "energy": self._energy(),
            "smoothness": self._smoothness(limbs, still),
            "fluidity": self._fluidity(still),
            "contraction": self._contraction(about_hips),
            "symmetry": self._symmetry(about_hips, left, right, still),
            "impulsiveness": self._burst,
            "verticality": max(1 - lean_rad(about_hips) / (math.pi / 2), 0.0),
            "pace": self._pace(limbs, still),
        }

    def _see(self, confidence: Float32) -> None:
        """Let only joints count that were known in all the frames that the differences span."""
        as_bytes = confidence.tobytes()
        self._steady += 1
        if as_bytes != self._confidence_bytes:
            self._confidence_bytes = as_bytes
            known = confidence > 0
            if not np.array_equal(known, self._known):
                self._counting = known if self._count == 1 else self._counting & known
                self._known, self._steady = known, 1
                self._weigh()
        if self._steady == _FRAMES and self._counting is not self._known:
            self._counting = self._known
            self._weigh()

    def _weigh(self) -> None:
        self._weights = motion_weights(self._counting)  # (21, 4)
        self._along = self._weights[CHILDREN, 0] * self._counting[PARENTS]  # (17,)

    def _measure(self, positions: Float32) -> None:
        """Take the stature of this frame into its mean, in the first frames and now and then."""
        if self._measured >= _SIZE_EVERY and self._count % _SIZE_EVERY:
            return
        height_m = stature_m(positions, self._known)
        if height_m > 0:
            self._measured = min(self._measured + 1, 10 * _SIZE_EVERY)
            self._height_m += (height_m - self._height_m) / self._measured

    def _move(self, about_hips: Float32, positions: Float32) -> None:
        """Take one frame into the means of motion."""
        history = self._history
        history[:-1] = history[1:]
        newest = history[-1]
        newest[:] = about_hips.ravel()
        newest[:3] = positions[0]
        if self._count == 1:
            history[:] = newest
            return
        differences = _DIFFERENCES.dot(history).reshape(4, JOINT_COUNT, 3)
        squares = np.einsum("kjc,kjc->kj", differences, differences)  # (4, 21)
        moments = squares.dot(self._weights)  # (4, 4)
        if self._count >= _FRAMES:
            gain = max(self._slow, 1 / (self._count - _FRAMES + 1))
            self._moments += (moments - self._moments) * gain
            self._flow_on(squares[0], gain)
        self._rise(*moments[0, :2].tolist())

    def _flow_on(self, squares: Float32, gain: float) -> None:
        """Take speeds, their squares and their products along the limbs into their means."""
        now = self._flow_now
        speeds = np.sqrt(squares)  # (21,), metres a frame
        now[:JOINT_COUNT] = speeds
        now[JOINT_COUNT : 2 * JOINT_COUNT] = squares
        now[2 * JOINT_COUNT :] = speeds.take(PARENTS) * speeds.take(CHILDREN)
        now -= self._flow
        now *= gain
        self._flow += now

    def _rise(self, limbs: float, hips: float) -> None:
        """Take the energy of one frame, v2 of limbs and hips, into its means, and see whether it rose suddenly."""
        scale = (self.rate_hz / self._height_m) ** 2
        limb_noise, hip_noise = self._moments[3, :2].tolist()
        noise = _NOISE[0] * (LIMB_SHARE * limb_noise + hip_noise) * scale
        now = (LIMB_SHARE * limbs + hips) * scale
        first = 1 / (self._count - 1)
        for i, share in enumerate((self._fast, self._medium, self._slow)):
            self._energies[i] += (now - self._energies[i]) * max(share, first)
        fast, self._energy2, slow = (max(mean - noise, 0.0) for mean in self._energies)
        self._burst = max((fast - slow) / (fast + slow + noise + _BURST_SPEED**2), self._burst * self._fade)

    def _energy(self) -> float:
        speed = math.sqrt(self._energy2)
        return speed / (speed + _EVEN_SPEED)

    def _smoothness(self, moments: list[float], still: float) -> float:
        """Return 1 / (1 + (f / 2 Hz)^2), f^4 by <j2> / <v2> without the noise, the nearer to a half the less moves."""
        v2, _, j2, s2 = moments
        speed = max(v2 - _NOISE[0] * s2, 0.0)
        jerk = max(j2 - _NOISE[2] * s2, 0.0)
        sure = speed / (speed + still + _NOISE_DOUBT * _NOISE[0] * s2)
        return 0.5 + sure * (1 / (1 + math.sqrt(jerk / (speed * self._even_jerk))) - 0.5) if sure > 0 else 0.5

    def _pace(self, moments: list[float], still: float) -> float:
        v2, a2, _, s2 = moments
        turns = max(a2 - _NOISE[1] * s2, 0.0) / (max(v2 - _NOISE[0] * s2, 0.0) + still)
        pace_hz = math.sqrt(turns) * self.rate_hz / (2 * math.pi)
        return pace_hz / (pace_hz + _EVEN_PACE_HZ)

    def _fluidity(self, still: float) -> float:
        speeds, squares = self._flow[:JOINT_COUNT], self._flow[JOINT_COUNT : 2 * JOINT_COUNT]
        weights = self._weights[:, 0]
        even = _ROOT_HALF * still
        going = (float(weights.dot(speeds * speeds)) + even) / (float(weights.dot(squares)) + still)
        both = np.sqrt(squares.take(PARENTS) * squares.take(CHILDREN))
        together = (float(self._along.dot(self._flow[2 * JOINT_COUNT :])) + even) / (
            float(self._along.dot(both)) + still
        )
        return min(going * together, 1.0)

    def _contraction(self, about_hips: Float32) -> float:
        wide = spread(about_hips) / (self._height_m * REST_SPREAD)
        return min(max((_WIDEST - wide) / (_WIDEST - _NARROWEST), 0.0), 1.0)

    def _symmetry(self, about_hips: Float32, left: list[float], right: list[float], still: float) -> float:
        off = lopsidedness(about_hips) / (self._height_m * _LOPSIDED)
        each = [max(side[0] - _NOISE[0] * side[3], 0.0) + still for side in (left, right)]
        return 0.5 / (1 + off * off) + math.sqrt(each[0] * each[1]) / (each[0] + each[1])
