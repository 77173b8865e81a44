#!/usr/bin/env python3
"""Dumps keys of every type from a redis-server into Hearth and back, and compares.

Keys are made at random, in every encoding that sizes and directives lead to. Each is restored in
Hearth from redis-server's DUMP, and in redis-server from Hearth's; the second copy must have the
digest of the first key (DEBUG DIGEST-VALUE), and for a stream the same XINFO STREAM FULL.

usage: dump_test.py HEARTH_SERVER [--redis redis-server] [--keys N] [--seed N]
"""

import argparse
import os
import random
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Server  # noqa: E402

ENCODING_DIRECTIVES = {
    "hash-max-listpack-entries": ("512", "4", "0"),
    "zset-max-listpack-entries": ("128", "4", "0"),
    "set-max-intset-entries": ("512", "4", "0"),
    "list-max-listpack-size": ("-2", "3", "-1"),
    "stream-node-max-entries": ("100", "3"),
}


def text(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return str(rng.choice([0, -1, 127, 8191, -8192, 65535, 2**31, -2**63, 2**63 - 1]))
    if kind == 1:
        return "x" * rng.choice([0, 1, 63, 64, 65, 300, 5000, 20000])
    if kind == 2:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
    return "e%d" % rng.randrange(1000)


def commands(rng, key):
    count = rng.choice([1, 2, 5, 20, 200])
    kind = rng.randrange(6)
    if kind == 0:
        return [("SET", key, text(rng))]
    if kind == 1:
        return [("RPUSH", key, *(text(rng) for _ in range(count)))]
    if kind == 2:
        member = (lambda: rng.randrange(-10**6, 10**6)) if rng.random() < 0.5 else lambda: text(rng)
        return [("SADD", key, *(member() for _ in range(count)))]
    if kind == 3:
        score = lambda: rng.choice([repr(rng.random()), rng.randrange(100), "inf", "-inf", "1e300"])
        return [("ZADD", key, *(x for _ in range(count) for x in (score(), text(rng))))]
    if kind == 4:
        return [("HSET", key, *(x for _ in range(count) for x in (text(rng), text(rng))))]
    return stream_commands(rng, key, count)


def stream_commands(rng, key, count):
    made = [("XADD", key, "%d-%d" % (i + 1, i % 3 + 1), *(x for _ in range(rng.randrange(1, 4))
             for x in ("f%d" % rng.randrange(3), text(rng)))) for i in range(count)]
    made += [("XDEL", key, "%d-%d" % (i + 1, i % 3 + 1)) for i in range(count)
             if rng.random() < 0.1]
    for group in range(rng.randrange(3)):
        made.append(("XGROUP", "CREATE", key, "g%d" % group, rng.choice(["0", "$", "3-1"])))
        for consumer in range(rng.randrange(3)):
            made.append(("XREADGROUP", "GROUP", "g%d" % group, "c%d" % consumer, "COUNT", 3,
                         "STREAMS", key, ">"))
    return made


def check_key(ours, theirs, key):
    payload = theirs.call("DUMP", key)
    reply = ours.call("RESTORE", key, 0, payload, "REPLACE")
    assert reply == "OK", "RESTORE answered %r" % (reply,)
    back = ours.call("DUMP", key)
    reply = theirs.call("RESTORE", "back", 0, back, "REPLACE")
    assert reply == "OK", "redis-server's RESTORE answered %r" % (reply,)
    digests = theirs.call("DEBUG", "DIGEST-VALUE", key, "back")
    assert digests[0] == digests[1], "another value came back"
    if theirs.call("TYPE", key) == "stream":
        full = [theirs.call("XINFO", "STREAM", k, "FULL", "COUNT", 0) for k in (key, "back")]
        strip = [[x for i, x in enumerate(f) if i // 2 not in (1, 2)] for f in full]
        assert strip[0] == strip[1], "another stream came back"


def compare(ours, theirs, rng, key_count):
    for number in range(key_count):
        if number % 50 == 0:
            for name, values in ENCODING_DIRECTIVES.items():
                assert theirs.call("CONFIG", "SET", name, rng.choice(values)) == "OK"
        key = "k%d" % number
        made = commands(rng, key)
        for command in made:
            theirs.call(*command)
        try:
            check_key(ours, theirs, key)
        except AssertionError:
            print("after", made)
            raise
    assert ours.call("DEBUG", "VERIFY-STORE") == "OK"
    print("compared %d keys" % key_count)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--redis", default=shutil.which("redis-server"))
    parser.add_argument("--keys", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    assert options.redis, "the oracle needs redis-server (Debian package redis-server)"
    print("seed %d" % options.seed, flush=True)
    debug = ["--save", "", "--enable-debug-command", "yes"]
    hearth, redis = Server(options.server, debug), Server(options.redis, debug)
    try:
        hearth.start()
        redis.start()
        compare(hearth.client(), redis.client(), random.Random(options.seed), options.keys)
        assert hearth.stop() == 0
    finally:
        hearth.remove()
        redis.remove()


if __name__ == "__main__":
    main()
