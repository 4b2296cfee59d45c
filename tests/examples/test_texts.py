"""The examples whose programs are not installed here: every address that they name is one that is sent or obeyed."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from support.sayings import emotion, frame

from emotus.bridges.osc_control import command_of
from emotus.bridges.uri import make_bridge
from emotus.engine.clock import MonotonicClock
from emotus.engine.control import WORDS
from emotus.engine.osc_codec import OscMessage, decode

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir() and not path.name.startswith("__"))


def sent(template: str) -> dict[str, str]:
    """Return the addresses that a bridge with a template sends of one performer, with their type tags."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(5)
        uri = f"osc:127.0.0.1:{ear.getsockname()[1]}?template={template}"
        bridge = make_bridge(uri, labels=("happy", "sad"), clock=MonotonicClock())
        bridge.start()
        found: dict[str, str] = {}
        try:
            for event in (*frame(0, stream="anna"), emotion(1, stream="anna")):
                bridge.send(event)
            while not any(address.endswith("/label") for address in found):
                for message in decode(ear.recv(65536)):
                    found[message.address] = "".join("s" if isinstance(a, str) else "f" for a in message.args)
        finally:
            bridge.close()
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_example_has_a_few_lines_to_read(folder: Path) -> None:
    """Each folder has a README that begins with a heading and shows a command, and its pictures are there."""
    text = (folder / "README.md").read_text()
    assert text.startswith("# ")
    assert len(text.splitlines()) <= 40
    assert re.search(r"^ {4}|```", text, re.MULTILINE)
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (folder / link).exists(), link


@pytest.mark.parametrize("name", ["unity", "unreal"])
def test_an_engines_script_looks_for_what_is_sent(name: str) -> None:
    """The words of the paths that the script compares with stand in the addresses; its joints have seven numbers."""
    (script,) = [path for path in (EXAMPLES / name).iterdir() if path.suffix in (".cs", ".h")]
    text = script.read_text()
    assert f"template={name}" in text
    words = set(re.findall(r'[Pp]ath\[\d\] [!=]= (?:TEXT\()?"(\w+)"', text))
    assert {"emotus", "label", "joint"} <= words
    addresses = sent(name)
    assert words <= {part for address in addresses for part in address.split("/")}
    assert addresses["/emotus/anna/label"] == "s"
    assert addresses["/emotus/anna/confidence"] == "f"
    assert addresses["/emotus/anna/joint/Hips"] == "f" * 7
    named = set(re.findall(r"/emotus/anna/\w+", (EXAMPLES / name / "README.md").read_text()))
    assert named <= set(addresses)


def test_the_max_patch_is_well_formed_and_routes_what_is_sent() -> None:
    """Every cord joins two boxes that are there, and every address of `route` is sent."""
    patcher = json.loads((EXAMPLES / "max" / "emotus.maxpat").read_text())["patcher"]
    boxes = {each["box"]["id"]: each["box"] for each in patcher["boxes"]}
    for line in (each["patchline"] for each in patcher["lines"]):
        (source, outlet), (target, inlet) = line["source"], line["destination"]
        assert outlet < boxes[source]["numoutlets"]
        assert inlet < boxes[target]["numinlets"]
    (route,) = [box["text"].split()[1:] for box in boxes.values() if box.get("text", "").startswith("route ")]
    assert set(route) <= set(sent("max"))


def test_the_touchdesigner_guide_names_what_is_sent_and_obeyed() -> None:
    """Its channels are addresses of the template, and the words that drive the show are commands."""
    text = (EXAMPLES / "touchdesigner" / "README.md").read_text()
    addresses = set(sent("touchdesigner"))
    channels = {f"/{each}" for each in re.findall(r"`/?(p1/[\w/]+)`", text)}
    assert {"/p1/valence", "/p1/Hips/tx", "/p1/label"} <= channels <= addresses
    commands = re.findall(r"`(/emotus/(?:control|teach)[\w/]*)(?: (\w+))?`", text)
    assert len(commands) >= 4
    for address, word in commands:
        assert command_of(OscMessage(address, (word,) if word else ())) is not None


def test_the_words_of_control_in_the_examples_are_words() -> None:
    """Whatever an example tells a show to do is among the words that there are."""
    named = {
        word for path in EXAMPLES.rglob("*.md") for word in re.findall(r"/emotus/control/([\w/]+)", path.read_text())
    }
    assert named
    assert named <= set(WORDS)
