"""stencil: out += star of radius 2 over in, on the interior of a grid; then in += 1.

Each rank holds a band of rows. It receives the two rows above its band and the two rows below it,
the halo, before it computes.
"""

import numpy as np
from mpi4py import MPI

import peer

RADIUS = 2
WEIGHT = {1: 0.25, 2: 0.125}


def main():
    world = MPI.COMM_WORLD
    problem = peer.begin_mpi(world, 2 * RADIUS + 1, 1 << 20)
    size, rank = problem.size, world.rank
    # A band needs as many rows as its neighbours' halos. If there are too few rows, the last
    # ranks hold no band.
    busy = min(problem.workers, size // RADIUS)
    first, last = (min(peer.share(size, busy, at), size) for at in (rank, rank + 1))
    rows = last - first
    above = rank - 1 if 0 < rank < busy else MPI.PROC_NULL
    below = rank + 1 if rank + 1 < busy else MPI.PROC_NULL

    # Row i of the band is row i + RADIUS here, so that the halo fits around it.
    grid_in = np.zeros((rows + 2 * RADIUS, size))
    grid_out = np.zeros((rows + 2 * RADIUS, size))
    band = grid_in[RADIUS : rows + RADIUS]
    band[:] = np.add.outer(np.arange(float(first), last), np.arange(float(size)))

    # The rows of the band that lie in the interior of the grid. There may be none.
    top = max(RADIUS, 2 * RADIUS - first)
    bottom = max(min(rows + RADIUS, size - first), top)
    inner, columns = slice(top, bottom), slice(RADIUS, size - RADIUS)
    out = grid_out[inner, columns]
    # Without this array, NumPy would allocate several in each iteration.
    star = np.zeros_like(out)

    iterations = peer.Iterations(problem, world.Barrier)
    for _ in iterations:
        MPI.Request.Waitall(
            [
                world.Irecv(grid_in[:RADIUS], above),
                world.Irecv(grid_in[rows + RADIUS :], below),
                world.Isend(grid_in[RADIUS : 2 * RADIUS], above),
                world.Isend(grid_in[rows : rows + RADIUS], below),
            ]
        )
        for r, weight in WEIGHT.items():
            west, east = slice(RADIUS - r, size - RADIUS - r), slice(RADIUS + r, size - RADIUS + r)
            np.subtract(grid_in[inner, east], grid_in[inner, west], out=star)
            star += grid_in[top + r : bottom + r, columns]
            star -= grid_in[top - r : bottom - r, columns]
            star *= weight
            out += star
        band += 1.0

    total = np.zeros(1)
    world.Reduce(np.array([np.abs(out).sum()]), total)
    mean = total[0] / (size - 2 * RADIUS) ** 2
    wrong = mean != 2.0 * (problem.iterations + 1)
    peer.end_mpi(
        world,
        iterations.seconds,
        "the mean of the result is not 2 * (iterations + 1)" if wrong else None,
    )


if __name__ == "__main__":
    main()
