#!/usr/bin/env python3
"""Stock clients against a server that this starts: redis-cli, redis-benchmark, ioredis, node-redis.

usage: clients_test.py HEARTH_SERVER
"""

import fcntl
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from resp import Listening  # noqa: E402

SIOCGIFADDR = 0x8915  # of linux/sockios.h


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=120, **options)
    assert result.returncode == 0, "%s: %s" % (" ".join(command), result.stdout)
    return result.stdout


def redis_cli(server, *args, **options):
    return run("redis-cli", "-s", server.path, *args, **options)


def check_redis_cli(server):
    assert redis_cli(server, "SET", "a", "1") == "OK\n"
    assert redis_cli(server, "-3", "GET", "a") in ('"1"\n', "1\n")
    assert "redis_version" in redis_cli(server, "INFO", "server")
    lines = "".join("SET pipe:%d %d\r\n" % (i, i) for i in range(5000))
    out = redis_cli(server, "--pipe", input=lines)
    assert "errors: 0, replies: 5000" in out, out
    assert len(redis_cli(server, "--scan", "--pattern", "pipe:*").split()) == 5000
    assert "Biggest string found" in redis_cli(server, "--bigkeys")
    assert "Sampled 5001 keys" in redis_cli(server, "--memkeys")
    assert redis_cli(server, "-n", "3", "DBSIZE").strip() in ("0", "(integer) 0")


def check_redis_cli_scripts(server):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write("redis.call('SET', KEYS[1], ARGV[1])\n"
                     "redis.setresp(3)\n"
                     "return {KEYS[1], ARGV[1], #KEYS, {double=1.5}, {map={a=1}}, true}\n")
        script.flush()
        # The comma between keys and arguments is a word of its own.
        out = redis_cli(server, "--eval", script.name, "key", ",", "some words", "more")
        assert out == "key\nsome words\n1\n1.5\na\n1\n1\n", repr(out)
        out = redis_cli(server, "-3", "--eval", script.name, "key", "other", ",", "x")
        assert out == "key\nx\n2\n1.5\na 1\n(true)\n", repr(out)
    assert redis_cli(server, "GET", "key") == "x\n"
    redis_cli(server, "HSET", "hash", "field", "value")
    assert redis_cli(server, "-3", "--json", "HGETALL", "hash") == '{"field":"value"}\n'
    assert redis_cli(server, "-3", "--no-raw", "HGETALL", "hash") == '1# "field" => "value"\n'
    assert redis_cli(server, "--no-raw", "HGETALL", "hash") == '1) "field"\n2) "value"\n'
    assert redis_cli(server, "DEL", "key", "hash") == "2\n"
    assert "the Lua debugger is not supported" in redis_cli(server, "SCRIPT", "DEBUG", "YES")


def own_address():
    """One of this machine that is not loopback; None where there is no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            try:
                found = fcntl.ioctl(any_socket, SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue  # it has none
            address = socket.inet_ntoa(found[20:24])
            if not address.startswith("127."):
                return address
    return None


def check_protected_mode(server):
    """Without a password only this machine's clients are served."""
    def ping(address):
        return run("redis-cli", "-h", address, "-p", str(server.port), "PING")

    assert ping("127.0.0.1") == "PONG\n"
    address = own_address()
    if address is None:
        return print("NOT TESTED: protected mode; this machine has loopback addresses only")
    assert "DENIED Redis is running in protected mode" in ping(address)
    assert redis_cli(server, "CONFIG", "SET", "protected-mode", "no") == "OK\n"
    assert ping(address) == "PONG\n"
    assert redis_cli(server, "CONFIG", "SET", "protected-mode", "yes") == "OK\n"
    assert redis_cli(server, "CONFIG", "SET", "requirepass", "secret") == "OK\n"
    assert "NOAUTH" in ping(address)
    assert "OK" in redis_cli(server, "-a", "secret", "CONFIG", "SET", "requirepass", "")


def check_redis_benchmark(server):
    out = run("redis-benchmark", "-s", server.path, "-t", "ping,set,get,incr,mset", "-n", "20000",
              "-r", "1000", "-P", "8", "-q")
    assert len(re.findall("requests per second", out.replace("\r", "\n"))) >= 5, out


def main():
    server = Listening(sys.argv[1], ["--save", "", "--bind", "0.0.0.0"])
    try:
        server.start()
        check_redis_cli(server)
        check_redis_cli_scripts(server)
        check_protected_mode(server)
        check_redis_benchmark(server)
        for script in ("ioredis_test.js", "node_redis_test.js"):
            print(run("node", os.path.join(HERE, script), server.path).strip())
        assert server.stop() == 0
    except BaseException:
        print(server.log_tail())
        raise
    finally:
        server.remove()


if __name__ == "__main__":
    main()
