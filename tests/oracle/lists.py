"""List commands and SORT for the oracle; see GROUPS in oracle_test.py."""

TEXTS = ["", "a", "b", "hello", "x" * 70, "y" * 300, "3.25", "1e3", "-7", "abc", " 1", "0x10"]


def makers(g):
    def key():
        if g.chance(10):
            return g.key()
        return g.pick("l%d", "l%d", "{tag}l%d") % g.random.randrange(7)

    def numbers():  # lists, sets and weights for SORT: no zero bytes, which strcoll ends at
        return "n%d" % g.random.randrange(4)

    def number():
        return g.pick(*TEXTS) if g.random.randrange(200) == 0 else str(g.random.randrange(-9, 40))

    def element():
        return str(g.random.randrange(30)) if g.chance(60) else g.value()

    def elements():
        count = g.pick(1, 1, 1, 2, 3, 5, 20, 90 if g.chance(20) else 1)
        return [element() for _ in range(count)]

    def end():
        return "x" if g.chance(3) else g.pick("LEFT", "RIGHT", "left", "Right")

    def timeout():
        return g.pick("0.001", "0.002", "1e-3", "x", "-1", "") if g.chance(20) else "0.001"

    def count_option():
        return g.pick([], [], ["COUNT", g.integer()], ["COUNT"], ["count", "2"])

    def keys():
        return [key() for _ in range(g.random.randrange(1, 4))]

    def counted():
        names = keys()
        count = g.integer() if g.chance(10) else str(len(names))
        return [count] + names + [end()] + count_option()

    def sort_options(alpha_percent=40):
        alpha = g.chance(alpha_percent)
        patterns = ("w_*", "w_*", "x", "nosuch*", "#", "h*->f", "w_*->")
        by = ["BY", g.pick(*patterns)] if g.chance(50) else []
        # Where several elements have the same weight, LIMIT makes Redis' order undefined.
        limit = ["LIMIT", g.integer(), g.integer()] if not (alpha and by) and g.chance(40) else []
        gets = [["GET", g.pick("#", "w_*", "k*", "h*->f", "h*->g", "x", "w_*->", "*")]
                for _ in range(g.pick(0, 0, 0, 1, 2))]
        return g.shuffled(by, limit, ["ALPHA"] if alpha else [], g.pick([], ["ASC"], ["desc"]),
                          ["NOPE"] if g.chance(2) else [], *gets)

    def store(command):
        return command + ["STORE", key() if "GET" in command else g.pick(numbers(), key())]

    def positions():
        # Redis 7.0 takes the smallest integer for a rank, later ones do not.
        rank = g.integer().replace("-9223372036854775808", "-3")
        return g.shuffled(["RANK", rank] if g.chance(50) else [],
                          ["COUNT", g.integer()] if g.chance(50) else [],
                          ["MAXLEN", g.integer()] if g.chance(30) else [],
                          ["RANK"] if g.chance(3) else [])

    i = g.integer
    return [
        (14, lambda: [g.pick("LPUSH", "RPUSH"), key()] + elements()),
        (3, lambda: [g.pick("LPUSHX", "RPUSHX"), key()] + elements()),
        (8, lambda: [g.pick("LPOP", "RPOP"), key()] + g.pick([], [], [i()], ["40"], [i(), i()])),
        (3, lambda: ["LLEN", key()]),
        (4, lambda: ["LINDEX", key(), i()]),
        (5, lambda: ["LSET", key(), i(), element()]),
        (6, lambda: ["LRANGE", key(), i(), i()]),
        (7, lambda: ["LINSERT", key(), g.pick("BEFORE", "AFTER", "after", "x"), element(),
                     element()]),
        (4, lambda: ["LREM", key(), i(), element()]),
        (2, lambda: ["LTRIM", key(), i(), i()]),
        (2, lambda: ["LTRIM", key(), g.pick("0", "1", "5"), g.pick("-1", "-2", "60", "100")]),
        (5, lambda: ["LPOS", key(), element()] + positions()),
        (5, lambda: ["LMOVE", key(), key(), end(), end()]),
        (3, lambda: ["RPOPLPUSH", key(), key()]),
        (3, lambda: ["LMPOP"] + counted()),
        (1, lambda: [g.pick("BLPOP", "BRPOP")] + keys() + [timeout()]),
        (0.7, lambda: ["BLMOVE", key(), key(), end(), end(), timeout()]),
        (0.5, lambda: ["BRPOPLPUSH", key(), key(), timeout()]),
        (0.7, lambda: ["BLMPOP", timeout()] + counted()),
        (2, lambda: ["OBJECT", "ENCODING", key()]),
        (2, lambda: [g.pick("DEL", "UNLINK"), key()]),
        (1, lambda: [g.pick("RENAME", "COPY"), key(), key()]),
        (4, lambda: ["RPUSH", numbers()] + [number() for _ in range(g.random.randrange(1, 9))]),
        (0.5, lambda: ["DEL", numbers()]),
        # SORT turns a sorted set into a skiplist, which Redis alone shows.
        (1, lambda: ["ZADD", "zn", "1", "0" * 70] + [x for _ in range(3)
                                      for x in (str(g.random.randrange(99)), number())]),
        (1, lambda: ["SORT", "zn"] + sort_options(alpha_percent=0)),
        (3, lambda: ["SET", "w_%d" % g.random.randrange(-9, 40), number()]),
        (2, lambda: ["HSET", "h%d" % g.random.randrange(40), "f", number(), "g", element()]),
        (5, lambda: ["SORT", numbers()] + sort_options()),
        (1, lambda: [g.pick("SADD", "SADD", "SREM"), "ns"] + [number() for _ in range(3)]),
        (2, lambda: ["SORT_RO", g.pick(numbers(), numbers(), "ns", "w_1", "nosuch")] +
         sort_options() + (["STORE", "x"] if g.chance(5) else [])),
        (2, lambda: store(["SORT", numbers()] + sort_options())),
        (0.3, lambda: ["COMMAND", "GETKEYS", "SORT", key()] + sort_options() + ["STORE", key()]),
    ]


def normalised(name, command, reply):
    # A set has no order of its own, and SORT leaves it as it is where BY tells nothing apart.
    if name == "SORT_RO" and command[1] == "ns" and "BY" in command and isinstance(reply, list):
        return len(reply) if "LIMIT" in command or "GET" in command else sorted(reply)
    # Redis 7.2 has small lists as listpacks; 7.0 does not.
    if name == "OBJECT" and reply == b"listpack":
        return b"quicklist"
    return reply


def dump(client, key, kind):
    return client.call("LRANGE", key, 0, -1) if kind == "list" else None
