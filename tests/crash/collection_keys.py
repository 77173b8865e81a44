"""Keys of every collection type for kill_test.py: what is sent to each, and what it may hold then.

A key is owned by one connection, so after a crash it must hold what some prefix of its commands
makes of what it held, and no acknowledged command may miss in that prefix.
"""

import copy

SIZE_MAX = 250  # elements; big enough for rows of their own


class CollectionKey:
    def __init__(self, name, random):
        self.name = name
        self.random = random
        self.base = copy.copy(self.EMPTY)  # what it held after the last restart
        self.now = copy.copy(self.EMPTY)   # after all that was sent
        self.sent = []                     # (number, command)
        self.acked = 0

    def command(self, number):
        """The next command with the reply that it must get; None: any."""
        if self.random.randrange(400) == 0:
            command = ("DEL", self.name)
        else:
            command = self.next_command(number)
        self.sent.append((number, command))
        self.now, reply = self.applied(self.now, command)
        return command, reply

    def applied(self, state, command):
        if command[0] == "DEL":
            return copy.copy(self.EMPTY), None
        return self.apply(copy.copy(state), *command[:1], *command[2:])

    def check(self, client):
        """Returns whether the key is there; what it holds is acknowledged from now on."""
        held = self.read(client)
        state, matches = self.base, self.acked == 0 and held == self.base
        for number, command in self.sent:
            state, _ = self.applied(state, command)
            matches |= number >= self.acked and held == state
        assert matches or (not self.sent and held == self.base), \
            "%s: holds %r, acknowledged %d, sent %r" % (self.name, held, self.acked,
                                                        self.sent[-25:])
        self.base = self.now = held
        self.sent, self.acked = [], 0
        return client.call("EXISTS", self.name)

    def value(self, number):
        return b"%d:%s" % (number, b"x" * (number % 60))


class Queue(CollectionKey):
    EMPTY = []

    def next_command(self, number):
        if self.random.randrange(100) < 45 or len(self.now) >= SIZE_MAX:
            return ("LPOP", self.name)
        return ("RPUSH", self.name, self.value(number), b"%d" % number)

    def apply(self, state, name, *values):
        if name == "RPUSH":
            return state + list(values), len(state) + len(values)
        return state[1:], state[0] if state else None

    def read(self, client):
        return client.call("LRANGE", self.name, 0, -1)


class Hash(CollectionKey):
    EMPTY = {}

    def next_command(self, number):
        field = b"f%d" % self.random.randrange(SIZE_MAX)
        if self.random.randrange(4) == 0:
            return ("HDEL", self.name, field)
        return ("HSET", self.name, field, self.value(number), b"last", b"%d" % number)

    def apply(self, state, name, *words):
        if name == "HDEL":
            return state, int(state.pop(words[0], None) is not None)
        before = len(state)
        state.update(zip(words[::2], words[1::2]))
        return state, len(state) - before

    def read(self, client):
        words = client.call("HGETALL", self.name)
        return dict(zip(words[::2], words[1::2]))


class SortedSet(CollectionKey):
    EMPTY = {}

    def next_command(self, number):
        member = b"m%d" % self.random.randrange(SIZE_MAX)
        if self.random.randrange(4) == 0:
            return ("ZREM", self.name, member)
        return ("ZADD", self.name, b"%d" % number, member)

    def apply(self, state, name, *words):
        if name == "ZREM":
            return state, int(state.pop(words[0], None) is not None)
        before = len(state)
        state[words[1]] = words[0]
        return state, len(state) - before

    def read(self, client):
        words = client.call("ZRANGE", self.name, 0, -1, "WITHSCORES")
        scores = list(map(int, words[1::2]))
        assert scores == sorted(scores), "%s is out of order" % self.name
        return dict(zip(words[::2], words[1::2]))


class Set(CollectionKey):
    EMPTY = set()

    def next_command(self, number):
        members = [b"m%d" % self.random.randrange(SIZE_MAX) for _ in range(3)]
        return ("SREM" if self.random.randrange(3) == 0 else "SADD", self.name, *members)

    def apply(self, state, name, *members):
        after = state - set(members) if name == "SREM" else state | set(members)
        return after, abs(len(after) - len(state))

    def read(self, client):
        return set(client.call("SMEMBERS", self.name))


class Stream(CollectionKey):
    EMPTY = []  # ids and fields

    def next_command(self, number):
        if len(self.now) > 1 and self.random.randrange(6) == 0:
            return ("XDEL", self.name, self.random.choice(self.now)[0])
        if self.random.randrange(20) == 0:
            return ("XTRIM", self.name, b"MAXLEN", b"%d" % (1 + self.random.randrange(SIZE_MAX)))
        return ("XADD", self.name, b"%d-1" % number, b"f", self.value(number))

    def apply(self, state, name, *words):
        if name == "XADD":
            return state + [[words[0], [words[1], words[2]]]], words[0]
        if name == "XDEL":
            after = [entry for entry in state if entry[0] != words[0]]
        else:
            after = state[-int(words[1]):]
        return after, len(state) - len(after)

    def read(self, client):
        return client.call("XRANGE", self.name, "-", "+")


def make_keys(prefix, random):
    kinds = {"queue": Queue, "hash": Hash, "zset": SortedSet, "set": Set, "stream": Stream}
    return [kind(prefix + name, random) for name, kind in kinds.items()]
