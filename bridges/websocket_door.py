"""The door of the WebSocket bridge: who may come in. Pure: a request's path and headers -> None or a refusal.

A page of any web site may open a WebSocket to this machine, and a name server may make any name point to it. So a
browser has to come from a page of this machine (Origin), the name it asked for has to be this machine's (Host), and
beyond this machine everybody has to show a token.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult, parse_qs, urlsplit

GetAll = Callable[[str], Sequence[str]]
MAX_QUERY_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say with which HTTP status and sentence a request is turned away."""

    status: HTTPStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Door:
    """Let requests in: without a token those that stay on this machine, with one those that show it."""

    token: str | None = None

    def refusal(self, path: str, header: GetAll) -> Refusal | None:
        """Return why a request may not come in, or None. header: returns all values of a header."""
        asked = _split(path)
        if asked is None or asked.path != "/":
            return Refusal(HTTPStatus.NOT_FOUND, "there is only / here")
        host = _only_host(header("Host"), "")
        if host is None or (self.token is None and not is_this_machine(host)):
            return Refusal(HTTPStatus.FORBIDDEN, "ask for this machine by 127.0.0.1, [::1] or localhost")
        if not self._may_come_from(header("Origin"), host):
            return Refusal(HTTPStatus.FORBIDDEN, "pages from elsewhere may not connect")
        if self.token is not None and not self._shows_token(asked.query, header("Authorization")):
            return Refusal(HTTPStatus.UNAUTHORIZED, "add ?token=... or the header Authorization: Bearer ...")
        return None

    def _may_come_from(self, origins: Sequence[str], host: str) -> bool:
        """Only browsers send an Origin. With a token, pages served by the machine they connect to are welcome too."""
        if not origins:
            return True
        origin = _only_host(origins, "http https")
        return origin is not None and (is_this_machine(origin) or (self.token is not None and origin == host))

    def _shows_token(self, query: str, authorization: Sequence[str]) -> bool:
        shown = [value[7:].strip() for value in authorization if value[:7].lower() == "bearer "]
        try:
            shown += parse_qs(query, max_num_fields=MAX_QUERY_FIELDS).get("token", [])
        except ValueError:
            return False
        token = (self.token or "").encode()
        # A comparison takes the same time however much of a guess is right.
        return any(hmac.compare_digest(each.encode("utf-8", "replace"), token) for each in shown)


def is_this_machine(host: str) -> bool:
    """Tell whether a host as written in an address is this machine, whatever a name server says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _only_host(values: Sequence[str], schemes: str) -> str | None:
    """Return the host of a header that must stand there once, in lower case; schemes: those allowed before it.

    Some clients that are no browsers send an Origin without a scheme; a browser never does.
    """
    if len(values) != 1:
        return None
    value = values[0]
    parts = _split(value if "://" in value else f"//{value}")
    if parts is None or not parts.hostname or (parts.scheme and parts.scheme not in schemes.split()):
        return None
    return parts.hostname


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None
