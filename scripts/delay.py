#!/usr/bin/env python3
"""Delays each frame that passes between two network interfaces: usage: delay.py INTERFACE INTERFACE MILLISECONDS

scripts/cluster starts it where the kernel has no netem. Each interface has its half of a cable here. A frame that comes in on one of
them is sent on the other one after the delay, in the same order, so a ping takes twice the delay longer.
"""
import collections
import select
import socket
import sys
import time

ALL_PROTOCOLS = 3
# Beyond the limits of the system, which root may do.
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
# The kernel hands on up to 64 KiB as one frame; before it stands a virtio header, which says how to divide it.
LONGEST = 10 + 65536 + 256
BUFFER = 64 << 20


def port(interface):
    """A socket that receives what comes in on the interface, and sends on it."""
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    for option in SO_SNDBUFFORCE, SO_RCVBUFFORCE:
        end.setsockopt(socket.SOL_SOCKET, option, BUFFER)
    end.bind((interface, ALL_PROTOCOLS))
    end.setblocking(False)
    return end


def main(first, second, milliseconds):
    delay = float(milliseconds) / 1000
    ends = [port(first), port(second)]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    # Frames in the order in which they came: the moment to send, the end to send on, the frame.
    waiting = collections.deque()
    while True:
        left = waiting[0][0] - time.monotonic() if waiting else None
        if left is None or left > 0:
            select.select(ends, [], [], left)
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, end, frame = waiting.popleft()
            try:
                end.send(frame)
            except OSError:
                pass  # A network may lose a frame: the interface is down, or its queue is full.
        for end in ends:
            for _ in range(64):
                try:
                    frame = end.recv(LONGEST)
                except OSError:
                    break
                waiting.append((time.monotonic() + delay, other[end], frame))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"error: {error}")
