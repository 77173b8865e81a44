#!/usr/bin/env python3
"""Every directive that hearth.conf shows exists, with the value it shows; every one of ours is shown.

usage: conf_test.py HEARTH_SERVER
"""

import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from resp import Server  # noqa: E402

OURS = ["workers", "shards", "wal-dir", "snapshot-dir", "snapshot-keep", "snapshot-verify",
        "disk-free-min", "accept-data-loss", "warm-on-start", "io-readers", "write-buffer-size",
        "block-cache-size", "max-open-files"]


def main():
    with open(os.path.join(ROOT, "hearth.conf")) as file:
        shown = re.findall(r"^# ([a-z][a-z0-9-]*) (\S.*)$", file.read(), re.M)
    shown = [(name, value) for name, value in shown if re.search("-|^(bind|port|save|dir|hz)$", name)
             or name in ("workers", "shards", "databases", "maxmemory", "timeout")]
    server = Server(sys.argv[1])
    try:
        client = server.start().client()
        for name, value in shown:
            reply = client.call("CONFIG", "GET", name)
            assert len(reply) == 2, "hearth.conf shows '%s', which does not exist" % name
        missing = set(OURS) - {name for name, _ in shown}
        assert not missing, "hearth.conf does not show %s" % missing
        print("%d directives" % len(shown))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
