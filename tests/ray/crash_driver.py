"""A driver to be killed: asks a tiny model about rows, and notes each row that it asks about in the file `asked`."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fsa_ray.engine.placement import EnginePlacement, RayPlacement
from fsa_ray.engine.question import Question
from fsa_ray.engine.run_units import ask
from fsa_ray.engine.session import ModelSettings, Session
from fsa_ray.engine.units import UnitFolder
from fsa_ray.storage.folder import Folder
from tests.ray.echo import Echo, source

ROWS = 400
PLACEMENT = EnginePlacement(unit_rows=10, max_num_seqs=32)


@dataclass(frozen=True)
class Noted(Echo):
    notes: str = ""

    def questions(self, rows: pa.Table) -> list[Question]:
        with Path(self.notes).open("a") as notes:
            notes.write("".join(f"{row_id}\n" for row_id in rows["id"].to_pylist()))
        return super().questions(rows)


def main(folder: str, model: str, address: str = "local") -> None:
    root = Folder(folder)
    units = UnitFolder.open(root, root / "work", source(root, ROWS), PLACEMENT.unit_rows)
    with Session(RayPlacement(address=address, open=True)) as session:
        engine = session.engine(ModelSettings(model=model, dtype="float32", max_model_len=128), PLACEMENT)
        assert ask(units, Noted(output_tokens=64, notes=str(Path(folder) / "asked")), engine).finished


if __name__ == "__main__":
    main(*sys.argv[1:])
