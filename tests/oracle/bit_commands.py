"""The bitmap and HyperLogLog commands of the oracle's generator.

Bitmaps live among the other strings; HyperLogLogs mostly under keys of their own (h0..h5), and
those that are damaged on purpose under c0..c3, from where nothing is copied. What may be damaged
gets one element at a time: Redis keeps what a refused PFADD did before it met the damage, and that
it made the string raw; Hearth does not.
"""

OFFSETS = ["0", "1", "6", "7", "8", "9", "63", "64", "65", "100", "511", "3000", "-1", "x", "",
           "4294967296", "9223372036854775807", "01", " 1"]
FAR_OFFSETS = ["4294967295", "4294967288", "#536870911", "#536870912", "#9223372036854775807",
               "#-1", "#", "#x", "1#"]
TYPES = ["u1", "u2", "u4", "u8", "u13", "u16", "u32", "u62", "u63", "i1", "i2", "i5", "i8", "i16",
         "i32", "i63", "i64"]
BAD_TYPES = ["u64", "i65", "u0", "i0", "x8", "u", "i", "", "u08", "u-1", "U8"]
NUMBERS = ["0", "1", "-1", "2", "7", "100", "127", "128", "-128", "-129", "255", "256", "300",
           "4294967296", "9223372036854775807", "-9223372036854775808", "-9223372036854775000"]


def is_damaged_key(key):
    return len(key) == 2 and key.startswith(b"c")


class BitCommands:
    def __init__(self, generator):
        self.g = generator

    def key(self):
        g = self.g
        return self.hll_key() if g.chance(15) else self.write_key()

    def write_key(self):
        return self.g.pick("b%d" % self.g.random.randrange(6), self.g.key())

    def offset(self):
        return self.g.pick(*OFFSETS[:12]) if self.g.chance(90) else self.g.pick(*OFFSETS)

    def bit(self):
        return self.g.pick("0", "1") if self.g.chance(93) else self.g.pick("2", "-1", "x", "", "01")

    def bound(self):
        g = self.g
        if g.chance(15):
            return g.pick("x", "", "9223372036854775807", "-9223372036854775808", "1000")
        return str(g.random.randrange(-20, 20) * g.pick(1, 1, 5))

    def unit(self):
        return [self.g.pick("BYTE", "BIT", "bit", "byte", "BIT", "NO")] if self.g.chance(50) else []

    def bitcount(self):
        g = self.g
        bounds = [self.bound(), self.bound()] if g.chance(80) else [self.bound()][:g.pick(0, 1)]
        extra = ["1"] if g.chance(2) else []
        return ["BITCOUNT", self.key()] + bounds + (self.unit() if len(bounds) == 2 else []) + extra

    def bitpos(self):
        g = self.g
        bounds = [self.bound() for _ in range(g.random.randrange(3))]
        extra = ["1"] if g.chance(2) else []
        return (["BITPOS", self.key(), self.bit()] + bounds +
                (self.unit() if len(bounds) == 2 else []) + extra)

    def bitop(self):
        g = self.g
        operation = g.pick("AND", "OR", "XOR", "NOT", "and", "not", "NO")
        count = 1 if operation in ("NOT", "not") and g.chance(85) else g.random.randrange(1, 5)
        return ["BITOP", operation, g.pick("b1", "b2", "b3", self.write_key())] + [
            self.key() for _ in range(count)]

    def bitmap(self):
        """Bytes for searching: long runs of one bit."""
        g = self.g
        fill = g.pick(b"\x00", b"\xff", b"\xaa")
        value = bytearray(fill * g.random.randrange(80))
        for _ in range(g.random.randrange(3)):
            if value:
                value[g.random.randrange(len(value))] = g.random.randrange(256)
        return ["SET", "b%d" % g.random.randrange(6), bytes(value)]

    def field(self, far):
        g = self.g
        kind = g.pick(*TYPES) if g.chance(97) else g.pick(*BAD_TYPES)
        if far and g.chance(5):
            return [kind, g.pick(*FAR_OFFSETS)]
        if g.chance(30):
            return [kind, "#%d" % g.random.randrange(12)]
        return [kind, str(g.random.randrange(200)) if g.chance(90) else self.offset()]

    def bitfield_operation(self, read_only):
        g = self.g
        kind = g.random.randrange(10)
        if kind < 4 or (read_only and g.chance(97)):
            return [g.pick("GET", "get")] + self.field(far=True)
        if kind == 4:
            return ["OVERFLOW", g.pick("WRAP", "SAT", "FAIL", "sat", "fail", "wrap") if g.chance(97)
                    else g.pick("NO", "")]
        if kind == 5 and g.chance(8):
            return [g.pick("NO", "GET", "SET", "OVERFLOW")]
        number = g.pick(*NUMBERS) if g.chance(70) else str(g.random.randrange(-70000, 70000))
        if g.chance(2):
            number = g.pick("x", "", "9223372036854775808")
        return [g.pick("SET", "INCRBY")] + self.field(far=False) + [number]

    def bitfield(self):
        g = self.g
        read_only = g.chance(25)
        command = ["BITFIELD_RO", self.key()] if read_only else ["BITFIELD", self.write_key()]
        for _ in range(g.random.randrange(6)):
            command += self.bitfield_operation(read_only)
        return command

    def hll_key(self):
        g = self.g
        return "h%d" % g.random.randrange(6) if g.chance(90) else g.pick(g.key(), "b1")

    def elements(self):
        g = self.g
        count = g.pick(0, 1, 1, 2, 5, 20, 200)
        space = g.pick(10, 1000, 1000, 100000)
        return ["%d" % g.random.randrange(space) + "x" * g.pick(0, 0, 0, 9) for _ in range(count)]

    def pfadd(self):
        key = self.hll_key()
        elements = self.elements()
        is_sound = isinstance(key, str) and key.startswith("h")
        return ["PFADD", key] + (elements if is_sound else elements[:1])

    def sparse(self):
        """A sparse HyperLogLog, in one of two cases a valid one. It ends with a short run."""
        g = self.g
        runs, left = [], 16383
        for _ in range(g.random.randrange(3, 30)):
            if g.chance(50):
                n = g.random.randrange(1, 5)
                runs.append(bytes([0x80 | g.random.randrange(32) << 2 | n - 1]))
            elif g.chance(50):
                n = g.random.randrange(1, 65)
                runs.append(bytes([n - 1]))
            else:
                n = g.random.randrange(1, 300)
                runs.append(bytes([0x40 | (n - 1) >> 8, (n - 1) & 255]))
            left -= n
        if g.chance(70):
            runs.append(bytes([0x40 | (left - 1) >> 8, (left - 1) & 255]))
            if g.chance(50):
                g.random.shuffle(runs)
        runs.append(b"\0" if g.chance(80) else b"\x01")
        return b"HYLL\x01" + b"\0" * 10 + g.pick(b"\0", b"\x80") + b"".join(runs)

    def damaged(self):
        """Makes or damages a HyperLogLog under a key for such.

        Never so that its last byte is the first half of a long run, which Redis completes out of
        bounds; nor with a run of a value behind the last register, which 7.0 ignores and later
        releases refuse.
        """
        g = self.g
        key = "c%d" % g.random.randrange(4)
        zeros = bytes([g.random.randrange(64)])
        byte = g.pick(zeros, bytes([g.random.randrange(128, 256)]))
        any_byte = bytes([g.random.randrange(256)])
        return g.pick(
            ["SET", key, self.sparse()], ["SET", key, self.sparse()], ["SET", key, self.sparse()],
            ["SET", key, b"HYLL\x01" + b"\0" * 11 +
             g.pick(b"\x7f\xff", b"", b"\x7f\xff\x00", b"\xff" * 40)],
            ["SETRANGE", key, str(g.pick(0, 3, 6, 8, 13, 14, 15)), any_byte],
            ["SETRANGE", key, str(g.random.randrange(16, 19)), byte],
            ["SETRANGE", key, str(g.random.randrange(16, 12304)), zeros * g.random.randrange(1, 9)],
            ["SETRANGE", key, "16", any_byte * 12288],
            ["SETRANGE", key, "0", "HYLL"], ["PFDEBUG", "TODENSE", key], ["GET", key],
            ["DEL", key])

    def use_damaged(self):
        g = self.g
        key = "c%d" % g.random.randrange(4)
        return g.pick(
            ["PFADD", key, str(g.random.randrange(1000))],
            ["PFADD", key], ["PFCOUNT", key], ["PFCOUNT", key, self.hll_key()],
            ["PFMERGE", self.hll_key(), key], ["PFMERGE", key, self.hll_key()],
            ["PFDEBUG", g.pick("GETREG", "DECODE", "ENCODING", "TODENSE"), key])

    def makers(self):
        g = self.g

        def keys():
            return [self.hll_key() for _ in range(g.random.randrange(4))]

        return [
            (4, lambda: ["SETBIT", self.write_key(), self.offset(), self.bit()]),
            (3, lambda: ["GETBIT", self.key(), self.offset()]),
            (4, self.bitcount), (4, self.bitpos), (4, self.bitop), (8, self.bitfield),
            (2, self.bitmap),
            (6, self.pfadd),
            (5, lambda: ["PFCOUNT", self.hll_key()] + (keys() if g.chance(40) else [])),
            (2, lambda: ["PFMERGE", self.hll_key()] + keys()),
            (2, lambda: ["PFDEBUG", g.pick("GETREG", "DECODE", "ENCODING", "TODENSE", "NO"),
                         self.hll_key()]),
            (1, lambda: ["DEL", self.hll_key()]),
            (1, lambda: ["OBJECT", "ENCODING", self.hll_key()]),
            (3, lambda: ["GET", self.hll_key()]),
            (0.2, lambda: ["CONFIG", "SET", "hll-sparse-max-bytes",
                           g.pick("0", "18", "20", "50", "300", "3000", "3000", "20000")]),
            (2, self.damaged), (2, self.use_damaged),
        ]
