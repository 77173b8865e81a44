"""Hearth and the redis-servers that follow it, for the suites about them: nodes, clients that write
all kinds of commands meanwhile, and the comparison at the end."""

import itertools
import os
import random
import re
import shutil
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "oracle")]
import oracle_test  # noqa: E402
import redis_data  # noqa: E402
from from_redis_test import expiring_soon  # noqa: E402
from proxy import Proxy  # noqa: E402
from redis_data import Redis, must  # noqa: E402
from resp import wait_until  # noqa: E402

REDIS = shutil.which("redis-server")
UNEXPECTED = ("is sending an error to its", "Protocol error")
BATCH = 20
BLOCKED_S = "0.05"


class Hearth(Redis):
    """A Hearth that is only told what its followers know: set `spoken` to their commands."""

    spoken = None

    def knows(self, command):
        return super().knows(command) and (self.spoken is None or command in self.spoken)

    def stat(self, name):
        return int(self.info("stats")[name])


class Follower(Redis):
    """A redis-server that goes on following when it is started again."""

    def __init__(self, binary, args=()):
        super().__init__(binary, ["--repl-ping-replica-period", "1", "--repl-diskless-sync", "no",
                                  *args])
        self.own_args = self.args

    def follow(self, port):
        must(self.call("REPLICAOF", "127.0.0.1", port))
        self.args = [*self.own_args, "--replicaof", "127.0.0.1", str(port)]

    def is_up(self):
        return self.info().get("master_link_status") == "up"

    def wait_up(self):
        wait_until(self.is_up, lambda: "the follower is up: %s" % self.info())

    def check_log(self):
        """Nothing that it was sent was refused."""
        with open(os.path.join(self.folder, "log"), encoding="latin-1") as log:
            told = [line for line in log if any(text in line for text in UNEXPECTED)]
        assert not told, told[:5]


class Nodes:
    """The servers of one test. They end with it, and show their logs when it failed."""

    def __init__(self, binary):
        self.binary = binary
        self.nodes, self.proxies = [], []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for proxy in self.proxies:
            proxy.close()
        for node in self.nodes:
            if kind is not None and node.process:
                print("---- %s %d: %s" % (type(node).__name__, node.port, node.log_tail()[-3000:]))
            node.remove()

    def add(self, node):
        self.nodes.append(node)
        return node.start()

    def hearth(self, *args, spoken=None):
        node = Hearth(self.binary, ["--save", "", "--enable-debug-command", "yes", "--workers", "2",
                                    "--repl-ping-replica-period", "1", *args])
        node.spoken = spoken
        return self.add(node)

    def redis(self, *args):
        return self.add(Follower(REDIS, ["--save", "", *args]))

    def followed(self, *args, redis_args=()):
        """A Hearth and a redis-server that follows it."""
        redis = self.redis(*redis_args)
        hearth = self.hearth(*args, spoken=redis.known)
        redis.follow(hearth.port)
        redis.wait_up()
        return hearth, redis

    def proxy(self, node):
        self.proxies.append(Proxy(node.port))
        return self.proxies[-1]


# ---- Who writes.

class Loop(threading.Thread):
    """A client that sends batch() again and again until it is stopped, whatever the server does."""

    def __init__(self, node, seed):
        super().__init__(daemon=True)
        self.node, self.rng = node, random.Random(seed)
        self.count = 0
        self.stopping = False
        self.error = None

    def run(self):
        client = None
        while not self.stopping and not self.error:
            try:
                client = client or self.node.client()
                commands = self.batch()
                client.pipeline(commands)
                self.count += len(commands)
                time.sleep(0.001)
            except TimeoutError as error:
                self.error = error
            except OSError:  # the server is gone, until it is started again
                client = None
                time.sleep(0.01)
            except Exception as error:
                self.error = error

    stop = redis_data.Writer.stop


class Typed(Loop):
    """Commands of every type, with times to live of milliseconds, and what others wait for."""

    def __init__(self, node, seed):
        super().__init__(node, seed)
        self.writer = redis_data.Writer(node, seed)

    def awaited(self):
        rng, n = self.rng, self.rng.randrange(1000)
        key = lambda kind: "q%s:%d" % (kind, rng.randrange(3))  # noqa: E731
        return rng.choice([["RPUSH", key("l"), n, n + 1, n + 2], ["LPUSH", key("l"), n],
                           ["ZADD", key("z"), n, "a", n + 1, "b"], ["DEL", key("l")],
                           ["XADD", "qx", "MAXLEN", "~", 200, "*", "n", n],
                           ["EVAL", "redis.call('RPUSH', KEYS[1], 1, 2) redis.call('INCR', 'n')", 1,
                            key("l")], ["RENAME", key("l"), key("l")]])

    def batch(self):
        commands = [self.awaited() if self.rng.random() < 0.3 else self.writer.command()
                    for _ in range(self.rng.randrange(1, BATCH))]
        return [["MULTI"], *commands, ["EXEC"]] if self.rng.random() < 0.2 else commands


def is_passed_on(command):
    """Not settings, which followers have of their own; nor what a Redis may refuse when it has done
    some of it (damaged HyperLogLogs, BITFIELD), or when it is passed on (a count of deliveries
    behind the largest integer). FLUSHALL would leave little to compare."""
    name, *args = (str(word).upper() for word in command)
    keys = args[:1] if name == "PFADD" else args
    is_sound = not name.startswith("PF") or all(re.fullmatch("H[0-9]", key) for key in keys)
    is_edge = "FAIL" in args or name == "XCLAIM" and str(2**63 - 1) in args
    return is_sound and not is_edge and not name.startswith(("FLUSH", "CONFIG"))


class Oracle(Loop):
    """The oracle's commands, most of them valid, some in transactions."""

    def __init__(self, node, seed):
        super().__init__(node, seed)
        self.generator = oracle_test.Generator(seed, oracle_test.GROUPS)

    def batch(self):
        commands = [self.generator.command() for _ in range(BATCH)]
        return [command for command in oracle_test.in_transactions(self.generator, 5, commands)
                if is_passed_on(command)]


class Waiting(Loop):
    """Waits for what Typed pushes."""

    def batch(self):
        lists, sets = (["q%s:%d" % (kind, i) for i in range(3)] for kind in "lz")
        return [self.rng.choice([
            ["BLPOP", *lists, BLOCKED_S], ["BRPOP", *lists, BLOCKED_S],
            ["BLMOVE", lists[0], lists[1], "LEFT", "RIGHT", BLOCKED_S],
            ["BRPOPLPUSH", lists[1], lists[2], BLOCKED_S],
            ["BLMPOP", BLOCKED_S, 3, *lists, "LEFT", "COUNT", 2],
            ["BZPOPMIN", *sets, BLOCKED_S], ["BZMPOP", BLOCKED_S, 3, *sets, "MAX", "COUNT", 2],
            ["XGROUP", "CREATE", "qx", "g", "$", "MKSTREAM"],
            ["XREADGROUP", "GROUP", "g", "c%d" % self.rng.randrange(3), "COUNT", 3, "BLOCK", 50,
             "STREAMS", "qx", ">"]])]


class Load:
    """All of them at once."""

    def __init__(self, node, rng, kinds=(Typed, Typed, Oracle, Oracle, Waiting, Waiting)):
        self.loops = [kind(node, rng.getrandbits(30)) for kind in kinds]
        for loop in self.loops:
            loop.start()

    @property
    def count(self):
        return sum(loop.count for loop in self.loops)

    def stop(self):
        for loop in self.loops:
            loop.stopping = True
        for loop in self.loops:
            loop.stop()


# ---- What they end with.

marks = itertools.count(1)


def settle(primary, *followers):
    """Until nothing expires soon and the followers have everything."""
    wait_until(lambda: not expiring_soon(primary), lambda: "gone: %s" % expiring_soon(primary))
    mark = b"%d" % next(marks)
    must(primary.call("SET", "mark", mark))
    for follower in followers:
        wait_until(lambda: follower.call("GET", "mark") == mark,
                   lambda: "it has the last write: %s" % follower.info())


def dump(node, primary):
    """As redis_data's, but for what Redis 7.0 does not pass on: how many entries a group has
    read, how often one was delivered, consumers that got none."""
    found, libraries = redis_data.dump(node, primary)
    for at, (kind, value, expiry) in found.items():
        if kind == "stream":
            entries, groups, about = value
            groups = [(fields[b"name"], fields[b"last-delivered-id"],
                       [entry[:2] for entry in pending]) for fields, pending, _ in groups]
            found[at] = kind, (entries, groups, about), expiry
    return found, libraries


def compare(primary, *others):
    """All values and times of expiry; how many keys there are."""
    known = dump(primary, primary)
    for other in others:
        what = "%s %d" % (type(other).__name__, other.port)
        redis_data.compare_dumps(known, dump(other, primary), what)
        if isinstance(other, Follower):
            other.check_log()
    return len(known[0])


def run(scenarios, options):
    for scenario in scenarios:
        if options.only and options.only not in scenario.__name__:
            continue
        begin = time.monotonic()
        with Nodes(options.server) as nodes:
            told = scenario(nodes, options)
        print("ok: %s%s (%.1f s)" % (scenario.__name__.replace("_", " "),
                                     ": " + told if told else "", time.monotonic() - begin),
              flush=True)
