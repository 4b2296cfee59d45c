"""What emotus is made of: every package that an installation brings, its version, its licence and what it needs."""

from __future__ import annotations

import importlib.metadata as metadata
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements.lock"

# What may be used: permissive, or copyleft by file (MPL), which asks nothing of programs that only import it.
ALLOWED: Final = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "TCL", "Unlicense", "ZPL-2.1", "Zlib",
}  # fmt: skip
# What packages say of themselves in other words. "BSD" is a BSD licence of which the package does not say which.
IN_OTHER_WORDS: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",
    "Freely Distributable": "Unlicense",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The MIT License (MIT)": "MIT",
}
# Packages whose metadata says nothing: what the licence file in them says.
READ_BY_HAND: Final = {"pysimdjson": "MIT AND Apache-2.0", "atheris": "Apache-2.0"}
# What the lock has for other machines than this one, and under which terms it comes.
ELSEWHERE: Final = {
    re.compile(
        r"nvidia-.*|cuda-.*"
    ): "LicenseRef-NVIDIA",  # not free; brought by PyPI's torch on Linux, see TORCH_INDEX
    re.compile(r"triton"): "MIT",
    re.compile(r"colorama"): "BSD-3-Clause",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Hold one package: its name as indexes spell it, version, licence as an SPDX expression, and what it needs."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...] = field(default=())

    @property
    def purl(self) -> str:
        """Return its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"

    @property
    def terms(self) -> list[str]:
        """Return the licences in its expression."""
        return [term.strip(" ()") for term in re.split(r"\b(?:AND|OR)\b", self.licence)]


def canonical(name: str) -> str:
    """Return a package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def project() -> dict[str, object]:
    """Return the project's table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def asked(extras: Sequence[str]) -> list[Requirement]:
    """Return what the core and the extras ask for, on this machine; extras that name others are followed."""
    told = project()
    lines = [*told["dependencies"], *(line for extra in extras for line in told["optional-dependencies"][extra])]
    found: list[Requirement] = []
    for each in map(Requirement, lines):
        if canonical(each.name) == "emotus":
            found += asked(sorted(each.extras))
        elif each.marker is None or each.marker.evaluate({"extra": ""}):
            found.append(each)
    return found


def parts(extras: Sequence[str] = ("all",)) -> list[Part]:
    """Return every installed package that the extras bring, directly or not, by name."""
    found: dict[str, Part] = {}
    waiting = [(canonical(each.name), frozenset(each.extras)) for each in asked(extras)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        needs = list(needs_of(package, wanted))
        waiting += needs
        before = found[name].needs if name in found else ()
        names = {need for need, _ in needs} | set(before)
        found[name] = Part(name, package.version.partition("+")[0], licence_of(package), tuple(sorted(names)))
    return [found[name] for name in sorted(found)]


def needs_of(package: metadata.Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what a package needs on this machine, with the extras it wants of it."""
    for each in map(Requirement, package.requires or ()):
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonical(each.name), frozenset(each.extras)


def licence_of(package: metadata.Distribution) -> str:
    """Return a package's licence as an SPDX expression, "" where it says none that is known here."""
    told = package.metadata
    by_hand = READ_BY_HAND.get(canonical(package.name), "")
    if told.get("License-Expression"):
        return told["License-Expression"]
    short = (told.get("License") or "").strip()
    named = [
        line.rpartition("::")[2].strip() for line in told.get_all("Classifier") or () if line.startswith("License")
    ]
    for words in (short, *named):
        known = IN_OTHER_WORDS.get(words, words)
        if known in ALLOWED or (" AND " in known and "\n" not in known):
            return known
    return by_hand


def locked() -> dict[str, tuple[str, list[str]]]:
    """Return version and SHA-256 of every package in the lock."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for line in LOCK.read_text().splitlines():
        begun = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if begun:
            name = canonical(begun[1])
            found[name] = (begun[2], [])
        found.get(name, ("", []))[1].extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found
