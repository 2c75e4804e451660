"""An opinion, and the polarities that it may have."""

from typing import Literal, get_args

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

Polarity = Literal["positive", "negative", "neutral"]
POLARITIES: tuple[str, ...] = get_args(Polarity)


class Opinion(BaseModel):
    """One opinion of a review.

    `target` is the review's own words for the thing, or None where it is only implied; `aspect` is the facet in
    one or two lower-case words; `evidence` is the shortest span of the review that shows the polarity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str | None
    aspect: str
    polarity: Polarity
    evidence: str


OPINION = pa.struct(
    [("target", pa.string()), ("aspect", pa.string()), ("polarity", pa.string()), ("evidence", pa.string())]
)
OPINIONS = pa.list_(OPINION)
