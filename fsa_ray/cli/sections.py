"""The sections that a placement file may have."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel

from fsa_ray.core.explain import suggest
from fsa_ray.core.placement import Placement
from fsa_ray.core.prices import Prices
from fsa_ray.engine.endpoint import EndpointPlacement
from fsa_ray.engine.placement import EnginePlacement, RayPlacement
from fsa_ray.engine.scorer import ScorePlacement
from fsa_ray.engine.seq2seq import Seq2SeqPlacement
from fsa_ray.engine.train import TrainPlacement

SECTIONS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "ray": RayPlacement,
        "engine": EnginePlacement,
        "endpoint": EndpointPlacement,
        "score": ScorePlacement,
        "seq2seq": Seq2SeqPlacement,
        "train": TrainPlacement,
        "prices": Prices,
    }
)


def read_placement(path: Path) -> Placement:
    """Raises ValueError naming the file, the section and the key that are wrong, and what may have been meant."""
    placement = Placement.read(path)
    for name in placement.sections:
        if name not in SECTIONS:
            raise ValueError(f"{path}: no section is called {name!r}; {suggest(name, SECTIONS)}")
        placement.section(name, SECTIONS[name])
    return placement
