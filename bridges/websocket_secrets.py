"""What an exposed WebSocket bridge is kept closed with: the token, and the certificate and key of TLS."""

from __future__ import annotations

import os
import secrets
import ssl
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..engine.errors import UriError

TOKEN_BYTES: Final = 24
MIN_TOKEN: Final = 16
MAX_TOKEN: Final = 512
VARIABLE: Final = "EMOTUS_TOKEN"
NOT_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Token:
    """Hold a token and where it is from; source is empty for one that was made up now and has to be told."""

    text: str
    source: str = ""

    def __repr__(self) -> str:
        """Return where it is from: the token itself stands in no log."""
        return f"Token({self.source or 'made up'})"


def find_token(uri: str, given: str | None, file: str | None) -> Token:
    """Return the token that was given, or that of the file, or of EMOTUS_TOKEN, or a new one; raises UriError."""
    if given:
        return _checked(uri, Token(given, "the program"))
    if file:
        return _checked(uri, Token(_read(uri, file), file))
    found = os.environ.get(VARIABLE)
    return _checked(uri, Token(found, VARIABLE)) if found else Token(secrets.token_urlsafe(TOKEN_BYTES))


def make_tls(uri: str, cert: str, key: str | None) -> ssl.SSLContext:
    """Return a TLS 1.2+ server's context; key None: in the certificate's file. Raises UriError."""
    for path in (cert, key or cert):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            raise UriError(uri, f"{path}: {error.strerror}", mend="cert=FILE&key=FILE, in PEM") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a passphrase would have the library ask for it on the terminal, in the midst of a show.
        context.load_cert_chain(cert, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        why = getattr(error, "reason", None) or str(error) or "not understood"
        mend = "a certificate and its key in PEM, without a passphrase"
        raise UriError(uri, f"{cert}: {why.replace('_', ' ').lower()}", mend=mend) from error
    return context


def _read(uri: str, file: str) -> str:
    """Return the token of a file that only its owner may read."""
    try:
        with Path(file).open(encoding="utf-8") as opened:
            if sys.platform != "win32" and os.fstat(opened.fileno()).st_mode & NOT_OTHERS:
                raise UriError(uri, f"{file}: others on this machine may read the token", mend=f"chmod 600 {file}")
            return opened.read(MAX_TOKEN + 2).strip()
    except OSError as error:
        raise UriError(uri, f"{file}: {error.strerror}", mend="token_file=FILE, with the token alone in it") from error
    except UnicodeDecodeError as error:
        raise UriError(uri, f"{file}: no text", mend="the token alone, in plain letters") from error


def _checked(uri: str, token: Token) -> Token:
    if len(token.text) < MIN_TOKEN:
        raise UriError(uri, f"the token of {token.source} is too short", mend=f"{MIN_TOKEN} characters or more")
    if len(token.text) > MAX_TOKEN or not (token.text.isascii() and token.text.isprintable() and " " not in token.text):
        raise UriError(uri, f"the token of {token.source} cannot stand in an address", mend="letters, digits, - and _")
    return token
