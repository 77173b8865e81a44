#!/usr/bin/env python3
"""kill -9 under load and restart: every acknowledged write is there, none torn, counts exact.

Each writer owns its keys and writes rising numbers to them, pipelined. After each kill every key
must hold a value that was sent, not older than the last one acknowledged (of a collection: what the
commands sent up to some place make of it, that place not before the last one acknowledged); DBSIZE
must be what a SCAN finds; and memory must agree with the store.

usage: kill_test.py HEARTH_SERVER [--rounds N] [--seed N] [--appendfsync MODE] [--maxmemory M]
"""

import argparse
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from resp import ReplyError, Server  # noqa: E402
from collection_keys import make_keys  # noqa: E402

WRITERS = 4
KEYS_A_WRITER = 300
PIPELINE = 20


class Writer:
    """Writes until its connection breaks; remembers what was sent and what was acknowledged."""

    def __init__(self, index, seed):
        self.index = index
        self.random = random.Random(seed * 100 + index)
        self.sent = {}
        self.acked = {}
        self.count = 0
        self.failure = None
        self.collections = make_keys("w%d:" % index, self.random)

    def value(self, number):
        return b"%d:%s" % (number, b"x" * (number * 7 % 300))

    def batch(self):
        """Commands, their effects on strings, those on collections: (place, key, number, reply)."""
        commands, effects, expected = [], [], []
        for _ in range(PIPELINE):
            key = "w%d:%d" % (self.index, self.random.randrange(KEYS_A_WRITER))
            self.count += 1
            if self.random.randrange(5) < 2:
                collection = self.random.choice(self.collections)
                command, reply = collection.command(self.count)
                expected.append((len(commands), collection, self.count, reply))
                commands.append(command)
            elif self.random.randrange(8) == 0:
                commands.append(("DEL", key))
                effects.append((key, self.count, None))
            elif self.random.randrange(8) == 0:
                other = "w%d:%d" % (self.index, self.random.randrange(KEYS_A_WRITER))
                value = self.value(self.count)
                commands.append(("MSET", key, value, other, value))
                effects.append((key, self.count, value))
                effects.append((other, self.count, value))
            else:
                value = self.value(self.count)
                commands.append(("SET", key, value))
                effects.append((key, self.count, value))
        return commands, effects, expected

    def run(self, server):
        try:
            client = server.client()
            while True:
                commands, effects, expected = self.batch()
                for key, number, value in effects:
                    self.sent.setdefault(key, []).append((number, value))
                replies = client.pipeline(commands)
                for reply in replies:
                    if isinstance(reply, ReplyError):
                        raise AssertionError("refused: %s" % reply)
                for key, number, value in effects:
                    self.acked[key] = number
                for place, collection, number, reply in expected:
                    collection.acked = number
                    assert reply is None or reply == replies[place], "%r: %r instead of %r" % (
                        commands[place], replies[place], reply)
        except (ConnectionError, OSError):
            pass
        except AssertionError as failure:
            self.failure = failure

    def check(self, client):
        """Returns how many keys there are; what stands there counts as acknowledged from now on."""
        if self.failure:
            raise self.failure
        present = 0
        keys = sorted(self.sent)
        for key, value in zip(keys, client.call("MGET", *keys) if keys else []):
            acked = self.acked.get(key, 0)
            allowed = [v for number, v in self.sent[key] if number >= acked]
            if acked == 0:
                allowed.append(None)
            if value not in allowed:
                raise AssertionError("%s: holds %r, acknowledged %d, sent %r" %
                                     (key, value, acked, self.sent[key][-3:]))
            present += value is not None
            self.sent[key] = [(self.count, value)]
            self.acked[key] = self.count
        return present + sum(collection.check(client) for collection in self.collections)


def scan_count(client):
    cursor, keys = b"0", []
    while True:
        cursor, page = client.call("SCAN", cursor, "COUNT", 500)
        keys += page
        if cursor == b"0":
            assert len(keys) == len(set(keys)), "SCAN returned a key twice"
            return len(keys)


def crash(server, how):
    """Ends the server by a fault of its own."""
    client = server.client()
    client.socket.sendall(b"DEBUG %s\r\n" % how.encode())
    try:
        assert client.socket.recv(1) == b"", "the server answers DEBUG " + how
    except ConnectionResetError:
        pass
    client.close()
    assert server.process.wait(30) != 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--appendfsync", default="everysec")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[])
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    chance = random.Random(options.seed)
    server = Server(options.server, ["--appendfsync", options.appendfsync, "--enable-debug-command",
                                     "yes", "--write-buffer-size", "1mb", "--save", ""] +
                    options.extra)
    writers = [Writer(i, options.seed) for i in range(WRITERS)]
    try:
        server.start()
        for number in range(options.rounds):
            threads = [threading.Thread(target=w.run, args=(server,)) for w in writers]
            for thread in threads:
                thread.start()
            timer = threading.Event()
            timer.wait(chance.uniform(0.02, 0.3))  # the moment of the crash is the input here
            if number % 8 == 7:
                crash(server, chance.choice(["SEGFAULT", "PANIC", "ASSERT"]))
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            client = server.client()
            present = sum(w.check(client) for w in writers)
            size = client.call("DBSIZE")
            scanned = scan_count(client)
            assert size == present == scanned, "DBSIZE %r, keys %d, SCAN %d" % (size, present,
                                                                              scanned)
            verdict = client.call("DEBUG", "VERIFY-STORE")
            assert verdict == "OK", verdict
            client.close()
        print("%d rounds, %d writes: nothing acknowledged was lost" %
              (options.rounds, sum(w.count for w in writers)))
        assert server.stop() == 0
    except BaseException:
        print(server.log_tail())
        raise
    finally:
        server.remove()


if __name__ == "__main__":
    main()
