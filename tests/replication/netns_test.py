#!/usr/bin/env python3
"""What only a network does to servers: cuts that tell neither side (no FIN, no RST), ways that are
open in one direction, delay and loss. Servers and clients are in network namespaces of their own.

usage: netns_test.py HEARTH_SERVER [unittest arguments]

Needs root, iproute2 and a kernel with network namespaces; without them nothing is tested, which is
said, and no failure.
"""

import glob
import inspect
import os
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from resp import wait_until  # noqa: E402

BINARY = sys.argv[1] if len(sys.argv) > 1 else None
ARGS = ["--save", "", "--workers", "2", "--repl-ping-replica-period", "1",
        "--enable-debug-command", "yes"]
REPL_TIMEOUT_S = 2
CHUNK_BYTES = 64 * 1024
RESYNC_BYTES = 120 << 20
RESYNC_RATE = "40mb"
RESYNC_OVERHEAD_MAX = 1.1  # what a cut tears is sent again: 4 MB at most are under way
SLOW_BYTES = 50 << 20
SECONDS_MAX = 60


def digest(*nodes):
    return {node.call("DEBUG", "DIGEST") for node in nodes}


def client_names(node):
    text = node.call("CLIENT", "LIST").decode()
    return [field[5:] for field in text.split() if field.startswith("name=") and field != "name="]


class Writer(threading.Thread):
    """Writes to a server, by its unix socket, until it is stopped."""

    def __init__(self, node, prefix="key"):
        super().__init__(daemon=True)
        self.client, self.prefix = node.client(), prefix
        self.stopping = threading.Event()
        self.count = 0
        self.error = None
        self.start()

    def run(self):
        try:
            while not self.stopping.wait(0.001):
                key = "%s:%d" % (self.prefix, self.count % 5000)
                replies = self.client.pipeline([
                    ("SET", key, self.count), ("HSET", "hash:" + self.prefix, key, self.count),
                    ("RPUSH", "list:" + self.prefix, self.count), ("INCR", "n:" + self.prefix)])
                assert replies[0] == "OK" and isinstance(replies[3], int), replies
                self.count += len(replies)
        except Exception as error:  # told by stop()
            self.error = error

    def stop(self):
        self.stopping.set()
        self.join()
        self.client.close()
        if self.error:
            raise self.error
        return self.count


class Cuts(unittest.TestCase):
    def setUp(self):
        self.network = netns.Network()
        self.addCleanup(self.network.close)
        self.addCleanup(self.show_logs)
        self.began = time.monotonic()

    def show_logs(self):
        outcome = self._outcome.result
        if any(self in pair for pair in outcome.failures + outcome.errors):
            for node in self.network.servers:
                print("---- %s: %s" % (node.place.name, node.log_tail()[-3000:]))

    def tell(self, text):
        print("%s: %.1f s: %s" % (self._testMethodName, time.monotonic() - self.began, text),
              flush=True)

    def wait(self, what):
        wait_until(what, lambda: "it comes about: " + inspect.getsource(what).strip(), SECONDS_MAX)

    def node(self, name, *args, timeout_s=REPL_TIMEOUT_S):
        return self.network.server(BINARY, name, *ARGS, "--repl-timeout", str(timeout_s), *args)

    def pair(self, timeout_s=REPL_TIMEOUT_S):
        primary, replica = (self.node(name, timeout_s=timeout_s) for name in ("primary", "replica"))
        replica.follow(primary)
        self.wait(lambda: replica.is_level_with(primary))
        return primary, replica

    def link_is(self, replica, state):
        return replica.info()["master_link_status"] == state

    def resyncs(self, primary):
        stats = primary.info("stats")
        return int(stats["sync_full"]), int(stats["sync_partial_ok"])

    def replicas_of(self, primary):
        return int(primary.info()["connected_slaves"])

    def assert_same(self, primary, *replicas):
        for replica in replicas:
            self.wait(lambda: replica.is_level_with(primary))
        self.assertEqual(len(digest(primary, *replicas)), 1, "the data differ")
        for replica in replicas:
            self.assertEqual(replica.call("DEBUG", "VERIFY-STORE"), "OK")

    def test_a_silent_cut_is_noticed_by_both_and_goes_on_partially(self):
        primary, replica = self.pair()
        full, partial = self.resyncs(primary)
        writer = Writer(primary)
        self.wait(lambda: replica.call("EXISTS", "n:key") == 1)
        replica.place.cut()
        cut = time.monotonic()
        self.wait(lambda: self.link_is(replica, "down"))
        replica_s = time.monotonic() - cut
        self.wait(lambda: self.replicas_of(primary) == 0)
        primary_s = time.monotonic() - cut
        held = replica.call("GET", "n:key")
        self.wait(lambda: int(primary.call("GET", "n:key")) > int(held) + 500)
        self.assertEqual(replica.call("GET", "n:key"), held)  # it goes on serving
        self.assertEqual(primary.call("WAIT", 1, 50), 0)
        replica.place.heal()
        self.wait(lambda: self.link_is(replica, "up"))
        count = writer.stop()
        self.assert_same(primary, replica)
        self.assertEqual(self.resyncs(primary)[0], full)
        self.assertGreater(self.resyncs(primary)[1], partial)
        self.assertEqual(self.replicas_of(primary), 1)
        client = primary.client()
        self.assertEqual(client.pipeline([("SET", "last", 1), ("WAIT", 1, 10000)]), ["OK", 1])
        client.close()
        self.tell("noticed by the replica after %.1f s, by the primary after %.1f s; %d writes" %
                  (replica_s, primary_s, count))

    def test_a_short_cut_goes_unnoticed_or_costs_a_partial_resync(self):
        primary, replica = self.pair(timeout_s=20)
        full, partial = self.resyncs(primary)
        writer = Writer(primary)
        self.wait(lambda: replica.call("EXISTS", "n:key") == 1)
        replica.place.cut()
        held = int(replica.call("GET", "n:key"))
        self.wait(lambda: int(primary.call("GET", "n:key")) > held + 300)
        replica.place.heal()
        self.wait(lambda: int(replica.call("GET", "n:key")) > held + 300)
        writer.stop()
        self.assert_same(primary, replica)
        self.assertEqual(self.resyncs(primary)[0], full)
        self.tell("%d partial resyncs" % (self.resyncs(primary)[1] - partial))

    def fill(self, node, size_bytes):
        client = node.client()
        for at in range(0, size_bytes // CHUNK_BYTES, 64):
            replies = client.pipeline([("SET", "big:%d" % (at + i), os.urandom(CHUNK_BYTES))
                                       for i in range(64)])
            assert replies == ["OK"] * 64, replies
        client.close()

    def test_a_full_resync_that_is_cut_resumes(self):
        primary = self.node("primary", "--repl-full-sync-rate", RESYNC_RATE)
        replica = self.node("replica")
        self.fill(primary, RESYNC_BYTES)
        replica.follow(primary)
        shown = lambda: float(replica.info().get("master_sync_perc", 0))  # noqa: E731
        for percents in (25, 60):
            self.wait(lambda: shown() > percents)
            total_bytes = int(replica.info()["master_sync_total_bytes"])
            replica.place.cut()
            self.wait(lambda: replica.info()["master_sync_in_progress"] == "0")
            replica.place.heal()
        self.wait(lambda: replica.is_level_with(primary))
        self.assert_same(primary, replica)
        self.assertEqual(self.resyncs(primary)[0], 1)
        sent = int(primary.info("stats")["total_net_repl_output_bytes"])
        taken = int(replica.info("stats")["total_net_repl_input_bytes"])
        self.tell("%d bytes of files, %.3f of them sent, %.3f received" %
                  (total_bytes, sent / total_bytes, taken / total_bytes))
        self.assertLessEqual(1, taken / total_bytes)
        self.assertLessEqual(sent / total_bytes, RESYNC_OVERHEAD_MAX)
        # Nothing is kept of the connections that died.
        self.wait(lambda: self.replicas_of(primary) == 1)

    def test_a_replica_that_vanishes_in_a_full_resync_is_given_up(self):
        primary = self.node("primary", "--repl-full-sync-rate", RESYNC_RATE)
        replica = self.node("replica")
        self.fill(primary, RESYNC_BYTES // 2)
        replica.follow(primary)
        self.wait(lambda: float(replica.info().get("master_sync_perc", 0)) > 25)
        replica.place.cut()
        replica.kill()
        # The bytes that were under way to it are sent again and again, for a quarter of an hour.
        self.wait(lambda: primary.place.unacknowledged_bytes() > 0)
        self.wait(lambda: self.replicas_of(primary) == 0)
        self.tell("its connection was closed")

    def one_way_cut(self, primary, replica, deaf, mute):
        """What mute sends does not come to deaf."""
        full, partial = self.resyncs(primary)
        writer = Writer(primary)
        mute.place.lose_way_to(deaf.place)
        self.wait(lambda: self.link_is(replica, "down"))
        self.wait(lambda: self.replicas_of(primary) == 0)
        held = int(primary.call("GET", "n:key"))
        self.wait(lambda: int(primary.call("GET", "n:key")) > held + 200)
        mute.place.find_way_to(deaf.place)
        self.wait(lambda: self.link_is(replica, "up"))
        writer.stop()
        self.assert_same(primary, replica)
        self.assertEqual(self.resyncs(primary)[0], full)
        self.assertGreater(self.resyncs(primary)[1], partial)
        self.assertEqual(self.replicas_of(primary), 1)
        self.tell("%s could not reach %s" % (mute.place.name, deaf.place.name))

    def test_a_way_that_is_open_in_one_direction(self):
        primary, replica = self.pair()
        self.one_way_cut(primary, replica, deaf=replica, mute=primary)
        self.one_way_cut(primary, replica, deaf=primary, mute=replica)

    def test_delay_and_loss(self):
        primary = self.node("primary", timeout_s=20)
        replica = self.node("replica", timeout_s=20)
        by = replica.place.slow_down(delay_ms=50, jitter_ms=10, loss=0.01)
        replica.follow(primary)
        self.wait(lambda: self.link_is(replica, "up"))
        client, waits_s = primary.client(), []
        for i in range(20):
            begin = time.monotonic()
            self.assertEqual(client.pipeline([("SET", "a", i), ("WAIT", 1, 20000)]), ["OK", 1])
            waits_s.append(time.monotonic() - begin)
        client.close()
        begin = time.monotonic()
        self.fill(primary, SLOW_BYTES)
        filled_s = time.monotonic() - begin
        self.assert_same(primary, replica)
        level_s = time.monotonic() - begin
        self.wait(lambda: primary.info()["slave0"].endswith(",lag=0"))
        self.assertEqual(self.resyncs(primary)[0], 1)
        self.tell("by %s; WAIT %.3f s at the median, %.3f s at most; %d MB written in %.1f s, "
                  "there after %.1f s" % (by, sorted(waits_s)[10], max(waits_s), SLOW_BYTES >> 20,
                                          filled_s, level_s))

    def visitor(self, node, place, name):
        client = place.connect(node.place)
        self.addCleanup(client.close)
        self.assertEqual(client.call("CLIENT", "SETNAME", name), "OK")
        return client

    def blocked(self, server, count, *clients):
        """They wait for an element of "list", the first as the count-th client that does so."""
        for client in clients:
            client.send("BLPOP", "list", 0)
            self.wait(lambda: server.info("clients")["blocked_clients"] == str(count))
            count += 1

    def test_clients_that_are_cut_off_are_dropped(self):
        server = self.node("server", "--tcp-keepalive", "1", "--client-output-buffer-limit",
                           "pubsub 1mb 0 0")
        place = self.network.place("clients")
        idle, first, subscriber = (self.visitor(server, place, name)
                                   for name in ("idle", "first", "subscriber"))
        subscriber.call("SUBSCRIBE", "channel")
        second = server.client()
        self.addCleanup(second.close)
        self.blocked(server, 1, first, second)
        self.wait(lambda: server.place.unacknowledged_bytes() == 0)
        place.cut()
        # Nobody can know that the one whose turn it is has gone.
        self.assertEqual(server.call("RPUSH", "list", "lost"), 1)
        self.assertEqual(server.call("LLEN", "list"), 0)
        self.assertEqual(server.info("clients")["blocked_clients"], "1")
        self.assertEqual(server.call("PUBLISH", "channel", "lost"), 1)
        # Those that have bytes on their way are not asked by the kernel whether they are there.
        self.wait(lambda: client_names(server) == ["first", "subscriber"])
        server.call("CONFIG", "SET", "timeout", 1)
        self.wait(lambda: client_names(server) == ["subscriber"])
        # A subscriber has all the time that it wants, but not all the memory.
        self.wait(lambda: server.call("PUBLISH", "channel", "x" * 100000) == 0)
        self.wait(lambda: client_names(server) == [])
        self.assertEqual(server.info("clients")["blocked_clients"], "1")  # `timeout` is not for it
        self.assertEqual(server.call("RPUSH", "list", "found"), 1)
        self.assertEqual(second.read(), [b"list", b"found"])
        self.tell("an idle, a blocked and a subscribed client")

    def test_a_blocked_client_that_was_dropped_takes_nothing(self):
        server = self.node("server", "--tcp-keepalive", "1")
        place = self.network.place("clients")
        first, second = self.visitor(server, place, "first"), server.client()
        self.addCleanup(second.close)
        self.blocked(server, 1, first, second)
        self.wait(lambda: server.place.unacknowledged_bytes() == 0)
        place.cut()
        self.wait(lambda: client_names(server) == [])
        self.assertEqual(server.info("clients")["blocked_clients"], "1")
        self.assertEqual(server.call("RPUSH", "list", "found"), 1)
        self.assertEqual(second.read(), [b"list", b"found"])
        self.tell("the next one got the element")

    def test_a_primary_that_is_cut_off_is_replaced_and_comes_back(self):
        old, *replicas = (self.node(name) for name in ("old", "one", "two"))
        for replica in replicas:
            replica.follow(old)
        for replica in replicas:
            self.wait(lambda: replica.is_level_with(old))
        writer = Writer(old, "common")
        self.wait(lambda: all(node.call("EXISTS", "n:common") == 1 for node in replicas))
        old.place.cut()
        self.wait(lambda: all(self.link_is(node, "down") for node in replicas))
        writer.stop()
        self.assertEqual(old.call("SET", "only old", "diverged value"), "OK")
        # The one that got further is promoted, as who promotes one must choose.
        offset = lambda node: int(node.info()["slave_repl_offset"])  # noqa: E731
        new, other = sorted(replicas, key=offset, reverse=True)
        self.assertEqual(new.call("REPLICAOF", "NO", "ONE"), "OK")
        other.follow(new)
        writer = Writer(new, "new")
        self.wait(lambda: self.link_is(other, "up"))
        self.assertEqual(self.resyncs(new)[0], 0)
        self.wait(lambda: self.replicas_of(old) == 0)
        self.assertEqual(old.info()["role"], "master")  # it knows nothing of it
        self.assertEqual(old.call("SET", "only old", "diverged value 2"), "OK")
        old.place.heal()
        old.follow(new)
        self.wait(lambda: self.link_is(old, "up"))
        writer.stop()
        self.assert_same(new, other, old)
        self.assertEqual(self.resyncs(new)[0], 1)  # the old one's
        self.assertIsNone(old.call("GET", "only old"))
        files = glob.glob(os.path.join(old.folder, "data", "diverged-*.rows"))
        self.assertEqual(len(files), 1, files)
        with open(files[0], "rb") as file:
            rows = file.read()
        for value in (b"diverged value", b"diverged value 2"):
            self.assertIn(value, rows)
        self.tell("what the old one gave up: %d bytes in a file" % len(rows))


def interrupt(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what was made is removed first
    raise KeyboardInterrupt("SIGTERM")


def main():
    if BINARY is None:
        sys.exit(__doc__)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        reason = netns.why_not()
        if reason:
            print("the suite is skipped: " + reason)
            return
        unittest.main(argv=[sys.argv[0]] + sys.argv[2:], verbosity=2, warnings="ignore")
    finally:
        netns.close_all()


if __name__ == "__main__":
    main()
