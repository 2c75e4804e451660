"""What the options of `fsa-ray evaluate` mean."""

from pydantic import BaseModel, ConfigDict

from fsa_ray.stages.questions import Answering
from fsa_ray.training.settings import Precision


class Options(BaseModel):
    """How a suite is to be asked; None takes the suite's default."""

    model_config = ConfigDict(frozen=True)

    protocol: str | None = None
    shots: int | None = None
    seeds: tuple[int, ...] | None = None
    limit: int | None = None
    answering: Answering = "likelihood"
    calibrate: bool = False
    structured: bool = False
    chat: bool = False
    prefix: str = ""
    max_length: int | None = None
    precision: Precision = "bf16"
