"""OpeNER English: who (holder) feels what (expression, polarity) about what (target) in hotel reviews."""

from fsa_ray.evaluation.graph import GraphTask
from fsa_ray.evaluation.item import Entry, Record
from fsa_ray.evaluation.spans import covers, normal, read_offsets

FIELDS = {"holder": "Source", "target": "Target", "sentiment_expression": "Polar_expression"}


def opinions(record: Record) -> list[Entry]:
    """Entries of the record, with offsets; the parts of a discontinuous span are joined by AND."""
    entries: list[Entry] = []
    for opinion in record["opinions"]:
        entry: Entry = {}
        for name, key in FIELDS.items():
            texts, offsets = opinion[key]
            spans = read_offsets(offsets) or []
            entry[name] = normal(texts)
            if not covers(spans, entry[name] or "", record["sentence"]):
                raise ValueError(f"{key} {texts} is not at {offsets} of the sentence")
            if spans:
                entry[f"{name}_offsets"] = [list(span) for span in spans]
        entries.append(entry | {"sentiment_polarity": opinion["Polarity"].lower()})
    return entries


TASK = GraphTask(
    name="opener",
    version=2,
    folder="absa/opener",
    labels=(),
    sizes={"train": 1744, "val": 249, "test": 499},
    id_field="sent_id",
    instruction=(
        "You are given a sentence from a hotel review. List each opinion in it as four parts: the holder (who has "
        "the opinion), the target (what it is about), the sentiment expression (the words that carry it) and the "
        "polarity: positive or negative. Copy the parts from the sentence, join the pieces of a broken-up part with "
        "AND, and write NULL for a holder or target that is not there."
    ),
    fields=("holder", "target", "sentiment_expression", "sentiment_polarity"),
    spans=("holder", "target", "sentiment_expression"),
    optional=("holder", "target"),
    reader=opinions,
)
