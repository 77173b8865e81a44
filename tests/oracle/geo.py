"""Geo commands for the oracle; see GROUPS in oracle_test.py."""

NAMES = ["Palermo", "Catania", "north", "south", "date line", "null island", "a", "b", ""]
EDGES = [(x, y) for x in ("180", "-179.999", "0", "179.998")
         for y in ("85.05112878", "-85.05112878", "0.5", "45.25")]
UNITS = ["m", "km", "ft", "mi", "KM"]


class Maker:
    def __init__(self, g):
        self.g = g

    def key(self):
        return "geo%d" % self.g.random.randrange(3) if self.g.chance(90) else self.g.key()

    def member(self):
        g = self.g
        return g.pick(*NAMES) if g.chance(20) else "place:%d" % g.random.randrange(250)

    def point(self):
        g = self.g
        roll = g.random.randrange(100)
        if roll < 2:
            return g.pick(["181", "0"], ["0", "86"], ["x", "1"], ["1", ""], ["nan", "0"],
                          ["-180.5", "10"])
        if roll < 8:
            return list(g.pick(*EDGES))
        # Random digits: hardly two at the same distance, whose order nobody promises.
        if roll < 50:
            return ["%.9f" % g.random.uniform(-180, 180), "%.9f" % g.random.uniform(-85, 85)]
        return ["%.9f" % g.random.uniform(13, 16), "%.9f" % g.random.uniform(36, 39)]

    def unit(self):
        return "parsec" if self.g.chance(1) else self.g.pick(*UNITS)

    def size(self):
        g = self.g
        return g.pick("-1", "x", "nan", "") if g.chance(2) else \
            g.pick("0", "1", "100", "5000", "200000", "1e6", "20000000", "0.5")

    def add(self):
        g = self.g
        options = g.shuffled(*([o] if g.chance(8) else [] for o in ("NX", "XX", "CH")))
        triples = []
        for _ in range(g.random.randrange(1, 6)):
            point = self.point()
            # Never two members at the same place, whose order nobody promises.
            is_edge = tuple(point) in EDGES
            triples += point + ["edge:%d" % EDGES.index(tuple(point)) if is_edge else self.member()]
        return ["GEOADD", self.key()] + options + (triples[:-1] if g.chance(2) else triples)

    def circle(self):
        return [self.size(), self.unit()]

    def order(self, key):
        """Sorting options, none for a key of another group: its members may share a place."""
        g = self.g
        if not str(key).startswith("geo"):
            return [], []
        count = ["COUNT", g.pick("1", "3", "10", "1000", "0" if g.chance(10) else "2")] \
            if g.chance(35) else []
        return g.pick(["ASC"], ["DESC"], ["asc"], []), \
            count + (["ANY"] if g.chance(15 if count else 2) else [])

    def details(self, percent=30):
        return [[word] if self.g.chance(percent) else []
                for word in ("WITHDIST", "WITHHASH", "WITHCOORD")]

    def target(self, percent):
        g = self.g
        # What distances are stored in is never searched: they stand for a few equal points.
        return [] if not g.chance(percent) else \
            g.pick(["STORE", g.pick(self.key(), "stored")], ["STOREDIST", "stored"])

    def radius(self):
        g = self.g
        by_member = g.chance(50)
        name = "GEORADIUSBYMEMBER" if by_member else "GEORADIUS"
        read_only = g.chance(30)
        center = [self.member()] if by_member else self.point()
        target = self.target(3 if read_only else 25)
        key = self.key()
        return [name + ("_RO" if read_only else ""), key] + center + self.circle() + \
            g.shuffled(target, *self.order(key), *self.details(3 if target else 25))

    def search(self):
        g = self.g
        center = ["FROMMEMBER", self.member()] if g.chance(50) else ["FROMLONLAT"] + self.point()
        shape = ["BYRADIUS"] + self.circle() if g.chance(50) else \
            ["BYBOX", self.size(), self.size(), self.unit()]
        if g.chance(2):
            center = g.pick([], center + ["FROMMEMBER", "a"], center[:-1])
        if g.chance(2):
            shape = g.pick([], shape + ["BYRADIUS", "1", "km"], shape[:-1])
        stores = g.chance(25)
        distance = ["STOREDIST"] if g.chance(40 if stores else 1) else []
        names = ["GEOSEARCHSTORE", "stored" if distance else self.key()] if stores else \
            [g.pick("GEOSEARCH", "GeoSearch")]
        key = self.key()
        return names + [key] + g.shuffled(
            center, shape, *self.order(key), *self.details(2 if stores else 30), distance)


def makers(g):
    m = Maker(g)
    members = lambda: [m.member() for _ in range(g.random.randrange(1, 4))]  # noqa: E731
    return [
        (12, m.add),
        (3, lambda: ["GEODIST", m.key(), m.member(), m.member()] +
         g.pick([], [m.unit()], [m.unit()], ["m", "x"])),
        (2, lambda: ["GEOHASH", m.key()] + members()),
        (2, lambda: ["GEOPOS", m.key()] + members()),
        (8, m.radius),
        (12, m.search),
        (1, lambda: ["ZREM", m.key()] + members()),
        # Only scores of points: with others distances are no numbers, and the order is by chance.
        (0.2, lambda: ["ZADD", m.key(), str(g.random.randrange(1 << 52)), m.member()]),
    ]


def normalised(name, command, reply):
    return reply


def dump(client, key, kind):
    return None
