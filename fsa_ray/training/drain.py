"""Whether one of the group's machines is going."""

from ray.train.v2._internal.execution.context import get_train_context


def is_drained() -> bool:
    """What Ray Train's watcher has told this worker. `ray.train.get_preemption_info` tells all workers the same, by
    way of an actor and at the cost of waiting for it in each step; here a sum that they make anyway does that."""
    return get_train_context().preemption_context.preemption_info is not None
