#!/usr/bin/env python3
"""hearth.conf shows directives that exist, with their defaults, and every one of ours; and what the
command line answers beside it.

usage: conf_test.py HEARTH_SERVER [--redis redis-server]
"""

import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from resp import Server  # noqa: E402

# Shown with a value that is no default.
EXAMPLES = {"unixsocket", "unixsocketperm", "requirepass", "aclfile", "replicaof", "masteruser",
            "masterauth", "replica-announce-ip", "tls-port", "tls-cert-file", "tls-key-file",
            "tls-ca-cert-file"}
# Every server of the tests is given others.
GIVEN = {"port": "6379", "dir": "./data"}
# Redis' own, which 7.0 lacks or does not list.
OF_REDIS = {"cluster-announce-human-nodename", "key-load-delay", "locale-collate",
            "loading-process-events-interval-bytes", "lua-enable-deprecated-api",
            "rdb-key-save-delay", "set-max-listpack-entries", "set-max-listpack-value",
            "use-exit-on-panic"}


class Configured(Server):
    """A server that is started with a file of directives."""

    def __init__(self, binary, lines):
        super().__init__(binary)
        self.conf = os.path.join(self.folder, "hearth.conf")
        with open(self.conf, "w") as file:
            file.write("\n".join(lines) + "\n")

    def command_line(self, data):
        return [self.binary, self.conf] + super().command_line(data)[1:]


def shown_directives(text):
    """The lines that are no prose: prose begins otherwise, and goes on until a stop."""
    shown, in_prose = {}, False
    for line in text.splitlines():
        words = line.removeprefix("# ")
        in_prose = line.startswith("# ") and (
            in_prose or re.match(r"[a-z][a-z0-9-]* \S", words) is None)
        if in_prose:
            in_prose = not words.endswith((".", ":"))
        elif line.startswith("# "):
            name, value = words.split(" ", 1)
            assert name not in shown, "%s is shown twice" % name
            shown[name] = value
    return shown


def settings(server):
    try:
        words = [word.decode() for word in server.start().call("CONFIG", "GET", "*")]
        return dict(zip(words[::2], words[1::2]))
    finally:
        server.remove()


def check_signals(binary):
    """shutdown-on-sigterm says whether a snapshot is made."""
    for words, count in (("default", 0), ("save now", 1)):
        server = Server(binary, ["--save", "", "--shutdown-on-sigterm", *words.split()])
        try:
            server.start()
            assert server.stop() == 0
            folder = os.path.join(server.folder, "data", "snapshots")
            found = os.listdir(folder) if os.path.isdir(folder) else []
            assert len(found) == count, (words, found)
        finally:
            server.remove()


def check_command_line(binary):
    """--help and --version print and end; what is no directive refuses the start."""
    def run(*args):
        done = subprocess.run([binary, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    for option in ("--version", "-v"):
        code, out, _ = run(option)
        assert code == 0 and re.fullmatch(r"Hearth server v=\d+\.\d+\.\d+ bits=64\n", out), out
    for option in ("--help", "-h"):
        code, out, _ = run(option)
        assert code == 0 and out.startswith("Usage: hearth-server [/path/to/hearth.conf]"), out
    code, _, told = run("--no-such-directive", "1")
    assert code == 1 and "no-such-directive" in told, told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--redis", default="redis-server")
    options = parser.parse_args()
    check_command_line(options.server)
    check_signals(options.server)
    with open(os.path.join(ROOT, "hearth.conf")) as file:
        shown = shown_directives(file.read())
    defaults = settings(Server(options.server))
    unknown = shown.keys() - defaults.keys()
    assert not unknown, "hearth.conf shows what does not exist: %s" % unknown
    assert EXAMPLES <= shown.keys(), EXAMPLES - shown.keys()
    for name, value in GIVEN.items():
        assert shown[name] == value, (name, shown[name])
    lines = ["%s %s" % item for item in shown.items() if item[0] not in EXAMPLES | GIVEN.keys()]
    for name, value in settings(Configured(options.server, lines)).items():
        if name not in GIVEN and name != "unixsocket":
            assert value == defaults[name], "hearth.conf: %s is %s, the default %s" % (
                name, value, defaults[name])
    ours = defaults.keys() - settings(Server(options.redis)).keys() - OF_REDIS
    assert not ours - shown.keys(), "hearth.conf does not show %s" % (ours - shown.keys())
    print("%d directives, %d of them ours" % (len(shown), len(ours)))


if __name__ == "__main__":
    main()
