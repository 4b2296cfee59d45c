"""PRIVACY.md 14: what is generated says so in every frame, by whichever bridge, with seed and hash of its weights."""

from __future__ import annotations

import dataclasses
import re

import msgspec
import pytest
from support.sayings import JOINTS, ROTATIONS, motion

from emotus.bridges import wire
from emotus.bridges.osc_frame import FrameEncoder, pack
from emotus.bridges.wire_small import to_small_msgpack
from emotus.engine.events import MotionEvent
from emotus.engine.osc_codec import decode


class Labelled(msgspec.Struct, tag="motion", tag_field="type"):
    """What a generated frame has to say of itself."""

    synthetic: bool
    seed: int
    model: str
    sha256: str


@pytest.mark.parametrize(
    "told",
    [
        lambda event: msgspec.json.decode(wire.to_json(event)),
        lambda event: msgspec.msgpack.decode(wire.to_msgpack(event)),
        lambda event: msgspec.msgpack.decode(to_small_msgpack(event)),
    ],
    ids=["json", "msgpack", "small"],
)
def test_every_generated_frame_says_that_it_is_synthetic(told) -> None:
    """In each format: synthetic, seed, model and the hash of its weights."""
    for seq in range(3):
        said = msgspec.convert(told(motion(seq)), Labelled)
        assert said.synthetic is True
        assert said.seed == 1
        assert said.model
        assert re.fullmatch("[0-9a-f]{64}", said.sha256)


def test_nobody_can_make_a_frame_that_does_not() -> None:
    """The label has no other value, and seed, model and hash have to be given."""
    fields = MotionEvent.__dataclass_fields__
    assert "Literal[True]" in str(fields["synthetic"].type)
    for name in ("seed", "model", "sha256"):
        assert fields[name].default is dataclasses.MISSING
    with pytest.raises(TypeError, match="seed"):
        MotionEvent("p", 0, 0, JOINTS, ROTATIONS, JOINTS[0], "happy", 1.0, 0.0, 0.0)


def test_over_osc_the_label_comes_before_the_joints() -> None:
    """Where there are only numbers, `/synthetic 1` is the first thing said of the body."""
    encoder = FrameEncoder()
    bundles = pack(encoder.frame(motion()), encoder.elements(motion()))
    heard = [message.address for bundle in bundles for message in decode(bundle)]
    assert heard.index("/emotus/p1_partner/synthetic") < min(i for i, name in enumerate(heard) if "/joint/" in name)
