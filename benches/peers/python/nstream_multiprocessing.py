"""nstream: A += B + 3 * C, by processes that divide the vectors, which are in shared memory."""

from multiprocessing.sharedctypes import RawArray

import numpy as np

import peer


def work(team, worker, *vectors):
    size, workers = team.problem.size, team.problem.workers
    part = slice(peer.share(size, workers, worker), peer.share(size, workers, worker + 1))
    a, b, c = (np.frombuffer(vector)[part] for vector in vectors)
    a[:] = 0.0
    b[:] = 2.0
    c[:] = 2.0
    # Without this array, NumPy would allocate one in each iteration.
    term = np.zeros(len(a))

    for _ in team.iterations(worker):
        np.multiply(c, 3.0, out=term)
        term += b
        a += term


def main():
    problem = peer.problem_or_exit(1, 1 << 40)
    vectors = [RawArray("d", problem.size) for _ in range(3)]
    seconds = peer.Team(problem).run(work, *vectors)
    wrong = np.any(np.frombuffer(vectors[0]) != 8.0 * (problem.iterations + 1))
    peer.print_result(seconds, "an element of A is not 8 * (iterations + 1)" if wrong else None)


if __name__ == "__main__":
    main()
