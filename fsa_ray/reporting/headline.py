"""What a report says first: the result in one sentence, and the tiles below it."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from fsa_ray.reporting.amounts import count, duration, money, percent, points, size
from fsa_ray.reporting.contents import Contents, LedgerEntry, Scorecard, ScoredModel


class Tile(NamedTuple):
    value: str
    label: str
    detail: str = ""


class Totals(NamedTuple):
    """Sums over ledger entries. `cost` is None if no entry has a price; `priced` says whether all have one."""

    seconds: float
    prompt_tokens: int
    output_tokens: int
    engine_starts: int
    cost: float | None
    priced: bool


def totals(entries: Sequence[LedgerEntry]) -> Totals:
    costs = [entry.cost for entry in entries if entry.cost is not None]
    return Totals(
        sum(entry.seconds for entry in entries),
        sum(entry.prompt_tokens for entry in entries),
        sum(entry.output_tokens for entry in entries),
        sum(entry.engine_starts for entry in entries),
        sum(costs) if costs else None,
        len(costs) == len(entries),
    )


def mean_score(card: Scorecard, model: ScoredModel) -> float | None:
    """Mean over all tasks of the card, or None if the model lacks one of them."""
    scores = [model.scores[task].score for task in card.tasks if task in model.scores]
    return fmean(scores) if scores and len(scores) == len(card.tasks) else None


def kept_share(model: ScoredModel, teacher: ScoredModel) -> float | None:
    """Mean score of `model` over the teacher's, on the tasks that both have; None without such tasks."""
    if not (tasks := model.scores.keys() & teacher.scores.keys()):
        return None
    whole = fmean(teacher.scores[task].score for task in tasks)
    return fmean(model.scores[task].score for task in tasks) / whole if whole > 0 else None


def headline(card: Scorecard) -> tuple[str, ...]:
    """The result in one sentence; a second one compares with training on the gold labels alone, if that was done."""
    teacher, student, gold = card.first("teacher"), card.first("student"), card.first("gold_only")
    if student is None or not student.scores:
        return ("This run has no score of a student.",)
    if teacher is None or (share := kept_share(student, teacher)) is None:
        sentence = f"{student.name} scores {fmean(cell.score for cell in student.scores.values()):.1f}{_over(student)}."
    else:
        tasks = len(student.scores.keys() & teacher.scores.keys())
        verb = "keeps" if share <= 1 else "reaches"
        at = ""
        if student.parameters and teacher.parameters:
            at = f" at {percent(student.parameters / teacher.parameters)} of its parameters"
        over = f", averaged over {tasks} tasks" if tasks > 1 else ""
        sentence = f"The student {verb} {percent(share)} of the teacher’s score{at}{over}."
    return tuple(filter(None, (sentence, _against_gold(student, gold))))


def _over(model: ScoredModel) -> str:
    return f" on average over {len(model.scores)} tasks" if len(model.scores) > 1 else f" on {next(iter(model.scores))}"


def _against_gold(student: ScoredModel, gold: ScoredModel | None) -> str:
    tasks = student.scores.keys() & gold.scores.keys() if gold else set()
    if gold is None or not tasks:
        return ""
    gap = fmean(student.scores[task].score - gold.scores[task].score for task in tasks)
    clear = sum(
        student.scores[task].low > gold.scores[task].high or student.scores[task].high < gold.scores[task].low
        for task in tasks
    )
    where = "above" if gap >= 0 else "below"
    beyond = {0: "within the intervals", len(tasks): "beyond the intervals"}.get(
        clear, f"beyond the intervals on {clear} of {len(tasks)} tasks"
    )
    return f"It is {abs(gap):.1f} points {where} the same student trained on the gold labels alone, {beyond}."


def tiles(contents: Contents) -> list[Tile]:
    """The figures that a reader looks for first; those that are not known are left out."""
    return [*_score_tiles(contents.scorecard), *_row_tiles(contents), *_ledger_tiles(contents)]


def _score_tiles(card: Scorecard) -> list[Tile]:
    found = []
    majority = card.first("majority")
    for label, model in (("distilled student", card.first("student")), ("teacher", card.first("teacher"))):
        if model is None or not model.scores:
            continue
        detail = f"{size(model.parameters)} parameters" if model.parameters else ""
        if model.role == "student" and majority and model.scores.keys() == majority.scores.keys():
            gap = fmean(cell.score - majority.scores[task].score for task, cell in model.scores.items())
            detail = " · ".join(filter(None, (detail, f"{points(gap)} over majority")))
        name = next(iter(model.scores)) if len(model.scores) == 1 else f"mean of {len(model.scores)} tasks"
        found.append(Tile(f"{fmean(cell.score for cell in model.scores.values()):.1f}", f"{label}, {name}", detail))
    return found


def _row_tiles(contents: Contents) -> list[Tile]:
    if not contents.funnel:
        return []
    first, last = contents.funnel[0], contents.funnel[-1]
    rejects = sum(step.dropped for step in contents.funnel)
    return [
        Tile(count(first.rows_in), f"{first.unit} read", f"{count(rejects)} rejects, each with its reason"),
        Tile(count(last.kept), f"{last.unit} after {last.label}", ""),
    ]


def _ledger_tiles(contents: Contents) -> list[Tile]:
    if not contents.ledger:
        return []
    whole, new = totals(contents.ledger), totals([entry for entry in contents.ledger if not entry.reused])
    earlier = f"{duration(new.seconds)} in this run, the rest reused" if new.seconds < whole.seconds else ""
    found = [Tile(duration(whole.seconds), "for all stages", earlier)]
    if tokens := whole.prompt_tokens + whole.output_tokens:
        found.append(Tile(size(tokens), "model tokens", f"{size(whole.output_tokens)} of them written"))
    if whole.cost is not None:
        gap = "" if whole.priced else "stages without a price left out"
        found.append(Tile(money(whole.cost, contents.currency), "cost", gap))
    return found
