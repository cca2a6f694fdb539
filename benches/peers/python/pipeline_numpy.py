"""pipeline: each number of a grid depends on its neighbours above, on the left, and above left.

A row is the sum of the differences of the row above, from the left to the right.
"""

import numpy as np

import peer


def main():
    problem = peer.problem_or_exit(2, 1 << 20)
    size = problem.size
    grid = np.zeros((size, size))
    grid[0] = grid[:, 0] = np.arange(float(size))

    iterations = peer.Iterations(problem)
    for _ in iterations:
        for above, row in zip(grid, grid[1:]):
            np.subtract(above[1:], above[:-1], out=row[1:])
            np.cumsum(row, out=row)
        grid[0, 0] = -grid[-1, -1]

    wrong = grid[-1, -1] != (problem.iterations + 1) * (2 * size - 2)
    peer.print_result(
        iterations.seconds,
        "the corner is not (iterations + 1) * (2 * size - 2)" if wrong else None,
    )


if __name__ == "__main__":
    main()
