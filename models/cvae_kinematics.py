"""Forward kinematics that gradients flow through, on the body whose offsets a network brings with it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .graph import JOINTS, PARENTS, mirror_partners

ROTATIONS = len(JOINTS) * 6
POSE = ROTATIONS + 4  # numbers a frame: local rotations as sixes, then place x and z, heading, height
_SIX_SIGNS = (1.0, -1.0, -1.0, -1.0, 1.0, 1.0)  # of the first two columns, seen in a mirror that turns x about
_PLACE_SIGNS = (-1.0, 1.0, -1.0, 1.0)


def depths() -> list[tuple[list[int], list[int]]]:
    """Return joints and their parents, depth by depth below the root."""
    depth = [0] * len(PARENTS)
    for joint, parent in enumerate(PARENTS):
        depth[joint] = depth[parent] + 1 if parent >= 0 else 0
    found: list[tuple[list[int], list[int]]] = []
    for d in range(1, max(depth) + 1):
        joints = [joint for joint in range(len(PARENTS)) if depth[joint] == d]
        found.append((joints, [PARENTS[joint] for joint in joints]))
    return found


_DEPTHS = depths()


def matrices(six: Tensor) -> Tensor:
    """Return rotation matrices (..., 3, 3) of six numbers (..., 6), made orthonormal (Zhou et al., CVPR 2019)."""
    x = functional.normalize(six[..., :3], dim=-1, eps=1e-6)
    y = six[..., 3:] - (x * six[..., 3:]).sum(dim=-1, keepdim=True) * x
    y = functional.normalize(y, dim=-1, eps=1e-6)
    z = torch.stack(
        (
            x[..., 1] * y[..., 2] - x[..., 2] * y[..., 1],
            x[..., 2] * y[..., 0] - x[..., 0] * y[..., 2],
            x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0],
        ),
        dim=-1,
    )
    return torch.stack((x, y, z), dim=-1)


def about_up(heading: Tensor) -> Tensor:
    """Return matrices (..., 3, 3) that turn by headings (...) about +y."""
    sine, cosine, zero = heading.sin(), heading.cos(), torch.zeros_like(heading)
    rows = (cosine, zero, sine, zero, torch.ones_like(heading), zero, -sine, zero, cosine)
    return torch.stack(rows, dim=-1).reshape(*heading.shape, 3, 3)


def body_positions(pose: Tensor, offsets: Tensor) -> Tensor:
    """Return joints (..., 21, 3) about the root in the heading frame, of poses (..., 130) and offsets (21, 3)."""
    local = matrices(pose[..., :ROTATIONS].reshape(*pose.shape[:-1], len(JOINTS), 6))  # (..., 21, 3, 3)
    turned: list[Tensor] = [local[..., joint, :, :] for joint in range(len(JOINTS))]
    places: list[Tensor] = [torch.zeros_like(turned[0][..., 0]) for _ in JOINTS]
    for joints, above in _DEPTHS:
        parents = torch.stack([turned[parent] for parent in above], dim=-3)  # (..., n, 3, 3)
        stood = torch.stack([places[parent] for parent in above], dim=-2)  # (..., n, 3)
        found = stood + (parents @ offsets[joints][..., None])[..., 0]
        globals_ = parents @ local[..., joints, :, :]
        for i, joint in enumerate(joints):
            turned[joint], places[joint] = globals_[..., i, :, :], found[..., i, :]
    return torch.stack(places, dim=-2)


def world_positions(pose: Tensor, offsets: Tensor) -> Tensor:
    """Return joints (..., 21, 3) in metres, in the heading frame of the first frame."""
    about_root = body_positions(pose, offsets) @ about_up(pose[..., -2]).transpose(-1, -2)  # (..., 21, 3)
    root = torch.stack((pose[..., -4], pose[..., -1], pose[..., -3]), dim=-1)
    return about_root + root[..., None, :]


def leverage(offsets: Tensor) -> Tensor:
    """Return how far (130,) the joints move, in the mean, by one unit of each number of a pose: root mean squares.

    Errors of the hips' turn carry the whole body along, those of a wrist only the hand: weighed so, errors of
    rotations are very nearly errors of places.
    """
    rest = torch.zeros(len(JOINTS), 3)
    for joint, parent in enumerate(PARENTS):
        rest[joint] = offsets[joint] + (rest[parent] if parent >= 0 else 0)
    reach = torch.zeros(len(JOINTS))
    for tip in range(len(JOINTS)):
        joint = PARENTS[tip]
        while joint >= 0:
            reach[joint] += (rest[tip] - rest[joint]).square().sum()
            joint = PARENTS[joint]
    turning = (reach / len(JOINTS)).sqrt().clamp(min=0.02).repeat_interleave(6)
    return torch.cat((turning, torch.tensor([1.0, 1.0, 0.5, 1.0])))


def mirrored(pose: Tensor) -> Tensor:
    """Return poses (..., 130) as seen in a mirror: left and right exchanged, everything else the other way about."""
    partners = list(mirror_partners(JOINTS))
    sixes = pose[..., :ROTATIONS].reshape(*pose.shape[:-1], len(JOINTS), 6)[..., partners, :] * torch.tensor(_SIX_SIGNS)
    return torch.cat((sixes.flatten(-2), pose[..., ROTATIONS:] * torch.tensor(_PLACE_SIGNS)), dim=-1)
