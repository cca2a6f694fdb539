"""stencil: out += star of radius 2 over in, on the interior of a grid; then in += 1.

The processes divide the rows of the grids, which are in shared memory.
"""

from multiprocessing.sharedctypes import RawArray

import numpy as np

import peer

RADIUS = 2
WEIGHT = {1: 0.25, 2: 0.125}


def work(team, worker, raw_in, raw_out):
    size, workers = team.problem.size, team.problem.workers
    grid_in = np.frombuffer(raw_in).reshape(size, size)
    grid_out = np.frombuffer(raw_out).reshape(size, size)
    first, last = peer.share(size, workers, worker), peer.share(size, workers, worker + 1)
    band = grid_in[first:last]
    band[:] = np.add.outer(np.arange(float(first), last), np.arange(float(size)))
    grid_out[first:last] = 0.0

    # The rows of this worker that lie in the interior of the grid. There may be none.
    top = max(first, RADIUS)
    bottom = max(min(last, size - RADIUS), top)
    rows, columns = slice(top, bottom), slice(RADIUS, size - RADIUS)
    out = grid_out[rows, columns]
    # Without this array, NumPy would allocate several in each iteration.
    star = np.zeros_like(out)

    for _ in team.iterations(worker):
        for r, weight in WEIGHT.items():
            west, east = slice(RADIUS - r, size - RADIUS - r), slice(RADIUS + r, size - RADIUS + r)
            np.subtract(grid_in[rows, east], grid_in[rows, west], out=star)
            star += grid_in[top + r : bottom + r, columns]
            star -= grid_in[top - r : bottom - r, columns]
            star *= weight
            out += star
        # No worker may increase a row that another worker still reads.
        team.barrier.wait()
        band += 1.0


def main():
    problem = peer.problem_or_exit(2 * RADIUS + 1, 1 << 20)
    size = problem.size
    raw_in, raw_out = (RawArray("d", size * size) for _ in range(2))
    seconds = peer.Team(problem).run(work, raw_in, raw_out)

    inside = slice(RADIUS, size - RADIUS)
    out = np.frombuffer(raw_out).reshape(size, size)[inside, inside]
    wrong = np.abs(out).sum() / out.size != 2.0 * (problem.iterations + 1)
    peer.print_result(
        seconds, "the mean of the result is not 2 * (iterations + 1)" if wrong else None
    )


if __name__ == "__main__":
    main()
