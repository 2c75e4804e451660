"""Looking on while a run goes on, perhaps on another machine: all that is shown is read from the root."""

import json
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fsa_ray.cli.console import stderr, stdout
from fsa_ray.cli.exits import Exit
from fsa_ray.cli.lookup import index_called
from fsa_ray.cli.status import COLOURS, Standing, standing, status_document
from fsa_ray.core.beat import duration
from fsa_ray.core.pipeline import RUNS, RunIndex
from fsa_ray.core.record import record_at
from fsa_ray.storage.claim import LEASE_SECONDS
from fsa_ray.storage.folder import Folder

EVERY_SECONDS = 2.0
IDLE_SECONDS = 60.0  # between two stages an engine may be stopped; longer, and nobody is at work
FRAME_LINES = 8  # of a table: title, headings, borders, and what a terminal needs below


class Follower:
    """Looks at a run again and again. Raises ValueError if there is no such run."""

    def __init__(self, root: Folder, name: str) -> None:
        self._root, self._name = root, name
        self._index: RunIndex | None = None
        self._signs: dict[str, tuple[datetime | None, float]] = {}  # label to a sign of life, and when we first saw it
        self._idle_since: float | None = None
        self._done: dict[str, Standing] = {}  # by folder: a record never changes
        self.look()

    def look(self) -> None:
        """Updates `index` and `standings`, which come in the order of running."""
        index = index_called(self._root, self._name)
        if index != self._index:  # a driver begins, perhaps with another spec
            self._index, self._idle_since = index, None
        self.index, begun = index, self._begun(index)
        self.standings = [self._standing(label, folder, folder in begun) for label, folder in index.stages.items()]

    def ended(self) -> Exit | None:
        """How the run ended; None while it goes on, or may do so."""
        if all(each.state == "done" for each in self.standings):
            return Exit.DONE
        now = time.monotonic()
        if any(each.state == "running" for each in self.standings):
            self._idle_since = None
            return None
        if any(self._gave_up(each) for each in self.standings):
            return Exit.FAILED
        self._idle_since = self._idle_since or now
        return Exit.FAILED if now - self._idle_since > IDLE_SECONDS else None

    def _begun(self, index: RunIndex) -> set[str]:
        """The folders that are there: one request for each kind of stage, however many of its stages wait."""
        kinds = {folder.partition("/")[0] for folder in index.stages.values() if folder not in self._done}
        return {f"{kind}/{name}" for kind in kinds for name in (self._root / kind).names()}

    def _standing(self, label: str, folder: str, begun: bool) -> Standing:
        if folder in self._done:
            return self._done[folder]
        if not begun:
            return Standing(label, folder, "waiting")
        found = self._alive(standing(self._root, label, folder, lambda: record_at(self._root, folder)))
        if found.state == "done":
            self._done[folder] = found
        return found

    def _alive(self, found: Standing) -> Standing:
        """A driver on another host that gives no sign of life is gone."""
        if found.state != "running":
            return found
        seen, since = self._signs.get(found.label, (None, 0.0))
        if seen != found.seen:
            self._signs[found.label] = (found.seen, time.monotonic())
        elif time.monotonic() - since > LEASE_SECONDS:
            return replace(found, state="interrupted", what=f"no sign of life for {LEASE_SECONDS:.0f} s")
        return found

    def _gave_up(self, found: Standing) -> bool:
        """Whether the driver that wrote the index, and no earlier one, failed or was interrupted in a stage."""
        if found.state not in ("failed", "interrupted") or found.seen is None:
            return False
        return found.seen >= (self._root / RUNS).modified(f"{self._name}.json")


def follow(root: Folder, name: str, *, json_: bool) -> Exit:
    """Shows the run until it ends: a table on a terminal, elsewhere a line for each change; with `json_` a document."""
    follower = Follower(root, name)
    shown: list[Standing] = []
    live = None if json_ or not stdout.is_terminal else Live(console=stdout, auto_refresh=False)
    with live or nullcontext():
        while True:
            changed = [each for each in follower.standings if each not in shown]
            if live is not None:
                live.update(follow_table(follower.index.name, follower.standings, stdout), refresh=True)
            elif json_ and changed:
                document = status_document(follower.index, follower.standings)
                print_line(json.dumps(document, ensure_ascii=False))
            else:
                for each in changed:
                    if each.state != "waiting":
                        print_line("  ".join(cell for cell in cells(each) if cell))
            shown = follower.standings
            ended = follower.ended()
            if ended is not None:
                break
            time.sleep(EVERY_SECONDS)
            follower.look()
    if ended is not Exit.DONE:
        failures = [each.what for each in follower.standings if each.state == "failed"]
        stderr.print(Text("\n".join(failures) or f"nobody works on run {name} any more; it is not done"))
    return ended


def cells(found: Standing) -> tuple[str, str, str, str, str, str]:
    """Stage, state, how far, rate, rest time, and what else is known."""
    beat, what = found.beat, found.what.partition("\n")[0]
    if found.state == "done":
        far, rate = _whole(found)
        seconds = found.seconds or 0.0
        took = f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
        return found.label, found.state, far, rate, "", f"in {took}"
    if beat is None:
        return found.label, found.state, "", "", "", what
    far, left = f"{beat.done:,}/{beat.total:,} {beat.noun}", beat.seconds_left
    if found.state != "running":
        return found.label, found.state, far, "", "", what
    loss = "" if beat.loss is None else f"loss {beat.loss:.3f}"
    return found.label, found.state, far, beat.speed, "" if left is None else duration(left), loss


def follow_table(name: str, standings: list[Standing], console: Console) -> Table:
    table = Table(title=f"run {name}", title_justify="left")
    for heading in ("stage", "state", "so far", "rate", "left", "what"):
        right, last = heading in ("so far", "rate", "left"), heading == "what"
        table.add_column(heading, justify="right" if right else "left", no_wrap=not last)
    room = max(1, console.height - FRAME_LINES)
    for each in _shortened(standings, room):
        if isinstance(each, str):
            table.add_row(Text(each, "dim"))
        else:
            label, state, *others = cells(each)
            table.add_row(
                label,
                Text(state, COLOURS.get(state, "yellow")),
                *(Text(cell, no_wrap=True, overflow="ellipsis") for cell in others),
            )
    return table


def _shortened(standings: list[Standing], room: int) -> Iterable[Standing | str]:
    """What fits on the screen: of the stages before and after those at work, the nearest."""
    if len(standings) <= room:
        return standings
    at = next((n for n, each in enumerate(standings) if each.state != "done"), len(standings))
    first = max(0, min(at - room // 2, len(standings) - room))
    last = first + room
    before = [f"{first} stages before"] if first else []
    after = [f"{len(standings) - last} stages after"] if last < len(standings) else []
    return [*before, *standings[first:last], *after]


def _whole(found: Standing) -> tuple[str, str]:
    """Rows or steps of a stage that is done, and how many a second."""
    for noun in ("steps", "rows"):
        count = found.measures.get(noun)
        if count:
            return f"{count:,.0f} {noun}", f"{count / max(found.seconds or 0.0, 1e-3):,.1f} {noun}/s"
    return "", ""


def print_line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
