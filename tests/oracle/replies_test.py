#!/usr/bin/env python3
"""Compares the replies to the lines of replies.txt with redis-server's, one after the other, on one
connection each: errors, options and shapes of the commands that the random oracle leaves out.

A line is a command as a shell would split it, with \\n, \\r, \\t and \\xHH in words. "? command": the
order of the reply's elements is nobody's promise. "! command": it is run, but the replies differ by
intent; the comment above it says why.

usage: replies_test.py HEARTH_SERVER [--redis redis-server]
"""

import os
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import beside_redis  # noqa: E402
from resp import ReplyError  # noqa: E402


def words_of(line):
    return [word.encode("latin-1").decode("unicode_escape").encode("latin-1")
            for word in shlex.split(line)]


def shown(reply):
    """The reply as text in which a status, an error and a string are told apart."""
    if isinstance(reply, list):
        return "[%s]" % ", ".join(shown(element) for element in reply)
    if isinstance(reply, str) and not isinstance(reply, ReplyError):
        return "+" + reply
    return repr(reply)


def compare(*servers):
    clients = [server.client() for server in servers]
    for client in clients:
        client.null_array = "(null array)"  # is told apart from a null string
    lines = different = 0
    with open(os.path.join(HERE, "replies.txt")) as commands:
        for number, line in enumerate(commands, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            lines += 1
            mark, command = (line[0], line[2:]) if line[:2] in ("? ", "! ") else ("", line)
            replies = [client.call(*words_of(command)) for client in clients]
            if mark == "?":
                replies = [sorted(reply, key=shown) if isinstance(reply, list) else reply
                           for reply in replies]
            ours, theirs = [shown(reply) for reply in replies]
            if mark != "!" and ours != theirs:
                different += 1
                print("line %d: %s\n  Hearth: %s\n  Redis:  %s" % (number, line, ours, theirs))
    print("%d commands, %d replies differ" % (lines, different))
    return different


if __name__ == "__main__":
    sys.exit(beside_redis.run(compare, ["--save", "", "--enable-debug-command", "yes"]))
