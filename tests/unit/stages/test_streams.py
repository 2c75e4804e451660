"""What a stage writes depends on its rows alone, not on the pieces in which it reads them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.core import tables
from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import TableWriter, iter_parts, parquet_bytes, read_table, write_table
from fsa_ray.schemas.rows import REJECT, RESPONSE, REVIEW, SCORED_EXAMPLE
from fsa_ray.sentiment.duplicates import first_of_alike, first_of_equal, signatures, text_digests
from fsa_ray.stages.decontaminate import Decontaminate
from fsa_ray.stages.deduplicate import Deduplicate
from fsa_ray.stages.ingest import Ingest
from fsa_ray.stages.parse import Parse
from fsa_ray.stages.sample import Sample
from fsa_ray.stages.select import Select
from fsa_ray.stages.texts import Texts
from fsa_ray.storage.folder import Folder

SENTENCE = "the soup was cold and bread hard nobody came to ask whether we wanted anything else at all tonight"
WORDS = SENTENCE.split()
ROWS = 60


def text(number: int) -> str:
    """Some are equal, some nearly, most differ."""
    number = number // 2 if number % 5 == 0 else number
    words = [WORDS[(number * 7 + place * (1 + number % 3)) % len(WORDS)] for place in range(25)]
    return " ".join([*words, "today"] if number % 4 == 0 else words)


REVIEWS = [
    {"id": f"{(n * 7919) % 1009:032x}", "source_id": str(n), "domain": None, "text": text(n)} for n in range(ROWS)
]
RESPONSES = [
    {"id": f"{n + 5000:032x}", "parent": review["id"], "kind": "analysis", "finish_reason": "stop", "tries": 1,
     "text": "bananas" if n % 9 == 0 else f"negative\n{str(review['text']).split()[0]} | food | negative | {WORDS[0]}",
     "label_logprobs": None if n % 4 else [-0.1, -2.0, -3.0]}
    for n, review in enumerate(REVIEWS)
]  # fmt: skip
SCORED = [
    {"id": review["id"], "group": "ab"[n % 2], "difficulty": None if n % 11 == 0 else n / ROWS,
     "error": "too long" if n % 11 == 0 else None, "prompt": review["text"]}
    for n, review in enumerate(REVIEWS)
]  # fmt: skip
GIVEN: dict[str, tuple[list[dict[str, Any]], pa.Schema]] = {
    "reviews": (REVIEWS, REVIEW), "responses": (RESPONSES, RESPONSE), "scored": (SCORED, SCORED_EXAMPLE),
    "tests": ([{"id": "0" * 32, "source_id": "test", "text": text(3)}], REVIEW),
}  # fmt: skip


class Cut(Stage[Rows]):
    """Rows in files of `rows_per_file`."""

    name: ClassVar[str] = "cut"
    version: ClassVar[int] = 1

    given: str
    rows_per_file: int

    def run(self, ctx: StageContext) -> Rows:
        kept = pa.Table.from_pylist(*GIVEN[self.given])
        return Rows(
            kept=write_table(ctx.root, ctx.out / "kept", kept, self.rows_per_file),
            rejected=write_table(ctx.root, ctx.out / "rejected", REJECT.empty_table()),
        )


STAGES: dict[str, Callable[[int], Stage[Rows]]] = {
    "deduplicate": lambda cut: Deduplicate(reviews=Cut(given="reviews", rows_per_file=cut)),
    "deduplicate, equal": lambda cut: Deduplicate(reviews=Cut(given="reviews", rows_per_file=cut), near=False),
    "decontaminate": lambda cut: Decontaminate(
        reviews=Cut(given="reviews", rows_per_file=cut), against=(Cut(given="tests", rows_per_file=1),), ngram=8
    ),
    "sample": lambda cut: Sample(reviews=Cut(given="reviews", rows_per_file=cut), share=0.3),
    "parse": lambda cut: Parse(
        responses=(Cut(given="responses", rows_per_file=cut),), reviews=Cut(given="reviews", rows_per_file=cut + 2)
    ),
    "select": lambda cut: Select(scored=Cut(given="scored", rows_per_file=cut), rate=0.3, seed=1),
}


def digests(table: Table) -> list[str]:
    return [file.sha256 for file in table.files]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_gives_the_same_bytes_however_its_input_is_cut(
    workshop: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = workshop.run(STAGES[name](1000))
    monkeypatch.setattr(tables, "ROWS_PER_SLICE", 3)
    pieces = workshop.run(STAGES[name](7))
    assert whole.kept.rows and (whole.rejected.rows or name == "sample"), "a case that tells nothing"
    assert digests(whole.kept) == digests(pieces.kept)
    assert digests(whole.rejected) == digests(pieces.rejected)
    assert whole.reasons == pieces.reasons
    assert all(finding.passed for finding in workshop.verify(STAGES[name](7)))


def test_duplicates_are_those_of_the_whole_table_at_once(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS_PER_SLICE", 3)
    stage = STAGES["deduplicate"](7)
    reviews = pa.Table.from_pylist(REVIEWS, REVIEW)
    first = first_of_equal(text_digests(reviews["text"]))
    distinct = [row for row in range(ROWS) if first[row] == row]
    alike = first_of_alike(signatures(reviews["text"].take(distinct), seed=1))
    kept = [row for place, row in enumerate(distinct) if alike[place] == place]
    assert workshop.kept(stage) == reviews.take(kept).to_pylist()
    told = [(REVIEWS[row]["id"], REVIEWS[first[row]]["id"]) for row in range(ROWS) if first[row] != row]
    told += [
        (REVIEWS[row]["id"], REVIEWS[distinct[alike[place]]]["id"])
        for place, row in enumerate(distinct)
        if alike[place] != place
    ]
    rejected = workshop.rejected(stage)
    assert [(row["id"], row["detail"].removeprefix("says the same as ")) for row in rejected] == told


@pytest.mark.parametrize("limit", [None, 9])
def test_ingest_gives_the_same_rows_however_its_file_is_read(
    workshop: Any, tmp_path: Path, limit: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [*(row["text"] for row in REVIEWS), "x", REVIEWS[0]["text"], "y"]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.txt").write_text("\n".join(lines))
    (tmp_path / "many").mkdir()
    for number in range(0, len(lines), 5):
        (tmp_path / "many" / f"{number:03d}.txt").write_text("\n".join(lines[number : number + 5]))
    one, many = (Ingest.at(str(tmp_path / name), min_chars=3, limit=limit) for name in ("one", "many"))
    for part in ("kept", "rejected"):
        rows = [[{**row, "source_id": None} for row in getattr(workshop, part)(stage)] for stage in (one, many)]
        assert rows[0] == rows[1] and rows[0]
    assert len({row["id"] for row in workshop.kept(one)}) == (limit or ROWS + 1)
    assert workshop.measures(one)["rows_read"] == len(lines)


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(REVIEWS * 600, REVIEW)
    pieces = pa.concat_tables(table.slice(start, 77) for start in range(0, len(table), 77))
    assert parquet_bytes(pieces) == parquet_bytes(table)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 30), max_size=8), rows_per_file=st.integers(1, 20))
def test_a_writer_cuts_files_as_for_the_whole_table(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], rows_per_file: int
) -> None:
    root = Folder(str(tmp_path_factory.mktemp("root")))
    parts = [pa.table({"n": pa.array(range(rows), pa.int64())}) for rows in cuts]
    whole = pa.concat_tables([pa.table({"n": pa.array([], pa.int64())}), *parts])
    writer = TableWriter(root, root / "a", whole.schema, rows_per_file)
    for part in parts:
        writer.add(part)
    found = writer.close()
    assert digests(found) == digests(write_table(root, root / "b", whole, rows_per_file))
    assert read_table(root, found).equals(whole)
    assert all(len(part) == rows_per_file for part in list(iter_parts(root, found))[:-1])


def test_texts_are_found_by_id_in_any_order(tmp_path: Path) -> None:
    root = Folder(str(tmp_path))
    texts = Texts(root, write_table(root, root / "in", pa.Table.from_pylist(REVIEWS, REVIEW), 7))
    order = [*range(0, ROWS, 2), *range(ROWS - 1, 0, -2), 5, 5]
    assert texts.of(pa.chunked_array([[REVIEWS[n]["id"] for n in order]])) == [REVIEWS[n]["text"] for n in order]
    assert texts.of(pa.chunked_array([], pa.string())) == []
    with pytest.raises(KeyError, match="nobody"):
        texts.of(pa.chunked_array([[REVIEWS[0]["id"], "nobody"]]))
    with pytest.raises(ValueError, match="twice"):
        Texts(root, write_table(root, root / "double", pa.Table.from_pylist([*REVIEWS, REVIEWS[3]], REVIEW), 7))
    nothing = Texts(root, write_table(root, root / "empty", REVIEW.empty_table()))
    with pytest.raises(KeyError):
        nothing.of(pa.chunked_array([["nobody"]]))
