"""The words that formats are drawn from: instructions, sets of label words, and the words that frame a case.

They are part of the identity of what is trained: a change needs a new version of the stage that draws them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Form = Literal["word", "json", "tuples", "lines"]

LABEL_SETS: tuple[tuple[str, str, str], ...] = (
    ("positive", "negative", "neutral"),
    ("good", "bad", "mixed"),
    ("favourable", "unfavourable", "indifferent"),
    ("satisfied", "dissatisfied", "unmoved"),
    ("approval", "disapproval", "neither"),
    ("happy", "unhappy", "undecided"),
    ("plus", "minus", "zero"),
    ("1", "-1", "0"),
    ("A", "B", "C"),
)
"""Label words in the order of POLARITIES."""

MEANINGS = (
    "Write {0} where the feeling is a good one, {1} where it is a bad one, {2} where there is none or both balance.",
    "The labels are {0} (pleased), {1} (displeased) and {2} (neither, or as much of one as of the other).",
    "There are three labels: {0} stands for praise, {1} for blame, {2} for a matter-of-fact or divided view.",
)
"""What the three label words mean."""

TEXT_WORDS = ("Review", "Text", "Sentence", "Comment", "Input")
ANSWER_WORDS = ("Answer", "Output", "Result")
LABEL_WORDS = (*ANSWER_WORDS, "Label", "Sentiment")
"""Words before an answer that is one label."""

INSTRUCTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "polarity": (
            "What does the writer feel about the whole of it? Give the overall sentiment of the text.",
            "Judge the general mood of the text towards what it is about.",
            "Read the text and decide how its author feels, all things considered.",
            "Sort the text by the attitude that it shows as a whole.",
            "Weigh everything that is said and name the overall feeling that is left.",
        ),
        "aspect-polarity": (
            "Decide what the writer feels about the named aspect, whatever is said of the rest.",
            "An aspect is given below the text. Name the sentiment that the text shows towards it alone.",
            "How is the given aspect judged in the text? Leave all other aspects aside.",
            "Consider only what the text says about the aspect, and label the attitude towards it.",
            "Tell the feeling that is expressed about the aspect, not about the thing as a whole.",
        ),
        "targets": (
            "List the things that the writer judges by name, each with the feeling towards it.",
            "Find every thing named in the text about which an opinion is given, and label that opinion.",
            "Which things does the text mention and judge? Pair each of them with its sentiment.",
            "Collect the targets of opinion that are written out in the text, together with how they are judged.",
            "Go through the text and note what is praised, blamed or weighed by name, with the verdict on it.",
        ),
        "aspects": (
            "List the aspects that the text judges, each with the feeling towards it.",
            "Which sides of the thing does the writer judge, and how? Give every such aspect with its sentiment.",
            "Find all aspects about which an opinion is expressed, named or not, and label each opinion.",
            "Break the text down into the aspects it has a view on, and pair each with that view.",
            "Summarise the opinions of the text as pairs of an aspect and a label.",
        ),
        "opinions": (
            "Record every opinion of the text: what is judged, in which respect, by which words, and how.",
            "List all opinions in full, with the thing, its aspect, the passage that shows the feeling, and the label.",
            "Take the text apart into single opinions and give all four parts of each.",
            "Find each opinion that the writer expresses, together with its target, aspect, evidence and sentiment.",
            "Who or what is judged here, from which side, with what words, and with what verdict? List every opinion.",
        ),
    }
)
"""At least four instructions for each task."""
