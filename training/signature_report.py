"""A map of signatures as one HTML file: no link, no script, every picture inside."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from .signature_map import SignatureMap
from .signature_pictures import as_address, groups_of, pictures
from .signature_stats import Answer

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
img { max-width: 100%; height: auto } table { border-collapse: collapse; font-size: 13px; margin: .6rem 0 }
td, th { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: right }
td:first-child, th:first-child { text-align: left } .note { color: #555 }
@media (prefers-color-scheme: dark) { body { background: #fff } }
"""
_TRUST: Final = (
    "A signature tells how bodies move. It may tell persons apart, and it does not tell what anybody feels: an "
    "emotion here is the label that a recording was given."
)

_DISTANCES: Final = {
    "wasserstein": "1-D Wasserstein of each part, averaged over the parts known in both",
    "learned": "Euclidean, of what the learned signature makes of postures and movements; it has no unit",
}


def write_report(found: SignatureMap, path: Path) -> None:
    """Write the report of a map."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_html(found), encoding="utf-8")


def to_html(found: SignatureMap) -> str:
    """Return the report of a map as one HTML page."""
    drawn = [
        f'<h2>{html.escape(title)}</h2><img alt="{html.escape(title)}" src="{as_address(png)}">'
        for title, png in pictures(found)
    ]
    body = [
        "<h1>Motor signatures</h1>",
        f'<p class="note">{html.escape(_TRUST)}</p>',
        _table(("", ""), _facts(found)),
        "<h2>Two questions</h2>",
        _questions(found.answers),
        drawn[0],
        *drawn[1:],
        "<h2>Groups</h2>",
        _table(("group", "takes", "mean distance within", "to the others"), _groups(found)),
        "<h2>Takes</h2>",
        _table(("take", "emotion", "person", "x", "y", "cluster", "branch", "seconds", "independent frames"),
               _takes(found)),
    ]  # fmt: skip
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Motor signatures</title><style>{_STYLE}</style>'
    )
    return head + "\n".join(body) + "</html>\n"


def _facts(found: SignatureMap) -> list[tuple[str, str]]:
    choice = found.choice
    return [
        ("takes", str(len(found.takes))),
        ("definition", f"{found.definition.id}; {found.definition.unit}"),
        ("kept as", found.kept),
        ("distance", _DISTANCES[found.metric]),
        ("stress of the plane (Kruskal's stress-1)", f"{found.plane.stress:.3f}"),
        ("clusters by k-means", f"{choice.by_silhouette} by silhouette, {choice.by_gap} by the gap statistic"),
        ("cophenetic correlation of the tree", f"{found.cophenetic:.3f}"),
        ("agreement of k-means and tree (adjusted Rand)", f"{_agreement(found):.3f}"),
    ]


def _agreement(found: SignatureMap) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(found.clusters, found.branches))


def _questions(answers: Sequence[Answer]) -> str:
    if not answers:
        return (
            '<p class="note">No take has a label, or all have the same: nothing can be asked (--group, --labels).</p>'
        )
    head = ("question", "within", "between", "pairs", "AUC", "Cliff's d", "Hedges' g", "difference (95 %)",
            "p, permutation", "p, Mann-Whitney")  # fmt: skip
    rows = [
        (a.question, f"{a.within:.3f}", f"{a.between:.3f}", f"{a.pairs_within} / {a.pairs_between}", f"{a.auc:.3f}",
         f"{a.cliff:+.3f}", f"{a.hedges:+.2f}", f"{a.difference:+.3f} ({a.low:+.3f} to {a.high:+.3f})",
         f"{a.p_permutation:.4f}", f"{a.p_mann_whitney:.2g}")
        for a in answers
    ]  # fmt: skip
    note = (
        "AUC: the chance that a pair of the same label is nearer than a pair of two; 0.5 is chance. The interval draws "
        "whole takes, the permutation exchanges their labels. Pairs share takes, so Mann-Whitney is too sure of itself."
    )
    return _table(head, rows) + f'<p class="note">{html.escape(note)}</p>'


def _groups(found: SignatureMap) -> list[tuple[str, ...]]:
    groups = np.array(groups_of(found))
    matrix = found.matrix
    rows: list[tuple[str, ...]] = []
    for group in dict.fromkeys(groups.tolist()):
        mine = groups == group
        n = int(mine.sum())
        within = f"{matrix[np.ix_(mine, mine)].sum() / (n * (n - 1)):.3f}" if n > 1 else "-"
        others = f"{matrix[np.ix_(mine, ~mine)].mean():.3f}" if n < len(groups) else "-"
        rows.append((group, str(n), within, others))
    return rows


def _takes(found: SignatureMap) -> Iterable[tuple[str, ...]]:
    for i, made in enumerate(found.signatures):
        x, y = found.plane.points[i]
        yield (
            made.name, found.labels.emotion[i], found.labels.person[i], f"{x:.3f}", f"{y:.3f}",
            str(found.clusters[i] + 1), str(found.branches[i] + 1), f"{made.seconds:.1f}", f"{made.effective:.0f}",
        )  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{html.escape(word)}</th>" for word in head)
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table><tr>{cells}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
