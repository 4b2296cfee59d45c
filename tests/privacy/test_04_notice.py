"""PRIVACY.md 4: the sign that people see before they are seen. The page's card and the lamp: see ELSEWHERE.py."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
import segno

from emotus.engine.errors import InputError
from emotus.training.notice import LANGUAGES, Sign, as_html
from emotus.training.notice_words import WORDS
from emotus.training.privacy_commands import notice

URL = "https://example.org/privacy?a=1&b=2"
SIGN = Sign(LANGUAGES, "A <Storm> & more", "Anna, anna@example.org", URL, ("recognise", "stream"))


class Reader(HTMLParser):
    """Collect the text of each section, and whatever would be loaded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        self.loads: list[str] = []
        self._language = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.loads += [f"{tag} {name}" for name in ("src", "href", "action", "data") if name in given]
        self.loads += [tag] * (tag in ("script", "link", "iframe", "img", "object"))
        if tag == "section":
            self._language = given["lang"]
            self.text[self._language] = ""

    def handle_data(self, data):
        if self._language:
            self.text[self._language] += f"{data} "


def test_the_sign_tells_all_of_it_in_every_language():
    """A page each: what is read, that feelings are not known, the choice, what for, the event, whom to ask, where."""
    told = Reader(as_html(SIGN)).text
    assert list(told) == list(LANGUAGES)
    for code, text in told.items():
        words = WORDS[code]
        for part in (words.title, *words.lines, words.choice, words.recognise, words.stream, "A <Storm> & more", URL):
            assert part in text, code
        assert words.record not in text
        assert f"{words.ask}: Anna, anna@example.org" in text


def test_every_language_says_the_same_number_of_things():
    """No line is missing, none is left in another language, and none speaks of what somebody feels as known."""
    for code, words in WORDS.items():
        assert len(words.lines) == 4, code
        others = {line for other, each in WORDS.items() if other != code for line in each.lines}
        assert not others & set(words.lines)


def test_the_sign_loads_nothing():
    """One file: no script, no font, no picture from anywhere."""
    html = as_html(SIGN)
    assert Reader(html).loads == []
    assert "url(" not in html
    assert "@import" not in html


def test_the_square_code_leads_to_the_address():
    """Its modules are those of the address; without one, of whom to ask; without either, of the words."""
    assert SIGN.code() == URL
    assert Sign(contact="Anna").code() == "Ask: Anna"
    assert Sign().code().startswith("A computer follows")
    drawn = segno.make(URL, error="m", micro=False).svg_inline(border=2, omitsize=True, title="QR")
    assert as_html(SIGN).count(drawn) == len(LANGUAGES)


def test_the_command_writes_html_and_pdf(tmp_path: Path):
    """By the ending of the name; the PDF has a page for each language, and the same bytes for the same words."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (pip install 'emotus[train]')")
    notice(tmp_path / "sign.html", "de,en", "Sturm", "Anna", URL, "recognise")
    assert "<title>Hier wird Bewegung gelesen</title>" in (tmp_path / "sign.html").read_text()
    for name in ("one.pdf", "two.pdf"):
        notice(tmp_path / name, "de, en", "Sturm $x_1$", "Anna", URL, "")
    data = (tmp_path / "one.pdf").read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", data)) == 2
    assert data == (tmp_path / "two.pdf").read_bytes()


@pytest.mark.parametrize(
    ("out", "given", "said"),
    [
        ("sign.txt", {}, "is neither .html nor .pdf"),
        ("sign.html", {"languages": "en,xx"}, "not written in 'xx'"),
        ("sign.html", {"languages": " , "}, "not written in ''"),
        ("sign.html", {"purposes": "sell"}, "no such purpose: 'sell'"),
        ("sign.html", {"url": "javascript:alert(1)"}, "is no address of a page"),
        ("sign.html", {"contact": "x" * 301}, "does not fit on a sign"),
        ("sign.html", {"event": "two\nlines"}, "does not fit on a sign"),
        ("no/folder/sign.html", {}, "cannot be written"),
    ],
)
def test_what_cannot_be_a_sign_is_one_sentence(tmp_path: Path, out, given, said):
    """Each wrong word of the command line is named, and nothing is written."""
    words = {"languages": "en", "event": "", "contact": "", "url": "", "purposes": ""} | given
    with pytest.raises(InputError, match=re.escape(said)):
        notice(tmp_path / out, **words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_each_language_fits_on_a_page_of_a4(tmp_path: Path):
    """Printed by a browser the sign has as many pages as languages, with every word that may stand on it."""
    full = Sign(LANGUAGES, "The Tempest, in three acts", "Anna Muster, front of house", URL, ("recognise", "record"))
    (tmp_path / "sign.html").write_text(as_html(full))
    printed = tmp_path / "sign.pdf"
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}"]
    words += ["--no-pdf-header-footer", f"--print-to-pdf={printed}", (tmp_path / "sign.html").as_uri()]
    subprocess.run(words, capture_output=True, timeout=60, check=True)
    assert max(map(int, re.findall(rb"/Count (\d+)", printed.read_bytes()))) == len(LANGUAGES)
