"""One invented review with its gold opinions."""

from dataclasses import dataclass
from random import Random

from fsa_ray.schemas.opinion import Opinion, Polarity
from fsa_ray.sentiment.synthetic.clause import OPPOSITE, Draft, Writer
from fsa_ray.sentiment.synthetic.frame import Piece
from fsa_ray.sentiment.synthetic.lexicon import General, Lexicon
from fsa_ray.sentiment.synthetic.noise import disturb, end, ornament

POLARITIES: tuple[Polarity, ...] = ("positive", "negative", "neutral")
LEANING = (38, 38, 24)
# Of the clauses of a review that leans to ...: per cent positive, negative, neutral.
CLAUSES: dict[Polarity, tuple[int, int, int]] = {
    "positive": (82, 11, 7),
    "negative": (11, 82, 7),
    "neutral": (28, 28, 44),
}
SENTENCES, SENTENCE_WEIGHTS = (1, 2, 3, 4, 5, 6), (44, 30, 13, 7, 4, 2)
FACTUAL: dict[Polarity, float] = {"positive": 0.18, "negative": 0.18, "neutral": 0.42}
MOST_OPINIONS = 5


@dataclass(frozen=True)
class InventedReview:
    domain: str
    text: str
    polarity: Polarity
    opinions: tuple[Opinion, ...]


def overall(opinions: list[Draft]) -> Polarity:
    """The verdict where there is one; otherwise what prevails among the opinions; neutral if nothing does."""
    for opinion in opinions:
        if opinion.aspect == "general":
            return opinion.polarity
    balance = sum((o.polarity == "positive") - (o.polarity == "negative") for o in opinions)
    return "positive" if balance > 0 else "negative" if balance < 0 else "neutral"


def invent(rng: Random, lexicon: Lexicon) -> InventedReview:
    """A review of 1 to 6 sentences and at most 6 opinions. Opinions are in the order of the text."""
    name = rng.choice(tuple(lexicon.domains))
    writer = Writer(rng, lexicon.general, lexicon.domains[name])
    lean = rng.choices(POLARITIES, LEANING)[0]
    sentences = [_sentence(writer, lean) for _ in range(rng.choices(SENTENCES, SENTENCE_WEIGHTS)[0])]
    if rng.random() < 0.18:
        sentences.append(writer.verdict(lean))
    polarity = overall(writer.opinions)
    pieces = _join(sentences, rng, lexicon.general)
    disturb(pieces, rng)
    text, opinions = _place(pieces, writer.opinions)
    return InventedReview(name, text + ornament(rng, lexicon.general, polarity), polarity, opinions)


def _sentence(writer: Writer, lean: Polarity) -> list[Piece]:
    rng, general = writer.rng, writer.general
    if len(writer.opinions) >= MOST_OPINIONS - 1 or rng.random() < FACTUAL[lean]:
        return writer.fact()
    polarity = rng.choices(POLARITIES, CLAUSES[lean])[0]
    shape = rng.random()
    first = writer.opinion(polarity)
    if shape > 0.34 or len(writer.opinions) >= MOST_OPINIONS - 1:
        return first
    if shape < 0.22 and polarity in OPPOSITE:
        return [*first, Piece(rng.choice(general.contrasts)), *writer.opinion(OPPOSITE[polarity])]
    return [*first, Piece(rng.choice(general.continuations)), *writer.opinion(polarity)]


def _join(sentences: list[list[Piece]], rng: Random, general: General) -> list[Piece]:
    pieces: list[Piece] = []
    for number, sentence in enumerate(sentences):
        if pieces:
            pieces.append(Piece(" "))
        if rng.random() < 0.1:
            sentence.insert(0, Piece(rng.choice(general.fillers)))
        sentence[0].text = sentence[0].text[:1].upper() + sentence[0].text[1:]
        pieces += sentence
        pieces.append(Piece(end(rng, last=number == len(sentences) - 1)))
    return pieces


def _place(pieces: list[Piece], drafts: list[Draft]) -> tuple[str, tuple[Opinion, ...]]:
    """The text, and the opinions with the letters that the text has now, in the order of their first span."""
    first: dict[int, int] = {}
    for at, piece in enumerate(pieces):
        for role, number in piece.spans:
            first.setdefault(number, at)
            setattr(drafts[number], role, piece.text)
    ordered = sorted(range(len(drafts)), key=lambda number: (first[number], number))
    opinions = tuple(Opinion(**{s: getattr(drafts[n], s) for s in Opinion.model_fields}) for n in ordered)
    return "".join(piece.text for piece in pieces), opinions
