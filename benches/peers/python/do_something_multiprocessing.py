"""do_something: random numbers in one array, with a seed for each block.

The processes divide the blocks. The array is in shared memory, so they need not hand it back.
"""

from multiprocessing.sharedctypes import RawArray

import numpy as np

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


def work(team, worker, raw_numbers):
    numbers = np.frombuffer(raw_numbers)
    blocks, workers = -(-len(numbers) // BLOCK), team.problem.workers
    own = range(peer.share(blocks, workers, worker), peer.share(blocks, workers, worker + 1))
    for _ in team.iterations(worker):
        for block in own:
            fill_block(block, numbers[block * BLOCK : (block + 1) * BLOCK])


def main():
    problem = peer.problem_or_exit(1, 1 << 40)
    raw_numbers = RawArray("d", problem.size)
    seconds = peer.Team(problem).run(work, raw_numbers)
    right = is_right(np.frombuffer(raw_numbers))
    peer.print_result(seconds, None if right else "the sum of a block is not that of a serial run")


if __name__ == "__main__":
    main()
