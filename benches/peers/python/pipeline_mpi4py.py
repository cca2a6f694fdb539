"""pipeline: each number of a grid depends on its neighbours above, on the left, and above left.

A row is the sum of the differences of the row above, from the left to the right. The ranks divide
the columns. A rank receives the last column of the rank on its left, a group of rows at a time.
"""

import numpy as np
from mpi4py import MPI

import peer

GROUP = 16


def main():
    world = MPI.COMM_WORLD
    problem = peer.begin_mpi(world, 2, 1 << 20)
    size, rank = problem.size, world.rank
    # If there are more ranks than columns to compute, the last ranks only wait.
    busy = min(problem.workers, size - 1)
    first, last = (peer.share(size - 1, busy, min(at, busy)) for at in (rank, rank + 1))
    left = rank - 1 if rank > 0 else MPI.PROC_NULL
    right = rank + 1 if rank + 1 < busy else MPI.PROC_NULL

    # Column 0 here is the last column of the rank on the left, or the first column of the grid.
    grid = np.zeros((size, last - first + 1))
    grid[0] = np.arange(float(first), last + 1)
    if rank == 0:
        grid[:, 0] = np.arange(float(size))
    column = np.zeros(GROUP)
    corner = grid[-1:, -1]

    iterations = peer.Iterations(problem, world.Barrier)
    for _ in iterations:
        for begin in range(1, size, GROUP) if rank < busy else ():
            end = min(begin + GROUP, size)
            part = column[: end - begin]
            if rank > 0:
                world.Recv(part, left)
                grid[begin:end, 0] = part
            for i in range(begin, end):
                row = grid[i]
                np.subtract(grid[i - 1, 1:], grid[i - 1, :-1], out=row[1:])
                np.cumsum(row, out=row)
            if right != MPI.PROC_NULL:
                part[:] = grid[begin:end, -1]
                world.Send(part, right)
        if rank == busy - 1 > 0:
            world.Send(corner, 0)
        if rank == 0:
            if busy > 1:
                world.Recv(grid[0, :1], busy - 1)
                grid[0, 0] = -grid[0, 0]
            else:
                grid[0, 0] = -corner[0]

    found = np.zeros(1)
    world.Reduce(corner if rank == busy - 1 else np.zeros(1), found)
    wrong = found[0] != (problem.iterations + 1) * (2 * size - 2)
    peer.end_mpi(
        world,
        iterations.seconds,
        "the corner is not (iterations + 1) * (2 * size - 2)" if wrong else None,
    )


if __name__ == "__main__":
    main()
