"""`emotus signature`: how far apart two recordings are, and the map of many; `__main__` hangs it in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..engine.errors import InputError
from . import library_commands
from .commands import DATA, Data, Json, Seed
from .console import note, say

app = typer.Typer(
    name="signature",
    help="Compare how bodies move: distances between recordings, and maps of many.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(library_commands.app, name="library")

Quantity = Annotated[str, typer.Option("--quantity", help="gradient, velocity, speed, acceleration, jerk or angular.")]
About = Annotated[str, typer.Option("--about", help="Joints as seen from the hips, or in the world.")]
Pool = Annotated[str, typer.Option("--pool", help="Samples put together by part, joint or body.")]
Smoothing = Annotated[str, typer.Option("--smoothing", help="savgol, butterworth or none.")]
Frames = Annotated[int, typer.Option("--frames", help="Frames of the Savitzky-Golay window at 30 Hz.")]
Cutoff = Annotated[float, typer.Option("--cutoff", help="Cut-off of the Butterworth filter in Hz.")]
Scale = Annotated[str, typer.Option("--scale", help="linear, or log: relative differences count.")]
Kept = Annotated[
    str, typer.Option("--keep", help="What is kept: quantiles, histogram, density or raw; for a map also learned.")
]


@app.command()
def distance(
    one: Annotated[str, typer.Argument(help="A recording: .bvh, a table of points, or SCHEME:PATH.")],
    other: Annotated[str, typer.Argument(help="Another one.")],
    quantity: Quantity = "gradient",
    about: About = "hips",
    pool: Pool = "part",
    smoothing: Smoothing = "savgol",
    frames: Frames = 7,
    cutoff: Cutoff = 6.0,
    scale: Scale = "linear",
    kept: Kept = "quantiles",
    as_json: Json = False,
) -> None:
    """Tell how far apart two recordings move, part by part, and how much of it chance would put between them."""
    from ..engine.signature import distance as distance_of
    from . import signature_compare, signature_files, signature_stats

    takes = signature_files.read_takes(
        (one, other), _definition(quantity, about, pool, smoothing, frames, cutoff, scale)
    )
    made = [take.signature() for take in takes]
    found = distance_of(*made)
    low, high = signature_stats.distance_interval(*takes)
    others = {
        metric: float(signature_compare.compare(takes, made, metric, kept)[0, 1])
        for metric in signature_compare.METRICS
    }
    values: dict[str, Any] = {
        "one": made[0].name, "other": made[1].name, "wasserstein": others.pop("wasserstein"), "low": low, "high": high,
        "by_chance": found.by_chance, **others, "parts": dict(found.by_group), "unit": takes[0].definition.unit,
        "definition": takes[0].definition.id, "kept": kept,
        "seconds": [each.seconds for each in made], "independent_frames": [each.effective for each in made],
    }  # fmt: skip
    say(json.dumps(values) if as_json else _told(values))


@app.command("map")
def draw_map(
    files: Annotated[list[str] | None, typer.Argument(help="Recordings, or folders of them.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for report.html and the tables.")] = Path("map"),
    group: Annotated[str | None, typer.Option("--group", help="REGEX of the emotion in a file's name.")] = None,
    person: Annotated[str | None, typer.Option("--person", help="REGEX of the person in a file's name.")] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="CSV: file, emotion, person.")] = None,
    block: Annotated[
        str | None, typer.Option("--block", help="All clips of this session of Bandai-1, such as -3, from --data.")
    ] = None,
    data: Data = DATA,
    quantity: Quantity = "gradient",
    about: About = "hips",
    pool: Pool = "part",
    smoothing: Smoothing = "savgol",
    frames: Frames = 7,
    cutoff: Cutoff = 6.0,
    scale: Scale = "linear",
    kept: Kept = "quantiles",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Draw the map of recordings: distances, a plane, clusters, tests; one report.html, and tables that R opens."""
    from . import signature_files, signature_map, signature_report, signature_tables

    definition = _definition(quantity, about, pool, smoothing, frames, cutoff, scale)
    places = expand(files or [])
    if block is not None:
        places += bandai_block(data, block)
        group = group or r"^dataset-1_[^_]+_([^_]+)_"
    takes = signature_files.read_takes(places, definition, note)
    if len(takes) == 1:
        raise InputError(places[0], "there is nothing to compare it with", mend="name two recordings or more")
    if not takes:
        raise InputError("signature map", "no recording is named", mend="emotus signature map FILE FILE... -o OUT")
    if labels is not None:
        said = signature_map.labels_by_table(takes, labels)
    else:
        said = signature_map.labels_by_pattern(takes, group, person)
    found = signature_map.make_map(takes, said, **_kept(kept, takes), seed=seed, progress=note)
    signature_tables.write_tables(found, out)
    signature_report.write_report(found, out / "report.html")
    summary = _summary(found, out)
    say(json.dumps(summary) if as_json else _map_told(summary))


def expand(places: Sequence[str]) -> list[str]:
    """Return recordings, each folder replaced by the BVH files in it, in the order of their names."""
    found: list[str] = []
    for place in places:
        if Path(place).is_dir():
            inside = sorted(str(path) for path in Path(place).rglob("*.bvh"))
            if not inside:
                raise InputError(place, "is a folder without a BVH file in it")
            found += inside
        else:
            found.append(place)
    return found


def bandai_block(data: Path, block: str) -> list[str]:
    """Return the files of one session of Motiondataset-1, told by the depth of their hips; raises DataError."""
    from ..sensors.bvh import read_bvh
    from .clips import cache_folder, unpack

    files = unpack(data / "bandai-1.tar.xz", cache_folder() / "bandai-1")
    depths = {str(file): read_bvh(file).skeleton.offsets[1][2] for file in files}
    try:
        wanted = float(block)
    except ValueError:
        wanted = float("nan")
    chosen = [file for file, depth in depths.items() if abs(depth - wanted) < 0.5]
    if not chosen:
        known = ", ".join(sorted({f"{depth:g}" for depth in depths.values()}))
        raise InputError(f"--block {block}", "there is no such session", mend=f"one of {known}")
    return chosen


def _definition(quantity: str, about: str, pool: str, smoothing: str, frames: int, cutoff: float, scale: str) -> Any:
    from ..engine.signature_definition import Definition

    return Definition(quantity, about, pool, smoothing, frames, cutoff_hz=cutoff, scale=scale)  # type: ignore[arg-type]


def _kept(kept: str, takes: Sequence[Any]) -> dict[str, Any]:
    """Return what a map is drawn by: what is kept of each take, and the distances of the learned signature if asked."""
    if kept != "learned":
        return {"kept": kept}
    from .learned_map import learned_distances, open_learned

    learned = open_learned()
    note(f"{learned.id}: {learned.attribution}")
    return {"learned": learned_distances([take.place for take in takes], learned, note)}


def _told(values: dict[str, Any]) -> str:
    """Return a distance for a person to read."""
    unit = values["unit"]
    parts = "".join(f"\n  {part:<14} {apart:8.3f}" for part, apart in values["parts"].items())
    return (
        f"{values['one']} and {values['other']}: {values['wasserstein']:.4f} {unit} apart"
        f" (95 % {values['low']:.4f} to {values['high']:.4f}; chance alone {values['by_chance']:.4f})"
        f"\n  Jensen-Shannon {values['jensen-shannon']:.4f}   L2 {values['l2']:.4f}{parts}"
        f"\n  {values['definition']}; kept as {values['kept']}"
    )


def _summary(found: Any, out: Path) -> dict[str, Any]:
    return {
        "report": str(out / "report.html"),
        "takes": len(found.takes),
        "definition": found.definition.id,
        "stress": round(found.plane.stress, 4),
        "clusters": found.choice.by_silhouette,
        "clusters_by_gap": found.choice.by_gap,
        "cophenetic": round(found.cophenetic, 4),
        "answers": [answer.to_dict() for answer in found.answers],
    }


def _map_told(summary: dict[str, Any]) -> str:
    """Return the summary of a map for a person to read."""
    clusters = f"{summary['clusters']} clusters by silhouette, {summary['clusters_by_gap']} by the gap statistic"
    lines = [f"{summary['takes']} takes, stress {summary['stress']:.3f}; {clusters}"]
    lines += [
        f"  {a['question']}: AUC {a['auc']:.3f}, within {a['within']:.3f}, between {a['between']:.3f}, "
        f"difference {a['low']:+.3f} to {a['high']:+.3f}, p {a['p_permutation']:.4f} by permutation"
        for a in summary["answers"]
    ]
    return "\n".join([*lines, f"  {summary['report']}"])
