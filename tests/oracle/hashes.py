"""Hash commands for the oracle; see GROUPS in oracle_test.py.

Random fields are compared where all are asked for, else by their number. The expiry of fields is
not in Redis 7.0: unit tests have it.
"""

ALL = "1000000"
NUMBERS = ["0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808", "3.5", "-0.25",
           "1e3", "1e400", "inf", "-inf", "nan", "abc", "", " 1", "01", "0x10"]


def makers(g):
    k = g.key

    def field():
        kind = g.random.randrange(10)
        return "f%d" % g.random.randrange(30) if kind < 7 else g.value() if kind == 7 else \
            str(g.random.randrange(30)) if kind == 8 else "x" * g.pick(0, 1, 63, 64, 65, 200)

    def value():
        return g.pick(*NUMBERS) if g.chance(40) else g.value()

    def fields(count_max=5):
        return [field() for _ in range(1 + g.random.randrange(count_max))]

    def pairs():
        return [x for f in fields() for x in (f, value())]

    def many():
        start, count = g.random.randrange(1000), g.pick(20, 100, 250, 511, 513)
        return ["f%d" % (start + i) for i in range(count)]

    def count():
        return g.pick(ALL, ALL, "0", "-1", "3", "-3", "50", "x", "", "9223372036854775807",
                      "-9223372036854775808")

    return [
        (10, lambda: [g.pick("HSET", "HSET", "HMSET"), k()] + pairs() + ([field()] if g.chance(5)
                                                                        else [])),
        (1, lambda: ["HSET", k()] + [x for f in many() for x in (f, "v")]),
        (3, lambda: ["HSETNX", k(), field(), value()]),
        (5, lambda: ["HGET", k(), field()]),
        (3, lambda: ["HMGET", k()] + fields()),
        (3, lambda: [g.pick("HGETALL", "HKEYS", "HVALS"), k()]),
        (2, lambda: ["HLEN", k()]),
        (2, lambda: [g.pick("HSTRLEN", "HEXISTS"), k(), field()]),
        (6, lambda: ["HDEL", k()] + fields()),
        (0.5, lambda: ["HDEL", k()] + many()),
        (4, lambda: ["HINCRBY", k(), field(), g.integer()]),
        (4, lambda: ["HINCRBYFLOAT", k(), field(), g.pick(*NUMBERS)]),
        (3, lambda: ["HRANDFIELD", k()] + g.pick([], [count()], [count(), "WITHVALUES"],
                                                [count(), "x"], [count(), "withvalues", "x"])),
        (2, lambda: ["HSCAN", k(), g.pick("0", "0", "0", "7", "x", "-1")] + g.pick(
            ["COUNT", ALL], ["COUNT", ALL], [], ["MATCH", "*1*", "COUNT", ALL], ["COUNT", "0"],
            ["COUNT", "x"], ["MATCH"], ["count", "10"], ["TYPE", "hash"])),
        (0.3, lambda: [g.pick("HSET", "HGET", "HDEL", "HSETNX", "HINCRBY", "HLEN"), k()]),
    ]


def sorted_pairs(flat):
    return sorted(zip(flat[::2], flat[1::2]))


def normalised(name, command, reply):
    if not isinstance(reply, list):
        return "a field" if name == "HRANDFIELD" and isinstance(reply, bytes) else reply
    if name == "HGETALL":
        return sorted_pairs(reply)
    if name in ("HKEYS", "HVALS"):
        return sorted(reply)
    if name == "HRANDFIELD":
        if command[2] != ALL:
            return len(reply)
        return sorted_pairs(reply) if len(command) > 3 else sorted(reply)
    if name == "HSCAN":
        whole = ALL in command and command[2] == "0"
        return [reply[0], sorted_pairs(reply[1])] if whole else "a page"
    return reply


def scan_all(client, key):
    cursor, pairs = b"0", []
    while True:
        cursor, page = client.call("HSCAN", key, cursor, "COUNT", 7)
        pairs += page
        if cursor == b"0":
            return pairs


def dump(client, key, kind):
    if kind != "hash":
        return None
    pairs = sorted_pairs(client.call("HGETALL", key))
    assert client.call("HLEN", key) == len(pairs), "HLEN"
    assert sorted(set(sorted_pairs(scan_all(client, key)))) == pairs, "HSCAN and HGETALL disagree"
    return pairs, client.call("OBJECT", "ENCODING", key)
