"""Maps of signatures: every way to compare, both questions, tables and a report that stand alone."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from support.movers import rows_of, style

from emotus.engine.errors import InputError
from emotus.engine.signature_definition import Definition
from emotus.training import signature_map, signature_pictures, signature_report, signature_tables
from emotus.training.signature_compare import KEPT, METRICS, compare, raw_distances
from emotus.training.signature_files import Take
from emotus.training.signature_map import Labels, gap_statistic, make_map
from emotus.training.signature_stats import ask, auc_of, distance_interval

ot = pytest.importorskip("ot")
pytest.importorskip("matplotlib")

DEFINITION = Definition()


def take_of(name: str, seconds: float = 6.0, seed: int = 0) -> Take:
    """Return a take of a synthetic style."""
    return Take(f"{name}-{seed}", f"/takes/{name}_{seed}.bvh", DEFINITION, rows_of(style(name, seconds, seed=seed)))


@pytest.fixture(scope="module")
def takes():
    """Return two takes each of three styles by "two persons" each."""
    return [take_of(name, 6.0 + seed, seed) for name in ("happy", "sad", "angry") for seed in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def labels(takes):
    """Return who moves how: the first two takes of each style are one person's, the others another's."""
    found = signature_map.labels_by_pattern(takes, r"^([a-z]+)_", r"_(\d)")
    assert found.person[:5] == ("1", "2", "3", "4", "1")
    return Labels(found.emotion, tuple("anna" if seed in "12" else "ben" for seed in found.person))


@pytest.fixture(scope="module")
def found(takes, labels):
    """Return their map."""
    return make_map(takes, labels)


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("metric", METRICS)
def test_every_way_to_compare_tells_styles_apart(takes, labels, metric, kept):
    """Symmetric, zero to itself, finite; of one style nearer than of two."""
    matrix = compare(takes, [take.signature() for take in takes], metric, kept)
    assert np.isfinite(matrix).all()
    assert (matrix == matrix.T).all()
    assert not matrix.diagonal().any()
    assert ask("", matrix, labels.emotion, np.ones(matrix.shape, bool)).auc > 0.95


def test_raw_distances_are_pots():
    """Of one size all at once, of several one by one."""
    rng = np.random.default_rng(0)
    for sizes in ((50, 50, 50), (50, 77, 31)):
        samples = [np.sort(rng.lognormal(size=n)) for n in sizes]
        theirs = [[ot.wasserstein_1d(a, b) for b in samples] for a in samples]
        assert raw_distances(samples) == pytest.approx(np.array(theirs), abs=1e-9)


def test_the_map_finds_the_styles(found, labels):
    """Three clusters, by k-means and by the tree, which are the styles; and the answers say so."""
    assert found.plane.stress < 0.1
    for clusters in (found.clusters, found.branches):
        assert len({*zip(labels.emotion, clusters.tolist(), strict=True)}) == 3
    assert found.choice.by_silhouette == 3
    questions = {answer.question.partition(":")[0]: answer for answer in found.answers}
    assert questions["emotional"].auc > 0.95
    assert questions["emotional"].p_permutation < 0.01
    assert questions["emotional"].low > 0
    assert questions["individual"].pairs_within == 6
    assert 0 <= questions["individual"].auc <= 1
    assert questions["individual"].p_permutation > 0.001  # the two persons are seeds of one generator


def test_the_auc_is_that_of_all_pairs():
    """Counted one by one, ties half."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 20).astype(float), rng.integers(1, 8, 30).astype(float)
    assert auc_of(a, b) == pytest.approx(np.mean([(x < y) + 0.5 * (x == y) for x in a for y in b]))


def test_permutations_of_nothing_are_even():
    """Labels that mean nothing are rarely called meaningful."""
    rng = np.random.default_rng(0)
    p_values = []
    for seed in range(12):
        points = rng.normal(size=(16, 2))
        matrix = np.linalg.norm(points[:, None] - points, axis=2)
        p_values.append(ask("", matrix, list("aaaabbbbccccdddd"), np.ones((16, 16), bool), seed=seed).p_permutation)
    assert sum(p < 0.05 for p in p_values) <= 4


def test_the_gap_statistic_may_find_no_structure():
    """One even spread is one cluster, three heaps are three."""
    rng = np.random.default_rng(1)
    gaps = gap_statistic(rng.random((40, 2)))
    assert gaps[1][0] >= gaps[2][0] - gaps[2][1]
    heaps = np.repeat([[0, 0], [9, 0], [0, 9]], 15, axis=0) + rng.normal(size=(45, 2))
    gaps = gap_statistic(heaps)
    assert min(k for k in gaps if k < 10 and gaps[k][0] >= gaps[k + 1][0] - gaps[k + 1][1]) == 3


def test_the_interval_holds_the_distance(takes):
    """It is drawn around it, is narrower for longer takes, and is nothing for a take with itself."""
    one, other = takes[0], takes[4]
    total = compare([one, other], [one.signature(), other.signature()], "wasserstein")[0, 1]
    low, high = distance_interval(one, other, draws=100)
    assert 0 <= low < total < high
    assert distance_interval(one, one, draws=10) == (0.0, 0.0)
    longer = distance_interval(take_of("happy", 40.0, 7), take_of("sad", 40.0, 7), draws=100)
    assert longer[1] - longer[0] < high - low


class Links(HTMLParser):
    """Collect what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.outside = []
        self.pictures = 0

    def handle_starttag(self, tag, attrs):
        """Note sources, links and scripts."""
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "data") and not (value or "").startswith("data:"):
                self.outside.append(value)
            self.pictures += name == "src" and (value or "").startswith("data:image/png;base64,")
        if tag in ("script", "link", "iframe"):
            self.outside.append(tag)


def test_the_report_stands_alone(found, tmp_path):
    """One file, five pictures inside it (one by person), nothing fetched; names are text, never markup."""
    evil = [Take("<script>x</script>", each.place, each.definition, each.rows) for each in found.takes[:1]]
    shown = make_map([*evil, *found.takes[1:]], found.labels)
    path = tmp_path / "deep" / "report.html"
    signature_report.write_report(shown, path)
    page = path.read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert links.outside == []
    assert links.pictures == 5
    assert "http" not in re.sub(r'src="[^"]+"', "", page)
    assert "&lt;script&gt;" in page
    assert "over two persons" in page


def test_the_tables_are_read_by_any_reader(found, tmp_path):
    """Rectangular, with a heading, finite numbers, no formula in a name; distances as they are."""
    odd = [Take("=cmd()", each.place, each.definition, each.rows) for each in found.takes[:1]]
    paths = signature_tables.write_tables(make_map([*odd, *found.takes[1:]], found.labels), tmp_path)
    assert [path.stem for path in paths] == ["distances", "pairs", "points", "quantiles", "clusters", "tests"]
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not any(cell.startswith("=") or cell in ("nan", "inf") for row in rows for cell in row)
    table = list(csv.reader((tmp_path / "distances.csv").read_text(encoding="utf-8").splitlines()))
    assert np.array([row[1:] for row in table[1:]], float) == pytest.approx(found.matrices["wasserstein"], abs=1e-8)


def test_equal_takes_and_pairs_have_a_map(takes, tmp_path):
    """Twice the same recording, four times the same, two of a kind: finite, and drawn."""
    for few in ([takes[0]] * 2, [takes[0]] * 4, [takes[0], takes[5]]):
        made = make_map(few, Labels(("a",) * len(few), ("",) * len(few)))
        assert np.isfinite(made.plane.points).all()
        assert all(np.isfinite(matrix).all() for matrix in made.matrices.values())
        assert made.answers == ()
        signature_tables.write_tables(made, tmp_path)
    same = make_map([takes[0]] * 3, Labels(("a",) * 3, ("",) * 3))
    for draw in (signature_pictures.draw_plane, signature_pictures.draw_matrix, signature_pictures.draw_choice):
        figure = draw(same)
        figure.set_dpi(20)
        assert signature_pictures.as_png(figure).startswith(b"\x89PNG")


def test_one_take_is_no_map(takes):
    """And nothing is none."""
    with pytest.raises(InputError, match="nothing to compare it with"):
        make_map(takes[:1], Labels(("",), ("",)))


def test_labels_come_from_a_table_or_a_pattern(takes, tmp_path):
    """A CSV with a byte order mark, as spreadsheets write; what it does not name has no label."""
    path = tmp_path / "labels.csv"
    path.write_text("file,emotion\nhappy_1.bvh,joy\nsad_2,grief\n", encoding="utf-8-sig")
    said = signature_map.labels_by_table(takes, path)
    assert said.emotion[:2] == ("joy", "")
    assert said.emotion[5] == "grief"
    assert set(said.person) == {""}
    for text in ("", "take,emotion\na,b\n", "file,emotion\nnobody,joy\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"labels\.csv"):
            signature_map.labels_by_table(takes, path)
    for pattern in ("(", "nothing-like-this"):
        with pytest.raises(InputError, match="--group"):
            signature_map.labels_by_pattern(takes, pattern, None)
