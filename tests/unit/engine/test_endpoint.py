"""What an OpenAI-compatible server's errors become, without Ray."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from fsa_ray.engine import run_units
from fsa_ray.engine.endpoint import Endpoint, EndpointPlacement, ask_endpoint
from fsa_ray.engine.question import Reply

KEY = "sk-that-must-stay-where-it-is"


class _Echo(BaseHTTPRequestHandler):
    """Refuses with the status that the prompt names, and says what it was sent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        error = {"error": {"message": f"{'x' * 400} bad header: {self.headers['Authorization']}"}}
        payload = json.dumps(error).encode()
        self.send_response(int(body["messages"][0]["content"]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    def here(units: Any, mapping: Any, **_: Any) -> Any:
        return mapping(units)

    monkeypatch.setattr(run_units, "map_units", here)
    monkeypatch.setenv("FSA_RAY_TEST_KEY", KEY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Endpoint(model="m", url=f"http://127.0.0.1:{server.server_address[1]}/v1", key_variable="FSA_RAY_TEST_KEY")
    server.shutdown()
    server.server_close()


def asked(endpoint: Endpoint, status: int) -> list[Reply]:
    chatting = SimpleNamespace(
        requests=lambda rows: [{"messages": [{"role": "user", "content": str(status)}]}] * len(rows),
        answers=lambda rows, replies: replies,
    )
    placement, session = EndpointPlacement(tries=1), SimpleNamespace(require_room=lambda *_: None)
    replies, counts = ask_endpoint(pa.table({"id": ["1"]}), chatting, endpoint, placement, session, print, bool)
    assert counts.failed == 1
    return replies


@pytest.mark.parametrize("status", [400, 500])
def test_a_server_that_repeats_the_key_puts_it_into_no_row(echo: Endpoint, status: int) -> None:
    (reply,) = asked(echo, status)
    assert reply.error is not None and reply.error.startswith(f"HTTP {status}: ")
    assert "[FSA_RAY_TEST_KEY]" in reply.error and "sk-that" not in reply.error


def test_nor_into_the_error_that_ends_the_work(echo: Endpoint) -> None:
    with pytest.raises(RuntimeError, match=r"answers 401: .*\[FSA_RAY_TEST_KEY\]") as caught:
        asked(echo, 401)
    assert KEY not in str(caught.value)
