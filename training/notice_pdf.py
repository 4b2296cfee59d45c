"""The sign for the printer: the same words and code as training/notice.py, as PDF, a page of A4 for each language."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ..engine.errors import InputError, MissingPackageError
from .notice import Sign
from .notice_words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_A4_INCHES: Final = (8.27, 11.69)
_LEFT: Final = 0.08
_TITLE_PT, _TEXT_PT, _FOOT_PT = 34, 20, 13
_TITLE_CHARACTERS, _TEXT_CHARACTERS, _FOOT_CHARACTERS = 24, 46, 44
_LEADING: Final = 1.35


def write_pdf(sign: Sign, path: Path) -> None:
    """Write the sign as PDF, the same bytes for the same sign; raises InputError, or MissingPackageError."""
    try:
        from matplotlib.backends.backend_pdf import PdfPages
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingPackageError("matplotlib", "train") from None

    try:
        with path.open("wb") as file, PdfPages(file, metadata={"CreationDate": None, "Title": "emotus"}) as pages:
            for _, words in sign.words():
                figure = Figure(figsize=_A4_INCHES)
                _draw(figure, sign, words)
                pages.savefig(figure)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise InputError(str(path), problem, mend="choose a place you may write to") from None


def _draw(figure: Figure, sign: Sign, words: Words) -> None:
    y = _write(figure, 0.95, words.title, _TITLE_PT, _TITLE_CHARACTERS, weight="bold")
    for line in (sign.event, *words.lines, sign.purposes_in(words)):
        if line:
            y = _write(figure, y - 0.014, line, _TEXT_PT, _TEXT_CHARACTERS)
    _write(figure, y - 0.03, words.choice, _TEXT_PT, _TEXT_CHARACTERS, weight="bold")
    _square(figure, sign)
    foot = [f"{label}: {text}" for label, text in ((words.ask, sign.contact), (words.more, sign.url)) if text]
    _write(figure, 0.16, "\n".join((*foot, "emotus")), _FOOT_PT, _FOOT_CHARACTERS, left=0.34)


def _write(figure: Figure, y: float, text: str, size: int, width: int, *, left: float = _LEFT, weight: str = "normal"):
    """Write text from y down, wrapped; return where the next may begin."""
    rows = [row for line in text.splitlines() for row in textwrap.wrap(line, width)]
    for row in rows:
        figure.text(left, y, row, fontsize=size, weight=weight, va="top", family="DejaVu Sans", parse_math=False)
        y -= size * _LEADING / 72 / _A4_INCHES[1]
    return y


def _square(figure: Figure, sign: Sign) -> None:
    import segno

    code = segno.make(sign.code(), error="m", micro=False)
    dark = np.array([[bool(bit) for bit in row] for row in code.matrix_iter(border=2)])  # (N, N)
    axes = figure.add_axes((_LEFT, 0.04, 0.22, 0.22 * _A4_INCHES[0] / _A4_INCHES[1]))
    axes.imshow(~dark, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
