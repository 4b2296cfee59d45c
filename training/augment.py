"""Other bodies, other tempos: what a movement may look like without being another."""

from __future__ import annotations

import numpy as np

from ..engine.body import JOINT_COUNT, MIRROR
from ..engine.skeleton import Float32

_XYZ = JOINT_COUNT * 3
_ROOT = JOINT_COUNT * 4
_MIRROR = list(MIRROR)
_FLIP = np.array([-1, 1, 1], dtype=np.float32)
# Walkers left to themselves differ by about an eighth in cadence and a fifth in the width of their swings.
_TEMPO, _SIZE = 0.12, 0.2
_FLIP_ROOT = np.array([-1, 1, 1, -1, 1, 1], dtype=np.float32)


def mirror(frames: Float32) -> Float32:
    """Return the frames (T, 90) as seen in a mirror: left and right change places."""
    out = frames.copy()
    out[:, :_XYZ] = (frames[:, :_XYZ].reshape(-1, JOINT_COUNT, 3)[:, _MIRROR] * _FLIP).reshape(-1, _XYZ)
    out[:, _XYZ:_ROOT] = frames[:, _XYZ:_ROOT][:, _MIRROR]
    out[:, _ROOT:] = frames[:, _ROOT:] * _FLIP_ROOT
    return out


def retime(frames: Float32, tempo: float) -> Float32:
    """Return the frames (T, 90) played tempo times as fast."""
    t = np.arange(0.0, max(len(frames) - 1, 1), tempo)
    i = np.minimum(t.astype(int), len(frames) - 2)
    share = (t - i).astype(np.float32)[:, None]
    out = frames[i] * (1 - share) + frames[i + 1] * share
    out[:, _ROOT : _ROOT + 4] *= np.float32(tempo)
    return out.astype(np.float32, copy=False)


def _turned(yaw_rad: float, pitch_rad: float) -> Float32:
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    d, e = np.cos(pitch_rad), np.sin(pitch_rad)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32) @ np.array(
        [[1, 0, 0], [0, d, e], [0, -e, d]], np.float32
    )


def other_body(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return the frames on a body of other proportions, seen with slightly other axes, its joints placed otherwise."""
    out = frames.copy()
    points = frames[:, :_XYZ].reshape(-1, JOINT_COUNT, 3) @ _turned(rng.normal(0, 0.12), rng.normal(0, 0.07))
    points = points * np.exp(rng.normal(0, 0.06)) * np.exp(rng.normal(0, 0.06, (1, JOINT_COUNT, 1)))
    points = points + rng.normal(0, 0.015, (1, JOINT_COUNT, 3)) + rng.normal(0, 0.002 * rng.random(), points.shape)
    out[:, :_XYZ] = points.reshape(-1, _XYZ)
    return out


def other_person(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return the frames as another person might play them: her own tempo, larger or smaller, on her own body."""
    out = retime(frames, float(np.exp(rng.normal(0, _TEMPO)))).copy()
    points = out[:, :_XYZ]
    mean = points.mean(axis=0, keepdims=True)
    out[:, :_XYZ] = mean + (points - mean) * np.float32(np.exp(rng.normal(0, _SIZE)))
    return other_body(out, rng)


def hide_joints(frames: Float32, rng: np.random.Generator) -> Float32:
    """Return the frames with a few joints unknown throughout."""
    out = frames.copy()
    for joint in rng.choice(JOINT_COUNT, rng.integers(1, 5), replace=False):
        out[:, 3 * joint : 3 * joint + 3] = 0.0
        out[:, _XYZ + joint] = 0.0
    return out


def stay(frames: Float32) -> Float32:
    """Return the frames as a source gives them that knows no root motion."""
    out = frames.copy()
    out[:, _ROOT : _ROOT + 4] = 0.0
    out[:, -1] = 0.0
    return out
