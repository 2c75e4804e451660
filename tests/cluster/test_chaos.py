"""Machines are killed, drained and cut off at random for five minutes, while one run goes on. Nothing may be lost."""

import random
import sys
import time

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import House

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

SEEDS, SECONDS, MOST_JOBS = 10, 300, 12


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_machines_go_every_row_is_there_once(house: House, seed: int) -> None:
    chance, cluster = random.Random(seed), house.cluster
    run = house.run("--set", "corpus.invented=400", "--set", "train.max_steps=300")
    jobs = [cluster.submit(house.folder, *run)]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(chance.uniform(15, 45))
        if jobs[-1].ended() and jobs[-1].succeeded():
            break
        lose(cluster, chance)
        if jobs[-1].ended():
            jobs.append(cluster.submit(house.folder, *run))
    while not jobs[-1].succeeded():
        told = jobs[-1].told()
        assert "run the same command to go on" in told and len(jobs) < MOST_JOBS, told[-6000:]
        jobs.append(cluster.submit(house.folder, *run))
    assert len(cluster.lost) >= 3, "it was done before it was disturbed"
    house.verified()
    sys.stdout.write(f"seed {seed}: {len(jobs)} jobs; {'; '.join(cluster.lost)}; {house.redone()}\n")


def lose(cluster: Cluster, chance: random.Random) -> None:
    victim = chance.choice(cluster.workers)
    kind = chance.choice(("kill", "drain", "cut"))
    if kind == "kill":
        cluster.kill(victim)
    elif kind == "drain":
        cluster.drain(victim, chance.randint(5, 30))
    else:
        cluster.cut(victim, chance.uniform(5, 60))
    cluster.add()
