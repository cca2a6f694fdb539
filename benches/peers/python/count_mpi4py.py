"""count: tasks that each count to the grain, by ranks that divide the tasks.

All tasks take the same time, so each rank has a fixed share, which needs no messages.
"""

import numpy as np
from mpi4py import MPI

import peer

# Python's numbers have no limit, so they are cut to 64 bits.
BITS = (1 << 64) - 1


def task(grain):
    x, steps = 1, 0
    while steps < grain:
        x ^= x << 13 & BITS
        x ^= x >> 7
        x ^= x << 17 & BITS
        steps += x != 0
    return steps


def main():
    world = MPI.COMM_WORLD
    problem = peer.begin_mpi(world, 1, 1 << 31)
    share = peer.share(problem.size, problem.workers, world.rank)
    tasks = range(share, peer.share(problem.size, problem.workers, world.rank + 1))
    own, total = np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.uint64)
    errors = 0
    iterations = peer.Iterations(problem)
    for _ in iterations:
        own[0] = sum(task(problem.grain) for _ in tasks)
        # No rank has the sum before all ranks have done their share, so this is also the barrier.
        world.Allreduce(own, total)
        errors += total[0] != problem.size * problem.grain

    wrong = "the tasks of an iteration did not count to size * grain" if errors else None
    peer.end_mpi(world, iterations.seconds, wrong)


if __name__ == "__main__":
    main()
