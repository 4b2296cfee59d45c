"""Motion as strips of stick figures, and the plane as a grid of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..engine.body import BODY
from ..engine.skeleton import Float32
from ..sensors.bvh import Bvh, EndSite
from ..sensors.bvh_writer import save_bvh
from .generation_data import take_of
from .generation_finish import footed, smoothed
from .generation_sources import plane_poses
from .motion_data import GeneratedTake
from .signature_pictures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..models.cvae_generator import MovementGenerator

GRID: Final = tuple(np.linspace(-1.0, 1.0, 7).round(3).tolist())
_LEFT, _RIGHT, _TRUNK = "#cc6677", "#332288", "#555555"
_ENDS: Final = {"Head": (0.0, 0.18, 0.0), "LeftHand": (0.17, 0.0, 0.0), "RightHand": (-0.17, 0.0, 0.0),
                "LeftToes": (0.0, 0.0, 0.07), "RightToes": (0.0, 0.0, 0.07)}  # fmt: skip


def strips(rows: Mapping[str, GeneratedTake], figures: int = 9, title: str = "") -> Figure:
    """Draw takes one below the other, each as so many moments of it from left to right, seen from before her."""
    figure = new_figure(9.5, 1.35 * len(rows) + 0.4)
    every = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, (name, take) in zip(every, rows.items(), strict=True):
        at = np.linspace(0, len(take.root) - 1, figures).round().astype(int)
        for k, frame in enumerate(at):
            body = _seen(take.positions[frame], take.root[frame])
            _stick(axes, body + np.array([1.0 * k, 0.0]))
        axes.set_xlim(-0.7, figures - 0.3)
        axes.set_ylim(-0.05, 1.95)
        axes.set_aspect("equal")
        axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        _bare(axes)
    if title:
        figure.suptitle(title, fontsize=9)
    return figure


def grid(model: MovementGenerator, seed: int = 1) -> Figure:
    """Draw the plane: one movement moved to 7 x 7 places, each place as three moments of it."""
    figure = new_figure(8.2, 8.2)
    cells = figure.subplots(7, 7)
    for row, arousal in enumerate(reversed(GRID)):
        for column, valence in enumerate(GRID):
            axes: Any = cells[row][column]
            take = at_place(model, valence, arousal, seed)
            for k, frame in enumerate((8, 28, 48)):
                _stick(axes, _seen(take.positions[frame], take.root[frame]) + np.array([0.8 * k, 0.0]), 0.9)
            axes.set_xlim(-0.7, 2.3)
            axes.set_ylim(-0.1, 2.0)
            axes.set_aspect("equal")
            _bare(axes)
            if row == 6:
                axes.set_xlabel(f"{valence:+.2f}", fontsize=7)
            if column == 0:
                axes.set_ylabel(f"{arousal:+.2f}", fontsize=7)
    figure.supxlabel("valence", fontsize=9)
    figure.supylabel("arousal", fontsize=9)
    return figure


def at_place(model: MovementGenerator, valence: float, arousal: float, seed: int) -> GeneratedTake:
    """Return a neutral movement of a seed moved to a place of the plane."""
    poses = plane_poses(model, valence, arousal, [seed])[0]
    return footed(take_of(smoothed(poses), emotion="", intensity=1.0, seed=seed, model="manifold"))


def write_grid(model: MovementGenerator, folder: Path, seed: int = 1) -> list[Path]:
    """Write the 49 movements of the plane as BVH files, in centimetres; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for valence in GRID:
        for arousal in GRID:
            path = folder / f"valence{valence:+.2f}_arousal{arousal:+.2f}.bvh"
            write_take(at_place(model, valence, arousal, seed), path)
            paths.append(path)
    return paths


def write_take(take: GeneratedTake, path: Path) -> None:
    """Write a take as BVH of our body, in centimetres; raises BvhError."""
    skeleton = type(BODY)(BODY.names, BODY.parents, BODY.offsets * 100.0)
    ends = tuple(EndSite(BODY.index[name], _hundred(offset)) for name, offset in _ENDS.items())
    root = take.root.astype(np.float64) * 100.0
    bvh = Bvh.from_rotations(
        skeleton, root, take.rotations, frame_time_s=1.0 / take.rate_hz, end_sites=ends, place=str(path)
    )
    save_bvh(bvh, path)


def _hundred(offset: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = offset
    return (100 * x, 100 * y, 100 * z)


def intensity_lines(found: Mapping[str, Any]) -> Figure:
    """Draw the judge's probability of each emotion over intensity."""
    figure = new_figure(6.5, 3.6)
    axes = figure.subplots()
    for emotion, values in found["probability"].items():
        axes.plot(found["intensities"], values, marker="o", ms=3, label=emotion)
    axes.axvline(1.0, color="#aaa", lw=0.8)
    axes.set_xlabel("intensity asked for")
    axes.set_ylabel("judge's probability of it")
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    return figure


def confusions(named: Mapping[str, Any], labels: Sequence[str]) -> Figure:
    """Draw confusion matrices side by side, rows what was meant."""
    figure = new_figure(3.4 * len(named), 3.4)
    every = figure.subplots(1, len(named), squeeze=False)[0]
    for axes, (name, matrix) in zip(every, named.items(), strict=True):
        axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
        for i, row in enumerate(matrix):
            for j, share in enumerate(row):
                axes.text(j, i, f"{share:.2f}", ha="center", va="center", fontsize=6,
                          color="white" if share > 0.6 else "black")  # fmt: skip
        axes.set_xticks(range(len(labels)), labels, rotation=60, fontsize=7)
        axes.set_yticks(range(len(labels)), labels, fontsize=7)
        axes.set_title(name, fontsize=8)
    return figure


def _seen(body: Float32, root: Float32) -> Float32:
    """Return joints (21, 2) as an onlooker sees them who walks along before her, half from the side."""
    about = body - root * np.array([1, 0, 1], dtype=np.float32)
    hips = body[13] - body[17]  # from the right hip to the left
    heading = float(np.arctan2(-hips[2], hips[0])) + 0.6
    across = about[:, 0] * np.cos(heading) - about[:, 2] * np.sin(heading)
    return np.stack((across, about[:, 1]), axis=1).astype(np.float32)


def _stick(axes: Any, body: Float32, width: float = 1.2) -> None:
    for parent, joint in BODY.edges:
        name = BODY.names[joint]
        colour = _LEFT if name.startswith("Left") else _RIGHT if name.startswith("Right") else _TRUNK
        axes.plot(*body[[parent, joint]].T, color=colour, lw=width, solid_capstyle="round")
    axes.plot(*(body[4] + [0, 0.09]), "o", color=_TRUNK, ms=3.2 * width)


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
