"""Write what emotus is made of as CycloneDX 1.6 (ECMA-424), JSON: `python scripts/sbom.py [OUT]`."""

from __future__ import annotations

import ast
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from parts import ALLOWED, ROOT, Part, parts, project

NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # URLs, RFC 9562


def sbom(found: list[Part], version: str, seconds: int) -> dict[str, Any]:
    """Return the bill of materials of these parts; the same for the same parts, version and second."""
    ours = f"pkg:pypi/emotus@{version}"
    top = {"type": "application", "bom-ref": ours, "name": "emotus", "version": version, "purl": ours}
    names = {part.name: part.purl for part in found}
    graph = [{"ref": ours, "dependsOn": sorted(names.values())}]
    graph += [
        {"ref": part.purl, "dependsOn": sorted(names[need] for need in part.needs if need in names)} for part in found
    ]
    bill: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z"),
            "component": top | {"licenses": [{"expression": project()["license"]}]},
        },
        "components": [component(part) for part in found],
        "dependencies": graph,
    }
    return bill | {"serialNumber": uuid.uuid5(NAMESPACE, json.dumps(bill, sort_keys=True)).urn}


def component(part: Part) -> dict[str, Any]:
    """Return one part as a component."""
    is_spdx = part.licence and "BSD" not in part.terms and set(part.terms) <= ALLOWED
    licence = {"expression": part.licence} if is_spdx else {"license": {"name": part.licence or "not said"}}
    about = {"type": "library", "bom-ref": part.purl, "name": part.name, "version": part.version, "purl": part.purl}
    return about | {"licenses": [licence]}


def version() -> str:
    """Return the version that __init__.py states, without running it."""
    for node in ast.parse((ROOT / "__init__.py").read_text()).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "__version__"
        ):
            return ast.literal_eval(node.value)
    raise SystemExit("__init__.py states no version")


def main(words: list[str]) -> None:
    """Write the bill to the file named, or to standard output."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now(UTC).timestamp())
    text = json.dumps(sbom(parts(), version(), seconds), indent=1) + "\n"
    if words:
        Path(words[0]).write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
