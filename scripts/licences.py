"""List the licences of everything that emotus brings; exit 1 where one is not on the list of those that may be used."""

from __future__ import annotations

import sys

from parts import ALLOWED, ELSEWHERE, Part, locked, parts


def refused(found: list[Part]) -> list[Part]:
    """Return the parts whose licence is unknown or not allowed."""
    return [part for part in found if not set(part.terms) <= ALLOWED]


def elsewhere(found: list[Part]) -> dict[str, str]:
    """Return what the lock has and this machine has not, with its licence, "" where nobody looked."""
    missing = set(locked()) - {part.name for part in found}
    return {name: next((terms for like, terms in ELSEWHERE.items() if like.fullmatch(name)), "") for name in missing}


def main() -> int:
    """Print a line for each part, then what is brought on other machines."""
    found = parts()
    wrong = refused(found)
    for part in found:
        print(f"{part.name:28} {part.version:16} {part.licence or 'says none'}{'   REFUSED' if part in wrong else ''}")
    for name, terms in sorted(elsewhere(found).items()):
        print(f"{name:28} {locked()[name][0]:16} {terms or 'nobody looked'} (not on this machine)")
    print(f"{len(found)} parts, {len(wrong)} refused", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
