"""Events become the addresses of DESIGN.md 5, in bundles that fit one packet, with the bytes that python-osc builds."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from support.sayings import JOINTS, LABELS, ROTATIONS, emotion, frame, motion, pose, qualities, signature, status

from emotus.bridges import osc_frame
from emotus.bridges.osc_frame import MAX_BUNDLE_BYTES, FrameEncoder, frames, pack, safe_name, safe_text
from emotus.engine import osc_codec
from emotus.engine.body import JOINT_NAMES
from emotus.engine.errors import OscError
from emotus.engine.events import EVENT_TYPES


def heard(*events) -> list[tuple[str, tuple]]:
    """Return addresses and arguments of the messages that events become."""
    encoder = FrameEncoder()
    elements = [element for event in events for element in encoder.elements(event)]
    bundles = pack(encoder.frame(events[0]), elements)
    return [(message.address, message.args) for bundle in bundles for message in osc_codec.decode(bundle)]


def test_every_type_of_event_has_its_messages():
    """No event exists that OSC cannot say."""
    assert set(osc_frame.ELEMENTS) == set(EVENT_TYPES)


def test_an_emotion_is_a_float_a_label_and_three_more_and_a_name():
    """Every label has its address in every frame, so that receivers see a stable set."""
    told = dict(heard(emotion(7)))
    assert [address for address in told if "/emotion/" in address] == [f"/emotus/p1/emotion/{x}" for x in LABELS]
    assert told["/emotus/p1/emotion/happy"] == (0.5,)
    assert told["/emotus/p1/valence"] == (np.float32(0.123456789),)
    assert told["/emotus/p1/arousal"] == (-0.25,)
    assert told["/emotus/p1/confidence"] == (0.5,)
    assert told["/emotus/p1/label"] == ("happy",)


def test_qualities_and_statuses_have_their_addresses():
    """One float a quality; code and message of a status."""
    told = dict(heard(qualities(7)) + heard(status(7)))
    assert told["/emotus/p1/quality/smoothness"] == (1.0,)
    assert told["/emotus/engine/status"] == ("stale", "no frame for 0.2 s")


def test_a_signature_is_a_float_a_reference_and_where_it_lies():
    """One float a reference, under its name as OSC allows it; place, drift, confidence and the nearest beside it."""
    told = dict(heard(signature(7)))
    assert told["/emotus/p1/signature/bo_b"] == (1.5,)
    assert (told["/emotus/p1/signature_x"], told["/emotus/p1/signature_confidence"]) == ((0.25,), (0.875,))
    assert told["/emotus/p1/signature_nearest"] == ("anna",)
    assert len(told) == 1 + 2 + 4 + 1  # the frame itself first


@pytest.mark.parametrize("rotations", [False, True])
def test_a_joint_is_position_and_quaternion_with_w_last(rotations):
    """px py pz qx qy qz qw; the identity where rotations are unknown."""
    told = dict(heard(pose(7, rotations=rotations)))
    for i, name in enumerate(JOINT_NAMES):
        w, x, y, z = ROTATIONS[i] if rotations else (1, 0, 0, 0)
        assert told[f"/emotus/p1/joint/{name}"] == (*map(float, JOINTS[i]), x, y, z, w)


def test_a_generated_frame_says_first_that_it_is_synthetic_and_what_was_asked_for():
    """Then the joints, where those of a pose are."""
    told = dict(heard(motion(7)))
    assert told["/emotus/p1_partner/synthetic"] == (1.0,)
    assert told["/emotus/p1_partner/generated/emotion"] == ("happy",)
    assert told["/emotus/p1_partner/generated/intensity"] == (0.75,)
    assert told["/emotus/p1_partner/joint/Hips"][:3] == tuple(map(float, JOINTS[0]))


def test_a_frame_opens_each_bundle_with_seq_and_seconds_since_the_first():
    """Bundles stand for themselves; seconds begin at zero, since a float32 of uptime would stumble."""
    encoder = FrameEncoder()
    encoder.frame(emotion(100, t_ns=10**15))
    late = emotion(2**32 - 1, t_ns=10**15 + 500_000_000)
    bundles = pack(encoder.frame(late), [element for event in frame(1) for element in encoder.elements(event)])
    assert len(bundles) == 2
    for bundle in bundles:
        first = osc_codec.decode(bundle)[0]
        assert (first.address, first.args) == ("/emotus/p1/frame", (2**31 - 1, 0.5))


def peers_bundle(messages) -> bytes:
    """Return the bundle of the same messages as python-osc builds it."""
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, args in messages:
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg)
        bundle.add_content(builder.build())
    return bundle.build().dgram


def test_bundles_have_the_bytes_that_python_osc_builds():
    """A whole frame, pose and qualities and emotion, byte for byte."""
    encoder = FrameEncoder()
    elements = [element for event in frame(3) for element in encoder.elements(event)]
    for bundle in pack(encoder.frame(pose(3)), elements):
        assert bundle == peers_bundle([(m.address, m.args) for m in osc_codec.decode(bundle)])


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(0, 100))
def test_bundles_are_full_and_never_too_long(sizes, opening):
    """No bundle exceeds its bound, nothing is lost, the order stays, and no two neighbours would fit into one."""
    elements = [bytes([i % 256]) * size for i, size in enumerate(sizes)]
    bundles = pack(b"f" * opening, elements)
    head = len(osc_frame.HEAD) + opening
    assert b"".join(bundle[head:] for bundle in bundles) == b"".join(elements)
    assert all(len(bundle) <= MAX_BUNDLE_BYTES for bundle in bundles)
    for one, two in zip(bundles, bundles[1:], strict=False):
        assert len(one) + len(two) - head > MAX_BUNDLE_BYTES - 300


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("p1", "p1"), ("Zoë", "Zoe"), ("131_01.bvh", "131_01_bvh"), ("a b/c*d?e#f", "a_b_c_d_e_f"),
        ("花子", "_"), ("", "_"), ("a\0b", "a_b"), ("x" * 500, "x" * 48), ("\ud800", "_"),
    ],
)  # fmt: skip
def test_names_become_safe_parts_of_an_address(text, safe):
    """Whatever a performer or a label is called, its address is literal ASCII."""
    assert safe_name(text) == safe


@given(st.text())
def test_any_name_makes_a_valid_address(text):
    """No name can break an address or make it a pattern."""
    address = f"/emotus/{safe_name(text)}/valence"
    (message,) = osc_codec.decode(osc_codec.encode_message(address, 0.5))
    assert message.address == address
    assert not set(safe_name(text)) & set(" #*,/?[]{}")


def test_two_performers_never_share_an_address():
    """Names that look alike once they are ASCII are told apart by a number, always the same."""
    encoder = FrameEncoder()
    told = []
    for stream in ("花子", "太郎", "花子", "Zoë", "Zoe"):
        told += osc_codec.decode(osc_frame.HEAD + encoder.frame(pose(0, stream=stream)))
    assert [message.address for message in told] == [
        f"/emotus/{name}/frame" for name in ("_", "__2", "_", "Zoe", "Zoe_2")
    ]


def test_any_number_of_performers_is_remembered_within_bounds():
    """Ten thousand stream ids do not grow the memory of addresses."""
    encoder = FrameEncoder()
    for i in range(10_000):
        encoder.frame(pose(0, stream=f"stream {i}"))
    assert len(encoder._streams) <= osc_frame.MAX_PERFORMERS


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e39])
def test_nothing_that_is_not_finite_becomes_a_message(bad):
    """NaN, infinities and what overflows a float32 are refused."""
    joints = JOINTS.copy()
    joints[0, 0] = np.float32(bad) if bad != 1e39 else np.inf
    for event in (
        emotion(valence=bad),
        dataclasses.replace(emotion(), probs={"happy": bad}),
        dataclasses.replace(qualities(), values={"energy": bad}),
        dataclasses.replace(pose(), joints=joints),
    ):
        with pytest.raises(OscError):
            FrameEncoder().elements(event)


def test_a_status_is_one_line_of_ascii_and_short():
    """OSC strings are ASCII and end at a NUL; a long message does not burst the bundle."""
    assert safe_text("é\0a\n b" + "x" * 900) == ("? a b" + "x" * 900)[:400]
    elements = FrameEncoder().elements(status(message="é" * 5000, stream="s" * 5000))
    assert len(pack(b"", elements)[0]) <= MAX_BUNDLE_BYTES


def test_events_of_one_frame_are_grouped():
    """Same stream, seq and time: one frame; anything else begins another."""
    groups = frames([*frame(1), *frame(2), status(2), *frame(2, stream="p2")])
    assert [len(group) for group in groups] == [3, 3, 1, 3]
