"""What a copy of a benchmark holds: sizes, label counts, repeated texts and leakage between splits."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from fsa_ray.evaluation.extraction import EntryTask
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Task


class Split(NamedTuple):
    """One split: items, gold labels (or polarities) counted, entries in all, items without any, repeated texts."""

    items: int
    labels: dict[str, int]
    entries: int
    empty: int
    repeated: int


class Sanity(NamedTuple):
    """A task's splits, texts that two splits share ("train/test" -> items of the second), and what is amiss."""

    task: str
    splits: dict[str, Split]
    leaks: dict[str, int]
    problems: list[str]


def sanity(task: Task, data_dir: str | Path) -> Sanity:
    """Report on all splits that are present. A wrong size, a leak and an absent split are problems, not errors;
    files that cannot be read raise ValueError. A task without known sizes has the splits that its folder holds."""
    loaded: dict[str, list[Item]] = {}
    problems: list[str] = []
    present = {path.stem: None for path in sorted((Path(data_dir) / task.folder).glob("*.json"))}
    for split, size in (task.sizes or present).items():
        if not all(path.is_file() for path in task.paths(data_dir, split)):
            problems.append(f"{split}: absent")
            continue
        loaded[split] = task.load(data_dir, split)
        if size is not None and len(loaded[split]) != size:
            problems.append(f"{split}: {len(loaded[split])} items instead of {size}")
    leaks: dict[str, int] = {}
    names = list(loaded)
    for n, earlier in enumerate(names):
        texts = {item.text for item in loaded[earlier]}
        for later in names[n + 1 :]:
            shared = sum(item.text in texts for item in loaded[later])
            if shared:
                leaks[f"{earlier}/{later}"] = shared
                problems.append(f"{shared} texts of {later} are in {earlier}")
    return Sanity(task.name, {name: _split(task, items) for name, items in loaded.items()}, leaks, problems)


def _split(task: Task, items: list[Item]) -> Split:
    labels = Counter(label for item in items for label in _labels(task, item))
    entries = sum(len(item.gold) for item in items if isinstance(item.gold, list))
    return Split(
        items=len(items),
        labels=dict(labels.most_common()),
        entries=entries,
        empty=sum(not item.gold for item in items),
        repeated=len(items) - len({item.text for item in items}),
    )


def _labels(task: Task, item: Item) -> list[str]:
    if isinstance(item.gold, str):
        return [item.gold]
    assert isinstance(task, EntryTask)
    return [entry[task.fields[-1]] for entry in item.gold]
