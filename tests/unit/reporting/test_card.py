import yaml

from fsa_ray.reporting.card import CardFacts, model_card
from fsa_ray.reporting.contents import Contents, Fact, Scorecard


def facts(contents: Contents, **changes: object) -> CardFacts:
    values = {"name": "demo-student", "stage": "train/ab12", "created": contents.created, "teacher": "demo-teacher"}
    values |= {"base": None, "parameters": 2_310_000, "scorecard": contents.scorecard}
    return CardFacts.model_validate(values | changes)


def front_matter(card: str) -> dict[str, object]:
    _, front, _ = card.split("---\n", 2)
    loaded = yaml.safe_load(front)
    assert isinstance(loaded, dict)
    return loaded


def test_front_matter_holds_this_model_s_scores(contents: Contents) -> None:
    front = front_matter(model_card(facts(contents, languages=("en",), license="apache-2.0", base="a/b")))
    assert front["base_model"] == "a/b"
    assert front["language"] == ["en"]
    results = front["model-index"][0]["results"]
    assert [result["metrics"][0]["value"] for result in results] == [85.0, 67.0]


def test_what_is_not_known_is_left_out(contents: Contents) -> None:
    card = model_card(facts(contents, scorecard=Scorecard(), teacher=None))
    assert not {"license", "base_model", "language"} & front_matter(card).keys()
    assert "## Scores" not in card
    assert "trained from fresh weights. Made" in card


def test_hostile_names_stay_in_their_place(contents: Contents) -> None:
    name = "x\n---\n# big | <script> [a](javascript:b) `c` \x1b[0m: {y: 1}"
    card = model_card(
        facts(contents, name=name, teacher=name, notes=(name,), prompts=(Fact(label=name, value="```\nq"),))
    )
    assert front_matter(card)["model-index"][0]["name"] == name
    body = card.split("\n---\n", 1)[1]
    assert "<script>" not in body.replace("\\<script\\>", "")
    assert "\n# big" not in body
    assert "\x1b" not in card
    assert "````text\n```\nq\n````" in card


def test_an_encoder_decoder_reads_texts_as_they_stand(contents: Contents) -> None:
    card = model_card(facts(contents, encoder_decoder=True))
    assert front_matter(card)["pipeline_tag"] == "text2text-generation"
    assert "AutoModelForSeq2SeqLM" in card and "fsa-ray predict" not in card
