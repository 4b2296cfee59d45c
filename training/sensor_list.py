"""The command that lists the sensors: every address there is, with its options and an example."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..engine.errors import InputError
from ..sensors.uri import sensor_infos
from .commands import Json
from .console import say


def sensors(
    names: Annotated[list[str] | None, typer.Argument(help="Schemes to show, as in `xsens`; all by default.")] = None,
    as_json: Json = False,
) -> None:
    """List every sensor's address with its options and an example."""
    infos = {info.scheme: info for info in sensor_infos()}
    for name in names or ():
        if name not in infos:
            raise InputError(f"sensors {name}", "no such sensor", mend=f"known are {', '.join(infos)}")
    for info in (infos[name] for name in names or infos):
        say(json.dumps(info.to_dict()) if as_json else "\n".join((*info.lines(), "")))
