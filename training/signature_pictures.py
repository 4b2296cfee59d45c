"""A map of signatures as pictures, each a PNG in a data address, so that a report is one file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..engine.errors import MissingPackageError
from ..engine.signature_tally import LEVELS
from ..engine.skeleton import Float64
from .signature_map import SignatureMap

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Twelve colours that differ for colour-blind eyes too (Paul Tol's "muted", and three more), and as many marks.
_COLOURS: Final = (
    "#332288", "#cc6677", "#117733", "#ddaa33", "#88ccee", "#882255",
    "#44aa99", "#999933", "#aa4499", "#661100", "#6699cc", "#777777",
)  # fmt: skip
_MARKS: Final = "os^DvP*Xh<>p"
_WITHIN: Final = 5.991  # the chi-squared of two degrees of freedom that holds 95 %
NAMED: Final = 30  # takes whose names stand beside their points


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; raises MissingPackageError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPackageError("matplotlib", "train") from None
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG, the same bytes for the same figure."""
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def as_address(png: bytes) -> str:
    """Return a PNG as a data address."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def groups_of(found: SignatureMap) -> tuple[str, ...]:
    """Return what the takes are coloured by: emotion where it is said, else person, else their cluster."""
    for labels in (found.labels.emotion, found.labels.person):
        if any(labels):
            return tuple(label or "(not said)" for label in labels)
    return tuple(f"cluster {k + 1}" for k in found.clusters.tolist())


def draw_plane(found: SignatureMap, groups: Sequence[str] | None = None) -> Figure:
    """Draw the plane: a point a take, an ellipse a group that holds 95 % of one normally spread, its centre named."""
    groups = groups or groups_of(found)
    points = found.plane.points
    spans = np.maximum(np.ptp(points, axis=0), 1e-9)
    figure = new_figure(9.5, 1.8 + 6.2 * float(np.clip(1.2 * spans[1] / spans[0], 0.35, 1.0)))
    axes = figure.subplots()
    for i, group in enumerate(dict.fromkeys(groups)):
        here = points[[g == group for g in groups]]
        colour = _COLOURS[i % len(_COLOURS)]
        axes.scatter(*here.T, s=42, c=colour, marker=_MARKS[i % len(_MARKS)], label=group, alpha=0.85, linewidths=0)
        _ellipse(axes, here, colour)
    if len(points) <= NAMED:
        for name, (x, y) in zip(found.names, points, strict=True):
            axes.annotate(name, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7, color="#555")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(f"distance, {found.unit}")
    axes.set_title(f"{len(points)} takes by the distance of their signatures; stress {found.plane.stress:.3f}")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    _quiet(axes)
    return figure


def ellipse_of(points: Float64) -> tuple[Float64, float, float, float] | None:
    """Return centre, two axes and the angle in degrees of the ellipse of points (n, 2); None for fewer than three."""
    if len(points) < 3:
        return None
    values, vectors = np.linalg.eigh(np.cov(points.T))
    wide, narrow = (2 * float(np.sqrt(max(v, 0.0) * _WITHIN)) for v in values[::-1])
    angle = float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
    return points.mean(axis=0), wide, narrow, angle


def _ellipse(axes: Any, points: Float64, colour: str) -> None:
    from matplotlib.patches import Ellipse

    found = ellipse_of(points)
    if found is None:
        return
    centre, wide, narrow, angle = found
    at = (float(centre[0]), float(centre[1]))
    axes.add_patch(Ellipse(at, wide, narrow, angle=angle, facecolor=colour, alpha=0.08, edgecolor="none"))
    axes.add_patch(Ellipse(at, wide, narrow, angle=angle, facecolor="none", edgecolor=colour, alpha=0.6))
    axes.plot(*at, marker="+", color=colour, markersize=12)


def draw_matrix(found: SignatureMap) -> Figure:
    """Draw the distance matrix in the order of the tree, the tree beside it."""
    from scipy.cluster.hierarchy import dendrogram

    figure = new_figure(9.5, 7.0)
    above, below = figure.subplots(2, 1, height_ratios=(1, 3.2))
    groups = groups_of(found)
    label = [f"{n}" if len(groups) <= NAMED else g for n, g in zip(found.names, groups, strict=True)]
    tree = dendrogram(found.tree, no_plot=True, color_threshold=0)
    for x, y in zip(tree["icoord"], tree["dcoord"], strict=True):
        above.plot(x, y, color="#555", linewidth=1.0)
    above.set_xticks([])
    above.margins(x=0.0)
    order = tree["leaves"]
    matrix = found.matrix[np.ix_(order, order)]
    image = below.imshow(matrix, cmap="magma_r", interpolation="nearest", aspect="auto")
    below.set_xticks([])
    below.set_yticks(range(len(order)), [label[i] for i in order], fontsize=5 if len(order) > NAMED else 8)
    figure.colorbar(image, ax=below, label=f"{found.metric}, {found.unit}")
    above.set_title(f"hierarchical clustering (average linkage; cophenetic correlation {found.cophenetic:.2f})")
    _quiet(above)
    return figure


def draw_parts(found: SignatureMap) -> Figure:
    """Draw the mean quantile function of each group, part by part: what the distance is the area between."""
    groups, names = groups_of(found), found.definition.groups[:6]
    figure = new_figure(9.5, 2.6 * ((len(names) + 2) // 3))
    levels = (LEVELS[1:] + LEVELS[:-1]) / 2
    quantiles = np.stack([made.quantiles for made in found.signatures])  # (N, G, K)
    for i, name in enumerate(names):
        axes = figure.add_subplot((len(names) + 2) // 3, 3, i + 1)
        for k, group in enumerate(dict.fromkeys(groups)):
            mine = quantiles[[g == group for g in groups], i]
            mine = mine[~np.isnan(mine[:, 0])]
            if len(mine):
                axes.plot(levels, mine.mean(axis=0), color=_COLOURS[k % len(_COLOURS)], label=group, linewidth=1.3)
        axes.set_title(name, fontsize=9)
        axes.set_ylabel(found.definition.unit, fontsize=8)
        axes.set_xlabel("share of the samples below", fontsize=8)
        if not found.definition.signed and found.definition.scale == "linear":
            axes.set_yscale("symlog", linthresh=found.definition.noise * 10)
        _quiet(axes)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6), fontsize=8, frameon=False)
    return figure


def draw_choice(found: SignatureMap) -> Figure:
    """Draw silhouette and gap against the number of clusters."""
    figure = new_figure(9.5, 2.8)
    left, right = figure.subplots(1, 2)
    choice = found.choice
    left.plot(list(choice.silhouettes), list(choice.silhouettes.values()), "o-", color=_COLOURS[0])
    left.axhline(0.25, color="#999", linewidth=0.8, linestyle=":")
    left.set_title(f"silhouette: {choice.by_silhouette}", fontsize=9)
    gaps = choice.gaps
    right.errorbar(
        list(gaps), [g for g, _ in gaps.values()], [e for _, e in gaps.values()], fmt="o-", color=_COLOURS[2]
    )
    right.set_title(f"gap: {choice.by_gap}", fontsize=9)
    left.set_ylim(min(-0.1, *choice.silhouettes.values(), 0.0), 1.0)
    for axes in (left, right):
        axes.set_xlabel("clusters", fontsize=8)
        _quiet(axes)
    return figure


def _quiet(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)


def pictures(found: SignatureMap) -> Sequence[tuple[str, bytes]]:
    """Return all pictures of a map, each with its title."""
    drawn = [
        ("The plane", draw_plane(found)),
        ("All distances", draw_matrix(found)),
        ("What is compared", draw_parts(found)),
        ("How many clusters", draw_choice(found)),
    ]
    if any(found.labels.emotion) and any(found.labels.person):
        persons = tuple(person or "(not said)" for person in found.labels.person)
        drawn.insert(1, ("The plane by person", draw_plane(found, persons)))
    return [(title, as_png(figure)) for title, figure in drawn]
