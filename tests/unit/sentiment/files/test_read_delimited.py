"""CSV and TSV files: every record is a row or a reject, whatever the bytes."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.sentiment.files import delimited
from fsa_ray.sentiment.files.read import read
from tests.unit.sentiment.files.readings import accounted, in_memory, put, rejects, rows


def test_csv_with_quotes_line_ends_and_wrong_widths(tmp_path: Path) -> None:
    text = 'ID,text\r\n1,"a, ""b""\nc"\r\n2\r\n\r\n3,5" screen\r\n4,d,e\r\n5,\r\n,f\r\n'
    found = list(read(put(tmp_path, "r.csv", text)))
    assert rows(found) == [("1", None, 'a, "b"\nc'), ("3", None, '5" screen'), ("r.csv:7", None, "f")]
    assert rejects(found) == [(3, "broken"), (5, "broken"), (6, "missing")]


def test_csv_never_swallows_lines_behind_an_open_quote(tmp_path: Path) -> None:
    lines = ["id,text", "1,a", '2,"never closed', *(f"{n},row {n}" for n in range(3, 2000))]
    found = list(read(put(tmp_path, "r.csv", "\n".join(lines))))
    assert rejects(found) == [(3, "broken")]
    assert len(rows(found)) == 1998


def test_csv_open_quote_in_a_file_of_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 2000)
    lines = ["id,text", *(f"{n},row {n}" for n in range(2, 3000)), '3000,"open', *(f"{n},r" for n in range(3001, 5000))]
    found = list(read(put(tmp_path, "r.csv", "\n".join(lines))))
    assert rejects(found) == [(3000, "broken")]
    assert [row[0] for row in rows(found)] == [str(n) for n in range(2, 5000) if n != 3000]


def test_csv_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    data = b"id;text\n1;good\n2;caf\xe9\n\xff\xfe\n4;fine\n"
    found = list(read(put(tmp_path, "r.csv", data)))
    assert rows(found) == [("1", None, "good"), ("4", None, "fine")]
    assert rejects(found) == [(3, "encoding"), (4, "broken")]


def test_tsv_takes_quotes_literally_unless_they_wrap_a_value(tmp_path: Path) -> None:
    found = list(read(put(tmp_path, "r.tsv", 'text\tlabel\n"open\t1\n"a ""b"""\t0\nplain\t1\n')))
    assert [row[2] for row in rows(found)] == ['"open', 'a "b"', "plain"]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS.filter(bool)), min_size=1, max_size=20))
def test_csv_gives_back_what_the_csv_module_wrote(records: list[tuple[str, str]]) -> None:
    sheet = io.StringIO(newline="")
    csv.writer(sheet, quoting=csv.QUOTE_ALL).writerows([("id", "text"), *records])
    found = in_memory("x.csv", sheet.getvalue().encode())
    names = [name or f"x.csv:{n}" for n, (name, _) in enumerate(records, start=2)]
    assert rows(found) == [(name, None, text) for name, (_, text) in zip(names, records, strict=True)]
    assert not rejects(found)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(), st.text('ab,"\n\t', max_size=60).map(str.encode)), st.sampled_from(["x.csv", "x.tsv"]))
def test_csv_and_tsv_of_any_bytes_never_raise_and_lose_nothing(tail: bytes, name: str) -> None:
    sign = b"," if name == "x.csv" else b"\t"
    found = in_memory(name, b"id" + sign + b"text\n" + tail)
    lines = accounted(found)
    assert lines == list(range(2, len(lines) + 2))
    if b'"' not in tail:
        assert len(lines) == len([line for line in re.split(rb"[\r\n]", tail) if line])
