"""What the programs of the prices share: a line for each price, and how many operations are timed together."""

import json
import sys
import time

MIB = 1 << 20

# The least time of operations that are timed together, in seconds.
TURN = 8e-3


def workers_or_exit(most=1000):
    try:
        workers = int(sys.argv[1])
        if not 2 <= workers <= most:
            raise ValueError
        return workers
    except (IndexError, ValueError):
        print(f"error: the argument is WORKERS, a number from 2 to {most}", file=sys.stderr)
        sys.exit(2)


def print_price(operation, way, workers, seconds):
    price = {"operation": operation, "way": way, "workers": workers, "seconds": [seconds]}
    print(json.dumps(price), flush=True)


def seconds_each(first, timed):
    """The seconds of one operation.

    `timed` does a number of them and returns their time. The number grows until they take a turn.
    """
    count = first
    while (seconds := timed(count)) < TURN:
        count *= 4
    return seconds / count


def timed(act):
    """A function that calls `act` with 0, 1, ... and returns the seconds of all calls."""

    def all_calls(count):
        begin = time.perf_counter()
        for number in range(count):
            act(number)
        return time.perf_counter() - begin

    return all_calls


def check(is_right, what):
    if not is_right:
        sys.exit(f"error: {what}")
