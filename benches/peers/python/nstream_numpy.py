"""nstream: A += B + 3 * C, by NumPy."""

import numpy as np

import peer


def main():
    problem = peer.problem_or_exit(1, 1 << 40)
    a = np.zeros(problem.size)
    b = np.full(problem.size, 2.0)
    c = np.full(problem.size, 2.0)
    # Without this array, NumPy would allocate one in each iteration.
    term = np.zeros(problem.size)

    iterations = peer.Iterations(problem)
    for _ in iterations:
        np.multiply(c, 3.0, out=term)
        term += b
        a += term

    wrong = np.any(a != 8.0 * (problem.iterations + 1))
    peer.print_result(
        iterations.seconds, "an element of A is not 8 * (iterations + 1)" if wrong else None
    )


if __name__ == "__main__":
    main()
