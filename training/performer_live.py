"""The live half of `emotus evaluate performer`: the weights that ship, stepped, with baselines as a show makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..engine import baseline as baselines
from ..engine.baseline import Baseline
from ..engine.network import NetworkRecogniser, load
from ..engine.recognise import Evidence
from ..engine.skeleton import Float32
from ..models.store import load_recogniser
from . import relative
from .clips import LABELS, Clip, Progress, load_bandai, load_folds
from .head import Head
from .performer_protocols import NAMES, Gaits

Floats = NDArray[np.float64]
TEN_MINUTES_FRAMES = 18_000
_LOOPED = 12  # clips: two of each label
_TRANSFER_DECAY = 10.0


def live_figures(data_dir: Path, gaits: Gaits, progress: Progress) -> dict[str, str]:
    """Return the zero-shot and the ten-minutes figures in words; raises DataError naming what is missing."""
    shipped = load("bandai-stgcn")
    folds = load_folds(data_dir)
    labelled = [clip for clip in load_bandai(data_dir, 1, folds, progress) if clip.label >= 0]
    progress("Bandai to gaits, the four names both sets share")
    found = transfer(gaits, labelled)
    for name, value in found.items():
        progress(f"{name}: {value}")
    progress("Bandai to gaits, the weights that ship, stepped")
    found.update(stepped(shipped, gaits))
    progress("shows of one mood and of mixed moods, with what gathers in them")
    found.update(never_worse(shipped, labelled))
    progress("ten minutes of one emotion")
    found.update(ten_minutes(shipped, labelled))
    raters = f"{rated_by_people(data_dir):.3f}"
    return {**found, "human raters, their label taken for the acted one": raters}


def transfer(gaits: Gaits, labelled: Sequence[Clip]) -> dict[str, str]:
    """Train the relative answer on the four shared names of set 1 and meet strangers, each beside her own four."""
    model, _ = load_recogniser()
    heads = tuple(
        Head(r.mean.numpy(), r.scale.numpy(), r.head.weight.numpy(), r.head.bias.numpy(), r.limit)
        for r in (model.feature_readout, model.graph_readout)
    )
    shared = [clip for clip in labelled if LABELS[clip.label] in NAMES]
    persons = relative.invent(shared, (heads[0], heads[1]), (model.features, model.graph), 0, count=2)
    answer = relative.fit(persons, model.shape.squash, _TRANSFER_DECAY)
    mine = relative.invent(gaits.clips, (heads[0], heads[1]), (model.features, model.graph), 0, count=1)[0]
    order = [LABELS.index(name) for name in NAMES]
    moods = np.sqrt(answer.moods)
    shown: dict[str, list[int]] = {"own": [], "divided": [], "set": []}
    for i in range(len(gaits.labels)):
        known = [i, *gaits.others(i)]
        own = mine.means[known]
        strangers = np.setdiff1d(np.arange(len(gaits.labels)), known)
        stretch = (own.std(axis=0) + 0.3 * moods) / (1.3 * moods)
        rows = {
            "own": mine.means[i] - own.mean(axis=0),
            "divided": (mine.means[i] - own.mean(axis=0)) / stretch,
            "set": mine.means[i] - mine.means[strangers].mean(axis=0),
        }
        for name, row in rows.items():
            shown[name].append(int(answer.logits(row)[order].argmax()))
    return {
        "four names, own four unlabelled (anchor .525, goal .62)": _said(shown["own"], gaits.labels),
        "four names, own four, mean and deviation": _said(shown["divided"], gaits.labels),
        "four names, only other walkers of the same set-up known (goal .55)": _said(shown["set"], gaits.labels),
    }


def stepped(shipped: NetworkRecogniser, gaits: Gaits) -> dict[str, str]:
    """Step the shipped six-label network through every gait, without and with a kept baseline of her own four."""
    alone = [perform(shipped, clip.frames, shipped.start()) for clip in gaits.clips]
    kept = [baselines.vouch(shipped.baseline(evidence)) for _, evidence in alone]
    hers = [baselines.merge([kept[j] for j in (i, *gaits.others(i))]) for i in range(len(kept))]
    known = [
        perform(shipped, clip.frames, shipped.start(own, freeze=True))[0]
        for clip, own in zip(gaits.clips, hers, strict=True)
    ]
    return {
        "the six labels that ship, nothing known": _said([_best(p) for p, _ in alone], gaits.labels),
        "the six labels that ship, own four kept as baseline": _said([_best(p) for p in known], gaits.labels),
    }


def never_worse(shipped: NetworkRecogniser, labelled: Sequence[Clip]) -> dict[str, str]:
    """Play clips one after another, nobody vouched for, and compare with reading each alone.

    The clips of set 1 are those that were learnt from, so only the difference tells: mood after mood, each mood's
    clips as one show, and all of them in an order drawn by lot.
    """
    moods = [[clip for clip in labelled if clip.label == label] for label in range(len(LABELS))]
    mixed = [labelled[i] for i in np.random.default_rng(0).permutation(len(labelled))]
    return {
        "never worse: clips mood after mood": _compared(shipped, moods),
        "never worse: the same in mixed order": _compared(shipped, [mixed]),
    }


def _compared(shipped: NetworkRecogniser, shows: Sequence[Sequence[Clip]]) -> str:
    """Return the accuracy without a baseline, and with the one that gathers during each show."""
    right = np.zeros(2)
    for show in shows:
        usual: Baseline | None = None
        for clip in show:
            alone, _ = perform(shipped, clip.frames, shipped.start(freeze=True))
            known, evidence = perform(shipped, clip.frames, shipped.start(usual))
            usual = shipped.baseline(evidence)
            right += [shipped.labels[int(each.argmax())] == LABELS[clip.label] for each in (alone, known)]
    count = sum(map(len, shows))
    return f"{right[0] / count:.3f} without, {right[1] / count:.3f} with ({count} clips)"


def perform(shipped: NetworkRecogniser, frames: Float32, evidence: Evidence) -> tuple[Floats, Evidence]:
    """Return the mean probabilities (6,) of a recording, and the evidence at its end."""
    total = np.zeros(len(shipped.labels))
    for frame in frames:
        reading, evidence = shipped.step(frame, evidence)
        total += np.array([reading.probs[label] for label in shipped.labels])
    return total / len(frames), evidence


def ten_minutes(shipped: NetworkRecogniser, labelled: Sequence[Clip]) -> dict[str, str]:
    """Loop clips for ten minutes and compare the probability of what is shown at the end with that of the first round.

    The baseline follows from nothing all the while; what it has gathered is then met by the clip once more.
    """
    before: list[float] = []
    after: list[float] = []
    for label in range(len(LABELS)):
        for clip in [each for each in labelled if each.label == label][::5][: _LOOPED // len(LABELS)]:
            name = LABELS[label]
            first, _ = perform(shipped, clip.frames, shipped.start())
            late, _ = perform(shipped, clip.frames, shipped.start(gathered(shipped, clip)))
            before.append(float(first[shipped.labels.index(name)]))
            after.append(float(late[shipped.labels.index(name)]))
    fall = 1.0 - np.mean(after) / np.mean(before)
    said = f"{np.mean(before):.3f} -> {np.mean(after):.3f}, falls by {100 * fall:.1f} % (goal: at most 10 %)"
    return {f"ten minutes of one clip, {len(before)} clips: its label's probability": said}


def gathered(shipped: NetworkRecogniser, clip: Clip) -> Baseline:
    """Return the baseline after ten minutes of the clip, over and over: what its features say, every third of a second.

    Two rounds are looked at; of the second, where nothing of the start is left, ten minutes are made.
    """
    network = shipped.network
    rows, contexts = relative.stream(network, np.concatenate((clip.frames, clip.frames)))
    half = len(rows) // 2
    rounds = -(-TEN_MINUTES_FRAMES // 10 // max(len(rows) - half, 1))
    again = [np.tile(each[half:], (rounds, 1))[: TEN_MINUTES_FRAMES // 10] for each in (rows, contexts)]
    nothing = baselines.empty(shipped.feature_set, rows.shape[1])
    return baselines.update(nothing, again[0], again[1], network.usual)


def rated_by_people(data_dir: Path) -> float:
    """Return how often human raters' label is the acted one."""
    with np.load(data_dir / "emotion_gait.npz", allow_pickle=False) as file:
        acted = file["intended"] >= 0
        return round(float(np.mean(file["intended"][acted] == file["perceived"][acted])), 4)


def _best(probs: Floats) -> int:
    return int(np.argmax([probs[LABELS.index(name)] for name in NAMES]))


def _said(answers: Sequence[int], labels: NDArray[np.intp]) -> str:
    right = np.array(answers) == labels
    recalls = [f"{name} {right[labels == k].mean():.2f}" for k, name in enumerate(NAMES)]
    return f"{right.mean():.3f} ({', '.join(recalls)})"
