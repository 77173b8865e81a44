#!/usr/bin/env python3
"""Data move from a redis-server to Hearth while clients go on writing there: REPLICAOF, all types
and encodings, links that are cut (partial resyncs), a Hearth replica of the Hearth, a kill within
the resync; at the end both hold the same, REPLICAOF NO ONE, and writes. And what is not known here.

usage: from_redis_test.py HEARTH_SERVER [--seed N] [--primary PATH]

--primary: another server that speaks as redis-server does, of another version or a Valkey. What it
does not know is left out: functions before 7.0, hash fields that expire before 7.4.
"""

import argparse
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from redis_data import Redis, Writer, compare, fill, must  # noqa: E402
from resp import Listening, wait_until  # noqa: E402

SOON_MS = 10_000
CUTS = 6


def cut(redis, hearth):
    """Cuts the link; back when it has gone on where it was cut."""
    before = int(redis.info("stats")["sync_partial_ok"])
    assert must(redis.call("CLIENT", "KILL", "TYPE", "replica")) >= 1
    wait_until(lambda: int(redis.info("stats")["sync_partial_ok"]) > before and is_up(hearth),
               "a partial resync after a cut")


def is_up(hearth):
    return hearth.info()["master_link_status"] == "up"


def each_db(client, *commands):
    """The replies of every database to the commands."""
    for db in range(16):
        must(client.call("SELECT", db))
        yield client.pipeline(commands)
    client.close()


def expiring_fields(client, keys):
    """As expiring_soon, of the hashes among the keys."""
    found, kinds = [], client.pipeline([["TYPE", key] for key in keys])
    for key in (key for key, kind in zip(keys, kinds) if kind == "hash"):
        names, count = client.pipeline([["HKEYS", key], ["HLEN", key]])
        ttls = client.call("HPTTL", key, "FIELDS", len(names), *names) if names else []
        found += [(key, name) for name, ttl in zip(names, ttls) if 0 <= ttl <= SOON_MS]
        found += [(key, b"(expired)")] * (count - len(names))
    return found


def expiring_soon(redis):
    """The keys that expire while the test looks, and how many have but are still counted."""
    client, found = redis.client(), []
    for keys, size in each_db(client, ["KEYS", "*"], ["DBSIZE"]):
        ttls = client.pipeline([["PTTL", key] for key in keys])
        found += [key for key, ttl in zip(keys, ttls) if 0 <= ttl <= SOON_MS]
        found += [b"(expired)"] * (size - len(keys))
        if redis.has_field_expiry:
            found += expiring_fields(client, keys)
    return found


def await_expiry(redis, hearth):
    """Until nothing expires soon, and the same keys are left on both sides."""
    wait_until(lambda: not expiring_soon(redis), lambda: "gone: %s" % expiring_soon(redis))
    wait_until(lambda: hearth.is_level_with(redis), lambda: "level: %s" % hearth.info())
    theirs, ours = ([(sorted(keys), size) for keys, size in
                     each_db(node.client(), ["KEYS", "*"], ["DBSIZE"])] for node in (redis, hearth))
    for db in range(16):
        assert theirs[db] == ours[db], (db, theirs[db][1], ours[db][1],
                                        set(theirs[db][0]) ^ set(ours[db][0]))


def follow_under_load(redis, hearth, chained, rng):
    """From the first resync on clients write, and the link is cut, or the replica killed and
    started again; returns how much was written."""
    writers = [Writer(redis, rng.getrandbits(30)) for _ in range(3)]
    for writer in writers:
        writer.start()
    must(hearth.call("REPLICAOF", "127.0.0.1", redis.port))
    must(chained.call("REPLICAOF", "127.0.0.1", hearth.port))
    wait_until(lambda: is_up(hearth), "the first resync")
    assert hearth.info()["role"] == "slave" and hearth.call("ROLE")[3] == b"connected"
    assert hearth.call("SET", "a", 1).startswith("READONLY"), "a replica takes writes"
    hearth.args += ["--replicaof", "127.0.0.1", str(redis.port), "--masterauth", redis.password]
    for i in range(CUTS):
        time.sleep(rng.uniform(0.2, 0.6))  # the moment of the cut is the input here
        if i % 2 == 0:
            cut(redis, hearth)
        else:
            hearth.kill()
            hearth.start()
            wait_until(lambda: is_up(hearth), lambda: "up again: %s" % hearth.info())
    for writer in writers:
        writer.stop()
    wait_until(lambda: hearth.is_level_with(redis), lambda: "level: %s" % hearth.info())
    stats, info = redis.info("stats"), hearth.info()
    assert stats["sync_full"] == "1" and int(stats["sync_partial_ok"]) >= CUTS, stats
    assert info["master_protocol"] == "redis" and info["master_stream_errors"] == "0", info
    return sum(writer.count for writer in writers)


def use_as_primary(redis, hearth, chained):
    assert hearth.info()["role"] == "master", hearth.info()
    assert hearth.call("DEBUG", "VERIFY-STORE") == "OK"
    for i in range(100):
        must(hearth.call("SET", "mine:%d" % i, i, "PX", 100 if i % 2 else 10**7))
    put = ["SET"] if redis.is_old else ["FCALL", "put", 1]
    assert must(hearth.call(*put, "by function", "there")) == "OK"
    wait_until(lambda: hearth.call("EXISTS", *["mine:%d" % i for i in range(100)]) == 50,
               "its expiry")
    wait_until(lambda: chained.is_level_with(hearth), lambda: "level: %s" % chained.info())
    assert chained.call("DEBUG", "DIGEST") == hearth.call("DEBUG", "DIGEST"), "the data differ"
    assert hearth.stop() == 0
    del hearth.args[hearth.args.index("--replicaof"):]
    hearth.start()
    assert hearth.call("GET", "by function") == b"there"
    assert hearth.call("EXISTS", "old") == 0


def move(binary, primary, diskless, seed):
    redis = Redis(primary, ["--save", "", "--repl-diskless-sync", "yes" if diskless else "no",
                          "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
                          "--repl-backlog-size", "64mb"])
    hearth, chained = (Listening(binary, ["--save", "", "--enable-debug-command", "yes"])
                       for _ in range(2))
    nodes = [redis, hearth, chained]
    try:
        for node in nodes:
            node.start()
        if diskless:
            redis.set_password("secret")
        rng = random.Random(seed)
        client = redis.client()
        fill(redis, rng)
        must(hearth.call("SET", "old", "goes"))
        must(hearth.call("CONFIG", "SET", "masterauth", redis.password))
        written = follow_under_load(redis, hearth, chained, rng)
        await_expiry(redis, hearth)
        count = compare(redis, hearth, "the replica")

        must(client.call("SET", "acknowledged", 1))
        assert client.call("WAIT", 1, 60000) == 1, "WAIT on the Redis"
        # What expires there is deleted by its DEL, here too.
        must(client.call("SET", "soon", 1, "PX", 50))
        await_expiry(redis, hearth)

        must(hearth.call("REPLICAOF", "NO", "ONE"))
        compare(redis, hearth, "the new primary")
        use_as_primary(redis, hearth, chained)
        print("ok: %s, %d keys, %d writes, seed %d" % (
            "diskless" if diskless else "by a file", count, written, seed))
    except BaseException:
        print("seed %d" % seed)
        for node in nodes[:2]:
            if node.process:
                print(node.log_tail()[-3000:])
        raise
    finally:
        for node in nodes:
            node.remove()


def killed_while_loading(binary, primary):
    """A kill within the load: the server comes back without anything half, and loads again."""
    redis = Redis(primary, ["--save", "", "--repl-diskless-sync", "yes",
                            "--repl-diskless-sync-delay", "0", "--rdb-key-save-delay", "300"])
    hearth = Listening(binary, ["--save", ""])
    try:
        redis.start()
        hearth.start()
        client = redis.client()
        for at in range(20):
            client.pipeline([["SET", "key:%d" % (at * 500 + i), "v" * 100] for i in range(500)])
        must(hearth.call("SET", "old", 1))
        must(hearth.call("REPLICAOF", "127.0.0.1", redis.port))
        wait_until(lambda: hearth.info("persistence")["loading"] == "1", "loading")
        assert hearth.call("GET", "old").startswith("LOADING")
        assert hearth.call("DBSIZE").startswith("LOADING")
        time.sleep(0.5)  # the moment of the kill is the input here
        hearth.kill()
        hearth.start()
        wait_until(lambda: hearth.info("persistence")["loading"] == "0", "dropping")
        assert hearth.call("DBSIZE") == 0
        must(hearth.call("REPLICAOF", "127.0.0.1", redis.port))
        wait_until(lambda: hearth.info("persistence")["loading"] == "1", "loading again")
        must(hearth.call("REPLICAOF", "NO", "ONE"))
        wait_until(lambda: hearth.info("persistence")["loading"] == "0", "dropping")
        assert hearth.call("DBSIZE") == 0
        must(redis.call("CONFIG", "SET", "rdb-key-save-delay", 0))
        must(hearth.call("REPLICAOF", "127.0.0.1", redis.port))
        wait_until(lambda: is_up(hearth), "the resync")
        assert hearth.call("DBSIZE") == 10000
        # An empty Redis does not replace what is here.
        must(redis.call("FLUSHALL"))
        wait_until(lambda: hearth.call("DBSIZE") == 0, "FLUSHALL follows")
        must(hearth.call("REPLICAOF", "NO", "ONE"))
        must(hearth.call("SET", "mine", 1))
        must(hearth.call("REPLICAOF", "127.0.0.1", redis.port))
        wait_until(lambda: "no data" in hearth.info().get("master_link_error", ""), "refusing")
        assert hearth.call("GET", "mine") == b"1"
        print("ok: killed while loading")
    except BaseException:
        print(hearth.log_tail()[-3000:])
        raise
    finally:
        redis.remove()
        hearth.remove()


def sends_what_is_not_known(binary, primary):
    """The link ends at the command, for good, and the data stay; REPLICAOF goes on with it."""
    redis = Redis(primary, ["--save", ""])
    hearth = Listening(binary, ["--save", ""])
    try:
        if redis.start().is_old:
            print("not tried before 7.0, which has no DEBUG REPLICATE: what is not known")
            return
        redis.stop()
        redis.args += ["--enable-debug-command", "yes"]
        redis.start()
        hearth.start()
        must(redis.call("SET", "a", 1))
        for times in (1, 2):
            must(hearth.call("REPLICAOF", "127.0.0.1", redis.port))
            if times == 1:
                wait_until(lambda: is_up(hearth), "the resync")
                must(redis.call("SET", "a", 2))
                must(redis.call("DEBUG", "REPLICATE", "module.thing", "a"))
                must(redis.call("SET", "a", 3))
            wait_until(lambda: "MODULE.THING" in hearth.info().get("master_link_error", ""),
                       lambda: "refusing: %s" % hearth.info())
            assert hearth.call("ROLE")[3] == b"refused" and hearth.call("GET", "a") == b"2"
        assert redis.info("stats")["sync_full"] == "1", "a resync for nothing"
        print("ok: what is not known")
    except BaseException:
        print(hearth.log_tail()[-3000:])
        raise
    finally:
        redis.remove()
        hearth.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--primary", default=shutil.which("redis-server"))
    options = parser.parse_args()
    binary, primary, seed = options.server, options.primary, options.seed
    killed_while_loading(binary, primary)
    sends_what_is_not_known(binary, primary)
    for diskless in (True, False):
        move(binary, primary, diskless, seed)


if __name__ == "__main__":
    main()
