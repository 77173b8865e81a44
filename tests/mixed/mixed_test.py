#!/usr/bin/env python3
"""Everything at once: clients of every kind on several workers of a primary and its replica, while
the two change roles. Made for ThreadSanitizer, and a test of its own.

Nothing is asked of single replies but that they come. At the end: the data of both are equal,
memory agrees with the store, and both end orderly under load and start again. A seed gives the same
clients again (not the same timing).

usage: mixed_test.py HEARTH_SERVER [--seconds N] [--seed N] [--patience N]
"""

import argparse
import os
import random
import re
import signal
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from raw_client import RawClient  # noqa: E402
from resp import Listening, free_port, wait_until  # noqa: E402
from traffic import Traffic  # noqa: E402


DBS = (0, 1)
FIELDS = ["f%d" % number for number in range(50)]  # of Traffic's hashes


class Node(Listening):
    def __init__(self, binary, name):
        super().__init__(binary)
        self.name = name
        self.metrics_port = free_port()
        users = os.path.join(self.folder, "users.acl")
        open(users, "w").close()
        self.args += [
            "--metrics-port", str(self.metrics_port), "--workers", "3", "--aclfile", users,
            "--enable-debug-command", "yes", "--repl-timeout", "10",
            "--replica-accept-empty-primary", "yes", "--repl-ping-replica-period", "1"]
        self.start()


class Mixed:
    def __init__(self, options):
        self.options = options
        self.nodes = [Node(options.server, name) for name in "ab"]
        self.stopping = threading.Event()
        self.failures, self.counts = [], {}
        self.lock = threading.Lock()

    def run(self):
        self.follow(self.nodes[1], self.nodes[0])
        self.traffic(self.options.seconds)
        self.check_counts()
        self.settle()
        self.check()
        self.end_under_load()

    # -- Clients

    def traffic(self, seconds, meanwhile=None):
        self.stopping.clear()
        kinds = [kind for kind, count in self.kinds().items() for _ in range(count)]
        kinds += [] if meanwhile else [self.roles]
        threads = []
        for index, kind in enumerate(kinds):
            seed = self.options.seed * 1000 + index
            threads.append(threading.Thread(target=self.guarded, args=(kind, random.Random(seed))))
        for thread in threads:
            thread.start()
        self.stopping.wait(seconds)  # a failure ends it
        try:
            if meanwhile:
                meanwhile()
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join()
        assert not self.failures, self.failures

    def kinds(self):
        """Of clients, and how many of each there are."""
        return {self.worker: 5, self.listener: 2, self.tracker: 2, self.admin: 2, self.monitor: 1,
                self.user: 1, self.metrics: 1}

    def check_counts(self):
        idle = [kind.__name__ for kind in [*self.kinds(), self.roles]
                if not self.counts.get(kind.__name__)]
        assert not idle, "nothing came of %s: %s" % (idle, self.counts)

    def guarded(self, kind, dice):
        while not self.stopping.is_set():
            try:
                kind(dice)
            except (ConnectionError, FileNotFoundError):
                self.count(kind.__name__ + " closed")
                time.sleep(0.01)  # it may be between an end and a start
            except Exception as error:  # noqa: BLE001: told at the end, whatever it is
                self.failures.append("%s: %r" % (kind.__name__, error))
                self.stopping.set()

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def session(self, dice, kind, greeting, batch):
        """One connection's life: batches until its dice or the suite end it."""
        client = RawClient(dice.choice(self.nodes).path, self.options.patience)
        try:
            received = client.exchange(greeting)
            for _ in range(dice.randrange(5, 200)):
                if self.stopping.is_set():
                    break
                received = client.exchange(batch(received))
                self.count(kind)
        finally:
            client.close()

    def worker(self, dice):
        traffic = Traffic(dice)
        self.session(dice, "worker", [], lambda _: traffic.worker_batch())

    def listener(self, dice):
        traffic = Traffic(dice)
        self.session(dice, "listener", [("HELLO", dice.choice([2, 3]))],
                     lambda _: traffic.listener_batch())

    def tracker(self, dice):
        traffic = Traffic(dice)
        self.session(dice, "tracker", [("HELLO", 3), ("CLIENT", "LIST")],
                     lambda received: traffic.tracker_batch(self.ids(received)) +
                     [("CLIENT", "LIST")])

    def monitor(self, dice):
        self.session(dice, "monitor", [("MONITOR",)],
                     lambda _: [("RESET",), ("MONITOR",)] if dice.randrange(20) == 0 else [])

    def user(self, dice):
        traffic = Traffic(dice)
        self.session(dice, "user", [], lambda _: traffic.user_batch())

    def admin(self, dice):
        traffic = Traffic(dice)

        def batch(received):
            time.sleep(dice.uniform(0, 0.02))
            ids = self.ids(received)
            return [traffic.admin(ids) for _ in range(dice.randrange(1, 4))] + [("CLIENT", "LIST")]

        self.session(dice, "admin", [("CLIENT", "LIST")], batch)

    @staticmethod
    def ids(received):
        return [int(number) for number in re.findall(rb"(?:^|\n)id=(\d+) ", received)]

    def metrics(self, dice):
        port = dice.choice(self.nodes).metrics_port
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port,
                                        timeout=self.options.patience) as answer:
                assert b"hearth_" in answer.read()
        except urllib.error.URLError as error:
            raise ConnectionError(str(error)) from error
        self.count("metrics")
        self.stopping.wait(0.05)

    # -- Roles

    def roles(self, dice):
        first, second = dice.sample(self.nodes, 2)
        what = dice.choice([self.follow, self.alone, self.failover, self.abort, self.both])
        what(first, second)
        self.count(what.__name__)
        self.count("roles")
        self.stopping.wait(dice.uniform(0.05, 0.6))

    @staticmethod
    def follow(node, primary):
        primary.call("REPLICAOF", "NO", "ONE")
        node.call("REPLICAOF", "127.0.0.1", primary.port)

    @staticmethod
    def alone(node, _):
        node.call("REPLICAOF", "NO", "ONE")

    @staticmethod
    def both(node, other):
        """Each follows the other for a while."""
        node.call("REPLICAOF", "127.0.0.1", other.port)
        other.call("REPLICAOF", "127.0.0.1", node.port)

    @staticmethod
    def failover(node, other):
        node.call("FAILOVER", "TO", "127.0.0.1", other.port, "TIMEOUT", 300)

    @staticmethod
    def abort(node, _):
        node.call("FAILOVER")
        node.call("FAILOVER", "ABORT")

    # -- The end

    def settle(self):
        a, b = self.nodes
        for node in self.nodes:
            for words in (("CLIENT", "UNPAUSE"), ("FAILOVER", "ABORT"),
                          ("CONFIG", "SET", "maxmemory", "0", "maxmemory-policy", "demote",
                           "appendfsync", "everysec")):
                node.call(*words)
        self.follow(b, a)
        for db in DBS:
            client = a.client()
            client.call("SELECT", db)
            client.call("SET", "last%d" % db, self.options.seed)
            client.close()
        self.end_expiry(a)
        wait_until(lambda: b.is_level_with(a) and
                   b.info()["master_replid"] == a.info()["master_replid"],
                   lambda: "level: %s" % [node.info() for node in self.nodes],
                   self.options.patience)

    def end_expiry(self, node):
        """What has expired goes, nothing expires any more."""
        node.call("DEBUG", "SET-ACTIVE-EXPIRE", "1")
        client = node.client()
        for db in DBS:
            client.call("SELECT", db)
            keys = client.call("KEYS", "*")
            client.pipeline([("PERSIST", key) for key in keys])
            client.pipeline([("HPERSIST", key, "FIELDS", len(FIELDS), *FIELDS) for key in keys])
        client.close()
        wait_until(lambda: all("expires=0" in counts for counts in node.info("keyspace").values()),
                   lambda: "what has expired goes: %s" % node.info("keyspace"),
                   self.options.patience)
        node.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")

    def check(self):
        digests = [node.call("DEBUG", "DIGEST") for node in self.nodes]
        assert digests[0] == digests[1], digests
        for node in self.nodes:
            self.check_store(node)

    @staticmethod
    def check_store(node):
        reply = node.call("DEBUG", "VERIFY-STORE")
        assert reply == "OK", "%s: %s" % (node.name, reply)

    def end_under_load(self):
        def end():
            for node in self.nodes:
                node.signal(signal.SIGUSR2)  # ends nothing, not even the wait
                node.signal(signal.SIGTERM)
            codes = [node.process.wait(self.options.patience) for node in self.nodes]
            assert codes == [0, 0], "exit codes: %s" % codes

        self.traffic(0.5, end)
        for node in self.nodes:
            node.start(self.options.patience)
            self.end_expiry(node)
            self.check_store(node)
            assert node.stop(self.options.patience) == 0

    def end(self, failed):
        for node in self.nodes:
            if failed:
                print("---- %s: %s" % (node.name, node.log_tail()[-5000:]))
            node.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--patience", type=float, default=30,
                        help="seconds for anything to answer")
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    mixed = Mixed(options)
    failed = True
    try:
        mixed.run()
        failed = False
        print(", ".join("%d %s" % (n, what) for what, n in sorted(mixed.counts.items())))
    finally:
        mixed.end(failed)


if __name__ == "__main__":
    main()
