"""Every recogniser shows one face: it learns, answers, is saved and read again, and steps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.acted import examples, frames_of

from emotus.engine.errors import DataError, InputError, WeightsError
from emotus.training.classifier import ABOUT, ARRAYS, Classifier, load
from emotus.training.classifiers import CLASSIFIERS, classifier_of
from emotus.training.windows import Examples

FEW = {
    "forest": {"trees": 10}, "boost": {"rounds": 8}, "mlp": {"steps": 40}, "lstm": {"steps": 30},
    "judge": {"steps": 30}, "stgcn": {"steps": 6}, "stgcn-plain": {"steps": 6}, "gait": {"steps": 8},
}  # fmt: skip
PLAIN = ("forest", "svm", "linear", "boost", "mlp", "emokine-3d", "emokine-2d", "ensemble")
WINDOW = 32


@pytest.fixture(scope="module")
def acted() -> Examples:
    return examples(4, unlabelled=1, window=WINDOW)


@pytest.fixture(scope="module")
def fitted(acted: Examples) -> dict[str, Classifier]:
    return {name: classifier_of(name).fit(acted, 3, FEW.get(name, {})) for name in CLASSIFIERS}


@pytest.fixture(scope="module")
def strangers() -> tuple[np.ndarray, np.ndarray]:
    """Windows of performers nobody learnt from, and their labels."""
    labels = np.tile(np.arange(3), 4)
    return np.stack([frames_of(int(k), 900 + i, WINDOW) for i, k in enumerate(labels)]), labels


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_answers_are_probabilities(name: str, fitted: dict[str, Classifier], strangers: tuple) -> None:
    """One row a window, one number a label, from zero to one, together one."""
    probs = fitted[name].predict_proba(strangers[0])
    assert probs.shape == (12, 3)
    assert np.all((probs >= 0) & (probs <= 1))
    np.testing.assert_allclose(probs.sum(axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("name", PLAIN)
def test_what_differs_plainly_is_told_apart(name: str, fitted: dict[str, Classifier], strangers: tuple) -> None:
    """Swings of another size and speed are known again in performers never seen."""
    assert np.mean(fitted[name].predict_proba(strangers[0]).argmax(axis=1) == strangers[1]) >= 0.75


@pytest.mark.parametrize("name", ["lstm", "judge"])
def test_a_network_learns(name: str, acted: Examples) -> None:
    """More steps of training make the labels of what was learnt likelier."""
    losses = []
    for steps in (2, 60):
        learnt = classifier_of(name).fit(acted, 0, {"steps": steps})
        known = acted.labelled
        losses.append(-learnt.log_probs(known)[np.arange(len(known.clips)), known.targets].mean())
    assert losses[1] < 0.6 * losses[0]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_what_was_saved_answers_the_same(
    name: str, fitted: dict[str, Classifier], strangers: tuple, tmp_path: Path
) -> None:
    """Read from its files, bit for bit the same answer, temperature and all; nothing in the folder is a pickle."""
    kept = fitted[name].with_temperature(1.7)
    again = load(kept.save(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {ABOUT, ARRAYS}
    assert type(again) is type(kept)
    assert again.about.names == kept.about.names
    np.testing.assert_array_equal(again.predict_proba(strangers[0]), kept.predict_proba(strangers[0]))


@pytest.mark.parametrize("name", ["forest", "boost", "mlp", "lstm"])
def test_the_same_seed_gives_the_same_answer(name: str, acted: Examples, fitted: dict, strangers: tuple) -> None:
    """Trained again with the seed, bit for bit; with another seed, otherwise."""
    answers = [
        classifier_of(name).fit(acted, seed, FEW[name]).predict_proba(strangers[0]) for seed in (3, 4)
    ]  # fmt: skip
    np.testing.assert_array_equal(answers[0], fitted[name].predict_proba(strangers[0]))
    assert np.abs(answers[1] - answers[0]).max() > 1e-6


@pytest.mark.parametrize("name", ["forest", "svm", "lstm"])
def test_a_step_answers_from_the_last_window(name: str, fitted: dict[str, Classifier]) -> None:
    """Frame by frame, the answer is that of the last window; the state given is not altered, streams do not mix."""
    frames = np.stack([frames_of(0, 1), frames_of(2, 2)])  # (2, 48, 90)
    model = fitted[name]
    state = model.start(2)
    for t in range(40):
        before = state
        held = before.frames.copy()
        probs, state = model.step(frames[:, t], state)
        np.testing.assert_array_equal(before.frames, held)
    np.testing.assert_allclose(probs, model.predict_proba(frames[:, 8:40]), atol=1e-6)


def test_the_judge_steps_without_a_window(fitted: dict[str, Classifier]) -> None:
    """The judge's step is its answer to everything seen since the start, to 1e-5."""
    judge = fitted["judge"]
    frames = frames_of(1, 5)[None, :31]
    state = judge.start(1)
    for t in range(31):
        probs, state = judge.step(frames[:, t], state)
    np.testing.assert_allclose(probs, judge.predict_proba(frames), atol=1e-5)


def test_one_class_teaches_nothing(acted: Examples) -> None:
    """Every recogniser refuses to learn from one class, in one line that names it."""
    alone = acted.take(np.flatnonzero(acted.labels == 2))
    for name in CLASSIFIERS:
        with pytest.raises(DataError, match="only the class 'sad'"):
            classifier_of(name).fit(alone, 0, FEW.get(name, {}))


def test_a_class_never_seen_is_never_sure(acted: Examples, strangers: tuple) -> None:
    """A label without a clip to learn from keeps its column, and a low probability."""
    some = acted.take(np.flatnonzero(acted.labels != 1))
    for name in ("forest", "svm", "linear", "boost", "mlp"):
        probs = classifier_of(name).fit(some, 0, FEW.get(name, {})).predict_proba(strangers[0])
        assert probs.shape == (12, 3)
        assert probs[:, 1].max() < 0.34, name


def test_an_unknown_name_is_told_the_others() -> None:
    """The line lists what there is."""
    with pytest.raises(InputError, match=r"unknown model 'oracle' \(one of forest, svm"):
        classifier_of("oracle")


@pytest.mark.parametrize("harm", ["arrays", "json", "kind", "missing"])
def test_a_harmed_model_is_refused(harm: str, fitted: dict[str, Classifier], tmp_path: Path) -> None:
    """Altered arrays, a broken text, a strange kind and a missing file are each named, and nothing of them runs."""
    folder = fitted["linear"].save(tmp_path)
    about = folder / ABOUT
    if harm == "arrays":
        (folder / ARRAYS).write_bytes((folder / ARRAYS).read_bytes()[:-8] + b"\0" * 8)
    elif harm == "json":
        about.write_text("{")
    elif harm == "kind":
        about.write_text(json.dumps({**json.loads(about.read_text()), "kind": "oracle"}))
    else:
        about.unlink()
    with pytest.raises(WeightsError, match=r"altered|understood|'oracle'|no model"):
        load(folder)


def test_the_forest_answers_as_scikit_learn_does(acted: Examples) -> None:
    """The forest's own walk down its trees gives scikit-learn's probabilities."""
    from sklearn.ensemble import RandomForestClassifier

    known = acted.labelled
    theirs = RandomForestClassifier(12, min_samples_leaf=2, random_state=5).fit(known.features, known.targets)
    ours = classifier_of("forest").fit(acted, 5, {"trees": 12})
    np.testing.assert_allclose(np.exp(ours.log_probs(known)), theirs.predict_proba(known.features), atol=1e-9)
