"""do_something: random numbers with a seed for each block, by ranks that divide the blocks.

Rank 0 gathers the numbers.
"""

import numpy as np
from mpi4py import MPI

import peer

BLOCK = 4096


def fill_block(block, numbers):
    """Fills a block with random numbers from 0 up to but not including 1."""
    np.random.Generator(np.random.PCG64(block)).random(out=numbers)


def is_right(numbers):
    """Compares the sum of each block with that of a serial run."""
    for block, at in enumerate(range(0, len(numbers), BLOCK)):
        part = numbers[at : at + BLOCK]
        again = np.zeros(len(part))
        fill_block(block, again)
        if part.sum() != again.sum():
            return False
    return True


def main():
    world = MPI.COMM_WORLD
    # MPI counts the numbers in an int.
    problem = peer.begin_mpi(world, 1, (1 << 31) - 1)
    size, rank = problem.size, world.rank
    blocks = -(-size // BLOCK)
    bounds = [peer.share(blocks, world.size, at) for at in range(world.size + 1)]
    starts = [min(bound * BLOCK, size) for bound in bounds]
    counts = [end - begin for begin, end in zip(starts, starts[1:])]
    # Rank 0 has the first blocks, so it makes its own numbers where they belong.
    numbers = np.zeros(size if rank == 0 else counts[rank])

    iterations = peer.Iterations(problem, world.Barrier)
    for _ in iterations:
        for at in range(0, counts[rank], BLOCK):
            block = (starts[rank] + at) // BLOCK
            fill_block(block, numbers[at : min(at + BLOCK, counts[rank])])
        if rank == 0:
            world.Gatherv(MPI.IN_PLACE, [numbers, (counts, starts[:-1])])
        else:
            world.Gatherv(numbers, None)

    right = rank != 0 or is_right(numbers)
    wrong = None if right else "the sum of a block is not that of a serial run"
    peer.end_mpi(world, iterations.seconds, wrong)


if __name__ == "__main__":
    main()
