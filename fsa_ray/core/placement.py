"""Where stages run: everything that does not change a result. Read from YAML, never a field of a stage."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from fsa_ray.core.explain import explain

M = TypeVar("M", bound=BaseModel)


class Placement(BaseModel):
    """Sections by name (`ray`, `engine`, `score`, `train`, `prices`, …). Who uses a section knows its type."""

    model_config = ConfigDict(frozen=True)

    source: str = "defaults"
    sections: dict[str, dict[str, Any]] = {}

    @classmethod
    def read(cls, path: Path) -> "Placement":
        """Raises ValueError naming the file if it is not a mapping of mappings."""
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise ValueError(f"{path}: {error}") from error
        if not isinstance(document, dict) or not all(isinstance(value, dict) for value in document.values()):
            raise ValueError(f"{path}: expected sections such as `train:` with settings below each")
        return cls(source=str(path), sections=document)

    def section(self, name: str, model: type[M]) -> M:
        """Raises ValueError naming file, key and a suggestion."""
        try:
            return model.model_validate(self.sections.get(name, {}))
        except ValidationError as error:
            raise ValueError(explain(error, model, f"{self.source}, section {name}")) from error
