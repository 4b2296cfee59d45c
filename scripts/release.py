"""Make a release of what is committed: wheel, sdist, bill of materials, lock and checksums, into dist/.

Everything is built twice from an export of HEAD, in two folders, and has to be the same to the byte: times are those
of the commit (SOURCE_DATE_EPOCH overrules that), owners and orders are fixed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "dist"
BUILD = "import sys; from setuptools import build_meta as b; out = sys.argv[1]; b.build_wheel(out); b.build_sdist(out)"


def git(*words: str) -> bytes:
    """Return what git says."""
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout


def epoch(commit: str) -> int:
    """Return the seconds that stand for now: those of the commit unless SOURCE_DATE_EPOCH says other."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct", commit))


def build(folder: Path, commit: str, seconds: int) -> dict[str, bytes]:
    """Export a commit into a folder, build there, and return wheel and sdist by name."""
    source, made = folder / "source", folder / "made"
    made.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
        archive.extractall(source, filter="data")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds), "PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"}
    words = [sys.executable, "-W", "ignore", "-c", BUILD, str(made)]
    ran = subprocess.run(words, check=False, cwd=source, env=environment, capture_output=True, text=True, umask=0o022)
    if ran.returncode:
        raise SystemExit(f"release: the build failed\n{ran.stderr}")
    found = {path.name: path.read_bytes() for path in made.iterdir()}
    return {name: normal(data, seconds) if name.endswith(".tar.gz") else data for name, data in found.items()}


def normal(sdist: bytes, seconds: int) -> bytes:
    """Return a .tar.gz with its files in order, of nobody, of this second."""
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(sdist), mode="r:gz") as old,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = seconds
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=seconds) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


def bill(seconds: int) -> bytes:
    """Return the bill of materials."""
    words = [sys.executable, str(ROOT / "scripts" / "sbom.py")]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds)}
    return subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True).stdout


def main() -> int:
    """Build twice, compare, write, and print the checksums."""
    if git("status", "--porcelain", "--untracked-files=no"):
        print("release: there are changes that are not committed; what is built is HEAD", file=sys.stderr)
    commit = git("rev-parse", "HEAD").decode().strip()  # once: HEAD may move while this runs
    seconds = epoch(commit)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        made, again = (
            build(Path(folder) / name, commit, seconds) for folder, name in ((one, "a"), (two, "another-folder"))
        )
    differing = sorted(name for name in made.keys() | again.keys() if made.get(name) != again.get(name))
    if differing:
        print(f"release: two builds differ in {', '.join(differing)}", file=sys.stderr)
        return 1
    made |= {"sbom.cdx.json": bill(seconds)}
    made |= {name: git("show", f"{commit}:{name}") for name in ("requirements.lock", "requirements-run.lock")}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(made.items()))
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    for name, data in (made | {"SHA256SUMS": sums.encode()}).items():
        (OUT / name).write_bytes(data)
    print(sums, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
