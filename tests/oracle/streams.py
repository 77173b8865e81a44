"""Stream commands for the oracle; see GROUPS in oracle_test.py.

Ids are explicit and idle times are either long past or never reached, so that both servers agree.
Where an approximate trim cuts depends on how the entries stand in nodes, which loading builds
anew: streams that are trimmed so ("xa...") lose entries in no other way.

Run with --extra --stream-node-max-entries 5 when Hearth is restarted.
"""

NODE_ENTRIES = "5"
NEVER, LONG_AGO = "1000000000000000", "1000000000"
KEYS = ["x0", "x1", "x2", "{tag}x3"]
APPROXIMATE_KEYS = ["xa0", "xa1"]
BAD_IDS = ["", "abc", "1-", "-1", "1-x", "-", "+", "$", ">", "*", "1-*", "01-1", "+1-2", "1--1",
           "18446744073709551615-18446744073709551615", "18446744073709551616", "x" * 200]


class Maker:
    def __init__(self, g):
        self.g = g
        self.last_ms = 1
        self.configured = False

    def key(self):
        if self.g.chance(4):
            return self.g.pick(*APPROXIMATE_KEYS)
        return self.g.key() if self.g.chance(6) else self.g.pick(*KEYS)

    def id(self):
        g = self.g
        if g.chance(3):
            return g.pick(*BAD_IDS)
        ms = (max(0, self.last_ms - g.random.randrange(40)) if g.chance(80)
              else g.random.randrange(20))
        return "%d-%d" % (ms, g.random.randrange(3)) if g.chance(70) else str(ms)

    def new_id(self):
        g = self.g
        if g.chance(8):
            return self.id().replace("*", "x")
        if g.chance(30):
            self.last_ms += 1
        return g.pick("%d-*" % self.last_ms, "%d-%d" % (self.last_ms, g.random.randrange(5)))

    def edge(self, default):
        g = self.g
        return g.pick(default, default, self.id(), self.id(), "(" + self.id())

    def fields(self):
        g = self.g
        names = [("a", "b", "c"), ("a", "b", "c"), ("temperature",),
                 ("d", "a")][g.random.randrange(4)]
        fields = [x for name in names for x in (name, g.value())]
        return fields[:-1] if g.chance(2) else fields

    def group(self):
        return self.g.pick("g0", "g1", "g2", b"g\x00\xff")

    def consumer(self):
        return self.g.pick("alice", "bob", "carol", "")

    def count(self):
        g = self.g
        return ["COUNT", g.integer()] if g.chance(50) else []

    def counter(self):
        # Counted up from the largest integer Redis goes on with the smallest, Hearth stays.
        return self.g.integer().replace("9223372036854775807", "9223372036854770000")

    def exact_trim(self):
        g = self.g
        if g.chance(50):
            threshold = ["MAXLEN"] + g.pick([], ["="]) + [g.pick("0", "3", "20", "40", "-1", "x")]
        else:
            threshold = ["MINID"] + g.pick([], ["="]) + [self.id()]
        return threshold + (["LIMIT", g.integer()] if g.chance(4) else [])

    def approximate_trim(self):
        g = self.g
        threshold = g.pick(["MAXLEN", "~", g.pick("3", "20", "40")], ["MINID", "~", self.id()])
        return threshold + (["LIMIT", g.pick("0", "1", "5", "7", "100")] if g.chance(40) else [])

    def add(self):
        g = self.g
        trim = self.exact_trim() if g.chance(8) else []
        options = g.shuffled(["NOMKSTREAM"] if g.chance(4) else [], trim)
        key = self.exact_key() if trim else self.key()
        return ["XADD", key] + options + [self.new_id()] + self.fields()

    def add_approximately(self):
        g = self.g
        return (["XADD", g.pick(*APPROXIMATE_KEYS)] +
                (self.approximate_trim() if g.chance(30) else []) + [self.new_id()] + self.fields())

    def exact_key(self):
        key = self.key()
        return "x0" if key in APPROXIMATE_KEYS else key

    def trim(self):
        if self.g.chance(50):
            return ["XTRIM", self.g.pick(*APPROXIMATE_KEYS)] + self.approximate_trim()
        return ["XTRIM", self.exact_key()] + self.exact_trim()

    def several(self, make, most):
        return [make() for _ in range(self.g.random.randrange(1, most + 1))]

    def read(self):
        g = self.g
        keys = self.several(self.key, 3)
        ids = [g.pick(self.id(), self.id(), "0", "$") for _ in keys]
        ids = ["$" if i == "+" else i for i in ids]  # 7.0 does not know it, here and below
        block = ["BLOCK", g.pick("1", "-1", "x")] if g.chance(2) else []
        return ["XREAD"] + g.shuffled(self.count(), block) + ["STREAMS"] + keys + ids

    def read_group(self):
        g = self.g
        keys = self.several(self.key, 2)
        ids = [g.pick(">", ">", ">", "0", self.id()) for _ in keys]
        ids = ["$" if i == "+" else i for i in ids]
        return (["XREADGROUP"] + g.shuffled(
            ["GROUP", self.group(), self.consumer()] if g.chance(99) else [], self.count(),
            ["NOACK"] if g.chance(10) else []) + ["STREAMS"] + keys +
            (ids if g.chance(98) else ids[1:]))

    def create_group(self):
        g = self.g
        return (["XGROUP", "CREATE", self.key(), self.group(), g.pick("$", "0", self.id())] +
                g.shuffled(["MKSTREAM"] if g.chance(50) else [], self.entries_read()))

    def entries_read(self):
        g = self.g
        return ["ENTRIESREAD", self.counter()] if g.chance(15) else []

    def xgroup(self):
        g = self.g
        which = g.random.randrange(6)
        if which < 2:
            return self.create_group()
        start = [self.key(), self.group()]
        if which == 2:
            return ["XGROUP", "SETID"] + start + [g.pick("$", self.id(), "-")] + self.entries_read()
        if which == 3:
            return ["XGROUP", "DESTROY"] + start
        return ["XGROUP", g.pick("CREATECONSUMER", "DELCONSUMER")] + start + [self.consumer()]

    def claim(self):
        g = self.g
        idle = g.pick("0", "0", LONG_AGO, NEVER, "-1", "x" if g.chance(20) else "0")
        options = g.shuffled(
            g.pick(["TIME", "1"], ["IDLE", "0"], ["IDLE", NEVER], ["TIME", "x"]) if g.chance(40)
            else [], ["RETRYCOUNT", g.integer()] if g.chance(20) else [],
            ["FORCE"] if g.chance(50) else [], ["JUSTID"] if g.chance(30) else [],
            ["LASTID", self.id()] if g.chance(10) else [])
        return (["XCLAIM", self.key(), self.group(), self.consumer(), idle] +
                self.several(self.id, 5) + options)

    def auto_claim(self):
        g = self.g
        return (["XAUTOCLAIM", self.key(), self.group(), self.consumer(),
                 g.pick("0", "0", LONG_AGO, NEVER), g.pick("0", "-", self.id(), "(" + self.id())] +
                g.shuffled(self.count(), ["JUSTID"] if g.chance(30) else []))

    def pending(self):
        g = self.g
        start = ["XPENDING", self.key(), self.group()]
        if g.chance(30):
            return start
        idle = ["IDLE", g.pick("0", LONG_AGO, NEVER)] if g.chance(30) else []
        return (start + idle + [self.edge("-"), self.edge("+"), g.pick("10", "3", "0", "-1", "x")] +
                ([self.consumer()] if g.chance(40) else []))

    def info(self):
        g = self.g
        key = self.key()
        return g.pick(["XINFO", "STREAM", key], ["XINFO", "STREAM", key, "FULL"],
                      ["XINFO", "STREAM", key, "FULL", "COUNT", g.integer()],
                      ["XINFO", "GROUPS", key], ["XINFO", "CONSUMERS", key, self.group()],
                      ["XINFO", "STREAM", key, "NOPE"])

    def set_id(self):
        g = self.g
        # Always greater: below an id that XDEL removed 7.2 refuses what 7.0 takes.
        self.last_ms += 1
        new_id = g.pick(*BAD_IDS[:8]) if g.chance(5) else "%d-1" % self.last_ms
        return ["XSETID", self.key(), new_id] + g.shuffled(
            ["ENTRIESADDED", self.counter()] if g.chance(20) else [],
            ["MAXDELETEDID", self.id()] if g.chance(20) else [])

    def configure_once(self, make):
        def maker():
            if self.configured:
                return make()
            self.configured = True
            return ["CONFIG", "SET", "stream-node-max-entries", NODE_ENTRIES]
        return maker


def makers(g):
    if not hasattr(g, "stream_maker"):
        g.stream_maker = Maker(g)
    m = g.stream_maker
    rows = [
        (40, m.add), (12, m.add_approximately), (4, m.trim),
        (4, lambda: ["XLEN", m.key()]),
        (8, lambda: ["XRANGE", m.key(), m.edge("-"), m.edge("+")] + m.count()),
        (8, lambda: ["XREVRANGE", m.key(), m.edge("+"), m.edge("-")] + m.count()),
        (10, lambda: ["XDEL", m.exact_key()] + m.several(m.id, 4)),
        (3, m.set_id), (8, m.read), (20, m.read_group), (10, m.xgroup), (6, m.create_group),
        (10, lambda: ["XACK", m.key(), m.group()] + m.several(m.id, 5)),
        (8, m.claim), (6, m.auto_claim), (8, m.pending), (8, m.info),
        (0.3, lambda: ["DEL", m.key()]), (0.5, lambda: ["COPY", g.pick(*KEYS), g.pick(*KEYS)]),
    ]
    return [(weight, m.configure_once(make)) for weight, make in rows]


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def without(record, *names):
    return {name: value for name, value in record.items() if name.decode() not in names}


def normal_consumer(flat):
    consumer = without(pairs(flat), "seen-time", "active-time", "idle", "inactive")
    if isinstance(consumer.get(b"pending"), list):
        consumer[b"pending"] = [[p[0], p[2]] for p in consumer[b"pending"]]
    return consumer


def with_entries(consumers):
    """Since 7.2 XCLAIM and XAUTOCLAIM make a consumer even if it gets nothing."""
    return [c for c in map(normal_consumer, consumers) if c.get(b"pel-count", c.get(b"pending"))]


def normal_group(flat):
    group = without(pairs(flat), "lag")  # 7.4 mends some
    if isinstance(group[b"consumers"], int):
        del group[b"consumers"]
    else:
        group[b"consumers"] = with_entries(group[b"consumers"])
        group[b"pending"] = [[p[0], p[1], p[3]] for p in group[b"pending"]]
    return group


def normal_stream(flat):
    stream = without(pairs(flat), "radix-tree-keys", "radix-tree-nodes")
    if isinstance(stream[b"groups"], list):
        stream[b"groups"] = [normal_group(g) for g in stream[b"groups"]]
    return stream


def normalised(name, command, reply):
    if name == "XREADGROUP" and isinstance(reply, str) and "Unbalanced" in reply:
        return "ERR Unbalanced"
    if name == "XREAD" and isinstance(reply, str) and "Unbalanced" in reply:
        return "ERR Unbalanced"
    if name == "XGROUP" and command[1] == "CREATECONSUMER" and isinstance(reply, int):
        return "made or there"
    if not isinstance(reply, list):
        return reply
    if name == "XPENDING" and len(command) > 3:
        return [[p[0], p[1], p[3]] for p in reply]
    if name == "XINFO" and command[1] == "STREAM":
        return normal_stream(reply)
    if name == "XINFO" and command[1] == "GROUPS":
        return [normal_group(g) for g in reply]
    if name == "XINFO" and command[1] == "CONSUMERS":
        return with_entries(reply)
    return reply


def dump(client, key, kind):
    if kind != "stream":
        return None
    info = client.call("XINFO", "STREAM", key, "FULL", "COUNT", "0")
    nodes = pairs(info)[b"radix-tree-keys"] if key.startswith(b"xa") else None
    return (normal_stream(info), nodes, client.call("XRANGE", key, "-", "+"),
            client.call("XREVRANGE", key, "+", "-"), client.call("OBJECT", "ENCODING", key))
