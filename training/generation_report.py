"""The report on a generator: one page without outside links, pictures inside, and metrics.json beside it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .generation_evaluation import GenerationReport
from .generation_page import blind_page
from .generation_pictures import confusions, grid, intensity_lines, strips, write_grid
from .motion_data import EMOTIONS, GeneratedTake
from .signature_pictures import as_address, as_png

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222;
background: #fff } h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem } img { max-width: 100% }
table { border-collapse: collapse; font-size: 13px } td, th { border-bottom: 1px solid #ddd; padding: .25rem .6rem;
text-align: right } td:first-child, th:first-child { text-align: left } .note { color: #555 }
"""
_TRUST: Final = (
    "All generated motion is synthetic and says so. An emotion here is the label under which actors moved in one "
    "recording session; the judge is a machine, and what people see in a movement is asked by blind.html alone."
)
_ROWS: Final = (
    ("takes", "takes", "{:.0f}"),
    ("emotion read by the judge", "judged.accuracy", "{:.3f}"),
    ("FID, our encoder's features", "fid.ours", "{:.3f}"),
    ("FID, independent features", "fid.independent", "{:.1f}"),
    ("diversity", "diversity", "{:.2f}"),
    ("multimodality", "multimodality", "{:.2f}"),
    ("foot skate, cm/s", "skate_cm_s", "{:.1f}"),
    ("jerk, median, m/s3", "jerk_m_s3.median", "{:.1f}"),
    ("jerk, 99th percentile, m/s3", "jerk_m_s3.p99", "{:.0f}"),
    ("bone error", "bone_error", "{:.1e}"),
    ("under the floor, 95th percentile, cm", "below_floor_cm.p95", "{:.2f}"),
    ("nearest training window, median, cm", "novelty_cm.median", "{:.1f}"),
)

Row = tuple[str, ...]


def to_tables(report: GenerationReport) -> list[tuple[str, list[Row]]]:
    """Return titled tables, the first row of each its heading."""
    figures = report.figures
    made = {report.model, "one normal an emotion", "ACTOR"}
    columns = {f"real, {k}": v for k, v in figures["real"].items()} | {k: v for k, v in figures.items() if k in made}
    rows = [(name, *(_at(each, path, form) for each in columns.values())) for name, path, form in _ROWS]
    tables: list[tuple[str, list[Row]]] = [("Takes of two seconds", [("", *columns), *rows])]
    each = figures[report.model]["judged"]["each"]
    real = figures["real"]["learnt contents"]["judged"]["each"]
    rises = figures["intensity"]["rises"]
    rows = [
        (e, f"{real.get(e, 0):.2f}", f"{each.get(e, 0):.2f}",
         " ".join(f"{p:.2f}" for p in figures["intensity"]["probability"][e]),
         {True: "rises", False: "does not"}[rises[e]] if e in rises else "-")
        for e in EMOTIONS
    ]  # fmt: skip
    head = ("", "judged, real", "judged, generated", "probability at intensity 0, .25, .5, .75, 1, 1.25, 1.5", "0 to 1")
    tables.append(("Emotion by emotion", [head, *rows]))
    augmented = [
        (name, f"{v['mean']:.3f}", f"{v['deviation']:.3f}")
        for name, v in figures["augmentation"].items()
        if isinstance(v, Mapping)
    ]
    tables.append(("A forest on held-out contents, taught by", [("", "accuracy", "deviation"), *augmented]))
    return tables + _offline_tables(figures)


def _offline_tables(figures: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    tables: list[tuple[str, list[Row]]] = []
    if "reconstruction" in figures:
        r = figures["reconstruction"]
        rows = [("about the hips", f"{r['about_hips_cm']:.2f}"), ("in the world", f"{r['world_cm']:.2f}")]
        rows.append(("contents without kin in training", f"{r['without_kin_cm']:.2f}"))
        rows += [(f"  {name}", f"{value:.2f}") for name, value in r["contents_cm"].items()]
        rows += [(f"  {name} frames", f"{value:.2f}") for name, value in r["by_frames_cm"].items()]
        tables.append(("Reconstruction of held-out contents, mean joint error", [("", "cm"), *rows]))
    if "plane" in figures:
        p = figures["plane"]
        names = {
            "r2_takes": "R2, held-out contents, takes", "r2_windows": "R2, held-out contents, windows",
            "r2_learnt_takes": "R2, learnt contents, takes", "r2_learnt_windows": "R2, learnt contents, windows",
            "correlation_takes": "correlation, held-out contents, takes", "mig": "mutual information gap",
            "moved": "moved and read back, mean error",
        }  # fmt: skip
        rows = [(said, f"{p[name]['valence']:.3f}", f"{p[name]['arousal']:.3f}") for name, said in names.items()]
        rows.append(("cosine between the axes, by ridge in all coordinates", f"{p['cosine']:.3f}", ""))
        rows.append(("cosine between moves along them, in the latents", f"{p['cosine_of_moves']:.3f}", ""))
        tables.append(("Valence and arousal", [("", "valence", "arousal"), *rows]))
    return tables


def _at(figures: Mapping[str, Any], path: str, form: str) -> str:
    found: Any = figures
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return "-" if found is None else form.format(found)


def to_text(report: GenerationReport) -> str:
    """Return the tables for a terminal."""
    lines: list[str] = []
    for title, rows in to_tables(report):
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines += ["", title]
        for row in rows:
            first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            lines.append("  ".join((first.strip().ljust(widths[0]), *rest)))
    if "caution" in report.figures:
        lines += ["", f"Caution: {report.figures['caution']}."]
    return "\n".join(lines).strip()


def write_folder(
    report: GenerationReport, made: Sequence[GeneratedTake], real: Sequence[GeneratedTake], out: Path, model: Any
) -> Path:
    """Write report.html, metrics.json, blind.html and, of an offline model, the plane as BVH; return the first."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(report.to_dict(), indent=1) + "\n", encoding="utf-8")
    (out / "blind.html").write_text(blind_page(_few(real, 3), _few(made, 3)), encoding="utf-8")
    pictures = [("Generated, an emotion a row", as_png(strips({t.emotion: t for t in _few(made, 1)})))]
    pictures.append(("Real, of the same emotions", as_png(strips({t.emotion: t for t in _few(real, 1)}))))
    pictures.append(("Intensity", as_png(intensity_lines(report.figures["intensity"]))))
    both = {
        "real, contents new to the judge": report.figures["real"]["learnt contents"]["judged"]["confusion"],
        "generated": report.figures[report.model]["judged"]["confusion"],
    }
    pictures.append(("What the judge takes for what", as_png(confusions(both, EMOTIONS))))
    if model is not None:
        pictures.append(("The plane: one neutral movement, moved", as_png(grid(model))))
        write_grid(model, out / "plane")
    path = out / "report.html"
    path.write_text(_html(report, pictures), encoding="utf-8")
    return path


def _few(takes: Sequence[GeneratedTake], each: int) -> list[GeneratedTake]:
    """Return so many takes of each emotion, spread over all there are."""
    found: list[GeneratedTake] = []
    for emotion in EMOTIONS:
        mine = [take for take in takes if take.emotion == emotion]
        found += [mine[(2 * k + 1) * len(mine) // (2 * each)] for k in range(each) if mine]
    return found


def _html(report: GenerationReport, pictures: Iterable[tuple[str, bytes]]) -> str:
    body = ["<h1>Generated motion</h1>", f'<p class="note">{html.escape(_TRUST)}</p>']
    body.append(f'<p class="note">{html.escape(report.command)}; {report.minutes} minutes. ')
    if "caution" in report.figures:
        body.append(f"<strong>Caution: {html.escape(report.figures['caution'])}.</strong> ")
    body.append('The blind test is <a href="blind.html">blind.html</a>, all figures are in metrics.json.</p>')
    for title, rows in to_tables(report):
        body += [f"<h2>{html.escape(title)}</h2>", _table(rows)]
    for title, png in pictures:
        body.append(f'<h2>{html.escape(title)}</h2><img alt="{html.escape(title)}" src="{as_address(png)}">')
    head = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Generated motion</title><style>{_STYLE}</style>'
    )
    return head + "\n".join(body) + "</html>\n"


def _table(rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows[1:])
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
