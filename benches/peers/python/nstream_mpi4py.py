"""nstream: A += B + 3 * C, by ranks that divide the vectors.

No rank needs the elements of another rank.
"""

import numpy as np
from mpi4py import MPI

import peer


def main():
    world = MPI.COMM_WORLD
    problem = peer.begin_mpi(world, 1, 1 << 40)
    first = peer.share(problem.size, problem.workers, world.rank)
    size = peer.share(problem.size, problem.workers, world.rank + 1) - first
    a = np.zeros(size)
    b = np.full(size, 2.0)
    c = np.full(size, 2.0)
    # Without this array, NumPy would allocate one in each iteration.
    term = np.zeros(size)

    iterations = peer.Iterations(problem, world.Barrier)
    for _ in iterations:
        np.multiply(c, 3.0, out=term)
        term += b
        a += term

    errors = np.array([np.count_nonzero(a != 8.0 * (problem.iterations + 1))])
    all_errors = np.zeros_like(errors)
    world.Reduce(errors, all_errors)
    wrong = "an element of A is not 8 * (iterations + 1)" if all_errors[0] else None
    peer.end_mpi(world, iterations.seconds, wrong)


if __name__ == "__main__":
    main()
