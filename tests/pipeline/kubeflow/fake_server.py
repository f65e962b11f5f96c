"""A server that speaks as much of Kubeflow Pipelines' HTTP as the real kfp client needs to start and follow a run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

RUN_ID = "5f0c2a5e-0000-4000-8000-000000000001"
API = "/apis/v2beta1"


LOGIN = "<!doctype html><title>Log in to Your Account</title>"


class FakeServer:
    """What the server answers, and what it was sent.

    Attributes:
        refusals: path below the API -> (status, message) that it gets.
        behind_login: paths below the API that lead to a login page.
        states: the run as it is seen at each look, the last one for ever.
        tasks: pages of the list of tasks that a server without ML Metadata has; None: it has no such list.
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
        self.refusals: dict[str, tuple[int, str]] = {}
        self.behind_login: set[str] = set()
        self.states: list[dict[str, Any]] = [{"state": "SUCCEEDED"}]
        self.tasks: list[list[dict[str, Any]]] | None = None
        self.lost_looks = 0
        self.bodies: dict[str, Any] = {}
        self.headers: dict[str, str] = {}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Answer a call."""
        if path == "/dex/auth":
            return 200, LOGIN
        name = path.removeprefix(API)
        if name in self.behind_login:
            return 302, "/dex/auth"
        if name in self.refusals:
            status, message = self.refusals[name]
            return status, {"error": message, "code": status, "message": message}
        if method == "POST":
            self.bodies[path] = body
        if name == "/healthz":
            return 200, {"multi_user": self.multi_user}
        if name == "/experiments" and method == "GET" and self.closed:
            return 403, {"message": "not yours"}
        if name == "/experiments":
            experiment = {"experiment_id": "e-1", "display_name": "heartbeat"}
            return 200, experiment if method == "POST" else {}
        if name == "/runs":
            rooted = (body.get("runtime_config") or {}).get("pipeline_root")
            return (200, {"run_id": RUN_ID}) if rooted else (400, {"message": "the run names no pipeline root"})
        if name == f"/runs/{RUN_ID}":
            if self.lost_looks:
                self.lost_looks -= 1
                return 502, {"message": "bad gateway"}
            seen = self.states[0] if len(self.states) == 1 else self.states.pop(0)
            return 200, {"run_id": RUN_ID} | seen
        if name == f"/runs/{RUN_ID}/tasks" and self.tasks is not None:
            page = int(query.get("page_token", ["0"])[0])
            more = {"next_page_token": str(page + 1)} if page + 1 < len(self.tasks) else {}
            return 200, {"tasks": self.tasks[page]} | more
        return 404, {"message": "Not Found", "code": 5, "details": []}


@contextmanager
def serving() -> Iterator[FakeServer]:
    """Serve on a free port of the loopback."""
    fake = FakeServer()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            fake.headers = dict(self.headers)
            path, _, query = self.path.partition("?")
            status, content = fake.answer(self.command, path, parse_qs(query), body)
            text = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
            if status == 302:
                self.send_header("Location", content)
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
