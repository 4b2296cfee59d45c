"""Windows are cut after the split, and know which clip they come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.acted import examples, samples_of, set_of

from emotus.engine.errors import DataError
from emotus.training.windows import cut, windows_of


def test_windows_of_a_clip_begin_a_hop_apart() -> None:
    """A clip of 48 frames has windows of 32 at 0, 8 and 16."""
    frames = np.arange(48 * 90, dtype=np.float32).reshape(48, 90)
    found = windows_of(frames, 32, 8, "here")
    assert found.shape == (3, 32, 90)
    assert [int(window[0, 0] / 90) for window in found] == [0, 8, 16]


def test_a_clip_a_little_too_short_is_played_backwards() -> None:
    """It is continued by its own frames, the last of them not said twice."""
    frames = np.arange(5 * 4, dtype=np.float32).repeat(90).reshape(20, 90)
    (window,) = windows_of(frames, 24, 8, "here")
    assert window[:, 0].tolist() == [*range(20), 18, 17, 16, 15]


def test_a_clip_of_less_than_half_a_window_is_refused() -> None:
    """The line names the file, both numbers and a window that would do."""
    data = set_of([replace(sample, frames=sample.frames[:20]) for sample in samples_of(2)])
    with pytest.raises(DataError, match=r"0-angry-0\.bvh: 20 frames are fewer than half a window of 64 \(--window 40"):
        cut(data, ["a"] * 6)


def test_a_number_that_is_not_finite_is_refused() -> None:
    """A NaN in a clip is named with its file, and reaches no learner."""
    broken, *others = samples_of(2)
    frames = broken.frames.copy()
    frames[3, 3] = np.nan
    with pytest.raises(DataError, match=r"0-angry-0\.bvh: holds a number that is not finite"):
        cut(set_of([replace(broken, frames=frames), *others]), ["a"] * 6, 32, 8)


def test_taken_clips_keep_their_windows_labels_and_features() -> None:
    """Some clips, in another order: windows, labels, groups and features stay with their clip."""
    whole = examples(3)
    features = whole.features
    part = whole.take([7, 2])
    assert part.labels.tolist() == whole.labels[[7, 2]].tolist()
    assert part.groups.tolist() == whole.groups[[7, 2]].tolist()
    for new, old in ((0, 7), (1, 2)):
        np.testing.assert_array_equal(part.frames[part.clips == new], whole.frames[whole.clips == old])
        np.testing.assert_array_equal(part.features[part.clips == new], features[whole.clips == old])


def test_a_clip_answers_by_the_mean_of_its_windows() -> None:
    """The mean over each clip's windows, clip by clip."""
    some = examples(2)
    said = np.random.default_rng(0).dirichlet([1, 1, 1], len(some.clips))
    by_hand = [said[some.clips == clip].mean(axis=0) for clip in range(some.count)]
    np.testing.assert_allclose(some.by_clip(said), by_hand)
