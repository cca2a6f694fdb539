"""stencil: out += star of radius 2 over in, on the interior of a grid; then in += 1; by NumPy."""

import numpy as np

import peer

RADIUS = 2
WEIGHT = {1: 0.25, 2: 0.125}


def main():
    problem = peer.problem_or_exit(2 * RADIUS + 1, 1 << 20)
    size = problem.size
    grid_in = np.add.outer(np.arange(float(size)), np.arange(float(size)))
    grid_out = np.zeros((size, size))

    inside = slice(RADIUS, size - RADIUS)
    out = grid_out[inside, inside]
    # Without this array, NumPy would allocate several in each iteration.
    star = np.zeros_like(out)

    iterations = peer.Iterations(problem)
    for _ in iterations:
        for r, weight in WEIGHT.items():
            before = slice(RADIUS - r, size - RADIUS - r)
            behind = slice(RADIUS + r, size - RADIUS + r)
            np.subtract(grid_in[inside, behind], grid_in[inside, before], out=star)
            star += grid_in[behind, inside]
            star -= grid_in[before, inside]
            star *= weight
            out += star
        grid_in += 1.0

    mean = np.abs(out).sum() / out.size
    wrong = mean != 2.0 * (problem.iterations + 1)
    peer.print_result(
        iterations.seconds, "the mean of the result is not 2 * (iterations + 1)" if wrong else None
    )


if __name__ == "__main__":
    main()
