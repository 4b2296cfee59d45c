"""The commands `emotus data ...`: look at a set of recordings before anything is learnt from it."""

from __future__ import annotations

from typing import Annotated

import typer

from .console import note, say

app = typer.Typer(
    name="data", help="Look at a set of recordings.", pretty_exceptions_enable=False, rich_markup_mode=None
)


@app.callback()
def data() -> None:
    """Look at a set of recordings."""


@app.command()
def check(
    place: Annotated[str, typer.Argument(help="A folder, or a set as NAME:PATH, for instance folder:DIR.")],
) -> None:
    """Tell classes, performers, rates, lengths and broken files of a set, and what would make figures on it untrue."""
    from .data_check import report, surveys_of

    note(f"reading {place}")
    for survey in surveys_of(place):
        for line in report(survey):
            say("".join(char if char.isprintable() else "?" for char in line))
