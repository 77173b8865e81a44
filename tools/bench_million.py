"""Keys of a million elements: how long RENAME and DEL take, and whether the space comes back."""

import os
import statistics
import time

COUNT = 1_000_000
STEP = 1000

# name, command that adds a thousand elements from `first` on
TYPES = [
    ("list", lambda first: ["RPUSH", "big"] + ["element:%d" % i for i in first]),
    ("set", lambda first: ["SADD", "big"] + ["element:%d" % i for i in first]),
    ("hash", lambda first: ["HSET", "big"] + [x for i in first for x in ("field:%d" % i, i)]),
    ("sorted set", lambda first: ["ZADD", "big"] + [x for i in first for x in (i, "member:%d" % i)]),
]


def used_bytes(folder):
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:  # it went meanwhile
                pass
    return total


def milliseconds(client, *words):
    begin = time.monotonic()
    reply = client.call(*words)
    assert reply in ("OK", 1), reply
    return (time.monotonic() - begin) * 1000


def fill(client, make):
    for first in range(0, COUNT, STEP * 20):
        client.pipeline([make(range(part, part + STEP))
                         for part in range(first, first + STEP * 20, STEP)])


def measure(server, rounds, make):
    """Medians and worst of RENAME and of DEL, in ms; bytes on the disk before and after DEL."""
    client = server.client()
    data = os.path.join(server.folder, "data")
    renames, deletions, full, left = [], [], 0, 0
    for _ in range(rounds):
        empty = used_bytes(data)
        fill(client, make)
        client.call("BGREWRITEAOF")  # what stands in the log alone is counted as it will be
        full = max(full, used_bytes(data) - empty)
        for a, b in (("big", "other"), ("other", "big"), ("big", "last")):
            renames.append(milliseconds(client, "RENAME", a, b))
        deletions.append(milliseconds(client, "DEL", "last"))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            client.call("BGREWRITEAOF")
            left = used_bytes(data) - empty
            if left < full / 10:
                break
            time.sleep(0.2)  # a file is measured, nothing tells when it goes
    return renames, deletions, full, left


def run(options, start):
    for name, make in TYPES:
        for who, binary in (("Hearth", options.server), ("redis-server", options.redis)):
            server = start(binary, [])
            try:
                renames, deletions, full, left = measure(server, options.rounds, make)
            finally:
                server.stop(120)
                server.remove()
            line = "%s of 1M, %s: RENAME %.2f ms (worst %.2f), DEL %.2f ms (worst %.2f)" % (
                name, who, statistics.median(renames), max(renames),
                statistics.median(deletions), max(deletions))
            if who == "Hearth":
                missed = max(statistics.median(renames), statistics.median(deletions)) >= 1
                line += " (goal 1 ms%s); on the disk %.0f MB, after DEL %.0f MB" % (
                    ", missed" if missed else "", full / 1e6, max(left, 0) / 1e6)
            print(line, flush=True)
