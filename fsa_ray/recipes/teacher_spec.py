"""Who teaches: the section `teacher` of a spec."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, NonNegativeInt, field_validator, model_validator

from fsa_ray.recipes.section import Distinct, Location, Once, Section
from fsa_ray.sentiment.perspectives import Kind
from fsa_ray.training.settings import TrainSettings


class EndpointSpec(Section):
    """A teacher behind an OpenAI-compatible server. Errors do not repeat what it says: it may be a misplaced key."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description="base URL, for example http://localhost:8000/v1")
    model: str = Field(description="the model's name there")
    key_variable: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError(
                "expected http:// or https://, a host and a path, and nothing else; "
                "a password or key goes into the environment variable that `key_variable` names"
            )
        return url

    @field_validator("key_variable")
    @classmethod
    def _a_name(cls, name: str) -> str:
        # Upper case alone, as is the custom: the keys of many providers would pass for names in small letters.
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise ValueError(
                "expected the name of an environment variable in capital letters, such as MY_KEY, not the key itself"
            )
        return name


class EmbeddedTeacher(Section):
    """A small teacher trained here, for runs that may download nothing."""

    config: dict[str, Any] = Field(description="a transformers config with its model_type; vocab_size is filled in")
    vocabulary: int = Field(1500, ge=300, description="tokens of the byte-pair tokenizer")
    sequence_length: int = Field(512, ge=32, description="tokens of a packed training row")
    train: TrainSettings = Field(description="how it is trained")
    invented: int = Field(6000, ge=0, description="invented labelled reviews to train on")
    rewritings: int = Field(1500, ge=0, description="how many of them are also answered for the further prompts")
    benchmark: Location | None = Field(None, description="also train on the train splits of this SentiBench folder")
    tasks: Distinct = Field((), description="the tasks whose train splits are used")


AskedAgain = Literal["teach", "teach-rewriting", "respond", "align", "align-other"]
"""Labels of the stages whose failed rows can be asked again."""


class Teacher(Section):
    """Who writes about the reviews: exactly one of `model`, `endpoint`, `embedded`."""

    model: str | None = Field(None, description="directory or URL of a Hugging Face causal LM, or a hub id")
    revision: str | None = Field(None, description="commit of the hub repository; needed with a hub id")
    trust_remote_code: bool = Field(False, description="run the model repository's own code")
    endpoint: EndpointSpec | None = Field(None, description="an OpenAI-compatible server instead")
    embedded: EmbeddedTeacher | None = Field(None, description="a small teacher trained here instead")
    prompts: Annotated[tuple[Kind, ...], Once] = Field(
        ("analysis", "rewriting"), min_length=1, description="what it is asked about each review: perspectives"
    )
    weigh_labels: bool = Field(
        False, description="also ask for the probabilities of the polarities, where the style json costs a request"
    )
    rewriting_share: float = Field(1.0, gt=0, le=1, description="share of the reviews that it also rewrites")
    style: Literal["json", "compact"] = Field("json", description="of the analysis: JSON by schema, or short lines")
    temperature: float = Field(0.0, ge=0, le=2, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus of the sampling")
    max_tokens: int = Field(512, ge=8, description="longest answer; a longer one is an error")
    max_length: int = Field(4096, ge=64, description="prompt and answer together")
    retries: int = Field(2, ge=0, le=10, description="rounds that ask failed answers again, at temperature 0.7")
    ask_again: NonNegativeInt | dict[AskedAgain, NonNegativeInt] = Field(
        0, description="how often failed rows were asked again with --retry-failed: of all stages, or of each by label"
    )
    precision: Literal["fp32", "bf16"] = Field("bf16", description="in which the engine computes")

    @model_validator(mode="after")
    def _one_teacher(self) -> Self:
        if sum(given is not None for given in (self.model, self.endpoint, self.embedded)) != 1:
            raise ValueError("give exactly one of `model`, `endpoint` and `embedded`")
        if self.weigh_labels and self.endpoint is not None:
            raise ValueError("an endpoint does not tell the probabilities of label words; leave `weigh_labels` out")
        return self

    def rounds(self, label: AskedAgain) -> int:
        """How often the failed rows of that stage are asked again."""
        return self.ask_again.get(label, 0) if isinstance(self.ask_again, dict) else self.ask_again
