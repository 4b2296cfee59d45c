"""The commands that are not the show itself: what `__main__` hangs beside run, recognize, demo, bench and doctor."""

from __future__ import annotations

import typer

from . import (
    commands,
    data_commands,
    generate_commands,
    performer_commands,
    privacy_commands,
    recording_commands,
    recording_export_commands,
    sensor_list,
    signature_commands,
    suit,
)

_COMMANDS = (
    generate_commands.generate,
    performer_commands.calibrate,
    performer_commands.teach,
    performer_commands.forget,
    recording_commands.recover,
    recording_export_commands.convert,
    sensor_list.sensors,
    suit.suit,
    commands.train,
    commands.evaluate,
    commands.export,
    privacy_commands.notice,
    privacy_commands.audit,
    privacy_commands.tidy,
)


def hang(app: typer.Typer) -> None:
    """Add every command, and the groups `profile`, `signature` and `data`."""
    for command in _COMMANDS:
        app.command()(command)
    profile = typer.Typer(
        help="Look into a performer's profile.", pretty_exceptions_enable=False, rich_markup_mode=None
    )
    profile.command("show")(performer_commands.show)
    profile.command("export")(privacy_commands.export_held)
    profile.callback()(performer_commands.profile)
    app.add_typer(profile, name="profile")
    app.add_typer(signature_commands.app)
    app.add_typer(data_commands.app)
