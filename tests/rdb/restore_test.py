#!/usr/bin/env python3
"""What redis-server DUMPs, the codec reads; what the codec writes, redis-server RESTOREs.

usage: restore_test.py RDB_ECHO [--rounds N] [--seed N]

Each round fills redis-server with random values of every type under random limits, sends their
payloads through the codec under other random limits, restores the answers beside the originals
(with every check redis-server has) and compares: digest, encoding-independent contents, and for
streams all that XINFO tells.
"""

import argparse
import os
import random
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from resp import ReplyError, Server  # noqa: E402

LIMITS = {
    "hash-max-listpack-entries": [0, 4, 512],
    "hash-max-listpack-value": [8, 64, 5000],
    "zset-max-listpack-entries": [0, 4, 128],
    "zset-max-listpack-value": [8, 64, 5000],
    "set-max-intset-entries": [0, 8, 512],
    "list-max-listpack-size": [1, 3, -1, -2, -5],
    "stream-node-max-bytes": [0, 100, 4096],
    "stream-node-max-entries": [0, 1, 3, 100],
}
# Where the sizes of lengths and of listpack entries change their form.
SIZES = [0, 1, 5, 11, 20, 21, 62, 63, 64, 65, 125, 126, 127, 128, 253, 254, 255, 300, 4094, 4095,
         4096, 4100, 8191, 8192, 16376, 16377, 16378, 16379, 16380, 16383, 16384, 20000, 70000]
INTEGERS = [0, 1, 12, 13, 127, 128, 4095, 4096, 32767, 32768, 8388607, 8388608, 2147483647,
            2147483648, 9223372036854775807]


class Codec:
    def __init__(self, binary, limits):
        args = ["%s=%d" % limit for limit in limits.items()]
        self.process = subprocess.Popen([binary] + args, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def echo(self, payload):
        self.process.stdin.write(payload.hex().encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip().decode()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0, "the codec ended with %d" % self.process.returncode


def text(rng, big=True):
    kind = rng.random()
    if kind < 0.35:
        value = rng.choice(INTEGERS) + rng.randint(-1, 1)
        return str(max(-2**63, min(2**63 - 1, value * rng.choice([1, -1]))))
    size = rng.choice(SIZES if big and kind > 0.9 else SIZES[:10])
    if kind < 0.6:
        return bytes(rng.choice(b"ab") for _ in range(size))
    return rng.randbytes(size)


def score(rng):
    return rng.choice(["inf", "-inf", "0", "-0", "1.5", "3e200", "-7", "4503599627370497", "0.1",
                       "5e-324", repr(rng.uniform(-1e6, 1e6)), str(rng.randint(-10**6, 10**6))])


def fill_stream(rng, client, key):
    fields = [text(rng, False) for _ in range(rng.randint(1, 4))]
    ms, seq = rng.choice([0, 5, 1700000000000, 2**64 - 10**6]), rng.choice([1, 2**40])
    ids = []
    for _ in range(rng.choice([1, 5, 30, 250])):
        if rng.random() < 0.6:
            ms, seq = ms + rng.choice([1, 3, 1000]), rng.choice([0, 1, 2**63, 2**64 - 100])
        else:
            seq += 1
        names = fields if rng.random() < 0.8 else [text(rng, False) for _ in range(2)]
        entry = [item for name in names for item in (name, text(rng, rng.random() < 0.05))]
        reply = client.call("XADD", key, "%d-%d" % (ms, seq), *entry)
        assert not isinstance(reply, ReplyError), reply
        ids.append(reply)
    for id in ids:
        if rng.random() < 0.2:
            client.call("XDEL", key, id)
    for group in range(rng.choice([0, 0, 1, 3])):
        client.call("XGROUP", "CREATE", key, "group%d" % group, rng.choice(["0", "$", ids[0]]))
        for consumer in range(rng.randint(0, 3)):
            client.call("XREADGROUP", "GROUP", "group%d" % group, "c%d" % consumer, "COUNT",
                        rng.randint(1, 20), "STREAMS", key, ">")
        client.call("XGROUP", "CREATECONSUMER", key, "group%d" % group, "idle")
        for id in ids:
            if rng.random() < 0.3:
                client.call("XACK", key, "group%d" % group, id)


def fill(rng, client, key, kind):
    count = rng.choice([1, 2, 5, 9, 40, 200])
    if kind == "string":
        client.call("SET", key, text(rng))
    elif kind == "list":
        client.call("RPUSH", key, *[text(rng) for _ in range(count)])
    elif kind == "set":
        client.call("SADD", key, *[text(rng, False) for _ in range(count)])
    elif kind == "intset":
        top = rng.choice([2**15, 2**31, 2**62])
        client.call("SADD", key, *[rng.randint(-top, top - 1) for _ in range(count)])
    elif kind == "zset":
        client.call("ZADD", key, *[x for _ in range(count) for x in (score(rng), text(rng, False))])
    elif kind == "hash":
        client.call("HSET", key, *[text(rng, i % 2 == 1) for i in range(2 * count)])
    else:
        fill_stream(rng, client, key)


KINDS = ["string", "list", "set", "intset", "zset", "hash", "stream"]


def contents(client, key):
    """All that a value is, but for its encoding."""
    kind = client.call("TYPE", key)
    digest = client.call("DEBUG", "DIGEST-VALUE", key)
    if kind == "zset":
        return digest, client.call("ZRANGE", key, 0, -1, "WITHSCORES")
    if kind != "stream":
        return digest, kind
    info = client.call("XINFO", "STREAM", key, "FULL", "COUNT", 0)
    named = dict(zip(info[::2], info[1::2]))
    for shape in (b"radix-tree-keys", b"radix-tree-nodes"):
        named.pop(shape)
    return digest, named


def check(client, codec, key):
    payload = client.call("DUMP", key)
    answer = codec.echo(payload)
    assert not answer.startswith("error"), "%s: %s" % (payload.hex()[:400], answer)
    reply = client.call("RESTORE", key + "-again", 0, bytes.fromhex(answer))
    assert reply == "OK", "%r for %s" % (reply, answer[:400])
    before, after = contents(client, key), contents(client, key + "-again")
    assert before == after, "%s became %s" % (before, after)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("codec")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    rng = random.Random(options.seed)
    server = Server("redis-server", ["--save", "", "--enable-debug-command", "yes",
                                     "--sanitize-dump-payload", "yes"])
    checked = 0
    try:
        client = server.start().client()
        for _ in range(options.rounds):
            client.call("FLUSHALL")
            for name, values in LIMITS.items():
                assert client.call("CONFIG", "SET", name, rng.choice(values)) == "OK", name
            client.call("CONFIG", "SET", "rdbcompression", rng.choice(["yes", "no"]))
            limits = {name: rng.choice(values) for name, values in LIMITS.items()}
            limits["rdbcompression"] = rng.choice([0, 1])
            codec = Codec(options.codec, limits)
            for i in range(40):
                key = "%s%d" % (rng.choice(KINDS), i)
                fill(rng, client, key, key.rstrip("0123456789"))
                if client.call("EXISTS", key):
                    check(client, codec, key)
                    checked += 1
            codec.close()
    finally:
        server.remove()
    print("%d values" % checked)


if __name__ == "__main__":
    main()
