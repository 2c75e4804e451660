"""Which stages the report accounts for."""

from pathlib import Path

import pytest
import yaml

from fsa_ray.recipes.table import build
from fsa_ray.stages.funnel import UNITS

JOBS = Path(__file__).parents[3] / "jobs"
NOT_OF_THE_CORPUS = {"teacher-pack"}
"""What a teacher made here learns from is invented and has no rejects of interest."""


@pytest.mark.parametrize("job", ["demo", "targeted", "compeffdist", "joint", "fsa"])
def test_the_last_step_is_what_the_student_learned_from_and_no_corpus_is_left_out(job: str) -> None:
    stages = build(yaml.safe_load((JOBS / f"{job}.yaml").read_text("utf-8")), job).pipeline.stages
    shown = [label for label in UNITS if label in stages]
    learned = {stage.fingerprint for stage in stages["student"].inputs().values()}
    assert stages[shown[-1]].fingerprint in learned
    corpora = {label for label, stage in stages.items() if stage.name in ("pack", "pair")}
    assert corpora <= {*shown, *NOT_OF_THE_CORPUS}
