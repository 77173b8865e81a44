#!/usr/bin/env python3
"""Recovery to a point in time: a snapshot, then bursts of commands of every kind, flushes and
memtable flushes among them; for points on the way that were noted (sequence, time, digest) the
snapshot is taken there by the log of the server, which serves on meanwhile, and holds what was
there then.

usage: recovery_test.py HEARTH_SERVER [--seed N] [--bursts N]
"""

import argparse
import datetime
import os
import random
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from redis_data import Redis, Writer, must  # noqa: E402
from resp import Server, wait_until  # noqa: E402

DEBUG = ["--save", "", "--enable-debug-command", "yes"]


class Hearth(Redis):
    """One that Writer's commands can be sent to."""


class Burst(Writer):
    """Commands of every kind, as many as are asked for, when they are asked for."""

    def send(self, count):
        for _ in range(count):
            self.client.pipeline([self.command() for _ in range(self.rng.randrange(1, 20))])


def point(server):
    """Where it stands, while nothing is written or expires."""
    client = server.client()
    seq = int(server.info("persistence")["committed_seq"])
    digest = client.call("DEBUG", "DIGEST")
    seconds, micros = (int(part) for part in client.call("TIME"))
    # What comes next is of another millisecond.
    wait_until(lambda: tuple(map(int, client.call("TIME"))) > (seconds, micros + 1000), "the clock")
    client.close()
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return {"seq": seq, "time": "%s.%03dZ" % (at.strftime("%Y-%m-%dT%H:%M:%S"), micros // 1000),
            "digest": digest}


def persist_all(server):
    """Nothing is about to expire then: what has would still be there at a point before."""
    client = server.client()
    for db in range(16):
        must(client.call("SELECT", db))
        for key in client.call("KEYS", "*"):
            client.call("PERSIST", key)
            fields = client.call("HKEYS", key) if client.call("TYPE", key) == "hash" else []
            if fields:
                client.call("HPERSIST", key, "FIELDS", len(fields), *fields)
    client.close()


def recover(binary, snapshot, wal, until):
    """The digest of the snapshot that was taken there, and what the run told."""
    opened = snapshot + ".opened"
    shutil.rmtree(opened, ignore_errors=True)
    run = subprocess.run([binary, "--dir", snapshot, "--recover-wal", wal, "--recover-until", until],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    server = Server(binary, ["--enable-debug-command", "yes", "--save", ""])
    try:
        shutil.copytree(opened, os.path.join(server.folder, "data"))
        server.start()
        verified = server.call("DEBUG", "VERIFY-STORE")
        assert verified == "OK", (until, verified, run.stdout)
        return server.call("DEBUG", "DIGEST"), run.stdout
    finally:
        server.remove()
        shutil.rmtree(opened)


def misused(binary, snapshot, wal):
    """A store that a recovery was cut in is not served; one that has ended is not gone on with."""
    def run(*args):
        run = subprocess.run([binary, "--dir", *args], capture_output=True, text=True, timeout=60)
        return run.returncode, run.stdout

    opened = snapshot + ".opened"
    until_end = (snapshot, "--recover-wal", wal, "--recover-until", "end")
    mark = os.path.join(opened, "RECOVERING")
    while not os.path.exists(mark):  # again when it was done before the signal came
        shutil.rmtree(opened, ignore_errors=True)
        process = subprocess.Popen([binary, "--dir", *until_end], stdout=subprocess.PIPE)
        wait_until(lambda: os.path.exists(mark) or process.poll() is not None, "a beginning")
        process.kill()
        process.communicate()
    code, told = run(snapshot, "--port", "0", "--unixsocket", opened + ".socket")
    assert code == 1 and "did not come to its end" in told and mark in told, told
    code, told = run(*until_end)
    assert not os.path.exists(mark), told
    code, told = run(*until_end)
    assert code == 1 and "remove it to begin from the snapshot again" in told, told
    shutil.rmtree(opened)


def serve(binary, rng, bursts):
    server = Hearth(binary, DEBUG + ["--wal-retain", "yes", "--write-buffer-size", "300000"])
    try:
        server.start()
        data = os.path.join(server.folder, "data")
        burst = Burst(server, rng.getrandbits(30))
        must(server.call("FUNCTION", "LOAD", "#!lua name=moved\nredis.register_function('put', "
                         "function(k, a) return redis.call('SET', k[1], a[1]) end)"))
        burst.send(20)
        must(server.call("SAVE"))
        (name,) = os.listdir(os.path.join(data, "snapshots"))
        snapshot = os.path.join(data, "snapshots", name)
        points, before_flush = [], None
        for i in range(bursts):
            burst.send(rng.randrange(1, 60))
            persist_all(server)
            points.append(point(server))
            if rng.random() < 0.3:
                server.kill()
                server.start()
                burst = Burst(server, rng.getrandbits(30))
            elif i > bursts // 3 and rng.random() < 0.3:
                before_flush = before_flush or points[-1]
                must(server.call(rng.choice(["FLUSHALL", "FLUSHDB"])))
        before_flush = before_flush or points[-1]
        must(server.call("FLUSHALL"))
        for at in rng.sample(points, min(6, len(points))):
            for until in (str(at["seq"]), at["time"]):
                digest, told = recover(binary, snapshot, data, until)
                assert digest == at["digest"], (until, at, told)
        digest, told = recover(binary, snapshot, data, "flush")
        assert digest == before_flush["digest"], (before_flush, told)
        last = point(server)
        misused(binary, snapshot, data)
        digest, told = recover(binary, snapshot, data, "end")
        assert digest == last["digest"] and "ends there" in told, (last, told)
        print("ok: %d points, %d WAL files" % (
            len(points), len(os.listdir(os.path.join(data, "replication")))))
    finally:
        server.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--bursts", type=int, default=20)
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    serve(options.server, random.Random(options.seed), options.bursts)


if __name__ == "__main__":
    main()
