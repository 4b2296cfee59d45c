"""The commands that train and evaluate recognisers; `__main__` hangs them into the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import note, say

if TYPE_CHECKING:
    from .evaluate import EvaluationReport

DEFAULT_MODEL = "bandai-stgcn"
DATA = Path("../shared/data")
_TRUST = ("explain", "steady", "unknown")

Data = Annotated[Path, typer.Option("--data", help="Folder with the motion data.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same result.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output, nothing else there.")]


def train(
    model: Annotated[
        str, typer.Argument(help="stgcn, teach-prior or signature as shipped; with --data SET:PATH any recogniser.")
    ] = "stgcn",
    data: Annotated[str, typer.Option("--data", help="Folder with the motion data, or SET:PATH to measure on.")] = str(
        DATA
    ),
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the weights, or for the report.")] = None,
    seed: Seed = 0,
    folds: Annotated[
        str, typer.Option("--folds", help="What is left out: intended, perceived, content, family, performer, trial.")
    ] = "performer",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often to train every fold.")] = 3,
    window: Annotated[int, typer.Option("--window", min=8, max=600, help="Frames of a window, 30 a second.")] = 64,
    leaky: Annotated[bool, typer.Option("--leaky", help="Also print what a careless split pretends.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Keep what was done before: folds, or steps.")] = False,
    config: Annotated[Path | None, typer.Option("--config", help="Of generator: JSON that changes its recipe.")] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="Compare with an earlier report's folder, by McNemar's test.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a recogniser: as shipped from the folder of the data, or measured honestly on SET:PATH."""
    from .data_set import is_data_uri

    if is_data_uri(data):
        from .measure import Task, measure, refuse_full
        from .measure_report import to_text

        task = Task(
            model=model,
            uri=data,
            protocol=folds,
            seeds=tuple(range(seed, seed + seeds)),
            window=window,
            out=out or Path("reports") / f"{model}-{data.partition(':')[0]}-{folds}",
            leaky=leaky,
            resume=resume,
            against=against,
        )
        refuse_full(task.out, resume=resume)
        said = measure(task)
        say(json.dumps(said) if as_json else to_text(said))
        note(f"the report: {task.out / 'report.html'}")
        return
    if model == "generator":
        from .generate_commands import train_streaming

        say(str(train_streaming(Path(data), out or Path("weights"), seed=seed, config=config, resume=resume)))
        return
    say(str(_train_shipped(model, Path(data), out or Path("weights"), seed)))


def _train_shipped(model: str, data: Path, out: Path, seed: int) -> Path:
    """Train what ships, from the folder of the data."""
    from . import train as training

    if model == "teach-prior":
        from .teach_prior import train_teach_prior

        return train_teach_prior(data, out, progress=note)
    if model == "signature":
        from .learned import train_signature

        return train_signature(data, out, seed=seed, progress=note)
    if model in {"movements", "actor"}:
        from .generation_commands import train_actor, train_movements

        return train_actor(data, out) if model == "actor" else train_movements(data, out, seed=seed)
    return training.train(model, data, out, seed=seed, progress=note)


def evaluate(
    model: Annotated[
        str,
        typer.Argument(help="A model, performer, teach, signature, blinding, generation, explain, steady or unknown."),
    ] = (DEFAULT_MODEL),
    data: Data = DATA,
    protocols: Annotated[
        list[str] | None, typer.Option("--protocol", help="content, family, gaits, strange, leaky; all by default.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often to train every fold.")] = 3,
    shown: Annotated[bool, typer.Option("--shown", help="Print the figures stored with the model.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the figures to this JSON file.")] = None,
    generator: Annotated[str, typer.Option("--model", help="Of generation: cvae, manifold or stream.")] = "cvae",
    takes: Annotated[int, typer.Option("--takes", help="Of generation: takes of each emotion.")] = 50,
    peer: Annotated[Path | None, typer.Option("--peer", help="Of generation: what `emotus train actor` wrote.")] = None,
    as_json: Json = False,
) -> None:
    """Train on some activities, test on others, and print accuracy and calibration."""
    from . import evaluate as evaluation
    from . import report as reports

    if model == "generation":
        from .generation_commands import evaluate_generation

        evaluate_generation(generator, data, out=out, takes=takes, peer=peer, as_json=as_json)
        return
    if shown:
        report = reports.shown(model)
    elif model == "teach":
        from . import teach_evaluation

        report = teach_evaluation.evaluate(data, seeds=tuple(range(seeds)), progress=note)
    elif model == "performer":
        from . import performer_evaluation

        report = performer_evaluation.evaluate(
            data, seeds=tuple(range(seeds)), progress=note, parts=tuple(protocols or performer_evaluation.PARTS)
        )
    elif model == "signature":
        from . import signature_evaluation

        report = signature_evaluation.evaluate(data, progress=note, seeds=tuple(range(seeds)))
    elif model == "blinding":
        from . import blinding

        report = blinding.evaluate(data, progress=note)
    elif model in _TRUST:
        report = _evaluate_trust(model, data)
    else:
        chosen = tuple(protocols or evaluation.PROTOCOLS)
        seed_numbers = tuple(range(seeds))
        report = evaluation.evaluate(model, data, protocols=chosen, seeds=seed_numbers, progress=note)
    if out is not None:
        reports.store(report, out)
    say(json.dumps(report.to_dict()) if as_json else _text_of(report))


def _evaluate_trust(model: str, data: Path) -> EvaluationReport:
    """Measure what is promised of explanations, of the label's steadiness, or of `unknown`."""
    from . import explain_evaluation, steady_evaluation, unknown_evaluation

    if model == "explain":
        return explain_evaluation.evaluate(data, progress=note)
    if model == "steady":
        return steady_evaluation.evaluate(data, progress=note)
    return unknown_evaluation.evaluate(data, progress=note)


def _text_of(report: EvaluationReport) -> str:
    """Return the figures as the one who measured them tells them to a person."""
    if report.model == "teach":
        from .teach_evaluation import to_text
    elif report.model == "performer":
        from .performer_evaluation import to_text
    elif report.model == "signature":
        from .signature_evaluation import to_text
    elif report.model == "blinding":
        from .blinding import to_text
    elif report.model == "explain":
        from .explain_evaluation import to_text
    elif report.model == "steady":
        from .steady_evaluation import to_text
    elif report.model == "unknown":
        from .unknown_evaluation import to_text
    else:
        from .report import to_text
    return to_text(report)


def export(
    model: Annotated[str, typer.Argument(help="A shipped model's name, or a .safetensors file.")] = DEFAULT_MODEL,
    to: Annotated[str, typer.Option("--to", help="onnx, torch (torch.export), or tensorrt for the GPU here.")] = "onnx",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; MODEL.onnx by default.")] = None,
    streams: Annotated[int, typer.Option("--streams", help="Streams that one step takes.")] = 1,
    strides: Annotated[
        str | None, typer.Option("--strides", help="Of a published ST-GCN's blocks, such as 1,1,1,1,2,1,1,2,1,1.")
    ] = None,
    pool: Annotated[int, typer.Option("--pool", min=1, help="Answers that a published ST-GCN averages.")] = 75,
) -> None:
    """Write one step of a network for another runtime, state in and state out; checked before it is kept."""
    from . import export as exporting

    source = exporting.open_exportable(model, exporting.parse_strides(strides), pool)
    suffix = exporting.FORMATS.get(to, "")
    path = out or Path(f"{Path(model).stem}{suffix}")
    far = exporting.export(source, to, path, streams=streams, progress=note)
    say(f"{path}: {streams} stream{'s' if streams > 1 else ''} a step, within {far:.1e} of the network")
