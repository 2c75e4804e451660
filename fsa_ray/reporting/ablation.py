"""What the page and the table of a grid show, as plain frozen values."""

from itertools import product

from pydantic import AwareDatetime, FiniteFloat

from fsa_ray.reporting.contents import Count, Fact, LedgerEntry, Part, Role, Score


class MeanScore(Score):
    """The mean over `runs` with its interval; `std` is null for a single run."""

    std: FiniteFloat | None
    runs: tuple[FiniteFloat, ...]


class Measured(Part):
    role: Role = "student"
    scores: dict[str, MeanScore]

    @property
    def runs(self) -> int:
        return max((len(cell.runs) for cell in self.scores.values()), default=0)


class StudentRow(Measured):
    """One kind of student. `choices` are in the order of the axes; null: every choice makes the same student.

    `examples` and `tokens` are what one student was given to learn from, means over its runs.
    """

    choices: tuple[str | None, ...]
    share: FiniteFloat | None  # of the data
    examples: Count
    tokens: Count


class ControlRow(Measured):
    name: str


class Line(Part):
    """The students that differ in nothing but their share of the data, smallest share first."""

    name: str
    rows: tuple[StudentRow, ...]


class AblationContents(Part):
    name: str
    created: AwareDatetime
    axes: tuple[str, ...]  # along which students differ, repetitions left out
    share_axis: str | None  # which of them is the share of the data
    tasks: tuple[str, ...]
    students: int
    rows: tuple[StudentRow, ...]
    controls: tuple[ControlRow, ...]
    interval: str
    notes: tuple[str, ...] = ()
    spec: tuple[Fact, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    currency: str = "USD"
    provenance: tuple[Fact, ...] = ()

    @property
    def headline(self) -> str:
        told = ", ".join(self.axes) or "nothing but their repetition"
        return f"{self.students} students that differ in {told}."

    def metric(self, task: str) -> str:
        return next(row.scores[task].metric for row in self.rows if task in row.scores)

    def lines(self) -> tuple[Line, ...]:
        """One for each combination of the other axes; a student whom a choice does not touch is on several. Empty if
        the share does not vary."""
        if len({row.share for row in self.rows} - {None}) < 2:
            return ()
        others = [place for place, axis in enumerate(self.axes) if axis != self.share_axis]
        named = [dict.fromkeys(row.choices[place] for row in self.rows) for place in others]
        found = []
        for wanted in product(*([name for name in names if name is not None] for names in named)):
            pairs = list(zip(others, wanted, strict=True))
            rows = [row for row in self.rows if all(row.choices[place] in (name, None) for place, name in pairs)]
            rows.sort(key=lambda row: row.share or 0.0)
            found.append(Line(name=", ".join(wanted) or "student", rows=tuple(rows)))
        return tuple(line for line in found if line.rows)
