"""Reviews that lie on object storage, and annotations that go there."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.tables import read_table
from fsa_ray.schemas.rows import PREDICTION
from fsa_ray.sentiment.files.predictions import write_predictions
from fsa_ray.storage.folder import Folder
from tests.s3.conftest import invoke, write_spec

TEXTS = [f"The soup number {n} was {'good' if n % 2 else 'cold'}." for n in range(30)]


@pytest.fixture
def reviews(bucket: str) -> Folder:
    """A folder with jsonl, packed csv and parquet; two lines that nobody can read, and a file that is no review."""
    folder = Folder(f"{bucket}/my reviews")
    folder.put("a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in TEXTS[:10]).encode() + b"{oh\n[1]\n")
    folder.put("deep/b.csv.gz", gzip.compress(("text\n" + "\n".join(TEXTS[10:20]) + "\n").encode()))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": TEXTS[20:]}), sink)
    folder.put("c.parquet", sink.getvalue().to_pybytes())
    folder.put("README.md", b"not a review")
    return folder


def ingested(root: Folder) -> Rows:
    index = RunIndex.read(root, "mine")
    assert index is not None
    return Rows.model_validate(json.loads((root / index.stages["ingest"]).get("record.json"))["artifact"])


def test_a_folder_of_reviews_is_read_and_pinned(reviews: Folder, root: Folder, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec.yaml", reviews.url)
    done = invoke("run", spec, "--root", root.url, "--until", "ingest")
    assert done.exit_code == 0, done.output
    rows = ingested(root)
    assert sorted(read_table(root, rows.kept)["text"].to_pylist()) == sorted(TEXTS)
    assert rows.rejected.rows == 2
    assert "reused" in invoke("run", spec, "--root", root.url, "--until", "ingest").stderr

    (tmp_path / "local").mkdir()
    for name, _ in reviews.walk():
        Folder(str(tmp_path / "local")).put(name, reviews.get(name))
    local = write_spec(tmp_path / "local.yaml", str(tmp_path / "local"))
    assert invoke("run", local, "--root", tmp_path / "runs", "--until", "ingest").exit_code == 0
    here = ingested(Folder(str(tmp_path / "runs")))
    assert [file.sha256 for file in here.kept.files] == [file.sha256 for file in rows.kept.files]

    reviews.put("a.jsonl", json.dumps({"text": "Changed."}).encode())
    plan = json.loads(invoke("plan", spec, "--root", root.url, "--json").stdout)
    assert next(stage for stage in plan["stages"] if stage["label"] == "ingest")["action"] == "run"


def test_one_file_and_what_is_not_there(reviews: Folder, root: Folder, tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "spec.yaml", f"{reviews.url}/deep/b.csv.gz")
    assert invoke("run", spec, "--root", root.url, "--until", "ingest").exit_code == 0
    assert ingested(root).kept.rows == 10
    for path, said in ((f"{reviews.url}/nowhere", "no such file or folder"), ("s3://not-there/x.csv", "no bucket")):
        done = invoke("plan", write_spec(tmp_path / "spec.yaml", path), "--root", root.url)
        assert done.exit_code == 2 and path.removesuffix("/x.csv") in done.stderr and said in done.stderr, done.output


def test_annotations_appear_whole_or_not_at_all(bucket: str) -> None:
    place, folder = f"{bucket}/out/annotated.jsonl", Folder(f"{bucket}/out")
    table = pa.Table.from_pylist([{"id": "1", "text": "Good.", "opinions": []}], PREDICTION)
    assert write_predictions(place, [table]) == 1
    before = folder.get("annotated.jsonl")
    assert json.loads(before)["text"] == "Good."

    def breaks():
        yield table
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_predictions(place, breaks())
    assert folder.get("annotated.jsonl") == before and folder.names() == ["annotated.jsonl"]
