"""Read the options behind an address, ?key=value&key=value: sensors and bridges ask for them in the same words."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import unquote

from .errors import UriError

_TRUE: Final = frozenset(("1", "true", "yes", "on"))
_FALSE: Final = frozenset(("0", "false", "no", "off"))


def read_options(uri: str, text: str) -> dict[str, str]:
    """Return the values of `key=value&key=value`, percent signs decoded; raises UriError naming the part."""
    options: dict[str, str] = {}
    for part in text.split("&") if text else ():
        key, equals, value = part.partition("=")
        if not key or not equals:
            raise UriError(uri, f"option {part!r} has no value", mend="write key=value, with & between them")
        if key in options:
            raise UriError(uri, f"option {key} is given twice", mend="keep one of them")
        options[key] = unquote(value)
    return options


def check_keys(place: str, options: Mapping[str, str], known: tuple[str, ...]) -> None:
    """Raise UriError for an option that nobody here knows, naming those there are."""
    for key in options:
        if key not in known:
            raise UriError(place, f"unknown option {key}", mend=f"known are {', '.join(known)}")


def number(place: str, options: Mapping[str, str], key: str, default: float, low: float, high: float) -> float:
    """Return the number given for key, or the default; raises UriError outside low..high."""
    if key not in options:
        return default
    try:
        value = float(options[key])
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise UriError(place, f"{key}={options[key]}", mend=f"a number from {low:g} to {high:g}")
    return value


def whole(place: str, options: Mapping[str, str], key: str, default: int, low: int, high: int) -> int:
    """Return the whole number given for key, or the default; raises UriError outside low..high."""
    value = number(place, options, key, default, low, high)
    if value != int(value):
        raise UriError(place, f"{key}={options[key]}", mend=f"a whole number from {low} to {high}")
    return int(value)


def switch(place: str, options: Mapping[str, str], key: str, *, default: bool) -> bool:
    """Return whether key is on; raises UriError for anything but 1, 0 and their words."""
    text = options.get(key, "1" if default else "0").lower()
    if text not in _TRUE | _FALSE:
        raise UriError(place, f"{key}={text}", mend="1 or 0")
    return text in _TRUE


def choice(place: str, options: Mapping[str, str], key: str, default: str, known: Collection[str]) -> str:
    """Return the word given for key, or the default; raises UriError for one that is not known."""
    word = options.get(key, default)
    if word not in known:
        raise UriError(place, f"{key}={word[:40]}", mend=f"one of {', '.join(known)}")
    return word
