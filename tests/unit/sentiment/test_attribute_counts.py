import random
from collections import Counter

import pyarrow as pa
import pytest

from fsa_ray.sentiment.attribute_counts import AttributeCount, count_attributes
from fsa_ray.sentiment.attributes import Attribute, normalise


def table(mentions: list[Attribute]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in ("name", "description", "value")])
    return pa.Table.from_pylist([vars(mention) for mention in mentions], schema=schema)


def some_mentions(count: int = 3000) -> list[Attribute]:
    rng = random.Random(3)
    names = [
        "tone",
        "tone: dry",
        "Tone /mood",
        "use of slang",
        "slang",
        "price/use of irony",
        "use of",
        "urgency",
        "rare",
    ]
    weights = [9, 5, 4, 3, 2, 2, 1, 2, 0.02]
    return [
        Attribute(name, f"meaning {rng.randrange(4)}", rng.choice(["High", "Low", "High ", "None", "Some"]))
        for name in rng.choices(names, weights, k=count)
    ]


def slow(mentions: list[Attribute], minimum: int) -> list[AttributeCount]:
    """The plain reading, one mention at a time."""
    grouped: dict[str, list[Attribute]] = {}
    for mention in mentions:
        for name in normalise(mention.name):
            grouped.setdefault(name, []).append(mention)

    def top(texts: list[str], most: int) -> tuple[str, ...]:
        return tuple(text for text, _ in sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))[:most])

    counts = [
        AttributeCount(name, len(of), top([m.description for m in of], 1)[0], top([m.value for m in of], 3))
        for name, of in grouped.items()
        if len(of) >= minimum
    ]
    return sorted(counts, key=lambda attribute: (-attribute.count, attribute.name))


@pytest.mark.parametrize("minimum", [1, 11, 150, 10_000])
def test_counts_are_those_of_one_mention_at_a_time(minimum: int) -> None:
    mentions = some_mentions()
    found = count_attributes(table(mentions), minimum)
    assert list(found.kept) == slow(mentions, minimum)
    everything = slow(mentions, 1)
    assert found.rare == len(everything) - len(found.kept)
    assert found.rare_mentions == sum(a.count for a in everything) - sum(a.count for a in found.kept)
    assert found.nameless == sum(mention.name == "use of" for mention in mentions) > 0


def test_neither_the_order_nor_the_chunks_of_mentions_matter() -> None:
    mentions = some_mentions(300)
    shuffled = random.Random(1).sample(mentions, len(mentions))
    chunked = pa.concat_tables([table(shuffled[:7]), table(shuffled[7:200]), table(shuffled[200:])])
    assert count_attributes(chunked, 2) == count_attributes(table(mentions), 2)


def test_ties_go_to_the_first_in_sorted_order() -> None:
    found = count_attributes(table([Attribute(name, text, text) for name in "ba" for text in "baab"]), 1)
    assert [(a.name, a.description, a.values) for a in found.kept] == [("a", "a", ("a", "b")), ("b", "a", ("a", "b"))]


def test_no_mentions_and_a_minimum_of_none() -> None:
    assert count_attributes(table([]), 1).kept == ()
    with pytest.raises(ValueError, match="min_mentions"):
        count_attributes(table([]), 0)
