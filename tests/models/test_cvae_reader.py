"""The offline generator's own reader: what it reads of a movement, and that choosing by it brings what was asked."""

from __future__ import annotations

import torch
from support.movements import OFFSETS, movements

from emotus.models.cvae import FRAMES, CvaeShape
from emotus.models.cvae_generator import MovementGenerator
from emotus.models.cvae_kinematics import mirrored
from emotus.models.cvae_reader import FEATURES, EmotionReader, features

EMOTIONS = ("happy", "sad", "neutral")


def full(count: int) -> torch.Tensor:
    return torch.full((count,), FRAMES)


def test_a_body_that_rests_has_no_speed_and_one_that_is_carried_travels() -> None:
    """Standing still, all speeds are the least there are; carried at 0.3 m/s, only the travel changes."""
    still = movements(1)[:, :1].expand(1, FRAMES, -1).clone()
    along = still.clone()
    along[..., -3] += torch.arange(FRAMES) / 30 * 0.3
    rest, moved = features(still, full(1), OFFSETS)[0], features(along, full(1), OFFSETS)[0]
    assert len(rest) == FEATURES
    assert rest[126:189].exp().max() < 0.025  # mean, deviation and most of the speed, and what was added
    changed = (rest - moved).abs() > 1e-4
    assert changed.nonzero().flatten().tolist() == [FEATURES - 5, FEATURES - 4]
    assert abs(moved[FEATURES - 5].item() - 0.3) < 0.02


def test_frames_beyond_the_length_are_not_read() -> None:
    """Whatever stands behind the end of a shorter movement, the same is read of it."""
    given = movements(2)
    lengths = torch.tensor([40, 20])
    other = given + 3 * (torch.arange(FRAMES) >= lengths[:, None]).float()[..., None]
    torch.testing.assert_close(features(given, lengths, OFFSETS), features(other, lengths, OFFSETS))


def test_chances_sum_to_one_and_follow_the_weights() -> None:
    """An untaught reader finds all alike; one that weighs height reads the taller body as what it stands for."""
    reader, given = EmotionReader(3), movements(2)
    torch.testing.assert_close(reader(given, full(2), OFFSETS), torch.full((2, 3), 1 / 3))
    reader.weight[FEATURES - 2, 1] = 5.0
    given[1, :, -1] += 1.0
    chances = reader(given, full(2), OFFSETS)
    torch.testing.assert_close(chances.sum(dim=1), torch.ones(2))
    assert chances[1, 1] > chances[0, 1]


def test_choosing_brings_what_is_asked_nearer() -> None:
    """Kept movements read more as asked than those of the first draw, and there are as many different ones."""
    torch.manual_seed(1)
    model = MovementGenerator(CvaeShape(EMOTIONS, 6, 32, 2, 1), EMOTIONS, 32, 4)
    model.cvae.fit_straight(movements(60), OFFSETS)
    seeds = list(range(24))
    rows = features(model.draw("sad", 1.0, seeds, 1), full(24), OFFSETS)
    model.reader.mean.copy_(rows.mean(dim=0))
    model.reader.scale.copy_(rows.std(dim=0) + 1e-3)
    model.reader.weight[0, 1] = 2.0  # where the hips are to the side says whether it is sad
    model.reader.weight[3, 1] = 2.0
    once, chosen = (model.read(model.draw("sad", 1.0, seeds, count))[:, 1] for count in (1, 16))
    assert chosen.mean() > once.mean() + 0.1
    assert len({round(x, 5) for x in chosen.tolist()}) == 24


def test_a_mirror_is_read_where_left_is_right() -> None:
    """How fast the whole body is, and how high, a mirror does not change."""
    given = movements(3)
    one, other = (features(each, full(3), OFFSETS) for each in (given, mirrored(given)))
    torch.testing.assert_close(one[:, -5:], other[:, -5:], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one[:, 126:147].sum(dim=1), other[:, 126:147].sum(dim=1), atol=1e-3, rtol=1e-4)
