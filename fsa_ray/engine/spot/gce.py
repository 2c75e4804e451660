"""GCE's metadata server: questions that it answers when the answer changes."""

import time
from urllib.parse import quote

from fsa_ray.engine.spot.metadata import Answer, MetadataServer, Unreadable
from fsa_ray.engine.spot.notice import Notice

_FLAVOR = {"Metadata-Flavor": "Google"}
_PREEMPTED = "/computeMetadata/v1/instance/preempted"
_MAINTENANCE = "/computeMetadata/v1/instance/maintenance-event"
_MAINTENANCE_NOTICE_S = 60  # with GPUs an hour, but the server does not say which of the two


class Gce:
    """`notice_s`: how long a preempted machine lives on. GCE tells no time."""

    name = "GCE"
    pause_s = 1.0

    def __init__(self, address: str, *, notice_s: float = 30.0, wait_s: int = 10) -> None:
        self._server, self._notice_s, self._wait_s = MetadataServer(address), notice_s, wait_s
        self._etag: str | None = None

    def probe(self) -> None:
        self._get(_PREEMPTED)

    def notice(self) -> Notice | None:
        """Waits up to `wait_s` for a change since the last question; the first is answered at once."""
        answer = self._preempted()
        if answer.text == "TRUE":
            return Notice("GCE preempts this machine", time.time() + self._notice_s)
        if answer.text != "FALSE":
            raise self._server.unexpected(_PREEMPTED, answer)
        self._etag = answer.headers.get("ETag") or None
        if self._get(_MAINTENANCE).text == "TERMINATE_ON_HOST_MAINTENANCE":
            return Notice("GCE stops this machine for host maintenance", time.time() + _MAINTENANCE_NOTICE_S)
        return None

    def _preempted(self) -> Answer:
        """The etag names the answer that we know, so that a change between two questions is not waited for."""
        etag, self._etag = self._etag, None
        if etag is None:
            return self._get(_PREEMPTED)
        query = f"?wait_for_change=true&timeout_sec={self._wait_s}&last_etag={quote(etag, safe='')}"
        return self._get(_PREEMPTED + query, self._wait_s + 5.0)

    def _get(self, path: str, timeout_s: float = 2.0) -> Answer:
        answer = self._server.ask("GET", path, _FLAVOR, timeout_s)
        if answer.headers.get("Metadata-Flavor") != "Google":
            raise Unreadable(f"{self._server.address}{path}: the answer (HTTP {answer.status}) is not Google's")
        if answer.status != 200:
            raise self._server.unexpected(path, answer)
        return answer
