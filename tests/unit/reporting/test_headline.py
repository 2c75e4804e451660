from fsa_ray.reporting.contents import Contents, LedgerEntry, Scorecard, ScoredModel
from fsa_ray.reporting.headline import headline, kept_share, mean_score, tiles, totals


def test_share_and_size_and_gold(card: Scorecard) -> None:
    assert headline(card) == (
        "The student keeps 95 % of the teacher’s score at 25 % of its parameters, averaged over 2 tasks.",
        "It is 13.0 points above the same student trained on the gold labels alone, "
        "beyond the intervals on 1 of 2 tasks.",
    )


def test_a_student_below_gold_is_told_so(card: Scorecard) -> None:
    student, gold = card.models[1], card.models[2]
    swapped = (student.model_copy(update={"scores": gold.scores}), gold.model_copy(update={"scores": student.scores}))
    sentences = headline(card.model_copy(update={"models": swapped}))
    assert sentences[0] == "Student scores 63.0 on average over 2 tasks."
    assert "13.0 points below" in sentences[1]


def test_a_better_student_reaches_more_than_the_teacher(card: Scorecard) -> None:
    teacher, student, *_ = card.models
    better = student.model_copy(
        update={"scores": {"polarity": teacher.scores["polarity"].model_copy(update={"score": 99.0})}}
    )
    assert headline(card.model_copy(update={"models": (teacher, better)})) == (
        "The student reaches 110 % of the teacher’s score at 25 % of its parameters.",
    )


def test_a_teacher_of_zero_has_no_share(card: Scorecard) -> None:
    teacher, student, *_ = card.models
    zero = {task: cell.model_copy(update={"score": 0.0}) for task, cell in teacher.scores.items()}
    assert kept_share(student, teacher.model_copy(update={"scores": zero})) is None
    assert kept_share(student, ScoredModel(name="t", role="teacher")) is None


def test_a_mean_needs_every_task(card: Scorecard) -> None:
    assert mean_score(card, card.models[0]) == 80
    assert mean_score(card, card.models[3]) is None


def test_totals_say_whether_all_is_priced() -> None:
    sums = totals([LedgerEntry(stage="a", seconds=1, cost=2.0), LedgerEntry(stage="b", seconds=3)])
    assert (sums.seconds, sums.cost, sums.priced) == (4, 2.0, False)
    assert totals([LedgerEntry(stage="b", seconds=3)]).cost is None


def test_tiles_tell_what_is_known(contents: Contents) -> None:
    labels = [tile.label for tile in tiles(contents)]
    assert labels[:2] == ["distilled student, mean of 2 tasks", "teacher, mean of 2 tasks"]
    assert labels[2:] == ["reviews read", "answers after teach", "for all stages", "model tokens", "cost"]
    assert tiles(Contents(run="r", created=contents.created)) == []
