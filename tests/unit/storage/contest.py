"""A driver commits while another takes its stage over."""

import threading
import time

from fsa_ray.storage.claim import Claim, ClaimHeld, ClaimLost
from fsa_ray.storage.folder import Folder


def contest(place: Folder, delay: float) -> None:
    """The commit begins `delay` seconds after the take-over. Asserts that not both succeed. Everybody must seem silent:
    LEASE_SECONDS below zero."""
    barrier, outcome = threading.Barrier(2), []
    claim = Claim.take(place)

    def take_over() -> None:
        barrier.wait()
        try:
            with Claim.take(place) as other:
                outcome.append(("taken", other.generation, place.exists("record.json")))
        except ClaimHeld:
            outcome.append(("held", 0, False))

    rival = threading.Thread(target=take_over)
    rival.start()
    barrier.wait()
    time.sleep(delay)
    try:
        claim.commit("record.json", b"ours")
        committed = True
    except ClaimLost:
        committed = False
    rival.join()
    claim.__exit__(None, None, None)
    ((kind, generation, saw_record),) = outcome
    if committed:  # a rival that comes after the seal must see the record
        assert kind == "held" or (generation == 3 and saw_record)
    else:
        assert (kind, generation) == ("taken", 2)
        assert not place.exists("record.json")
