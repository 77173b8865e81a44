#!/usr/bin/env python3
"""redis-py (Debian's python3-redis) against Hearth: what an application does with it.

usage: redis_py_test.py HEARTH_SERVER
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import redis  # noqa: E402
from resp import Server  # noqa: E402


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError("%s: %r, not %r" % (what, got, wanted))


def expect_error(what, error, text, call, *args):
    try:
        got = call(*args)
    except error as raised:
        if text not in str(raised):
            raise AssertionError("%s: %r" % (what, str(raised)))
        return
    raise AssertionError("%s answers %r" % (what, got))


def check_types(client):
    expect("set", client.set("s", "v", ex=100), True)
    expect("get", client.get("s"), "v")
    expect("ttl", 0 < client.ttl("s") <= 100, True)
    expect("incr", client.incr("n", 5), 5)
    expect("hset", client.hset("h", mapping={"a": 1, "b": 2}), 2)
    expect("hgetall", client.hgetall("h"), {"a": "1", "b": "2"})
    expect("rpush", client.rpush("l", 1, 2, 3), 3)
    expect("lrange", client.lrange("l", 0, -1), ["1", "2", "3"])
    expect("blpop", client.blpop("l", 1), ("l", "1"))
    expect("sadd", client.sadd("set", "a", "b"), 2)
    expect("smembers", client.smembers("set"), {"a", "b"})
    expect("zadd", client.zadd("z", {"a": 1.5, "b": 2}), 2)
    expect("zrange", client.zrange("z", 0, -1, withscores=True), [("a", 1.5), ("b", 2.0)])
    identity = client.xadd("x", {"f": "v"})
    expect("xrange", client.xrange("x"), [(identity, {"f": "v"})])
    expect("type", client.type("x"), "stream")
    expect_error("wrong type", redis.ResponseError, "WRONGTYPE", client.lpush, "s", 1)


def check_pipeline(client):
    with client.pipeline(transaction=True) as pipe:
        expect("pipeline", pipe.set("p", 1).incr("p").get("p").execute(), [True, 2, "2"])
    with client.pipeline() as pipe:
        pipe.watch("p")
        client.set("p", 9)
        pipe.multi()
        pipe.set("p", 0)
        expect_error("watch", redis.WatchError, "", pipe.execute)
    expect("after watch", client.get("p"), "9")


def check_scan(client):
    client.flushdb()
    wanted = {"key:%d" % i for i in range(500)}
    client.mset({key: 1 for key in wanted})
    expect("scan_iter", set(client.scan_iter("key:*", count=50)), wanted)
    client.hset("big", mapping={str(i): i for i in range(1000)})
    expect("hscan_iter", len(dict(client.hscan_iter("big"))), 1000)


def check_pubsub(client):
    listener = client.pubsub()
    listener.subscribe("news")
    listener.psubscribe("n*")
    for _ in range(2):
        listener.get_message(timeout=5)
    expect("publish", client.publish("news", "m"), 2)
    kinds = [listener.get_message(timeout=5)["type"] for _ in range(2)]
    expect("messages", sorted(kinds), ["message", "pmessage"])
    listener.close()


def check_acl(client, path):
    # 4.3 reads the rules as Redis 6 printed them, so GETUSER is not asked for.
    expect("acl_setuser", client.acl_setuser("app", enabled=True, passwords=["+pw"], keys=["app:*"],
                                             commands=["+get", "+set", "+@connection"]), True)
    expect("acl_users", client.acl_users(), ["app", "default"])
    app = redis.Redis(unix_socket_path=path, username="app", password="pw", decode_responses=True)
    expect("set as app", app.set("app:1", 1), True)
    expect_error("key", redis.exceptions.NoPermissionError, "No permissions to access a key",
                 app.get, "other")
    expect_error("command", redis.exceptions.NoPermissionError, "'del' command", app.delete,
                 "app:1")
    expect("acl_log", client.acl_log()[0]["username"], "app")
    wrong = redis.Redis(unix_socket_path=path, username="app", password="no")
    expect_error("password", redis.ResponseError, "WRONGPASS", wrong.ping)
    expect("acl_deluser", client.acl_deluser("app"), 1)
    expect("acl_cat", "keyspace" in client.acl_cat(), True)


def check_lock(client):
    lock = client.lock("lock", timeout=10)
    expect("acquire", lock.acquire(blocking=False), True)
    other = client.lock("lock", timeout=10)
    expect("second", other.acquire(blocking=False), False)
    expect("extend", lock.extend(100), True)
    expect("extended", 100 < client.ttl("lock") <= 110, True)
    expect("reacquire", lock.reacquire(), True)
    expect("reacquired", client.ttl("lock") <= 10, True)
    other.local.token = b"of another"
    expect_error("release of another's", redis.exceptions.LockNotOwnedError, "", other.release)
    lock.release()
    expect("released", client.exists("lock"), 0)
    expect("acquire again", other.acquire(blocking=False), True)
    other.release()


def check_scripts(client):
    add = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    expect("script", add(keys=["counted"], args=[3]), 3)
    client.script_flush()
    expect("script after flush", add(keys=["counted"], args=[4]), 7)  # NOSCRIPT, SCRIPT LOAD
    with client.pipeline() as pipe:
        add(keys=["counted"], args=[1], client=pipe)
        expect("script in a pipeline", pipe.get("counted").execute(), [8, "8"])
    expect("script_exists", client.script_exists(add.sha, "0" * 40), [True, False])
    expect_error("error", redis.ResponseError, "not an integer", add, ["counted"], ["x"])
    library = ("#!lua name=py\n"
               "redis.register_function('twice', function(keys, args) return 2 * args[1] end)")
    expect("function_load", client.function_load(library), "py")
    expect("fcall", client.fcall("twice", 0, 21), 42)
    expect("function_delete", client.function_delete("py"), True)


def check_server(client):
    expect("info", client.info()["redis_version"].count("."), 2)
    expect("config", client.config_get("maxmemory")["maxmemory"], "0")
    expect("client", client.client_list()[0]["user"], "default")
    expect("dbsize", client.dbsize() >= 0, True)


def main():
    server = Server(sys.argv[1])
    try:
        server.start()
        client = redis.Redis(unix_socket_path=server.path, decode_responses=True)
        for check in (check_types, check_pipeline, check_scan, check_pubsub, check_lock,
                      check_scripts, check_server):
            check(client)
        check_acl(client, server.path)
        print("redis-py %s: fine" % redis.__version__)
    finally:
        server.remove()


main()
