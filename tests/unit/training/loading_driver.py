"""One of two train workers that load a student: `loading_driver.py FOLDER RANK PATH`, the latter of its model."""

import sys
from datetime import timedelta
from pathlib import Path

import torch.distributed as dist

from fsa_ray.engine.train import TrainPlacement
from fsa_ray.storage.folder import Folder
from fsa_ray.training.loading import load_together
from fsa_ray.training.settings import ModelSource
from tests.ray.train_driver import job


def main(folder: str, rank: str, path: str) -> None:
    given = job(Folder(folder), "loading").model_copy(update={"model": ModelSource(path=path)})
    meeting = dist.FileStore(str(Path(folder) / "meeting"), 2)
    dist.init_process_group("gloo", store=meeting, rank=int(rank), world_size=2, timeout=timedelta(seconds=60))
    try:
        load_together(given, TrainPlacement(workers=2, micro_batch=2))
    except ValueError as error:
        sys.stdout.write(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
