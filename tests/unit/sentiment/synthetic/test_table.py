from collections import Counter

import pytest

from fsa_ray.schemas.opinion import Opinion
from fsa_ray.schemas.rows import LABELLED_REVIEW
from fsa_ray.sentiment.synthetic.lexicon import DOMAINS, SPLITS, allowed, lexicon
from fsa_ray.sentiment.synthetic.rewriting import rewrite
from fsa_ray.sentiment.synthetic.table import generate


@pytest.fixture(scope="module")
def tables():
    return {split: generate(1500, 7, split) for split in SPLITS}


@pytest.fixture(scope="module")
def reviews(tables):
    return [row for table in tables.values() for row in table.to_pylist()]


def opinions_of(rows):
    return [opinion for row in rows for opinion in row["opinions"]]


def test_spans_occur_in_the_text(reviews):
    for row in reviews:
        for opinion in row["opinions"]:
            assert opinion["evidence"] and opinion["evidence"] in row["text"]
            assert opinion["target"] is None or opinion["target"] in row["text"]


def test_evidence_is_short_and_fits_the_line_format(reviews):
    words = Counter(len(opinion["evidence"].split()) for opinion in opinions_of(reviews))
    assert max(words) <= 5
    assert words[5] < 0.02 * words.total()
    for opinion in opinions_of(reviews):
        for value in opinion.values():
            assert value is None or ("|" not in value and value == " ".join(value.split()) and value != "-")


def test_rows_follow_the_schema(tables):
    for table in tables.values():
        assert table.schema == LABELLED_REVIEW
        assert table.num_rows == 1500
        ids = table["id"].to_pylist()
        assert len(set(ids)) == len(ids)
        assert all(len(i) == 32 for i in ids)


def test_same_arguments_same_table_and_longer_tables_extend_shorter_ones(tables):
    assert generate(1500, 7, "train").equals(tables["train"])
    assert generate(50, 7, "train").equals(tables["train"].slice(0, 50))
    assert not generate(50, 8, "train").equals(tables["train"].slice(0, 50))


def test_texts_are_varied_and_splits_share_none(tables):
    texts = {split: table["text"].to_pylist() for split, table in tables.items()}
    for each in texts.values():
        assert len(set(each)) > 0.95 * len(each)
    assert not set(texts["train"]) & set(texts["corpus"])
    assert not set(texts["train"]) & set(texts["test"])
    assert not set(texts["corpus"]) & set(texts["test"])


def test_no_polarity_or_domain_dominates(reviews):
    polarities = Counter(row["polarity"] for row in reviews)
    assert all(0.25 < count / len(reviews) < 0.45 for count in polarities.values())
    domains = Counter(row["domain"] for row in reviews)
    assert set(domains) == set(DOMAINS)
    assert max(domains.values()) < 2 * min(domains.values())


def test_lengths_and_opinion_counts_vary(reviews):
    lengths = sorted(len(row["text"].split()) for row in reviews)
    assert lengths[len(lengths) // 10] < 12
    assert lengths[-len(lengths) // 10] > 28
    counts = Counter(len(row["opinions"]) for row in reviews)
    assert set(counts) >= {0, 1, 2, 3, 4, 5}
    assert sum(o["target"] is None for o in opinions_of(reviews)) > 0.1 * len(opinions_of(reviews))


def test_some_words_are_kept_from_train():
    words = [word for aspect in lexicon("test").domains["hotel"].aspects.values() for word in aspect.targets]
    known = [word for word in words if allowed(word, "train")]
    assert 0 < len(known) < len(words)
    assert all(allowed(word, "corpus") for word in known)
    assert [word for word in words if allowed(word, "novel")] == [w for w in words if w not in known]


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="n must be 0 or more"):
        generate(-1, 0, "train")
    with pytest.raises(ValueError, match="unknown split 'dev': use one of train"):
        lexicon("dev")
    assert generate(0, 0, "test").num_rows == 0


def test_rewriting_names_each_feeling():
    pasta = Opinion(target="pasta", aspect="food", polarity="positive", evidence="tasty")
    wait = Opinion(target=None, aspect="service", polarity="negative", evidence="waited forty minutes")
    said = rewrite("neutral", [pasta, wait])
    assert said.index("the pasta") < said.index("the service (waited forty minutes)")
    assert said.endswith("Overall I have mixed feelings.")
    assert "feel nothing" in rewrite("neutral", [])
    verdict = Opinion(target=None, aspect="general", polarity="positive", evidence="come back")
    assert rewrite("positive", [verdict]) == "Overall I feel good about it."
