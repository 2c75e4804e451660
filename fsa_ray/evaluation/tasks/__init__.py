"""The twelve SentiBench tasks, one file each, and the table of all."""

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


def load_task(name: str) -> Task:
    """The task of that name; ValueError listing the names for an unknown one."""
    if name not in TASKS:
        raise ValueError(f"no task {name!r}; tasks: {', '.join(TASKS)}")
    return TASKS[name]
