"""The commands of the mixed suite, by kind of client; each made from a seeded random.Random."""

import hashlib

SCRIPTS = [
    "return redis.call('set',KEYS[1],ARGV[1])",
    "return redis.call('get',KEYS[1])",
    "for i=1,20 do redis.call('rpush',KEYS[1],i) end return redis.call('llen',KEYS[1])",
    "return redis.call('publish',ARGV[1],ARGV[2])",
    "local n = redis.call('incr',KEYS[1]) redis.call('publish','c1',n) return n",
    "return redis.pcall('get',KEYS[1])",
    "return {redis.call('scan',0), redis.call('dbsize')}",
    "local t = {} for i=1,20000 do t[i] = i end return #t",
    "#!lua flags=no-writes\nreturn redis.call('exists',KEYS[1],KEYS[2])",
    "redis.log(redis.LOG_NOTICE,'mixed') return redis.sha1hex(ARGV[1])",
]
LIBRARY = """#!lua name=lib%d
local count = %d
redis.register_function('f%d', function(keys, args)
  count = count + 1
  redis.call('set', keys[1], count)
  return count
end)
redis.register_function{function_name='r%d', flags={'no-writes'}, callback=function(keys, args)
  return redis.call('get', keys[1])
end}
"""
# Longer than busy-reply-threshold, so others answer BUSY meanwhile, and kill it.
LONG_SCRIPT = "local n = 0 for i=1,3000000 do n = n + i %% 3 end %s return n"

CONFIGS = [
    ("maxmemory", ["0", "0", "0", "100mb"]), ("hz", ["10", "50"]),
    ("notify-keyspace-events", ["", "KEA", "Kx", "Elg"]),
    ("slowlog-log-slower-than", ["0", "10000", "-1"]), ("slowlog-max-len", ["5", "128"]),
    ("tracking-table-max-keys", ["10", "1000000"]), ("latency-monitor-threshold", ["0", "1"]),
    ("list-max-listpack-size", ["4", "-2"]), ("hash-max-listpack-entries", ["8", "128"]),
    ("set-max-listpack-entries", ["8", "128"]), ("zset-max-listpack-entries", ["8", "128"]),
    ("appendfsync", ["always", "everysec", "no"]), ("save", ["", "1 1"]),
    ("repl-backlog-size", ["100kb", "10mb"]), ("repl-ping-replica-period", ["1", "10"]),
    ("maxmemory-policy", ["demote", "demote", "allkeys-lru"]), ("timeout", ["0", "100"]),
    ("latency-tracking", ["yes", "no"]), ("busy-reply-threshold", ["20", "5000"]),
    ("acllog-max-len", ["2", "128"]), ("maxclients", ["500", "1000"]),
    ("loglevel", ["notice", "debug"]), ("script-memory-limit", ["10mb", "100mb"]),
    ("client-output-buffer-limit", ["pubsub 1mb 100kb 1", "pubsub 32mb 8mb 60"]),
    ("latency-tracking-info-percentiles", ["50 99", "50 99 99.9"]), ("snapshot-keep", ["1", "3"]),
    ("min-replicas-to-write", ["0"]), ("replica-priority", ["10", "100"]),
    ("active-expire-effort", ["1", "10"]), ("stream-node-max-entries", ["10", "100"]),
    ("proto-max-bulk-len", ["512mb", "1mb"]), ("lfu-log-factor", ["10", "1"]),
]


class Traffic:
    def __init__(self, random):
        self.random = random
        self.digests = [hashlib.sha1(script.encode()).hexdigest() for script in SCRIPTS]

    def pick(self, count):
        return self.random.randrange(count)

    def key(self, kind):
        return "%s%d" % (kind, self.pick(60))

    def any_key(self):
        return self.key(self.random.choice("snlhtzx"))

    def choose(self, makers):
        return self.random.choice(makers)()

    # -- Data

    def write(self):
        key, pick = self.key, self.pick
        value = "v%d" % pick(10 ** 6)
        return self.choose([
            lambda: ("SET", key("s"), value * pick(1 + pick(200))),
            lambda: ("SET", key("s"), value, "PX", 1 + pick(300)),
            lambda: ("MSET", key("s"), value, key("s"), value),
            lambda: ("INCR", key("n")),
            lambda: ("APPEND", key("s"), value),
            lambda: ("DEL", self.any_key(), self.any_key()),
            lambda: ("UNLINK", self.any_key()),
            lambda: ("RPUSH", key("l"), value, value),
            lambda: ("LPOP", key("l")),
            lambda: ("LTRIM", key("l"), 0, 100),
            lambda: ("LMOVE", key("l"), key("l"), "LEFT", "RIGHT"),
            lambda: ("HSET", key("h"), "f%d" % pick(50), value),
            lambda: ("HPEXPIRE", key("h"), 1 + pick(200), "FIELDS", 1, "f%d" % pick(50)),
            lambda: ("HSETEX", key("h"), "PX", 1 + pick(200), "FIELDS", 1, "f%d" % pick(50), value),
            lambda: ("HGETDEL", key("h"), "FIELDS", 1, "f%d" % pick(50)),
            lambda: ("SADD", key("t"), value, pick(100)),
            lambda: ("SPOP", key("t")),
            lambda: ("SUNIONSTORE", key("t"), key("t"), key("t")),
            lambda: ("ZADD", key("z"), pick(1000), "m%d" % pick(100)),
            lambda: ("ZRANGESTORE", key("z"), key("z"), 0, 20),
            lambda: ("XADD", key("x"), "MAXLEN", 100, "*", "f", value),
            lambda: ("XGROUP", "CREATE", key("x"), "g", "$", "MKSTREAM"),
            lambda: ("RENAME", key("l"), key("l")),
            lambda: ("COPY", key("h"), key("h"), "REPLACE"),
            lambda: ("EXPIRE", self.any_key(), 1 + pick(20)),
            lambda: ("PERSIST", self.any_key()),
            lambda: ("SETRANGE", key("s"), 100 * pick(30), value),
            lambda: ("PFADD", key("p"), value),
            lambda: ("SETBIT", key("b"), pick(5000), 1),
            lambda: ("SORT", key("t"), "BY", "nosort", "STORE", key("l")),
        ])

    def look(self):
        key = self.key
        return self.choose([
            lambda: ("GET", key("s")), lambda: ("MGET", key("s"), key("s"), key("n")),
            lambda: ("LRANGE", key("l"), 0, 20), lambda: ("HGETALL", key("h")),
            lambda: ("SMEMBERS", key("t")), lambda: ("ZRANGE", key("z"), 0, -1, "WITHSCORES"),
            lambda: ("XRANGE", key("x"), "-", "+", "COUNT", 10), lambda: ("TTL", self.any_key()),
            lambda: ("TYPE", self.any_key()), lambda: ("DUMP", self.any_key()),
            lambda: ("SCAN", self.pick(1 << 62), "COUNT", 30), lambda: ("RANDOMKEY",),
            lambda: ("OBJECT", "ENCODING", self.any_key()), lambda: ("DBSIZE",),
            lambda: ("SINTER", key("t"), key("t")), lambda: ("PFCOUNT", key("p"), key("p")),
            lambda: ("TOUCH", self.any_key()), lambda: ("OBJECT", "IDLETIME", self.any_key()),
        ])

    def data(self):
        return self.write() if self.pick(3) else self.look()

    def blocking(self):
        key, timeout = self.key, "0.0%d" % (1 + self.pick(9))
        return self.choose([
            lambda: ("BLPOP", key("l"), key("l"), timeout),
            lambda: ("BRPOP", key("w"), timeout),
            lambda: ("BLMOVE", key("l"), key("w"), "LEFT", "RIGHT", timeout),
            lambda: ("BZPOPMIN", key("z"), key("z"), timeout),
            lambda: ("BLMPOP", timeout, 2, key("w"), key("l"), "LEFT", "COUNT", 3),
            lambda: ("XREAD", "BLOCK", 1 + self.pick(90), "STREAMS", key("x"), "$"),
            lambda: ("XREADGROUP", "GROUP", "g", "me", "BLOCK", 1 + self.pick(90), "STREAMS",
                     key("x"), ">"),
            lambda: ("WAIT", 1, 1 + self.pick(50)),
            lambda: ("WAITAOF", 1, 0, 1 + self.pick(50)),
        ])

    def script(self):
        two = (self.any_key(), self.any_key())
        pick = self.pick(20)
        if pick == 0:
            return ("EVAL", LONG_SCRIPT % self.random.choice(["", "redis.call('incr','n1')"]), 0)
        if pick < 4:
            return ("FCALL", "f%d" % self.pick(3), 1, self.key("s"))
        if pick < 6:
            return ("FCALL_RO", "r%d" % self.pick(3), 1, self.key("s"))
        if pick < 10:
            return ("EVALSHA", self.random.choice(self.digests), 2) + two + ("c1", "m")
        if pick == 10:
            return ("EVAL", "return %d" % self.pick(5000), 0)
        return ("EVAL", self.random.choice(SCRIPTS), 2) + two + ("c%d" % self.pick(5), "message")

    def transaction(self):
        commands = [("WATCH", self.any_key())] if self.pick(3) == 0 else []
        commands.append(("MULTI",))
        for _ in range(1 + self.pick(6)):
            commands.append(self.choose([
                self.data, self.data, self.data, self.blocking, self.script, self.publish,
                lambda: ("FUNCTION", "STATS"), lambda: ("INFO", "keyspace"),
                lambda: ("SWAPDB", 0, 1), lambda: ("CLIENT", "LIST")]))
        commands.append(("EXEC",) if self.pick(8) else ("DISCARD",))
        return commands

    def publish(self):
        kind = self.random.choice(["PUBLISH", "PUBLISH", "SPUBLISH"])
        return (kind, "c%d" % self.pick(5), "m" * self.pick(3000))

    def worker_batch(self):
        batch = [("SELECT", self.pick(2))] if self.pick(10) == 0 else []
        for _ in range(1 + self.pick(12)):
            kind = self.pick(12)
            if kind == 0:
                batch += self.transaction()
            elif kind == 1:
                batch.append(self.blocking())
            elif kind == 2:
                batch.append(self.script())
            elif kind == 3:
                batch.append(self.publish())
            else:
                batch.append(self.data())
        return batch

    # -- Clients that are told things

    def listener_batch(self):
        """In RESP3, where data commands stay allowed."""
        def names(letter):
            return ["%s%d" % (letter, self.pick(5)) for _ in range(1 + self.pick(3))]

        batch = []
        for _ in range(1 + self.pick(8)):
            batch.append(self.choose([
                lambda: ("SUBSCRIBE", *names("c")), lambda: ("UNSUBSCRIBE", *names("c")),
                lambda: ("PSUBSCRIBE", "c*", "__key*__:*"), lambda: ("PUNSUBSCRIBE",),
                lambda: ("SSUBSCRIBE", *names("c")), lambda: ("SUNSUBSCRIBE", *names("c")),
                lambda: ("UNSUBSCRIBE",), lambda: ("PUBSUB", "CHANNELS"),
                lambda: ("PUBSUB", "NUMSUB", "c1", "c2"), lambda: ("PUBSUB", "SHARDCHANNELS", "*"),
                self.publish, self.data, lambda: ("RESET",), lambda: ("HELLO", 3)]))
        return batch

    def tracker_batch(self, other_ids):
        redirect = ("REDIRECT", self.random.choice(other_ids)) if other_ids else ()
        batch = []
        for _ in range(1 + self.pick(12)):
            batch.append(self.choose([
                lambda: ("CLIENT", "TRACKING", "ON"), lambda: ("CLIENT", "TRACKING", "OFF"),
                lambda: ("CLIENT", "TRACKING", "ON", "BCAST"),
                lambda: ("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "s1", "PREFIX", "l"),
                lambda: ("CLIENT", "TRACKING", "ON", "OPTIN"),
                lambda: ("CLIENT", "TRACKING", "ON", "OPTOUT", "NOLOOP"),
                lambda: ("CLIENT", "TRACKING", "ON", *redirect),
                lambda: ("CLIENT", "TRACKING", "ON", "BCAST", *redirect),
                lambda: ("CLIENT", "CACHING", "YES"), lambda: ("CLIENT", "CACHING", "NO"),
                lambda: ("CLIENT", "TRACKINGINFO"), lambda: ("CLIENT", "GETREDIR"),
                lambda: ("HELLO", 3), self.look, self.look, self.look, self.look, self.data]))
            if self.pick(10) == 0:
                batch += self.transaction()
        return batch

    # -- Administrators

    def admin(self, client_ids):
        pick, choice = self.pick, self.random.choice
        name, values = choice(CONFIGS)
        victim = choice(client_ids) if client_ids else 1
        user = "u%d" % pick(3)
        return self.choose([
            lambda: ("CLIENT", "KILL", "ID", victim),
            lambda: ("CLIENT", "KILL", "TYPE", choice(["pubsub", "replica", "master"])),
            lambda: ("CLIENT", "KILL", "USER", user),
            lambda: ("CLIENT", "UNBLOCK", victim, choice(["TIMEOUT", "ERROR"])),
            lambda: ("CLIENT", "LIST"), lambda: ("CLIENT", "LIST", "TYPE", "pubsub"),
            lambda: ("CLIENT", "INFO"), lambda: ("CLIENT", "SETNAME", "n%d" % pick(9)),
            lambda: ("CLIENT", "PAUSE", 1 + pick(30), choice(["WRITE", "ALL"])),
            lambda: ("CLIENT", "UNPAUSE"), lambda: ("CLIENT", "NO-EVICT", "on"),
            lambda: ("CONFIG", "SET", name, choice(values)),
            lambda: ("CONFIG", "SET", name, choice(values)),
            lambda: ("CONFIG", "SET", name, choice(values)),
            lambda: ("CONFIG", "GET", "*"), lambda: ("CONFIG", "RESETSTAT"),
            lambda: ("CONFIG", "REWRITE"),
            lambda: ("INFO", "everything"), lambda: ("INFO", "everything"),
            lambda: ("ACL", "SETUSER", user, "on", "nopass", "+@all", "~*", "&*"),
            lambda: ("ACL", "SETUSER", user, "reset", "on", "nopass", "+get", "+ping", "+subscribe",
                     "~s*", "&c1"),
            lambda: ("ACL", "SETUSER", user, "(+set ~l*)"), lambda: ("ACL", "LIST"),
            lambda: ("ACL", "DELUSER", user), lambda: ("ACL", "GETUSER", user),
            lambda: ("ACL", "LOG"), lambda: ("ACL", "LOG", "RESET"), lambda: ("ACL", "SAVE"),
            lambda: ("ACL", "LOAD"), lambda: ("ACL", "DRYRUN", user, "get", "x"),
            self.function, self.function, self.function,
            lambda: ("SCRIPT", "KILL"), lambda: ("FUNCTION", "KILL"),
            lambda: ("SCRIPT", "FLUSH"), lambda: ("SCRIPT", "EXISTS", "a" * 40),
            lambda: ("SLOWLOG", "GET"), lambda: ("SLOWLOG", "RESET"),
            lambda: ("LATENCY", "HISTOGRAM"), lambda: ("LATENCY", "LATEST"),
            lambda: ("LATENCY", "RESET"), lambda: ("LATENCY", "DOCTOR"),
            lambda: ("MEMORY", "STATS"), lambda: ("MEMORY", "DOCTOR"), lambda: ("MEMORY", "PURGE"),
            lambda: ("MEMORY", "USAGE", self.any_key()), lambda: ("KEYS", "*1*"),
            lambda: ("BGSAVE",), lambda: ("SAVE",), lambda: ("BGREWRITEAOF",),
            lambda: ("LASTSAVE",), lambda: ("SWAPDB", 0, 1), lambda: ("ROLE",),
            lambda: ("FLUSHDB",) if pick(3) == 0 else ("DBSIZE",),
            lambda: ("FLUSHALL", choice(["SYNC", "ASYNC"])) if pick(4) == 0 else ("DBSIZE",),
            lambda: ("DEBUG", "DEMOTE-ALL"), lambda: ("DEBUG", "DIGEST"),
            lambda: ("DEBUG", "DIGEST-VALUE", self.any_key()), lambda: ("DEBUG", "SLEEP", "0.01"),
            lambda: ("DEBUG", "OBJECT", self.any_key()), lambda: ("COMMAND", "COUNT"),
            lambda: ("DEBUG", "PACKED-SIZE-MAX", choice([64, 512])), lambda: ("RESET",),
            lambda: ("DEBUG", "SET-ACTIVE-EXPIRE", pick(2)), lambda: ("COMMAND", "DOCS", "get"),
        ])

    def function(self):
        number = self.pick(3)
        return self.choose([
            lambda: ("FUNCTION", "LOAD", "REPLACE",
                     LIBRARY % (number, self.pick(99), number, number)),
            lambda: ("FUNCTION", "DELETE", "lib%d" % number),
            lambda: ("FUNCTION", "LIST", "WITHCODE"), lambda: ("FUNCTION", "STATS"),
            lambda: ("FUNCTION", "DUMP"), lambda: ("FUNCTION", "FLUSH")])

    def user_batch(self):
        """A client that is somebody, as long as that user exists."""
        batch = [("AUTH", "u%d" % self.pick(3), "any")]
        for _ in range(self.pick(8)):
            batch.append(self.choose([
                self.data, self.data, self.script, self.publish,
                lambda: ("ACL", "WHOAMI"), lambda: ("HELLO", 2, "AUTH", "u1", "x")]))
        return batch
