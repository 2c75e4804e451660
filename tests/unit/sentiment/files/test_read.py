"""Reading the files that users have: every line is a row or a reject, whatever the bytes."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.sentiment.files import jsonlines, stream
from fsa_ray.sentiment.files.batch import Columns
from fsa_ray.sentiment.files.read import read
from fsa_ray.storage.folder import Folder
from tests.unit.sentiment.files.readings import accounted, in_memory, put, rejects, rows

# --- jsonl


def test_jsonl_ids_domains_and_refused_lines(tmp_path: Path) -> None:
    lines = [
        b'{"id": 1, "text": "good", "domain": "film"}',
        b'{"id": "two", "text": "bad"}',
        b"",
        b'{"id": 3, "text": 5}',
        b'{"id": 4}',
        b'{"id": 5, "text": ""}',
        b'{"text": "no id"}',
        b'{"text": "caf\xe9"}',
        b'{"text": "half \\ud83d"}',
        b"{broken",
        b'["a", "list"]',
        b'{"text": "emoji \\ud83d\\ude00 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xe2\x80\xa8 end"}',
        b'{"text": "last, without line end", "score": NaN}',
    ]
    found = list(read(put(tmp_path, "r.jsonl", b"\n".join(lines))))
    assert rows(found) == [
        ("1", "film", "good"),
        ("two", None, "bad"),
        ("r.jsonl:7", None, "no id"),
        ("r.jsonl:12", None, "emoji 😀 שלום \u2028 end"),
        ("r.jsonl:13", None, "last, without line end"),
    ]
    assert rejects(found) == [
        (4, "type"),
        (5, "missing"),
        (6, "missing"),
        (8, "encoding"),
        (9, "encoding"),
        (10, "broken"),
        (11, "type"),
    ]
    assert found[0].rejects.column("detail")[5].as_py().startswith("r.jsonl:10: not valid JSON at character 2")


VALUES = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(), st.booleans(), st.lists(st.text(max_size=3), max_size=2)
)
OBJECTS = st.dictionaries(st.sampled_from(["text", "id", "domain", "other", "ID"]), VALUES)
JSON_LINES = st.one_of(
    OBJECTS.map(lambda item: json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.text().map(lambda text: json.dumps({"text": text}).encode()),
    st.binary(max_size=20),
).map(lambda line: line.replace(b"\n", b""))


@settings(max_examples=300, deadline=None)
@given(st.lists(JSON_LINES, max_size=12), st.sampled_from([1, 40, 1 << 20]))
def test_jsonl_accounts_for_every_line_of_any_bytes(lines: list[bytes], block: int) -> None:
    data = b'{"text": "x", "id": "y"}\n' + b"\n".join(lines)
    found = list(jsonlines.read_lines("f", io.BytesIO(data), Columns()))
    small = [
        b
        for part in stream.blocks(io.BytesIO(data), block)
        for b in [jsonlines._by_line("f", part, Columns("text", "id"))]
    ]
    wanted = [n for n, line in enumerate(data.split(b"\n"), start=1) if line.strip(b" \t\r\n")]
    assert accounted(found) == wanted
    assert accounted(small) == wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(), st.text()), st.text()), min_size=1, max_size=20))
def test_the_vectorised_way_reads_jsonl_as_the_careful_one_does(items: list[tuple[object, str]]) -> None:
    lines = [json.dumps({"id": name, "text": text}) for name, text in items]
    block = stream.Block(1, "\n".join(lines).encode())
    fast = jsonlines._vectorised("f", block, Columns("text", "id"))
    careful = jsonlines._by_line("f", block, Columns("text", "id"))
    assert fast is None or (fast.rows.equals(careful.rows) and fast.rejects.equals(careful.rejects))


def test_plain_jsonl_takes_the_vectorised_way() -> None:
    block = stream.Block(1, b'{"id": 1, "text": "a", "more": [1]}\r\n{"id": 2, "text": "b", "x": NaN}\r\n')
    assert jsonlines._vectorised("f", block, Columns("text", "id")) is not None


# --- a JSON list


def test_json_list_with_mark_and_other_column(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + json.dumps([{"sentence": "good", "label": 1}, {"sentence": None}, 3], indent=1).encode()
    found = list(read(put(tmp_path, "t.json", data), text_column="sentence"))
    assert rows(found) == [("t.json:1", None, "good")]
    assert rejects(found) == [(2, "missing"), (3, "type")]


def test_damaged_json_list_keeps_what_comes_before(tmp_path: Path) -> None:
    found = list(read(put(tmp_path, "t.json", '[{"text": "a"}, {"text": "b"} {"text": "c"}]')))
    assert [row[2] for row in rows(found)] == ["a", "b"]
    assert rejects(found) == [(3, "broken")]


def test_json_file_of_lines(tmp_path: Path) -> None:
    assert len(rows(list(read(put(tmp_path, "t.json", '{"text": "a"}\n{"text": "b"}\n'))))) == 2


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(), st.text().map(str.encode), st.text('[]{},:"text1 ').map(str.encode)))
def test_json_list_of_any_bytes_never_raises(tail: bytes) -> None:
    assert in_memory("x.json", b'[{"text": "a"},' + tail)


# --- txt, parquet, Arrow streams


@settings(max_examples=100, deadline=None)
@given(st.binary())
def test_text_accounts_for_every_line_of_any_bytes(data: bytes) -> None:
    found = in_memory("x.txt", b"first\n" + data)
    wanted = [n for n, line in enumerate((b"first\n" + data).split(b"\n"), start=1) if line.strip()]
    assert accounted(found) == wanted


def test_parquet_with_other_types(tmp_path: Path) -> None:
    table = pa.table(
        {"text": pa.array(["a", None, "c"]).dictionary_encode(), "id": [7, 8, None], "domain": ["x", "x", "y"]}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = list(read(str(tmp_path / "t.parquet")))
    assert rows(found) == [("7", "x", "a"), ("t.parquet:3", "y", "c")]
    assert rejects(found) == [(2, "missing")]
    pq.write_table(pa.table({"text": [1, 2]}), tmp_path / "n.parquet")
    with pytest.raises(ValueError, match=r"n\.parquet: column 'text' holds int64"):
        list(read(str(tmp_path / "n.parquet")))
    with pytest.raises(ValueError, match=r"b\.parquet: cannot be read as parquet"):
        list(read(put(tmp_path, "b.parquet", b"PAR1 nonsense")))


def test_a_folder_written_by_datasets(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, 0]}).save_to_disk(
        tmp_path / "one", num_shards=2
    )
    found = list(read(str(tmp_path / "one")))
    assert [row[2] for row in rows(found)] == ["a", "b", "c"]
    part = datasets.Dataset.from_dict({"text": ["a"]})
    datasets.DatasetDict({"train": part, "test": part}).save_to_disk(tmp_path / "splits")
    with pytest.raises(ValueError, match=r"has splits; name one of them: .*\{train,test\}"):
        list(read(str(tmp_path / "splits")))
    assert len(rows(list(read(str(tmp_path / "splits" / "train"))))) == 1


# --- packing, encodings, mistakes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["r.jsonl", "r.csv", "r.txt", "r.json"])
@pytest.mark.parametrize("packed", [False, True])
def test_marks_encodings_and_gzip(tmp_path: Path, encoding: str, name: str, packed: bool) -> None:
    text = {
        "r.jsonl": '{"text": "été 😀"}',
        "r.csv": "text\nété 😀\n",
        "r.txt": "été 😀",
        "r.json": '[{"text": "été 😀"}]',
    }
    data = text[name].encode(encoding)
    data = b"\xfe\xff" + data if encoding == "utf-16-be" else data
    path = put(tmp_path, name + ".gz" * packed, gzip.compress(data) if packed else data)
    assert [row[2] for row in rows(list(read(path)))] == ["été 😀"]


@pytest.mark.parametrize("name", ["r.jsonl.gz", "r.csv.gz", "r.txt.gz"])
def test_damaged_gzip_is_an_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    packed = gzip.compress(b'text\n{"text": "a"}\n' * 1000)
    for data in (packed[: len(packed) // 2], b"not gzip at all", packed[:-8] + b"\0" * 8):
        with pytest.raises(ValueError, match=f"{name}: the gzip file is damaged"):
            list(read(put(tmp_path, name, data)))


@settings(max_examples=50, deadline=None)
@given(st.binary())
def test_utf16_of_any_bytes_never_raises(data: bytes) -> None:
    in_memory("x.jsonl", b"\xff\xfe" + '{"text": "a"}\n'.encode("utf-16-le") + data)


def test_a_line_too_long_is_refused_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_LINE", 100)
    data = b'{"text": "a"}\n{"text": "' + b"x" * 500 + b'"}\n{"text": "b"}\n'
    found = [jsonlines._by_line("f", block, Columns()) for block in stream.blocks(io.BytesIO(data), 16)]
    assert [row[2] for row in rows(found)] == ["a", "b"]
    assert rejects(found) == [(2, "broken")]


def test_a_review_of_a_megabyte(tmp_path: Path) -> None:
    long = "word " * 200_000
    for name, data in {
        "r.jsonl": json.dumps({"text": long}),
        "r.csv": f'text\n"{long}"\n"odd',
        "r.txt": long,
    }.items():
        assert rows(list(read(put(tmp_path, name, data))))[0][2] == long


@pytest.mark.parametrize(
    ("columns", "hint"),
    [(["Text"], "Text"), (["id", "review"], "review"), (["sentence", "label"], "sentence"), (["texts"], "texts")],
)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "json"])
def test_missing_text_column_names_file_columns_and_mend(
    tmp_path: Path, kind: str, columns: list[str], hint: str
) -> None:
    path = tmp_path / f"r.{kind}"
    item = dict.fromkeys(columns, "x")
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist([item]), path)
    else:
        lines = {"jsonl": json.dumps(item), "json": json.dumps([item]), "csv": ",".join(columns) + "\n1,2"}
        path.write_text(lines[kind])
    with pytest.raises(ValueError, match=rf"r\.{kind}: no column 'text'; .*did you mean '{hint}'.*corpus\.text_column"):
        list(read(str(path)))


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every file is empty"):
        list(read(put(tmp_path, "empty.jsonl", b"")))
    with pytest.raises(ValueError, match="every file is empty"):
        list(read(put(tmp_path, "empty.csv", b"")))
    with pytest.raises(ValueError, match="every file is empty"):
        list(read(put(tmp_path, "head.csv", "id,text\n")))
    assert rejects(list(read(put(tmp_path, "bad.jsonl", b"\x00\x00\n\xff")))) == [(1, "broken"), (2, "encoding")]
    with pytest.raises(ValueError, match="no such file or folder"):
        list(read(str(tmp_path / "absent")))
    with pytest.raises(ValueError, match="the extension is not one of"):
        list(read(put(tmp_path, "a.docx", b"x")))


def test_a_folder_on_another_file_system() -> None:
    folder = Folder("memory://corpus")
    (folder / "a").put("x.jsonl", b'{"text": "a"}\n')
    folder.put("b.csv", b"text\nb\n")
    assert rows(list(read("memory://corpus"))) == [("a/x.jsonl:1", None, "a"), ("b.csv:2", None, "b")]
