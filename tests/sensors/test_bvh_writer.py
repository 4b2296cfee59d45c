"""Writing BVH: what is written reads back to the last bit, and nothing is ever half-written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.bvh_texts import REAL, body_text

from emotus.engine.body import BODY
from emotus.engine.errors import BvhError
from emotus.engine.forward import place_frames
from emotus.engine.skeleton import Skeleton
from emotus.sensors.bvh import forward, parse_bvh, read_bvh
from emotus.sensors.bvh_file import POSITIONS, ROTATIONS, SCALES, Bvh, EndSite
from emotus.sensors.bvh_rate import RATES_HZ, read_frame_time, snap_frame_time, write_frame_time
from emotus.sensors.bvh_writer import save_bvh, write_bvh

NUMBERS = st.floats(min_value=-1e9, max_value=1e9)
NAMES = st.text(st.characters(exclude_characters="{}\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
THREE = st.tuples(NUMBERS, NUMBERS, NUMBERS)


@st.composite
def files(draw: st.DrawFn) -> Bvh:
    """Make any file that the types allow: forests, odd names, any channels, any finite numbers."""
    names = draw(st.lists(NAMES.map(str.strip).filter(bool), min_size=1, max_size=6, unique=True))
    parents: list[int] = []
    path: list[int] = []
    for joint in range(len(names)):
        depth = draw(st.integers(0, len(path)))
        path = path[:depth]
        parents.append(path[-1] if path else -1)
        path.append(joint)
    words = st.lists(st.sampled_from(POSITIONS + ROTATIONS + SCALES), max_size=9).map(tuple)
    channels = [draw(words) for _ in names]
    channels[-1] = channels[-1] or ("Xrotation",)
    ends = draw(st.lists(st.builds(EndSite, st.integers(0, len(names) - 1), THREE, NAMES.map(str.strip)), max_size=4))
    width = sum(map(len, channels))
    rows = draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=4))
    offsets = np.array([draw(THREE) for _ in names])
    time = draw(st.floats(1e-4, 10.0) | st.sampled_from([1 / rate for rate in RATES_HZ]) | st.just(0.0333))
    skeleton = Skeleton(tuple(names), tuple(parents), offsets)
    return Bvh("x", skeleton, tuple(channels), tuple(sorted(ends, key=lambda e: e.parent)), np.array(rows), time)


def assert_same(a: Bvh, b: Bvh) -> None:
    """Check that two files are the same to the last bit, places and warnings aside."""
    assert (a.skeleton.names, a.skeleton.parents, a.channels) == (b.skeleton.names, b.skeleton.parents, b.channels)
    assert repr(a.end_sites) == repr(b.end_sites)
    assert a.skeleton.offsets.tobytes() == b.skeleton.offsets.tobytes()
    assert a.motion.tobytes() == b.motion.tobytes()
    assert a.motion.shape == b.motion.shape
    assert a.frame_time_s.hex() == b.frame_time_s.hex()


@given(files())
def test_what_is_written_reads_back_to_the_last_bit(bvh):
    """Names, tree, channels, end sites, offsets, rows and frame time survive, zero signs and denormals included."""
    back = parse_bvh(write_bvh(bvh), "back")
    assert_same(bvh, back)
    assert not [w for w in back.warnings if "scale" not in str(w)]


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_survive_writing(path, tmp_path):
    """A real recording, saved and read again, is the same; saved twice it is the same bytes."""
    bvh = read_bvh(path)
    save_bvh(bvh, tmp_path / "copy.bvh")
    assert_same(bvh, read_bvh(tmp_path / "copy.bvh"))
    assert write_bvh(bvh) == (tmp_path / "copy.bvh").read_bytes()


@given(st.floats(1e-4, 10.0) | st.sampled_from([0.0333, 0.033333, 0.0083333, 0.0417]))
def test_any_frame_time_survives(seconds):
    """A frame time near a film rate, which reading would snap, is written so that it is not."""
    assert read_frame_time(write_frame_time(seconds)) == seconds


def test_snapping_takes_the_nearest_rate():
    """Each rate is its own nearest, and so is anything within a twentieth of a per cent of it."""
    for rate in RATES_HZ:
        for factor in (1.0, 1.0004, 0.9996):
            assert snap_frame_time(factor / rate) == 1 / rate


def unwritable() -> dict[str, Bvh]:
    good = parse_bvh(body_text(3).encode(), "x")
    skeleton = good.skeleton

    def named(name: str) -> Skeleton:
        return Skeleton((name, *skeleton.names[1:]), skeleton.parents, skeleton.offsets)

    broken = good.motion.copy()
    broken[1, 1] = np.nan
    apart = Skeleton(("a", "b", "c", "d"), (-1, 0, 0, 1), np.zeros((4, 3)))
    return {
        "nan": replace(good, motion=broken),
        "infinite": replace(good, motion=good.motion + np.inf),
        "large": replace(good, motion=good.motion + 1e10),
        "no frames": replace(good, motion=good.motion[:0]),
        "too few columns": replace(good, motion=good.motion[:, 1:]),
        "offset": replace(good, skeleton=Skeleton(skeleton.names, skeleton.parents, skeleton.offsets * np.nan)),
        "brace in a name": replace(good, skeleton=named("a{")),
        "line in a name": replace(good, skeleton=named("a\nb")),
        "blank at a name's end": replace(good, skeleton=named("a ")),
        "no name": replace(good, skeleton=named("")),
        "half a letter": replace(good, skeleton=named("\ud800")),
        "frame time": replace(good, frame_time_s=0.0),
        "channel": replace(good, channels=(("Wrotation",) * 6, *good.channels[1:])),
        "lists of channels": replace(good, channels=good.channels[1:]),
        "end site of no joint": replace(good, end_sites=(EndSite(99, (0, 0, 0)),)),
        "end sites unsorted": replace(good, end_sites=(EndSite(4, (0, 0, 0)), EndSite(3, (0, 0, 0)))),
        "not depth first": replace(good, skeleton=apart, channels=(("Xrotation",),) * 4, motion=np.zeros((1, 4))),
    }


@pytest.mark.parametrize("case", unwritable())
def test_what_would_not_read_back_is_refused_and_nothing_is_written(case, tmp_path):
    """A file that no reader could read the same is refused in one line; what was there before stays."""
    path = tmp_path / "take.bvh"
    path.write_text("before")
    with pytest.raises(BvhError, match="cannot be written") as caught:
        save_bvh(unwritable()[case], path)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_while_writing_leaves_nothing(tmp_path, monkeypatch):
    """When the disk fails in the middle, no half file and no scrap stays."""
    from emotus.sensors import bvh_writer

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bvh_writer.os, "fsync", full)
    with pytest.raises(BvhError, match="no space left on device"):
        save_bvh(parse_bvh(body_text(3).encode(), "x"), tmp_path / "take.bvh")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """Saving to where nothing can be saved is one line."""
    with pytest.raises(BvhError, match="no such file or directory"):
        save_bvh(parse_bvh(body_text(1).encode(), "x"), tmp_path / "gone" / "take.bvh")


@settings(max_examples=30)
@given(st.permutations("XYZ").map("".join), st.integers(0, 2**32 - 1))
def test_rotations_in_any_order_come_back(order, seed):
    """Positions of a file made from rotations are those of the rotations, whichever order they are written in."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(40, 3)).astype(np.float32)
    local = Rotation.random(40 * 21, random_state=seed % 2**31).as_quat(scalar_first=True)
    local = local.reshape(40, 21, 4).astype(np.float32)
    bvh = Bvh.from_rotations(BODY, root, local, frame_time_s=0.0333, order=order)
    assert bvh.frame_time_s == 1 / 30
    back = parse_bvh(write_bvh(bvh), "back")
    assert_same(bvh, back)
    positions, rotations = forward(back)
    expected, turned = place_frames(BODY, root, local)
    assert np.abs(positions - expected).max() < 1e-4
    assert np.abs(np.abs(np.sum(rotations * turned, axis=-1)) - 1).max() < 1e-5
