"""What the Python programs share: their arguments, iterations, workers, and the line of results."""

import json
import multiprocessing
import sys
import time
from multiprocessing import connection, sharedctypes
from typing import NamedTuple

MOST_WORKERS = 1000


class Problem(NamedTuple):
    size: int
    iterations: int
    workers: int
    grain: int


def read_problem(least, most):
    """Reads SIZE ITERATIONS WORKERS GRAIN. Raises ValueError if they are wrong."""
    names = Problem._fields
    if len(sys.argv) != 1 + len(names):
        raise ValueError("the arguments are SIZE ITERATIONS WORKERS GRAIN")
    ranges = (least, most), (1, 1_000_000), (1, MOST_WORKERS), (0, 1 << 32)
    for name, text, (low, high) in zip(names, sys.argv[1:], ranges):
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"{name.upper()} is not a number from {low} to {high}")
    return Problem(*map(int, sys.argv[1:]))


def problem_or_exit(least, most):
    try:
        return read_problem(least, most)
    except ValueError as error:
        print("error:", error, file=sys.stderr)
        sys.exit(2)


def share(size, workers, worker):
    """Where the share of a worker begins if `range(size)` is divided evenly.

    The share ends where the next share begins.
    """
    return size * worker // workers


def print_result(seconds, wrong):
    """Prints the line of results and ends the program.

    `seconds` begins with the iteration that does not count.
    """
    seconds = [float(f"{each:.9g}") for each in seconds[1:]]
    print(json.dumps({"seconds": seconds, "wrong": wrong}, separators=(",", ":")), flush=True)
    sys.exit(wrong is not None)


class Iterations:
    """The iterations of a serial program or of one rank. `seconds` has the time of each.

    A rank gives the barrier of its communicator, which ends each iteration.
    """

    def __init__(self, problem, barrier=lambda: None):
        self.seconds = []
        self._count = problem.iterations + 1
        self._barrier = barrier

    def __iter__(self):
        self._barrier()
        for iteration in range(self._count):
            begin = time.perf_counter()
            yield iteration
            self._barrier()
            self.seconds.append(time.perf_counter() - begin)


class Team:
    """Worker processes that do the iterations together."""

    def __init__(self, problem):
        self.problem = problem
        self.barrier = multiprocessing.Barrier(problem.workers)
        self._times = sharedctypes.RawArray("d", problem.iterations + 2)

    def iterations(self, worker):
        """The iterations of one worker. A barrier ends each. Worker 0 takes the time."""
        for iteration in range(self.problem.iterations + 2):
            self.barrier.wait()
            if worker == 0:
                self._times[iteration] = time.perf_counter()
            if iteration <= self.problem.iterations:
                yield iteration

    def run(self, work, *arguments):
        """Calls `work(team, worker, *arguments)` in each process. Returns the seconds."""
        processes = {}
        for worker in range(self.problem.workers):
            # The parent ends daemon processes when it exits, so a failure leaves none behind.
            process = multiprocessing.Process(
                target=work, args=(self, worker, *arguments), daemon=True
            )
            process.start()
            processes[process.sentinel] = process
        while processes:
            for sentinel in connection.wait(list(processes)):
                process = processes.pop(sentinel)
                process.join()
                if process.exitcode != 0:
                    sys.exit(f"error: a worker ended with exit code {process.exitcode}")
        times = list(self._times)
        return [end - begin for begin, end in zip(times, times[1:])]


def begin_mpi(world, least, most):
    """Reads the problem, which must be for as many workers as there are ranks in `world`."""
    try:
        problem = read_problem(least, most)
        if problem.workers != world.size:
            raise ValueError("WORKERS is not the number of ranks")
    except ValueError as error:
        if world.rank == 0:
            print("error:", error, file=sys.stderr, flush=True)
        # A rank that exits ends the other ranks under `python3 -m mpi4py`.
        world.Barrier()
        sys.exit(2)
    return problem


def end_mpi(world, seconds, wrong):
    """Prints the line of results on rank 0 with the seconds of the slowest rank in each iteration.

    Only `wrong` of rank 0 counts.
    """
    of_all = world.gather(seconds)
    if world.rank == 0:
        print_result([max(each) for each in zip(*of_all)], wrong)
