"""Sentence embeddings by vLLM, for encoders too large for sentence-transformers on one device."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import ray
from ray.exceptions import GetTimeoutError, RayError

from fsa_ray.engine.application import (
    EngineFailed,
    ModelSettings,
    arguments_of,
    cause_of,
    environment_of,
    resources_of,
)
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.session import Session

_AS_LONG_AS_FITS = -1  # vLLM's word for the model's own limit, or less where the memory ends


def embed(
    texts: Sequence[str], model: str | PathLike[str], session: Session, placement: EnginePlacement
) -> npt.NDArray[np.float32]:
    """Unit vectors (n, d) of texts (n,) in float32, by one vLLM engine that lives for this call.

    model: directory of a sentence-transformers model, as each machine finds it. Its pooling and default prompt are
    used, in the precision of its weights; texts longer than it reads are cut. Equal texts have equal vectors, but the
    company in which a text is read may change its vector by the rounding of that precision. Engines of the session that
    hold what this one needs are stopped; they start again when they are asked.

    Errors: ValueError if the model would not mean the same to vLLM, or no node has what the placement asks for;
    EngineFailed with vLLM's cause if it does not start within `start_timeout_s` or answer within `unit_timeout_s`.
    """
    reading = Reading.of(fspath(model))
    distinct = sorted(set(texts))
    if not distinct:
        raise ValueError(f"encoder {fspath(model)}: there are no texts to embed")
    session.start_ray()
    _make_room(session, placement)
    session.require_room("engine", 1, resources_of(placement), placement.start_timeout_s)
    vectors = _asked([reading.prompt + text for text in distinct], model, reading, placement)
    place = {text: row for row, text in enumerate(distinct)}
    units = np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
    return units[[place[text] for text in texts]]


@dataclass(frozen=True)
class Reading:
    """What a sentence-transformers directory says of how its model is to be used.

    vLLM 0.29 passes over what it does not know, such as the format that sentence-transformers 6 writes, and pools as
    the architecture usually does: other vectors, and no error. So it is told, or the model is refused.
    """

    pooling: str  # as vLLM calls it
    prompt: str  # stands before each text
    dtype: str  # of the weights

    _POOLINGS: ClassVar[dict[str, str]] = {
        "mean": "MEAN",
        "cls": "CLS",
        "lasttoken": "LAST",
        "mean_tokens": "MEAN",  # older releases
        "cls_token": "CLS",
    }

    @classmethod
    def of(cls, folder: str) -> "Reading":
        """Raises ValueError naming the file and what else to do."""
        modules = {module["type"].rpartition(".")[2]: module["path"] for module in _json(folder, "modules.json") or []}
        if "Pooling" not in modules:
            raise ValueError(
                f"{folder}/modules.json is not there or names no pooling, so that vLLM would guess how the vectors of "
                "tokens become one; give a model made for sentence embeddings"
            )
        others = ", ".join(sorted(modules.keys() - {"Transformer", "Pooling", "Normalize"}))
        if others:
            raise ValueError(_refusal(f"{folder}/modules.json", f"vLLM would leave out its module {others}"))
        if "message" in (_json(folder, "sentence_bert_config.json") or {}).get("modality_config", {}):
            raise ValueError(
                _refusal(f"{folder}/sentence_bert_config.json", "vLLM would leave out the chat template around a text")
            )
        where = f"{modules['Pooling']}/config.json"
        pooling = _json(folder, where) or {}
        modes = _modes(pooling)
        if len(modes) != 1 or modes[0] not in cls._POOLINGS:
            raise ValueError(_refusal(f"{folder}/{where}", f"vLLM cannot pool by {' and '.join(modes)}"))
        prompt = _prompt(_json(folder, "config_sentence_transformers.json") or {})
        if prompt and not pooling.get("include_prompt", True):
            raise ValueError(_refusal(f"{folder}/{where}", "vLLM cannot leave the prompt out of the pooling"))
        config = _json(folder, "config.json") or {}
        dtype = config.get("dtype") or config.get("torch_dtype") or "float32"
        return cls(cls._POOLINGS[modes[0]], prompt, dtype)


class _Embedder:
    """Lives in an actor, whose one thread makes and uses the engine: on CPUs vLLM binds it to cores."""

    def __init__(self, arguments: dict[str, Any], model: str | PathLike[str], pooling: str) -> None:
        from vllm import LLM
        from vllm.config import PoolerConfig

        pooler = PoolerConfig(seq_pooling_type=pooling, use_activation=False)  # `embed` makes unit vectors, in float32
        self._llm = LLM(
            **{**arguments, "model": fspath(model)}, runner="pooling", convert="embed", pooler_config=pooler
        )

    def embed(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """Once: the engine's own processes, which hold the GPUs, end with it."""
        cut = {"truncate_prompt_tokens": _AS_LONG_AS_FITS}
        try:
            outputs = self._llm.encode(texts, pooling_task="embed", use_tqdm=False, tokenization_kwargs=cut)
            return np.stack([output.outputs.data.float().numpy() for output in outputs])
        finally:
            self._llm.llm_engine.engine_core.shutdown()


def _asked(
    texts: list[str], model: str | PathLike[str], reading: Reading, placement: EnginePlacement
) -> npt.NDArray[np.float32]:
    here = fspath(model)
    settings = ModelSettings(model=here, dtype=reading.dtype, max_model_len=_AS_LONG_AS_FITS)
    resources = resources_of(placement)
    embedder = (
        ray.remote(_Embedder)
        .options(
            num_cpus=resources["CPU"],
            num_gpus=resources.get("GPU", 0),
            runtime_env={"env_vars": environment_of(placement)},
        )
        .remote(arguments_of(settings, placement), model, reading.pooling)
    )
    try:
        _wait(embedder.__ray_ready__.remote(), here, "start", "start_timeout_s", placement)
        vectors: npt.NDArray[np.float32] = _wait(
            embedder.embed.remote(texts), here, "answer", "unit_timeout_s", placement
        )
        return vectors
    finally:
        ray.kill(embedder)


def _wait(reply: Any, model: str, act: str, limit: str, placement: EnginePlacement) -> Any:
    seconds = getattr(placement, limit)
    try:
        return ray.get(reply, timeout=seconds)
    except GetTimeoutError as error:
        raise EngineFailed(
            f"encoder {model}: its vLLM engine did not {act} within {seconds:g} s (engine.{limit} of the placement); "
            f"free now: {ray.available_resources()}"
        ) from error
    except RayError as error:
        raise EngineFailed(
            _refusal(f"encoder {model}", f"its vLLM engine did not {act}: {cause_of(str(error))}")
        ) from error


def _make_room(session: Session, placement: EnginePlacement) -> None:
    """The teacher's engine may hold the only GPU, and would while this one waits for it."""
    free = ray.available_resources()
    if any(free.get(resource, 0.0) < amount for resource, amount in resources_of(placement).items()):
        session.release()


def _refusal(where: str, why: str) -> str:
    return f"{where}: {why}; choose the sentence-transformers engine for this encoder, or another encoder"


def _modes(pooling: dict[str, Any]) -> list[str]:
    """In the current format one name or several, in the older a switch each; mean where none is said."""
    given = pooling.get("pooling_mode")
    if given is not None:
        return [given] if isinstance(given, str) else given
    switched_on = [name for name, value in pooling.items() if name.startswith("pooling_mode_") and value is True]
    return [name.removeprefix("pooling_mode_") for name in switched_on] or ["mean"]


def _prompt(config: dict[str, Any]) -> str:
    name = config.get("default_prompt_name")
    return "" if name is None else str(config["prompts"][name])


def _json(folder: str, name: str) -> Any:
    """None if there is no such file."""
    path = Path(folder) / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
