"""Where emotus is used, and what that forbids: at work and in education no emotion is inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..engine.errors import InputError

if TYPE_CHECKING:
    from ..engine.recognise import Recogniser

# Where inferring emotions is widely forbidden (PRIVACY, EU AI Act 5(1)(f)) the emotion weights are never opened.
MOVEMENT_ONLY: Final = ("workplace", "education")
CONTEXTS: Final = ("art", "research", "home", "medical", *MOVEMENT_ONLY)

Context = Annotated[
    str, typer.Option("--context", envvar="EMOTUS_CONTEXT", help=f"Where it is used: {', '.join(CONTEXTS)}.")
]


def recogniser_for(context: str, model: str, *, place: str = "--context", performers: int = 1) -> Recogniser | None:
    """Load the recogniser, or none where the context forbids reading emotions; its file is not opened then.

    place: what to call the context in an error. performers: how many are expected at once. Raises InputError for a
    context there is not, WeightsError.
    """
    if context not in CONTEXTS:
        raise InputError(place, f"unknown context '{context[:40]}'", mend=f"one of {', '.join(CONTEXTS)}")
    if context in MOVEMENT_ONLY:
        return None
    import torch

    from ..engine.network import load

    torch.set_num_threads(1)  # a second thread made answers ten times slower beside any other busy process
    return load(model, performers=performers)


def required_recogniser(context: str, model: str, command: str) -> Recogniser:
    """Load the recogniser for a command that is nothing without one; raises InputError where the context forbids it."""
    recogniser = recogniser_for(context, model)
    if recogniser is None:
        mend = "emotus run tells of movement qualities there"
        raise InputError(command, f"no emotion is inferred where the context is {context}", mend=mend)
    return recogniser
