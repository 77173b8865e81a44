#!/usr/bin/env python3
"""Random command sequences against Hearth and redis-server: replies and final dumps compared.

Everything follows from the seed, which is printed. With --maxmemory tiny every key is demoted and
read back all the time; with --restart Hearth is stopped and started in the middle. What a contract
leaves open (the order of KEYS and SCAN, the member that RANDOMKEY picks) is normalised; times to
live may differ by --ttl-slack-ms. With --followed another redis-server replicates Hearth meanwhile,
and holds the same data at the end.

usage: oracle_test.py HEARTH_SERVER [--redis redis-server] [--commands N] [--seed N] [--restart N]
                      [--demote N] [--packed-size-max N] [--few-rows-max N]
                      [--multi PERCENT] [--followed]
                      [--extra ARG...]
"""

import argparse
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Listening, ReplyError, wait_until  # noqa: E402
from bit_commands import BitCommands, is_damaged_key  # noqa: E402
import geo  # noqa: E402
import hashes  # noqa: E402
import lists  # noqa: E402
import scripts  # noqa: E402
import sets  # noqa: E402
import sorted_sets  # noqa: E402
import streams  # noqa: E402

# A module a group of commands:
#   makers(generator) -> [(weight, function() -> [argument, ...])]
#   normalised(name, command, reply) -> the reply without what the contract leaves open
#   dump(client, key, kind) -> the whole value of a key of its type; None for others
GROUPS = [geo, hashes, lists, scripts, sets, sorted_sets, streams]

TTL_SLACK_MS = 3000
BATCH = 40
# What commands change and a restart would undo.
KEPT_SETTINGS = ["hll-sparse-max-bytes", "stream-node-max-entries"]
INTS = ["0", "1", "-1", "2", "10", "127", "128", "2147483647", "2147483648", "-2147483649",
        "4294967296", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "-9223372036854775809", "01", "+1", " 1", "1 ", "", "abc", "1.5", "1e3", "nan"]
SMALL_INTS = ["0", "1", "-1", "2", "3", "5", "7", "10", "-2", "-5", "100"]
FLOATS = ["0", "1", "-1.5", "3.0e3", "0.1", "1e-7", "1e17", "123456789.123456789", "inf", "-inf",
          "nan", "abc", "", "1e400", "0x10", " 1.0", "5.0000", "-0"]
VALUES = ["", "a", "hello", "\x00\xff\r\n", "x" * 44, "x" * 45, "y" * 300, "12345", "-7", "3.25",
          "0", "foobar", "ohmytext", "mynewtext"]


class Generator:
    def __init__(self, seed, groups=()):
        self.random = random.Random(seed)
        self.groups = groups
        self.bit_makers = BitCommands(self).makers()

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def key(self):
        n = self.random.randrange(24)
        return self.pick("k%d" % n, "k%d" % n, "{tag}%d" % n, b"\x00bin\xff%d" % n, "")

    def value(self):
        if self.chance(30):
            return self.pick(*INTS)
        if self.chance(10):
            return bytes(self.random.randrange(256) for _ in range(self.random.randrange(20)))
        return self.pick(*VALUES).encode("latin-1")

    def integer(self):
        return self.pick(*INTS) if self.chance(25) else self.pick(*SMALL_INTS)

    def far(self, unit):
        """A time to live that does not pass while the test runs."""
        # Hardly ever twice the same: GT and LT would compare the two servers' clocks.
        seconds = self.pick(1000, 50000, 1000000) + self.random.randrange(9000)
        return str(seconds if unit == "s" else seconds * 1000)

    def far_at(self, unit):
        seconds = int(time.time()) + self.pick(1000, 50000, 1000000) + self.random.randrange(9000)
        return str(seconds if unit == "s" else seconds * 1000)

    def ttl_args(self, at_allowed=True):
        kind = self.random.randrange(10)
        if kind < 3:
            return ["EX", self.far("s")]
        if kind < 5:
            return ["PX", self.far("ms")]
        if kind < 7 and at_allowed:
            return ["EXAT", self.far_at("s")]
        if kind < 8 and at_allowed:
            return ["PXAT", self.far_at("ms")]
        # Never a time that passes while the test runs: the two servers would not agree when.
        edge = self.pick("0", "-1", "abc", "", "9223372036854775807", "-9223372036854775808")
        return [self.pick("EX", "PX"), edge] if kind == 8 and self.chance(30) else []

    def shuffled(self, *parts):
        parts = [p for p in parts if p]
        self.random.shuffle(parts)
        return [arg for part in parts for arg in part]

    def set_options(self):
        keep = ["KEEPTTL"] if self.chance(15) else []
        ttl = [] if keep and self.chance(80) else self.ttl_args() if self.chance(40) else []
        return self.shuffled(keep, ttl, [self.pick("NX", "XX", "nx")] if self.chance(30) else [],
                             ["GET"] if self.chance(25) else [])

    def expire(self):
        name, unit, at = self.pick(("EXPIRE", "s", 0), ("PEXPIRE", "ms", 0), ("EXPIREAT", "s", 1),
                                   ("PEXPIREAT", "ms", 1))
        when = self.far_at(unit) if at else self.far(unit)
        if self.chance(15):
            when = self.pick("0", "-1", "abc", "", "9223372036854775807", "-9223372036854775808")
        return [name, self.key(), when] + ([self.pick("NX", "XX", "GT", "LT", "gt", "ZZ")]
                                           if self.chance(40) else [])

    def command(self):
        g, k, v, i = self, self.key, self.value, self.integer
        makers = [
            (14, lambda: ["SET", k(), v()] + g.set_options()),
            (10, lambda: ["GET", k()]),
            (3, lambda: ["GETSET", k(), v()]),
            (3, lambda: ["GETDEL", k()]),
            (4, lambda: ["GETEX", k()] + g.pick([], ["PERSIST"], g.ttl_args(), g.ttl_args(),
                                                ["PERSIST", "EX", "10"])),
            (3, lambda: ["SETNX", k(), v()]),
            (2, lambda: ["SETEX", k(), g.pick(g.far("s"), g.far("s"), "0", "-1", "x"), v()]),
            (2, lambda: ["PSETEX", k(), g.pick(g.far("ms"), g.far("ms"), "0", "-1", "x"), v()]),
            (5, lambda: ["APPEND", k(), v()]),
            (3, lambda: ["STRLEN", k()]),
            (4, lambda: [g.pick("INCR", "DECR"), k()]),
            (5, lambda: [g.pick("INCRBY", "DECRBY"), k(), i()]),
            (4, lambda: ["INCRBYFLOAT", k(), g.pick(*FLOATS)]),
            (4, lambda: [g.pick("GETRANGE", "SUBSTR"), k(), i(), i()]),
            (4, lambda: ["SETRANGE", k(),
                         g.pick("0", "1", "5", "60", "-1", "536870912", "x"), v()]),
            (4, lambda: ["MGET"] + [k() for _ in range(g.random.randrange(4))]),
            (4, lambda: ["MSET"] + [x for _ in range(g.random.randrange(1, 4)) for x in (k(), v())]
             + ([k()] if g.chance(5) else [])),
            (3, lambda: ["MSETNX"] + [x for _ in range(g.random.randrange(1, 3))
                                      for x in (k(), v())]),
            (3, lambda: ["LCS", k(), k()] + g.shuffled(
                ["LEN"] if g.chance(30) else [], ["IDX"] if g.chance(30) else [],
                ["MINMATCHLEN", i()] if g.chance(30) else [],
                ["WITHMATCHLEN"] if g.chance(30) else [])),
            (5, lambda: [g.pick("DEL", "UNLINK", "EXISTS", "TOUCH")] +
             [k() for _ in range(g.random.randrange(1, 4))]),
            (8, g.expire),
            (3, lambda: [g.pick("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"), k()]),
            (3, lambda: ["PERSIST", k()]),
            (3, lambda: [g.pick("RENAME", "RENAMENX"), k(), k()]),
            (4, lambda: ["COPY", k(), k()] + g.shuffled(
                ["DB", g.pick("0", "1", "2", "99", "x")] if g.chance(50) else [],
                ["REPLACE"] if g.chance(50) else [])),
            (3, lambda: ["MOVE", k(), g.pick("0", "1", "2", "16", "-1", "x")]),
            (2, lambda: ["TYPE", k()]),
            (4, lambda: ["OBJECT", g.pick("ENCODING", "ENCODING", "FREQ", "NOPE"), k()]),
            (2, lambda: ["KEYS", g.pick("*", "k*", "k?", "[k{]*", "\\*", "*[0-3]", "k[^1]", "")]),
            (2, lambda: ["DBSIZE"]),
            (1, lambda: ["SELECT", g.pick("0", "1", "2", "0", "16", "-1", "x")]),
            (0.3, lambda: ["SWAPDB", g.pick("0", "1", "2"), g.pick("0", "1", "2", "77", "x")]),
            (0.2, lambda: [g.pick("FLUSHDB", "FLUSHALL")] +
             g.pick([], ["ASYNC"], ["SYNC"], ["NO"])),
            (1, lambda: ["SCAN", g.pick("0", "0", "x", "-1")] +
             g.pick([], ["COUNT", "10000"], ["COUNT", "0"], ["COUNT", "x"], ["MATCH"])),
            (1, lambda: [g.pick("NOSUCH", "get", "OBJECT", "SET", "GETEX", "CLIENT", "CONFIG")] +
             [v() for _ in range(g.random.randrange(3))]),
            (1, lambda: ["ECHO", v()]),
            (1, lambda: ["PING"] + ([v()] if g.chance(50) else [])),
        ] + self.bit_makers
        for group in self.groups:
            makers += group.makers(self)
        weights = [w for w, _ in makers]
        return self.random.choices([m for _, m in makers], weights)[0]()


def in_transactions(generator, percent, commands):
    """The commands, some of them between MULTI and EXEC, DISCARD, with WATCH before."""
    wrapped, left = [], 0
    for command in commands:
        if left == 0 and generator.chance(percent):
            if generator.chance(40):
                wrapped.append(["WATCH"] + [generator.key() for _ in range(generator.pick(1, 2))])
                wrapped += [generator.command()] if generator.chance(50) else []
                wrapped += [["UNWATCH"]] if generator.chance(10) else []
            wrapped.append(["MULTI"])
            left = generator.random.randrange(1, 12)
        wrapped.append(command)
        if left == 1:
            wrapped.append([generator.pick("EXEC", "EXEC", "EXEC", "EXEC", "DISCARD")])
        left = max(0, left - 1)
    # A restart between two batches would end a watch on one side alone.
    return wrapped + ([["EXEC"]] if left else []) + [["UNWATCH"]]


def pair_up(commands, *replies):
    """(command, reply, ...) of each command, those of EXEC under the commands it ran."""
    queue = []
    for command, *answers in zip(commands, *replies):
        yield (command, *answers)
        name = command[0].upper() if isinstance(command[0], str) else ""
        if all(a == "QUEUED" for a in answers):
            queue.append(command)
        elif name == "EXEC" and all(isinstance(a, list) and len(a) == len(queue) for a in answers):
            yield from zip(queue, *answers)
        if name in ("MULTI", "EXEC", "DISCARD"):
            queue = []


def normalised(command, reply):
    name = command[0].upper() if isinstance(command[0], str) else ""
    if name == "EXEC" and isinstance(reply, list):
        return len(reply)  # pair_up compares what it ran
    if name == "KEYS" and isinstance(reply, list):
        return sorted(reply)
    if name == "SCAN" and isinstance(reply, list):
        return "a page"
    for group in GROUPS:
        reply = group.normalised(name, command, reply)
    return reply


def same(command, ours, theirs):
    ours, theirs = normalised(command, ours), normalised(command, theirs)
    if type(ours) is not type(theirs):
        return False
    if command[0] in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME") and isinstance(ours, int):
        if ours < 0 or theirs < 0:
            return ours == theirs
        unit = 1 if command[0].startswith("P") else 1000
        return abs(ours - theirs) * unit <= TTL_SLACK_MS
    return ours == theirs


def scan_all(client):
    cursor, keys = b"0", []
    while True:
        cursor, page = client.call("SCAN", cursor, "COUNT", 7)
        keys += page
        if cursor == b"0":
            return keys


def dump(client, hearth):
    state = []
    for db in range(3):
        client.call("SELECT", db)
        keys = sorted(client.call("KEYS", "*"))
        if hearth:
            assert sorted(scan_all(client)) == keys, "SCAN and KEYS disagree"
            random_key = client.call("RANDOMKEY")
            assert random_key in keys if keys else random_key is None
        assert client.call("DBSIZE") == len(keys), "DBSIZE"
        for key in keys:
            kind = client.call("TYPE", key)
            value = [client.call("GET", key)]
            for group in GROUPS:
                value.append(group.dump(client, key, kind))
            encoding = "any" if is_damaged_key(key) or kind != "string" else client.call(
                "OBJECT", "ENCODING", key)
            state.append((db, key, value, kind, encoding, client.call("PEXPIRETIME", key)))
    client.call("SELECT", 0)
    return state


def compare_dumps(ours, theirs, slack_ms=TTL_SLACK_MS):
    assert len(ours) == len(theirs), "%d keys, %d expected" % (len(ours), len(theirs))
    for a, b in zip(ours, theirs):
        assert a[:5] == b[:5], "%r instead of %r" % (a, b)
        assert abs(a[5] - b[5]) <= slack_ms, "%r instead of %r" % (a, b)


def without(names, value):
    """A nested value without the fields of these names."""
    if isinstance(value, dict):
        return {k: without(names, v) for k, v in value.items() if k not in names}
    if isinstance(value, (list, tuple)):
        return [without(names, v) for v in value]
    return value


def as_followed(state):
    """What a replica of Redis holds of a dump: Redis does not replicate how its streams lie in
    memory, how far a group has counted, and that a consumer has read an entry again."""
    kept = []
    for db, key, value, kind, _, expire_at in state:
        value = [v for v in value if v is not None]
        if kind == "stream":
            info, _, entries = value[-1][:3]
            info = without([b"entries-read", b"lag"], info)
            for group in info.get(b"groups", []):
                group[b"pending"] = [pending[:2] for pending in group[b"pending"]]
                for consumer in group[b"consumers"]:
                    consumer[b"pending"] = [pending[0] for pending in consumer[b"pending"]]
            value = [info, entries]
        kept.append((db, key, value, kind, None, expire_at))
    return kept


class Follower:
    """A redis-server that replicates Hearth."""

    def __init__(self, options):
        self.server = Listening(options.redis, ["--save", "", "--enable-debug-command", "yes"])

    def follow(self, hearth):
        self.client = self.server.start().client()
        assert self.client.call("REPLICAOF", "127.0.0.1", hearth.port) == "OK"

    def compare(self, client):
        ours = dump(client, True)
        client.call("SELECT", 0)
        client.call("SET", "end of the stream", random.random())
        end = client.call("GET", "end of the stream")
        self.client.call("SELECT", 0)
        wait_until(lambda: self.client.call("GET", "end of the stream") == end,
                   lambda: "the follower is behind: %r" % self.client.call("INFO", "replication"))
        client.call("DEL", "end of the stream")
        wait_until(lambda: self.client.call("GET", "end of the stream") is None, "a last deletion")
        compare_dumps(as_followed(dump(self.client, False)), as_followed(ours), slack_ms=0)
        log = self.server.log_tail()
        assert "CRITICAL" not in log, log  # a command that failed there

    def end(self):
        self.server.remove()


def set_limits(client, options):
    if options.packed_size_max is not None:
        assert client.call("DEBUG", "PACKED-SIZE-MAX", options.packed_size_max) == "OK"
    if options.few_rows_max is not None:
        assert client.call("DEBUG", "FEW-ROWS-MAX", options.few_rows_max) == "OK"


# redis-server's SORT takes an ERANGE that some earlier command left in errno for its own; a failing
# chdir right before leaves another. MULTI queues it as any command.
CLEAR_ERRNO = ("CONFIG", "SET", "dir", "/nonexistent")


ERRNO_MAX = 2  # seen once in millions of commands: something came between the two all the same


def took_errno(command, theirs):
    return command[0].startswith("SORT") and "can't be converted into double" in str(theirs)


def pipeline_of_redis(client, batch):
    """The replies to a batch, as if CLEAR_ERRNO had not been sent before each SORT."""
    sent = []
    for command in batch:
        sent += [CLEAR_ERRNO, command] if command[0].startswith("SORT") else [command]
    kept, queue = [], []
    for command, reply in zip(sent, client.pipeline(sent)):
        if command[0] == "EXEC" and isinstance(reply, list):
            assert len(reply) == len(queue), (queue, reply)
            reply = [one for queued, one in zip(queue, reply) if queued is not CLEAR_ERRNO]
        if reply == "QUEUED":
            queue.append(command)
        elif command[0] in ("MULTI", "EXEC", "DISCARD"):
            queue = []
        if command is not CLEAR_ERRNO:
            kept.append(reply)
    return kept


def run(options, hearth, redis, follower):
    groups = [g for g in GROUPS if not options.groups or g.__name__ in options.groups]
    generator = Generator(options.seed, groups)
    ours, theirs = hearth.client(), redis.client()
    done, db, args, errno_count = 0, 0, hearth.args, 0
    differences = {}
    set_limits(ours, options)
    while done < options.commands:
        batch = [generator.command() for _ in range(BATCH)]
        if options.multi:
            batch = in_transactions(generator, options.multi, batch)
        if follower:  # settings are not replicated, and some decide what is stored
            batch = [command for command in batch if command[0] != "CONFIG"]
        replies = ours.pipeline(batch), pipeline_of_redis(theirs, batch)
        for command, a, b in pair_up(batch, *replies):
            if command[0] == "SELECT" and b == "OK":
                db = int(command[1])
            if took_errno(command, b) and isinstance(a, list) and errno_count < ERRNO_MAX:
                errno_count += 1
            elif not same(command, a, b):
                differences.setdefault((command[0], str(b)[:40]), (command, a, b))
        if differences and not options.keep_going:
            break
        done += BATCH
        if options.demote and done % options.demote == 0:
            assert ours.call("DEBUG", "DEMOTE-ALL") == "OK"
        if options.restart and done % options.restart == 0:
            assert hearth.stop() == 0
            # As directives: what is loaded at the start already obeys them.
            hearth.args = args + [word for name in KEPT_SETTINGS for word in
                                  ("--" + name, theirs.call("CONFIG", "GET", name)[1].decode())]
            hearth.start()
            ours = hearth.client()
            ours.call("SELECT", db)
            theirs.call("SCRIPT", "FLUSH")
            set_limits(ours, options)
    for command, a, b in differences.values():
        print("%r\n  hearth: %r\n  redis:  %r" % (command, a, b))
    assert not differences, "%d differences (seed %d)" % (len(differences), options.seed)
    compare_dumps(dump(ours, True), dump(theirs, False))
    verdict = ours.call("DEBUG", "VERIFY-STORE")
    assert verdict == "OK", verdict
    if follower:
        follower.compare(ours)
    print("%d commands: same replies, same data" % done)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--redis", default=shutil.which("redis-server"))
    parser.add_argument("--commands", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--restart", type=int, default=0)
    parser.add_argument("--demote", type=int, default=0,
                        help="demote everything after every N commands")
    parser.add_argument("--packed-size-max", type=int,
                        help="bytes from which on a collection's elements have their own rows")
    parser.add_argument("--few-rows-max", type=int,
                        help="rows from which on a cold collection may be left unread")
    parser.add_argument("--multi", type=int, default=0, metavar="PERCENT",
                        help="how often a command begins a transaction")
    parser.add_argument("--followed", action="store_true",
                        help="a redis-server replicates Hearth meanwhile")
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--groups", nargs="*", default=[],
                        help="of the groups of commands beside strings and keys, only these")
    parser.add_argument("--extra", nargs=argparse.REMAINDER, default=[])
    options = parser.parse_args()
    assert options.redis, "the oracle needs redis-server (Debian package redis-server)"
    print("seed %d" % options.seed, flush=True)
    hearth = Listening(options.server,
                       ["--enable-debug-command", "yes", "--save", ""] + options.extra)
    redis = Listening(options.redis, ["--save", "", "--enable-debug-command", "yes",
                                      "--enable-protected-configs", "yes"])
    follower = Follower(options) if options.followed else None
    try:
        hearth.start()
        redis.start()
        if follower:
            follower.follow(hearth)
        run(options, hearth, redis, follower)
        assert hearth.stop() == 0
    except BaseException:
        print(hearth.log_tail())
        raise
    finally:
        hearth.remove()
        redis.remove()
        if follower:
            follower.end()


if __name__ == "__main__":
    main()
