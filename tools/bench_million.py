"""Keys of a million elements: how long RENAME and DEL take, and whether the space comes back."""

import hashlib
import os
import statistics
import time

COUNT = 1_000_000
STEP = 1000



def text(i):
    """40 bytes that a table does not compress away."""
    return hashlib.blake2b(b"%d" % i, digest_size=20).hexdigest()


# name, command that adds elements of these numbers
TYPES = [
    ("list", lambda numbers: ["RPUSH", "big"] + [text(i) for i in numbers]),
    ("set", lambda numbers: ["SADD", "big"] + [text(i) for i in numbers]),
    ("hash", lambda numbers: ["HSET", "big"] + [x for i in numbers for x in (i, text(i))]),
    ("sorted set", lambda numbers: ["ZADD", "big"] + [x for i in numbers for x in (i, text(i))]),
]


def table_bytes(folder):
    """Of the store's table files; its log is given back as memtables are flushed."""
    total = 0
    for name in os.listdir(folder):
        try:
            if name.endswith(".sst"):
                total += os.stat(os.path.join(folder, name)).st_size
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


def write_down(client):
    """What stands in the log alone becomes a table, which is measured."""
    client.call("BGREWRITEAOF")
    while b"aof_rewrite_in_progress:0" not in client.call("INFO", "persistence"):
        time.sleep(0.05)


def measure(server, rounds, make):
    """Medians and worst of RENAME and of DEL, in ms; bytes on the disk before and after DEL."""
    client = server.client()
    data = os.path.join(server.folder, "data")
    renames, deletions, full, left = [], [], 0, 0
    for _ in range(rounds):
        empty = table_bytes(data)
        fill(client, make)
        write_down(client)
        full = max(full, table_bytes(data) - empty)
        for a, b in (("big", "other"), ("other", "big"), ("big", "last")):
            renames.append(milliseconds(client, "RENAME", a, b))
        deletions.append(milliseconds(client, "DEL", "last"))
        write_down(client)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            left = table_bytes(data) - empty
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
