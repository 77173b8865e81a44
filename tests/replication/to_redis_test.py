#!/usr/bin/env python3
"""A redis-server follows Hearth while clients write all kinds of commands there: links that are
cut, servers that are stopped and killed, chains of both kinds, REPLICAOF NO ONE. At the end every
key is alike on all of them: its value and its time of expiry.

usage: to_redis_test.py HEARTH_SERVER [--seed N] [--seconds N] [--only NAME]

--seconds: how long each of the two loads lasts, about.
"""

import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from from_redis_test import cut as cut_from_redis, is_up  # noqa: E402
from redis_data import fill, must  # noqa: E402
from redis_nodes import Load, compare, run, settle  # noqa: E402
from resp import wait_until  # noqa: E402

BACKLOG = "64mb"
SMALL_BACKLOG = 20000
FILE_BYTES_A_SECOND = 3 << 20


def fill_big(hearth):
    """What is sent in many pieces: long strings, spread collections, functions."""
    client = hearth.client()
    must(client.call("SET", "mb", os.urandom(3 << 20)))
    must(client.call("SETRANGE", "holes", 5 << 20, "end"))
    for start in range(0, 20000, 1000):
        some = range(start, start + 1000)
        for command in (["RPUSH", "huge:list", *some], ["SADD", "huge:set", *some],
                        ["HSET", "huge:hash", *(x for i in some for x in (i, "v%d" % i))],
                        ["ZADD", "huge:zset", *(x for i in some for x in (i / 8, "m%d" % i))]):
            must(client.call(*command))
    must(client.call("EXPIRE", "huge:hash", 5000))


def cut_within_the_stream(hearth, redis, proxy, rng, until):
    """Again and again; it goes on where it was each time. How often."""
    cuts = 0
    while time.monotonic() < until or cuts < 3:
        time.sleep(rng.uniform(0.02, 0.3))  # the moment of the cut is the input here
        before = hearth.stat("sync_partial_ok")
        proxy.cut()
        wait_until(lambda: hearth.stat("sync_partial_ok") > before and redis.is_up(),
                   lambda: "a partial resync: %s" % redis.info())
        cuts += 1
    assert hearth.stat("sync_full") == 1, hearth.info("stats")
    return cuts


def cut_for_too_long(hearth, redis, proxy):
    """More is written meanwhile than is kept."""
    must(hearth.call("CONFIG", "SET", "repl-backlog-size", SMALL_BACKLOG))
    kept = lambda: int(hearth.info()["repl_stream_kept_bytes"])  # noqa: E731
    before, proxy.refusing = hearth.stat("sync_full"), True
    proxy.cut()
    wait_until(lambda: hearth.info()["connected_slaves"] == "0", "it is cut off")
    gone_at = int(hearth.info()["repl_stream_offset"])
    wait_until(lambda: int(hearth.info()["repl_stream_offset"]) > gone_at + 2 * SMALL_BACKLOG and
               kept() < 2 * SMALL_BACKLOG, lambda: "less is kept: %s" % hearth.info())
    proxy.heal()
    redis.wait_up()
    assert hearth.stat("sync_full") > before, hearth.info("stats")
    must(hearth.call("CONFIG", "SET", "repl-backlog-size", BACKLOG))
    wait_until(lambda: kept() > 2 * SMALL_BACKLOG, lambda: "more is kept: %s" % hearth.info())


def restart_each(hearth, redis):
    """The redis-server keeps its place when it is stopped; Hearth's stream ends with it."""
    full, partial = hearth.stat("sync_full"), hearth.stat("sync_partial_ok")
    assert redis.stop() == 0
    redis.start()
    redis.wait_up()
    assert hearth.stat("sync_full") == full, hearth.info("stats")
    assert hearth.stat("sync_partial_ok") > partial, hearth.info("stats")
    must(hearth.call("DEBUG", "DEMOTE-ALL"))
    redis.kill()
    redis.start()
    redis.wait_up()
    hearth.kill()
    hearth.start()
    wait_until(lambda: hearth.info().get("slave0", "").find("state=online") > 0 and redis.is_up(),
               lambda: "it follows again: %s" % redis.info())
    assert hearth.stat("sync_full") == 1, hearth.info("stats")


def followed_under_load(nodes, options):
    rng = random.Random(options.seed)
    redis = nodes.redis("--save", "3600 1")  # it saves when it is stopped
    hearth = nodes.hearth("--repl-backlog-size", BACKLOG, spoken=redis.known)
    fill(hearth, rng)
    fill_big(hearth)
    proxy = nodes.proxy(hearth)
    proxy.bytes_a_second = FILE_BYTES_A_SECOND  # so that much is written while the file is sent
    load = Load(hearth, rng)
    redis.follow(proxy.port)
    redis.wait_up()
    proxy.heal()
    cuts = cut_within_the_stream(hearth, redis, proxy, rng, time.monotonic() + options.seconds)
    must(hearth.call("SET", "big", "z" * (20 << 20)))
    cut_for_too_long(hearth, redis, proxy)
    restart_each(hearth, redis)
    load.stop()
    settle(hearth, redis)
    # The redis-server goes on alone, with all that it got.
    must(redis.call("REPLICAOF", "NO", "ONE"))
    count = compare(hearth, redis)
    assert must(redis.call("FCALL", "put", 1, "by function", "there")) == "OK"
    return "%d keys, %d writes, %d cuts" % (count, load.count, cuts)


def chain_of_both_kinds(nodes, options):
    """redis-server -> Hearth -> redis-server -> redis-server, with writes at its head, and cuts."""
    rng = random.Random(options.seed)
    head = nodes.redis("--repl-backlog-size", BACKLOG)
    fill(head, rng)
    hearth = nodes.hearth("--repl-backlog-size", BACKLOG, spoken=head.known)
    hearth.set_password("secret")
    third = nodes.redis("--masterauth", "secret", "--repl-diskless-load", "swapdb")
    fourth = nodes.redis()
    proxy = nodes.proxy(hearth)
    load = Load(head, rng)
    fourth.follow(third.port)
    third.follow(proxy.port)
    hearth.call("REPLICAOF", "127.0.0.1", head.port)
    wait_until(lambda: is_up(hearth) and third.is_up() and fourth.is_up(), "all follow")
    cuts, until = 0, time.monotonic() + options.seconds / 2
    while time.monotonic() < until or cuts < 2:
        cut_from_redis(head, hearth)
        before = hearth.stat("sync_partial_ok")
        proxy.cut()
        wait_until(lambda: hearth.stat("sync_partial_ok") > before and third.is_up(),
                   lambda: "a partial resync: %s" % third.info())
        cuts += 1
    load.stop()
    settle(head, hearth, third, fourth)
    count = compare(head, hearth, third, fourth)
    assert head.info("stats")["sync_full"] == "1", head.info("stats")
    # What Hearth itself writes follows, too.
    must(hearth.call("REPLICAOF", "NO", "ONE"))
    must(hearth.call("SET", "own", 1, "PX", 50))
    settle(hearth, third, fourth)
    compare(hearth, third, fourth)
    return "%d keys, %d writes, %d cuts" % (count, load.count, cuts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", help="of the tests, those whose names have this")
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    run([followed_under_load, chain_of_both_kinds], options)


if __name__ == "__main__":
    main()
