#!/usr/bin/env python3
"""What a redis-server wrote to its disk, every type and encoding, is taken over by a Hearth that
starts in its directory: an RDB file, an AOF with and without a base of RDB, one whose end is cut,
and a start that is killed in the middle of it and begins anew.

usage: import_test.py HEARTH_SERVER [--seed N] [--redis PATH]
"""

import argparse
import os
import random
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from redis_data import Redis, Writer, compare_dumps, dump, fill, must  # noqa: E402
from resp import Server, wait_until  # noqa: E402

WRITES = 3000
KILLS = 5


def write(redis, rng):
    """What clients do to the data; nothing is about to expire then."""
    writers = [Writer(redis, rng.getrandbits(30)) for _ in range(2)]
    for writer in writers:
        writer.start()
    wait_until(lambda: sum(writer.count for writer in writers) > WRITES, "the writes")
    for writer in writers:
        writer.stop()
    client = redis.client()
    for db in range(16):
        must(client.call("SELECT", db))
        for key in client.call("KEYS", "*"):
            if 0 <= client.call("PTTL", key) < 60_000:
                client.call("DEL", key)
    client.close()


def take_over(binary, redis, expected, what, args=()):
    """Starts a Hearth on a copy of the Redis' directory; twice: the second finds its own store."""
    hearth = Server(binary, ["--save", "", "--enable-debug-command", "yes", *args])
    try:
        shutil.copytree(os.path.join(redis.folder, "data"), os.path.join(hearth.folder, "data"))
        for _ in range(2):
            hearth.start()
            wait_until(lambda: hearth.info("persistence")["loading"] == "0",
                       lambda: "loaded: " + hearth.log_tail())
            count = compare_dumps(expected, dump(hearth, redis), what)
            assert hearth.call("DEBUG", "VERIFY-STORE") == "OK"
            hearth.kill()
        assert hearth.log_tail().count("Importing the files of a Redis") == 1
        print("ok: %s, %d keys" % (what, count))
    finally:
        hearth.remove()


def of_rdb(binary, path, rng):
    redis = Redis(path, ["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"])
    try:
        redis.start()
        fill(redis, rng)
        write(redis, rng)
        must(redis.call("DEBUG", "POPULATE", 20000, "long", 4000))
        expected = dump(redis, redis)
        must(redis.call("SAVE"))
        redis.kill()
        take_over(binary, redis, expected, "an RDB file")
        killed(binary, redis, expected, rng)
    finally:
        redis.remove()


def of_aof(binary, path, rng, preamble):
    redis = Redis(path, ["--save", "", "--appendonly", "yes", "--appendfsync", "always",
                         "--aof-timestamp-enabled", "yes",
                         "--aof-use-rdb-preamble", "yes" if preamble else "no"])
    try:
        redis.start()
        fill(redis, rng)
        must(redis.call("BGREWRITEAOF"))
        wait_until(lambda: redis.info("persistence")["aof_rewrite_in_progress"] == "0" and
                   redis.info("persistence")["aof_rewrite_scheduled"] == "0", "the rewrite")
        write(redis, rng)
        expected = dump(redis, redis)
        redis.kill()
        what = "an AOF with a base of " + ("RDB" if preamble else "commands")
        take_over(binary, redis, expected, what)
        folder = os.path.join(redis.folder, "data", "appendonlydir")
        last = max((name for name in os.listdir(folder) if name.endswith(".incr.aof")),
                   key=lambda name: int(name.split(".")[2]))
        with open(os.path.join(folder, last), "ab") as file:
            file.write(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n"
                       b"*1\r\n$8\r\nFLUSHALL\r\n*3\r\n$3\r\nSET")
        take_over(binary, redis, expected, what + ", cut")
    finally:
        redis.remove()


def killed(binary, redis, expected, rng):
    """kill -9 again and again while it imports: each start begins anew, none serves a part."""
    hearth = Server(binary, ["--save", "", "--enable-debug-command", "yes"])
    try:
        shutil.copytree(os.path.join(redis.folder, "data"), os.path.join(hearth.folder, "data"))
        for cut_count in range(KILLS + 1):
            hearth.spawn()
            wait_until(lambda: hearth.log_tail().count("Importing the files") > cut_count,
                       hearth.log_tail)
            if cut_count == KILLS:
                break
            time.sleep(rng.uniform(0, 0.2))  # the moment of the kill is the input here
            hearth.kill()
            assert "no longer needed" not in hearth.log_tail(), "it is too fast for this test"
        wait_until(lambda: "Ready to accept" in hearth.log_tail(), hearth.log_tail)
        compare_dumps(expected, dump(hearth, redis), "after kills")
        assert hearth.call("DEBUG", "VERIFY-STORE") == "OK"
        assert hearth.stop() == 0
        print("ok: %d kills" % KILLS)
    finally:
        hearth.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--redis", default=shutil.which("redis-server"))
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    rng = random.Random(options.seed)
    of_rdb(options.server, options.redis, rng)
    for preamble in (True, False):
        of_aof(options.server, options.redis, rng, preamble)


if __name__ == "__main__":
    main()
