"""An OpenAI-compatible server on loopback whose answers are written by rule, and wrong one time in five.

It tests plumbing and faults: that whatever a teacher says, each answer stays with what it is about.
"""

import json
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ATTRIBUTES = ["tone", "overall sentiment", "frustration level", "recommendation", "humour", "trust", "value for money"]
FAULTS = ['{"attributes": [{"na', "I'm sorry, I can't help with that.", "cut", '{"something": "else"}']
_TASK = re.compile(r"^Name: (.*)\nKind: (.*)\nIdea: (.*)$", re.MULTILINE)
_MARK = re.compile(r"\[(task about [^\]]*)\]")


def fault_of(turn: str) -> str | None:
    """What is answered instead of an answer: to a fifth of all prompts, and always the same to the same prompt."""
    digest = zlib.crc32(turn.encode("utf-8"))
    return FAULTS[digest // 5 % len(FAULTS)] if digest % 5 == 0 else None


def answer(turn: str, kind: str, schema: dict[str, Any] | None) -> str:
    digest = zlib.crc32(turn.encode("utf-8"))
    if kind == "enumerate":
        chosen = [name for number, name in enumerate(ATTRIBUTES) if digest >> number & 1] or ATTRIBUTES[:2]
        return json.dumps(
            {"attributes": [{"name": name, "description": f"how {name} shows", "value": "high"} for name in chosen]}
        )
    if kind == "analyse":
        return json.dumps(
            {"instructions": [f"Describe how this text shows it, part {n} of {digest}." for n in range(3)]}
        )
    if kind == "propose":
        subject = re.search(r"about this attribute: ([^(.]*)", turn)
        assert subject is not None
        name = subject[1].strip()
        return json.dumps(
            {"tasks": [_proposal(name, kind) for kind in ("closed_classification", "scoring", "extraction")]}
        )
    if kind == "standardise":
        proposed = _TASK.search(turn)
        assert proposed is not None
        return json.dumps(_definition(*proposed.groups()))
    if kind == "demonstrate":
        mark = _MARK.search(turn)
        assert mark is not None and schema is not None
        output = schema["properties"]["examples"]["items"]["properties"]["output"]
        good = {"input": f"A new case {digest} of the [{mark[1]}].", "output": _value(output)}
        return json.dumps({"examples": [good, {"input": f"A wrong case {digest} of it.", "output": {"no": "such"}}]})
    return json.dumps(_value(schema)) if schema else f"The text shows it in case {digest}, as its words say."


def _proposal(name: str, kind: str) -> dict[str, str]:
    return {"name": f"{name} {kind}", "kind": kind, "description": f"Find the {name} in the text, by {kind}."}


def _definition(name: str, kind: str, idea: str) -> dict[str, Any]:
    outputs: dict[str, list[Any]] = {
        "closed_classification": ["yes", "no", "perhaps"],
        "scoring": [1, 5, 9],
        "extraction": [["a case"], [], ["not in the input"]],
    }
    form: dict[str, dict[str, Any]] = {
        "closed_classification": {"labels": ["yes", "no"]},
        "scoring": {"minimum": 1, "maximum": 5, "decimals": False},
        "extraction": {},
    }
    said = outputs[kind]
    examples = [{"input": f"This is a case {n} of {name}.", "output": said[n % 3]} for n in range(9)]
    return {
        "name": name,
        "kind": kind,
        "description": f"{idea} [task about {name}]",
        **form[kind],
        "examples": examples,
    }


def _value(schema: dict[str, Any]) -> Any:
    if schema.get("type") == "object":
        return {name: _value(part) for name, part in schema["properties"].items()}
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] in ("integer", "number"):
        return schema["minimum"]
    return []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        turn = body["messages"][0]["content"]
        form = body.get("response_format", {}).get("json_schema", {})
        fault = fault_of(turn)
        said = answer(turn, form.get("name", "respond"), form.get("schema"))
        text = said[: len(said) // 2] if fault == "cut" else fault or said
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "length" if fault == "cut" else "stop",
        }
        usage = {"prompt_tokens": len(turn.split()), "completion_tokens": len(text.split()), "total_tokens": 0}
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice]}
        payload = json.dumps({**reply, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def scripted_teacher() -> Iterator[str]:
    """The server's base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
