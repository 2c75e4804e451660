"""How much a run may spend; section `budget`, which the driver fills from the spec."""

from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.core.prices import Prices


class BudgetReached(Exception):
    """A stage stopped cleanly: what it paid for is kept, and a raised budget goes on from there."""


class Budget(BaseModel):
    """Of the teacher. Null sets no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: int | None = Field(None, ge=1, description="prompt and output tokens, together")
    money: float | None = Field(None, gt=0, description="in the currency of the placement's prices")

    def reached(self, spent: tuple[int, float | None]) -> bool:
        """`spent`: tokens, and money where prices are known."""
        tokens, money = spent
        return (self.tokens is not None and tokens >= self.tokens) or (
            self.money is not None and money is not None and money >= self.money
        )

    def refuse_without(self, prices: Prices) -> None:
        """Raises ValueError if there is a limit on money and nobody knows what tokens cost."""
        if self.money is not None and prices.of(0, 0) is None:
            raise ValueError(
                f"budget.money: {self.money:g} stops nothing without prices; give the placement file a section "
                "`prices: {prompt: 0.5, output: 1.5}` with your own, both for a million tokens, and name the file with "
                "--placement, or limit budget.tokens"
            )

    def told(self, spent: tuple[int, float | None], currency: str) -> str:
        tokens, money = spent
        cost = "" if money is None else f" ({money:,.2f} {currency})"
        return f"the budget is spent: {tokens:,} tokens{cost}; raise `budget` in the spec and run again to go on"
