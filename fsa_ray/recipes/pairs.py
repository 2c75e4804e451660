"""Encoder-decoder students of a run: what they start from, and training them on pairs of texts."""

from typing import Any

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.architecture import config_of, require_encoder_decoder
from fsa_ray.recipes.spec import Student
from fsa_ray.stages.model import model_stage
from fsa_ray.stages.pair import Pair
from fsa_ray.stages.tokenizer import LearnTokenizer, LineTokenizer
from fsa_ray.stages.train import Train
from fsa_ray.training.settings import TrainSettings


class PairStudent(Student):
    """The small model, an encoder-decoder: starting weights by `model`, or made from `config` with random weights."""

    source_length: int = Field(128, ge=8, description="longest text that it reads, in tokens; the rest is cut")
    target_length: int = Field(400, ge=8, description="longest text that it writes, in tokens; the rest is cut")


def pair_start(student: PairStudent, stages: dict[str, Stage[Any]], texts: tuple[Stage[Rows], ...]) -> dict[str, Any]:
    """How such a student begins: fields of `Train`. A new one learns its tokens from `texts`.
    Raises ValueError for another kind of model."""
    if student.model is not None:
        stages["start"] = model = model_stage(student.model, student.revision, student.trust_remote_code)
        require_encoder_decoder("student.model", config_of(model))
        stages["tokenizer"] = LineTokenizer(model=model)
        return {"start": model, "tokenizer": stages["tokenizer"]}
    assert student.config is not None
    require_encoder_decoder("student.config", student.config)
    longest = max(student.source_length, student.target_length)
    stages["tokenizer"] = LearnTokenizer(examples=texts, vocabulary=student.vocabulary, max_length=longest)
    return {"config": student.config, "tokenizer": stages["tokenizer"]}


def paired(student: PairStudent, tokenizer: Any, examples: tuple[Stage[Rows], ...], seed: int) -> Pair:
    return Pair(
        examples=examples,
        tokenizer=tokenizer,
        source_length=student.source_length,
        target_length=student.target_length,
        seed=seed,
    )


def trained_on_pairs(start: dict[str, Any], corpus: Pair, settings: TrainSettings, dev: Pair | None = None) -> Train:
    return Train(corpus=corpus, settings=settings, dev=dev, **start)
