#!/usr/bin/env python3
"""Stock clients against a server that this starts: redis-cli, redis-benchmark, ioredis, node-redis.

usage: clients_test.py HEARTH_SERVER
"""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from resp import Server  # noqa: E402


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            timeout=120, **options)
    assert result.returncode == 0, "%s: %s" % (" ".join(command), result.stdout)
    return result.stdout


def redis_cli(server, *args, **options):
    return run("redis-cli", "-s", server.path, *args, **options)


def check_redis_cli(server):
    assert redis_cli(server, "SET", "a", "1") == "OK\n"
    assert redis_cli(server, "-3", "GET", "a") == '"1"\n' or redis_cli(server, "-3", "GET", "a") == "1\n"
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


def check_redis_benchmark(server):
    out = run("redis-benchmark", "-s", server.path, "-t", "ping,set,get,incr,mset", "-n", "20000",
              "-r", "1000", "-P", "8", "-q")
    assert len(re.findall("requests per second", out.replace("\r", "\n"))) >= 5, out


def main():
    server = Server(sys.argv[1], ["--save", ""])
    try:
        server.start()
        check_redis_cli(server)
        check_redis_cli_scripts(server)
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
