"""transpose: B += transpose of A; A += 1; by NumPy."""

import numpy as np

import peer


def main():
    problem = peer.problem_or_exit(1, 1 << 20)
    size = problem.size
    start = np.arange(float(size * size)).reshape(size, size)
    a = start.copy()
    b = np.zeros((size, size))

    iterations = peer.Iterations(problem)
    for _ in iterations:
        b += a.T
        a += 1.0

    rounds = problem.iterations + 1
    error = np.abs(b - (rounds * start.T + rounds * (rounds - 1) / 2)).sum()
    peer.print_result(
        iterations.seconds, None if error < 1e-8 else "B is not the sum of the transposes"
    )


if __name__ == "__main__":
    main()
