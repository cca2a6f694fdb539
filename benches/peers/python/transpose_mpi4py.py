"""transpose: B += transpose of A; A += 1; by ranks that each hold a band of rows of both matrices.

The band of B needs a block of the band of A of every rank. In each phase, a rank copies the
transpose of one block into a buffer, sends the buffer to the rank that needs it, and receives a
block from another rank. It adds its own block in place.
"""

import numpy as np
from mpi4py import MPI

import peer


def main():
    world = MPI.COMM_WORLD
    # MPI counts the elements of a block in an int. A block that is sent has at most size / 2 rows
    # and columns.
    problem = peer.begin_mpi(world, 1, 92680)
    size, rank, ranks = problem.size, world.rank, world.size
    bounds = [peer.share(size, ranks, at) for at in range(ranks + 1)]
    columns = [slice(begin, end) for begin, end in zip(bounds, bounds[1:])]
    rows = bounds[rank + 1] - bounds[rank]
    start = np.arange(float(bounds[rank] * size), bounds[rank + 1] * size).reshape(rows, size)
    a = start.copy()
    b = np.zeros((rows, size))
    # For each phase but the first, the ranks to send to and to receive from, and the buffers.
    phases = []
    for phase in range(1, ranks):
        to, source = (rank + phase) % ranks, (rank - phase) % ranks
        sent = np.zeros((bounds[to + 1] - bounds[to], rows))
        received = np.zeros((rows, bounds[source + 1] - bounds[source]))
        phases.append((to, source, sent, received))

    iterations = peer.Iterations(problem, world.Barrier)
    for _ in iterations:
        b[:, columns[rank]] += a[:, columns[rank]].T
        for to, source, sent, received in phases:
            sent[:] = a[:, columns[to]].T
            world.Sendrecv(sent, to, recvbuf=received, source=source)
            b[:, columns[source]] += received
        a += 1.0

    rounds = problem.iterations + 1
    begin, end = bounds[rank], bounds[rank + 1]
    # Element (i, j) of the transpose is size * j + i.
    transpose = np.add.outer(np.arange(float(begin), end), size * np.arange(float(size)))
    error = np.abs(b - (rounds * transpose + rounds * (rounds - 1) / 2)).sum()
    total = np.zeros(1)
    world.Reduce(np.array([error]), total)
    wrong = None if total[0] < 1e-8 else "B is not the sum of the transposes"
    peer.end_mpi(world, iterations.seconds, wrong)


if __name__ == "__main__":
    main()
