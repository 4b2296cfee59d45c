"""Streaming features: what the body does, frame by frame, and its moments over the last seconds.

Angles, distances, places and inclinations with their mean and deviation; speeds, accelerations and jerks with three
power means each (their ratios tell of cadence and suddenness). Logarithms turn the tempo of an activity, which
multiplies every speed, into an offset. After Roether et al., Journal of Vision 2009, and Piana et al., 2014.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from .base import State
from .feature_table import MOVERS, feature_table
from .graph import JOINTS, by_joint
from .moments import DecayedMoments

_J = len(JOINTS)
LAG = 2  # frames between the points of a finite difference: half the noise of neighbours
HISTORY = 3 * LAG
_LEAST_VARIANCE = 1e-3
_DIFFERENCES = ((1, -1, 0, 0), (1, -2, 1, 0), (1, -3, 3, -1))  # of positions now and 1 to 3 LAGs ago
_STILL = (1e-3, 1e-1, 1e1)  # squared speed, acceleration and jerk, in body lengths, below which all is stillness
_STILL_ROOT = (1e-3, 1e-3, 1e-3, 1e-2)  # the same of the root: sideways, up, forward, and its turning


class MotionFeatures(nn.Module):
    """Map frames (N, 90) to F features of the motion so far; every number in float64, so that long streams stay exact.

    rate_hz: frames a second. memories_s: time constants of the moments. prior_frames: how many frames the moments of
    the training data weigh, which stand in until there is evidence.
    """

    vectors: Tensor
    even: Tensor
    odd: Tensor
    static_joints: Tensor
    movers: Tensor
    mover_joints: Tensor
    whole: Tensor
    differences: Tensor
    still: Tensor
    still_root: Tensor
    at_firsts: Tensor
    at_seconds: Tensor
    at_lengths: Tensor
    at_places: Tensor
    at_units: Tensor
    at_extent: Tensor

    def __init__(self, rate_hz: float, memories_s: tuple[float, ...], prior_frames: float) -> None:
        super().__init__()
        table = feature_table()
        self.rate_hz = rate_hz
        for name in ("vectors", "even", "odd", "static_joints", "movers"):
            self.register_buffer(name, getattr(table, name), persistent=False)
        for name in ("firsts", "seconds", "lengths", "places", "units", "extent"):
            self.register_buffer(f"at_{name}", torch.tensor(getattr(table, name)), persistent=False)
        self.register_buffer("mover_joints", table.movers.gt(0).double().T, persistent=False)
        steps = torch.tensor(_DIFFERENCES, dtype=torch.float64) * (rate_hz / LAG) ** torch.arange(1, 4)[:, None]
        self.register_buffer("differences", steps, persistent=False)
        self.register_buffer("still", torch.tensor(_STILL, dtype=torch.float64)[:, None], persistent=False)
        self.register_buffer("still_root", torch.tensor(_STILL_ROOT, dtype=torch.float64), persistent=False)
        self.static_count = len(table.even) + len(table.odd) + 5
        self.kinetic_count = 3 * (len(table.movers) + 1) + 4
        count = 2 * self.static_count + 3 * self.kinetic_count
        self.moments = DecayedMoments(count, tuple(s * rate_hz for s in memories_s), prior_frames)
        self.feature_count = len(memories_s) * count
        log, groups = 2 * self.static_count, list(MOVERS)
        ups = log + 3 * (len(groups) + 1) + 1
        self.context_columns = (log + groups.index("*Hand"), log + groups.index("*Foot"), ups)  # and the root, up
        self.register_buffer("whole", torch.tensor(self._whole_body(count, len(memories_s))), persistent=False)

    def _whole_body(self, count: int, memories: int) -> list[int]:
        """Return which features tell of the whole body's speed, acceleration and jerk, whatever its posture."""
        groups, k = len(self.movers), self.kinetic_count
        orders = [groups + order * (groups + 1) for order in range(3)]
        start = 2 * self.static_count
        return [m * count + start + power * k + at for m in range(memories) for power in range(3) for at in orders]

    def start(self, n: int) -> State:
        """Return the state of n streams: positions and flags of the last frames, then the moments."""
        return torch.zeros(n, HISTORY, _J * 4, dtype=torch.float64), *self.moments.start(n)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, T, 90) to features (N, T, F)."""
        return self.finish(self.moments(*self.observe_all(x)))

    def observe_all(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the observations of every frame of sequences (N, T, 90), and which are valid: (N, T, U) each."""
        n, t, _ = x.shape
        past = torch.zeros(n, HISTORY, _J * 4, dtype=torch.float64)
        body = torch.cat((past, x[..., : _J * 4].double()), dim=1)  # (N, HISTORY + T, 84)
        return self.observe(x.double(), [body[:, HISTORY - k * LAG :][:, :t] for k in range(4)])

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Map one frame (N, 90) to features (N, F) and the next state."""
        past, *moments = state
        now = x[:, None, : _J * 4].double()
        back = [now[:, 0], *(past[:, HISTORY - k * LAG] for k in range(1, 4))]
        answer, after = self.moments.step(*self.observe(x.double(), back), tuple(moments))
        return self.finish(answer), (torch.cat((past[:, 1:], now), dim=1), *after)

    def observe(self, x: Tensor, back: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return this frame's observations (..., U) and which of them are valid (..., U), 1 or 0.

        back: positions and flags (..., 84) now and LAG, 2 LAG and 3 LAG frames ago.
        """
        static, known = self._static(x)
        kinetic, seen = self._kinetic(x, back)
        observed = torch.cat((static, static * static, torch.log1p(kinetic), kinetic, kinetic * kinetic), dim=-1)
        return observed, torch.cat((known, known, seen, seen, seen), dim=-1)

    def _static(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return angles, distances, places, inclinations, extents, contraction and hip height, folded over sides."""
        points = by_joint(x[..., : _J * 3], 3)  # (..., 21, 3)
        vectors = self.vectors @ points  # (..., B, 3)
        lengths = vectors.square().sum(-1).add(1e-8).sqrt()  # (..., B)
        units = vectors / lengths[..., None]
        cosines = (units.index_select(-2, self.at_firsts) * units.index_select(-2, self.at_seconds)).sum(-1)
        angles = _angles(cosines.clamp(-0.9999, 0.9999))
        places = vectors.index_select(-2, self.at_places).flatten(-2)
        inclinations = units.index_select(-2, self.at_units).flatten(-2)
        q = torch.cat((angles, lengths.index_select(-1, self.at_lengths), places, inclinations), dim=-1)  # (..., Q)
        whole = points.index_select(-2, self.at_extent)
        extents = whole.amax(-2) - whole.amin(-2)  # (..., 3)
        spread = (whole - whole.mean(-2, keepdim=True)).square().sum((-1, -2)).div(len(self.at_extent)).add(1e-8).sqrt()
        folded = (q @ self.even.T, (q @ self.odd.T).abs(), extents, spread[..., None], x[..., -2:-1])
        missing = (1.0 - x[..., _J * 3 : _J * 4]) @ self.static_joints.T
        return torch.cat(folded, dim=-1), (missing < 0.5).double()

    def _kinetic(self, x: Tensor, back: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return squared speeds, accelerations and jerks of the groups and of all, and the root's squared speeds."""
        stack = torch.stack(back, dim=-2)  # (..., 4, 84)
        moved = by_joint(self.differences @ stack[..., : _J * 3], 3).square().sum(-1)  # (..., 3, 21)
        newest, older, old, oldest = stack[..., _J * 3 :].unbind(-2)
        pair = newest * older
        seen = torch.stack((pair, pair * old, pair * old * oldest), dim=-2)  # (..., 3, 21)
        share = ((1.0 - seen) @ self.mover_joints < 0.5).double()  # (..., 3, groups)
        grouped = (moved * seen) @ self.movers.T / self.still
        whole = (grouped * share).mean(-1, keepdim=True)
        squares = torch.cat((grouped, whole), dim=-1).flatten(-2)
        valid = torch.cat((share, share.amin(-1, keepdim=True)), dim=-1).flatten(-2)
        root, travels = x[..., -6:-2].square() / self.still_root, x[..., -1:].expand(*x.shape[:-1], 4)
        return torch.cat((squares, root), dim=-1), torch.cat((valid, travels), dim=-1)

    def finish(self, moments: Tensor) -> Tensor:
        """Turn moments (..., M, U) into features (..., F): means, log deviations, log power means."""
        s, k = self.static_count, self.kinetic_count
        ends = (0, s, 2 * s, 2 * s + k, 2 * s + 2 * k, 2 * s + 3 * k)
        mean, square, log, power, fourth = (moments[..., a:b] for a, b in itertools.pairwise(ends))
        deviation = torch.log((square - mean * mean).clamp(min=0.0) + _LEAST_VARIANCE) * 0.5
        powers = torch.log1p(power.clamp(min=0.0)), torch.log1p(fourth.clamp(min=0.0)) * 0.5
        return torch.cat((mean, deviation, log, *powers), dim=-1).flatten(-2)  # (..., M, U) -> (..., M * U)


def _angles(cosines: Tensor) -> Tensor:
    """Return the angles of cosines; other runtimes know arc cosines of single precision only."""
    return torch.acos(cosines.float()).double() if torch.compiler.is_exporting() else torch.acos(cosines)
