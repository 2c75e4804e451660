"""EC2's instance metadata, version 2: a token first, then questions that carry it."""

import time
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from fsa_ray.engine.spot.metadata import MetadataServer, Unreadable
from fsa_ray.engine.spot.notice import Notice

_ACTION = "/latest/meta-data/spot/instance-action"
_REBALANCE = "/latest/meta-data/events/recommendations/rebalance"
_TOKEN_LIVES_S = 21600  # the longest that EC2 gives
_SHORTEST_NOTICE_S = 120  # an interruption may follow a recommendation at once, and comes two minutes ahead


class _Action(BaseModel):
    action: Literal["terminate", "stop", "hibernate"]
    time: AwareDatetime


class _Recommendation(BaseModel):
    since: AwareDatetime = Field(alias="noticeTime")


class Ec2:
    """`rebalance`: a recommendation to leave counts as a notice, although many such machines live on."""

    name = "EC2"
    pause_s = 5.0  # what EC2 recommends

    def __init__(self, address: str, *, rebalance: bool = False) -> None:
        self._server, self._rebalance = MetadataServer(address), rebalance
        self._token: str | None = None

    def probe(self) -> None:
        self._token = self._new_token()

    def notice(self) -> Notice | None:
        try:
            if (text := self._get(_ACTION)) is not None:
                said = _Action.model_validate_json(text)
                return Notice(f"EC2 spot notice: {said.action} at {said.time.isoformat()}", said.time.timestamp())
            if self._rebalance and (text := self._get(_REBALANCE)) is not None:
                since = _Recommendation.model_validate_json(text).since.isoformat()
                return Notice(f"EC2 rebalance recommendation of {since}", time.time() + _SHORTEST_NOTICE_S)
        except ValidationError:
            raise Unreadable(f"{self._server.address}: no EC2 notice: {text!r:.200}") from None
        return None

    def _get(self, path: str) -> str | None:
        """The text there, None while there is nothing."""
        for _ in range(2):
            token = self._token = self._token or self._new_token()
            answer = self._server.ask("GET", path, {"X-aws-ec2-metadata-token": token})
            if answer.status != 401:
                break
            self._token = None
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._server.unexpected(path, answer)
        return answer.text

    def _new_token(self) -> str:
        path = "/latest/api/token"
        answer = self._server.ask("PUT", path, {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_LIVES_S)})
        sendable = answer.text.isascii() and answer.text.isprintable() and " " not in answer.text
        if answer.status != 200 or not answer.text or not sendable:
            raise self._server.unexpected(path, answer)
        return answer.text
