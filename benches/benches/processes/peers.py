"""The same work by Python's multiprocessing. It prints the nanoseconds that COUNT repetitions took.

    peers.py fork|spawn COUNT     starts a process that does nothing and waits for it
    peers.py pipe SIZE COUNT      sends SIZE bytes to a process and back, through two pipes
    peers.py queue COUNT          sends a number to a process and back, through two queues
    peers.py map CHUNK COUNT      maps square over COUNT numbers by a pool of two; with chunk 0, Pool.map chooses
    peers.py submit COUNT         gives one task to a pool of two and waits for its result
"""

import multiprocessing
import sys
import time


def nothing():
    pass


def square(number):
    return number * number


def pipe_back(receiver, sender):
    while True:
        try:
            sender.send_bytes(receiver.recv_bytes())
        except EOFError:
            return


def queue_back(there, back):
    while (value := there.get()) is not None:
        back.put(value)


def timed(count, act):
    start = time.perf_counter_ns()
    for number in range(count):
        act(number)
    return time.perf_counter_ns() - start


def start(method, count):
    context = multiprocessing.get_context(method)

    def one(_):
        process = context.Process(target=nothing)
        process.start()
        process.join()
        assert process.exitcode == 0

    return timed(count, one)


def pipe(size, count):
    here_in, there = multiprocessing.Pipe(duplex=False)
    back, here_out = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=pipe_back, args=(here_in, here_out), daemon=True)
    process.start()
    message = bytes(size)

    def one(_):
        there.send_bytes(message)
        assert len(back.recv_bytes()) == size

    timed(10, one)
    time_taken = timed(count, one)
    process.kill()
    return time_taken


def queue(count):
    there, back = multiprocessing.Queue(), multiprocessing.Queue()
    process = multiprocessing.Process(target=queue_back, args=(there, back))
    process.start()

    def one(number):
        there.put(number)
        assert back.get() == number

    timed(10, one)
    time_taken = timed(count, one)
    there.put(None)
    process.join()
    return time_taken


def pool_map(chunk, count):
    with multiprocessing.Pool(2) as pool:
        pool.map(square, range(1000))
        begin = time.perf_counter_ns()
        squares = pool.map(square, range(count), chunk or None)
        time_taken = time.perf_counter_ns() - begin
        assert squares == [number * number for number in range(count)]
        return time_taken


def submit(count):
    with multiprocessing.Pool(2) as pool:

        def one(number):
            assert pool.apply_async(square, (number,)).get() == number * number

        timed(10, one)
        return timed(count, one)


def main():
    what, *numbers = sys.argv[1:]
    numbers = [int(number) for number in numbers]
    acts = {"pipe": pipe, "queue": queue, "map": pool_map, "submit": submit}
    print(start(what, *numbers) if what in ("fork", "spawn") else acts[what](*numbers))


if __name__ == "__main__":
    main()
