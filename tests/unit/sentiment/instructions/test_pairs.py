import pytest

from fsa_ray.sentiment.instructions.pairs import needs_two_texts


@pytest.mark.parametrize(
    "description",
    [
        "Given text 1 and text 2, say which is angrier.",
        "Compare Review A with Review B.",
        "Decide which of the two reviews is more positive.",
        "Judge a pair of short texts.",
        "How alike is the tone between the texts?",
        "Which of these posts is sarcastic?",
        "Rank multiple user reviews by anger.",
        "Say whether the second review agrees.",
        "Compare the given texts by tone.",
        "Is sentence one happier than sentence two?",
        "Find what Plot_1 has and Plot_2 lacks.",
    ],
)
def test_descriptions_for_pairs_are_told(description: str) -> None:
    assert needs_two_texts(description)


@pytest.mark.parametrize(
    "description",
    [
        "Give the text a label for its tone.",
        "Extract the first sentence that shows anger.",
        "Say in two sentences what the writer feels.",
        "Does the review compare the product with another one?",
        "Score the text from 1 to 5.",
        "Copy every passage in which two products are compared.",
        "Is the text a complaint or a compliment?",
        "Say how the text compares the film to other films.",
        "",
    ],
)
def test_descriptions_for_one_text_pass(description: str) -> None:
    assert needs_two_texts(description) == ""


@pytest.mark.parametrize(
    ("source", "pair"),
    [
        ("Text 1: fine. Text 2: bad.", True),
        ("Review A - fine; Review B - bad", True),
        ("Sentence 1) fine", True),
        ("I read two reviews before I came, and both reviews were wrong.", False),
        ("My second review of this place: still great.", False),
        ("I text a friend, he texts back.", False),
        ("Wrote a post, one star.", False),
    ],
)
def test_inputs_are_told_by_headings_only(source: str, pair: bool) -> None:
    assert bool(needs_two_texts("Say what the writer feels.", [source])) == pair
