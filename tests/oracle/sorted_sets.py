"""Sorted set commands for the oracle; see GROUPS in oracle_test.py."""

SCORES = ["0", "1", "1", "2", "3", "-1", "10", "0.5", "1.5", "-2.25", "100", "1e3", "3.0"]
ODD_SCORES = ["inf", "-inf", "+inf", "-0", "1e300", "1e-9", "123456789012", "0x10", "+5", "0.1",
              "9007199254740993", "nan", "abc", "", " 1", "1 ", "1e400", "1e20", "-1e-300"]
SHORT = ["a", "b", "c", "d", "e", "f", "g", "aa", "ab", "", "m1", "m2", "42", "-7", "\x00\xff"]

DOUBLES = {"ZSCORE", "ZINCRBY"}
# Replies whose every second element is a score.
PAIRS = {"ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZUNION", "ZINTER", "ZDIFF"}


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def as_float(value):
    """Redis 7.0 prints 17 digits, 7.2 the shortest that read back the same.

    Whether a zero is negative depends on when Redis changes encodings.
    """
    return repr(float(value) + 0.0) if isinstance(value, bytes) else value


class Maker:
    def __init__(self, g):
        self.g = g

    def key(self):
        g = self.g
        # Few keys, so that they grow; the others' keys now and then.
        return g.pick("z%d" % g.random.randrange(6), "{tag}z", "z0", "z1") if g.chance(85) \
            else g.key()

    def lex_key(self):
        """Only members with the same score: what a range by member needs."""
        return "lex%d" % self.g.random.randrange(3)

    def member(self):
        g = self.g
        roll = g.random.randrange(100)
        if roll < 45:
            return g.pick(*SHORT).encode("latin-1")
        if roll < 97:
            return b"member:%d" % g.random.randrange(150)
        return b"long" * g.random.randrange(10, 30)

    def score(self):
        g = self.g
        if g.chance(4):
            return g.pick(*ODD_SCORES)
        return g.pick(*SCORES) if g.chance(50) else str(g.random.randrange(60))

    def many(self, make, count_max=4):
        return [x for _ in range(self.g.random.randrange(1, count_max + 1)) for x in make()]

    def pairs(self):
        g = self.g
        # Never more pairs than a listpack holds: Redis 7.2 goes by the pairs sent, 7.0 by those
        # stored.
        count = 128 if g.chance(1) else 12 if g.chance(10) else 3
        return self.many(lambda: [self.score(), self.member()], count)

    def add(self):
        g = self.g
        options = g.shuffled(*([o] if g.chance(c) else [] for o, c in
                               (("NX", 10), ("XX", 8), ("GT", 8), ("lt", 8), ("CH", 20),
                                ("INCR", 6))))
        tail = self.pairs()
        if "INCR" in options and g.chance(90):
            tail = tail[:2]
        if g.chance(1):
            tail = tail[:-1]
        return ["ZADD", self.key()] + options + tail

    def lex_add(self):
        return ["ZADD", self.lex_key()] + [x for _ in range(self.g.random.randrange(1, 6))
                                           for x in ("0", self.member())]

    def rank(self):
        g = self.g
        return g.integer() if g.chance(30) else str(g.random.randrange(-30, 30))

    def score_bound(self):
        g = self.g
        if g.chance(3):
            return g.pick("", "(", "(a", "a", "nan", "((1", "1e400", "0x5", " 2")
        return ("(" if g.chance(30) else "") + (g.pick("-inf", "+inf", "inf") if g.chance(25)
                                                else g.pick(*SCORES))

    def lex_bound(self):
        g = self.g
        if g.chance(25):
            return g.pick("-", "+")
        if g.chance(3):
            return g.pick("", "a", "-a", "++", "]a")
        return g.pick(b"[", b"(") + self.member()

    def limit(self, percent=30):
        g = self.g
        if not g.chance(percent):
            return []
        if g.chance(3):
            return g.pick(["LIMIT"], ["LIMIT", "1"], ["LIMIT", "a", "1"], ["LIMIT", "0", "x"])
        return ["LIMIT", g.pick("0", "0", "1", "2", "7", "-1", "50"),
                g.pick("1", "2", "5", "20", "-1", "0", "-5")]

    def range_form(self):
        """min, max and options, in the three forms of ZRANGE."""
        g = self.g
        by = g.random.randrange(10)
        bound = self.rank if by < 4 else self.score_bound
        options = [[] if by < 4 else ["BYSCORE"], ["REV"] if g.chance(30) else [],
                   self.limit(5 if by < 4 else 30)]
        if g.chance(2):
            options.append(["NOPE"])
        return [bound(), bound()], options

    def range(self):
        g = self.g
        bounds, options = self.range_form()
        options.append(["WITHSCORES"] if g.chance(40) else [])
        return ["ZRANGE", self.key()] + bounds + g.shuffled(*options)

    def lex_range(self):
        g = self.g
        bounds = [self.lex_bound(), self.lex_bound()]
        kind = g.random.randrange(7)
        if kind == 0:
            return ["ZRANGE", self.lex_key()] + bounds + g.shuffled(
                ["BYLEX"], ["REV"] if g.chance(40) else [], self.limit(),
                ["WITHSCORES"] if g.chance(3) else [])
        if kind == 1:
            return ["ZLEXCOUNT", self.lex_key()] + bounds
        if kind == 2:
            return ["ZREMRANGEBYLEX", self.lex_key()] + bounds if g.chance(50) else \
                ["ZREM", self.lex_key(), self.member()]
        if kind == 3:
            return ["ZRANGESTORE", self.lex_key(), self.lex_key()] + bounds + g.shuffled(
                ["BYLEX"], ["REV"] if g.chance(40) else [], self.limit())
        return [g.pick("ZRANGEBYLEX", "ZREVRANGEBYLEX"), self.lex_key()] + bounds + self.limit()

    def range_store(self):
        g = self.g
        bounds, options = self.range_form()
        return ["ZRANGESTORE", self.key(), self.key()] + bounds + g.shuffled(*options)

    def old_range(self):
        g = self.g
        name = g.pick("ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE")
        bound = self.rank if name == "ZREVRANGE" else self.score_bound
        return [name, self.key(), bound(), bound()] + g.shuffled(
            ["WITHSCORES"] if g.chance(40) else [], self.limit(3 if name == "ZREVRANGE" else 30))

    def sources(self):
        g = self.g
        keys = [self.key() for _ in range(g.random.randrange(1, 4))]
        count = g.pick("0", "-1", "9", "x", "") if g.chance(3) else str(len(keys))
        return [count] + keys, len(keys)

    def algebra(self):
        g = self.g
        name = g.pick("ZUNION", "ZINTER", "ZDIFF", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE")
        keys, count = self.sources()
        is_store = name.endswith("STORE")
        takes = not name.startswith("ZDIFF") or g.chance(3)
        options = g.shuffled(
            ["WEIGHTS"] + [g.pick("1", "2", "-1", "0.5", "inf", "x" if g.chance(5) else "3")
                           for _ in range(count)] if takes and g.chance(30) else [],
            ["AGGREGATE", g.pick("SUM", "MIN", "max", "avg" if g.chance(5) else "sum")]
            if takes and g.chance(40) else [],
            ["WITHSCORES"] if g.chance(3 if is_store else 50) else [])
        return [name] + ([self.key()] if is_store else []) + keys + options

    def multi_pop(self):
        g = self.g
        keys, _ = self.sources()
        tail = [g.pick("MIN", "MAX", "min", "x" if g.chance(10) else "MAX")]
        if g.chance(50):
            tail += ["COUNT", g.pick("1", "2", "5", "0" if g.chance(20) else "3", "x" if
                                     g.chance(10) else "4")]
        # Never one that waits: the connection is shared by all commands.
        return ["ZMPOP"] + keys + tail

    def random_member(self):
        g = self.g
        return ["ZRANDMEMBER", self.key()] + g.pick(
            [], ["3"], ["-5"], ["0"], ["-20"], ["1000"], ["x"], ["4", "WITHSCORES"],
            ["-4", "WITHSCORES"], ["2", "NOPE"])

    def scan(self):
        g = self.g
        cursor = "0" if g.chance(95) else g.pick("x", "", "-1x")
        return ["ZSCAN", self.key(), cursor] + g.pick(
            ["COUNT", "100000"], ["COUNT", "100000", "MATCH", "m*"], ["MATCH", "*1*", "COUNT",
                                                                      "100000"],
            ["COUNT", "0"], ["COUNT"], ["NOPE", "1"])


def makers(g):
    m = Maker(g)
    k, member = m.key, m.member
    return [
        (22, m.add),
        (4, m.lex_add),
        (4, lambda: ["ZINCRBY", k(), m.score(), member()]),
        (5, lambda: ["ZREM", k()] + m.many(lambda: [member()])),
        (2, lambda: ["ZCARD", k()]),
        (3, lambda: ["ZSCORE", k(), member()]),
        (2, lambda: ["ZMSCORE", k()] + m.many(lambda: [member()])),
        (4, lambda: [g.pick("ZRANK", "ZREVRANK"), k(), member()]),
        (3, lambda: ["ZCOUNT", k(), m.score_bound(), m.score_bound()]),
        (8, m.range),
        (6, m.lex_range),
        (3, m.range_store),
        (6, m.old_range),
        (2, lambda: ["ZREMRANGEBYRANK", k(), m.rank(), g.pick("2", "5", "-25", "100", "x")]),
        (2, lambda: ["ZREMRANGEBYSCORE", k(), m.score_bound(), g.pick("1", "(2", "0", "-1")]),
        (3, lambda: [g.pick("ZPOPMIN", "ZPOPMAX"), k()] + g.pick([], [], ["1"], ["3"], ["0"],
                                                                 [g.integer()])),
        (2, m.multi_pop),
        (6, m.algebra),
        (2, lambda: ["ZINTERCARD"] + m.sources()[0] + g.pick(
            [], [], ["LIMIT", "2"], ["LIMIT", "-1"], ["LIMIT"], ["LIMIT", "0"])),
        (3, m.random_member),
        (2, m.scan),
        (1, lambda: ["OBJECT", "ENCODING", k()]),
        (1, lambda: ["DEL", k()]),
        (0.5, lambda: [g.pick("RENAME", "COPY"), k(), k()]),
    ]


def pairs_as_floats(reply):
    return [as_float(x) if i % 2 else x for i, x in enumerate(reply)]


def normalised(name, command, reply):
    options = {text(x).upper() for x in command[2:]}
    if isinstance(reply, bytes) and (name in DOUBLES or name == "ZADD"):
        return as_float(reply)
    if not isinstance(reply, list):
        # Any member may come; the dump compares which there are.
        return "a member" if name == "ZRANDMEMBER" and isinstance(reply, bytes) else reply
    if name == "ZMSCORE":
        return [as_float(x) for x in reply]
    if name in ("ZPOPMIN", "ZPOPMAX") or (name in PAIRS and "WITHSCORES" in options):
        return pairs_as_floats(reply)
    if name == "ZMPOP" and reply:
        return [reply[0], [pairs_as_floats(pair) for pair in reply[1]]]
    if name == "ZSCAN":
        pairs = list(zip(reply[1][::2], (as_float(x) for x in reply[1][1::2])))
        return [reply[0], sorted(pairs)]
    if name == "ZRANDMEMBER":
        count = int(command[2])
        members = reply[::2] if "WITHSCORES" in options else reply
        return ["members", len(members), len(set(members)) if count > 0 else 0]
    return reply


def dump(client, key, kind):
    if kind != "zset":
        return None
    pairs = client.call("ZRANGE", key, 0, -1, "WITHSCORES")
    downwards = client.call("ZREVRANGE", key, 0, -1, "WITHSCORES")
    members = pairs[::2]
    assert downwards[::2] == members[::-1], "ZRANGE and ZREVRANGE disagree"
    assert client.call("ZCARD", key) == len(members)
    assert client.call("ZMSCORE", key, *members) == pairs[1::2]
    for rank, member in enumerate(members[:40]):
        assert client.call("ZRANK", key, member) == rank
    for count in (1, 7, len(members), len(members) + 5, -2 * len(members)):
        chosen = client.call("ZRANDMEMBER", key, count)
        assert set(chosen) <= set(members)
        assert count < 0 or len(set(chosen)) == len(chosen) == min(count, len(members))
    return pairs_as_floats(pairs), client.call("OBJECT", "ENCODING", key)
