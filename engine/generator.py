"""The generator: emotional motion at any rate, for ever, of one performer or of many at once.

    wishes -> commands -> network: pieces of a few frames at 30 Hz -> footing -> keys -> the frames asked for

Pure: no clock, no thread, no file. The same seed and the same wishes at the same frames give the same motion.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from ..models.primitive import Basis, Primitive
from ..models.primitive_lean import LeanPrimitive
from ..models.primitive_store import NAME, PrimitiveInfo, load_primitive
from ..models.store import WeightsProblem
from .body import BODY
from .errors import WeightsError
from .footing import RATE_HZ, Leading, Standing, place, standing_at
from .keys import between_keys, continued, orthonormal, placed
from .quaternion import Floats
from .skeleton import Float32
from .streams import GENERATED_RATE_HZ
from .wish import Wish, checked, command_of

RATES_HZ: Final = (1.0, 240.0)
_SMOOTH: Final = np.array([1, 8, 14, 8, 1], dtype=np.float32) / 32  # over keys: what the network trembles, not moves
CHANCE: Final = (0.8, 0.4)  # of the network's own spread, in place and under way, where a gait goes on by itself
_PACE: Final = 0.15  # share of a piece's speed in what is taken for the present one: about a second's worth
_AT_ONCE: Final = 0.6  # of the length of a step in which every coordinate is at its fastest: nobody moves so
_HARDLY: Final = 1.0001  # faster than the fastest is none of the network's: rounding
_SAME: Final = 1e-3  # how far what is remembered may be from what was made
_PUSH: Final = 0.5  # how much farther than asked for a change of mood goes at first
_FADING: Final = np.float32(0.7)  # what is left of that a piece later
_SPUR: Final = 1.0  # how much of the speed that lacks is asked for on top


@dataclass(frozen=True)
class GeneratorModel:
    """Hold a network with its basis and what is known of it."""

    network: Primitive
    basis: Basis
    info: PrimitiveInfo


def load_generator(name: str | Path = NAME) -> GeneratorModel:
    """Open the shipped generator by name or another by the path of its .safetensors; raises WeightsError."""
    try:
        return GeneratorModel(*load_primitive(name))
    except WeightsProblem as problem:
        raise WeightsError(problem.place, problem.problem, mend=problem.mend) from None


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold one frame of N performers: joints (N, 21, 3) world metres, rotations (N, 21, 4) local wxyz, root (N, 3)."""

    joints: Float32
    rotations: Float32
    root: Float32


class Generator:
    """Make motion of `performers` at rate_hz, a frame a call, steered by wishes.

    stage_m: radius of the stage that those who travel keep to, 0 for none. Raises ValueError for a rate or a number
    of performers that is none. `held` counts how often the network's memory was no longer what it had made and was
    restored from what was shown.
    """

    def __init__(
        self,
        model: GeneratorModel,
        *,
        performers: int = 1,
        seed: int = 0,
        rate_hz: float = GENERATED_RATE_HZ,
        stage_m: float = 0.0,
    ) -> None:
        if performers < 1 or not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
            raise ValueError(f"{performers} performers at {rate_hz} Hz ({RATES_HZ[0]:.0f} to {RATES_HZ[1]:.0f})")
        self.model = model
        self._network = LeanPrimitive(model.network, performers)
        self._n = performers
        self._seed = seed
        self._rate_hz = rate_hz
        self._stage_m = stage_m
        self._fastest: Float32 = model.network.fastest.numpy()
        self._farthest = _AT_ONCE * float(np.linalg.norm(self._fastest))
        self._wishes = [Wish()] * performers
        self._commands = np.tile(command_of(Wish(), model.info), (performers, 1))  # (N, C)
        self.reset()

    @property
    def seed(self) -> int:
        """Return the seed."""
        return self._seed

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """Return what each performer is asked for."""
        return tuple(self._wishes)

    def reset(self) -> None:
        """Begin again at the origin with the same seed; the wishes stay."""
        # a stream of chance for each performer, so that one among many moves as it would alone
        self._chance = [np.random.default_rng((self._seed, i)) for i in range(self._n)]
        self._state = self.model.network.start(self._n)
        self._standing = standing_at(self._n)
        self._tail = self._state[0][:, 1 - len(_SMOOTH) :].numpy().copy()  # (N, 4, F): of the coordinates before
        self._last = self._tail[:, -1].copy()
        self._pace: Floats = np.zeros(self._n)
        self._push = np.zeros((self._n, len(self.model.info.emotions)), dtype=np.float32)
        self._ready: deque[Frame] = deque()
        self._rotations = np.zeros((self._n, 0, len(BODY.names), 4), dtype=np.float32)  # the keys not yet used up
        self._root = np.zeros((self._n, 0, 3))
        self._first_key = 0  # the number of the first of them
        self._made = 0  # frames
        self.held = 0

    def ask(self, wish: Wish, performer: int = 0) -> None:
        """Ask a performer for something else from the next piece on; raises InputError."""
        wish = checked(wish, self.model.info.emotions)
        self._wishes[performer] = wish
        command = command_of(wish, self.model.info)
        moods = slice(len(self.model.info.emotions))
        self._push[performer] += (command - self._commands[performer])[moods]
        self._commands[performer] = command

    @property
    def is_ready(self) -> bool:
        """Tell whether the next frame is made already."""
        return bool(self._ready)

    def prepare(self) -> None:
        """Make the next frames, unless there are some; what is asked from then on shows in those after them."""
        while not self._ready:
            self._extend()
            self._interpolate()

    def step(self) -> Frame:
        """Return the next frame."""
        self.prepare()
        return self._ready.popleft()

    def take(self, frames: int) -> tuple[Float32, Float32, Float32]:
        """Return joints (N, T, 21, 3), rotations (N, T, 21, 4) and root (N, T, 3) of the next T frames."""
        made = [self.step() for _ in range(frames)]
        return (
            np.stack([each.joints for each in made], axis=1),
            np.stack([each.rotations for each in made], axis=1),
            np.stack([each.root for each in made], axis=1),
        )

    def _extend(self) -> None:
        """Make the next piece and set it on the floor."""
        network = self.model.network
        self._restore()
        noise = np.stack([each.standard_normal(network.shape.latent, dtype=np.float32) for each in self._chance])
        commands, travels = self._spurred()
        noise *= np.where(travels, CHANCE[1], CHANCE[0])[:, None]
        past = self._state[0].numpy()
        piece = self._network(np.concatenate((commands, noise), axis=1, dtype=np.float32), past)
        self._state = (torch.as_tensor(np.concatenate((past, piece), axis=1)[:, -past.shape[1] :]),)
        known = np.isfinite(piece).all(axis=(1, 2), keepdims=True)  # (N, 1, 1)
        piece = np.where(known, piece, self._tail[:, -1:])  # whoever's is no number rests, and is restored next time
        self._last = piece[:, -1]
        whole = np.concatenate((self._tail, self._no_faster(piece)), axis=1)
        self._tail = whole[:, -len(self._tail[0]) :]
        turns, features = self.model.basis.decode(_smoothed(whole, piece.shape[1]))
        facing = np.radians([wish.direction_deg for wish in self._wishes])
        leading = Leading(facing, travels, self._stage_m)
        first = self._rotations.shape[1] == 0
        before = self._standing
        rotations, root, self._standing = place(orthonormal(turns), features, self._standing, leading, first=first)
        self._follow_pace(before)
        if not first:
            rotations = continued(self._rotations[:, -1:], rotations)
        self._rotations = np.concatenate((self._rotations, rotations), axis=1)
        self._root = np.concatenate((self._root, root), axis=1)

    def _no_faster(self, piece: Float32) -> Float32:
        """Return the piece (N, K, F) no farther from frame to frame, the last one shown included, than people move.

        The network sees to that itself, unless its state was altered from outside.
        """
        steps = np.diff(piece, axis=1, prepend=self._tail[:, -1:])
        squares = (steps * steps).sum(axis=2)
        if (squares < self._farthest**2).all() and (np.abs(steps) < self._fastest * _HARDLY).all():
            return piece
        out, last = piece.copy(), self._tail[:, -1]
        for k in range(piece.shape[1]):
            step = np.clip(piece[:, k] - last, -self._fastest, self._fastest)
            length = np.sqrt((step * step).sum(axis=1, keepdims=True))  # (N, 1)
            out[:, k] = last = last + step * np.minimum(1.0, self._farthest / np.maximum(length, 1e-6))
        return out

    def _spurred(self) -> tuple[Float32, NDArray[np.bool_]]:
        """Return the commands and who travels (N,).

        More speed is asked of those who lag behind theirs, and for a moment more of a mood that is new.
        """
        commands, ahead = self._commands.copy(), self._commands[:, -2]
        travels = self._commands[:, -1] > 0
        spur = np.clip(_SPUR * (ahead - self._pace), -0.5 * np.abs(ahead), np.abs(ahead))
        commands[:, -2] = np.where(travels, ahead + spur, ahead)
        commands[:, : self._push.shape[1]] += _PUSH * self._push
        self._push *= _FADING
        return commands, travels

    def _follow_pace(self, before: Standing) -> None:
        """Take the last piece's speed ahead into the present pace (N,), in m/s."""
        moved = self._standing.root - before.root  # (N, 3)
        ahead = moved[:, 0] * np.sin(before.course) + moved[:, 2] * np.cos(before.course)
        speed = ahead * RATE_HZ / self.model.network.shape.frames
        self._pace = self._pace + _PACE * (speed - self._pace)

    def _restore(self) -> None:
        """Give those whose network remembers another last frame than was made the frames they showed instead."""
        (past,) = self._state
        same = np.abs(past[:, -1].numpy() - self._last).max(axis=1) < _SAME  # (N,): never of what is no number
        if same.all():
            return
        self.held += 1
        shown = np.concatenate((self._tail[:, ::-1], self._tail), axis=1)[:, -past.shape[1] :]
        kept = np.broadcast_to(same[:, None, None], shown.shape)
        self._state = (torch.as_tensor(np.where(kept, past.numpy(), shown)),)

    def _interpolate(self) -> None:
        """Make the frames that lie between keys whose neighbours are known, and let go of keys used up."""
        last = self._first_key + self._rotations.shape[1] - 2  # a frame needs the key after the next
        end = int(np.ceil(last * self._rate_hz / RATE_HZ - 1e-9))  # frames before this one
        if end > self._made:
            at = np.arange(self._made, end) * (RATE_HZ / self._rate_hz) - self._first_key  # (T,) in keys
            rotations, root = between_keys(self._rotations, self._root, at)
            joints, root = placed(rotations, root)
            for t in range(len(at)):
                self._ready.append(Frame(joints[:, t], rotations[:, t], root[:, t]))
            self._made = end
        used = int(self._made * RATE_HZ / self._rate_hz) - 1 - self._first_key
        if used > 0:
            used = min(used, self._rotations.shape[1] - 3)
            self._rotations, self._root = self._rotations[:, used:], self._root[:, used:]
            self._first_key += used


def _smoothed(coordinates: Float32, frames: int) -> Floats:
    """Return the last so many frames (N, K, F) of (N, 4 + K, F), each with the two before and after it."""
    smooth: Floats = np.zeros((1,), dtype=np.float32)
    for i, share in enumerate(_SMOOTH):
        smooth = smooth + share * coordinates[:, i : i + frames]
    return smooth
