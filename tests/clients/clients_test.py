#!/usr/bin/env python3
"""Stock clients against a server that this starts: redis-cli, redis-benchmark, ioredis.

usage: clients_test.py HEARTH_SERVER
"""

import os
import re
import subprocess
import sys

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


def check_redis_benchmark(server):
    out = run("redis-benchmark", "-s", server.path, "-t", "ping,set,get,incr,mset", "-n", "20000",
              "-r", "1000", "-P", "8", "-q")
    assert len(re.findall("requests per second", out.replace("\r", "\n"))) >= 5, out


def main():
    server = Server(sys.argv[1], ["--save", ""])
    try:
        server.start()
        check_redis_cli(server)
        check_redis_benchmark(server)
        print(run("node", os.path.join(HERE, "ioredis_test.js"), server.path).strip())
        assert server.stop() == 0
    except BaseException:
        print(server.log_tail())
        raise
    finally:
        server.remove()


if __name__ == "__main__":
    main()
