"""PRIVACY.md 15: what a show was allowed is on record, whole, and without a name, a movement or an answer.

That a changed line breaks the chain: tests/engine/test_audit.py. How soon the human stop silences everything:
tests/faults/test_row29_consent.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emotus.engine.clock import ManualClock
from emotus.engine.control import ConsentGrant, StopEverything
from emotus.engine.errors import InputError
from emotus.engine.pipeline import Engine
from emotus.engine.runner import Runner
from emotus.sensors.uri import open_sensor
from emotus.training.backstage import prepare
from emotus.training.privacy_commands import audit


def show(trail: Path) -> None:
    """Begin a show in a school, let somebody consent and revoke, and end it."""
    stage = prepare(
        None, ManualClock(), audit=str(trail), consents=["webcam-0=anna:stream:30"], told={"context": "education"}
    )
    stage.consent.grant(ConsentGrant("anna", "webcam-0"))
    stage.consent.revoke("webcam-0")
    stage.finish()


def test_a_show_is_on_record_from_start_to_end(tmp_path: Path, capsys) -> None:
    """Context, model, each consent with its purposes and minutes, and the end; two shows make one chain."""
    trail = tmp_path / "audit.jsonl"
    show(trail)
    show(trail)
    told = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [each["what"] for each in told[:5]] == [
        "start", "consent granted", "consent granted", "consent revoked", "end",
    ]  # fmt: skip
    assert told[0]["of"]["context"] == "education"
    assert told[0]["of"]["model"] == "none: no emotion is inferred"
    assert told[1]["of"] == {"stream": "webcam-0", "purposes": "stream", "seconds": "1800"}
    audit(trail)
    assert "10 lines, whole; the last is " in capsys.readouterr().out


@pytest.mark.parametrize("way", ["key", "command"])
def test_the_human_stop_is_on_record(tmp_path: Path, capsys, way: str) -> None:
    """Whether the space bar was pressed or a bridge was told: one line between the consent and the end."""
    trail, clock = tmp_path / "audit.jsonl", ManualClock()
    stage = prepare(None, clock, audit=str(trail), consents=["anna"])
    source = open_sensor("synthetic:happy?speed=0", clock)  # for ever, unless it is stopped
    runner = Runner(
        [source],
        Engine(None, clock, live=False),
        [],
        clock,
        control=stage.inbox,
        consent=stage.consent,
        on_open=lambda _: runner.halt() if way == "key" else stage.inbox.put(StopEverything()),
    )
    runner.run()
    stage.finish()
    told = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [each["what"] for each in told] == ["start", "consent granted", "human stop", "end"]
    assert told[2]["of"] == {}
    audit(trail)
    assert "4 lines, whole" in capsys.readouterr().out


def test_no_name_and_nothing_of_a_body_stands_in_it(tmp_path: Path) -> None:
    """Who consented is not written down, and no line holds a list of numbers or a label."""
    show(tmp_path / "audit.jsonl")
    text = (tmp_path / "audit.jsonl").read_text()
    assert "anna" not in text
    assert all(isinstance(value, str) for line in text.splitlines() for value in json.loads(line)["of"].values())
    assert {word for word in ("joints", "probs", "label", "valence") if word in text} == set()


def test_a_trail_that_was_changed_is_told_by_the_command(tmp_path: Path) -> None:
    """The line is named; a file that is not there is one sentence."""
    trail = tmp_path / "audit.jsonl"
    show(trail)
    trail.write_text(trail.read_text().replace('"stream":"webcam-0"', '"stream":"webcam-1"', 1))
    with pytest.raises(InputError, match="does not follow the line before it"):
        audit(trail)
    with pytest.raises(InputError, match="cannot be read"):
        audit(tmp_path / "none.jsonl")
