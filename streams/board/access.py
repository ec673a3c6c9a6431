"""Who may ask: bearer tokens, kept as hashes in a file, compared in constant time. Pure.

One token a line: role, name, SHA-256 of the token in hex. `read` may ask everything, `operate` may also act. Tokens are
256 bits from the system's own source of chance, so that a plain hash can not be guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from secrets import token_urlsafe
from typing import Final, NamedTuple

from streams.board.problems import Refused

ROLES: Final = ("read", "operate")
COOKIE: Final = "hightide-token"
_LINE: Final = re.compile(r"(read|operate)\s+([A-Za-z0-9._-]{1,64})\s+([0-9a-f]{64})")


class Token(NamedTuple):
    """What the file knows of one token."""

    role: str
    name: str
    digest: str


class TokensWrong(ValueError):
    """A token file can not be read: the message has the line and what is valid."""


def parse_tokens(text: str) -> list[Token]:
    """The tokens of a file; empty lines and those that begin with # are left out. Raises `TokensWrong`."""
    tokens = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise TokensWrong(
                f"line {number} is none of: role name sha256 (`hightide board --new-token NAME` makes one)"
            )
        tokens.append(Token(*match.groups()))
    if not tokens:
        raise TokensWrong("there is no token in it: nobody could ask")
    return tokens


def new_token(role: str, name: str) -> tuple[str, str]:
    """A fresh token, and the line of the file that knows it."""
    token = token_urlsafe(32)
    return token, f"{role} {name} {_digest(token)}"


class Access:
    """Decides by headers. Without tokens everybody on this machine may read, under a name that only it has."""

    def __init__(self, tokens: list[Token] | None) -> None:
        self._tokens = tokens

    def check(self, headers: Mapping[str, str], cookies: Mapping[str, str], role: str = "read") -> None:
        """Raises `Refused`: 401 without a known token, 403 if its role does not do, 421 for a strange host."""
        if self._tokens is None:
            if not is_loopback(_host(headers.get("host", ""))):
                raise Refused(421, "without tokens the board answers to localhost alone", "strange-host")
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        token = given.strip() if scheme.lower() == "bearer" else cookies.get(COOKIE, "")
        found = self._find(token)
        if found is None:
            raise Refused(401, "send `Authorization: Bearer TOKEN` with a token of the board's file", "no-token")
        if ROLES.index(found.role) < ROLES.index(role):
            raise Refused(403, f"the token of {found.name} may {found.role}, this takes {role}", "role")

    def _find(self, token: str) -> Token | None:
        digest, found = _digest(token), None
        for each in self._tokens or ():  # all of them, whichever fits: the time it takes says nothing
            if compare_digest(digest, each.digest):
                found = each
        return found


def is_loopback(host: str) -> bool:
    """Whether a name or address (without port and brackets) is this machine alone."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _host(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
