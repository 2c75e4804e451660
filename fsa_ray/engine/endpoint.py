"""A teacher behind an OpenAI-compatible server, asked by units like an engine of ours."""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from fsa_ray.engine.question import Reply
from fsa_ray.engine.units import Counts, UnitFolder

if TYPE_CHECKING:
    from fsa_ray.engine.run_units import Outcome, Progress
    from fsa_ray.engine.session import Session


class Endpoint(BaseModel):
    """Which model answers is identity; where its server stands is not. The key never leaves the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    url: str = Field(exclude=True)
    key_variable: str = Field(exclude=True)


class EndpointPlacement(BaseModel):
    """Section `endpoint`: a teacher behind an OpenAI-compatible server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units_in_flight: int = Field(
        2, ge=1, description="units of rows asked at a time; lost, and asked again, after a crash"
    )
    unit_rows: int = Field(64, ge=1, description="rows committed together")
    requests_in_flight: int = Field(32, ge=1, description="of a unit")
    timeout_s: float = Field(300.0, gt=0, description="of one request")
    tries: int = Field(6, ge=1, description="with growing pauses: refused connections, 429, 5xx")
    start_timeout_s: float = Field(300.0, gt=0, description="until those who ask run, nodes included")

    def rows_at_risk(self, begun: int = 0) -> int:
        """As `EnginePlacement.rows_at_risk`."""
        return self.units_in_flight * max(self.unit_rows, begun)


class Chatting(Protocol):
    """What to ask about rows, as arguments of chat completions, and what to make of the replies."""

    def requests(self, rows: pa.Table) -> list[dict[str, Any]]: ...
    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table: ...


def ask_endpoint(
    units: UnitFolder,
    chatting: Chatting,
    endpoint: Endpoint,
    placement: EndpointPlacement,
    session: "Session",
    listener: "Callable[[Progress], None]",
    should_stop: Callable[[Counts], bool],
) -> "Outcome":
    """Ask about every pending unit. Raises ValueError if the key's environment variable is not set or the Ray of the
    session has no room for those who ask, EngineFailed if they do not start within `start_timeout_s`."""
    from fsa_ray.engine.run_units import WAITING_CPUS, map_units

    key = os.environ.get(endpoint.key_variable)
    if key is None:
        raise ValueError(
            f"the endpoint's key is expected in the environment variable {endpoint.key_variable}, which is not set"
        )
    mapping = _Mapping(chatting, endpoint, placement, SecretStr(key))
    need = {"CPU": WAITING_CPUS}
    session.require_room("endpoint", placement.units_in_flight, need, placement.start_timeout_s)
    return map_units(
        units,
        mapping,
        workers=placement.units_in_flight,
        need=need,
        start_timeout_s=placement.start_timeout_s,
        listener=listener,
        should_stop=should_stop,
    )


class _Mapping:
    """Carries the key to the workers, which have environments of their own; it shows in no representation."""

    def __init__(self, chatting: Chatting, endpoint: Endpoint, placement: EndpointPlacement, key: SecretStr) -> None:
        self._chatting, self._endpoint, self._placement, self._key = chatting, endpoint, placement, key

    def __call__(self, rows: pa.Table) -> tuple[pa.Table, Counts]:
        replies = asyncio.run(self._all(self._chatting.requests(rows)))
        counts = Counts(
            rows=len(rows),
            prompts=len(replies),
            prompt_tokens=sum(reply.prompt_tokens for reply in replies),
            output_tokens=sum(reply.output_tokens for reply in replies),
            failed=sum(reply.error is not None for reply in replies),
        )
        return self._chatting.answers(rows, replies), counts

    async def _all(self, requests: list[dict[str, Any]]) -> list[Reply]:
        from openai import AsyncOpenAI

        gate = asyncio.Semaphore(self._placement.requests_in_flight)
        async with AsyncOpenAI(
            base_url=self._endpoint.url,
            api_key=self._key.get_secret_value(),
            timeout=self._placement.timeout_s,
            max_retries=self._placement.tries - 1,
        ) as client:
            return list(await asyncio.gather(*(self._one(client, gate, request) for request in requests)))

    async def _one(self, client: Any, gate: asyncio.Semaphore, request: dict[str, Any]) -> Reply:
        """A request that the server refuses is a reply with an error. A server that is gone ends the unit."""
        from openai import APIConnectionError, APIStatusError

        async with gate:
            try:
                reply = await client.chat.completions.create(model=self._endpoint.model, **request)
            except APIStatusError as error:
                said = self._without_key(error.message)
                if error.status_code in {401, 403, 404}:
                    raise RuntimeError(f"{self._endpoint.url} answers {error.status_code}: {said}") from None
                return Reply(error=f"HTTP {error.status_code}: {said}"[:500])
            except APIConnectionError as error:
                said = self._without_key(str(error))
                raise RuntimeError(f"{self._endpoint.url} cannot be reached: {said}") from None
        choice = reply.choices[0]
        return Reply(
            text=choice.message.content or "",
            prompt_tokens=reply.usage.prompt_tokens if reply.usage else 0,
            output_tokens=reply.usage.completion_tokens if reply.usage else 0,
            finish_reason=choice.finish_reason,
        )

    def _without_key(self, message: str) -> str:
        """Some servers say what they were sent."""
        key = self._key.get_secret_value()
        return message.replace(key, f"[{self._endpoint.key_variable}]") if key else message
