import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsa_ray.schemas.opinion import POLARITIES, Opinion
from fsa_ray.sentiment.answers import render_compact
from fsa_ray.sentiment.perspectives import PERSPECTIVES
from fsa_ray.sentiment.synthetic.answers import GOLD, gold_answer
from fsa_ray.sentiment.synthetic.rewriting import rewrite
from fsa_ray.sentiment.synthetic.table import generate
from fsa_ray.sentiment.verdicts import judge_text

PASTA = Opinion(target="pasta", aspect="food", polarity="positive", evidence="tasty")
BREAD = Opinion(target="bread", aspect="food", polarity="negative", evidence="stale")
WAIT = Opinion(target=None, aspect="service", polarity="negative", evidence="waited forty minutes")
VERDICT = Opinion(target=None, aspect="general", polarity="positive", evidence="come back")

EXPLAINING = [kind for kind in GOLD if kind not in ("analysis", "rewriting")]
BLOCK = re.compile(
    r'Opinion Target [1-9]: "[^"\n]+"\nAspect: [^"\n]+\nSentiment: (?:positive|negative|neutral)\n'
    r'Reasoning: "[^"\n]+" is (?:explicit|implicit) (?:praise|criticism|indifference)\.'
)


@pytest.fixture(scope="module")
def reviews():
    rows = [row for split in ("train", "novel") for row in generate(1000, 7, split).to_pylist()]
    return [(row, [Opinion.model_validate(opinion) for opinion in row["opinions"]]) for row in rows]


def test_every_kind_is_a_perspective_and_others_are_refused_by_name():
    assert set(GOLD) < set(PERSPECTIVES)
    with pytest.raises(ValueError, match="'rhetoric': choose one of analysis, rewriting, interpretation"):
        gold_answer("rhetoric", "neutral", [])


def test_analysis_and_rewriting_are_those_of_their_own_modules():
    assert gold_answer("analysis", "neutral", [PASTA, WAIT]) == render_compact("neutral", [PASTA, WAIT])
    assert gold_answer("rewriting", "neutral", [PASTA, WAIT]) == rewrite("neutral", [PASTA, WAIT])


def test_an_interpretation_has_a_block_for_each_opinion():
    assert gold_answer("interpretation", "neutral", [PASTA, WAIT]) == (
        'Opinion Target 1: "pasta"\nAspect: food\nSentiment: positive\nReasoning: "tasty" is explicit praise.\n\n'
        'Opinion Target 2: "implied"\nAspect: service\nSentiment: negative\n'
        'Reasoning: "waited forty minutes" is implicit criticism.'
    )
    assert gold_answer("interpretation", "neutral", []) == "No opinion."


def test_negated_words_are_explicit_and_facts_about_a_named_thing_are_not():
    denied = Opinion(target="soup", aspect="food", polarity="negative", evidence="far from Tasty")
    fact = Opinion(target="soup", aspect="food", polarity="negative", evidence="went back")
    said = gold_answer("interpretation", "negative", [denied, fact])
    assert '"far from Tasty" is explicit criticism' in said
    assert '"went back" is implicit criticism' in said


def test_emotions_go_by_what_they_are_about():
    assert gold_answer("emotion", "neutral", [PASTA, BREAD, WAIT]) == (
        'Joy over the pasta ("tasty"). Disappointment with the bread ("stale"). '
        'Anger at the service ("waited forty minutes"). The mood is mixed.'
    )
    okay = Opinion(target="soup", aspect="food", polarity="neutral", evidence="okay")
    assert gold_answer("emotion", "neutral", [okay]) == 'Indifference to the soup ("okay"). The mood is calm.'
    assert gold_answer("emotion", "neutral", []).startswith("No emotion")


def test_the_intent_is_what_a_verdict_announces():
    assert gold_answer("intent", "positive", [PASTA, WAIT, VERDICT]) == (
        'The writer praises the pasta and complains about the service. Wants to return ("come back"). Stance: for it.'
    )
    avoid = Opinion(target="cafe", aspect="general", polarity="negative", evidence="Avoid")
    assert gold_answer("intent", "negative", [avoid]) == 'Warns others ("Avoid"). Stance: against it.'
    assert gold_answer("intent", "neutral", []) == "The writer only informs. Stance: none."


def test_aspects_are_weighed_against_each_other():
    assert gold_answer("aspects", "negative", [PASTA, WAIT, BREAD]) == (
        'Food: "tasty" speaks for the pasta and "stale" speaks against the bread; mixed.\n'
        'Service: "waited forty minutes" speaks against it; negative.\n'
        "Overall: negative, the bad outweighs the good."
    )
    assert gold_answer("aspects", "positive", [WAIT, VERDICT]).endswith('positive, the writer says "come back".')
    assert gold_answer("aspects", "positive", [PASTA]).endswith("nothing bad is said.")
    assert gold_answer("aspects", "neutral", [PASTA, WAIT]).endswith("good and bad balance.")
    assert gold_answer("aspects", "neutral", []) == "Overall: neutral, no side is judged."


@pytest.mark.parametrize("kind", EXPLAINING)
def test_answers_about_invented_reviews_are_short_quote_the_review_and_could_be_taught(kind, reviews):
    for row, opinions in reviews:
        answer = gold_answer(kind, row["polarity"], opinions)
        assert len(answer.split()) <= (18 * max(1, len(opinions)) if kind == "interpretation" else 60)
        assert all(words in row["text"] or words == "implied" for words in re.findall(r'"([^"]*)"', answer))
        assert judge_text(answer, row["text"]).reason is None


def test_interpretations_keep_to_their_lines(reviews):
    for row, opinions in reviews:
        blocks = gold_answer("interpretation", row["polarity"], opinions).split("\n\n")
        assert blocks == ["No opinion."] or all(BLOCK.fullmatch(block) for block in blocks)


def test_explicit_and_implicit_both_occur_often(reviews):
    said = " ".join(gold_answer("interpretation", row["polarity"], opinions) for row, opinions in reviews)
    implicit, explicit = said.count("is implicit"), said.count("is explicit")
    assert 0.1 < implicit / (implicit + explicit) < 0.4


@given(
    target=st.none() | st.text(),
    aspect=st.text(),
    evidence=st.text(),
    polarity=st.sampled_from(POLARITIES),
    overall=st.sampled_from(POLARITIES),
)
def test_whatever_the_labels_say_an_answer_keeps_its_lines(target, aspect, evidence, polarity, overall):
    opinion = Opinion.model_validate({"target": target, "aspect": aspect, "polarity": polarity, "evidence": evidence})
    for kind in EXPLAINING:
        answer = gold_answer(kind, overall, [opinion])
        assert answer == gold_answer(kind, overall, [opinion])
        assert "\0" not in answer and "\r" not in answer
    blocks = gold_answer("interpretation", overall, [opinion, opinion]).split("\n\n")
    assert [block.count("\n") for block in blocks] == [3, 3]
