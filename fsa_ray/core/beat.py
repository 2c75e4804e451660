"""How far a running stage is: what its driver tells those who watch, here and, through the root, elsewhere."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Beat(BaseModel):
    """Counts are of the stage so far, earlier attempts included; `per_second` is the speed of this attempt."""

    model_config = ConfigDict(frozen=True)

    noun: Literal["rows", "steps"]
    done: int
    total: int
    per_second: float
    tokens_read: int = 0  # in prompts
    tokens_written: int = 0
    tokens_trained: int = 0  # padding too
    failed: int = 0  # requests that got an error instead of an answer
    loss: float | None = None  # nats per answer token, of the last step

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.per_second if self.per_second > 0 else None

    @property
    def speed(self) -> str:
        return f"{self.per_second:,.1f} {self.noun}/s"

    def __str__(self) -> str:
        parts = [f"{self.done:,}/{self.total:,} {self.noun}", self.speed]
        if self.loss is not None:
            parts.insert(1, f"loss {self.loss:.3f}")
        if self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} left")
        return ", ".join(parts)


class News(BaseModel):
    """What the heartbeat of a claim carries: the last thing that a stage said, and its last beat."""

    model_config = ConfigDict(frozen=True)

    said: str
    beat: Beat | None = None


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
