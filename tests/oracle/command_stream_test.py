#!/usr/bin/env python3
"""Compares what replicas of Redis' kind are sent, command by command, with redis-server's.

A client that has sent SYNC follows each server. Each line of COMMANDS, and of those of
keyspace_events_test.py, is run on both; what the followers are sent because of it must be the
same, but for times and what chance decides.

usage: command_stream_test.py HEARTH_SERVER [--redis redis-server]
"""

import os
import re
import select
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import beside_redis  # noqa: E402
import keyspace_events_test  # noqa: E402
from resp import wait_until  # noqa: E402

# Several commands of a line are parted by " ; ". "& ..." is sent by another client, which waits.
COMMANDS = r"""
flushall
# times
set k v EX 100
set k v PX 100000 NX
set k v EXAT 4000000000
set k v PXAT 4000000000123
set k v EX 100 GET
set k v KEEPTTL
set k v KEEPTTL GET
set k2 v GET NX
set k v XX GET
setex k 100 v
psetex k 100000 v
getex k EX 100
getex k PX 100000
getex k EXAT 4000000000
getex k PERSIST
getex k PXAT 1
getset k v
getset k v
getdel k
getdel k
set k v
expire k 100
expire k 100 NX
expire k 200 XX
pexpire k 100000 GT
pexpireat k 4000000000123
pexpireat k 4000000000124 XX
expireat k 4000000001
expire k -1
set k v PX 1 ; debug sleep 0.01 ; get k
set k v PX 1 ; debug sleep 0.01 ; append k w
set k v PX 1 ; debug sleep 0.01 ; del k
set k v PX 1 ; debug sleep 0.01 ; exists k
# numbers
set n 10
incrbyfloat n 0.5
incrbyfloat n 3.5
incr n
hset h f 1
hincrbyfloat h f 0.25
hincrby h f 1
# transactions
multi ; set a 1 ; exec
multi ; set a 1 ; set b 2 ; exec
multi ; get a ; exec
multi ; get a ; set b 2 ; get b ; exec
multi ; set a 1 ; incrbyfloat n 1 ; spop nokey ; exec
multi ; exec
multi ; set a 1 ; discard
multi ; publish c m ; exec
multi ; set a 1 ; publish c m ; exec
multi ; select 3 ; set a 1 ; select 0 ; set a 2 ; exec
multi ; set a 1 ; lpush a 1 ; set b 1 ; exec
multi ; flushall ; exec
watch a ; multi ; set a 1 ; exec
multi ; set e v PX 1 ; exec ; debug sleep 0.01 ; multi ; get e ; set a 1 ; exec
# scripts
eval "return 1" 0
eval "redis.call('set','a',1)" 0
eval "redis.call('set','a',1) redis.call('set','b',2)" 0
eval "redis.call('set','a',1,'EX',100) return redis.call('incrbyfloat','a',1)" 0
eval "redis.call('get','a')" 0
eval "redis.call('select',5) redis.call('set','a',1)" 0
eval "redis.call('set','a',1) redis.call('nocommand')" 0
eval "redis.pcall('lpush','a',1) redis.call('set','a',2)" 0
eval "redis.call('publish','c','m')" 0
eval "redis.call('sadd','es',1) redis.call('spop','es')" 0
multi ; eval "redis.call('set','a',1) redis.call('set','b',2)" 0 ; set c 3 ; exec
script load "return 1"
script flush
function load "#!lua name=lib\nredis.register_function('f', function(k) redis.call('set', k[1], 1) end)"
function load "#!lua name=lib\nredis.register_function('f', function(k) return 1 end)"
function load replace "#!lua name=lib\nredis.register_function('f', function(k) return redis.call('set', k[1], 1) end)"
fcall f 1 a
function delete lib
function flush
# messages
publish c m
spublish c m
select 2 ; publish c m ; select 0
# lists and their waiters
rpush q 1 2 3 4 5 6 7 8 9
blpop q 0
brpop q nokey 0
blmove q q2 LEFT RIGHT 0
brpoplpush q q2 0
lmpop 1 q LEFT
lmpop 2 nokey q RIGHT COUNT 2
blmpop 0 1 q LEFT COUNT 100
lmove q2 q LEFT LEFT
rpoplpush q2 q
rpoplpush nokey q
del q q2
& blpop q 0
rpush q 1
& brpop q 0
lpush q 1 2
& blmove q q3 LEFT RIGHT 0
rpush q2 x ; rename q2 q
& brpoplpush q q4 0
multi ; rpush q 1 2 ; rpush other 1 ; exec
& blmpop 0 1 q LEFT COUNT 5
eval "redis.call('rpush','q',1,2,3)" 0
# sorted sets
zadd z 1 a 2 b 3 c 4 d 5 e
zadd z CH INCR 1 a
zadd z GT CH 1 b
zmpop 1 z MIN
zmpop 1 z MAX COUNT 2
bzpopmin z 0
bzmpop 0 1 z MAX COUNT 5
& bzpopmax z 0
zadd z 1 a
& bzmpop 0 1 z MIN COUNT 3
zadd z 1 a 2 b
zincrby z 0.1 a
geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
geoadd g NX 13.361389 38.115556 Palermo
geoadd g CH XX 13.5 38.115556 Palermo
geoadd g 2.349 48.864 Paris
georadius g 15 37 200 km STORE gs
geosearchstore gs g FROMLONLAT 15 37 BYRADIUS 300 km
# sets
sadd one x
spop one
sadd s a b c
spop s 3
sadd s a b c
spop s 2
srandmember s
sadd s1 1 2 3 ; sadd s2 2 ; sdiffstore s3 s1 s2
sunionstore s3 nokey
sunionstore s3 nokey
sort s1 BY nosort STORE sorted
# streams
xadd x * f v
xadd x 99999999999999-* f v
xadd x MAXLEN ~ 1 * f v
xadd x NOMKSTREAM MAXLEN 2 * f v
xadd x2 MINID ~ 5 * f v
xtrim x MAXLEN ~ 1
xtrim x MAXLEN = 1
xtrim x MAXLEN 1
xadd y 1-1 f v ; xadd y 2-1 f v ; xadd y 3-1 f v ; xadd y 4-1 f v
xgroup create y g $
xgroup create y g 0
xgroup setid y g 0 ENTRIESREAD 0
xreadgroup group g alice count 1 streams y >
xreadgroup group g alice count 1 noack streams y >
xreadgroup group g bob noack streams y >
xreadgroup group g bob streams y >
xreadgroup group g alice streams y 0
xgroup setid y g 0
xreadgroup group g alice streams y >
xclaim y g bob 0 1-1
xclaim y g bob 0 1-1 JUSTID
xclaim y g carol 0 2-1 TIME 1000 RETRYCOUNT 7
xclaim y g carol 1000000 2-1
xclaim y g dave 0 9-9
xclaim y g bob 0 1-1 LASTID 4-1
xdel y 2-1
xclaim y g bob 0 2-1
xautoclaim y g erin 0 0 COUNT 2
xdel y 3-1
xautoclaim y g erin 0 0
xack y g 1-1
xack y g 1-1
xgroup createconsumer y g new
xgroup delconsumer y g erin
xsetid y 100-1
& xreadgroup group g alice block 0 streams y >
xadd y 200-1 f v
& xread block 0 streams y $
xadd y 201-1 f v
xgroup destroy y g
# keys
set r1 1 ; copy r1 r2 ; rename r1 r3 ; move r3 4 ; renamenx r2 r4
restored r4 r5 0
restored r4 r5 100000 REPLACE
restored r4 r5 4000000000000 REPLACE ABSTTL
restored r4 r5 1 REPLACE ABSTTL
restored r4 r5 1 ABSTTL
set r4 1 ; persist r4 ; expire r4 100 ; persist r4
touch r4
setbit bits 7 1
setbit bits 7 1
pfadd hll a b c
pfadd hll a
pfcount hll
pfcount hll
pfmerge hll2 hll
object freq r4
swapdb 0 1
swapdb 1 0
select 7 ; flushdb ; select 0
flushdb
flushall async
# accounts and settings
config set maxmemory-samples 5
client setname x ; acl setuser u on
debug replicate incr counter
"""

MS = re.compile(rb"^1[5-9][0-9]{11}")


class Followed:
    """A server with a client that runs commands, one that waits, and a follower."""

    def __init__(self, server):
        self.client = server.client()
        self.server = server
        self.client.call("CONFIG", "SET", "repl-ping-replica-period", "3600")
        self.client.call("CONFIG", "SET", "repl-diskless-sync", "no")
        self.follower = server.client()
        self.follower.socket.sendall(b"SYNC\r\n")
        self.follower.read_file()
        self.waiters = []

    def run(self, words):
        if words[0] == "&":
            return self.send_waiting(words[1:])
        if words[0] == "restored":
            payload = self.client.call("DUMP", words[1])
            words = ["RESTORE", words[2], words[3], payload] + words[4:]
        return self.client.call(*words)

    def send_waiting(self, words):
        """By a client of its own; returns once that waits, or has its reply."""
        waiter = self.server.client()
        self.waiters.append(waiter)
        number = waiter.call("CLIENT", "ID")
        waiter.send(*words)

        def has_run():
            shown = self.client.call("CLIENT", "LIST", "ID", number).decode()
            return re.search(r" flags=\w*b", shown) or select.select([waiter.socket], [], [], 0)[0]
        wait_until(has_run, "%s neither waits nor answers" % words)

    def sent_for(self, line, mark):
        """What the follower is sent because of the line, normalised."""
        for command in line.split(" ; "):
            self.run([word.replace("\\n", "\n") for word in shlex.split(command)])
        self.client.call("PUBLISH", "mark", mark)
        sent = []
        while True:
            words = self.follower.read()
            if words[:2] == [b"PUBLISH", b"mark"] and words[2] == mark.encode():
                return sent
            words[0] = words[0].lower()
            if words[0] == b"ping":
                continue
            if words[0] == b"srem" and b"spop" in line.encode():
                words[2:] = [b"<%d members>" % (len(words) - 2)]
            sent.append(b" ".join(MS.sub(b"<ms>", word) for word in words).decode("latin-1"))


def lines_of(text):
    for line in text.strip().splitlines():
        if not line.startswith("#"):
            yield line


def compare(*servers):
    for server in servers:  # what has expired goes where a command meets it, not before
        server.client().call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    hearth, redis = (Followed(server) for server in servers)
    different = 0
    lines = list(lines_of(keyspace_events_test.COMMANDS)) + list(lines_of(COMMANDS))
    for number, line in enumerate(lines):
        ours, theirs = (followed.sent_for(line, str(number)) for followed in (hearth, redis))
        if ours != theirs:
            different += 1
            print("%s\n  Hearth: %s\n  Redis:  %s" % (line, ours, theirs))
    print("%d of %d lines are passed on otherwise" % (different, len(lines)))
    return different


if __name__ == "__main__":
    sys.exit(beside_redis.run(compare, ["--save", "", "--enable-debug-command", "yes"]))
