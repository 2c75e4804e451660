"""What tokens cost; section `prices` of a placement."""

from pydantic import BaseModel, ConfigDict, Field


class Prices(BaseModel):
    """Per million tokens of the teacher. Without prices, nothing is said about money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float | None = Field(None, ge=0, description="of a million tokens that the teacher reads")
    output: float | None = Field(None, ge=0, description="of a million tokens that it writes")
    currency: str = Field("USD", description="a name to show; nothing is converted")

    def of(self, prompt_tokens: float, output_tokens: float) -> float | None:
        if self.prompt is None or self.output is None:
            return None
        return (prompt_tokens * self.prompt + output_tokens * self.output) / 1e6
