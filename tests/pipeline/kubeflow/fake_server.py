"""A server that speaks as much of Kubeflow Pipelines' HTTP as the real kfp client needs to start and follow a run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RUN_ID = "5f0c2a5e-0000-4000-8000-000000000001"
API = "/apis/v2beta1"


class FakeServer:
    """What the server answers, and what it was sent.

    Attributes:
        refusal: (status, message) that every call gets, or None.
        states: the run as it is seen at each look, the last one for ever.
        lost_looks: looks at the run that a proxy in between answers, before the next gets through.
        bodies: path -> body of the newest POST.
        headers: of the newest call.
        multi_user: whether users are kept apart.
        closed: whether namespaces are not ours to list.
    """

    def __init__(self) -> None:
        self.url = ""
        self.multi_user = True
        self.closed = False
        self.refusal: tuple[int, str] | None = None
        self.states: list[dict[str, Any]] = [{"state": "SUCCEEDED"}]
        self.lost_looks = 0
        self.bodies: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Answer a call."""
        if self.refusal:
            status, message = self.refusal
            return status, {"error": message, "code": status, "message": message}
        if method == "POST":
            self.bodies[path] = body
        if path == f"{API}/healthz":
            return 200, {"multi_user": self.multi_user}
        if path == f"{API}/experiments" and method == "GET" and self.closed:
            return 403, {"message": "not yours"}
        if path == f"{API}/experiments":
            experiment = {"experiment_id": "e-1", "display_name": "heartbeat"}
            return 200, experiment if method == "POST" else {}
        if path == f"{API}/runs":
            return 200, {"run_id": RUN_ID}
        if path == f"{API}/runs/{RUN_ID}":
            if self.lost_looks:
                self.lost_looks -= 1
                return 502, {"message": "bad gateway"}
            seen = self.states[0] if len(self.states) == 1 else self.states.pop(0)
            return 200, {"run_id": RUN_ID} | seen
        return 404, {"message": f"no {path}"}


@contextmanager
def serving() -> Iterator[FakeServer]:
    """Serve on a free port of the loopback."""
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            fake.headers = dict(self.headers)
            status, told = fake.answer(self.command, self.path.partition("?")[0], body)
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
