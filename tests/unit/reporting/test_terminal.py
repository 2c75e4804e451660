from rich.console import Console
from rich.table import Table

from fsa_ray.reporting.contents import Scorecard, ScoredModel
from fsa_ray.reporting.terminal import scorecard_table


def printed(table: Table) -> str:
    console = Console(width=160, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_the_scorecard_shows_scores_intervals_and_shares(card: Scorecard) -> None:
    text = printed(scorecard_table(card))
    for words in ("85.0 (83.0 – 87.0)", "macro F1", "n = 600", "2.00M", "95 %", "95 % bootstrap intervals"):
        assert words in text
    assert next(line for line in text.splitlines() if "Majority" in line).count("–") == 4


def test_markup_and_escape_sequences_are_shown_not_obeyed() -> None:
    name = "[red]x[/red] \x1b[2J\x9b2J [/]"
    card = Scorecard(tasks=(name,), models=(ScoredModel(name=name, role="other"),), interval=name)
    text = printed(scorecard_table(card))
    assert "[red]x[/red] ␛[2J" in text
    assert not {"\x1b", "\x9b"} & set(text)


def test_nothing_scored() -> None:
    assert "model" in printed(scorecard_table(Scorecard()))
