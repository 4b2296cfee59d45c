"""The sign: what people are told before they come into view, as one page of HTML that loads nothing from anywhere.

A square code (QR, ISO/IEC 18004) leads to the address given, or else to whom to ask; without either it holds the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from ..engine.control import ALL_PURPOSES
from ..engine.errors import InputError
from .notice_words import WORDS, Words

LANGUAGES: Final = tuple(WORDS)
MAX_TEXT: Final = 300  # characters: a sign is read in passing, and the code stays coarse enough to be read from afar
_STYLE: Final = """
@page { size: A4; margin: 14mm }
* { box-sizing: border-box }
body { font: 20pt/1.3 system-ui, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; color: #000; background: #fff;
  margin: 0 auto; max-width: 182mm }
section { min-height: 255mm; break-after: page; display: flex; flex-direction: column; padding: 2mm 0 }
section:last-of-type { break-after: auto }
h1 { font-size: 42pt; line-height: 1.1; margin: 0 0 4mm }
h1 + p { font-weight: 600 }
p { margin: 0 0 4mm }
.event { font-size: 24pt; margin: 0 0 5mm }
.choice { border: 1mm solid #000; border-radius: 3mm; padding: 4mm 6mm; font-weight: 700; font-size: 24pt }
.foot { margin-top: auto; display: flex; gap: 8mm; align-items: flex-end; font-size: 16pt; overflow-wrap: anywhere }
.foot svg { width: 46mm; height: 46mm; flex: none }
.foot p { margin: 0 0 1mm }
"""


@dataclass(frozen=True, slots=True)
class Sign:
    """Hold what a sign says: languages in order, the event, whom to ask, an address of more, and what it is for."""

    languages: tuple[str, ...] = ("en",)
    event: str = ""
    contact: str = ""
    url: str = ""
    purposes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise InputError for a language or purpose there is not, and for what is too long for a sign."""
        unknown = [each for each in self.languages if each not in WORDS]
        if unknown or not self.languages:
            said = unknown[0][:20] if unknown else ""
            raise InputError("--languages", f"the sign is not written in '{said}'", mend=f"of {', '.join(LANGUAGES)}")
        strange = [each for each in self.purposes if each not in ALL_PURPOSES]
        if strange:
            raise InputError("--purposes", f"no such purpose: '{strange[0][:20]}'", mend=", ".join(ALL_PURPOSES))
        if self.url and not self.url.startswith(("https://", "http://")):
            raise InputError("--url", "is no address of a page", mend="https://...")
        for option, text in (("--event", self.event), ("--contact", self.contact), ("--url", self.url)):
            if len(text) > MAX_TEXT or not text.isprintable():
                raise InputError(option, "does not fit on a sign", mend=f"at most {MAX_TEXT} characters, one line")

    def words(self) -> list[tuple[str, Words]]:
        """Return each language with its words."""
        return [(code, WORDS[code]) for code in self.languages]

    def purposes_in(self, words: Words) -> str:
        """Return what it is for in one language, "" where nothing was named."""
        named = [str(getattr(words, each)) for each in ALL_PURPOSES if each in self.purposes]
        return f"{words.purposes}: {', '.join(named)}." if named else ""

    def code(self) -> str:
        """Return what the square code holds."""
        first = WORDS[self.languages[0]]
        return self.url or (f"{first.ask}: {self.contact}" if self.contact else " ".join((*first.lines, first.choice)))


def as_html(sign: Sign) -> str:
    """Return the sign as one HTML file, a printed page for each language; it loads nothing."""
    import segno

    square = segno.make(sign.code(), error="m", micro=False).svg_inline(border=2, omitsize=True, title="QR")
    pages = "".join(_page(sign, code, words, square) for code, words in sign.words())
    code, first = sign.words()[0]
    head = f'<meta charset="utf-8"><title>{escape(first.title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="{code}">\n<head>{head}</head>\n<body>{pages}</body>\n</html>\n'


def _page(sign: Sign, code: str, words: Words, square: str) -> str:
    event = f'<p class="event">{escape(sign.event)}</p>' if sign.event else ""
    lines = "".join(f"<p>{escape(line)}</p>" for line in (*words.lines, sign.purposes_in(words)) if line)
    foot = [f"{label}: {text}" for label, text in ((words.ask, sign.contact), (words.more, sign.url)) if text]
    told = "".join(f"<p>{escape(line)}</p>" for line in foot) + "<p>emotus</p>"
    return (
        f'<section lang="{code}"><h1>{escape(words.title)}</h1>{event}{lines}'
        f'<p class="choice">{escape(words.choice)}</p><div class="foot">{square}<div>{told}</div></div></section>'
    )
