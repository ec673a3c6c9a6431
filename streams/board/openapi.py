"""The OpenAPI document, made of the table of routes and of the types that write the answers; and its page. Pure."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import msgspec

from schemas.answers import Healthy, Problem, Ready
from schemas.export import VERSION
from schemas.live import Change, Snapshot
from streams.board.asking import Parameter
from streams.board.problems import MEDIA_TYPE
from streams.board.routes import ROUTES, Route

_REF: Final = "#/components/schemas/{name}"
_STREAMED: Final = (Snapshot, Change)
_PROBES: Final = (("/healthz", "health", Healthy), ("/readyz", "readiness", Ready))
#: what every path may answer beside 200
_MEANINGS: Final = {
    304: "it is what `If-None-Match` names",
    400: "a parameter is wrong; `detail` says what is valid",
    401: "a bearer token is missing or unknown",
    403: "the token's role does not permit this",
    404: "there is no such thing, or not any more",
    405: "the path takes GET alone",
    409: "it can not be said yet",
    422: "it would be too much to read",
    503: "the store does not answer: ask again",
}
_ALWAYS: Final = (304, 400, 401, 403, 503)


def openapi() -> dict[str, Any]:
    """OpenAPI 3.1 of all paths."""
    kinds = [kind for route in ROUTES for kind in route.answers]
    kinds += [Problem, *(kind for _, _, kind in _PROBES), *_STREAMED]
    _, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    paths: dict[str, Any] = {route.path: {"get": _operation(route)} for route in ROUTES}
    paths |= {path: {"get": _probe(name, kind)} for path, name, kind in _PROBES}
    paths["/v1/stream"] = {"get": _stream()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hightide",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Tallies, sessions, rankings and alerts of live rooms. Money is integer fen, time integer "
            "epoch milliseconds; null is unknown, and `reasons` says why.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    schemas = [{"$ref": _REF.format(name=kind.__name__)} for kind in route.answers]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    answered = {"200": {"description": route.summary, "content": {"application/json": {"schema": schema}}}}
    return {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [_parameter(each, route.path) for each in route.parameters],
        "responses": answered | _refusals((*_ALWAYS, *route.refusals)),
    }


def _parameter(each: Parameter, path: str) -> dict[str, Any]:
    in_path = f"{{{each.name}}}" in path
    schema = dict(each.schema) | ({} if each.default is None else {"default": each.default})
    return {
        "name": each.name,
        "in": "path" if in_path else "query",
        "required": in_path,
        "description": each.meaning,
        "schema": schema,
    }


def _refusals(statuses: tuple[int, ...]) -> dict[str, Any]:
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name=Problem.__name__)}}}
    return {
        str(status): {"description": _MEANINGS[status]} | ({} if status == 304 else {"content": problem})
        for status in sorted(statuses)
    }


def _probe(name: str, kind: type) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
    said = (kind.__doc__ or "").splitlines()[0]
    answers = {status: {"description": said, "content": content} for status in ("200", "503")}
    return {"operationId": name, "summary": said, "responses": answers, "security": [{}]}


def _stream() -> dict[str, Any]:
    said = "Server-sent events: one `snapshot` (see the schema), then `change`s; `Last-Event-ID` resumes"
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "the id of the last event that was received",
        "schema": {"type": "string"},
    }
    answered = {"200": {"description": said, "content": content}}
    return {
        "operationId": "stream",
        "summary": said,
        "parameters": [last],
        "responses": answered | _refusals((401, 403, 503)),
    }


# -- for people --------------------------------------------------------------------------------------
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Hightide API</title><link rel="stylesheet" href="/docs.css"><main><h1>Hightide API</h1><p>{description}</p>
<p>For machines: <a href="/openapi.json">openapi.json</a>.</p>{paths}<h2>Schemas</h2>{schemas}</main></html>
"""
STYLE: Final = """:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;padding:0 1rem;
max-width:60rem}code,pre{font-family:ui-monospace,monospace}table{border-collapse:collapse;width:100%}td,th{
border-top:1px solid;padding:.3rem .6rem;text-align:left;vertical-align:top}pre{overflow:auto}summary{cursor:pointer}
"""


def page() -> str:
    """The document as one page, complete in itself."""
    document = openapi()
    paths = "".join(_path(path, item["get"]) for path, item in document["paths"].items())
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return _PAGE.format(description=escape(document["info"]["description"]), paths=paths, schemas=schemas)


def _path(path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td><td>{escape(each['description'])}</td>"
        f"<td><code>{escape(_json(each['schema']))}</code></td></tr>"
        for each in operation.get("parameters", ())
    )
    table = f"<table><tr><th>parameter</th><th>in</th><th>meaning</th><th>valid</th></tr>{rows}</table>" if rows else ""
    answers = "".join(
        f"<li>{status}: {escape(each['description'])}</li>" for status, each in operation["responses"].items()
    )
    return f"<h2><code>GET {escape(path)}</code></h2><p>{escape(operation['summary'])}</p>{table}<ul>{answers}</ul>"


def _schema(name: str, schema: dict[str, Any]) -> str:
    text = escape(msgspec.json.format(msgspec.json.encode(schema)).decode())
    return f"<details><summary><code>{escape(name)}</code></summary><pre>{text}</pre></details>"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
