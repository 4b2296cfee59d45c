"""Place the joints of a BVH file: channel values -> global positions and rotations, in the file's units and axes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.forward import BLOCK, FEW, SPREAD_VECTOR, carry, identity, place_few, turn
from ..engine.roomy import roomy
from ..engine.skeleton import Float32, Float64, Skeleton
from .bvh_file import Bvh, EndSite

_HALF: Final = np.float32(np.pi / 360.0)  # from degrees to half the angle in radians
_MANY_TURNS: Final = 3600.0  # degrees


@dataclass(frozen=True)
class Rig:
    """Know what each channel of J joints does; end sites are placed like joints without channels, behind the others.

    Position channels replace the offset, axis by axis. Rotations are multiplied in the order of their channels,
    R = R1 R2 R3, whichever axes these are. Scale channels do nothing.
    """

    skeleton: Skeleton
    channels: tuple[tuple[str, ...], ...]
    end_sites: tuple[EndSite, ...] = ()

    @cached_property
    def parents(self) -> tuple[int, ...]:
        """List the parent of each joint and end site."""
        return self.skeleton.parents + tuple(end.parent for end in self.end_sites)

    @cached_property
    def offsets(self) -> Float32:
        """Return the offset of each joint and end site, (J + E, 3)."""
        ends = np.array([end.offset for end in self.end_sites], dtype=np.float64).reshape(-1, 3)
        return np.concatenate((self.skeleton.offsets, ends)).astype(np.float32)

    @cached_property
    def moves(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """List (axis, column) of the position channels of each joint and end site."""
        return self._columns("position")

    @cached_property
    def turns(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """List (axis, column) of the rotation channels of each joint and end site."""
        return self._columns("rotation")

    def _columns(self, kind: str) -> tuple[tuple[tuple[int, int], ...], ...]:
        found: list[tuple[tuple[int, int], ...]] = []
        start = 0
        for words in self.channels:
            found.append(tuple(("XYZ".index(w[0]), start + i) for i, w in enumerate(words) if w.endswith(kind)))
            start += len(words)
        return (*found, *((),) * len(self.end_sites))

    @cached_property
    def alike(self) -> tuple[tuple[NDArray[np.intp], tuple[tuple[int, NDArray[np.intp]], ...]], ...]:
        """Group joints with the same order of axes: (joints, ((axis, their columns), ...)) of each group."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for joint, turns in enumerate(self.turns):
            groups.setdefault(tuple(axis for axis, _ in turns), []).append(joint)
        return tuple(
            (np.array(joints), tuple((a, np.array([self.turns[j][i][1] for j in joints])) for i, a in enumerate(axes)))
            for axes, joints in groups.items()
            if axes
        )

    def place(self, motion: Float64) -> tuple[Float32, Float32]:
        """Return positions (T, J + E, 3) and global rotations (T, J + E, 4) wxyz of rows (T, C), float32."""
        frames, nodes = len(motion), len(self.parents)
        if frames <= FEW:
            return place_few(self.parents, self._offsets_of(motion), self._rotations_of(motion))
        positions, rotations = roomy((frames, nodes, 3)), roomy((frames, nodes, 4))
        q, p = roomy((nodes, 6, min(frames, BLOCK))), roomy((nodes, 3, min(frames, BLOCK)))
        for at in range(0, frames, BLOCK):
            part = slice(at, at + BLOCK)
            rows = motion[part]
            self._place_block(rows, q[:, :, : len(rows)], p[:, :, : len(rows)])
            positions[part] = p[:, :, : len(rows)].transpose(2, 0, 1)
            rotations[part] = q[:, :4, : len(rows)].transpose(2, 0, 1)
        return positions, rotations

    def _place_block(self, motion: Float64, q: Float32, p: Float32) -> None:
        """Place the rows of one block, component by component: spread rotations q (J + E, 6, T), positions p."""
        frames = len(motion)
        columns = self._unwound(motion).T.astype(np.float32, order="C")  # (C, T)
        still, ground = identity(frames), np.zeros((3, frames), dtype=np.float32)
        spare = (np.empty_like(still), np.empty_like(still))
        for node, parent in enumerate(self.parents):
            above = still if parent < 0 else q[parent]
            carry(above, self._offset(node, columns), ground if parent < 0 else p[parent], p[node])
            turns = self.turns[node]
            for i, (axis, column) in enumerate(turns):
                half = columns[column] * _HALF
                out = q[node] if i == len(turns) - 1 else spare[i % 2]
                turn(above, axis, np.cos(half), np.sin(half), out)
                above = out
            if not turns:
                q[node] = above

    def _offset(self, node: int, columns: Float32) -> Float32:
        """Return the spread offset of a node: (5, T) where channels move it, (5, 1) where none do."""
        moves = self.moves[node]
        offset = self.offsets[node, :, None]  # (3, 1)
        if moves:
            offset = np.repeat(offset, columns.shape[1], axis=1)
            for axis, column in moves:
                offset[axis] = columns[column]
        return offset[SPREAD_VECTOR, :]

    def _offsets_of(self, motion: Float64) -> Float32:
        """Return the offsets (T, J + E, 3) of few frames."""
        offsets = np.repeat(self.offsets[None], len(motion), axis=0)
        nodes, axes, columns = self._moved
        offsets[:, nodes, axes] = motion[:, columns]
        return offsets

    @cached_property
    def _moved(self) -> tuple[list[int], list[int], list[int]]:
        """List node, axis and column of every position channel."""
        moved = [(node, axis, column) for node, moves in enumerate(self.moves) for axis, column in moves]
        return [m[0] for m in moved], [m[1] for m in moved], [m[2] for m in moved]

    def _rotations_of(self, motion: Float64) -> Float32:
        """Return the local rotations (T, J + E, 4) of few frames."""
        frames = len(motion)
        half = self._unwound(motion).astype(np.float32) * _HALF  # (T, C)
        cosines, sines = np.cos(half), np.sin(half)
        local = np.zeros((frames, len(self.parents), 4), dtype=np.float32)
        local[..., 0] = 1.0
        for joints, turns in self.alike:
            q = identity(frames * len(joints))
            for axis, columns in turns:
                turned = np.empty_like(q)
                turn(q, axis, cosines[:, columns].ravel(), sines[:, columns].ravel(), turned)
                q = turned
            local[:, joints] = q[:4].T.reshape(frames, len(joints), 4)
        return local

    def _unwound(self, motion: Float64) -> Float64:
        """Return rows (T, C) without angles so large that float32 would lose their digits to whole turns."""
        if not motion.size or (motion.max() <= _MANY_TURNS and motion.min() >= -_MANY_TURNS):
            return motion
        large = np.flatnonzero((np.abs(motion) > _MANY_TURNS).any(axis=0) & self._turning)
        motion = motion.copy()
        motion[:, large] = np.fmod(motion[:, large], 720.0)  # half of it is a whole turn
        return motion

    @cached_property
    def _turning(self) -> NDArray[np.bool_]:
        """Tell which columns (C,) are angles."""
        return np.array([word.endswith("rotation") for words in self.channels for word in words])


def forward(bvh: Bvh, *, frames: slice = slice(None), end_sites: bool = False) -> tuple[Float32, Float32]:
    """Return where the joints are: positions (T, J, 3) and global rotations (T, J, 4) wxyz, float32, in file units.

    frames: which frames, all unless told. end_sites: whether those follow behind the joints, in their order.
    """
    return Rig(bvh.skeleton, bvh.channels, bvh.end_sites if end_sites else ()).place(bvh.motion[frames])
