"""What is answered when nothing else can be: RFC 9457 problem details. Pure."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from schemas.answers import Problem

MEDIA_TYPE = "application/problem+json"


class Refused(Exception):
    """The request can not be answered; `detail` says what to do, `kind` names the problem for machines."""

    def __init__(self, status: int, detail: str, kind: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.kind = kind or HTTPStatus(status).phrase.lower().replace(" ", "-")


def problem(status: int, detail: str, kind: str = "") -> bytes:
    """The body of a problem."""
    refused = Refused(status, detail, kind)
    title = HTTPStatus(status).phrase
    said = Problem(type=f"urn:hightide:problem:{refused.kind}", title=title, status=status, detail=detail)
    return msgspec.json.encode(said)
