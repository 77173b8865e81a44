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
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Listening, ReplyError, wait_until  # noqa: E402

DBS = (0, 1, 7)
OLD_GROUP_FIELDS = (b"name", b"consumers", b"pending", b"last-delivered-id")
TTL_TOLERANCE_MS = 2
TTL_TOLERANCE_RELATIVE_MS = 10_000  # of a primary before 7.0, whose stream has EXPIREs as they came
SOON_MS = 10_000
CUTS = 6
LIBRARY = ("#!lua name=moved\n"
           "redis.register_function('put', function(keys, args)\n"
           "  return redis.call('SET', keys[1], args[1]) end)\n")


class Redis(Listening):
    """A redis-server, or one like it, that may ask for a password."""

    password = ""

    def start(self):
        super().start()
        self.known = {row[0].decode().upper() for row in self.call("COMMAND")}
        self.is_old = not self.knows("FUNCTION")  # before 7.0
        self.has_field_expiry = self.knows("HPEXPIRE")
        return self

    def knows(self, command):
        return command in self.known

    def set_password(self, password):
        must(self.call("CONFIG", "SET", "requirepass", password))
        self.password = password

    def client(self):
        client = super().client()
        if self.password:
            must(client.call("AUTH", self.password))
        return client


def must(reply):
    assert not isinstance(reply, ReplyError), reply
    return reply


def fill(redis, rng):
    """Every type, in every encoding that a redis-server has, in some databases."""
    client, big = redis.client(), b"x" * 70000
    for db in DBS:
        must(client.call("SELECT", db))
        commands = [["SET", "int", 12345], ["SET", "short", "abc"], ["SET", "raw", big],
                    ["SET", "binary", bytes(range(256))], ["SET", "", "empty key"],
                    ["SET", "packed", b"ab" * 4000],
                    ["SETBIT", "bits", 9999, 1], ["PFADD", "sparse", *range(50)],
                    ["PFADD", "dense", *range(20000)],
                    ["GEOADD", "geo", "13.361389", "38.115556", "Palermo"],
                    ["RPUSH", "list:small", 1, -70000, "a", "b" * 100],
                    ["RPUSH", "list:plain", big, "a", big],
                    ["SADD", "set:ints", 1, 2, -70000, 2**40], ["SADD", "set:few", "a", "b", 3],
                    ["HSET", "hash:small", "f", "v", "n", 1], ["HSET", "hash:long", "f", big],
                    ["ZADD", "zset:small", "1.5", "a", "-inf", "b", "+inf", "c", 3, "d"]]
        for i in range(3000):
            commands.append(["RPUSH", "list:big", "element%d" % i])
            commands.append(["SADD", "set:big", "member%d" % i])
            commands.append(["HSET", "hash:big", "field%d" % i, "value%d" % i])
            commands.append(["ZADD", "zset:big", str(i * 1.25), "member%d" % i])
            commands.append(["XADD", "stream:big", "%d-%d" % (i + 1, i % 3), "n", i, "t", "text"])
            commands.append(["HSET", "hash:expiring", "field%d" % i, i])
        for i in range(1000):
            commands.append(["SADD", "set:manyints", i * 3])
            commands.append(["SET", "key:%d" % i, "value%d" % rng.getrandbits(30)])
            commands.append(["SET", "later:%d" % i, i, "PX", 3600000 + i])
        commands += [["SET", "gone:%d" % i, i, "PX", 300 + i] for i in range(300)]
        commands += [["HPEXPIRE", "hash:expiring", 300 + i if i % 2 else 3600000 + i, "FIELDS", 1,
                      "field%d" % i] for i in range(600)]
        commands += [["HSET", "hash:few", "a", 1, "b", 2, "c", 3, "d", 4],
                     ["HPEXPIRE", "hash:few", 3600000, "FIELDS", 2, "a", "b"],
                     ["HPEXPIRE", "hash:few", 300, "FIELDS", 1, "c"]]
        commands += [["XDEL", "stream:big", "5-1"], ["XGROUP", "CREATE", "stream:big", "g", 0],
                     ["XGROUP", "CREATE", "stream:big", "h", "$"],
                     ["XREADGROUP", "GROUP", "g", "one", "COUNT", 20, "STREAMS", "stream:big", ">"],
                     ["XREADGROUP", "GROUP", "g", "two", "COUNT", 20, "STREAMS", "stream:big", ">"],
                     ["XACK", "stream:big", "g", "1-0", "2-1"],
                     ["XGROUP", "CREATE", "stream:empty", "g", "$", "MKSTREAM"],
                     ["XREADGROUP", "GROUP", "g", "idle", "STREAMS", "stream:empty", ">"]]
        commands = [command for command in commands if redis.knows(command[0])]
        for at in range(0, len(commands), 500):
            for reply in client.pipeline(commands[at:at + 500]):
                must(reply)
    if not redis.is_old:
        must(client.call("FUNCTION", "LOAD", LIBRARY))
    client.close()


class Writer(threading.Thread):
    """Goes on writing, all kinds of commands, until it is stopped."""

    def __init__(self, node, seed):
        super().__init__(daemon=True)
        self.node, self.client = node, node.client()
        self.rng = random.Random(seed)
        self.stopping = False
        self.count = 0
        self.error = None

    def command(self):
        rng = self.rng
        key = lambda kind: "w:%s:%d" % (kind, rng.randrange(40))  # noqa: E731
        n, member = rng.randrange(1000), "m%d" % rng.randrange(300)
        field = ["FIELDS", 1, member]
        return rng.choice([command for command in [
            ["SET", key("s"), n], ["SET", key("s"), n, "PX", rng.randrange(1, 400)],
            ["INCR", key("i")], ["APPEND", key("a"), "text%d" % n], ["GETDEL", key("s")],
            ["RPUSH", key("l"), n, member], ["LPOP", key("l")], ["LTRIM", key("l"), 0, 50],
            ["SADD", key("t"), member], ["SPOP", key("t")], ["SREM", key("t"), member],
            ["HSET", key("h"), member, n], ["HINCRBYFLOAT", key("f"), member, "0.25"],
            ["HDEL", key("h"), member], ["ZADD", key("z"), n, member],
            ["ZINCRBY", key("z"), 1, member], ["ZPOPMIN", key("z")],
            ["XADD", key("x"), "MAXLEN", "~", 100, "*", "n", n],
            ["PEXPIRE", key("i"), rng.randrange(1, 500)], ["EXPIRE", key("h"), 1000],
            ["PERSIST", key("i")], ["DEL", key("s"), key("l")], ["UNLINK", key("z")],
            ["RENAME", "key:%d" % n, "renamed:%d" % n],
            ["COPY", "later:%d" % n, key("c"), "REPLACE"],
            ["EVAL", "redis.call('SET', KEYS[1], ARGV[1]) redis.call('INCR', KEYS[2]) return 1", 2,
             key("e"), key("ec"), n],
            ["FCALL", "put", 1, key("fn"), n], ["PFADD", "sparse", n], ["SETRANGE", "raw", n, "y"],
            ["SELECT", rng.choice(DBS)], ["PUBLISH", "channel", n],
            ["HPEXPIRE", key("h"), n + 1, *field], ["HPERSIST", key("h"), *field],
            ["HSETEX", key("h"), "PX", n + 1, *field, n], ["HSETEX", key("h"), *field, n],
            ["HSETEX", key("h"), "EX", 1000, *field, n], ["HSETEX", key("h"), "FNX", *field, n],
            ["HGETEX", key("h"), "PX", n + 1, *field], ["HGETEX", key("h"), "PERSIST", *field],
            ["HGETDEL", key("h"), *field], ["SET", key("b"), n % 2],
            ["SET", key("b"), "was", "IFEQ", n % 2], ["DELIFEQ", key("b"), n % 2],
            ["MSETEX", 2, key("s"), n, key("e"), n, "PX", n + 1]]
            if self.node.knows(command[0])])

    def run(self):
        try:
            while not self.stopping:
                commands = [self.command() for _ in range(self.rng.randrange(1, 12))]
                if self.rng.random() < 0.2:
                    commands = [["MULTI"], *commands, ["EXEC"]]
                self.client.pipeline(commands)
                self.count += len(commands)
                time.sleep(0.001)
        except Exception as error:  # told by stop()
            self.error = error

    def stop(self):
        """Ends it, and tells what went wrong."""
        self.stopping = True
        self.join()
        if self.error:
            raise self.error


def fields_of(client, key, redis):
    """The fields, their values and, where the Redis knows of such, their times of expiry."""
    flat = client.call("HGETALL", key)
    fields = dict(zip(flat[::2], flat[1::2]))
    if not redis.has_field_expiry or not fields:
        return fields
    times = client.call("HPEXPIRETIME", key, "FIELDS", len(fields), *fields)
    return dict(zip(fields, zip(fields.values(), times)))


def value_of(client, kind, key, redis):
    if kind == "string":
        return client.call("GET", key)
    if kind == "list":
        return client.call("LRANGE", key, 0, -1)
    if kind == "set":
        return sorted(client.call("SMEMBERS", key))
    if kind == "hash":
        return fields_of(client, key, redis)
    if kind == "zset":
        flat = client.call("ZRANGE", key, 0, -1, "WITHSCORES")
        return list(zip(flat[::2], map(float, flat[1::2])))  # 7.0 writes more digits
    assert kind == "stream", kind
    groups = []
    for group in client.call("XINFO", "GROUPS", key):
        fields = dict(zip(group[::2], group[1::2]))
        if redis.is_old:
            fields = {name: value for name, value in fields.items() if name in OLD_GROUP_FIELDS}
        pending = [entry[:2] + entry[3:] for entry in
                   client.call("XPENDING", key, fields[b"name"], "-", "+", 100000)]
        names = [dict(zip(c[::2], c[1::2]))[b"name"] for c in
                 client.call("XINFO", "CONSUMERS", key, fields[b"name"])]
        groups.append((fields, pending, sorted(names)))
    about = dict(zip(*[iter(client.call("XINFO", "STREAM", key))] * 2))
    fields = [b"last-generated-id"]
    if not redis.is_old:
        fields += [b"entries-added", b"max-deleted-entry-id"]
    return client.call("XRANGE", key, "-", "+"), groups, [about[name] for name in fields]


def expiry_of(client, key, redis):
    """In unix ms; -1: none."""
    if not redis.is_old:
        return client.call("PEXPIRETIME", key)
    ttl = client.call("PTTL", key)
    return time.time() * 1000 + ttl if ttl >= 0 else -1


def dump(node, redis):
    """All databases as plain values, with the times of expiry, as far as the Redis knows such."""
    client, found = node.client(), {}
    for db in range(16):
        must(client.call("SELECT", db))
        keys = client.call("KEYS", "*")
        for key, kind in zip(keys, client.pipeline([["TYPE", key] for key in keys])):
            if kind == "none":
                continue
            found[db, key] = (kind, value_of(client, kind, key, redis),
                              expiry_of(client, key, redis))
    libraries = [] if redis.is_old else client.call("FUNCTION", "LIST", "WITHCODE")
    client.close()
    return found, [library[1::2] for library in libraries]


def compare(redis, hearth, what):
    tolerance_ms = TTL_TOLERANCE_RELATIVE_MS if redis.is_old else TTL_TOLERANCE_MS
    return compare_dumps(dump(redis, redis), dump(hearth, redis), what, tolerance_ms)


def first_difference(one, other):
    """Where two values differ, from the outside in, and how."""
    if type(one) is not type(other) or one == other or not isinstance(one, (list, tuple, dict)):
        return str(one)[:200], str(other)[:200]
    if len(one) != len(other):
        return "%d and %d parts" % (len(one), len(other)), str(one)[:200], str(other)[:200]
    if isinstance(one, dict):
        one, other = sorted(one.items()), sorted(other.items())
    at = next(i for i in range(len(one)) if one[i] != other[i])
    return (at, *first_difference(one[at], other[at]))


def compare_dumps(one_dump, other_dump, what, tolerance_ms=TTL_TOLERANCE_MS):
    (mine, my_libraries), (theirs, their_libraries) = one_dump, other_dump
    assert my_libraries == their_libraries, (my_libraries, their_libraries)
    assert len(mine) > 100
    assert mine.keys() == theirs.keys(), (what, mine.keys() ^ theirs.keys())
    for at, one in mine.items():
        other = theirs[at]
        assert one[:2] == other[:2], (what, at, first_difference(one, other))
        assert (one[2] < 0) == (other[2] < 0), (what, at, one[2], other[2])
        assert abs(one[2] - other[2]) <= tolerance_ms, (what, at, one[2], other[2])
    return len(mine)


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
