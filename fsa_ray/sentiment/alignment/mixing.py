"""Which records are about tasks other than sentiment."""

import math

import numpy as np
import numpy.typing as npt

from fsa_ray.sentiment.hashes import mix


def mixed(count: int, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """For each of `count` records whether it is of another task (count,): exactly `share` of them, rounded.

    A larger share marks the same records and more. Errors: ValueError if count is negative or share is not 0 to 1.
    """
    if count < 0 or not 0.0 <= share <= 1.0:
        raise ValueError(f"cannot mix a share of {share} into {count} records: the share must be from 0 to 1")
    start = mix(np.array([seed % 2**64], np.uint64))
    order = np.argsort(mix(np.arange(count, dtype=np.uint64) ^ start), kind="stable")
    chosen = np.zeros(count, np.bool_)
    chosen[order[: math.floor(count * share + 0.5)]] = True
    return chosen
