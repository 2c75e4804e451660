"""What each train worker reads before it needs the others."""

from dataclasses import dataclass

import torch.distributed as dist

from fsa_ray.engine.train import TrainPlacement
from fsa_ray.training.batches import StepRows, accumulation
from fsa_ray.training.pair_lm import PairLM
from fsa_ray.training.pair_rows import PairRows
from fsa_ray.training.rows import Rows, read_rows
from fsa_ray.training.settings import TrainJob
from fsa_ray.training.student import Student, load_student


@dataclass(frozen=True)
class Loaded:
    """What a worker has read by itself."""

    rows: Rows
    order: StepRows
    dev: Rows | None
    lm: Student
    digest: str | None  # of the weights as they start, by rank 0


def load_together(job: TrainJob, placement: TrainPlacement) -> Loaded:
    """ValueError in every worker if it is one in any: the others would wait for that one for as long as they may."""
    loaded, mistake = None, None
    try:
        loaded = _load(job, placement)
    except ValueError as error:
        mistake = str(error)
    mistakes: list[str | None] = [None] * dist.get_world_size()
    dist.all_gather_object(mistakes, mistake)
    for rank, told in enumerate(mistakes):
        if told is not None:
            everywhere = all(one == told for one in mistakes)
            raise ValueError(told if everywhere else f"{told} (told by rank {rank} of {len(mistakes)} workers)")
    assert loaded is not None
    return loaded


def _load(job: TrainJob, placement: TrainPlacement) -> Loaded:
    """ValueError for a user's mistake, which this worker may be the only one to see: a path may lead to other files on
    another machine. No other worker is needed."""
    settings = job.settings
    accumulation(settings.global_batch, dist.get_world_size(), placement.micro_batch)
    rows = read_rows(job.root, job.corpus)
    order = StepRows(len(rows), settings.global_batch, settings.seed)
    lm, digest = load_student(job, placement, digest=dist.get_rank() == 0)
    if digest is not None and job.begins_with not in (None, digest):
        raise ValueError(
            f"the weights to start from have digest {digest}; when they were made it was {job.begins_with}: "
            "a file was changed since"
        )
    dev = None if job.dev is None else read_rows(job.root, job.dev)
    if dev is not None and not len(dev):
        raise ValueError("watch: no example to look at is short enough to be read; hold out more, or allow longer ones")
    for corpus in (rows, dev):
        if corpus is not None:
            refuse_strange(corpus, lm)
    if settings.watch is not None and dev is None:
        raise ValueError("watch: this training has no examples to look at; leave the section out")
    if settings.soft_labels is not None and rows.soft is None:
        raise ValueError("soft_labels: no example of the corpus has the teacher's probabilities of label words")
    return Loaded(rows, order, dev, lm, digest)


def refuse_strange(rows: Rows, lm: Student) -> None:
    """Raises ValueError for rows that this kind of model does not read, or tokens that it does not know."""
    if isinstance(rows, PairRows) != isinstance(lm, PairLM):
        kind = "an encoder-decoder" if isinstance(lm, PairLM) else "a causal model"
        held = "pairs of texts" if isinstance(rows, PairRows) else "packed rows"
        raise ValueError(
            f"the student ({lm.model.config.model_type}) is {kind}, but the corpus holds {held}; "
            "the recipe fsa trains encoder-decoders on pairs, all others train causal models on packed rows"
        )
    known = lm.model.get_input_embeddings().num_embeddings
    if rows.highest_token >= known:
        raise ValueError(
            f"the corpus has token id {rows.highest_token}, the model knows {known}: "
            "pack with the tokenizer of the model that is trained"
        )
