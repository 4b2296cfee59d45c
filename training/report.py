"""Figures as tables: for a terminal, for the model card, and as stored beside the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..engine.errors import DataError
from ..models.store import FOLDER
from .evaluate import EvaluationReport

TITLES: Final = {
    "content": "content left out: 63 clips, six labels, one activity a fold",
    "family": "family of activities left out: 63 clips, six labels, three folds",
    "gaits": "zero-shot: 120 gaits of 30 other people, intended label, four labels",
}
PEERS: Final = {"content": 0.810, "family": 0.508, "gaits": 0.439}  # best of the peers on the same folds
_ROWS: Final = (
    ("clip accuracy", "accuracy"),
    ("clip macro-F1", "macro_f1"),
    ("five classes, no neutral", "five_classes"),
    ("window accuracy", "window_accuracy"),
    ("window macro-F1", "window_macro_f1"),
    ("ECE, clips", "ece_clips"),
    ("ECE, clips: perfectly calibrated would show", "ece_clips_floor"),
    ("ECE, windows", "ece_windows"),
    ("ECE, windows: perfectly calibrated would show", "ece_windows_floor"),
)

Row = tuple[str, ...]


def stored_path(model: str) -> Path:
    """Return where the figures of a shipped model are kept."""
    return FOLDER / f"{model}.evaluation.json"


def store(report: EvaluationReport, path: Path) -> None:
    """Write the figures as JSON."""
    path.write_text(json.dumps(report.to_dict(), indent=1) + "\n", encoding="utf-8")


def shown(model: str) -> EvaluationReport:
    """Return the figures stored with a shipped model; raises DataError where there are none."""
    path = stored_path(model)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return EvaluationReport(
            said["model"], said["command"], tuple(said["seeds"]), said["minutes"], dict(said["protocols"])
        )
    except OSError:
        raise DataError(str(path), "is missing", mend=f"emotus evaluate {model}") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(str(path), "holds no figures", mend=f"emotus evaluate {model}") from None


def to_tables(report: EvaluationReport) -> list[tuple[str, list[Row]]]:
    """Return titled tables, the first row of each its heading."""
    tables = [
        table for name, title in TITLES.items() if name in report.protocols for table in _protocol(report, name, title)
    ]
    if "strange" in report.protocols:
        rows = [(kind, f"{share:.3f}") for kind, share in report.protocols["strange"].items()]
        tables.append(("what is no performance, answered `unknown` as strange after 3 s", [("kind", "share"), *rows]))
    if "leaky" in report.protocols:
        leaky = report.protocols["leaky"]
        rows = [("windows", str(leaky["windows"])), ("window accuracy", f"{leaky['window_accuracy']:.3f}")]
        tables.append(
            ("the leaky twin: random overlapping windows, every clip on both sides; never quote it", [("", ""), *rows])
        )
    return tables


def _protocol(report: EvaluationReport, name: str, title: str) -> list[tuple[str, list[Row]]]:
    found: Mapping[str, Any] = report.protocols[name]
    rows: list[Row] = [("", "ours", "deviation over seeds")]
    rows += [(words, f"{found[key][0]:.3f}", f"{found[key][1]:.3f}") for words, key in _ROWS if key in found]
    rows += [
        ("best peer, clip accuracy", f"{PEERS[name]:.3f}", ""),
        ("chance", f"{found['chance']:.3f}", ""),
        ("best constant", f"{found['best_constant']:.3f}", ""),
    ]
    rows += [(f"recall of {label}", f"{recall:.3f}", "") for label, recall in found["recalls"].items()]
    answered = found["answered"]
    rows += [
        ("windows answered, not `unknown`", f"{answered['share']:.3f}", ""),
        ("accuracy of those", f"{answered['accuracy']:.3f}", ""),
        ("windows rejected as strange", f"{answered['rejected_as_strange']:.3f}", ""),
    ]
    return [(title, rows), (f"{title}: the answer sharpens", _evidence(found["evidence"]))]


def _evidence(found: Mapping[str, Mapping[str, float]]) -> list[Row]:
    head: Row = ("seen", "clips so long", "accuracy", "ECE", "perfectly calibrated would show")
    return [
        head,
        *(
            (f"{seconds} s", str(v["clips"]), f"{v['accuracy']:.3f}", f"{v['ece']:.3f}", f"{v['ece_floor']:.3f}")
            for seconds, v in found.items()
        ),
    ]


def to_text(report: EvaluationReport) -> str:
    """Return the tables for a terminal."""
    parts = [_headline(report)]
    for title, rows in to_tables(report):
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        parts.append("\n".join((title, *(f"  {line}" for line in lines if line))))
    return "\n\n".join(parts)


def to_markdown(report: EvaluationReport) -> str:
    """Return the tables for the model card."""
    parts = [_headline(report)]
    for title, rows in to_tables(report):
        lines = [_line(rows[0]), _line(["---"] * len(rows[0])), *(_line(row) for row in rows[1:])]
        parts.append("\n".join((f"**{title[0].upper()}{title[1:]}**", "", *lines)))
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _headline(report: EvaluationReport) -> str:
    return f"`{report.command}`, seeds {', '.join(map(str, report.seeds))}, {report.minutes:g} minutes."
