"""A local metadata server that speaks EC2's and GCE's documented protocols."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32


class MetadataServer(ThreadingHTTPServer):
    """Both clouds at one address, as with the real one: each test asks what it wants. Change it with `with changed`."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.changed = threading.Condition()
        self.ec2: dict[str, str] = {}  # path below /latest/meta-data/ to text
        self.gce: dict[str, str] = {}  # path below /computeMetadata/v1/instance/ to text
        self.gce_headers = {"Metadata-Flavor": "Google"}
        self.failures: list[int] = []  # statuses of the next answers
        self.tokens: set[str] = set()
        self.tokens_made = 0
        self.asked: list[str] = []
        self.waiting = threading.Event()  # somebody hangs in a GET
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def set_gce(self, path: str, text: str) -> None:
        with self.changed:
            self.gce[path] = text
            self.changed.notify_all()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: MetadataServer

    def do_PUT(self) -> None:
        self.server.asked.append(f"PUT {self.path}")
        life = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        if self.path != "/latest/api/token" or not self.server.ec2:
            return self._say(404, "")
        if life is None or not 1 <= int(life) <= 21600:
            return self._say(400, "")
        self.server.tokens_made += 1
        token = f"token-{self.server.tokens_made}=="
        self.server.tokens.add(token)
        return self._say(200, token)

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        if self.server.failures:
            return self._say(self.server.failures.pop(0), "come back later")
        if self.path.startswith("/latest/meta-data/"):
            return self._ec2(self.path.removeprefix("/latest/meta-data/"))
        if self.path.startswith("/computeMetadata/v1/instance/"):
            return self._gce()
        return self._say(404, "")

    def _ec2(self, path: str) -> None:
        if self.headers.get("X-aws-ec2-metadata-token") not in self.server.tokens:
            return self._say(401, "")
        text = self.server.ec2.get(path)
        return self._say(404, "not found") if text is None else self._say(200, text)

    def _gce(self) -> None:
        if self.headers.get("Metadata-Flavor") != "Google":
            return self._say(403, "")
        url = urlsplit(self.path)
        path, query = url.path.removeprefix("/computeMetadata/v1/instance/"), parse_qs(url.query)
        with self.server.changed:
            if path not in self.server.gce:
                return self._say(404, "", self.server.gce_headers)
            if query.get("wait_for_change") == ["true"]:
                known = query.get("last_etag", [self._etag(path)])[0]
                self.server.waiting.set()
                self.server.changed.wait_for(lambda: self._etag(path) != known, float(query["timeout_sec"][0]))
                self.server.waiting.clear()
            return self._say(200, self.server.gce[path] + "\n", {"ETag": self._etag(path), **self.server.gce_headers})

    def _etag(self, path: str) -> str:
        return f"&{crc32(self.server.gce[path].encode()):x}"  # with a sign that a query must quote

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text.encode())), **(headers or {})}.items():
            self.send_header(name, value)
        with suppress(BrokenPipeError):  # who asked has given up
            self.end_headers()
            self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


def action(what: str, when: str) -> str:
    return json.dumps({"action": what, "time": when})
