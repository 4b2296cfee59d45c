"""What `emotus --help` lists: the commands in the order in which a newcomer meets them, a short line each."""

from __future__ import annotations

from typing import Any, Final

from typer.core import TyperGroup

LINES: Final = {
    "demo": "Show a generated performer through the whole engine.",
    "run": "Run sensors through the engine into bridges.",
    "recognize": "Read whole recordings, one result a file.",
    "generate": "Generate emotional motion: a BVH file, or live.",
    "calibrate": "Keep what is usual for one performer.",
    "teach": "Teach a label of your own.",
    "profile": "Look into a performer's profile.",
    "forget": "Remove a profile for good.",
    "signature": "Compare how bodies move.",
    "sensors": "List every sensor's address.",
    "suit": "Play a performance as an Xsens suit would send it.",
    "doctor": "Tell what would work here, and how to mend the rest.",
    "recover": "Save what is sound of a torn recording.",
    "convert": "Make BVH, CSV or Parquet of a recording.",
    "tidy": "Remove recordings that were kept long enough.",
    "notice": "Write the sign for the door.",
    "audit": "Check that no line of an audit trail was altered.",
    "data": "Look at a set of recordings to learn from.",
    "train": "Train a recogniser or a generator.",
    "evaluate": "Measure honestly, and print the figures.",
    "export": "Write one step of a network for another runtime.",
    "bench": "Measure speed beside the peers.",
}


class Menu(TyperGroup):
    """List commands as LINES has them, whatever it lacks behind those."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, line in LINES.items():
            if name in self.commands:
                self.commands[name].short_help = line

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of LINES."""
        del ctx
        named = [name for name in LINES if name in self.commands]
        return [*named, *(name for name in self.commands if name not in LINES)]
