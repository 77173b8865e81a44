#!/usr/bin/env python3
"""Redis' Sentinel watches Hearth: three sentinels, a primary and two replicas. The primary is
killed; one replica is promoted, the other follows it by a partial resync, clients that ask the
sentinels (python3-redis) reach the new primary, and the old one comes back as its replica.

usage: sentinel_test.py HEARTH_SERVER
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import redis  # noqa: E402
from redis.sentinel import Sentinel  # noqa: E402
from resp import Listening, free_port, wait_until  # noqa: E402

NAME = "hearths"


class Node(Listening):
    """A server that is ruled by a file, which Sentinel has it rewrite."""

    def __init__(self, binary, primary_port=None):
        super().__init__(binary)
        self.conf = os.path.join(self.folder, "hearth.conf")
        with open(self.conf, "w") as conf:
            conf.write("port %d\nsave \"\"\nrepl-ping-replica-period 1\n"
                       "enable-debug-command yes\n" % self.port)
            if primary_port:
                conf.write("replicaof 127.0.0.1 %d\n" % primary_port)
        self.start()

    def command_line(self, data):
        # The file decides the port and the role.
        return [self.binary, self.conf, "--unixsocket", self.path, "--dir", data]


class SentinelProcess:
    def __init__(self, primary_port):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="hearth-sentinel-")
        conf = os.path.join(self.folder, "sentinel.conf")
        with open(conf, "w") as out:
            out.write("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s 127.0.0.1 %d 2\n"
                      "sentinel down-after-milliseconds %s 1500\n"
                      "sentinel failover-timeout %s 10000\nsentinel parallel-syncs %s 1\n" %
                      (self.port, self.folder, NAME, primary_port, NAME, NAME, NAME))
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["redis-sentinel", conf], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def remove(self, show):
        self.process.kill()
        self.process.wait()
        if show:
            with open(self.log, "rb") as log:
                print("---- sentinel: " + log.read()[-3000:].decode("latin-1"))
        shutil.rmtree(self.folder, ignore_errors=True)


def wait(what, text, seconds=60):
    def holds():
        try:
            return what()
        except ConnectionError:  # a failover closes the clients' connections
            return False
    wait_until(holds, text, seconds)


def run(nodes, sentinels):
    primary = nodes[0]
    asked = [redis.Redis(host="127.0.0.1", port=sentinel.port, decode_responses=True)
             for sentinel in sentinels]

    def known():
        try:
            return all(len(client.sentinel_slaves(NAME)) == 2 and
                       len(client.sentinel_sentinels(NAME)) == 2 for client in asked)
        except redis.exceptions.RedisError:
            return False
    wait(known, "the sentinels know each other and both replicas")
    entry = Sentinel([("127.0.0.1", sentinel.port) for sentinel in sentinels], socket_timeout=2)
    client = entry.master_for(NAME, socket_timeout=2)
    for i in range(500):
        client.set("before%d" % i, i)
    wait(lambda: all(node.info()["master_repl_offset"] == primary.info()["master_repl_offset"]
                     for node in nodes), "the replicas have everything")

    print("kill -9 the primary", flush=True)
    primary.kill()
    left = nodes[1:]
    wait(lambda: any(node.info()["role"] == "master" for node in left), "a replica is promoted")
    promoted = next(node for node in left if node.info()["role"] == "master")
    other = next(node for node in left if node is not promoted)
    print("promoted", flush=True)

    def writes():
        try:
            return client.set("after", "1")
        except redis.exceptions.RedisError:
            return False
    wait(writes, "clients reach the new primary")
    assert promoted.call("GET", "after") == b"1"
    wait(lambda: other.info().get("master_port") == str(promoted.port) and
         other.info()["master_link_status"] == "up", "the other replica follows it")
    assert promoted.info("stats")["sync_full"] == "0", promoted.info("stats")
    assert int(promoted.info("stats")["sync_partial_ok"]) >= 1
    assert entry.discover_master(NAME) == ("127.0.0.1", promoted.port)

    print("the old primary comes back", flush=True)
    primary.start()
    wait(lambda: primary.info()["role"] == "slave" and
         primary.info().get("master_port") == str(promoted.port) and
         primary.info()["master_link_status"] == "up", "the old primary is a replica", 90)
    client.set("last", "1")
    wait(lambda: primary.call("GET", "last") == b"1" and other.call("GET", "last") == b"1",
         "all have the last write")
    digests = {node.call("DEBUG", "DIGEST") for node in nodes}
    assert len(digests) == 1, digests
    with open(primary.conf) as conf:
        assert "replicaof 127.0.0.1 %d" % promoted.port in conf.read()
    with open(promoted.conf) as conf:
        assert "replicaof" not in conf.read()


def main():
    binary = sys.argv[1]
    nodes = [Node(binary)]
    failed = True
    sentinels = []
    try:
        nodes += [Node(binary, nodes[0].port) for _ in range(2)]
        wait(lambda: all(node.info().get("master_link_status") == "up" for node in nodes[1:]),
             "the replicas are linked")
        sentinels = [SentinelProcess(nodes[0].port) for _ in range(3)]
        run(nodes, sentinels)
        failed = False
    finally:
        for sentinel in sentinels:
            sentinel.remove(failed)
        for node in nodes:
            if failed:
                print("---- %d: %s" % (node.port, node.log_tail()[-3000:]))
            node.remove()
    print("ok")


if __name__ == "__main__":
    main()
