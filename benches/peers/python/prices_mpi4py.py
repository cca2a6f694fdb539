"""Prices of MPI in Python: a message in a buffer and a barrier.

The arguments are WORKERS and, to start and end the ranks only, `launch`.
"""

import sys

from mpi4py import MPI
from prices import MIB, TURN, check, print_price


def message(world, size, rounds):
    """The seconds of a message, one way. A tenth of the rounds is a warm-up."""
    sent, received = bytearray(size), bytearray(size)
    partner = 1 - world.rank
    begin = 0
    for number in range(-rounds // 10, rounds):
        if number == 0:
            begin = MPI.Wtime()
        if world.rank == 0:
            sent[0] = sent[-1] = number % 256
            world.Send(sent, partner)
            world.Recv(received, partner)
            is_right = received[0] == received[-1] == number % 256
            check(is_right, "a message is not as it was sent")
        else:
            world.Recv(received, partner)
            world.Send(received, partner)
    return (MPI.Wtime() - begin) / rounds / 2


def barrier(world):
    """All ranks repeat the barrier until it has taken a turn in the slowest rank."""
    count = 10
    while True:
        world.Barrier()
        begin = MPI.Wtime()
        for _ in range(count):
            world.Barrier()
        slowest = world.allreduce(MPI.Wtime() - begin, MPI.MAX)
        if slowest >= TURN:
            return slowest / count
        count *= 4


def main():
    world = MPI.COMM_WORLD
    if sys.argv[2:] == ["launch"]:
        return

    def say(operation, seconds):
        if world.rank == 0:
            print_price(operation, "Python: mpi4py", world.size, seconds)

    if world.size == 2:
        say("short_message", message(world, 8, 5000))
        say("long_message", message(world, MIB, 50))
    say("barrier", barrier(world))


if __name__ == "__main__":
    main()
