"""What suites share that compare a server with redis-server, side by side."""

import argparse
import shutil

from resp import Server


def run(compare, args):
    """Starts both with the same arguments; compare(hearth, redis) says how much differs. Returns
    the suite's exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--redis", default=shutil.which("redis-server"))
    options = parser.parse_args()
    if not options.redis:
        print("no redis-server to compare with")
        return 0
    servers = [Server(binary, args) for binary in (options.server, options.redis)]
    try:
        return 1 if compare(*(server.start() for server in servers)) else 0
    finally:
        for server in servers:
            server.stop()
            server.remove()
