"""Data of every type and encoding on a redis-server or one like it, clients that go on writing
there, and how the data of two servers are compared."""

import random
import threading
import time

from resp import Listening, ReplyError

DBS = (0, 1, 7)
OLD_GROUP_FIELDS = (b"name", b"consumers", b"pending", b"last-delivered-id")
TTL_TOLERANCE_MS = 2
TTL_TOLERANCE_RELATIVE_MS = 10_000  # of a primary before 7.0, whose stream has EXPIREs as they came
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
