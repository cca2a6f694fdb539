"""pipeline: each number of a grid depends on its neighbours above, on the left, and above left.

A row is the sum of the differences of the row above, from the left to the right. The processes
divide the columns of the grid, which is in shared memory. A process begins a group of rows when the
process on its left has done that group.
"""

import multiprocessing
from multiprocessing.sharedctypes import RawArray

import numpy as np

import peer

GROUP = 16


def work(team, worker, raw_grid, done):
    """`done[w]` has a permit for each group of w that the next worker has not begun."""
    size = team.problem.size
    busy = len(done)
    grid = np.frombuffer(raw_grid).reshape(size, size)
    # If there are more workers than columns to compute, the last workers only wait.
    first, last = (1 + peer.share(size - 1, busy, min(at, busy)) for at in (worker, worker + 1))
    left, own = grid[:, first - 1], grid[:, first:last]

    for _ in team.iterations(worker):
        for begin in range(1, size, GROUP) if worker < busy else ():
            if worker > 0:
                done[worker - 1].acquire()
            for i in range(begin, min(begin + GROUP, size)):
                row = own[i]
                np.subtract(grid[i - 1, first:last], grid[i - 1, first - 1 : last - 1], out=row)
                row[0] += left[i]
                np.cumsum(row, out=row)
            if worker < busy - 1:
                done[worker].release()
        if worker == busy - 1:
            grid[0, 0] = -grid[-1, -1]


def main():
    problem = peer.problem_or_exit(2, 1 << 20)
    size = problem.size
    raw_grid = RawArray("d", size * size)
    grid = np.frombuffer(raw_grid).reshape(size, size)
    grid[0] = grid[:, 0] = np.arange(float(size))
    done = [multiprocessing.Semaphore(0) for _ in range(min(problem.workers, size - 1))]
    seconds = peer.Team(problem).run(work, raw_grid, done)

    wrong = grid[-1, -1] != (problem.iterations + 1) * (2 * size - 2)
    peer.print_result(
        seconds, "the corner is not (iterations + 1) * (2 * size - 2)" if wrong else None
    )


if __name__ == "__main__":
    main()
