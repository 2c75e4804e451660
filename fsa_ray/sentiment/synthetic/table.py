"""Tables of invented reviews."""

import hashlib
from random import Random
from typing import Any

import pyarrow as pa

from fsa_ray.schemas.rows import LABELLED_REVIEW
from fsa_ray.sentiment.synthetic.lexicon import Split, lexicon
from fsa_ray.sentiment.synthetic.review import invent

PARTS = {"train": 0, "corpus": 1, "test": 2, "novel": 2}


def generate(n: int, seed: int, split: Split) -> pa.Table:
    """`n` reviews with gold labels (LABELLED_REVIEW); the same arguments give the same table, longer tables begin
    with the shorter ones.

    No text of train, corpus and test is in another of them, whatever the seed: a text's digest decides where it
    may be. Within a split equal texts are as rare as chance makes them (short ones may recur). `id` is a digest of
    the text and its occurrence number; `source_id` is split-seed-number.
    """
    if n < 0:
        raise ValueError(f"cannot generate {n} reviews: n must be 0 or more")
    rng, words = Random(f"{split}/{seed}"), lexicon(split)  # noqa: S311 - reproducible, not secret
    seen: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    while len(rows) < n:
        review = invent(rng, words)
        if hashlib.sha256(review.text.encode()).digest()[0] % 3 != PARTS[split]:
            continue
        occurrence = seen[review.text] = seen.get(review.text, -1) + 1
        digest = hashlib.sha256(f"{review.text}\0{occurrence}".encode()).hexdigest()
        rows.append(
            {
                "id": digest[:32],
                "source_id": f"{split}-{seed}-{len(rows):06d}",
                "domain": review.domain,
                "text": review.text,
                "polarity": review.polarity,
                "opinions": [opinion.model_dump() for opinion in review.opinions],
            }
        )
    return pa.Table.from_pylist(rows, LABELLED_REVIEW)
