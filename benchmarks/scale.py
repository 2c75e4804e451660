"""How time and the driver's memory grow with the rows: each data stage alone, in a process of its own.

The input of a stage is made up and stored before. Memory is the peak of what the process holds for itself, mapped files
left out, above what it held when the stage began; it is looked at twenty times a second. `teach` runs the real stage,
units and Ray Data, with a scripted engine that takes a realistic time for each unit; its memory is that of the driver
alone. `teach, without Ray` is answered at once, in the driver. Growth is fitted over the sizes that were run; larger
ones are modelled, not measured. A stage that passes the limits is ended, and recorded as such.

    python benchmarks/scale.py --out benchmarks/results/scale.json [--rows 100000 200000]
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from growth import DRIVER_GIB, MODELLED_ROWS, modelled
from made_rows import ROWS_PER_FILE, Made, said_of, texts

from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.record import read_record
from fsa_ray.core.runner import Runner
from fsa_ray.core.stage import Stage
from fsa_ray.engine.endpoint import Endpoint, EndpointPlacement
from fsa_ray.engine.question import Reply
from fsa_ray.engine.units import Counts, UnitFolder
from fsa_ray.stages.ask import Sampling
from fsa_ray.stages.decontaminate import Decontaminate
from fsa_ray.stages.deduplicate import Deduplicate
from fsa_ray.stages.ingest import Ingest
from fsa_ray.stages.pack import Pack
from fsa_ray.stages.parse import Parse
from fsa_ray.stages.sample import Sample
from fsa_ray.stages.select import Select
from fsa_ray.stages.teach import Teach
from fsa_ray.stages.tokenizer import LearnTokenizer
from fsa_ray.storage.folder import Folder

ANSWER_SECONDS = 1.2  # of one unit: its rows are answered side by side
TEACHER_WORKERS, UNIT_ROWS = 4, 256
_PROBE_SECONDS = 0.05


class Silent:
    def begins(self, step: Any) -> None: ...
    def says(self, step: Any, message: str) -> None: ...
    def ends(self, step: Any, record: Any) -> None: ...


def _ingest(folder: Path, rows: int) -> Stage[Any]:
    return Ingest.at(str(_jsonl(folder, rows)), min_chars=20, mask=True)


def _limited_ingest(folder: Path, rows: int) -> Stage[Any]:
    return Ingest.at(str(_jsonl(folder, rows)), limit=rows // 10)


def _jsonl(folder: Path, rows: int) -> Path:
    file = folder / f"reviews-{rows}.jsonl"
    if not file.exists():
        with file.open("w") as stream:
            for part, start in enumerate(range(0, rows, ROWS_PER_FILE)):
                for text in texts(0, part, min(ROWS_PER_FILE, rows - start)).to_pylist():
                    stream.write(json.dumps({"text": text}) + "\n")
    return file


def _teach(_: Path, rows: int) -> Stage[Any]:
    return Teach(
        teacher=None, endpoint=Endpoint(model="scripted", url="http://scripted", key_variable="NONE"), retries=2,
        sampling=Sampling(max_tokens=256), max_length=2048, precision="bf16", reviews=Made(kind="reviews", rows=rows),
        kinds=("analysis",), style="compact",
    )  # fmt: skip


def _pack(_: Path, rows: int) -> Stage[Any]:
    learned = LearnTokenizer(examples=(Made(kind="scored", rows=500),), vocabulary=2_000, max_length=2048)
    return Pack(examples=(Made(kind="scored", rows=rows),), tokenizer=learned, row_length=512)


STAGES: dict[str, Callable[[Path, int], Stage[Any]]] = {
    "ingest": _ingest,
    "ingest, limit of a tenth": _limited_ingest,
    "deduplicate, equal": lambda _, rows: Deduplicate(reviews=Made(kind="reviews", rows=rows), near=False),
    "deduplicate, near": lambda _, rows: Deduplicate(reviews=Made(kind="reviews", rows=rows)),
    "decontaminate": lambda _, rows: Decontaminate(
        reviews=Made(kind="reviews", rows=rows), against=(Made(kind="reviews", rows=2_000, seed=9),)
    ),
    "sample, a tenth": lambda _, rows: Sample(reviews=Made(kind="reviews", rows=rows), share=0.1),
    "teach": _teach,
    "teach, without Ray": _teach,
    "parse": lambda _, rows: Parse(
        responses=(Made(kind="responses", rows=rows),), reviews=Made(kind="reviews", rows=rows)
    ),
    "select": lambda _, rows: Select(scored=Made(kind="scored", rows=rows), rate=0.2),
    "pack": _pack,
}


@dataclass(frozen=True)
class Scripted:
    """A teacher's engine as seen by the pipeline: a unit takes `seconds`, and every request gets an answer."""

    chatting: Any
    seconds: float

    def __call__(self, rows: pa.Table) -> tuple[pa.Table, Counts]:
        began = time.monotonic()
        turns = [request["messages"][0]["content"] for request in self.chatting.requests(rows)]
        random = np.random.default_rng(int(rows["id"][0].as_py()[:8], 16))
        said = said_of([turn.strip().rsplit("\n", 1)[-1] for turn in turns], random)
        replies = [Reply(text, 150, 40, "stop") for text in said]
        table = self.chatting.answers(rows, replies)
        time.sleep(max(0.0, self.seconds - (time.monotonic() - began)))
        failed = pc.sum(pc.is_valid(table["error"])).as_py()
        return table, Counts(len(rows), len(rows), 150 * len(rows), 40 * len(rows), failed)


def ask_scripted(
    units: UnitFolder, chatting: Any, endpoint: Any, placement: Any, session: Any, listener: Any, should_stop: Any
) -> Any:
    """Stands in for `ask_endpoint`."""
    from fsa_ray.engine.run_units import map_units

    return map_units(
        units, Scripted(chatting, ANSWER_SECONDS), workers=TEACHER_WORKERS, need={"CPU": 0.5}, start_timeout_s=300,
        listener=listener, should_stop=should_stop,
    )  # fmt: skip


def ask_here(units: UnitFolder, chatting: Any, *_: Any) -> Any:
    """Stands in for `ask_endpoint` without Ray and without waiting: what is left is the stage's own bookkeeping."""
    from fsa_ray.engine.run_units import Outcome

    answer = Scripted(chatting, 0.0)
    for unit in units.pending():
        units.commit(unit, *answer(units.read(unit)))
    return Outcome(True, units.counts())


def run_one(name: str, rows: int, folder: Path, report: Path) -> None:
    """Runs one stage here and writes what it took."""
    from fsa_ray.engine import endpoint
    from fsa_ray.stages import serving

    root, stage = Folder(str(folder / "root")), STAGES[name](folder, rows)
    placement = Placement(sections={"endpoint": EndpointPlacement(unit_rows=UNIT_ROWS).model_dump()})
    endpoint.ask_endpoint = ask_scripted if name == "teach" else ask_here  # type: ignore[assignment]
    runner = Runner(root, placement, Silent(), lambda engines: None)
    for given in stage.inputs().values():
        assert read_record(root, given) is not None
    if name == "teach":  # what Ray itself takes does not grow with the rows
        from fsa_ray.engine.placement import RayPlacement
        from fsa_ray.engine.session import Session

        serving._session = Session(RayPlacement())
        serving._session.start_ray()
    elif name == "teach, without Ray":
        import fsa_ray.engine.run_units  # noqa: F401

        serving.session = lambda ctx: None  # type: ignore[assignment]
    if name == "pack":
        import transformers  # noqa: F401
    held = anonymous_bytes(os.getpid())
    began, worked = time.perf_counter(), time.process_time()
    runner.run(Pipeline("scale", {"wanted": stage}))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - worked
    serving.close()
    record = read_record(root, stage)
    assert record is not None
    told = {"seconds": seconds, "cpu_seconds": cpu_seconds, "held_bytes": held}
    measures = {key: record.measures[key] for key in ("rows", "rejected") if key in record.measures}
    report.write_text(json.dumps({**told, **measures}))


def make_inputs(name: str, rows: int, folder: Path) -> None:
    root = Folder(str(folder / "root"))
    inputs = STAGES[name](folder, rows).inputs()
    if inputs:
        pipeline = Pipeline("scale", {f"input-{number}": stage for number, stage in enumerate(inputs.values())})
        Runner(root, Placement(), Silent(), lambda engines: None).run(pipeline)


def measured(name: str, rows: int, folder: Path, limit_bytes: int, limit_seconds: float) -> dict[str, Any]:
    """What one stage takes, in a process of its own that is ended where it passes a limit."""
    make_inputs(name, rows, folder)
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--child", name, str(rows), str(folder), str(report)]
    began, ended, peak = time.monotonic(), "", 0
    with subprocess.Popen(command, env={**os.environ, "NONE": "-"}) as child:
        while child.poll() is None:
            time.sleep(_PROBE_SECONDS)
            peak = max(peak, anonymous_bytes(child.pid))
            ended = f"memory over {limit_bytes / 2**30:g} GiB" if peak > limit_bytes else ended
            ended = f"over {limit_seconds:g} s" if time.monotonic() - began > limit_seconds else ended
            if ended:
                child.kill()
                break
    shutil.rmtree(folder / "root" / STAGES[name](folder, rows).name, ignore_errors=True)
    if ended or not report.exists():
        return {"rows": rows, "ended": ended or f"failed with exit code {child.returncode}"}
    found = json.loads(report.read_text())
    return {
        "rows": rows,
        "seconds": round(found["seconds"], 2),
        "cpu_seconds": round(found["cpu_seconds"], 2),
        "rows_per_cpu_second": round(rows / found["cpu_seconds"]),
        "peak_mib": round(max(0, peak - found["held_bytes"]) / 2**20, 1),
        "held_before_mib": round(found["held_bytes"] / 2**20, 1),
        "kept": found.get("rows"),
        "rejected": found.get("rejected"),
    }


def anonymous_bytes(pid: int) -> int:
    """Resident memory without mapped files, whose pages the system takes back when it needs them; 0 of the dead."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def runs_of(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name in arguments.stages:
        runs: list[dict[str, Any]] = []
        for rows in sorted(arguments.rows):
            if runs and "ended" in runs[-1]:
                break
            runs.append(measured(name, rows, folder, int(arguments.gib * 2**30), arguments.seconds))
            print(name, json.dumps(runs[-1]), flush=True)
        yield name, runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 200_000])
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=list(STAGES))
    parser.add_argument("--gib", type=float, default=2.5, help="a stage that takes more is ended")
    parser.add_argument("--seconds", type=float, default=900.0, help="a stage that takes longer is ended")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        name, rows, where, told = arguments.child
        run_one(name, int(rows), Path(where), Path(told))
        return
    report: dict[str, Any] = {
        "benchmark": "scale",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
        "versions": {name: version(name) for name in ("pyarrow", "numpy", "ray")}
        | {"python": platform.python_version()},
        "modelled_rows": MODELLED_ROWS,
        "driver_gib": DRIVER_GIB,
        "teacher": {"seconds_a_unit": ANSWER_SECONDS, "unit_rows": UNIT_ROWS, "workers": TEACHER_WORKERS},
        "stages": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, runs in runs_of(arguments, Path(folder)):
            report["stages"][name] = {"runs": runs, **modelled(runs)}
            if arguments.out:
                arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
