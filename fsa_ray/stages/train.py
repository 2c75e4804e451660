"""Train a model on a packed corpus."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from fsa_ray.core.goodput import goodput
from fsa_ray.core.placement import Placement
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import write_file
from fsa_ray.reporting.contents import Fact
from fsa_ray.sentiment.prompts import prompt
from fsa_ray.stages.model import GivenModel, HubModel, Model
from fsa_ray.stages.pack import Corpus
from fsa_ray.stages.pair import Pair
from fsa_ray.stages.tokenizer import Tokenizer
from fsa_ray.training.settings import ModelSource, TrainJob, TrainSettings


class Train(Stage[Model]):
    """From the weights of `start`, or from a new model of `config` with `tokenizer`, whose size sets the vocabulary.

    A `start` with a `tokenizer` of its own gets embeddings for what that adds. `dev` is looked at, as `settings.watch`
    says. The weights that a start of ours had when it was made are those that training begins with, or it fails.
    """

    name: ClassVar[str] = "train"
    version: ClassVar[int] = 1
    costly: ClassVar[bool] = True

    corpus: Stage[Corpus]
    settings: TrainSettings
    start: Stage[Model] | None = None
    config: dict[str, Any] | None = None
    tokenizer: Stage[Tokenizer] | None = None
    dev: Stage[Corpus] | None = None

    def check_placement(self, placement: Placement) -> None:
        from fsa_ray.engine.train import TrainPlacement
        from fsa_ray.training.batches import group_sizes

        where = placement.section("train", TrainPlacement)
        group_sizes(self.settings.global_batch, where.workers, where.min_workers, where.micro_batch)

    def run(self, ctx: StageContext) -> Model:
        from fsa_ray.engine.train import TrainPlacement
        from fsa_ray.stages.serving import session
        from fsa_ray.training.run import train

        corpus = ctx.load(self.corpus)
        session(ctx)
        source, tokenizer = self._sources(ctx)
        job = TrainJob(
            settings=self.settings,
            model=source,
            tokenizer=tokenizer,
            root=ctx.root,
            corpus=corpus.packed,
            dev=None if self.dev is None else ctx.load(self.dev).packed,
            out=ctx.out / "model",
            progress=ctx.progress / "checkpoints",
            begins_with=None if self.start is None else ctx.load(self.start).weights,
        )
        outcome = train(job, ctx.placement.section("train", TrainPlacement), ctx.tell)
        measures = outcome.model_dump(exclude={"files", "digest", "start_digest"}, exclude_none=True)
        ctx.measure(goodput=goodput(outcome.steps, outcome.steps_redone))
        ctx.measure(**{key: float(value) for key, value in measures.items()})
        card = write_file(ctx.root, ctx.out / "model", "README.md", self._card(outcome.parameters).encode("utf-8"))
        curve = next(file for file in outcome.files if file.key.endswith("metrics.jsonl"))
        return Model(
            files=(*(file for file in outcome.files if file is not curve), card),
            parameters=outcome.parameters,
            curve=curve,
            weights=outcome.digest,
            began_with=outcome.start_digest,
        )

    def _card(self, parameters: int) -> str:
        from fsa_ray.reporting.card import CardFacts, model_card

        start = self.start
        return model_card(
            CardFacts(
                name=f"fsa_ray {self.fingerprint[:12]}",
                stage=self.folder,
                created=datetime.now(UTC),
                teacher=None,
                base=None if start is None else _called(start),
                parameters=parameters,
                training=tuple(
                    Fact(label=key.replace("_", " "), value=str(value))
                    for key, value in self.settings.model_dump(exclude_none=True).items()
                ),
                prompts=(Fact(label="analysis", value=prompt("analysis", "compact").render("THE REVIEW")),),
                encoder_decoder=isinstance(self.corpus, Pair),
            )
        )

    def _sources(self, ctx: StageContext) -> tuple[ModelSource, ModelSource | None]:
        tokenizer = None if self.tokenizer is None else ModelSource(files=ctx.load(self.tokenizer).files)
        if self.start is not None:
            return _source(ctx.load(self.start)), tokenizer
        assert self.config is not None and tokenizer is not None
        config = {**self.config, "vocab_size": _vocabulary(ctx, tokenizer)}
        return ModelSource(config=config, seed=self.settings.seed), tokenizer


def _called(start: Stage[Model]) -> str:
    """For readers elsewhere, who have nothing of a path here."""
    if isinstance(start, HubModel):
        return start.repository
    return Path(start.path).name if isinstance(start, GivenModel) else f"{start.folder} of the same root"


def _source(model: Model) -> ModelSource:
    """Where each worker finds the model. A path must lead to the same files on every node."""
    if model.files:
        return ModelSource(files=model.files, trust_remote_code=model.trust_remote_code)
    where = model.path if model.path is not None else model.repository
    return ModelSource(path=where, revision=model.revision, trust_remote_code=model.trust_remote_code)


def _vocabulary(ctx: StageContext, tokenizer: ModelSource) -> int:
    """Tokens of a tokenizer, rounded up to a multiple of 64: kernels like it, and no token has those ids."""
    import json

    (file,) = (file for file in tokenizer.files if file.key.endswith("/tokenizer.json"))
    document = json.loads(ctx.root.get(file.key))
    ids = [*document["model"]["vocab"].values(), *(token["id"] for token in document["added_tokens"])]
    tokens: int = max(ids) + 1
    return -(-tokens // 64) * 64
