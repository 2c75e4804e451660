"""What a cloud says before it takes a machine away."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Notice:
    what: str
    ends_at: float  # seconds since 1970


class Cloud(Protocol):
    """Raises Unreadable where its metadata server gives no proper answer."""

    @property
    def name(self) -> str: ...
    @property
    def pause_s(self) -> float:
        """To wait between two questions."""

    def probe(self) -> None:
        """Return if this machine is one of this cloud's."""

    def notice(self) -> Notice | None: ...
