"""The blind page, the strips, the plane's files: they need nothing but themselves and say what they hold."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from support.chromium import BINARY, Chromium, wait_for
from support.movements import take

from emotus.sensors.bvh import forward, read_bvh
from emotus.training.generation_page import blind_page
from emotus.training.generation_pictures import strips, write_take
from emotus.training.signature_pictures import as_png


def page() -> str:
    real = [take(seed, emotion) for seed, emotion in enumerate(("sad", "angry"))]
    return blind_page(real, [take(7, "happy")])


def test_the_page_links_to_nothing_and_shows_no_answer() -> None:
    """No address of anything outside; the words of a trial stand in its data alone."""
    text = page()
    assert not re.search(r"(https?:)?//[a-z]|src=|href=(?!URL)", text.split("const D=")[0])
    assert "default-src 'none'" in text
    assert text.count('"kind":"real"') == 2


@pytest.mark.skipif(BINARY is None, reason="needs chromium")
def test_a_person_clicks_through_and_gets_her_answers(tmp_path: Path) -> None:
    """In a real browser: figures move, three trials are answered, the CSV holds what was meant and what was said."""
    (tmp_path / "blind.html").write_text(page(), encoding="utf-8")
    with Chromium(900, 1000) as browser:
        browser.open(f"file://{tmp_path}/blind.html")
        wait_for(lambda: "Movement 1 of 3" in browser.text())
        assert browser.picture() != wait_for(browser.picture)  # it moves
        for i in range(3):
            browser.evaluate(
                "document.querySelector('[name=kind][value=generated]').click();"
                "document.querySelector('[name=emotion][value=sad]').click();"
                "document.querySelector('#form button').click()"
            )
            wait_for(lambda i=i: browser.evaluate("document.body.dataset.answered") == str(i + 1))
        rows = list(csv.DictReader(io.StringIO(browser.evaluate("csv()"))))
        assert "That was the last one" in browser.text()
        assert not browser.problems
        assert all(address.startswith(("file:", "data:", "blob:")) for address in browser.requests)
    assert sorted(row["kind"] for row in rows) == ["real", "real", "test"]
    assert {row["said_kind"] for row in rows} == {"generated"}
    assert {row["said_emotion"] for row in rows} == {"sad"}


def test_a_take_as_bvh_is_the_take(tmp_path: Path) -> None:
    """Written and read back by our reader, the joints are where they were, in centimetres."""
    made = take(3)
    write_take(made, tmp_path / "take.bvh")
    bvh = read_bvh(tmp_path / "take.bvh")
    positions, _ = forward(bvh)
    np.testing.assert_allclose(positions / 100, made.positions, atol=1e-4)
    assert bvh.rate_hz == pytest.approx(30)


def test_strips_are_small_pictures() -> None:
    """Two rows of nine figures are a PNG of less than 200 kB."""
    png = as_png(strips({"sad": take(1), "angry": take(2)}))
    assert png.startswith(b"\x89PNG")
    assert len(png) < 200_000
