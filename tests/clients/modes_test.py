#!/usr/bin/env python3
"""What looks at a running server: redis-cli's modes, prometheus-redis-exporter, and the server's
own figures for Prometheus.

usage: modes_test.py HEARTH_SERVER
"""

import os
import re
import socket
import subprocess
import sys
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from resp import Listening, free_port, wait_until  # noqa: E402


def redis_cli(server, *args, expect_end=True, seconds=30):
    """The output; of a mode that never ends, what it printed in that time."""
    process = subprocess.Popen(["stdbuf", "-oL", "redis-cli", "-s", server.path, *args],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, _ = process.communicate(timeout=seconds)
        assert process.returncode == 0, (args, out)
    except subprocess.TimeoutExpired:
        assert not expect_end, args
        process.terminate()
        out, _ = process.communicate()
    return out


def check_cli_modes(server):
    redis_cli(server, "MSET", *[word for i in range(100) for word in ("k:%d" % i, "v" * i)])
    redis_cli(server, "RPUSH", "list", "a", "b")
    assert "Biggest   list found" in redis_cli(server, "--bigkeys")
    assert "Sampled 101 keys" in redis_cli(server, "--memkeys")
    assert len(redis_cli(server, "--scan").split()) == 101
    out = redis_cli(server, "--stat", "-i", "0.1", expect_end=False, seconds=1)
    assert re.search(r"^101 ", out, re.M), out
    # Without a terminal: one line of min, max, avg and count.
    out = redis_cli(server, "--latency", "-i", "1", expect_end=False, seconds=3)
    assert re.match(r"[0-9]+ [0-9]+ [0-9.]+ [0-9]+", out), out

    redis_cli(server, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    for _ in range(30):
        redis_cli(server, "GET", "k:7")
    out = redis_cli(server, "--hotkeys")
    assert re.search(r'hot key found with counter: [0-9]+\tkeyname: "?k:7"?', out), out
    out = redis_cli(server, "MONITOR", expect_end=False, seconds=1)
    assert out.startswith("OK"), out
    assert "proto" in redis_cli(server, "-3", "HELLO", "3")


def check_exporter(redis_port):
    port = free_port()
    exporter = subprocess.Popen(
        ["prometheus-redis-exporter", "-redis.addr", "redis://127.0.0.1:%d" % redis_port,
         "-web.listen-address", "127.0.0.1:%d" % port],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        text = scrape("127.0.0.1", port)
    finally:
        exporter.terminate()
        log = exporter.communicate()[0].decode()
    assert re.search(r"^redis_up 1$", text, re.M), text + log
    for name in ("redis_connected_clients", "redis_commands_total", "redis_memory_used_bytes",
                 "redis_db_keys", "redis_commands_duration_seconds_total",
                 "redis_uptime_in_seconds", "redis_keyspace_hits_total", "redis_instance_info",
                 "redis_config_maxclients"):
        assert re.search(r"^%s[ {]" % name, text, re.M), name + " is missing:\n" + text
    assert len(re.findall(r"^redis_", text, re.M)) > 150, text


def check_own_figures(port):
    text = scrape("127.0.0.2", port)
    assert re.search(r'^hearth_keys\{db="0"\} 101$', text, re.M), text
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("the figures are served beside metrics-bind")


def scrape(address, port):
    """The page, once somebody listens."""
    url, pages = "http://%s:%d/metrics" % (address, port), []

    def answers():
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                pages.append(page.read().decode())
        except OSError:
            return False
        return True

    wait_until(answers, url + " answers")
    return pages[0]


def main():
    metrics_port = free_port()
    server = Listening(sys.argv[1], ["--save", "", "--metrics-bind", "127.0.0.2",
                                     "--metrics-port", str(metrics_port)])
    try:
        server.start()
        check_cli_modes(server)
        check_exporter(server.port)
        check_own_figures(metrics_port)
        assert server.stop() == 0
    except BaseException:
        print(server.log_tail())
        raise
    finally:
        server.remove()


if __name__ == "__main__":
    main()
