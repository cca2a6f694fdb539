"""count: tasks that each count to the grain, by processes that divide the tasks.

All tasks take the same time, so each process has a fixed share.
"""

from multiprocessing.sharedctypes import RawArray

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


def work(team, worker, sums):
    """`sums` has a place for each iteration and worker."""
    size, workers, grain = team.problem.size, team.problem.workers, team.problem.grain
    tasks = range(peer.share(size, workers, worker), peer.share(size, workers, worker + 1))
    for iteration in team.iterations(worker):
        sums[iteration * workers + worker] = sum(task(grain) for _ in tasks)


def main():
    problem = peer.problem_or_exit(1, 1 << 31)
    workers = problem.workers
    sums = RawArray("Q", (problem.iterations + 1) * workers)
    seconds = peer.Team(problem).run(work, sums)

    totals = [sum(sums[at : at + workers]) for at in range(0, len(sums), workers)]
    wrong = any(total != problem.size * problem.grain for total in totals)
    peer.print_result(
        seconds, "the tasks of an iteration did not count to size * grain" if wrong else None
    )


if __name__ == "__main__":
    main()
