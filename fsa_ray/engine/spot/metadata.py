"""A cloud's metadata server, asked over plain HTTP.

`http.client` and not `urllib.request`: a proxy of the environment must not see these requests, and a redirect must not
carry the token elsewhere; `http.client` knows neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from urllib.parse import urlsplit

_LONGEST_ANSWER = 4096


class Unreadable(Exception):
    """The server did not answer, or not what its protocol says. It may do better next time."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    text: str


@dataclass(frozen=True)
class MetadataServer:
    """Raises ValueError for an address that is no http:// one."""

    address: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{self.address}: a metadata server's address looks like http://169.254.169.254")

    def ask(self, method: str, path: str, headers: Mapping[str, str], timeout_s: float = 2.0) -> Answer:
        """One request. Raises Unreadable if no HTTP answer comes."""
        parts = urlsplit(self.address)
        assert parts.hostname is not None
        connection = HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
        try:
            connection.request(method, path, headers=dict(headers))
            response = connection.getresponse()
            text = response.read(_LONGEST_ANSWER).decode("utf-8", "replace").strip()
            return Answer(response.status, response.headers, text)
        except (OSError, HTTPException) as error:
            raise Unreadable(f"{self.address}{path}: {error or type(error).__name__}") from None
        finally:
            connection.close()

    def unexpected(self, path: str, answer: Answer) -> Unreadable:
        return Unreadable(f"{self.address}{path}: HTTP {answer.status} {answer.text[:80]!r}")
