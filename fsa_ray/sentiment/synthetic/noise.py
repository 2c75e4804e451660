"""What hasty people do to their sentences."""

from random import Random

from fsa_ray.schemas.opinion import Polarity
from fsa_ray.sentiment.synthetic.frame import Piece
from fsa_ray.sentiment.synthetic.lexicon import General

ENDS = (".", "!", "!!", "...", " -")
END_WEIGHTS = (78, 12, 3, 5, 2)


def misspell(text: str, rng: Random) -> str:
    """`text` with one slip: a letter dropped, doubled or swapped with its neighbour. Short words stay."""
    if len(text) < 5:
        return text
    at = rng.randrange(1, len(text) - 2)
    if not text[at : at + 2].isalpha():
        return text
    slip = rng.random()
    if slip < 0.4:
        return text[:at] + text[at + 1 :]
    if slip < 0.6:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def end(rng: Random, last: bool) -> str:
    """The end of a sentence; the last one often has none."""
    if last and rng.random() < 0.2:
        return ""
    return rng.choices(ENDS, END_WEIGHTS)[0]


def ornament(rng: Random, general: General, polarity: Polarity) -> str:
    """Emoji and hashtags after the text. They mostly agree with the overall polarity."""
    mood: Polarity = polarity if rng.random() < 0.8 else "neutral"
    text = ""
    if rng.random() < 0.1:
        text += " " + rng.choice(general.emoji[mood])
    if rng.random() < 0.06:
        text += " " + rng.choice(general.hashtags[mood])
    return text


def disturb(pieces: list[Piece], rng: Random) -> None:
    """Change letters in place: lower case, misspellings, shouting. Spans stay what they are."""
    if rng.random() < 0.15:
        for piece in pieces:
            piece.text = piece.text.lower()
    if rng.random() < 0.08:
        for piece in rng.sample(pieces, min(2, len(pieces))):
            piece.text = misspell(piece.text, rng)
    if rng.random() < 0.01:
        shouted = rng.choice(pieces)
        shouted.text = shouted.text.upper()
