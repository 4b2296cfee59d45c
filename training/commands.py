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

Data = Annotated[Path, typer.Option("--data", help="Folder with the motion data.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same result.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on standard output, nothing else there.")]


def train(
    model: Annotated[
        str, typer.Argument(help="stgcn; teach-prior, what teaching begins with; or signature, the learned.")
    ] = "stgcn",
    data: Data = DATA,
    out: Annotated[Path, typer.Option("--out", help="Folder for the weights and what is known of them.")] = Path(
        "weights"
    ),
    seed: Seed = 0,
) -> None:
    """Train a recogniser from motion data; the shipped one came from `emotus train stgcn`."""
    from . import train as training

    if model == "teach-prior":
        from .teach_prior import train_teach_prior

        say(str(train_teach_prior(data, out, progress=note)))
        return
    if model == "signature":
        from .learned import train_signature

        say(str(train_signature(data, out, seed=seed, progress=note)))
        return
    say(str(training.train(model, data, out, seed=seed, progress=note)))


def evaluate(
    model: Annotated[str, typer.Argument(help="A model, performer, teach, signature or blinding.")] = DEFAULT_MODEL,
    data: Data = DATA,
    protocols: Annotated[
        list[str] | None, typer.Option("--protocol", help="content, family, gaits, strange, leaky; all by default.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often to train every fold.")] = 3,
    shown: Annotated[bool, typer.Option("--shown", help="Print the figures stored with the model.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the figures to this JSON file.")] = None,
    as_json: Json = False,
) -> None:
    """Train on some activities, test on others, and print accuracy and calibration."""
    from . import evaluate as evaluation
    from . import report as reports

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
    else:
        chosen = tuple(protocols or evaluation.PROTOCOLS)
        seed_numbers = tuple(range(seeds))
        report = evaluation.evaluate(model, data, protocols=chosen, seeds=seed_numbers, progress=note)
    if out is not None:
        reports.store(report, out)
    say(json.dumps(report.to_dict()) if as_json else _text_of(report))


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
    else:
        from .report import to_text
    return to_text(report)


def export(
    model: Annotated[str, typer.Argument(help="A shipped model's name, or a .safetensors file.")] = DEFAULT_MODEL,
    to: Annotated[str, typer.Option("--to", help="onnx, or torch (torch.export).")] = "onnx",
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
