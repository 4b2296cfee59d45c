"""`emotus train MODEL --data SET:PATH` measures honestly, reports in one folder, and goes on where it stopped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.acted import examples, samples_of, set_of

from emotus.__main__ import main
from emotus.engine.errors import DataError, InputError, MissingPackageError
from emotus.training import data_set
from emotus.training.classifier import Settings, load, tempered
from emotus.training.classifiers import classifier_of
from emotus.training.cross_validation import leaky_twin
from emotus.training.measure import Task, compare, measure, refuse_full
from emotus.training.nested import best_temperature, choose
from emotus.training.windows import Examples


@pytest.fixture(autouse=True)
def acted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data set `acted:PERFORMERS` be known."""
    made = lambda path, folds: set_of(samples_of(int(path.name)))  # noqa: E731, ARG005
    monkeypatch.setitem(data_set.LOADERS, "acted", made)
    few: dict[str, tuple[Settings, ...]] = {
        "svm": ({"cost": 1.0},),
        "linear": ({"freedom": 0.01},),
        "forest": ({"trees": 8},),
        "emokine-3d": ({"cost": 1.0},),
        "emokine-2d": ({"cost": 1.0},),
        "gait": ({"steps": 4},),
        "judge": ({"steps": 12},),
    }
    for name, choices in few.items():
        monkeypatch.setattr(classifier_of(name), "choices", lambda choices=choices: choices)
        monkeypatch.setattr(classifier_of(name), "inner", 2)


def task(out: Path, **said: object) -> Task:
    """Return the task of the tests, a few words of it changed."""
    return replace(Task("svm", "acted:3", "performer", (0,), 32, out), **said)


def test_a_report_is_one_folder(tmp_path: Path) -> None:
    """report.html without an outside link, metrics.json with every figure, and a model that answers."""
    said = measure(task(tmp_path / "r", leaky=True))
    found = json.loads((tmp_path / "r" / "metrics.json").read_text())
    assert found == said
    assert found["figures"]["accuracy"][0] > 0.6
    assert found["figures"]["majority"] == pytest.approx(1 / 3)
    assert set(found["figures"]["per_class"]) == {"angry", "happy", "sad"}
    assert len(found["clips"]) == 9
    page = (tmp_path / "r" / "report.html").read_text()
    assert not re.search(r"(?:src|href)\s*=\s*['\"](?!data:)", page)
    assert page.count("data:image/png;base64,") == 2
    assert "LEAKY TWIN, never to be quoted" in page
    model = load(tmp_path / "r" / "model")
    assert model.predict_proba(np.stack([s.frames[:32] for s in samples_of(1)])).shape == (3, 3)


def test_the_same_seed_gives_the_same_figures(tmp_path: Path) -> None:
    """Byte for byte the same metrics and page; another seed of a random learner differs."""
    for name in ("a", "b"):
        measure(task(tmp_path / name, model="forest"))
    measure(task(tmp_path / "c", model="forest", seeds=(7,)))
    first, again, other = ((tmp_path / n / "metrics.json").read_bytes() for n in "abc")
    assert first == again
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "b" / "report.html").read_bytes()
    assert json.loads(first)["clips"] != json.loads(other)["clips"]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --resume the folds that were done are read, not trained; with another question they are trained anew."""
    first = measure(task(tmp_path))
    (tmp_path / "folds" / "seed0-fold2.json").unlink()
    trained: list[int] = []
    from emotus.training import cross_validation

    run_fold = cross_validation.run_fold
    monkeypatch.setattr(cross_validation, "run_fold", lambda *a: trained.append(a[2].number) or run_fold(*a))
    assert measure(task(tmp_path, resume=True)) == first
    assert trained == [2]
    measure(task(tmp_path, resume=True, window=24))
    assert trained == [2, 0, 1, 2]
    (tmp_path / "folds" / "seed0-fold1.json").write_text("{}")
    with pytest.raises(DataError, match=r"seed0-fold1\.json: is no fold of ours"):
        measure(task(tmp_path, resume=True, window=24))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A folder with a stranger's file, one with a report, and a file are refused before anything is trained."""
    (tmp_path / "diary.txt").write_text("dear diary")
    with pytest.raises(InputError, match=r"holds 'diary\.txt'"):
        refuse_full(tmp_path, resume=True)
    with pytest.raises(InputError, match="is a file"):
        refuse_full(tmp_path / "diary.txt", resume=False)
    (tmp_path / "r" / "folds").mkdir(parents=True)
    with pytest.raises(InputError, match="holds a report"):
        refuse_full(tmp_path / "r", resume=False)
    refuse_full(tmp_path / "r", resume=True)


def test_two_reports_are_compared_on_the_same_clips(tmp_path: Path) -> None:
    """McNemar's test against an earlier report; one of other clips, or no report at all, is refused."""
    measure(task(tmp_path / "svm"))
    said = measure(task(tmp_path / "linear", model="linear", against=tmp_path / "svm"))
    against = said["against"]
    assert against["model"] == "svm"
    assert against["clips"] == 9
    assert 0.0 <= against["mcnemar"]["p"] <= 1.0
    with pytest.raises(DataError, match=r"nowhere: is missing"):
        measure(task(tmp_path / "x", against=tmp_path / "nowhere"))
    said["clips"] = [{**clip, "label": "happy"} for clip in said["clips"]]
    with pytest.raises(DataError, match="did not test the same clips by the same labels"):
        compare(said, json.loads((tmp_path / "svm" / "metrics.json").read_text()))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train", "oracle", "--data", "acted:3"], "unknown model 'oracle'"),
        (["train", "svm", "--data", "acted:1"], "'performer 0' is all there is to leave out"),
        (["train", "svm", "--data", "acted:3", "--window", "200"], "48 frames are fewer than half a window of 200"),
        (["train", "svm", "--data", "acted:3", "--folds", "leap"], "unknown protocol 'leap'"),
        (["train", "svm", "--data", "nothing:x"], "unknown data set 'nothing'"),
    ],
)
def test_bad_input_is_one_line(words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """The command line exits 2 with one line on standard error and nothing on standard output."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "-o", str(tmp_path / "r")])
    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert line in err


def test_one_dancers_takes_are_left_out_one_by_one(tmp_path: Path) -> None:
    """EMOKINE's protocol on a stand-in: one dancer, every take a fold, seen in space and as a camera sees her."""
    for name in ("emokine-3d", "emokine-2d"):
        said = measure(task(tmp_path / name, model=name, uri="acted:2", protocol="trial"))
        assert said["figures"]["folds"] == said["figures"]["clips"] == 6


@pytest.mark.parametrize("name", ["gait", "judge"])
def test_networks_go_the_same_way(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network is measured by the same folds, and one that learns without labels sees unlabelled clips of others."""
    monkeypatch.setitem(data_set.LOADERS, "acted", lambda *_: set_of(samples_of(3, unlabelled=1)))
    said = measure(task(tmp_path, model=name))
    assert said["figures"]["clips"] == 9
    assert load(tmp_path / "model").about.kind == name


def test_the_command_prints_json_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """With --json one object on standard output, the same as metrics.json."""
    with pytest.raises(SystemExit) as ended:
        main(["train", "svm", "--data", "acted:3", "--seeds", "1", "--window", "32", "--json", "-o", str(tmp_path)])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "metrics.json").read_text())


def test_a_missing_library_is_named_with_its_extra() -> None:
    """Without the train extra the one line says what to install."""
    from emotus.training import cross_validation

    with pytest.raises(MissingPackageError, match=r"lightgum is not installed \(pip install 'emotus\[train\]'\)"):
        cross_validation._version("lightgum")


def test_the_leaky_twin_reads_the_clip() -> None:
    """Where the label is no property of the movement, honest folds find chance and windows dealt at random do not."""
    some = examples(8, window=24)
    shuffled = np.random.default_rng(3).permutation(some.labels)
    told = replace(some, labels=shuffled, memo=some.memo)
    leaky = leaky_twin(classifier_of("svm"), told, 0, {"cost": 10.0})
    assert leaky["accuracy"] > 0.6


def test_the_temperature_mends_what_is_too_sure() -> None:
    """Answers that are four times too sure get a temperature near four, and their likelihood rises."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.0, (1500, 3))
    truth = np.array([rng.choice(3, p=p) for p in tempered(logits, 1.0)])
    blank = np.zeros((1500, 1, 90), dtype=np.float32)
    data = Examples(blank, np.arange(1500), truth, truth.astype(str), np.eye(3)[truth], ("a", "b", "c"))
    temperature, _ = best_temperature(data, 4.0 * logits)
    assert temperature == pytest.approx(4.0, rel=0.2)


def test_the_ensemble_believes_who_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that is right more often on inner folds weighs more; the weights are one together."""
    from emotus.training import ensemble

    right = np.eye(3)[np.tile([0, 1, 2], 20)] * 0.8 + 0.2 / 3
    said = np.stack([right, np.full_like(right, 1 / 3), np.roll(right, 1, axis=1)])
    weights = ensemble.pool_weights(said, np.tile([0, 1, 2], 20))
    assert weights[0] > 0.8
    assert weights.sum() == pytest.approx(1.0)
    monkeypatch.setattr(ensemble, "MEMBERS", ("linear", "svm"))
    chosen = choose(ensemble.Ensemble, examples(4, window=24), 0)
    fitted = ensemble.Ensemble.fit(examples(4, window=24), 0, chosen.settings)
    assert [member.about.kind for member in fitted.members] == ["linear", "svm"]
    assert fitted.members[0].about.settings["freedom"] == chosen.settings["members"]["linear"]["settings"]["freedom"]


def test_the_search_of_the_perceptron_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optuna's trials are the same for the same seed, and never worse on inner folds than where they began."""
    from emotus.training import mlp

    monkeypatch.setattr(mlp, "TRIALS", 1)
    monkeypatch.setitem(mlp.DEFAULTS, "steps", 15)
    some = examples(4, window=24)
    first, again = (choose(mlp.Mlp, some, 1) for _ in range(2))
    assert first.settings == again.settings
    np.testing.assert_array_equal(first.said, again.said)
