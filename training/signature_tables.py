"""A map of signatures as tables: CSV files that R and every spreadsheet open."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..engine.signature_tally import LEVELS
from .signature_map import SignatureMap

Cell = str | int | float


def write_tables(found: SignatureMap, folder: Path) -> list[Path]:
    """Write distances, pairs, points, quantiles, clusters and tests as CSV (RFC 4180, UTF-8, points for decimals)."""
    tables = {
        "distances": _distances(found),
        "pairs": _pairs(found),
        "points": _points(found),
        "quantiles": _quantiles(found),
        "clusters": _clusters(found),
        "tests": _tests(found),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, rows in tables.items():
        paths.append(folder / f"{name}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([_plain(row) for row in rows])
    return paths


def _plain(row: Iterable[Cell]) -> list[Cell]:
    """Return cells with no formula in them: a name that begins like one is a spreadsheet's trap."""
    return [
        f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else
        round(cell, 9) if isinstance(cell, float) else cell
        for cell in row
    ]  # fmt: skip


def _distances(found: SignatureMap) -> list[Sequence[Cell]]:
    matrix = found.matrix
    rows: list[Sequence[Cell]] = [("take", *found.names)]
    return rows + [(name, *row.tolist()) for name, row in zip(found.names, matrix, strict=True)]


def _pairs(found: SignatureMap) -> list[Sequence[Cell]]:
    said = found.labels
    rows: list[Sequence[Cell]] = [("one", "other", "same_emotion", "same_person", *found.matrices)]
    for i in range(len(found.takes) - 1):
        for j in range(i + 1, len(found.takes)):
            same = (_same(labels[i], labels[j]) for labels in (said.emotion, said.person))
            apart = (float(matrix[i, j]) for matrix in found.matrices.values())
            rows.append((found.names[i], found.names[j], *same, *apart))
    return rows


def _same(one: str, other: str) -> Cell:
    return "" if not one or not other else int(one == other)


def _points(found: SignatureMap) -> list[Sequence[Cell]]:
    head = ("take", "file", "emotion", "person", "x", "y", "cluster", "branch", "seconds", "independent_frames")
    rows: list[Sequence[Cell]] = [head]
    for i, (take, made) in enumerate(zip(found.takes, found.signatures, strict=True)):
        place = (float(v) for v in found.plane.points[i])
        rows.append(
            (take.name, take.place, found.labels.emotion[i], found.labels.person[i], *place,
             int(found.clusters[i]), int(found.branches[i]), made.seconds, made.effective)
        )  # fmt: skip
    return rows


def _quantiles(found: SignatureMap) -> list[Sequence[Cell]]:
    levels = ((LEVELS[1:] + LEVELS[:-1]) / 2).tolist()
    rows: list[Sequence[Cell]] = [("take", "part", "level", "value")]
    for made in found.signatures:
        for group, values in zip(found.definition.groups, made.quantiles.tolist(), strict=True):
            if group in made.known:
                rows += [(made.name, group, level, value) for level, value in zip(levels, values, strict=True)]
    return rows


def _clusters(found: SignatureMap) -> list[Sequence[Cell]]:
    choice = found.choice
    rows: list[Sequence[Cell]] = [
        ("clusters", "silhouette", "gap", "gap_error", "chosen_by_silhouette", "chosen_by_gap")
    ]
    for k in sorted(choice.gaps | dict.fromkeys(choice.silhouettes)):
        gap, error = choice.gaps.get(k, ("", ""))
        chosen = (int(k == choice.by_silhouette), int(k == choice.by_gap))
        rows.append((k, choice.silhouettes.get(k, ""), gap, error, *chosen))
    return rows


def _tests(found: SignatureMap) -> list[Sequence[Cell]]:
    if not found.answers:
        return [("question",)]
    rows: list[Sequence[Cell]] = [tuple(found.answers[0].to_dict())]
    return rows + [tuple(answer.to_dict().values()) for answer in found.answers]  # type: ignore[misc]  # plain cells
