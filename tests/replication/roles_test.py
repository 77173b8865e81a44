#!/usr/bin/env python3
"""What changes roles and guards them, between processes: FAILOVER in all its forms, replicas that
lag, an ACL user with a replica's rights only, WAITAOF, replication under TLS.

usage: roles_test.py HEARTH_SERVER [unittest arguments]
"""

import inspect
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Listening, ReplyError, wait_until  # noqa: E402

BINARY = sys.argv[1] if len(sys.argv) > 1 else None
FAST = ["--save", "", "--workers", "2", "--repl-ping-replica-period", "1"]
NO_GOOD_REPLICA = ReplyError("NOREPLICAS Not enough good replicas to write.")


class Roles(unittest.TestCase):
    def node(self, *args, primary=None, listen="--port"):
        if primary:
            args += ("--replicaof", "127.0.0.1", str(primary.port))
        node = Listening(BINARY, FAST + list(args), option=listen)
        self.addCleanup(node.remove)
        return node.start()

    def wait(self, what):
        wait_until(what, lambda: "it comes about: " + inspect.getsource(what).strip())

    def pair(self, *args):
        primary = self.node(*args)
        replica = self.node(primary=primary)
        self.wait(lambda: replica.is_level_with(primary))
        return primary, replica

    def stopped(self, node):
        """Stops a node until the test ends, or it is continued."""
        node.signal(signal.SIGSTOP)
        self.addCleanup(node.signal, signal.SIGCONT)

    def held_write(self, primary):
        """A client whose SET of "a" the primary holds: the reply to it is yet to be read."""
        client = primary.client()
        self.addCleanup(client.close)
        client.socket.sendall(client.encode(("PING",)) + client.encode(("SET", "a", "2")))
        self.assertEqual(client.read(), "PONG")  # so the SET has come to its gate
        self.assertEqual(primary.call("GET", "a"), b"1")
        return client

    def pair_failing_over(self):
        """A primary that has given its role to a replica that is stopped."""
        primary, replica = self.pair()
        self.stopped(replica)
        primary.call("SET", "a", "1")
        self.assertEqual(primary.call("FAILOVER", "TO", "127.0.0.1", replica.port, "FORCE",
                                      "TIMEOUT", 2000), "OK")
        self.wait(lambda: primary.info()["master_failover_state"] == "failover-in-progress")
        return primary, replica

    def assert_swapped(self, old, new, full_resyncs="0"):
        self.wait(lambda: new.info()["role"] == "master")
        self.wait(lambda: old.is_level_with(new))
        self.assertEqual(old.info()["master_failover_state"], "no-failover")
        self.assertEqual(new.info("stats")["sync_full"], full_resyncs)

    def test_failover_picks_the_replica_that_is_level(self):
        primary, replica = self.pair()
        slow = self.node(primary=primary)
        self.wait(lambda: slow.is_level_with(primary))
        self.stopped(slow)
        primary.call("SET", "a", "1")
        self.assertEqual(primary.call("FAILOVER"), "OK")
        self.assert_swapped(primary, replica)
        self.assertEqual(replica.call("GET", "a"), b"1")
        self.assertEqual(replica.call("SET", "a", "2"), "OK")
        self.assertTrue(primary.call("SET", "a", "3").startswith("READONLY"))
        slow.signal(signal.SIGCONT)
        slow.call("REPLICAOF", "127.0.0.1", replica.port)
        self.wait(lambda: slow.is_level_with(replica))
        self.assertEqual(replica.info("stats")["sync_full"], "0")

    def test_failover_under_load_loses_no_write(self):
        primary, replica = self.pair()
        done, stopping = [0], threading.Event()

        def write():
            client = primary.client()
            while not stopping.is_set():
                if client.call("SET", "count", done[0] + 1) != "OK":
                    return
                done[0] += 1

        thread = threading.Thread(target=write)
        thread.start()
        self.wait(lambda: done[0] > 500)
        self.assertEqual(primary.call("FAILOVER", "TO", "127.0.0.1", replica.port), "OK")
        self.assert_swapped(primary, replica)
        stopping.set()
        thread.join()
        self.assertEqual(int(replica.call("GET", "count")), done[0])

    def test_failover_ends_when_its_time_is_up(self):
        primary, replica = self.pair()
        self.stopped(replica)
        primary.call("SET", "a", "1")
        self.assertEqual(primary.call("FAILOVER", "TO", "127.0.0.1", replica.port,
                                      "TIMEOUT", 100), "OK")
        self.assertEqual(primary.call("SET", "a", "2"), "OK")
        self.wait(lambda: primary.info()["master_failover_state"] == "no-failover")
        self.assertIn("Replica never caught up before timeout", primary.log_tail())
        self.assertEqual(primary.info()["role"], "master")

    def test_failover_holds_writes_until_it_is_aborted(self):
        primary, replica = self.pair()
        self.stopped(replica)
        primary.call("SET", "a", "1")
        self.assertEqual(primary.call("FAILOVER"), "OK")
        self.assertEqual(primary.info()["master_failover_state"], "waiting-for-sync")
        self.assertEqual(primary.call("FAILOVER"), ReplyError("ERR FAILOVER already in progress."))
        writer = self.held_write(primary)
        self.assertEqual(primary.call("FAILOVER", "ABORT"), "OK")
        self.assertEqual(writer.read(), "OK")
        self.assertEqual(primary.call("GET", "a"), b"2")
        self.assertEqual(primary.call("FAILOVER", "ABORT"),
                         ReplyError("ERR No failover in progress."))

    def test_a_forced_failover_does_not_wait_for_the_replica(self):
        primary, replica = self.pair_failing_over()
        replica.signal(signal.SIGCONT)
        self.wait(lambda: replica.info()["role"] == "master")
        self.wait(lambda: primary.info()["master_failover_state"] == "no-failover")
        self.assertEqual(primary.info()["role"], "slave")

    def test_an_aborted_forced_failover_leaves_the_primary(self):
        primary, _ = self.pair_failing_over()
        self.assertEqual(primary.call("FAILOVER", "ABORT"), "OK")
        self.wait(lambda: primary.info()["master_failover_state"] == "no-failover")
        self.assertEqual(primary.info()["role"], "master")
        self.assertEqual(primary.call("SET", "a", "2"), "OK")

    def test_a_replica_that_is_silent_is_no_good_one(self):
        primary = self.node("--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
        self.assertEqual(primary.call("SET", "a", "1"), NO_GOOD_REPLICA)
        replica = self.node(primary=primary)
        self.wait(lambda: primary.call("SET", "a", "1") == "OK")
        self.assertEqual(primary.info()["min_slaves_good_slaves"], "1")
        replica.signal(signal.SIGSTOP)
        self.wait(lambda: primary.call("SET", "a", "2") == NO_GOOD_REPLICA)
        self.assertEqual(primary.info()["min_slaves_good_slaves"], "0")
        self.assertEqual(primary.info()["connected_slaves"], "1")
        self.assertEqual(primary.call("CONFIG", "SET", "min-replicas-max-lag", "0"), "OK")
        self.assertEqual(primary.call("SET", "a", "3"), "OK")
        primary.call("CONFIG", "SET", "min-replicas-max-lag", "1")
        replica.signal(signal.SIGCONT)
        self.wait(lambda: primary.call("SET", "a", "4") == "OK")

    def test_a_user_with_a_replicas_rights_only(self):
        primary = self.node()
        client = primary.client()
        client.call("ACL", "SETUSER", "replica", "on", ">secret", "+psync", "+replconf", "+ping")
        client.call("ACL", "SETUSER", "default", "resetpass", ">admin")
        client.call("SET", "a", "1")
        replica = self.node("--masteruser", "replica", "--masterauth", "wrong", primary=primary)
        self.wait(lambda: "WRONGPASS" in replica.info().get("master_link_error", ""))
        replica.call("CONFIG", "SET", "masterauth", "secret")
        self.wait(lambda: replica.info()["master_link_status"] == "up")
        self.wait(lambda: replica.call("GET", "a") == b"1")
        client.call("SET", "a", "2")
        self.wait(lambda: replica.call("GET", "a") == b"2")
        self.assertEqual(client.call("WAIT", "1", "5000"), 1)
        # The user's rights are checked for every connection anew.
        client.call("ACL", "SETUSER", "replica", "-psync")
        client.call("CLIENT", "KILL", "TYPE", "replica")
        self.wait(lambda: "NOPERM" in replica.info().get("master_link_error", ""))
        self.assertEqual(replica.call("GET", "a"), b"2")

    def test_waitaof_waits_for_both_disks(self):
        primary, replica = self.pair("--appendfsync", "no")
        client = primary.client()
        client.call("SET", "a", "1")
        self.assertEqual(client.call("WAITAOF", 0, 1, 5000), [0, 1])
        self.assertEqual(client.call("WAITAOF", 1, 1, 50), [0, 1])
        client.call("CONFIG", "SET", "appendfsync", "everysec")
        client.call("SET", "a", "2")
        self.assertEqual(client.call("WAITAOF", 1, 1, 10000), [1, 1])
        replica.signal(signal.SIGSTOP)
        client.call("SET", "a", "3")
        self.assertEqual(client.call("WAITAOF", 1, 0, 10000), [1, 0])
        self.assertEqual(client.call("WAITAOF", 1, 1, 50), [1, 0])
        replica.signal(signal.SIGCONT)
        self.assertEqual(client.call("WAITAOF", 1, 1, 10000), [1, 1])
        self.assertEqual(client.call("WAITAOF", 0, 2, 50), [1, 1])

    def certificate(self):
        folder = tempfile.TemporaryDirectory(prefix="hearth-tls-")
        self.addCleanup(folder.cleanup)
        cert, key = os.path.join(folder.name, "cert"), os.path.join(folder.name, "key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=hearth",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)
        return ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert,
                "--tls-replication", "yes"]

    def test_replication_under_tls(self):
        tls = self.certificate()
        primary = self.node(*tls, listen="--tls-port")
        for i in range(200):
            primary.call("SET", "key:%d" % i, "x" * 10000)
        replica = self.node(*tls, primary=primary, listen="--tls-port")
        leaf = self.node(*tls, primary=replica, listen="--tls-port")
        self.wait(lambda: replica.is_level_with(primary) and leaf.is_level_with(primary))
        primary.call("SET", "big", "y" * 3000000)
        self.assertEqual(primary.call("WAIT", 1, 10000), 1)
        self.wait(lambda: leaf.is_level_with(primary))
        for node in (replica, leaf):
            self.assertEqual(node.call("DBSIZE"), 201)
            self.assertEqual(node.call("GET", "big"), b"y" * 3000000)
        self.assertIn("ip=127.0.0.1,port=%d,state=online" % replica.port, primary.info()["slave0"])
        # Roles change under it too.
        self.assertEqual(primary.call("FAILOVER"), "OK")
        self.assert_swapped(primary, replica, full_resyncs="1")  # the leaf's

    def test_a_stranger_is_refused_under_tls(self):
        primary = self.node(*self.certificate(), listen="--tls-port")
        primary.call("SET", "a", "1")
        stranger = self.node(*self.certificate(), primary=primary, listen="--tls-port")
        self.wait(lambda: "TLS" in stranger.info().get("master_link_error", ""))
        plain = self.node(primary=primary)
        self.wait(lambda: plain.info().get("master_link_error", "") != "")
        for node in (stranger, plain):
            self.assertEqual(node.info()["master_link_status"], "down")
            self.assertEqual(node.call("DBSIZE"), 0)


if __name__ == "__main__":
    if BINARY is None:
        sys.exit(__doc__)
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:], verbosity=2, warnings="ignore")
