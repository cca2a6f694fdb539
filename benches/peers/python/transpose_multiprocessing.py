"""transpose: B += transpose of A; A += 1.

The processes divide the rows of B, and with them the columns of A. Both are in shared memory.
"""

from multiprocessing.sharedctypes import RawArray

import numpy as np

import peer


def work(team, worker, raw_a, raw_b):
    size, workers = team.problem.size, team.problem.workers
    part = slice(peer.share(size, workers, worker), peer.share(size, workers, worker + 1))
    # No other process uses these columns of A and these rows of B.
    a = np.frombuffer(raw_a).reshape(size, size)[:, part]
    b = np.frombuffer(raw_b).reshape(size, size)[part]
    a[:] = np.arange(float(size * size)).reshape(size, size)[:, part]
    b[:] = 0.0

    for _ in team.iterations(worker):
        b += a.T
        a += 1.0


def main():
    problem = peer.problem_or_exit(1, 1 << 20)
    size = problem.size
    raw_a, raw_b = (RawArray("d", size * size) for _ in range(2))
    seconds = peer.Team(problem).run(work, raw_a, raw_b)

    b = np.frombuffer(raw_b).reshape(size, size)
    start = np.arange(float(size * size)).reshape(size, size)
    rounds = problem.iterations + 1
    error = np.abs(b - (rounds * start.T + rounds * (rounds - 1) / 2)).sum()
    peer.print_result(seconds, None if error < 1e-8 else "B is not the sum of the transposes")


if __name__ == "__main__":
    main()
