#!/usr/bin/env python3
"""One side or the other of a replication is killed, again and again, while a client writes at a
steady rate. No kill costs a full resync, nothing is sent twice, and at the end both hold the same.

usage: kills_test.py HEARTH_SERVER [--kills N] [--rate N] [--seed N]
"""

import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import Node, end  # noqa: E402
from resp import wait_until  # noqa: E402

# What a byte of the groups may cost on the wire: frames, heartbeats, what a cut tore. What is
# written between two kills is a fifteenth of all.
OVERHEAD_MAX = 1.04
BATCH = 50  # commands


class Kills:
    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.options = options
        self.primary = Node(options.server, "primary")
        self.replica = Node(options.server, "replica")
        self.client = None
        self.written = 0
        self.writing_s = 0

    def write_until(self, end):
        """At the rate, whoever lives."""
        self.writing_s += end - time.monotonic()
        while time.monotonic() < end:
            begin = time.monotonic()
            try:
                if self.client is None:
                    self.client = self.primary.client()
                replies = self.client.pipeline([
                    ("SET", "key:%d" % self.random.randrange(100000),
                     "%0100d" % (self.written + i)) for i in range(BATCH)])
                assert replies == ["OK"] * BATCH, replies
                self.written += BATCH
            except (OSError, ConnectionError):
                self.client = None
            time.sleep(max(0, begin + BATCH / self.options.rate - time.monotonic()))

    def commit_bytes(self):
        """Of the groups written since the primary's start."""
        return int(self.primary.info("persistence")["commit_bytes"])

    def wait_level(self):
        wait_until(lambda: self.replica.is_level_with(self.primary),
                   lambda: "the replica is level: %s" % self.replica.info())

    def run(self):
        self.replica.follow(self.primary)
        self.wait_level()
        passed_before = self.primary.proxy.passed_bytes
        group_bytes = -self.commit_bytes()
        for kill in range(self.options.kills):
            self.write_until(time.monotonic() + self.random.uniform(0.05, 0.4))
            node = self.random.choice([self.primary, self.replica])
            if node is self.primary:  # its counter goes with it
                group_bytes += self.commit_bytes()
            node.kill()
            if node is self.primary:
                self.client = None
                node.restart()
            else:
                self.write_until(time.monotonic() + self.random.uniform(0.0, 0.3))
                node.restart()
        self.wait_level()
        group_bytes += self.commit_bytes()
        sent_bytes = self.primary.proxy.passed_bytes - passed_before
        assert self.replica.full_resyncs() == 1, "%d full resyncs" % self.replica.full_resyncs()
        digests = {self.primary.call("DEBUG", "DIGEST"), self.replica.call("DEBUG", "DIGEST")}
        assert len(digests) == 1, "the data differ"
        assert self.replica.call("DEBUG", "VERIFY-STORE") == "OK"
        part = sent_bytes / group_bytes
        print("%d writes, %d a second while there were any, %d kills, no full resync; "
              "%d bytes of groups, %d sent: %.3f of them" %
              (self.written, self.written / self.writing_s, self.options.kills, group_bytes,
               sent_bytes, part))
        assert 1 <= part <= OVERHEAD_MAX, part


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    kills, failed = Kills(options), True
    try:
        kills.run()
        failed = False
    finally:
        end([kills.primary, kills.replica], failed)


if __name__ == "__main__":
    main()
