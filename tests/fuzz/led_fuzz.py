"""Fuzz one target for a while, led by what code it reaches: python tests/fuzz/led_fuzz.py TARGET --seconds 60.

Needs atheris (pip install 'emotus[fuzz]', Linux). Inputs that break the rule are written to the current folder by
libFuzzer as crash-HASH; the corpus stays in memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the tests, not this folder

import atheris  # noqa: E402

with atheris.instrument_imports(include=["emotus", "fuzz"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Run libFuzzer on a target; its exit status is 0 where nothing broke the rule."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("target", choices=sorted(TARGETS))
    words.add_argument("--seconds", type=int, default=60)
    asked = words.parse_args()
    target = TARGETS[asked.target]

    def attempt(data: bytes) -> None:
        target.attempt(data)

    with tempfile.TemporaryDirectory() as folder:
        corpus, dictionary = Path(folder) / "corpus", Path(folder) / "words"
        corpus.mkdir()
        for k, seed in enumerate(target.seeds()):
            (corpus / str(k)).write_bytes(seed)
        lines = ['"' + "".join(f"\\x{byte:02x}" for byte in piece) + '"' for piece in target.pieces]
        dictionary.write_text("\n".join(lines) + "\n")
        options = [f"-max_total_time={asked.seconds}", f"-dict={dictionary}", "-timeout=10", "-rss_limit_mb=2048"]
        atheris.Setup([sys.argv[0], str(corpus), *options, "-print_final_stats=1"], attempt)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
