"""A map of takes: distances, a plane, clusters two ways, and two questions answered (the document's seed 1)."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..engine.clusters import MOST, best_clusters, kmeans
from ..engine.errors import InputError
from ..engine.plane import Plane, make_plane
from ..engine.signature import Signature
from ..engine.signature_definition import Definition
from ..engine.skeleton import Float64
from .signature_compare import METRICS, compare
from .signature_files import Take
from .signature_stats import Answer, ask

Progress = Callable[[str], None]
GAP_DRAWS: Final = 20
GAP_STARTS: Final = 3
EMOTION, PERSON = "emotion", "person"
UNSAID: Final = ""
LEARNED: Final = "learned"


@dataclass(frozen=True)
class Labels:
    """Hold of each take what it is said to express and whose it is; "" where nobody said."""

    emotion: tuple[str, ...]
    person: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """Hold how many clusters there may be: silhouette and gap (with its error) of each number, and the best by each.

    The gap is that of Tibshirani, Walther & Hastie (J. R. Stat. Soc. B 2001): the smallest number whose gap is within
    one error of the next. It may choose one cluster, which a silhouette cannot.
    """

    silhouettes: dict[int, float]
    gaps: dict[int, tuple[float, float]]
    by_silhouette: int
    by_gap: int


@dataclass(frozen=True)
class SignatureMap:
    """Hold N takes compared.

    matrices: (N, N) by metric, that of the learned signature too where it was asked for: then the map is drawn by it.
    plane: of these distances, else of the Wasserstein distances. clusters: (N,) by k-means on the plane, the number
    chosen by silhouette. choice: of that number. tree: SciPy's linkage (N - 1, 4), average, of the distances;
    cophenetic: how well it keeps them; branches: (N,) the tree cut into as many clusters. answers: to the questions.
    """

    takes: tuple[Take, ...]
    signatures: tuple[Signature, ...]
    labels: Labels
    matrices: dict[str, Float64]
    plane: Plane
    clusters: NDArray[np.int64]
    choice: Choice
    tree: Float64
    cophenetic: float
    branches: NDArray[np.int64]
    answers: tuple[Answer, ...]
    kept: str

    @property
    def definition(self) -> Definition:
        """Return the definition all takes share."""
        return self.takes[0].definition

    @property
    def metric(self) -> str:
        """Return the metric that the map is drawn by."""
        return LEARNED if LEARNED in self.matrices else METRICS[0]

    @property
    def matrix(self) -> Float64:
        """Return the distances (N, N) that the map is drawn by."""
        return self.matrices[self.metric]

    @property
    def unit(self) -> str:
        """Return the unit of these distances."""
        return "no unit" if self.metric == LEARNED else self.definition.unit

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the takes."""
        return tuple(take.name for take in self.takes)


def make_map(
    takes: Sequence[Take],
    labels: Labels,
    *,
    kept: str = "quantiles",
    learned: Float64 | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> SignatureMap:
    """Return the map of takes; raises InputError for fewer than two and for two with nothing in common.

    learned: (N, N) distances by the learned signature, where the map is to be drawn by these.
    """
    if len(takes) < 2:
        raise InputError(
            takes[0].place if takes else "signature map", "there is nothing to compare it with", mend="name two or more"
        )
    say = progress or _silent
    signatures = tuple(take.signature(label) for take, label in zip(takes, labels.emotion, strict=True))
    say(f"comparing {len(takes)} takes")
    matrices = {metric: compare(takes, signatures, metric, kept) for metric in METRICS}
    if learned is not None:
        matrices[LEARNED] = learned
    matrix = matrices[METRICS[0]] if learned is None else learned
    plane = make_plane(matrix)
    clusters, silhouettes = best_clusters(plane.points, matrix, seed=seed)
    say("counting clusters")
    choice = _choice(plane.points, silhouettes, int(clusters.max()) + 1, seed)
    tree, cophenetic, branches = grow(matrix, int(clusters.max()) + 1)
    say("testing")
    answers = tuple(answer for answer in questions(matrix, labels, seed) if answer is not None)
    return SignatureMap(
        tuple(takes), signatures, labels, matrices, plane, clusters, choice, tree, cophenetic, branches, answers, kept
    )


def _silent(_: str) -> None:
    """Say nothing."""


def _choice(points: Float64, silhouettes: dict[int, float], best: int, seed: int) -> Choice:
    gaps = gap_statistic(points, seed=seed)
    numbers = sorted(gaps)
    by_gap = next(
        (k for k in numbers[:-1] if gaps[k][0] >= gaps[k + 1][0] - gaps[k + 1][1]), numbers[-1] if numbers else 1
    )
    return Choice(silhouettes, gaps, best, by_gap)


def gap_statistic(points: Float64, *, seed: int = 0) -> dict[int, tuple[float, float]]:
    """Return the gap and its error of each number of clusters, beside even spreads over the points' principal box."""
    most = min(MOST, len(points) - 1)
    spans = points.max(axis=0) - points.min(axis=0)
    if most < 1 or not spans.any():
        return {1: (0.0, 0.0)}
    rng = np.random.default_rng(seed)
    even = [points.min(axis=0) + rng.random(points.shape) * spans for _ in range(GAP_DRAWS)]
    found: dict[int, tuple[float, float]] = {}
    for k in range(1, most + 1):
        ours = _log(kmeans(points, k, seed=seed, starts=GAP_STARTS)[1])
        theirs = np.array([_log(kmeans(each, k, seed=seed, starts=GAP_STARTS)[1]) for each in even])
        found[k] = float(theirs.mean() - ours), float(theirs.std() * np.sqrt(1 + 1 / GAP_DRAWS))
    return found


def _log(error: float) -> float:
    return float(np.log(max(error, 1e-12)))


def grow(matrix: Float64, k: int) -> tuple[Float64, float, NDArray[np.int64]]:
    """Return the average-linkage tree of a distance matrix, its cophenetic correlation, and it cut into k clusters."""
    from scipy.cluster.hierarchy import cophenet, fcluster, linkage
    from scipy.spatial.distance import squareform

    condensed = squareform(matrix, checks=False)
    tree = np.asarray(linkage(condensed, "average"))
    flat = not condensed.any() or condensed.min() == condensed.max()
    kept = 1.0 if flat else float(cophenet(tree, condensed)[0])
    cut = np.asarray(fcluster(tree, k, "maxclust"))
    order = {label: i for i, label in enumerate(dict.fromkeys(cut.tolist()))}
    return tree, kept, np.array([order[label] for label in cut.tolist()], dtype=np.int64)


def questions(matrix: Float64, labels: Labels, seed: int = 0) -> list[Answer | None]:
    """Return the answers to: the same person? the same emotion? and this over persons alone.

    The individual signature is asked of pairs of one emotion where emotions are said, so that it is not the emotion
    that is recognised; the emotional one once of all pairs, and once of pairs of two persons where persons are said.
    """
    emotion, person = np.array(labels.emotion), np.array(labels.person)
    every = (emotion[:, None] != UNSAID) & (emotion != UNSAID)
    owned = (person[:, None] != UNSAID) & (person != UNSAID)
    same_emotion = emotion[:, None] == emotion
    found = [ask("emotional: the same emotion? all pairs", matrix, labels.emotion, every, seed=seed)]
    if owned.any():
        strangers = every & owned & (person[:, None] != person)
        found += [
            ask("emotional: the same emotion? over two persons", matrix, labels.emotion, strangers, seed=seed),
            ask(
                "individual: the same person? within one emotion",
                matrix,
                labels.person,
                owned & same_emotion,
                seed=seed,
            ),
        ]
    return found


def labels_by_pattern(takes: Sequence[Take], emotion: str | None, person: str | None) -> Labels:
    """Return the labels that regular expressions find in the files' names: their first group, or the whole match."""
    return Labels(_found(takes, emotion, "--group"), _found(takes, person, "--person"))


def _found(takes: Sequence[Take], pattern: str | None, option: str) -> tuple[str, ...]:
    if pattern is None:
        return tuple(UNSAID for _ in takes)
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"{option} {pattern}", f"is no regular expression: {error}") from None
    matches = [compiled.search(Path(take.place).name) for take in takes]
    if not any(matches):
        raise InputError(f"{option} {pattern}", "matches no file's name", mend=f"such as {Path(takes[0].place).name}")
    return tuple("" if m is None else (m[1] if compiled.groups and m[1] else m[0]) for m in matches)


def labels_by_table(takes: Sequence[Take], path: Path) -> Labels:
    """Return the labels of a CSV with the columns file, emotion and person (either may be missing); raises InputError.

    file is a name or a stem; takes that it does not name have no label.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(str(path), f"cannot be read as a table: {error}") from None
    if not rows or "file" not in rows[0] or not {EMOTION, PERSON} & set(rows[0]):
        raise InputError(str(path), "has no rows of file, emotion, person", mend="write this line first")
    known = {str(row["file"]): row for row in rows} | {Path(str(row["file"])).stem: row for row in rows}
    found = [_row_of(take, known) for take in takes]
    if not any(found):
        raise InputError(str(path), "names none of the recordings", mend=f"such as {Path(takes[0].place).name}")
    column = {name: tuple(str(row.get(name) or UNSAID) for row in found) for name in (EMOTION, PERSON)}
    return Labels(column[EMOTION], column[PERSON])


def _row_of(take: Take, known: Mapping[str, dict[str, str]]) -> dict[str, str]:
    """Return the row that names a take by its file, its stem or its name."""
    path = Path(take.place)
    return known.get(path.name) or known.get(path.stem) or known.get(take.name) or {}
