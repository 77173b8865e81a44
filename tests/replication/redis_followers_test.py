#!/usr/bin/env python3
"""Followers that are redis-servers, redis-cli or raw connections: what Hearth tells of them, what
they are sent at any offset, RDB files, limits, and what becomes of them when the role changes.

usage: redis_followers_test.py HEARTH_SERVER [--only NAME] [--seed N]
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from from_redis_test import is_up  # noqa: E402
from redis_data import fill, must  # noqa: E402
from redis_nodes import REDIS, Follower, Load, Typed, Waiting, compare, run, settle  # noqa: E402
from resp import ReplyError, wait_until  # noqa: E402

CLI_SECONDS = 60
NOT_FROM_A_REPLICA = "this server follows another Hearth"
TOO_MUCH = "scheduled to be closed ASAP for overcoming of output buffer limits"
LIMIT = 8 << 20
WINDOW = 2 << 20  # what the kernel and the connection hold of it, more or less
VALUE = 256 << 10


def tool(*args, code=0):
    """What a program of Redis says."""
    done = subprocess.run(list(map(str, args)), timeout=CLI_SECONDS, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told = done.stdout.decode("latin-1")
    assert done.returncode == code, (args, done.returncode, told)
    return told


def log_of(node):
    with open(os.path.join(node.folder, "log"), encoding="latin-1") as log:
        return log.read()


class Raw:
    """A connection that follows: SYNC, or PSYNC id offset."""

    def __init__(self, hearth, *words):
        self.client = hearth.client()
        self.client.send(*words)
        self.id = self.offset = None
        self.answer = ""
        if words[0] == "PSYNC":
            self.answer = self.client._line().lstrip(b"\n").decode()
        if self.answer.startswith("+FULLRESYNC"):
            self.id, self.offset = self.answer.split()[1], int(self.answer.split()[2])
        if not self.answer.startswith("+CONTINUE"):
            self.client.read_file()

    def read_to(self, end):
        """The bytes of the stream, up to those."""
        while end not in self.client.buffer[self.client.at:]:
            self.client._fill()
        return self.client.buffer[self.client.at:]

    def close(self):
        self.client.close()


def is_online(hearth):
    return "state=online" in hearth.info().get("slave0", "")


def told_of_a_follower(nodes, _):
    hearth, redis = nodes.followed()
    client, port = hearth.client(), redis.port
    must(client.call("SET", "a", 1))
    assert client.call("WAIT", 1, 60000) == 1
    assert redis.call("GET", "a") == b"1"
    assert re.fullmatch(r"ip=127.0.0.1,port=%d,state=online,offset=\d+,lag=\d" % port,
                        hearth.info()["slave0"]), hearth.info()
    role = hearth.call("ROLE")
    assert role[0] == b"master" and role[2][0][:2] == [b"127.0.0.1", b"%d" % port], role
    assert redis.call("ROLE")[:4] == [b"slave", b"127.0.0.1", hearth.port, b"connected"]
    wait_until(lambda: hearth.info()["repl_stream_offset"] == redis.info()["slave_repl_offset"] and
               hearth.info()["repl_stream_id"] == redis.info()["master_replid"], "they are level")
    listed = hearth.call("CLIENT", "LIST", "TYPE", "replica").decode().splitlines()
    assert len(listed) == 1 and " flags=S " in listed[0], listed
    subscriber = redis.client()
    subscriber.call("SUBSCRIBE", "news")
    hearth.call("PUBLISH", "news", "x")
    assert subscriber.read() == [b"message", b"news", b"x"]
    assert hearth.call("CLIENT", "KILL", "TYPE", "replica") == 1
    wait_until(lambda: hearth.stat("sync_partial_ok") == 1 and redis.is_up(), "it comes back")
    assert hearth.stat("sync_full") == 1
    redis.check_log()


def writes_need_a_follower(nodes, _):
    hearth, redis = nodes.followed()
    must(hearth.call("CONFIG", "SET", "min-replicas-to-write", 1))
    wait_until(lambda: hearth.call("SET", "a", 1) == "OK", "a write")
    redis.kill()
    wait_until(lambda: str(hearth.call("SET", "a", 2)).startswith("NOREPLICAS"), "a refusal")
    redis.start()
    wait_until(lambda: hearth.call("SET", "a", 3) == "OK", "a write again")
    settle(hearth, redis)
    assert redis.call("GET", "a") == b"3"


def shutdown_waits_for_a_follower(nodes, _):
    hearth, redis = nodes.followed("--shutdown-timeout", "60")
    redis.signal(signal.SIGSTOP)
    hearth.client().pipeline([["SET", "key:%d" % i, i] for i in range(1000)])
    hearth.signal(signal.SIGTERM)
    wait_until(lambda: "waiting for replicas" in log_of(hearth).lower(), lambda: log_of(hearth))
    redis.signal(signal.SIGCONT)
    assert hearth.process.wait(60) == 0
    assert redis.call("DBSIZE") == 1000


def stream_from_any_offset(nodes, _):
    """A partial resync sends exactly the bytes behind the offset; any other is a full one."""
    hearth = nodes.hearth("--repl-ping-replica-period", "3600")
    first = Raw(hearth, "PSYNC", "?", "-1")
    client = hearth.client()
    client.pipeline([["SET", "a", 1], ["SELECT", 3], ["MULTI"], ["INCR", "n"], ["INCR", "n"],
                     ["EXEC"], ["LPUSH", "l", "x" * 100], ["SET", "end", "end"]])
    stream = first.read_to(b"$3\r\nend\r\n$3\r\nend\r\n")
    first.close()
    for at in [*range(0, len(stream), 11), len(stream)]:
        again = Raw(hearth, "PSYNC", first.id, first.offset + 1 + at)
        assert again.answer.startswith("+CONTINUE"), (at, again.answer)
        if at < len(stream):
            assert again.read_to(stream[max(at, len(stream) - 5):]) == stream[at:], at
        again.close()
    for words in ([first.id, first.offset + 2 + len(stream)], [first.id, first.offset],
                  [first.id, 1], [first.id, 0], ["f" * 40, first.offset + 1]):
        other = Raw(hearth, "PSYNC", *words)
        assert other.id == first.id and other.offset == first.offset + len(stream), (words, other)
        other.close()


def stream_that_nobody_follows_ends(nodes, _):
    hearth = nodes.hearth("--repl-backlog-ttl", "1")
    first = Raw(hearth, "PSYNC", "?", "-1")
    first.close()
    again = Raw(hearth, "PSYNC", first.id, first.offset + 1)
    assert again.answer.startswith("+CONTINUE"), again.answer
    again.close()
    wait_until(lambda: "repl_stream_id" not in hearth.info(), lambda: "it ends: %s" % hearth.info())
    must(hearth.call("SET", "a", 1))
    last = Raw(hearth, "PSYNC", first.id, first.offset + 1)
    assert last.answer.startswith("+FULLRESYNC") and last.id != first.id, last.answer
    last.close()


def rdb_files(nodes, options):
    """redis-cli's files: redis-check-rdb accepts them, and a redis-server started with them serves
    the same."""
    hearth = nodes.hearth()
    for only_functions in (False, True):
        redis = Follower(REDIS, ["--save", ""])
        file = os.path.join(redis.folder, "data", "dump.rdb")
        os.makedirs(os.path.dirname(file))
        if not only_functions:
            probe = nodes.redis()
            hearth.spoken, hearth.has_field_expiry = probe.known, False
            fill(hearth, random.Random(options.seed))
            settle(hearth)
        tool("redis-cli", "-p", hearth.port, "--functions-rdb" if only_functions else "--rdb", file)
        with open(file, "rb") as written:
            assert written.read(9) == b"REDIS0010"
        assert "RDB looks OK" in tool("redis-check-rdb", file)
        nodes.add(redis)
        if only_functions:
            assert redis.call("DBSIZE") == 0
            assert redis.call("FUNCTION", "LIST") == hearth.call("FUNCTION", "LIST") != []
        else:
            compare(hearth, redis)
    must(hearth.call("HSET", "h", "f", "v"))
    assert hearth.call("HPEXPIRE", "h", 1000000, "FIELDS", 1, "f") == [1]
    file = os.path.join(hearth.folder, "fields.rdb")
    tool("redis-cli", "-p", hearth.port, "--rdb", file)
    with open(file, "rb") as written:
        assert written.read(9) == b"REDIS0012"
    assert "format version 12" in tool("redis-check-rdb", file, code=1)
    assert hearth.info()["connected_slaves"] == "0"


def redis_cli_replica(nodes, _):
    hearth = nodes.hearth()
    shown_path = os.path.join(hearth.folder, "shown")
    with open(shown_path, "wb") as shown:
        process = subprocess.Popen(["redis-cli", "-p", str(hearth.port), "--replica"],
                                   stdin=subprocess.DEVNULL, stdout=shown, stderr=shown)
    try:
        wait_until(lambda: is_online(hearth), "it follows")
        must(hearth.call("SET", "a", "1"))
        with open(shown_path) as shown:
            text = [""]

            def has_shown():
                text[0] += shown.read()
                return '"SET","a","1"' in text[0]
            wait_until(has_shown, lambda: text[0])
    finally:
        process.kill()
        process.wait()


def fill_one_by_one(hearth, count):
    """Big values; the followers but for silent ones take each before the next is written."""
    client = hearth.client()
    for i in range(count):
        must(client.call("SET", "key:%d" % (i % 16), os.urandom(VALUE)))
        assert client.call("WAIT", 1, 60000) >= 1


def silent_followers(nodes, _):
    """One that reads its file and then nothing, and one that does not even read that, are cut off;
    the others do not feel it."""
    hearth, redis = nodes.followed("--repl-backlog-size", "1mb")
    must(hearth.call("CONFIG", "SET", "client-output-buffer-limit", "replica %d 0 0" % LIMIT))
    fill_one_by_one(hearth, 16)
    silent, mute = Raw(hearth, "SYNC").client, hearth.client()
    mute.send("SYNC")
    wait_until(lambda: "send_bulk" in hearth.info().get("slave2", ""), "a file is being sent")
    written = 0
    while log_of(hearth).count(TOO_MUCH) < 2:
        fill_one_by_one(hearth, 8)
        written += 8 * VALUE
        kept = int(hearth.info()["repl_stream_kept_bytes"])
        assert kept <= LIMIT + VALUE, kept
    assert written > LIMIT, written
    held = [int(n) for n in re.findall(r" omem=(\d+)", log_of(hearth))]
    assert max(held) < WINDOW, held
    wait_until(lambda: hearth.info()["connected_slaves"] == "1", "they are cut off")
    for client in (silent, mute):
        try:
            while True:
                client._fill()
                client.at = len(client.buffer)
        except ConnectionError:
            pass
    settle(hearth, redis)
    compare_small(hearth, redis)
    assert hearth.stat("sync_full") == 3 and hearth.stat("sync_partial_ok") == 0


def followers_that_leave_early(nodes, options):
    """Whenever they leave, nothing is held for them afterwards."""
    rng = random.Random(options.seed)
    hearth = nodes.hearth("--repl-backlog-ttl", "1", "--repl-backlog-size", "20kb")
    hearth.client().pipeline([["SET", "key:%d" % i, "x" * 500] for i in range(5000)])
    load = Load(hearth, rng, (Typed,))
    known = ["?", -1]
    for _ in range(150):
        client = hearth.client()
        client.send(*rng.choice([["SYNC"], ["PSYNC", "?", -1], ["PSYNC", *known]]))
        if rng.random() < 0.7:
            client.socket.recv(rng.choice([1, 100, 100000]))
        info = hearth.info()
        known = [info.get("repl_stream_id", "?"), info.get("repl_stream_offset", -1)]
        client.close()
    wait_until(lambda: hearth.info()["connected_slaves"] == "0" and
               "repl_stream_id" not in hearth.info(), lambda: "they leave: %s" % hearth.info())
    load.stop()
    assert not any("export-" in name for name in os.listdir(os.path.join(hearth.folder, "data")))


def compare_small(hearth, *others):
    """As compare, where there are few keys."""
    keys = sorted(hearth.call("KEYS", "*"))
    for other in others:
        assert sorted(other.call("KEYS", "*")) == keys
        for key in keys:
            assert other.call("DUMP", key)[:-10] == hearth.call("DUMP", key)[:-10], key


def several_followers(nodes, options):
    """Of both kinds, and one of them slow, while clients write."""
    hearth, redis = nodes.followed()
    others = [nodes.redis("--repl-diskless-load", "swapdb"), nodes.redis()]
    replica = nodes.hearth()
    fill(hearth, random.Random(options.seed))
    slow = nodes.proxy(hearth)
    slow.bytes_a_second = 1 << 20
    load = Load(hearth, random.Random(options.seed), (Typed, Waiting))
    others[0].follow(hearth.port)
    others[1].follow(slow.port)
    must(replica.call("REPLICAOF", "127.0.0.1", hearth.port))
    for other in others:
        other.wait_up()
    wait_until(lambda: is_up(replica), "the Hearth follows")
    wait_until(lambda: load.count > 5000, "writes")
    load.stop()
    slow.heal()
    client = hearth.client()
    must(client.call("SET", "last", 1))
    assert client.call("WAIT", 4, 60000) == 4
    settle(hearth, redis, *others, replica)
    compare(hearth, redis, *others, replica)


def evicted_keys_are_deleted(nodes, _):
    hearth, redis = nodes.followed("--maxmemory-policy", "allkeys-random", "--maxmemory", "100mb")
    client = hearth.client()
    at = 0
    while hearth.stat("evicted_keys") < 1000:
        replies = client.pipeline([["SET", "key:%d" % (at + i), "x" * 1000] for i in range(1000)])
        assert not any(isinstance(reply, ReplyError) for reply in replies), replies[:3]
        at += 1000
    must(hearth.call("CONFIG", "SET", "maxmemory", "0"))  # else more go while they are compared
    settle(hearth, redis)
    assert sorted(hearth.call("KEYS", "*")) == sorted(redis.call("KEYS", "*"))


def becoming_a_replica(nodes, _):
    """Followers are cut off, and can't come back while it is one; they keep what they have."""
    hearth, redis = nodes.followed()
    other = nodes.hearth()
    must(other.call("SET", "theirs", 1))
    must(hearth.call("SET", "mine", 1))
    settle(hearth, redis)
    must(hearth.call("REPLICAOF", "127.0.0.1", other.port))
    wait_until(lambda: hearth.is_level_with(other), lambda: "it follows: %s" % hearth.info())
    wait_until(lambda: not redis.is_up(), "the follower is cut off")
    for words in (["SYNC"], ["PSYNC", "?", "-1"], ["PSYNC", "a" * 40, 1]):
        reply = hearth.call(*words)
        assert isinstance(reply, ReplyError) and NOT_FROM_A_REPLICA in reply, reply
    file = os.path.join(hearth.folder, "copy.rdb")
    tool("redis-cli", "-p", hearth.port, "--rdb", file)
    assert "[info] 1 keys read" in tool("redis-check-rdb", file)
    assert redis.call("GET", "mine") == b"1"
    must(hearth.call("REPLICAOF", "NO", "ONE"))
    redis.wait_up()
    settle(hearth, redis)
    compare_small(hearth, redis)


def failover_needs_a_hearth(nodes, _):
    hearth, redis = nodes.followed()
    refusal = "ERR FAILOVER requires connected replicas."
    to_redis = ["TO", "127.0.0.1", redis.port]
    for words in ([], ["TIMEOUT", 100], to_redis, [*to_redis, "FORCE", "TIMEOUT", 100]):
        assert hearth.call("FAILOVER", *words) == ReplyError(refusal), words
    must(hearth.call("SET", "a", 1))
    replica = nodes.hearth()
    must(replica.call("REPLICAOF", "127.0.0.1", hearth.port))
    wait_until(lambda: replica.is_level_with(hearth), "the Hearth follows")
    refusal = "ERR FAILOVER target HOST and PORT is not a replica."
    assert hearth.call("FAILOVER", *to_redis) == ReplyError(refusal)
    must(hearth.call("FAILOVER"))
    wait_until(lambda: replica.info()["role"] == "master" and hearth.is_level_with(replica),
               lambda: "roles are swapped: %s" % replica.info())
    redis.follow(replica.port)
    redis.wait_up()
    must(replica.call("SET", "b", 2))
    settle(replica, redis)
    compare_small(replica, redis)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="of the tests, those whose names have this")
    run([told_of_a_follower, writes_need_a_follower, shutdown_waits_for_a_follower,
         stream_from_any_offset, stream_that_nobody_follows_ends, rdb_files, redis_cli_replica,
         silent_followers, followers_that_leave_early, several_followers,
         evicted_keys_are_deleted, becoming_a_replica, failover_needs_a_hearth],
        parser.parse_args())


if __name__ == "__main__":
    main()
