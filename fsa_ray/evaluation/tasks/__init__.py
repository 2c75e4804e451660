"""The twelve SentiBench tasks, one file each, and the table of all."""

from fsa_ray.evaluation.fsa import FSA_TASKS
from fsa_ray.evaluation.invented import INVENTED
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import (
    acsa_rest16,
    asqp_rest16,
    atsa_rest16,
    imdb,
    intimacy,
    irony18,
    opener,
    pstance,
    sst2,
    tweeteval,
    twitter,
    yelp2,
)
from fsa_ray.evaluation.unseen import read_task

TASKS: dict[str, Task] = {
    module.TASK.name: module.TASK
    for module in (
        imdb,
        yelp2,
        sst2,
        twitter,
        irony18,
        tweeteval,
        pstance,
        intimacy,
        atsa_rest16,
        acsa_rest16,
        asqp_rest16,
        opener,
    )
}

KNOWN: dict[str, Task] = {**TASKS, **FSA_TASKS}
"""All whose data lie in files of an official layout."""


def load_task(name: str) -> Task:
    """The known task of that name, or the one that a .yaml file defines; ValueError for another."""
    if name.endswith((".yaml", ".yml")):
        return read_task(name)
    known: dict[str, Task] = {**KNOWN, **INVENTED}
    if name not in known:
        raise ValueError(f"no task {name!r}; tasks: {', '.join(known)}; or the path of a task's .yaml")
    return known[name]
