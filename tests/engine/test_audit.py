"""The audit trail: whole, or broken at the line where somebody changed it."""

from __future__ import annotations

import json
from threading import Thread

import pytest

from emotus.engine.audit import FIRST, digest, verify
from emotus.engine.clock import ManualClock
from emotus.engine.consent import Consent
from emotus.engine.control import ConsentGrant
from emotus.engine.errors import InputError
from emotus.training.audit_file import AuditFile


@pytest.fixture
def trail(tmp_path):
    """Return a trail of a show in which consent was given and taken back, gone on with another day."""
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        file = AuditFile(str(path))
        consent = Consent(ManualClock(), on_change=file.write)
        file.write("start", {"model": "bandai-stgcn", "context": "art"})
        consent.guard("webcam-0")
        consent.grant(ConsentGrant("anna", "webcam-0", ("recognise", "stream"), 60.0))
        consent.revoke("webcam-0")
    return path


def test_what_a_show_was_allowed_is_told_in_order_without_a_name(trail):
    """Start, consent and revocation stand there with stream and purposes, and never who consented."""
    lines = trail.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["what"] for line in lines] == 2 * ["start", "consent granted", "consent revoked"]
    assert json.loads(lines[1])["of"] == {"stream": "webcam-0", "purposes": "recognise, stream", "seconds": "60"}
    assert b"anna" not in trail.read_bytes()
    assert verify(lines, "audit") == (6, digest(lines[-1]))
    assert verify([], "audit") == (0, FIRST)


def test_threads_that_write_at_once_make_one_chain(tmp_path):
    """Consent is given in one thread and everything stopped in another: no line is lost, none forks the chain."""
    path = tmp_path / "audit.jsonl"
    file = AuditFile(str(path))
    threads = [Thread(target=lambda: [file.write("human stop", {}) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(path.read_bytes().splitlines(keepends=True), "audit")[0] == 80


@pytest.mark.parametrize("change", ["alter", "remove", "swap", "insert"])
def test_whoever_changes_a_line_breaks_the_chain(trail, change):
    """Altered, removed, exchanged or slipped in: the line after it does not follow, and nothing is appended."""
    lines = trail.read_bytes().splitlines(keepends=True)
    if change == "alter":
        lines[2] = lines[2].replace(b"revoked", b"Revoked")
    elif change == "remove":
        del lines[2]
    elif change == "swap":
        lines[2], lines[3] = lines[3], lines[2]
    else:
        lines.insert(2, lines[1])
    trail.write_bytes(b"".join(lines))
    with pytest.raises(InputError, match="does not follow the line before it"):
        verify(lines, "audit")
    with pytest.raises(InputError, match="does not follow"):
        AuditFile(str(trail))


def test_what_is_no_trail_is_left_alone(tmp_path):
    """A file of something else, and a folder, are one sentence each."""
    other = tmp_path / "notes.txt"
    other.write_text("hello\n")
    with pytest.raises(InputError, match=r":1: is no line of an audit trail"):
        AuditFile(str(other))
    assert other.read_text() == "hello\n"
    with pytest.raises(InputError, match="cannot be written"):
        AuditFile(str(tmp_path))
