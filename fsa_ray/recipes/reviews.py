"""The reviews of a run: read or invented, deduplicated, and free of what models are tested on."""

from typing import Any

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.spec import Spec
from fsa_ray.stages.decontaminate import Decontaminate
from fsa_ray.stages.deduplicate import Deduplicate
from fsa_ray.stages.ingest import Ingest
from fsa_ray.stages.invent import Invent


def reviews_of(
    spec: Spec, stages: dict[str, Stage[Any]], texts: Stage[Rows] | None, seen: list[Stage[Rows]]
) -> Stage[Rows]:
    """Ingested, deduplicated, and free of `texts`, on which models are tested, and of what the teacher has seen."""
    source = _source(spec)
    stages["ingest"] = source
    near = spec.deduplicate
    stages["deduplicate"] = reviews = Deduplicate(
        reviews=source, near=near.near, similarity=near.similarity, seed=spec.seed
    )
    against = tuple(stage for stage in (texts, *seen) if stage is not None)
    if not against:
        return reviews
    stages["decontaminate"] = clean = Decontaminate(reviews=reviews, against=against, ngram=spec.decontaminate.ngram)
    return clean


def unfiltered(spec: Spec) -> str | None:
    """A warning for reviews that no evaluation text is held against."""
    evaluation = spec.evaluate
    if spec.corpus.path is None or evaluation.data is not None or evaluation.invented is not None:
        return None
    return (
        "the reviews are filtered against no evaluation text; if you will test on a benchmark, give its folder as "
        "evaluate.data, with evaluate.tasks"
    )


def _source(spec: Spec) -> Stage[Rows]:
    corpus = spec.corpus
    if corpus.path is None:
        assert corpus.invented is not None
        count = min(corpus.invented, corpus.limit or corpus.invented)
        return Invent(count=count, split="corpus", seed=spec.seed)
    rules = corpus.model_dump(include={"min_chars", "max_chars", "languages", "mask", "limit"})
    columns = corpus.model_dump(include={"text_column", "id_column", "domain_column"})
    return Ingest.at(corpus.path, **columns, **rules, seed=spec.seed)
