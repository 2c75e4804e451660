"""From reviews and labelled reviews to few-shot prompts, and from the teacher's answers to examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from fsa_ray.evaluation.invented import INVENTED
from fsa_ray.evaluation.task import Task
from fsa_ray.sentiment.alignment.variant import Variant, draw_variant, label_words
from fsa_ray.sentiment.alignment.writing import write
from fsa_ray.sentiment.answers import clean_value
from fsa_ray.stages.alignment.align import Align
from fsa_ray.stages.alignment.aligned import Aligned
from fsa_ray.stages.alignment.other import OtherTasks
from fsa_ray.stages.alignment.other_records import OtherRecords
from fsa_ray.stages.alignment.questions import ALIGNED, AlignmentQuestions
from fsa_ray.stages.alignment.records import AlignmentRecords
from fsa_ray.stages.alignment.solved import SolvedAlignments
from fsa_ray.stages.ask import Sampling
from fsa_ray.stages.benchmark import InventedBenchmark
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.model import GivenModel


class Context:
    """What a stage may ask of its context before it runs."""

    def __init__(self, workshop: Any) -> None:
        self.root, self.load = workshop.root, workshop.run


LABELLED = Invent(count=40, split="train", seed=1)
REVIEWS = Invent(count=30, split="corpus", seed=1)
TASKS = ("polarity", "targets", "aspect-polarity")


def records(**fields: Any) -> AlignmentRecords:
    return AlignmentRecords(**{"reviews": REVIEWS, "labelled": LABELLED, "tasks": TASKS[:2], "count": 40} | fields)


def test_tasks_take_turns_and_no_review_meets_one_twice(workshop: Any) -> None:
    rows = workshop.kept(records())
    assert len(rows) == 40 and len({(row["parent"], row["task"]) for row in rows}) == 40
    assert 15 <= sum(row["task"] == "targets" for row in rows) <= 25
    assert len({row["variant"] for row in rows}) > 30
    assert workshop.verify(records()) and all(found.passed for found in workshop.verify(records()))


def test_there_are_no_more_records_than_reviews_and_tasks_allow(workshop: Any) -> None:
    assert len(workshop.kept(records(count=500))) == 60


def test_a_task_about_an_aspect_needs_a_known_one(workshop: Any) -> None:
    assert not workshop.kept(records(tasks=TASKS[2:]))
    reviews = workshop.kept(REVIEWS)
    analysed = workshop.given(
        "example",
        [{"id": "a", "review_id": reviews[3]["id"], "opinions": [
            {"target": None, "aspect": "noise", "polarity": "negative", "evidence": "loud"}]}],
    )  # fmt: skip
    (row,) = workshop.kept(records(tasks=TASKS[2:], analyses=analysed))
    assert row["parent"] == reviews[3]["id"] and "Aspect: noise" in row["prompt"]


def test_other_tasks_are_answered_freely_and_bad_lines_are_rejects(workshop: Any, tmp_path: Path) -> None:
    lines = [json.dumps({"task": "sum", "instruction": "Add.", "input": f"{n} and 1"}) for n in range(9)]
    (tmp_path / "other.jsonl").write_text("\n".join([*lines, '{"task": "sum"}']))
    other = OtherTasks.at(str(tmp_path / "other.jsonl"))
    asked = OtherRecords(other=other, count=8)
    rows = workshop.kept(asked)
    assert len(rows) == 8 and {row["variant"] for row in rows} == {None}
    assert len(workshop.kept(OtherRecords(other=other, count=20))) == 9
    said = [{"id": f"s{n}", "parent": row["id"], "kind": "align", "text": text, "finish_reason": "stop", "error": None}
            for n, (row, text) in enumerate(zip(rows, ["2", "", *["3"] * 6], strict=True))]  # fmt: skip
    stage = Aligned(responses=workshop.given("response", said), records=asked)
    assert sorted(row["answer"] for row in workshop.kept(stage)) == ["2", *["3"] * 6]
    assert [row["parent"] for row in workshop.rejected(stage)] == ["s1"]
    assert all(found.passed for found in workshop.verify(stage))
    assert [row["reason"] for row in workshop.rejected(other)] == ["missing"]
    with pytest.raises(ValueError, match="no query of another task"):
        (tmp_path / "empty.jsonl").write_text("")
        OtherTasks.at(str(tmp_path / "empty.jsonl"))


def ask(**fields: Any) -> Align:
    return Align(
        **{"teacher": None, "sampling": Sampling(), "max_length": 100, "precision": "fp32", "records": records()}
        | fields
    )


def test_words_are_weighed_in_the_first_sample_only(workshop: Any) -> None:
    stage = ask(samples=3)
    rows = {row["id"]: row for row in workshop.kept(stage.records)}

    requests = [row for table in stage.requests(Context(workshop)) for row in table.to_pylist()]  # type: ignore[arg-type]
    assert len(requests) == 3 * len(rows) == len({row["id"] for row in requests})
    weighed = [row for row in requests if row["labels"] is not None]
    words = {id_: label_words(Variant.model_validate_json(row["variant"])) for id_, row in rows.items()}
    assert {row["parent"] for row in weighed} == {id_ for id_, found in words.items() if found is not None}
    assert len(weighed) == len({row["parent"] for row in weighed})


VARIANT = Variant(
    task="polarity", instruction="What is felt?", labels=("good", "bad", "mixed"), form="word", text_word="Text",
    answer_word="Label", shots=0,
)  # fmt: skip


def answered(workshop: Any, *texts: str, agreement: float = 0.5, **more: Any) -> Aligned:
    record = {"id": "r", "parent": "review", "task": "polarity", "variant": VARIANT.model_dump_json(), "text": "Nice.",
              "prompt": "What is felt? ... Text: Nice.\nLabel:"}  # fmt: skip
    said = [
        {"id": f"s{n}", "parent": "r", "kind": "align", "text": text, "finish_reason": "stop",
         "error": None if text else "broken", "label_logprobs": [-0.1, -3.0, -4.0] if n == 0 else None}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    return Aligned(
        responses=workshop.given("response", said), records=workshop.given("alignment", [record]), agreement=agreement
    )


def test_the_answer_that_most_agree_with_is_taught_and_the_others_are_rejects(workshop: Any) -> None:
    stage = answered(workshop, "bad", "Good.", "good", "good", "nonsense", "")
    (example,) = workshop.kept(stage)
    assert (example["answer"], example["parent"]) == ("good", "s1")
    assert example["labels"] == ["good", "bad", "mixed"] and example["label_logprobs"][0] == pytest.approx(-0.1)
    reasons = {row["parent"]: row["reason"] for row in workshop.rejected(stage)}
    assert reasons == {"s0": "spare", "s2": "spare", "s3": "spare", "s4": "label", "s5": "unanswered"}
    assert all(found.passed for found in workshop.verify(stage))


def test_without_agreement_there_is_no_example(workshop: Any) -> None:
    stage = answered(workshop, "bad", "good", "mixed", agreement=0.6)
    assert not workshop.kept(stage)
    assert [row["reason"] for row in workshop.rejected(stage)] == ["disagreement"] * 3


def test_a_perfect_teacher_is_shown_by_labelled_reviews(workshop: Any) -> None:
    rows = workshop.kept(SolvedAlignments(labelled=LABELLED, tasks=TASKS, most_shots=2))
    assert 30 <= len(rows) <= 40 and {row["kind"] for row in rows} == set(TASKS)
    assert all(row["answer"] and row["prompt"] for row in rows)


@pytest.mark.parametrize("task", INVENTED.values(), ids=INVENTED)
def test_items_are_asked_as_in_the_alignment_phase_and_their_gold_is_read_back(workshop: Any, task: Task) -> None:
    test = InventedBenchmark(labelled=Invent(count=30, split="test", seed=1))
    about = {"benchmark": test, "labelled": LABELLED, "model": GivenModel(files=(), path="somewhere")}
    asked = AlignmentQuestions.about(tuple(ALIGNED), protocol="strict", seeds=(1,), shots=2, max_length=0, **about)
    context: Any = Context(workshop)
    asking = asked.asking(context, task, lambda text: len(text.split()))
    forms = set()
    for item in asked.items(context, task):
        variant, gold = draw_variant(ALIGNED[task.name], item.id, 1), item.gold
        forms.add(variant.form)
        prompt, cut, none = (asking([item], 1, room)[0] for room in (1000, 70, 10))
        assert prompt.text.startswith(variant.instruction) and clean_value(item.text) in prompt.text
        assert prompt.shots == min(2, variant.shots) and prompt.dropped == 0 and not prompt.too_long
        assert cut.too_long or len(cut.text.split()) <= 70
        assert none.too_long and none.shots == 0 and none.dropped == prompt.shots
        said = gold if isinstance(gold, str) else tuple((one["aspect_term"], one["sentiment"]) for one in gold)
        assert asked.prediction(task, item, 1, write(variant, said)) == gold
        assert asked.prediction(task, item, 1, "I would rather not say.") is None
    assert forms == set(variant.about.forms)
