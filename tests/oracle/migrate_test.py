#!/usr/bin/env python3
"""MIGRATE between Hearth and redis-server, in both directions, and between two Hearths.

usage: migrate_test.py HEARTH_SERVER [--redis redis-server]
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Listening, ReplyError, free_port  # noqa: E402

KEYS = {
    "string": ("SET", "string", b"\x00\xff value"),
    "big": ("SET", "big", b"x" * 3_000_000),
    "list": ("RPUSH", "list", *range(300)),
    "set": ("SADD", "set", "a", "b", "c"),
    "zset": ("ZADD", "zset", "1.5", "a", "-inf", "b"),
    "hash": ("HSET", "hash", "field", "value", "", ""),
    "stream": ("XADD", "stream", "5-1", "field", "value"),
    "bits": ("SETBIT", "bits", 100_000, 1),
}
TTL_MS = 1_000_000
NO_SAVE = ["--save", ""]


def expect(what, got, wanted):
    assert got == wanted, "%s: %r instead of %r" % (what, got, wanted)


def fill(client):
    client.call("FLUSHALL")
    for command in KEYS.values():
        reply = client.call(*command)
        assert not isinstance(reply, ReplyError), (command, reply)
    client.call("PEXPIRE", "list", TTL_MS)


READS = [("GET", "string"), ("GET", "big"), ("LRANGE", "list", 0, -1),
         ("SMISMEMBER", "set", *"abcd"),
         ("ZRANGE", "zset", 0, -1, "WITHSCORES"), ("HMGET", "hash", "field", ""), ("HLEN", "hash"),
         ("XRANGE", "stream", "-", "+"), ("BITPOS", "bits", 1), ("STRLEN", "bits")]


def values(client):
    return [client.call(*read) for read in READS]


def moves(source, target, port):
    a, b = source.client(), target.client()
    b.call("SELECT", 3)
    fill(a)
    wanted = values(a)
    expect("one key", a.call("MIGRATE", "127.0.0.1", port, "string", 3, 5000), "OK")
    expect("it is gone", a.call("EXISTS", "string"), 0)
    expect("it is there", b.call("GET", "string"), KEYS["string"][2])
    expect("a busy key", a.call("MIGRATE", "127.0.0.1", port, "string", 3, 5000), "NOKEY")
    a.call(*KEYS["string"])
    reply = a.call("MIGRATE", "127.0.0.1", port, "", 3, 5000, "KEYS", "absent", *KEYS)
    expect("some were moved", reply, ReplyError(
        "ERR Target instance replied with error: BUSYKEY Target key name already exists."))
    expect("only the busy one is left", a.call("KEYS", "*"), [b"string"])
    expect("COPY REPLACE", a.call(
        "MIGRATE", "127.0.0.1", port, "", 3, 5000, "COPY", "REPLACE", "KEYS", "string"), "OK")
    expect("a copy stays", a.call("EXISTS", "string"), 1)
    expect("values", values(b), wanted)
    assert TTL_MS - 60_000 < b.call("PTTL", "list") <= TTL_MS
    b.call("FLUSHDB")


def refusals(hearth):
    client = hearth.client()
    fill(client)

    def error(text, *args):
        reply = client.call("MIGRATE", *args)
        assert isinstance(reply, ReplyError) and text in reply, (args, reply)

    error("IOERR", "127.0.0.1", free_port(), "string", 0, 1000)
    error("IOERR", "127.0.0.1", "no-port", "string", 0, 1000)
    error("IOERR", "127.0.0.1", hearth.port, "string", 0, 100)  # itself: it holds the key
    error("ERR syntax error", "127.0.0.1", 1, "string", 0, 10, "WHAT")
    error("ERR value is not an integer", "127.0.0.1", 1, "string", "x", 10)
    error("ERR value is not an integer", "127.0.0.1", 1, "string", 0, "x")
    error("must be set to the empty string", "127.0.0.1", 1, "string", 0, 10, "KEYS", "a")
    expect("nothing is lost", client.call("DBSIZE"), len(KEYS))
    expect("keys", client.call("COMMAND", "GETKEYS", "MIGRATE", "h", 1, "", 0, 10, "AUTH2", "KEYS",
                               "x", "KEYS", "a", "b"), [b"a", b"b"])


def with_password(hearth, guarded):
    client = hearth.client()
    fill(client)
    args = ("127.0.0.1", guarded.port, "string", 0, 5000)
    reply = client.call("MIGRATE", *args)
    assert "NOAUTH" in reply, reply
    reply = client.call("MIGRATE", *args, "AUTH", "wrong")
    assert "WRONGPASS" in reply, reply
    expect("it is still here", client.call("EXISTS", "string"), 1)
    expect("AUTH", client.call("MIGRATE", *args, "AUTH", "secret"), "OK")
    client.call(*KEYS["string"])
    expect("AUTH2", client.call("MIGRATE", *args, "REPLACE", "AUTH2", "default", "secret"), "OK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--redis", default="redis-server")
    options = parser.parse_args()
    servers = {
        "hearth": Listening(options.server, NO_SAVE),
        "other": Listening(options.server, NO_SAVE),
        "redis": Listening(options.redis, NO_SAVE),
        "guarded": Listening(options.server, NO_SAVE),
    }
    try:
        for server in servers.values():
            server.start()
        hearth = servers["hearth"]
        for source, target in (("hearth", "redis"), ("redis", "hearth"), ("hearth", "other")):
            moves(servers[source], servers[target], servers[target].port)
            print("ok: %s to %s" % (source, target))
        refusals(hearth)
        servers["guarded"].client().call("CONFIG", "SET", "requirepass", "secret")
        with_password(hearth, servers["guarded"])
        hearth.stop()
        hearth.start()
        expect("moved keys stay away", hearth.client().call("EXISTS", "string"), 0)
        print("ok: refusals, passwords, a restart")
    finally:
        for server in servers.values():
            server.remove()


if __name__ == "__main__":
    main()
