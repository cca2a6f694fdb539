"""do_something: random numbers in one array, with a seed for each block, by NumPy."""

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


def main():
    problem = peer.problem_or_exit(1, 1 << 40)
    numbers = np.zeros(problem.size)

    iterations = peer.Iterations(problem)
    for _ in iterations:
        for block, at in enumerate(range(0, problem.size, BLOCK)):
            fill_block(block, numbers[at : at + BLOCK])

    wrong = None if is_right(numbers) else "the sum of a block is not that of a serial run"
    peer.print_result(iterations.seconds, wrong)


if __name__ == "__main__":
    main()
