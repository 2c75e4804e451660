"""Structured sentiment: holder, target, expression and polarity, scored by sentiment-graph F1."""

from dataclasses import dataclass
from typing import ClassVar

from fsa_ray.evaluation.extraction import EntryTask
from fsa_ray.evaluation.item import Entry, Item, Prediction, folded
from fsa_ray.evaluation.spans import Span, covered, normal, official_cover, parts, places
from fsa_ray.evaluation.task import Judgement, Protocol

Places = list[list[Span]]
"""For each part of a span, the places that may be meant."""

Node = tuple[tuple[Places, Places, Places], str]
"""Holder, target, expression; polarity."""


@dataclass(frozen=True, kw_only=True)
class GraphTask(EntryTask):
    """Overlap of word sets. Two opinions match if holder, target and expression all share a word (two missing
    holders or targets match) and polarities are equal. A match earns the mean of the three shares of words of the
    scored side; precision sums over predictions, recall over gold.

    - v1: spans are found at their first occurrence, even inside a word; an answer without opinions is written as
      one entry of NULLs and is scored as one wrong opinion (so a perfect answer stays below 1);
    - v2: the same, but entries of NULLs are dropped;
    - strict: offsets or occurrence numbers of the answer settle the place; without them the occurrence that agrees
      best with the gold is scored. Entries of NULLs are dropped, repeats count once; an opinion that leaves a place
      open repeats one that names it.

    Illegal: a polarity out of the list, no expression, a span not in the sentence and, under strict, offsets at which
    its text does not stand or an occurrence that there is not. It is a wrong opinion.
    """

    metric: ClassVar[str] = "sentiment_graph_f1"

    def judge(self, item: Item, prediction: Prediction, protocol: Protocol) -> Judgement:
        """Statistics: predicted credit, predicted opinions, gold credit, gold opinions."""
        assert isinstance(item.gold, list)
        entries = prediction if isinstance(prediction, list) else []
        gold = [node for entry in item.gold if (node := self._node(entry, item.text)) is not None]
        assert len(gold) == len(item.gold)
        given = [entry for entry in entries if any(normal(entry.get(name)) for name in self.fields[:-1])]
        read = self._node if protocol == "strict" else self._first
        nodes = [read(entry, item.text) for entry in given]
        if protocol == "strict":
            nodes = self._distinct(nodes, given)
            gold = list({str(node): node for node in gold}.values())
        count = len(nodes)
        if protocol == "v1" and prediction is not None:
            count += len(entries) - len(given) or int(not entries)
        legal = [node for node in nodes if node]
        official = protocol != "strict"
        credit = sum(_credit(node, gold, item.text, official, scored_first=True) for node in legal)
        earned = sum(_credit(node, legal, item.text, official, scored_first=False) for node in gold)
        return Judgement((credit, float(count), earned, float(len(gold))), prediction is None or None in nodes)

    def _distinct(self, nodes: list[Node | None], entries: list[Entry]) -> list[Node | None]:
        """The nodes without repeats; illegal entries (None) repeat each other by their words."""
        legal = list({str(node): node for node in nodes if node is not None}.values())
        illegal = {
            tuple(normal(entry.get(name)) for name in self.fields)
            for node, entry in zip(nodes, entries, strict=True)
            if node is None
        }
        kept = [node for node in legal if not any(_repeats(node, other) for other in legal)]
        return [*kept, *([None] * len(illegal))]

    def _node(self, entry: Entry, sentence: str) -> Node | None:
        """The entry with all places that it may mean; None if illegal."""
        holder, target, expression = (places(entry, name, sentence) for name in self.fields[:-1])
        polarity = folded(normal(entry.get(self.fields[-1])) or "")
        if holder is None or target is None or not expression or polarity not in self.polarities:
            return None
        return (holder, target, expression), polarity

    def _first(self, entry: Entry, sentence: str) -> Node | None:
        """The entry with each part at its first occurrence; a holder is searched as one string."""
        found: list[Places] = []
        for name in self.fields[:-1]:
            text = normal(entry.get(name))
            pieces = [] if text is None else [text] if name == self.fields[0] else parts(text, sentence)
            starts = [sentence.find(piece) for piece in pieces]
            if -1 in starts:
                return None
            found.append([[(b, b + len(piece))] for b, piece in zip(starts, pieces, strict=True)])
        polarity = folded(normal(entry.get(self.fields[-1])) or "")
        if not found[2] or polarity not in self.polarities:
            return None
        return (found[0], found[1], found[2]), polarity


def _repeats(node: Node, other: Node) -> bool:
    """Whether `node` says no more than `other`, which is among all that it may mean."""
    return (
        node != other
        and node[1] == other[1]
        and all(
            len(mine) == len(theirs) and all(set(b) <= set(a) for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in zip(node[0], other[0], strict=True)
        )
    )


def _credit(node: Node, others: list[Node], sentence: str, official: bool, scored_first: bool) -> float:
    """The best credit that `node` earns against an equal-polarity opinion of the other side."""
    best = 0.0
    for other in others:
        if node[1] != other[1]:
            continue
        shares = [
            _share(mine, theirs, sentence, official, scored_first)
            for mine, theirs in zip(node[0], other[0], strict=True)
        ]
        if all(shares):
            best = max(best, sum(shares) / 3)
    return best


def _share(mine: Places, theirs: Places, sentence: str, official: bool, scored_first: bool) -> float:
    """Share of the words of `mine` that `theirs` has too. `scored_first`: `mine` is the prediction."""
    if not mine and not theirs:
        return 1.0
    cover = official_cover if official else covered
    predicted, gold = (mine, theirs) if scored_first else (theirs, mine)
    there = cover([spans[0] for spans in gold], sentence)
    here = cover([max(spans, key=lambda span: len(cover([span], sentence) & there)) for spans in predicted], sentence)
    side = here if scored_first else there
    return len(here & there) / len(side) if side else 0.0
