"""Train a model on a packed corpus."""

from typing import Any, ClassVar

from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.stages.model import Model, local_path
from fsa_ray.stages.pack import Corpus
from fsa_ray.stages.tokenizer import Tokenizer
from fsa_ray.training.settings import ModelSource, TrainJob, TrainSettings


class Train(Stage[Model]):
    """From the weights of `start`, or from a new model of `config` with `tokenizer`, whose size sets the vocabulary."""

    name: ClassVar[str] = "train"
    version: ClassVar[int] = 1
    costly: ClassVar[bool] = True

    corpus: Stage[Corpus]
    settings: TrainSettings
    start: Stage[Model] | None = None
    config: dict[str, Any] | None = None
    tokenizer: Stage[Tokenizer] | None = None

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
            out=ctx.out / "model",
            progress=ctx.progress / "checkpoints",
        )
        outcome = train(job, ctx.placement.section("train", TrainPlacement))
        ctx.measure(**{key: float(value) for key, value in outcome.model_dump(exclude={"files"}).items()})
        curve = next(file for file in outcome.files if file.key.endswith("metrics.jsonl"))
        return Model(
            files=tuple(file for file in outcome.files if file is not curve),
            parameters=outcome.parameters,
            curve=curve,
        )

    def _sources(self, ctx: StageContext) -> tuple[ModelSource, ModelSource | None]:
        if self.start is not None:
            model = ctx.load(self.start)
            path = local_path(ctx.root, model)
            return ModelSource(path=path, trust_remote_code=model.trust_remote_code), None
        assert self.config is not None and self.tokenizer is not None
        tokenizer = ModelSource(files=ctx.load(self.tokenizer).files)
        config = {**self.config, "vocab_size": _vocabulary(ctx, tokenizer)}
        return ModelSource(config=config, seed=self.settings.seed), tokenizer


def _vocabulary(ctx: StageContext, tokenizer: ModelSource) -> int:
    """Tokens of a tokenizer, rounded up to a multiple of 64: kernels like it, and no token has those ids."""
    import json

    (file,) = (file for file in tokenizer.files if file.key.endswith("/tokenizer.json"))
    document = json.loads(ctx.root.get(file.key))
    ids = [*document["model"]["vocab"].values(), *(token["id"] for token in document["added_tokens"])]
    tokens: int = max(ids) + 1
    return -(-tokens // 64) * 64
