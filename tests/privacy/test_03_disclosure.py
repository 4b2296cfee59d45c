"""PRIVACY.md 3: no emotion leaves without saying what it is, by whichever bridge; and it says resembles, never is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from support.sayings import LABELS, TOLD, emotion, udp_receiver, wait_for

from emotus.bridges import wire
from emotus.bridges.jsonl import JsonlBridge
from emotus.bridges.lsl_streams import emotion_layout
from emotus.bridges.oscquery_space import _MEANINGS
from emotus.bridges.ros_messages import Dialect, Translator
from emotus.bridges.uri import SCHEMES, make_bridge
from emotus.bridges.websocket_client import Parcel
from emotus.engine.clock import NS_PER_S, MonotonicClock
from emotus.engine.osc_codec import decode
from emotus.engine.recording_reader import RecordingReader

ROOT = Path(__file__).parents[2]
Told = Callable[[Path], list[dict]]


class Disclosed(msgspec.Struct, forbid_unknown_fields=True):
    """The disclosure as PRIVACY.md 3 wants it; what is only said elsewhere in the event is not repeated."""

    inferred: bool
    kind: str
    model: str
    sha256: str
    notice: str
    schema: str


class EmotionOnTheWire(msgspec.Struct, tag="emotion", tag_field="type"):
    """An emotion event: without its disclosure it does not decode."""

    confidence: float
    abstain: bool
    disclosure: Disclosed


def check(event: dict) -> None:
    """Fail where an emotion event is not disclosed."""
    told = msgspec.convert(event, EmotionOnTheWire)
    assert told.disclosure.inferred is True
    assert told.disclosure.kind == "apparent expression"
    assert "resembles" in told.disclosure.notice
    assert re.fullmatch("[0-9a-f]{64}", told.disclosure.sha256)
    assert told.disclosure.schema == f"emotus.wire/{wire.VERSION}"


def as_lines(folder: Path) -> list[dict]:
    """Return what a JSON Lines bridge wrote of three emotions."""
    bridge = JsonlBridge(str(folder / "out.jsonl"), clock=MonotonicClock())
    send_three(bridge)
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def as_recording(folder: Path) -> list[dict]:
    """Return what a recorder wrote of three emotions."""
    pytest.importorskip("mcap", reason="mcap is not installed (pip install 'emotus[record]')")
    send_three(make_bridge(f"mcap:{folder / 'out.mcap'}", labels=LABELS, clock=MonotonicClock()))
    with (folder / "out.mcap").open("rb") as file:
        return [json.loads(message.data) for message in RecordingReader(file, "out.mcap")]


def as_frames(_: Path) -> list[dict]:
    """Return what WebSocket clients get of three emotions, in every format there is."""
    frames = [(form, Parcel(emotion(seq), None).frame(form)) for form in wire.FORMATS for seq in range(3)]
    return [payload(form, frame) for form, frame in frames]


def payload(form: str, frame: bytes) -> dict:
    """Return the object in a WebSocket frame (RFC 6455, 5.2), which a server sends unmasked."""
    head = {126: 4, 127: 10}.get(frame[1], 2)
    return msgspec.json.decode(frame[head:]) if form == "json" else msgspec.msgpack.decode(frame[head:])


def as_wire(_: Path) -> list[dict]:
    """Return what every bridge that speaks the wire's objects passes on."""
    return [wire.to_dict(emotion(seq)) for seq in range(3)]


def send_three(bridge) -> None:
    """Start a bridge, send three emotions, and close it."""
    bridge.start()
    for seq in range(3):
        bridge.send(emotion(seq))
    bridge.close()


def as_ros(_: Path) -> list[dict]:
    """Return the texts that a robot gets of three emotions, beside the standard messages made of them."""
    translator = Translator(Dialect(1), wall_ns=lambda t_ns: t_ns, emotion_hz=240.0)
    said = [each for seq in range(3) for each in translator.say(emotion(seq), seq * NS_PER_S)]
    return [json.loads(each.message["data"]) for each in said if each.type.endswith("String")]


@pytest.mark.parametrize("told", [as_wire, as_lines, as_recording, as_frames, as_ros])
def test_every_emotion_event_has_its_disclosure(tmp_path: Path, told: Told) -> None:
    """As an object, a line, a recorded message, a frame of each format and a topic of a robot."""
    events = told(tmp_path)
    assert len(events) >= 3
    for event in events:
        check(event)


def test_an_event_without_its_disclosure_would_be_noticed() -> None:
    """The check above fails where the disclosure is missing, empty, or short of a part."""
    whole = wire.to_dict(emotion())
    for name in Disclosed.__struct_fields__:
        less = whole | {"disclosure": {k: v for k, v in whole["disclosure"].items() if k != name}}
        with pytest.raises(msgspec.ValidationError):
            check(less)
    with pytest.raises(msgspec.ValidationError):
        check({k: v for k, v in whole.items() if k != "disclosure"})


@pytest.mark.parametrize("scheme", ["osc", "vmc", "vrchat"])
def test_what_has_no_room_for_it_says_it_before_the_first_answer(scheme: str) -> None:
    """OSC, VMC and VRChat have numbers only: a notice with the model and its hash comes before the first of them."""
    with udp_receiver() as receiver:
        port = receiver.getsockname()[1]
        bridge = make_bridge(f"{scheme}:127.0.0.1:{port}", labels=LABELS, clock=MonotonicClock())
        bridge.start()
        for seq in range(30):
            bridge.send(emotion(seq))
        assert wait_for(lambda: bridge.stats().waiting == 0)
        bridge.close()
        receiver.settimeout(0.2)
        heard = list(messages(receiver))
    notices = [i for i, (address, words) in enumerate(heard) if address.endswith("/notice") and TOLD.model in words]
    answers = [i for i, (address, _) in enumerate(heard) if re.search("label|emotion|/Blend|avatar/", address)]
    assert notices, heard[:3]
    assert TOLD.sha256 in heard[notices[0]][1]
    assert "apparent expression" in str(heard[notices[0]][1])
    assert not answers or notices[0] < answers[0]
    assert answers or scheme != "osc"


def messages(receiver):
    """Yield the OSC messages that came, in order: address and arguments."""
    try:
        while True:
            for message in decode(receiver.recv(65536)):
                yield message.address, message.args
    except TimeoutError:
        return


def test_streams_of_numbers_are_described() -> None:
    """An LSL stream's description has the disclosure; OSCQuery's says of every answer that it is apparent or acted."""
    facts = emotion_layout(emotion()).facts
    assert facts == {"inferred": "true", "kind": "apparent expression", "model": TOLD.model, "sha256": TOLD.sha256}
    answers = [described for like, described, _ in _MEANINGS if re.search("emotion|valence|arousal|label", like)]
    assert len(answers) == 4
    assert [each for each in answers if not re.search("apparent|acted|most probable", each)] == []


def test_every_bridge_of_the_command_line_is_told_of_here() -> None:
    """A new kind of bridge has to say how it discloses."""
    objects = {"jsonl", "mcap", "ws", "wss", "rosbridge"}  # the wire's own objects
    notices = {"osc", "vmc", "vrchat"}  # a notice before the first answer
    described = {"lsl", "oscquery"}  # in the description of what is offered
    wordless = {
        "artnet",
        "sacn",
        "midi",
    }  # levels for lamps and synthesizers, which no one reads: the sign and the page
    assert set(SCHEMES) == objects | notices | described | wordless


def test_nobody_is_ever_said_to_be_anything() -> None:
    """No text of the package says that somebody is happy or feels sad: movement resembles, appears, is acted."""
    felt = "happy|sad|angry|afraid|proud|unsure|disgusted|surprised"
    claims = re.compile(rf"\b(?:s?he|person|performer|user|dancer) (?:is|feels|felt|was) (?:{felt})\b", re.IGNORECASE)
    rooms = [ROOT / name for name in ("engine", "bridges", "sensors", "training", "models", "docs")]
    files = [path for room in rooms for kind in ("*.py", "*.md", "*.html") for path in room.rglob(kind)]
    assert len(files) > 100
    found = [(path.name, match[0]) for path in files for match in claims.finditer(path.read_text(encoding="utf-8"))]
    assert found == []
    assert claims.search("the performer is happy")
