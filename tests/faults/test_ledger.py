"""Honesty about faults: every row of FAULTS.md 3 has a test or a reason, and the page says what was measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from faults import table
from faults.figures import figure
from faults.NOT_YET import BUSY, NOT_YET

STORE = table.read_store()


def files() -> set[int]:
    """Return the rows that have a file here."""
    return {int(re.findall(r"row(\d\d)", path.name)[0]) for path in Path(__file__).parent.glob("test_row*.py")}


def test_every_row_has_a_file_or_a_reason():
    """Thirty rows, each with a file test_rowNN here or a reason why there is none."""
    assert files() | NOT_YET.keys() == set(range(1, 31)) == table.TITLES.keys()
    assert all(len(reason) > 15 for reason in (NOT_YET | BUSY).values())
    assert not NOT_YET.keys() & BUSY.keys()


def test_the_page_is_made_of_the_stored_figures():
    """docs/faults.md is what docs/faults.json gives (make faults, or python tests/faults/table.py)."""
    assert table.PAGE.read_text() == table.page(STORE)
    listed = [int(row) for row in re.findall(r"^\| (\d+) \|", table.PAGE.read_text(), re.MULTILINE)]
    assert listed == list(range(1, 31))


def test_every_row_with_a_file_has_figures_and_what_they_miss_is_told():
    """Each row's file printed its figures into the store; a missed goal stands in NOT_YET or BUSY, and nothing else."""
    assert {row for row in files() - STORE.keys() if row not in NOT_YET} == set()
    short = {row for row, figures in STORE.items() if table.missed(figures)}
    assert short - NOT_YET.keys() == BUSY.keys()


def test_figures_are_kept_by_the_command_that_gave_them(tmp_path, monkeypatch, capsys):
    """A second run takes the place of the first; what another command measured stays; a miss shows."""
    lines = tmp_path / "figures.jsonl"
    monkeypatch.setenv("EMOTUS_FAULTS_JSON", str(lines))
    assert figure(24, "slope", 0.5, 1, "MB/h")
    assert not figure(24, "lost", 3, 0, better="==")
    assert "row 24: lost: 3  (goal == 0, missed)" in capsys.readouterr().out
    soaked = table.merge({}, lines, "make soak HOURS=1")
    lines.write_text(json.dumps(json.loads(lines.read_text().splitlines()[0]) | {"name": "quick"}) + "\n")
    both = table.merge(table.merge(soaked, lines, "make faults"), lines, "make faults")
    assert [each["name"] for each in both[24]] == ["slope", "lost", "quick"]
    assert table.tightest(both[24]) == "lost 3 (= 0), missed"
    text = table.page(both)
    assert "| 24 | Hours of a show in trouble | missed, busy | 2 of 3 |" in text
    assert "- lost 3 (= 0), missed — `make soak HOURS=1`" in text


@pytest.mark.parametrize(("better", "value", "met"), [("<=", 2, False), (">=", 2, True), ("==", 1, True)])
def test_goals_point_either_way(better, value, met, monkeypatch):
    """At most, at least, exactly."""
    monkeypatch.delenv("EMOTUS_FAULTS_JSON", raising=False)
    assert figure(1, "x", value, 1, better=better) is met
