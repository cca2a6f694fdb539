"""Prices of Python: threads, processes, tasks, queues, a pipe, a barrier, a lock.

The argument is WORKERS.
"""

import asyncio
import multiprocessing
import queue
import threading
import time

from prices import MIB, check, print_price, seconds_each, timed, workers_or_exit


def nothing():
    pass


def same(number):
    return number


def thread(number):
    results = []
    worker = threading.Thread(target=results.append, args=(number,))
    worker.start()
    worker.join()
    check(results == [number], "a thread has not run")


def process(method):
    context = multiprocessing.get_context(method)

    def one(_):
        worker = context.Process(target=nothing)
        worker.start()
        worker.join()
        check(worker.exitcode == 0, "a process failed")

    return one


def tasks(count):
    async def one_by_one():
        async def task(number):
            return number

        begin = time.perf_counter()
        for number in range(count):
            check(await asyncio.create_task(task(number)) == number, "a task returned a wrong value")
        return time.perf_counter() - begin

    return asyncio.run(one_by_one())


def starts():
    print_price("start_and_end", "Python: threading.Thread", 1, seconds_each(8, timed(thread)))
    print_price("start_and_end", "Python: asyncio task", 1, seconds_each(100, tasks))
    for method in ("fork", "spawn"):
        way = f"Python: multiprocessing.Process, {method}"
        print_price("start_and_end", way, 1, seconds_each(2, timed(process(method))))
    with multiprocessing.Pool(2) as pool:

        def one(number):
            check(pool.apply(same, (number,)) == number, "a task returned a wrong value")

        timed(one)(10)
        print_price("start_and_end", "Python: task of a Pool", 1, seconds_each(16, timed(one)))


def queue_back(there, back):
    while (message := there.get()) is not None:
        back.put(message)


def pipe_back(there, back):
    while message := there.recv_bytes():
        back.send_bytes(message)


def one_way(send, receive, size):
    """The seconds of a message: half of the time there and back."""
    message = bytearray(size)

    def round_trip(number):
        message[0] = message[-1] = number % 256
        send(message)
        received = receive()
        is_right = len(received) == size and received[0] == received[-1] == number % 256
        check(is_right, "a message is not as it was sent")

    timed(round_trip)(10)
    return seconds_each(10, timed(round_trip)) / 2


def messages():
    for operation, size in (("short_message", 8), ("long_message", MIB)):
        there, back = queue.Queue(), queue.Queue()
        worker = threading.Thread(target=queue_back, args=(there, back))
        worker.start()
        print_price(operation, "Python: queue.Queue", 2, one_way(there.put, back.get, size))
        there.put(None)
        worker.join()

        there, back = multiprocessing.Queue(), multiprocessing.Queue()
        worker = multiprocessing.Process(target=queue_back, args=(there, back), daemon=True)
        worker.start()
        print_price(
            operation, "Python: multiprocessing.Queue", 2, one_way(there.put, back.get, size)
        )
        there.put(None)
        worker.join()

        there_in, there = multiprocessing.Pipe(duplex=False)
        back, back_out = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.Process(target=pipe_back, args=(there_in, back_out), daemon=True)
        worker.start()
        seconds = one_way(there.send_bytes, back.recv_bytes, size)
        print_price(operation, "Python: multiprocessing.Pipe", 2, seconds)
        there.send_bytes(b"")
        worker.join()


def team(workers, work):
    """The seconds of `work` in threads, one of which is this one."""
    threads = [threading.Thread(target=work) for _ in range(workers - 1)]
    for each in threads:
        each.start()
    begin = time.perf_counter()
    work()
    seconds = time.perf_counter() - begin
    for each in threads:
        each.join()
    return seconds


def barrier(workers):
    def meetings(count):
        meeting, first = threading.Barrier(workers), []

        def meet():
            for _ in range(count):
                if meeting.wait() == 0:
                    first.append(True)

        seconds = team(workers, meet)
        check(len(first) == count, "the barrier has opened a wrong number of times")
        return seconds

    print_price("barrier", "Python: threading.Barrier", workers, seconds_each(16, meetings))


def lock(operation, workers):
    def increments(count):
        mutex, counter, each = threading.Lock(), [0], count // workers

        def increment():
            for _ in range(each):
                with mutex:
                    counter[0] += 1

        seconds = team(workers, increment)
        check(counter[0] == each * workers, "the counter is wrong")
        return seconds

    seconds = seconds_each(256 * workers, increments)
    print_price(operation, "Python: threading.Lock", workers, seconds)


def main():
    workers = workers_or_exit()
    if workers == 2:
        starts()
        messages()
        lock("free_lock", 1)
    barrier(workers)
    lock("contended_lock", workers)


if __name__ == "__main__":
    main()
