#!/usr/bin/env python3
"""Compares the keyspace events of every command with redis-server's.

Each line of COMMANDS is run on both servers, with all classes of events on; after each the events
that it caused, in order, must be the same. Left out is what Redis 7.2 tells otherwise than 7.0.

usage: keyspace_events_test.py HEARTH_SERVER [--redis redis-server]
"""

import os
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import beside_redis  # noqa: E402

# "restored a b ttl ..." is RESTORE b ttl with the payload that DUMP a answers.
COMMANDS = r"""
# strings
set a 1
set a 2
set a 3 EX 100
set a 3 KEEPTTL
set a 5 GET
set nope 5 XX
set nx 1 NX GET
get missing
getset a 1
getset a2 1
setnx a 1
setnx a3 1
setex a 10 1
psetex a4 10000 1
append a x
append ap x
setrange a 1 yy
setrange sr 1 yy
setrange sr2 0 ""
incr i
decr i
incrby i 4
decrby i 2
incrbyfloat i 1.5
getdel i
getdel i
getex a EX 100
getex a PERSIST
getex a PERSIST
getex a
getex a PXAT 1
getex nokey
mset m1 1 m2 2 m1 3
msetnx m3 1 m4 1
msetnx m3 1 m5 1
mget m1 nokey nokey2
strlen nokey
getrange nokey 0 1
substr nokey 0 1
setbit b 7 1
setbit b 7 1
getbit nokey 1
bitfield b SET u8 0 1
bitfield b GET u8 0
bitfield b INCRBY u8 0 1
bitfield_ro b GET u8 0
bitop and bd b b
bitop and bd nokey nokey2
bitop and bd nokey nokey2
bitcount nokey
bitpos nokey 1
pfadd pf a
pfadd pf a
pfadd pf
pfadd pf2
pfmerge pf3 pf pf2
pfcount pf
pfcount pf nokey
pfcount nokey
# generic
del m1 m2 nokey
unlink m3 nokey
exists nokey
touch nokey
type nokey
ttl nokey
expire nokey 1
expire a2 100
expire a2 50 GT
pexpire a2 100000
expireat a2 4000000000
pexpireat a2 4000000000000
persist a2
persist a2
expire a2 -1
set r1 1
rename r1 r2
set r1 1
rename r1 r2
renamenx r2 r3
set r4 1
renamenx r3 r4
copy r3 r5
copy r3 r5 REPLACE
copy r3 r5
copy r3 r6 DB 1
move r3 1
move nokey 1
restored r4 r7 0
restored r4 r7 0 REPLACE
restored r4 r8 100000
restored r4 r8 1 REPLACE ABSTTL
object encoding nokey
# lists
rpush l 1 2 3
lpush l 0
lpushx l 9
lpushx nokey 9
rpushx nokey 9
rpushx l 9
lpop l
rpop l 2
lset l 0 x
linsert l before x y
linsert l before nope y
linsert nokey before x y
lrem l 0 nope
lrem l 0 x
lrem l 0 y
del l
rpush l 1 2 3 4 5
ltrim l 0 3
ltrim l 5 6
rpush l 1 2 3
lmove l l LEFT RIGHT
lmove l l2 LEFT RIGHT
rpoplpush l l2
rpoplpush l l2
rpoplpush nokey l2
lmove nokey l2 LEFT LEFT
blpop l2 0
brpop l2 0
rpush l2 a b c
blmove l2 l3 LEFT LEFT 0
brpoplpush l2 l3 0
lmpop 2 nokey l3 LEFT COUNT 5
blmpop 0 1 l2 LEFT
lrange nokey 0 1
llen nokey
lindex nokey 0
lpos nokey 1
rpush so 3 1 2
sort so STORE sd
sort so STORE sd
sort nokey STORE sd
sort nokey STORE sd
sort nokey
# sets
sadd s 1 2 3
sadd s 1
srem s 1 9
srem s 9
srem nokey 1
sadd s 1
smove s t 1
smove s t 99
smove nokey t 1
sadd t 2
smove s t 2
smove s t 3
sadd s 1 2 3 4 5 6
spop s
spop s 2
spop s 100
spop s
sadd s1 1 2
sadd s2 2 3
sinterstore d s1 s2
sinterstore d s1 s2
sinterstore d s1 nokey
sinterstore d s1 nokey
sunionstore d s1 s2
sdiffstore d s1 s2
sdiffstore d s1 s1
sinter s1 nokey
sunion nokey s1
sdiff s1 nokey
sdiff nokey s1
sintercard 2 s1 nokey
sismember nokey 1
smembers nokey
scard nokey
smismember nokey 1
srandmember nokey
sscan nokey 0
# hashes
hset h a 1 b 2
hset h a 1
hsetnx h a 1
hsetnx h c 1
hmset h d 1
hincrby h n 1
hincrbyfloat h n 1.5
hdel h a b zz
hdel h zz
hdel nokey zz
hdel h c d n
hget nokey a
hmget nokey a
hgetall nokey
hlen nokey
hexists nokey a
hkeys nokey
hstrlen nokey a
hrandfield nokey
hscan nokey 0
# sorted sets
zadd z 1 a 2 b 3 c
zadd z 1 a
zadd z 5 a
zadd z XX 5 nope
zadd z INCR 1 a
zadd nokey XX 1 a
zincrby z 1 a
zincrby z 0 a
zrem z a zz
zrem z zz
zrem nokey a
zremrangebyscore z 100 200
zremrangebyscore z 2 2
zremrangebyrank z 0 0
zadd z 0 a 0 b
zremrangebylex z - (b
zremrangebylex z - +
zadd z 1 a 2 b 3 c 4 d 5 e 6 f
zpopmin z
zpopmax z 2
bzpopmin z 0
bzpopmax z 0
zmpop 2 nokey z MIN
zpopmin z
zadd z 1 a 2 b
bzmpop 0 1 z MIN COUNT 5
zadd z1 1 a 2 b
zadd z2 1 a 3 c
zunionstore zd 2 z1 z2
zunionstore zd 2 z1 z2
zinterstore zd 2 z1 nokey
zinterstore zd 2 z1 nokey
zdiffstore zd 2 z1 z2
zdiffstore zd 2 z1 z1
zrangestore zd z1 0 -1
zrangestore zd z1 5 6
zrangestore zd nokey 5 6
zrange nokey 0 1
zscore nokey a
zmscore nokey a
zcard nokey
zcount nokey 0 1
zrank nokey a
zrandmember nokey
zunion 2 z1 nokey
zinter 2 z1 nokey
zinter 2 nokey z1
zdiff 2 nokey z1
zintercard 2 nokey z1
zscan nokey 0
geoadd g 1 1 a 2 2 b
geoadd g 1 1 a
geosearchstore gd g FROMMEMBER a BYRADIUS 1000 km
geosearchstore gd g FROMMEMBER a BYRADIUS 1000 km
georadius g 50 50 1 km STORE gd
georadius g 50 50 1 km STORE gd
georadius nokey 50 50 1 km STORE g
geosearch nokey FROMLONLAT 1 1 BYRADIUS 1 km
geodist nokey a b
geopos nokey a
# streams
xadd x 1-1 f v
xadd x 2-1 f v
xadd x MAXLEN 1 3-1 f v
xadd nokey NOMKSTREAM 3-1 f v
xdel x 3-1
xdel x 3-1
xadd x 4-1 f v
xadd x 5-1 f v
xtrim x MAXLEN 1
xtrim x MAXLEN 1
xsetid x 9-1
xgroup CREATE x g 0
xgroup CREATE y g 0 MKSTREAM
xgroup SETID x g 0
xgroup CREATECONSUMER x g c
xgroup CREATECONSUMER x g c
xreadgroup GROUP g c2 STREAMS x >
xack x g 5-1
xreadgroup GROUP g c3 STREAMS x 0
xgroup DELCONSUMER x g c
xgroup DELCONSUMER x g c
xgroup DESTROY x g
xgroup DESTROY x g
xlen nokey
xrange nokey - +
xinfo stream nokey
xdel x 5-1
# databases
select 1
flushdb
set fa 1
select 0
swapdb 0 1
flushall
dump nokey
set dd 1
randomkey
scan 0
"""


class Watched:
    """A server with a client that runs commands and one that listens."""

    def __init__(self, server):
        self.client = server.client()
        self.listener = server.client()
        self.client.call("CONFIG", "SET", "notify-keyspace-events", "AKEmn")
        self.listener.call("PSUBSCRIBE", "__key*")

    def events_of(self, words):
        if words[0] == "restored":
            payload = self.client.call("DUMP", words[1])
            words = ["RESTORE", words[2], words[3], payload] + words[4:]
        self.client.call(*words)
        self.client.call("PUBLISH", "__key end", "")
        events = []
        while True:
            _, _, channel, message = self.listener.read()
            if channel == b"__key end":
                return events
            events.append("%s=%s" % (channel.decode(), message.decode()))


def compare(*servers):
    hearth, redis = (Watched(server) for server in servers)
    different = 0
    for line in COMMANDS.strip().splitlines():
        if line.startswith("#"):
            continue
        words = shlex.split(line)
        ours, theirs = hearth.events_of(words), redis.events_of(words)
        if ours != theirs:
            different += 1
            print("%s\n  Hearth: %s\n  Redis:  %s" % (line, " ".join(ours), " ".join(theirs)))
    print("%d commands tell otherwise" % different)
    return different


if __name__ == "__main__":
    sys.exit(beside_redis.run(compare, ["--save", ""]))
