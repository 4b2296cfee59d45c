"""The audit trail as a file: appended to, checked before it is gone on with, on the disk after every line."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from ..engine.audit import digest, entry, verify
from ..engine.errors import InputError


class AuditFile:
    """Append lines to the audit trail at a path; raises InputError where it cannot be, or where its chain is broken.

    Any thread may write: consent is given in one, and the stop key is pressed in another.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._writing = threading.Lock()
        try:
            lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
            _, self._before = verify(lines, path)
            with self._path.open("ab"):
                pass
        except OSError as error:
            problem = f"cannot be written: {error.strerror}"
            raise InputError(f"--audit {path}", problem, mend="choose a place you may write to") from None

    def write(self, what: str, of: Mapping[str, str]) -> None:
        """Append one line with the wall clock's time; what cannot be written is left out, for the show goes on."""
        with self._writing:
            line = entry(self._before, time.time(), what, of)
            try:
                with self._path.open("ab") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                return
            self._before = digest(line)
