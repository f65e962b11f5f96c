"""Stand-ins for the engines' own services."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

OVERVIEW = {"flink-version": "1.19.1", "taskmanagers": 2, "slots-total": 4, "slots-available": 4, "jobs-running": 0}


@contextmanager
def fake_flink(looks=1, status=200, failures=(), **changed):
    """`HOST:PORT` of something that answers as Flink's REST interface does, and the requests that it got.

    A job that is cancelled is so after it has been looked at so many times; `failures` are those of the job `mine`,
    each its time in ms and its stack trace.
    """
    mine = {"jid": "a1", "name": "mine", "state": "RUNNING"}
    jobs = {"jobs": [mine, {"jid": "b2", "name": "x", "state": "RUNNING"}]}
    answers = {"/overview": {**OVERVIEW, **changed}, "/jobs/overview": jobs}
    entries = [{"timestamp": time, "stacktrace": trace} for time, trace in failures]
    answers["/jobs/a1/exceptions"] = {"exceptionHistory": {"entries": entries}}
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            requests.append(f"{self.command} {self.path}")
            content = json.dumps(answers.get(self.path, {})).encode()
            if self.command == "PATCH":
                mine["state"] = "CANCELLING"
            elif mine["state"] == "CANCELLING" and requests[-looks:] == ["GET /jobs/overview"] * looks:
                mine["state"] = "CANCELED"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    Handler.do_GET = Handler.do_PATCH = Handler.answer
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
