"""What a worker answers over HTTP at `HIGHTIDE_METRICS`: `/metrics`, and `/healthz` and `/readyz` beside it."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from streams.health import Health
from streams.metrics import Metrics
from streams.settings import SettingsError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)


def serve(bind: str, metrics: Metrics, health: Health) -> Callable[[], None]:
    """Answer at `bind` ("host:port"; "" = do nothing) from threads of its own; returns what ends it.

    Raises SettingsError if the address can not be had.
    """
    if not bind:
        return lambda: None
    host, _, port = bind.rpartition(":")
    family = _SixServer if host.startswith("[") else _Server
    try:
        server = make_server(host.strip("[]"), int(port), app(metrics, health), family, handler_class=_Quiet)
    except OSError as error:
        raise SettingsError(f"HIGHTIDE_METRICS={bind!r}: {error.strerror}") from error
    _log.info("metrics at http://%s:%d/metrics, beside it /readyz and /healthz", host, server.server_port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def app(metrics: Metrics, health: Health) -> WSGIApplication:
    """The three answers, and 404 with their names for anything else."""
    prometheus = make_wsgi_app(metrics.registry)
    told = {"/healthz": health.alive, "/readyz": health.ready}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return prometheus(environ, start_response)  # type: ignore[no-any-return]  # it has no types
        if path in told:
            good, body = told[path]()
            return _json(start_response, "200 OK" if good else "503 Service Unavailable", body)
        return _json(start_response, "404 Not Found", {"paths": ["/metrics", *told]})

    return answer


def _json(start_response: StartResponse, status: str, body: object) -> list[bytes]:
    start_response(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body).encode() + b"\n"]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False

    def server_bind(self) -> None:
        # HTTPServer asks the name service for its own name here, and would wait for one that is away
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _SixServer(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    #: seconds after which a client that says nothing is left
    timeout = 5.0

    def log_message(self, format: str, *args: object) -> None:
        """Log no request."""
