"""count: tasks that each count to the grain, by plain Python."""

import peer

# Python's numbers have no limit, so they are cut to 64 bits.
BITS = (1 << 64) - 1


def task(grain):
    x, steps = 1, 0
    while steps < grain:
        x ^= x << 13 & BITS
        x ^= x >> 7
        x ^= x << 17 & BITS
        steps += x != 0
    return steps


def main():
    problem = peer.problem_or_exit(1, 1 << 31)
    sums = []
    iterations = peer.Iterations(problem)
    for _ in iterations:
        sums.append(sum(task(problem.grain) for _ in range(problem.size)))

    wrong = any(each != problem.size * problem.grain for each in sums)
    peer.print_result(
        iterations.seconds,
        "the tasks of an iteration did not count to size * grain" if wrong else None,
    )


if __name__ == "__main__":
    main()
