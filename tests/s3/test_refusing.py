"""Stores that answer a conditional write with an error instead of ignoring the condition."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from fsa_ray.storage.folder import Folder
from tests.s3.conftest import invoke, write_spec
from tests.s3.test_trouble import fresh_connections

ROOT = "s3://bucket/runs"
REFUSALS = {
    "not implemented": (501, "NotImplemented", "A header you provided implies functionality that is not implemented."),
    "invalid": (400, "InvalidArgument", "The header If-None-Match is not supported."),
}


class Store(BaseHTTPRequestHandler):
    """As much of S3 as small objects need."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    refusal: tuple[int, str, str]

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["If-None-Match"]:
            status, code, message = self.refusal
            self._answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())
        else:
            self.objects[self._key()] = data
            self._answer(200)

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "list-type" in query:
            self._answer(200, self._listing(query["prefix"][0], query["delimiter"] == ["/"]))
        elif self._key() in self.objects:
            self._answer(200, self.objects[self._key()])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Removes what is named; the keys of these tests need no unescaping."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        for part in body.split("<Key>")[1:]:
            self.objects.pop(part.partition("</Key>")[0], None)
        self._answer(200, b"<DeleteResult></DeleteResult>")

    def log_message(self, *_: object) -> None: ...

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/bucket/")

    def _listing(self, prefix: str, flat: bool) -> bytes:
        keys, folders = [], set()
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            name, slash, _ = key[len(prefix) :].partition("/")
            folders.add(f"{prefix}{name}/") if flat and slash else keys.append(key)
        found = [
            f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>a</ETag>"
            f"<Size>{len(self.objects[key])}</Size></Contents>"
            for key in keys
        ]
        found += [f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
        return f"<ListBucketResult>{''.join(found)}<IsTruncated>false</IsTruncated></ListBucketResult>".encode()

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Length", str(len(body))),
            ("Content-Type", "application/xml"),
            ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ("ETag", '"a"'),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(refusal: tuple[int, str, str]) -> Iterator[str]:
    handler = type("Refusing", (Store,), {"objects": {}, "refusal": refusal})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(params=REFUSALS)
def refusing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    with serving(REFUSALS[request.param]) as url, fresh_connections():
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
            monkeypatch.setenv(name, "anything")
        yield monkeypatch


def test_it_is_refused_unless_one_driver_is_promised(refusing: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "reviews.jsonl").write_text('{"text": "The soup was cold but the waiter was kind."}\n')
    spec = write_spec(tmp_path / "spec.yaml", str(tmp_path / "reviews.jsonl"))
    run = ("run", spec, "--root", ROOT, "--until", "ingest")
    done = invoke("doctor", "--root", ROOT, "--json")
    storage = next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "storage")
    assert not storage["passed"] and "8 of 8 racers created the same file" in storage["detail"]
    done = invoke(*run)
    assert done.exit_code == 2 and "FSA_RAY_ONLY_DRIVER=1" in done.stderr, done.output
    assert Folder(ROOT).names() == []
    refusing.setenv("FSA_RAY_ONLY_DRIVER", "1")
    done = invoke(*run)
    assert done.exit_code == 0, done.output
    assert invoke(*run).exit_code == 0
    root = Folder(ROOT)
    assert not root.put_exclusive("runs/mine.json", b"another"), "what is there stays"
    assert [name for name, _ in root.walk() if name.endswith("record.json")]
