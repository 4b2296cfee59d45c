"""Reading the two files of a set of weights, bounded, with one clear problem for whatever is wrong with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from .store import WeightsProblem


def read_pair(path: Path, most: int, mend: str) -> tuple[dict[str, Any], bytes]:
    """Return what the JSON beside a file of tensors says, and the file, of at most `most` bytes each.

    A file whose hash is not the one that the JSON states is refused; raises WeightsProblem, with `mend`.
    """
    about = path.with_suffix(".json")
    said, data = read_json(about, most, mend), read_bytes(path, most, mend)
    found = hashlib.sha256(data).hexdigest()
    if found != said.get("sha256"):
        raise WeightsProblem(str(path), f"hash {found}, but {about.name} says {said.get('sha256')}", mend)
    return said, data


def read_bytes(path: Path, most: int, mend: str) -> bytes:
    """Return a file of at most `most` bytes; raises WeightsProblem naming it, with `mend` where it cannot be read."""
    try:
        if path.stat().st_size > most:
            raise WeightsProblem(str(path), f"larger than {most} bytes")
        return path.read_bytes()
    except OSError as error:
        raise WeightsProblem(str(path), (error.strerror or "cannot be read").lower(), mend) from None


def read_json(path: Path, most: int, mend: str) -> dict[str, Any]:
    """Return the JSON object of a file of at most `most` bytes; raises WeightsProblem for anything else."""
    data = read_bytes(path, most, mend)
    try:
        said: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise WeightsProblem(str(path), "is no JSON", mend) from None
    if not isinstance(said, dict):
        raise WeightsProblem(str(path), "is no JSON object", mend)
    return cast("dict[str, Any]", said)
