"""The model card shows the stored figures and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emotus.engine.errors import DataError
from emotus.models.store import load_recogniser
from emotus.training.evaluate import EvaluationReport
from emotus.training.report import shown, store, stored_path, to_markdown, to_text

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->"


def test_the_card_states_the_stored_figures() -> None:
    """Between its marks the card is what the stored evaluation gives, to the letter."""
    card = (ROOT / "MODEL_CARD.md").read_text(encoding="utf-8")
    block = card.split(BEGIN)[1].split(END)[0]
    assert block == to_markdown(shown("bandai-stgcn"))


def test_the_card_tells_uses_limits_and_licence() -> None:
    """What it is for, what it must not be used for, one performer, the licence of the data."""
    card = (ROOT / "MODEL_CARD.md").read_text(encoding="utf-8")
    for word in ("workplace", "education", "one performer", "CC BY-NC 4.0", "Bandai Namco Research Inc.", "apparent"):
        assert word.casefold() in card.casefold()


def test_the_goals_are_met_by_the_stored_figures() -> None:
    """Content left out beats the best peer, families and other people's gaits theirs, and noise is no performance."""
    found = shown("bandai-stgcn").protocols
    assert found["content"]["accuracy"][0] >= 0.81
    assert found["family"]["accuracy"][0] >= 0.51
    assert found["gaits"]["accuracy"][0] >= 0.44
    assert all(share >= 0.95 for share in found["strange"].values())


def test_figures_survive_storing(tmp_path: Path) -> None:
    """What is stored reads back, and both tables show it."""
    report = shown("bandai-stgcn")
    store(report, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text()) == report.to_dict()
    accuracy = f"{report.protocols['content']['accuracy'][0]:.3f}"
    assert accuracy in to_text(report)
    assert accuracy in to_markdown(report)
    assert isinstance(report, EvaluationReport)


def test_missing_or_broken_figures_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that are not there are answered with the command that makes them."""
    with pytest.raises(DataError, match="emotus evaluate nobody"):
        shown("nobody")
    monkeypatch.setattr("emotus.training.report.FOLDER", tmp_path)
    stored_path("broken").write_text("{}")
    with pytest.raises(DataError, match="no figures"):
        shown("broken")


def test_the_shipped_weights_are_those_of_the_recipe() -> None:
    """Facts beside the weights name the command that makes them, and how they were chosen."""
    _, info = load_recogniser()
    assert info.training["command"].startswith("emotus train stgcn")
    assert info.training["clips"] == 63
