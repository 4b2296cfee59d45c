"""`emotus train MODEL --data SET:PATH`: cross-validate honestly, report, and keep the model that learnt from all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..engine.errors import DataError, InputError
from . import scores
from .classifiers import classifier_of
from .cross_validation import Fold, Place, Tick, fit_all, key_of, leaky_twin, run_folds
from .data_set import DataSet, open_data_set
from .splits import groups_of, splits_of
from .windows import HOP, Examples, Floats, cut

METRICS: Final = "metrics.json"


@dataclass(frozen=True)
class Task:
    """Hold what the command line asked for."""

    model: str
    uri: str
    protocol: str
    seeds: tuple[int, ...]
    window: int
    out: Path
    leaky: bool = False
    resume: bool = False
    against: Path | None = None

    @property
    def command(self) -> str:
        """Return the command that gives the same figures again."""
        words = ["emotus train", self.model, f"--data {self.uri.partition(':')[0]}:PATH", f"--folds {self.protocol}"]
        words += [f"--seed {self.seeds[0]}", f"--seeds {len(self.seeds)}", f"--window {self.window}"]
        return " ".join([*words, *(["--leaky"] if self.leaky else [])])


def measure(task: Task) -> dict[str, Any]:
    """Run a task and write its folder: report.html, metrics.json, model/, folds/; return the figures.

    Raises DataError and InputError for what cannot be learnt from, and for a folder that holds another task.
    """
    import torch

    torch.set_num_threads(1)
    kind = classifier_of(task.model)
    data = open_data_set(task.uri, task.protocol)
    splits = splits_of(data, task.protocol)
    groups = groups_of(data, task.protocol)
    examples = cut(data, groups, task.window, max(1, task.window * HOP // 64))
    other = _other(task.against, data)
    place = Place(task.out / "folds", key_of(data, examples, kind, task.protocol), task.resume)
    with _progress(len(splits) * len(task.seeds) + 1 + task.leaky, task.model) as tick:
        folds = list(run_folds(kind, examples, splits, task.seeds, place, tick))
        tick("learning from every clip")
        final = fit_all(kind, examples, task.seeds[0])
        final.save(task.out / "model")
        if task.leaky:
            tick("the leaky twin")
        leaky = leaky_twin(kind, examples, task.seeds[0], final.about.settings) if task.leaky else None
    said = _told(task, data, examples, folds)
    if leaky is not None:
        said["leaky_twin"] = leaky
    if other is not None:
        said["against"] = compare(said, other)
    _keep(task.out, said)
    return said


def _told(task: Task, data: DataSet, examples: Examples, folds: Sequence[Fold]) -> dict[str, Any]:
    found, probs = scores.figures(folds, examples.labels, examples.groups, data.labels)
    tested = np.unique(np.concatenate([fold.clips for fold in folds]))
    return {
        "model": task.model,
        "data": data.name,
        "protocol": task.protocol,
        "command": task.command,
        "labels": list(data.labels),
        "skipped": list(data.skipped),
        "figures": found,
        "chosen": [
            {"seed": f.seed, "fold": f.number, "settings": f.settings, "temperature": f.temperature} for f in folds
        ],
        "clips": [
            {"name": data.samples[clip].name, "label": data.samples[clip].label, "probs": _rounded(mean)}
            for clip, mean in zip(tested.tolist(), np.mean(list(probs.values()), axis=0), strict=True)
        ],
    }


def _rounded(probs: Floats) -> list[float]:
    return [round(float(p), 6) for p in probs]


def compare(said: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return McNemar's test of two reports on the clips both tested, and how often each is right there."""
    mine, theirs = ({each["name"]: each for each in report["clips"]} for report in (said, other))
    shared = sorted(mine.keys() & theirs.keys())
    if not shared or any(mine[name]["label"] != theirs[name]["label"] for name in shared):
        raise DataError("--against", "the two reports did not test the same clips by the same labels")
    right = [
        np.array([_is_right(clips[name], report["labels"]) for name in shared])
        for clips, report in ((mine, said), (theirs, other))
    ]
    test = scores.mcnemar(right[0], right[1])
    accuracies = {"this": float(right[0].mean()), "other": float(right[1].mean())}
    return {"model": other["model"], "clips": len(shared), "accuracy": accuracies, "mcnemar": test}


def _is_right(clip: dict[str, Any], labels: Sequence[str]) -> bool:
    return labels[int(np.argmax(clip["probs"]))] == clip["label"]


def _other(path: Path | None, data: DataSet) -> dict[str, Any] | None:
    """Read the report that is compared with, before anything is trained; raises DataError."""
    if path is None:
        return None
    file = path / METRICS if path.is_dir() else path
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        known = {each["name"] for each in said["clips"]}
    except OSError:
        raise DataError(str(file), "is missing", mend="--against FOLDER of an earlier report") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(str(file), "is no report of ours", mend="--against FOLDER of an earlier report") from None
    if not known & {sample.name for sample in data.samples}:
        raise DataError(str(file), "tested none of these clips", mend="compare reports of one data set")
    return said


def _keep(out: Path, said: dict[str, Any]) -> None:
    from .measure_report import to_html

    out.mkdir(parents=True, exist_ok=True)
    (out / METRICS).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    (out / "report.html").write_text(to_html(said), encoding="utf-8")


def refuse_full(out: Path, *, resume: bool) -> None:
    """Raise InputError where a folder holds anything that is no report of ours."""
    if out.exists() and not out.is_dir():
        raise InputError(str(out), "is a file", mend="name a folder with -o")
    strange = [p.name for p in out.iterdir() if p.name not in _OURS] if out.is_dir() else []
    if strange:
        raise InputError(str(out), f"holds '{sorted(strange)[0]}', which is no report's", mend="name another folder")
    if out.is_dir() and any(out.iterdir()) and not resume:
        raise InputError(str(out), "holds a report", mend="go on with --resume, or name another folder")


_OURS: Final = ("folds", "model", METRICS, "report.html")


@contextmanager
def _progress(total: int, title: str) -> Iterator[Tick]:
    """Show a bar on a terminal's standard error, nothing when piped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.fields[model]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TextColumn("{task.description}"), console=console, disable=not console.is_terminal)
    with bar:
        shown = bar.add_task("", total=total, model=title)
        started = False

        def tick(what: str) -> None:
            nonlocal started
            bar.update(shown, description=what, advance=1 if started else 0)
            started = True

        yield tick
        bar.update(shown, completed=total, description="done")
