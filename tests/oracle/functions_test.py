#!/usr/bin/env python3
"""Function libraries between Hearth and redis-server: each loads what the other dumps.

usage: functions_test.py HEARTH_SERVER [--redis redis-server]
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Server  # noqa: E402

LIBRARIES = [
    '#!lua name=one\nredis.register_function("greet", function(keys, args) return args[1] end)',
    '#!lua name=two\n' + '-- a long comment\n' * 200 +
    'redis.register_function{function_name="read", description="reads", flags={"no-writes"},'
    ' callback=function(keys) return redis.call("get", keys[1]) end}',
]


def by_name(libraries):
    return sorted(libraries, key=str)


def check(source, target):
    for client in (source, target):
        client.call("FUNCTION", "FLUSH")
        client.call("SET", "k", "v")
    for library in LIBRARIES:
        source.call("FUNCTION", "LOAD", library)
    payload = source.call("FUNCTION", "DUMP")
    assert target.call("FUNCTION", "RESTORE", payload) == "OK"
    assert target.call("FCALL", "greet", 0, "hello") == b"hello"
    assert target.call("FCALL_RO", "read", 1, "k") == b"v"
    lists = [by_name(c.call("FUNCTION", "LIST", "WITHCODE")) for c in (source, target)]
    assert lists[0] == lists[1], lists


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("hearth")
    parser.add_argument("--redis", default="redis-server")
    options = parser.parse_args()
    hearth, redis = Server(options.hearth), Server(options.redis, ["--save", ""])
    try:
        hearth.start()
        redis.start()
        check(hearth.client(), redis.client())
        check(redis.client(), hearth.client())
        # A kill leaves what was acknowledged.
        listed = by_name(hearth.client().call("FUNCTION", "LIST", "WITHCODE"))
        hearth.kill()
        hearth.start()
        assert by_name(hearth.client().call("FUNCTION", "LIST", "WITHCODE")) == listed
        assert hearth.stop() == 0
        print("libraries pass between both, and survive a kill")
    finally:
        hearth.remove()
        redis.remove()


if __name__ == "__main__":
    main()
