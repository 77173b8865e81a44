#!/usr/bin/env python3
"""Replication under chaos: a primary, two replicas and a replica of a replica, linked through
proxies; random typed writes; kill -9, SIGSTOP, cuts, stalls, slow links, damaged bytes, promotions.

At the end: the data of all are equal, memory agrees with the store, no write that WAIT acknowledged
is lost, and no full resync happened but those that the history asks for. A seed gives the same
plan again (not the same timing).

usage: chaos_test.py HEARTH_SERVER [--seconds N] [--seed N]
"""

import argparse
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import Node, end  # noqa: E402
from resp import ReplyError, wait_until  # noqa: E402


class Writes:
    """Random commands of all types, and numbered keys for WAIT."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0

    def command(self):
        pick, choice = self.random.randrange, self.random.choice
        key, other = "k%d" % pick(300), "k%d" % pick(300)
        value = "v%d" % pick(10 ** 6)
        return choice([
            lambda: ("SET", "s" + key, value * pick(1, 30)),
            lambda: ("SET", "s" + key, value, "PX", pick(50, 5000)),
            lambda: ("INCR", "n" + key),
            lambda: ("APPEND", "a" + key, value),
            lambda: ("DEL", "%s%s" % (choice("snalhzxt"), key)),
            lambda: ("RPUSH", "l" + key, value, value + "b"),
            lambda: ("LPUSH", "l" + key, value),
            lambda: ("LPOP", "l" + key),
            lambda: ("LTRIM", "l" + key, 0, 150),
            lambda: ("HSET", "h" + key, "f%d" % pick(200), value),
            lambda: ("HDEL", "h" + key, "f%d" % pick(200)),
            lambda: ("SADD", "t" + key, value, pick(100)),
            lambda: ("SPOP", "t" + key),
            lambda: ("ZADD", "z" + key, pick(1000), "m%d" % pick(200)),
            lambda: ("ZREM", "z" + key, "m%d" % pick(200)),
            lambda: ("XADD", "x" + key, "MAXLEN", "200", "*", "f", value),
            lambda: ("RENAME", "l" + key, "l" + other),
            lambda: ("COPY", "h" + key, "h" + other, "REPLACE"),
            lambda: ("EXPIRE", "%s%s" % (choice("lhzt"), key), pick(1, 60)),
            lambda: ("SET", "big" + key, value * pick(1, 20000)),
        ])()

    def batch(self):
        batch = []
        for _ in range(self.random.randrange(1, 40)):
            kind = self.random.randrange(60)
            if kind == 0:
                batch += [("MULTI",)] + [self.command() for _ in range(5)] + [("EXEC",)]
            elif kind == 1:
                batch += [("SELECT", 1), self.command(), ("SWAPDB", 1, 2),
                          self.command(), ("SELECT", 0)]
            elif kind == 2 and self.random.randrange(4) == 0:
                batch += [("SELECT", 2), ("FLUSHDB",), ("SELECT", 0)]
            else:
                batch.append(self.command())
        return batch


class Chaos:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.writes = Writes(options.seed + 1)
        self.nodes = [Node(options.server, name) for name in ("a", "b", "c", "d")]
        self.primary = self.nodes[0]
        self.acked = []
        self.client = None
        self.later = []  # (when, what, text)
        self.diverged = []  # node, full resyncs that follow, whether it was known at once
        self.counts = {}
        self.commands = 0

    def say(self, text):
        print("%7.2f %s" % (time.monotonic() - self.started, text), flush=True)

    def run(self, seconds):
        self.started = time.monotonic()
        a, b, c, d = self.nodes
        a.call("SET", "begin", "1")
        b.follow(a)
        c.follow(a)
        d.follow(b)
        wait_until(self.all_level, "the first resyncs")
        self.check_full("at the start")
        end = time.monotonic() + seconds
        next_event = time.monotonic() + 0.5
        while time.monotonic() < end:
            self.write()
            now = time.monotonic()
            for item in [item for item in self.later if item[0] <= now]:
                self.later.remove(item)
                self.say(item[2])
                item[1]()
            if now >= next_event:
                self.event()
                next_event = time.monotonic() + self.random.uniform(0.2, 1.5)
        self.settle()
        self.check()

    def write(self):
        try:
            if self.client is None:
                self.client = self.primary.client()
            batch = self.writes.batch()
            number = "acked:%d" % self.writes.number
            self.writes.number += 1
            waits = self.random.randrange(4) == 0
            if waits:
                batch += [("SET", number, "1"), ("WAIT", 1, 300)]
            replies = self.client.pipeline(batch)
            self.commands += len(batch)
            for command, reply in zip(batch, replies):
                if isinstance(reply, ReplyError) and not reply.startswith(
                        ("ERR no such key", "ERR source and destination", "WRONGTYPE")):
                    raise AssertionError("%r: %r" % (command, reply))
            if waits and replies[-1] >= 1:
                self.acked.append(number)
        except (ConnectionError, TimeoutError, OSError, EOFError):
            self.client = None
            time.sleep(0.02)

    # -- What happens

    def event(self):
        kind = self.random.choice(["cut", "damage", "damage", "stall", "slow", "kill replica",
                                   "kill replica", "stop replica", "kill primary", "promote",
                                   "refuse"])
        self.counts[kind] = self.counts.get(kind, 0) + 1
        getattr(self, kind.replace(" ", "_"))()

    def do_later(self, text, what):
        self.later.append((time.monotonic() + self.random.uniform(0.2, 2.5), what, text))

    def victim(self):
        alive = [node for node in self.nodes if node is not self.primary and node.alive()]
        return self.random.choice(alive) if alive else None

    def cut(self):
        node = self.random.choice(self.nodes)
        self.say("cut the links to " + node.name)
        node.proxy.cut()

    def damage(self):
        node = self.random.choice(self.nodes)
        self.say("damage a byte from " + node.name)
        node.proxy.damage()

    def stall(self):
        node = self.random.choice(self.nodes)
        self.say("stall the links to " + node.name)
        node.proxy.stalled = True
        self.do_later("go on with the links to " + node.name, node.proxy.heal)

    def slow(self):
        node = self.random.choice(self.nodes)
        self.say("slow the links to " + node.name)
        node.proxy.bytes_a_second = 50_000
        self.do_later("full speed to " + node.name, node.proxy.heal)

    def refuse(self):
        node = self.random.choice(self.nodes)
        self.say("no new links to " + node.name)
        node.proxy.refusing = True
        node.proxy.cut()
        self.do_later("links to %s again" % node.name, node.proxy.heal)

    def kill_replica(self):
        node = self.victim()
        if node:
            self.say("kill -9 " + node.name)
            node.kill()
            self.do_later("start " + node.name, lambda: self.start(node))

    def start(self, node):
        if node.process.poll() is not None:
            node.restart()

    def stop_replica(self):
        node = self.victim()
        if node:
            self.say("SIGSTOP " + node.name)
            node.stopped = True
            node.signal(signal.SIGSTOP)
            self.do_later("SIGCONT " + node.name, lambda: self.resume(node))

    def resume(self, node):
        if node.stopped:
            node.stopped = False
            node.signal(signal.SIGCONT)

    def kill_primary(self):
        """Killed and started again, as it was."""
        self.say("kill -9 and start the primary " + self.primary.name)
        self.primary.kill()
        self.client = None
        self.primary.restart()

    def promote(self):
        """The primary dies; the replica of it that has most takes over; all follow that one."""
        old = self.primary
        history = old.info()["master_replid"]
        old.kill()
        self.client = None
        for node in self.nodes:
            node.proxy.heal()
            if node is not old:
                self.resume(node)
                self.start(node)
        last, settled = None, None
        for _ in range(200):  # until what was received is applied
            settled = [(node, node.info()) for node in self.nodes if node is not old]
            now = [int(info["slave_repl_offset"]) for _, info in settled]
            # A link that is down has brought all that was on its way.
            cut = all(info["master_link_status"] == "down" for node, info in settled
                      if node.parent is old)
            if cut and now == last:
                break
            last = now
            time.sleep(0.05)
        fit = [(int(info["slave_repl_offset"]), node) for node, info in settled
               if info["master_replid"] == history]
        if not fit:  # all others are of an older history: the old one goes on
            self.say("nobody can take over from " + old.name)
            old.restart()
            return
        new = max(fit, key=lambda pair: pair[0])[1]
        self.say("promote %s instead of %s" % (new.name, old.name))
        new.promote()
        self.primary = new
        shared = int(new.info()["second_repl_offset"]) - 1
        old.parent = new
        for node in self.nodes:
            if node is new or node is old:
                continue
            behind = node.parent
            if behind is old or behind is new or self.random.randrange(2):
                node.follow(new)
        old.parent = None
        old.restart()
        old.call("CLIENT", "PAUSE", 60000, "WRITE")  # as a primary it would go on to expire keys
        own = int(old.info()["master_repl_offset"])
        old.follow(new)
        old.call("CLIENT", "UNPAUSE")
        # What it has alone is given up by a full resync, and so do those behind it. What expired
        # there just now may not have been committed when it was asked: then its file tells.
        followers = sum(node.parent is old for node in self.nodes)
        self.diverged.append((old, 1 + followers, own > shared))
        if own > shared:
            self.say("%s has %d sequences of its own" % (old.name, own - shared))

    # -- The end

    def all_level(self):
        if any(not node.alive() for node in self.nodes):
            return False
        infos = [node.info() for node in self.nodes]
        first = infos[self.nodes.index(self.primary)]
        return all(info["master_repl_offset"] == first["master_repl_offset"] and
                   info["master_replid"] == first["master_replid"] and
                   info.get("master_link_status", "up") == "up" for info in infos)

    def settle(self):
        self.say("settle")
        for node in self.nodes:
            node.proxy.heal()
            self.resume(node)
            self.start(node)
        self.later = []
        # Nothing may expire between one digest and the next.
        client = self.primary.client()
        for db in range(3):
            client.call("SELECT", db)
            client.pipeline([("PERSIST", key) for key in client.call("KEYS", "*")])
        # Nor be removed, because it had expired before, while the rows are counted.
        wait_until(lambda: all("expires=0" in counts for counts in
                               self.primary.info("keyspace").values()),
                   "what has expired is removed")
        client.call("SET", "settled", "1")  # what was removed is committed with it
        wait_until(self.all_level, lambda: "all level: %s" % [node.info() for node in self.nodes])

    def full_allowed(self):
        """The first of each node, and those that the history asks for."""
        allowed = len(self.nodes) - 1
        for node in self.nodes:
            mine = [(count, is_known) for who, count, is_known in self.diverged if who is node]
            known = [count for count, is_known in mine if is_known]
            others = [count for count, is_known in mine if not is_known]
            late = max(0, node.diverged_count() - len(known))
            allowed += sum(known) + sum(sorted(others, reverse=True)[:late])
        return allowed

    def check_full(self, when):
        count, allowed = sum(node.full_resyncs() for node in self.nodes), self.full_allowed()
        assert count <= allowed, "%d full resyncs %s, %d are due" % (count, when, allowed)
        return count

    def check(self):
        self.say("check")
        lost = [key for key in self.acked if self.primary.call("EXISTS", key) != 1]
        assert not lost, "acknowledged by WAIT and lost: %s" % lost[:10]
        wait_until(self.all_level, "all level behind the reads")
        digests = {node.name: node.call("DEBUG", "DIGEST") for node in self.nodes}
        assert len(set(digests.values())) == 1, "data differ: %s" % digests
        replies = {node.name: node.call("DEBUG", "VERIFY-STORE") for node in self.nodes}
        if set(replies.values()) != {"OK"}:
            again = {node.name: node.call("DEBUG", "VERIFY-STORE") for node in self.nodes}
            raise AssertionError("%s\nand once more: %s" % (replies, again))
        full = self.check_full("at the end")
        print("%d commands, %d acknowledged by WAIT, %s; %d full resyncs of %d allowed" %
              (self.commands, len(self.acked),
               ", ".join("%d %s" % (n, kind) for kind, n in sorted(self.counts.items())), full,
               self.full_allowed()))

    def end(self, failed):
        for node in self.nodes:
            self.resume(node)
        end(self.nodes, failed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    chaos = Chaos(options)
    failed = True
    try:
        chaos.run(options.seconds)
        failed = False
    finally:
        chaos.end(failed)


if __name__ == "__main__":
    main()
