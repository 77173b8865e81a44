"""A node of the replication suites that are about ends and cuts: a server whose replicas reach it
through a proxy, and who follows whom when it is started again."""

import glob
import os

from proxy import Proxy
from resp import Listening


class Node(Listening):
    def __init__(self, binary, name):
        super().__init__(binary)
        self.fixed_args = self.args + [
            "--save", "", "--workers", "2", "--appendfsync", "everysec",
            "--repl-ping-replica-period", "1", "--repl-timeout", "4",
            "--repl-backlog-size", "200kb", "--enable-debug-command", "yes",
            "--maxmemory-policy", "demote", "--maxmemory", "200mb"]
        self.name = name
        self.proxy = Proxy(self.port)
        self.parent = None
        self.stopped = False
        self.restart()

    def restart(self):
        self.args = list(self.fixed_args)
        if self.parent:
            self.args += ["--replicaof", "127.0.0.1", str(self.parent.proxy.port)]
        self.start()

    def alive(self):
        return not self.stopped and self.process.poll() is None

    def follow(self, parent):
        self.parent = parent
        reply = self.call("REPLICAOF", "127.0.0.1", parent.proxy.port)
        assert reply in ("OK", "OK Already connected to specified master"), reply

    def promote(self):
        self.parent = None
        assert self.call("REPLICAOF", "NO", "ONE") == "OK"

    def full_resyncs(self):
        with open(os.path.join(self.folder, "log"), "rb") as log:
            return log.read().count(b"MASTER <-> REPLICA sync: Finished with success")

    def diverged_count(self):
        """Files of what it gave up."""
        return len(glob.glob(os.path.join(self.folder, "data", "diverged-*.rows")))


def end(nodes, failed):
    """Removes the nodes; of a test that failed, their logs are shown."""
    for node in nodes:
        node.proxy.close()
        if failed:
            print("---- %s: %s" % (node.name, node.log_tail()[-3000:]))
        node.remove()
