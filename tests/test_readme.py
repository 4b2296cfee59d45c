"""The README's example runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_the_example_runs() -> None:
    """The Python of the README runs offline, and its assertions hold."""
    (example,) = re.findall(r"^```python\n(.*?)^```", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    exec(compile(example, str(README), "exec"), {})  # noqa: S102 - it is our own text, and this is its test
