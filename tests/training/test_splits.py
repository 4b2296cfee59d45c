"""Whole groups are left out, by construction: no performer, activity or trial is on both sides of a split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.acted import LABELS, samples_of, set_of

from emotus.engine.errors import DataError
from emotus.training.data_set import Sample
from emotus.training.nested import inner_splits
from emotus.training.splits import grouped_folds, groups_of, splits_of
from emotus.training.windows import cut


@pytest.mark.parametrize("protocol", ["performer", "content", "family", "trial"])
def test_nothing_left_out_is_learnt_from(protocol: str) -> None:
    """The groups of train and test are disjoint, every labelled clip is tested once, unlabelled ones never."""
    data = set_of(samples_of(14, takes=2, unlabelled=1))
    groups = np.array(groups_of(data, protocol))
    splits = splits_of(data, protocol)
    for split in splits:
        assert set(groups[split.train]).isdisjoint(groups[split.test])
        assert all(data.samples[i].label for i in split.test)
    assert sorted(np.concatenate([split.test for split in splits])) == list(data.labelled)
    assert len(splits) == {"performer": 10, "content": 2, "family": 2, "trial": 84}[protocol]


def test_many_trials_are_dealt_into_ten_folds() -> None:
    """Leave-one-out is for few clips: more than a hundred trials make ten folds."""
    assert len(splits_of(set_of(samples_of(18, takes=2)), "trial")) == 10


def test_unlabelled_clips_of_a_tested_performer_are_out_too() -> None:
    """What learns without labels never sees the performer it is tested on."""
    data = set_of(samples_of(4, unlabelled=2))
    for split in splits_of(data, "performer"):
        tested = {data.samples[i].performer for i in split.test}
        assert not any(data.samples[i].performer in tested for i in split.train)
        assert any(not data.samples[i].label for i in split.train)


def test_a_performer_on_both_sides_is_refused() -> None:
    """Fixed folds that tear a performer apart are refused, with the file and the two folds."""
    samples = [replace(sample, fold=i % 2) for i, sample in enumerate(samples_of(3))]
    with pytest.raises(DataError, match=r"the performer 'performer 0' lies in fold 0 and in fold 1, on both sides"):
        splits_of(set_of(samples), "performer")


def test_a_fold_that_leaves_one_class_is_refused() -> None:
    """Where only one class would be left to learn from, the fold is named."""
    samples = [s for s in samples_of(2) if (s.performer, s.label) != ("performer 1", "sad")]
    samples = [s for s in samples if s.performer == "performer 0" or s.label == "happy"]
    with pytest.raises(DataError, match="leaves one class only to learn from"):
        splits_of(set_of(samples), "performer")


def test_a_set_that_does_not_tell_who_moves_is_refused() -> None:
    """Leaving performers out needs to know them; a lone one cannot be left out."""
    with pytest.raises(DataError, match="nobody said the performer"):
        splits_of(set_of([replace(s, performer="") for s in samples_of(2)]), "performer")
    with pytest.raises(DataError, match="'performer 0' is all there is to leave out"):
        splits_of(set_of(samples_of(1)), "performer")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=6, max_size=40), st.integers(0, 9))
def test_inner_folds_keep_groups_together(clips: list[tuple[int, int]], seed: int) -> None:
    """Inner folds never tear a group apart, whatever the groups and labels are."""
    groups = np.array([f"g{group}" for group, _ in clips])
    labels = np.array([label for _, label in clips])
    if len(set(groups)) < 2:
        return
    fold = grouped_folds(groups, labels, 3, seed)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))


def test_inner_folds_leave_groups_out() -> None:
    """What inner folds test on is in no group they learn from, unlabelled clips included."""
    data = set_of(samples_of(6, unlabelled=1))
    examples = cut(data, [sample.performer for sample in data.samples], 32, 8)
    found = list(inner_splits(examples, 3, 0))
    assert len(found) == 3
    for train, test in found:
        assert set(examples.groups[train]).isdisjoint(examples.groups[test])
        assert np.all(examples.labels[test] >= 0)
        assert np.any(examples.labels[train] < 0)


def test_labels_of_a_sample_are_plain_words() -> None:
    """The stand-in set has the three classes that the tests above count on."""
    assert {sample.label for sample in samples_of(1)} == set(LABELS)
    assert isinstance(samples_of(1)[0], Sample)
