"""The deployment that holds one vLLM engine and answers units of questions.

On CPUs the engine runs inside the replica's process: with vLLM's own process layout a start imports vLLM three
times and one core is kept for a process that mostly waits. On GPUs vLLM's engine core is a process of its own, so
that scheduling overlaps with the device.
"""

import asyncio
import logging
import os
import queue
import threading
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fsa_ray.engine.owner import end_with
from fsa_ray.engine.question import Question, Reply, decode_questions, encode_replies

if TYPE_CHECKING:
    from fsa_ray.engine.detokenizer import Detokenizer

logger = logging.getLogger(__name__)


@dataclass
class _Unit:
    """One unit inside the engine: replies by position, and how many are still missing."""

    questions: list[Question]
    done: "Future[list[Reply]]"
    replies: dict[int, Reply] = field(default_factory=dict)

    def add(self, position: int, reply: Reply) -> None:
        self.replies[position] = reply
        if len(self.replies) == len(self.questions) and not self.done.cancelled():
            self.done.set_result([self.replies[index] for index in range(len(self.questions))])


class EngineServer:
    """`arguments`: keyword arguments of vLLM's EngineArgs. `app`: this application; `job`: whom it ends with.
    `directory`: where the model lies on this machine, if not where the arguments say."""

    def __init__(
        self, arguments: dict[str, Any], app: str, job: str, directory: os.PathLike[str] | None = None
    ) -> None:
        from vllm.exceptions import VLLMClientError

        end_with(job, app)
        self._refusals = (VLLMClientError, ValueError, TypeError)
        self._id = uuid.uuid4().hex
        self._units: queue.SimpleQueue[_Unit] = queue.SimpleQueue()
        self._waiting: dict[str, tuple[_Unit, int]] = {}
        self._failure: BaseException | None = None
        self._next_request = 0
        started: Future[None] = Future()
        threading.Thread(target=self._work, args=(arguments, directory, started), daemon=True, name="engine").start()
        started.result()

    async def generate(self, request: dict[str, Any]) -> AsyncIterator[dict[str, str]]:
        """`request["questions"]` as encoded; yields once. A refused question is a reply with an error."""
        unit = _Unit(decode_questions(request["questions"]), Future())
        self._units.put(unit)
        if self._failure is not None:
            raise RuntimeError(f"the engine failed: {self._failure!r}")
        replies = await asyncio.wrap_future(unit.done)
        yield {"replies": encode_replies(replies), "engine": self._id}

    async def skip(self, request: dict[str, Any]) -> AsyncIterator[dict[str, str]]:
        """For a unit that is not to be asked."""
        yield {"replies": "", "engine": self._id}

    def check_health(self) -> None:
        """Serve replaces the replica when this raises."""
        if self._failure is not None:
            raise RuntimeError(f"the engine failed: {self._failure!r}")

    def __del__(self) -> None:
        if hasattr(self, "_engine"):
            self._engine.engine_core.shutdown()

    def _work(self, arguments: dict[str, Any], directory: os.PathLike[str] | None, started: "Future[None]") -> None:
        """The only thread that touches the engine. It makes it as well: vLLM binds the thread that makes a CPU engine,
        and the OpenMP threads below it, to cores; any other thread's would share one."""
        from vllm import EngineArgs
        from vllm.config import StructuredOutputsConfig
        from vllm.v1.engine.llm_engine import LLMEngine

        from fsa_ray.engine.detokenizer import Detokenizer

        # White space is free in JSON, and a weak model fills its budget with it; only a whole engine can be told.
        compact = StructuredOutputsConfig(backend="guidance", disable_any_whitespace=True)
        try:
            if directory is not None:
                arguments = {**arguments, "model": os.fspath(directory)}
            self._engine = LLMEngine.from_engine_args(EngineArgs(**arguments, structured_outputs_config=compact))
            self._detokenizer = Detokenizer(self._engine.get_tokenizer())
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        try:
            while True:
                self._accept()
                for output in self._engine.step():
                    self._deliver(output)
        except BaseException as error:
            logger.exception("the engine failed")
            self._fail(error)

    def _accept(self) -> None:
        """Take what lies in the queue; wait only when the engine has nothing to do."""
        while True:
            try:
                unit = self._units.get(block=not self._waiting)
            except queue.Empty:
                return
            for position, question in enumerate(unit.questions):
                self._ask(unit, position, question)
            if not unit.questions:
                unit.done.set_result([])

    def _ask(self, unit: _Unit, position: int, question: Question) -> None:
        name = str(self._next_request)
        self._next_request += 1
        try:
            prompt = {"prompt_token_ids": question.prompt}
            self._engine.add_request(name, prompt, _sampling(question.params, self._detokenizer))
        except self._refusals as error:
            unit.add(position, Reply(error=str(error) or type(error).__name__))
        else:
            self._waiting[name] = (unit, position)

    def _deliver(self, output: Any) -> None:
        if not output.finished:
            return
        unit, position = self._waiting.pop(output.request_id)
        unit.add(position, _reply(output, unit.questions[position], self._detokenizer))

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        units = {id(unit): unit for unit, _ in self._waiting.values()}
        while not self._units.empty():
            unit = self._units.get()
            units[id(unit)] = unit
        for unit in units.values():
            if not unit.done.done():
                unit.done.set_exception(RuntimeError(f"the engine failed: {error!r}"))


def _sampling(params: dict[str, Any], detokenizer: "Detokenizer") -> Any:
    from vllm import SamplingParams
    from vllm.platforms import current_platform
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    # What stops at a text must be written while it is made.
    settings = {"output_kind": RequestOutputKind.FINAL_ONLY, "detokenize": _is_written(params, detokenizer), **params}
    if current_platform.is_cpu():
        settings.pop("seed", None)  # vLLM 0.29 dies of it: "CPU Generator does not use offset"
    if settings.get("structured_outputs"):
        settings["structured_outputs"] = StructuredOutputsParams(**settings["structured_outputs"])
    return SamplingParams(**settings)


def _is_written(params: dict[str, Any], detokenizer: "Detokenizer") -> bool:
    """Whether vLLM writes the answer's text."""
    return bool(params.get("stop")) or not detokenizer.works


def _reply(output: Any, question: Question, detokenizer: "Detokenizer") -> Reply:
    completion = output.outputs[0]
    labels = question.params.get("logprob_token_ids")
    first = completion.logprobs[0] if labels and completion.logprobs else {}
    text = completion.text
    if not _is_written(question.params, detokenizer):
        ended = completion.finish_reason == "stop"  # by a token that is no part of the text
        text = detokenizer.text(question.prompt, completion.token_ids[:-1] if ended else completion.token_ids)
    return Reply(
        text=text,
        prompt_tokens=len(output.prompt_token_ids),
        output_tokens=len(completion.token_ids),
        finish_reason=completion.finish_reason,
        label_logprobs=[first[label].logprob for label in labels or []] if first else None,
    )
