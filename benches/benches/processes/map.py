"""The same work by Python's multiprocessing. It prints the nanoseconds that a map took.

    map.py CHUNK COUNT    maps square over COUNT numbers by a pool of two; with chunk 0, Pool.map chooses
"""

import multiprocessing
import sys
import time


def square(number):
    return number * number


def main():
    chunk, count = map(int, sys.argv[1:])
    with multiprocessing.Pool(2) as pool:
        pool.map(square, range(1000))
        begin = time.perf_counter_ns()
        squares = pool.map(square, range(count), chunk or None)
        print(time.perf_counter_ns() - begin)
        assert squares == [number * number for number in range(count)]


if __name__ == "__main__":
    main()
