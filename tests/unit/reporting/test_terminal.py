from rich.console import Console
from rich.table import Table

from fsa_ray.reporting.contents import Contents, LedgerEntry, Scorecard, ScoredModel
from fsa_ray.reporting.terminal import ledger_table, scorecard_table


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


def test_the_ledger_sums_all_and_this_run(contents: Contents) -> None:
    text = printed(ledger_table(contents.ledger, "EUR"))
    assert "ingest (reused)" in text
    assert "2 min 02 s" in next(line for line in text.splitlines() if "all stages" in line)
    assert "2 min 00 s" in next(line for line in text.splitlines() if "this run alone" in line)
    assert "1.50 EUR + unpriced" in text
    assert "88 %" in next(line for line in text.splitlines() if "teach" in line)


def test_markup_and_escape_sequences_are_shown_not_obeyed() -> None:
    name = "[red]x[/red] \x1b[2J\x9b2J [/]"
    card = Scorecard(tasks=(name,), models=(ScoredModel(name=name, role="other"),), interval=name)
    text = printed(scorecard_table(card)) + printed(ledger_table([LedgerEntry(stage=name, seconds=1)], "EUR"))
    assert "[red]x[/red] ␛[2J" in text
    assert not {"\x1b", "\x9b"} & set(text)


def test_nothing_scored_and_nothing_run() -> None:
    assert "model" in printed(scorecard_table(Scorecard()))
    assert "all stages" in printed(ledger_table([], "EUR"))
