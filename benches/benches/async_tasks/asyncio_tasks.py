"""The same work by Python's asyncio. It prints the nanoseconds that COUNT tasks took.

    asyncio_tasks.py at_once COUNT       creates all tasks, then waits for their results
    asyncio_tasks.py sleep COUNT         the same with tasks that sleep 100 ms; prints the largest memory in KiB too
"""

import asyncio
import resource
import sys
import time


async def number(value):
    return value


async def sleeper(value):
    await asyncio.sleep(0.1)
    return value


async def at_once(count):
    await all_of(number, count)


async def sleep(count):
    await all_of(sleeper, count)


async def all_of(function, count):
    tasks = [asyncio.create_task(function(value)) for value in range(count)]
    total = 0
    for task in tasks:
        total += await task
    assert total == count * (count - 1) // 2


async def main():
    what, count = sys.argv[1], int(sys.argv[2])
    work = {"at_once": at_once, "sleep": sleep}[what]
    begin = time.perf_counter_ns()
    await work(count)
    print(time.perf_counter_ns() - begin)
    if what == "sleep":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


asyncio.run(main())
