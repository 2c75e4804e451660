"""From what the user names to what it stands for."""

from pathlib import Path

from fsa_ray.core.pipeline import RunIndex
from fsa_ray.core.placement import Placement
from fsa_ray.recipes.table import Plan, build
from fsa_ray.storage.folder import Folder


def placement_at(path: Path | None) -> Placement:
    return Placement() if path is None else Placement.read(path)


def run_called(root: Folder, name: str) -> tuple[RunIndex, Plan]:
    """The index of a named run and the pipeline that it stands for. Raises ValueError listing the known names."""
    index = RunIndex.read(root, name)
    if index is None:
        names = RunIndex.names(root)
        known = f"there are: {', '.join(names)}" if names else f"nothing has run under {root.url} yet"
        raise ValueError(f"no run is called {name!r} here; {known} (another place? use --root)")
    return index, build(index.spec, f"the spec of run {name}")
