#!/usr/bin/env python3
"""Random ACL rules on Hearth and redis-server: replies, users and verdicts compared.

A round changes a user by random rule words, then asks both servers for it (GETUSER) and whether it
may run a sample of calls (DRYRUN). Now and then Hearth's own line of the user (ACL LIST) is given
to redis-server, which must come to the same verdicts. Left out is what Redis 7.2 says otherwise
than 7.0: the order of command rules, the flag sanitize-payload, the words of DRYRUN's refusals, and
what concerns commands that redis-server 7.0 lacks.

usage: acl_test.py HEARTH_SERVER [--redis redis-server] [--rounds N] [--seed N]
"""

import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import ReplyError, Server  # noqa: E402

# Not the empty key: "*" does not match it in redis-server.
KEYS = ["a", "ab", "abc", "b", "key:1", "x", "*", "a[b]"]
CHANNELS = ["a", "ab", "news", "news.*", "*", "n?ws"]
PATTERNS = ["a", "a*", "ab*", "*", "?b", "key:*", "[ab]*", "", "a\\*", "x y", "news.*", "n?ws"]
HASHES = ["a" * 64, "0" * 64, "A" * 64, "f" * 63, ""]
WORDS = ["on", "off", "nopass", "resetpass", "reset", "allkeys", "resetkeys", "allchannels",
         "resetchannels", "allcommands", "nocommands", "clearselectors", "sanitize-payload",
         "skip-sanitize-payload", "ON", "AllKeys", "RESET", "", "~*", "&*", "+@all", "-@all", "+",
         "-", "+@", "~", "%", "&", ")", "()", "bogus", "+nosuch", "-@nosuch", "%RX~a", "%~a",
         "%RW", "%R", "+@ALL", "%RR~a"]
CALLS = [["get", "K"], ["set", "K", "v"], ["set", "K", "v", "get"], ["mget", "K", "K"],
         ["mset", "K", "v", "K", "v"], ["copy", "K", "K"], ["rename", "K", "K"], ["del", "K", "K"],
         ["bitfield", "K", "get", "u8", "0"], ["bitfield", "K", "set", "u8", "0", "1"],
         ["sort", "K"], ["sort", "K", "store", "K"], ["lmpop", "2", "K", "K", "left"],
         ["lmpop", "9", "K", "K", "left"], ["zunionstore", "K", "2", "K", "K"],
         ["xadd", "K", "*", "f", "v"],
         ["xread", "streams", "K", "K", "0", "0"], ["xread", "count", "1"],
         ["georadius", "K", "0", "0", "1", "km", "store", "K"], ["publish", "C", "m"],
         ["spublish", "C", "m"], ["subscribe", "C", "C"], ["psubscribe", "C", "C"],
         ["ssubscribe", "C"], ["unsubscribe", "C"], ["config", "get", "x"],
         ["config", "set", "a", "b"], ["config", "resetstat"], ["config"], ["config", "nosuch"],
         ["client", "list"], ["client", "id"], ["client", "no-evict", "on"], ["acl", "list"],
         ["acl", "whoami"], ["select", "0"], ["select", "1"], ["object", "encoding", "K"],
         ["auth", "x"], ["ping"], ["multi"], ["exec"], ["lcs", "K", "K"], ["getdel", "K"],
         ["memory", "usage", "K"], ["nosuch"], ["get"], ["pfmerge", "K", "K"],
         ["smove", "K", "K", "m"],
         ["sintercard", "2", "K", "K"], ["lpush", "K", "v"], ["xgroup", "create", "K", "g", "0"],
         ["debug", "sleep", "0"], ["blpop", "K", "K", "0"], ["hrandfield", "K"]]
# Redis 7.0 lacks these, or sorts them elsewhere: never named by rules.
NAMES = ["get", "set", "mget", "config", "config|get", "config|set", "client", "client|list",
         "client|id", "select|0", "select|1", "debug|sleep", "GET", "Config|Get", "config|nosuch",
         "config|get|x", "select|", "acl", "acl|list", "subscribe", "publish", "object|encoding",
         "sort", "lmpop", "xgroup|create", "nosuch|x", "blpop"]


class Generator:
    def __init__(self, seed, categories):
        self.random = random.Random(seed)
        self.categories = categories

    def pick(self, choices):
        return self.random.choice(choices)

    def selector_word(self):
        kind = self.random.randrange(10)
        if kind < 2:
            return self.pick(["~", "%R~", "%W~", "%RW~", "%rw~", "%WR~"]) + self.pick(PATTERNS)
        if kind < 3:
            return "&" + self.pick(PATTERNS)
        if kind < 6:
            return self.pick("+-") + self.pick(NAMES)
        if kind < 9:
            return self.pick("+-") + "@" + self.pick(self.categories)
        return self.pick(WORDS)

    def word(self):
        kind = self.random.randrange(20)
        if kind < 3:
            return self.pick(["#", "!"]) + self.pick(HASHES)
        if kind < 6:
            return self.pick([">", "<"]) + self.pick(["", "secret", "p w", "other"])
        if kind < 9:
            return self.pick(WORDS)
        return self.selector_word()

    def words(self):
        words = [self.word() for _ in range(self.random.randrange(1, 5))]
        if self.random.randrange(4) == 0:
            inner = " ".join(self.selector_word() for _ in range(self.random.randrange(4)))
            selector = "(" + inner + self.pick([")", ")", ")", ""])
            words += [selector] if self.random.randrange(2) else selector.split(" ")
        return words

    def call(self):
        return [self.pick(KEYS) if word == "K" else self.pick(CHANNELS) if word == "C" else word
                for word in self.pick(CALLS)]


def normalised_user(reply):
    """GETUSER's reply without flags and rules that Redis 7.2 prints otherwise."""
    if not isinstance(reply, list):
        return reply
    fields = dict(zip(reply[::2], reply[1::2]))
    flags = sorted(flag for flag in fields[b"flags"] if flag != b"sanitize-payload")
    selectors = [dict(zip(one[::2], one[1::2])) for one in fields[b"selectors"]]
    # "%RW~*" is no allkeys: Hearth prints it so that it can be read back.
    parts = [(one[b"keys"].replace(b"%RW~*", b"~*"), one[b"channels"],
              one[b"commands"].split(b" ")[0])
             for one in [fields] + selectors]
    return flags, fields[b"passwords"], parts


def normalised_verdict(reply):
    if isinstance(reply, bytes):
        return reply.replace(b"This user has", b"User u has")
    return reply


def fail(generator_seed, number, what, ours, theirs):
    print("seed %d, round %d: %s\n  hearth: %r\n  redis:  %r" %
          (generator_seed, number, what, ours, theirs))
    sys.exit(1)


def compare(seed, number, what, ours, theirs):
    if ours != theirs:
        fail(seed, number, what, ours, theirs)


def users_line(client):
    for line in client.call("ACL", "LIST"):
        if line.startswith(b"user u "):
            return line
    return b""


def run(options, ours, theirs):
    categories = [name.decode() for name in theirs.call("ACL", "CAT")]
    compare(options.seed, 0, "ACL CAT", ours.call("ACL", "CAT"), theirs.call("ACL", "CAT"))
    known = {name for name in theirs.call("COMMAND", "LIST")}
    known |= {name for one in categories for name in theirs.call("ACL", "CAT", one)}
    had = {name for one in categories for name in ours.call("ACL", "CAT", one)}
    for one in categories:
        compare(options.seed, 0, "ACL CAT " + one,
                {name for name in ours.call("ACL", "CAT", one) if name in known},
                {name for name in theirs.call("ACL", "CAT", one) if name in had})
    generator = Generator(options.seed, categories)
    done = 0
    for number in range(options.rounds):
        words = generator.words()
        for client in (ours, theirs):
            if number % 20 == 0:
                client.call("ACL", "SETUSER", "u", "reset")
        replies = [client.call("ACL", "SETUSER", "u", *words) for client in (ours, theirs)]
        compare(options.seed, number, words, *replies)
        done += not isinstance(replies[0], ReplyError)
        users = [normalised_user(client.call("ACL", "GETUSER", "u")) for client in (ours, theirs)]
        compare(options.seed, number, "GETUSER after %r" % words, *users)
        if number % 7 == 0:
            line = users_line(ours).decode().split(" ")
            theirs.call("ACL", "SETUSER", "copy", "reset")
            compare(options.seed, number, line,
                    theirs.call("ACL", "SETUSER", "copy", *line[2:]), "OK")
        for _ in range(12):
            call = generator.call()
            verdicts = [normalised_verdict(client.call("ACL", "DRYRUN", "u", *call))
                        for client in (ours, theirs)]
            if isinstance(verdicts[0], ReplyError) and call[0].encode() not in had:
                continue
            compare(options.seed, number, "DRYRUN %r of %r" % (call, users_line(ours)), *verdicts)
            if number % 7 == 0:
                copied = normalised_verdict(theirs.call("ACL", "DRYRUN", "copy", *call))
                compare(options.seed, number, "the copy's DRYRUN %r of %r" % (call, line),
                        verdicts[0], copied)
    print("%d rounds, %d of them changed the user: alike" % (options.rounds, done))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hearth")
    parser.add_argument("--redis", default="redis-server")
    parser.add_argument("--rounds", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print("seed %d" % options.seed)
    hearth = Server(options.hearth)
    redis = Server(options.redis, ["--save", ""])
    try:
        hearth.start()
        redis.start()
        run(options, hearth.client(), redis.client())
    finally:
        hearth.remove()
        redis.remove()


main()
