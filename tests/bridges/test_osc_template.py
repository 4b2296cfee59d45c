"""Templates say the same things at the addresses, and in the axes, that each tool expects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from support.sayings import JOINTS, LABELS, ROTATIONS, emotion, motion, pose, qualities, signature, status

from emotus.bridges.coordinates import AXES
from emotus.bridges.osc_frame import FrameEncoder, pack, unpacked
from emotus.bridges.osc_template import KINDS, TEMPLATES, check, choose
from emotus.engine.errors import UriError
from emotus.engine.osc_codec import decode

EVENTS = (pose(3, rotations=True), qualities(3), signature(3), emotion(3), motion(3, stream="p1.partner"), status(3))


def told(name: str, **options: str) -> dict[str, tuple]:
    """Return everything a template says, by address."""
    encoder = FrameEncoder(choose("osc:x", {"template": name, **options}))
    elements = [element for event in EVENTS for element in encoder.elements(event)]
    bundles = pack(encoder.frame(EVENTS[0]), elements)
    return {message.address: message.args for bundle in bundles for message in decode(bundle)}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_speaks_and_every_datagram_fits(name):
    """Whatever is said decodes, and no bundle and no single message is longer than a packet of the network."""
    encoder = FrameEncoder(TEMPLATES[name])
    elements = [element for event in EVENTS for element in encoder.elements(event)]
    datagrams = pack(encoder.frame(EVENTS[0]), elements) + unpacked(encoder.frame(EVENTS[0]), elements)
    assert sum(len(decode(datagram)) for datagram in datagrams) > 0
    assert max(map(len, datagrams)) <= 1400


def test_touchdesigner_gets_a_channel_a_number():
    """One float an address, short names, translations called tx ty tz."""
    heard = told("touchdesigner")
    assert heard["/p1/Head/ty"] == (float(JOINTS[4, 1]),)
    assert heard["/p1/valence"] == (np.float32(0.123456789),)
    assert heard["/p2/Head/tx"]  # the generated partner is another person
    assert all(
        len(args) == 1 for address, args in heard.items() if "/frame" not in address and "/status" not in address
    )


def test_oscjack_gets_at_most_four_values_at_an_address():
    """Place and rotation apart, in Unity's axes."""
    heard = told("oscjack")
    x, y, z = map(float, JOINTS[8])
    assert heard["/emotus/p1/joint/LeftHand/position"] == (-x, y, z)
    w, i, j, k = map(float, ROTATIONS[8])
    assert heard["/emotus/p1/joint/LeftHand/rotation"] == (i, -j, -k, w)
    assert max(len(args) for address, args in heard.items()) <= 4


def test_wekinator_gets_one_vector_of_the_same_length_every_time():
    """Nine numbers at /wek/inputs, and nothing else; the body as 63 seen from the hips."""
    assert told("wekinator") == {
        "/wek/inputs": (np.float32(0.123456789), -0.25, 0.5, *map(np.float32, emotion().probs.values()))
    }
    (body,) = told("wekinator-body").values()
    assert len(body) == 63
    assert body[:3] == (0.0, 0.0, 0.0)


def test_puredata_hears_no_part_of_an_address_that_is_a_number():
    """[oscparse] would make a float of it."""
    assert not any(part.isdigit() for address in told("puredata") for part in address.split("/"))


@pytest.mark.parametrize(
    ("axes", "matrix"),
    [
        ("house", np.eye(3)),
        ("unity", np.diag([-1.0, 1, 1])),
        ("unreal", np.array([[0.0, 0, 1], [-1, 0, 0], [0, 1, 0]])),
        ("godot", np.diag([-1.0, 1, -1])),
    ],
)
def test_axes_turn_places_and_rotations_alike(axes, matrix):
    """scipy's matrices, moved by the signed axis matrix of each frame, are what is sent."""
    scale = 100 if axes == "unreal" else 1
    turns = Rotation.from_quat(np.roll(ROTATIONS, -1, axis=1))
    rows = np.hstack((JOINTS, turns.as_quat())).astype(np.float32)
    sent = AXES[axes].of(rows)
    assert np.allclose(sent[:, :3], scale * JOINTS @ matrix.T, atol=1e-4)
    assert np.allclose(Rotation.from_quat(sent[:, 3:]).as_matrix(), matrix @ turns.as_matrix() @ matrix.T, atol=1e-5)


def test_an_address_of_ones_own_replaces_the_templates():
    """Placeholders are filled; a kind that is off is not said."""
    heard = told("emotus", emotion="/mood/{person}/{label}", joint="off", quality="/q/{stream}/{name}")
    assert [address for address in heard if address.startswith("/mood/1/")] == [f"/mood/1/{label}" for label in LABELS]
    assert "/q/p1/energy" in heard
    assert not any("joint" in address for address in heard)


@pytest.mark.parametrize(
    ("kind", "address", "problem"),
    [
        ("emotion", "/mood", "{label} is missing"),
        ("emotion", "/mood/{joint}", "there is no {joint}"),
        ("joint", "/{joint}/{axis}/{x.__class__}", "there is no"),
        ("value", "mood/{name}", "is no OSC address"),
        ("value", "/a b/{name}", "is no OSC address"),
        ("value", "/a*/{name}", "is no OSC address"),
        ("value", "/" + "a" * 200 + "/{name}", "at most"),
        ("frame", "/{", "is no OSC address"),
    ],
)
def test_an_address_that_cannot_be_is_told_with_its_mend(kind, address, problem):
    """One line that begins with the bridge's address."""
    with pytest.raises(UriError) as refused:
        check("osc:h:1", kind, address)
    assert problem in str(refused.value)
    assert str(refused.value).startswith("osc:h:1: ")
    assert "\n" not in str(refused.value)


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=40))
def test_any_text_is_an_address_or_a_uri_error(kind, text):
    """Nothing else is raised, and what is accepted encodes."""
    try:
        template = choose("osc:x", {kind: "/" + text})
    except UriError:
        return
    encoder = FrameEncoder(template)
    elements = [element for event in EVENTS for element in encoder.elements(event)]
    assert all(decode(element[4:]) for element in elements)


def test_labels_of_others_stay_one_part_of_an_address():
    """A slash in a label makes no new level."""
    event = emotion(1)
    odd = type(event)(*[getattr(event, name) if name != "probs" else {"a/b": 1.0} for name in event.__slots__])
    elements = FrameEncoder().elements(odd)
    assert decode(elements[0][4:])[0].address == "/emotus/p1/emotion/a_b"
