"""From which checkpoint a run goes on."""

import logging
import uuid
from dataclasses import dataclass

import torch
import torch.distributed as dist

from fsa_ray.storage.folder import Folder
from fsa_ray.training import checkpoints
from fsa_ray.training.checkpoints import Complete

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """`attempt` is new each time and the same in all workers."""

    attempt: str
    found: Complete | None


def start_of(progress: Folder, identity: str, device: torch.device) -> Start:
    """The newest complete checkpoint whose digests hold; what is newer, or not complete, is removed. Collective.
    ValueError for a checkpoint of another run."""
    rank = dist.get_rank()
    told = [(uuid.uuid4().hex, list(checkpoints.complete(progress)) if rank == 0 else [])]
    dist.broadcast_object_list(told, device=device)
    attempt, found = told[0]
    for each in found:
        checkpoints.refuse_stranger(each, identity)
    while found and not _is_sound(found[0], device):
        log.warning("%s is damaged: a file does not have its digest; passed over", found[0].folder.url)
        found = found[1:]
    if rank == 0:
        checkpoints.remove_all_but(progress, found)
    dist.barrier()
    return Start(attempt, found[0] if found else None)


def _is_sound(found: Complete, device: torch.device) -> bool:
    """Each worker looks at a share of the parts."""
    mine = found.parts[dist.get_rank() :: dist.get_world_size()]
    sound = torch.tensor(int(checkpoints.is_sound(found, mine)), device=device)
    dist.all_reduce(sound, dist.ReduceOp.MIN)
    return bool(sound)
