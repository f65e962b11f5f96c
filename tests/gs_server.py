"""The few acts of Google Cloud Storage that we use, over HTTP on loopback, for STORAGE_EMULATOR_HOST."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import google_crc32c

BUCKET = "bucket"
UPDATED = "2026-11-28T00:00:00.000Z"


class GsServer(ThreadingHTTPServer):
    """Objects of one bucket, each with its generation; the names of those that have Content-Encoding: gzip."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.packed: set[str] = set()
        self.generation = 0
        self.writing = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet: a second one would wait for the first to be acknowledged
    server: GsServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, content: object, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int) -> None:
        self._answer({"error": {"code": status, "message": f"refused with {status}"}}, status)

    def _described(self, name: str) -> dict[str, str]:
        content, generation = self.server.objects[name]
        crc = base64.b64encode(google_crc32c.value(bytes(content)).to_bytes(4, "big")).decode()
        described = {"name": name, "size": str(len(content)), "generation": str(generation), "updated": UPDATED}
        return described | {"crc32c": crc}

    def _asked(self) -> tuple[str, str | None, dict[str, str]]:
        """The bucket, the object's name if one is asked for, and the query."""
        url = urllib.parse.urlsplit(self.path)
        bucket, _, rest = url.path.partition("/v1/b/")[2].partition("/o")
        return bucket, urllib.parse.unquote(rest[1:]) or None, dict(urllib.parse.parse_qsl(url.query))

    def do_GET(self) -> None:
        bucket, name, query = self._asked()
        if bucket != BUCKET or (name and name not in self.server.objects):
            self._refuse(404)
        elif name and query.get("alt") == "media":
            content, generation = self.server.objects[name]
            if name in self.server.packed and "gzip" not in self.headers.get("Accept-Encoding", ""):
                self._answer(gzip.decompress(content))  # whole, whatever range is asked for
                return
            start, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
            part = content[int(start) : int(end) + 1 if end else None]
            packed = {"Content-Encoding": "gzip"} if name in self.server.packed else {}
            known = {"X-Goog-Generation": str(generation), **packed}
            self._answer(part, 206 if "Range" in self.headers else 200, **known)
        elif name:
            self._answer(self._described(name))
        elif self.path.partition("?")[0].endswith("/o"):
            prefix = query.get("prefix", "")
            self._answer({"items": [self._described(each) for each in self.server.objects if each.startswith(prefix)]})
        else:
            self._answer({"name": bucket})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        query = self._asked()[2]
        if query["uploadType"] == "resumable":
            where = urllib.parse.urlencode({"uploadType": "rest", "name": json.loads(body)["name"]})
            self._answer({}, Location=f"{self.server.endpoint}/upload/storage/v1/b/{BUCKET}/o?{where}")
            return
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        _, described, media, _ = body.split(b"--" + boundary)
        name = json.loads(described.partition(b"\r\n\r\n")[2])["name"]
        self._store(name, media.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n"), query.get("ifGenerationMatch"))

    def do_PUT(self) -> None:
        self._store(self._asked()[2]["name"], self.rfile.read(int(self.headers["Content-Length"])), None)

    def _store(self, name: str, content: bytes, generation: str | None) -> None:
        with self.server.writing:
            held = self.server.objects.get(name, (b"", 0))[1]
            if generation is not None and held != int(generation):
                self._refuse(412)
                return
            self.server.generation += 1
            self.server.objects[name] = (content, self.server.generation)
        self._answer(self._described(name))

    def do_DELETE(self) -> None:
        if self.server.objects.pop(self._asked()[1] or "", None) is None:
            self._refuse(404)
        else:
            self._answer(b"", 204)


@contextmanager
def gs_server() -> Iterator[GsServer]:
    with GsServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
