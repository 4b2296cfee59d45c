"""The report of a measured recogniser: lines for a terminal, and one HTML file without an outside link."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import numpy as np

from ..engine.errors import MissingPackageError

Row = tuple[str, ...]
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;"
    "text-align:left}td+td{font-variant-numeric:tabular-nums}img{max-width:100%}.warn{background:#fff3cd;padding:.6rem}"
)


def rows_of(said: dict[str, Any]) -> list[Row]:
    """Return the figures as name, value and deviation."""
    f = said["figures"]
    low, high = f["interval"]

    def spread(name: str, key: str) -> Row:
        return (name, f"{f[key][0]:.3f}", f"+- {f[key][1]:.3f} over seeds")

    over_folds = f["accuracy_over_folds"]
    return [
        ("accuracy, mean of folds", f"{over_folds[0]:.3f}", f"+- {over_folds[1]:.3f} over folds and seeds"),
        ("accuracy, pooled", f"{f['accuracy'][0]:.3f}", f"95 % {low:.3f} to {high:.3f} (bootstrap)"),
        ("majority; chance", f"{f['majority']:.3f}; {f['chance']:.3f}", "always the commonest class; a fair die"),
        spread("macro-F1", "macro_f1"),
        ("macro-F1 of the majority", f"{f['majority_macro_f1']:.3f}", ""),
        spread("mAP", "map"),
        spread("ECE before the temperature", "ece_before"),
        spread("ECE after the temperature", "ece_after"),
        ("ECE that perfect calibration would show", f"{f['ece_floor']:.3f}", "so few clips say no better"),
    ]


def class_rows(said: dict[str, Any]) -> list[Row]:
    """Return the figures of each class under a heading."""
    head: Row = ("class", "clips", "precision", "recall", "F1", "AP")
    keys = ("precision", "recall", "f1", "average_precision")
    found = said["figures"]["per_class"].items()
    return [head, *((name, str(c["clips"]), *(f"{c[key]:.3f}" for key in keys)) for name, c in found)]


def coverage_rows(said: dict[str, Any]) -> list[Row]:
    """Return how often the surest answers are right, under a heading."""
    head: Row = ("answered", "right of these", "confidence from")
    found = said["figures"]["coverage"]
    return [head, *((f"{c['coverage']:.2f}", f"{c['accuracy']:.3f}", f"{c['threshold']:.3f}") for c in found)]


def extras(said: dict[str, Any]) -> list[str]:
    """Return what else is to be told, a sentence each: the leaky twin, the comparison, the skipped files."""
    out: list[str] = []
    if "leaky_twin" in said:
        leaky = said["leaky_twin"]
        out.append(
            f"LEAKY TWIN, never to be quoted: {leaky['accuracy']:.3f} on {leaky['windows']} windows dealt at random, "
            "so that clips or performers are on both sides. It shows what a careless split pretends."
        )
    if "against" in said:
        a = said["against"]
        test, right = a["mcnemar"], a["accuracy"]
        out.append(
            f"Against {a['model']} on the same {a['clips']} clips: {right['this']:.3f} and {right['other']:.3f}; only "
            f"this one right {test['only_this']}, only the other {test['only_other']}, McNemar p = {test['p']:.3f}."
        )
    if said["skipped"]:
        out.append(f"{len(said['skipped'])} files skipped: " + "; ".join(said["skipped"]))
    return out


def title_of(said: dict[str, Any]) -> str:
    """Return the headline."""
    f = said["figures"]
    counted = f"{f['clips']} clips, {f['folds']} folds, {len(f['seeds'])} seeds"
    return f"{said['model']} on {said['data']}, {said['protocol']}: {counted}"


def to_text(said: dict[str, Any]) -> str:
    """Return the report for a terminal."""
    parts = [title_of(said), f"  {said['command']}", _aligned(rows_of(said))]
    parts += [
        _aligned(class_rows(said)),
        "coverage against accuracy, the unsure left out:",
        _aligned(coverage_rows(said)),
    ]
    return "\n".join([*parts, *extras(said)])


def to_html(said: dict[str, Any]) -> str:
    """Return the report as one file; raises MissingPackageError without matplotlib."""
    warn = "".join(f'<p class="warn">{escape(line)}</p>' for line in extras(said))
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title_of(said))}</title>"
        f"<style>{_STYLE}</style><h1>{escape(title_of(said))}</h1><p><code>{escape(said['command'])}</code></p>"
        "<p>What is read is apparent expression, on clips whose group was left out of all training and all choice.</p>"
        f"{warn}{_table(rows_of(said), head=False)}<h2>Classes</h2>{_table(class_rows(said))}"
        f"<h2>Confusion</h2>{_picture(_confusion, said, 'Rows: the label. Columns: the answer.')}"
        f"<h2>Reliability</h2>{_picture(_reliability, said, 'Confidence against accuracy, equally many clips a bin.')}"
        f"<h2>Coverage against accuracy</h2>{_table(coverage_rows(said))}</html>\n"
    )


def _aligned(rows: Sequence[Row]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(f"  {line}" for line in lines)


def _table(rows: Sequence[Row], *, head: bool = True) -> str:
    lines: list[str] = []
    for i, row in enumerate(rows):
        tag = "th" if head and i == 0 else "td"
        lines.append("<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>")
    return f"<table>{''.join(lines)}</table>"


def _picture(draw: Any, said: dict[str, Any], words: str) -> str:
    """Return a drawing as an embedded picture, the same bytes for the same figures."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPackageError("matplotlib", "train") from None
    figure = Figure(figsize=(5.6, 4.4), layout="constrained")
    draw(figure.add_subplot(), said)
    kept = io.BytesIO()
    figure.savefig(kept, format="png", dpi=110, metadata={"Software": None})
    picture = base64.b64encode(kept.getvalue()).decode()
    return f'<img alt="{escape(words)}" src="data:image/png;base64,{picture}"><p>{words}</p>'


def _confusion(axes: Any, said: dict[str, Any]) -> None:
    table = np.array(said["figures"]["confusion"], dtype=float)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    places = range(len(said["labels"]))
    axes.set_xticks(places, said["labels"], rotation=30)
    axes.set_yticks(places, said["labels"])
    axes.set(xlabel="answer", ylabel="label")
    for i, j in np.ndindex(*shares.shape):
        axes.text(j, i, f"{shares[i, j]:.2f}", ha="center", va="center", color="w" if shares[i, j] > 0.5 else "k")


def _reliability(axes: Any, said: dict[str, Any]) -> None:
    probs = np.array([clip["probs"] for clip in said["clips"]])
    right = np.array([said["labels"][int(p.argmax())] == c["label"] for p, c in zip(probs, said["clips"], strict=True)])
    sure = probs.max(axis=1)
    bins = np.array_split(np.argsort(sure, kind="stable"), min(10, len(sure)))
    axes.plot([0, 1], [0, 1], "--", color="gray", label="perfectly calibrated")
    axes.plot([sure[b].mean() for b in bins], [right[b].mean() for b in bins], "o-", label=said["model"])
    axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
