"""The rows of tools/bench for collections: speed of their commands and memory of small ones.

A speed row: name, redis-benchmark arguments, share of the requests, goal, and what the key holds
before each round (a function of the client). A memory row: name, count of keys, what makes the key
of a number, elements in it.
"""

import random

PIPELINE = ["-P", "16"]
MANY = 400_000  # so that no round of pops comes to the end


def fill_list(client):
    client.call("DEL", "mylist")
    for _ in range(MANY // 1000):
        client.call("RPUSH", "mylist", *["x" * 64] * 1000)


def fill_set(client):
    client.call("DEL", "myset")
    for first in range(0, MANY, 1000):
        client.call("SADD", "myset", *["element:%012d" % i for i in range(first, first + 1000)])


def fill_sorted_set(client):
    client.call("DEL", "myzset")
    for first in range(0, MANY, 1000):
        client.call("ZADD", "myzset", *[x for i in range(first, first + 1000)
                                        for x in (str(i), "element:%012d" % i)])


def fill_range(client):
    client.call("ZADD", "range", *[x for i in range(100_000) for x in (str(i), "member:%d" % i)])


def fill_hash(client):
    client.call("HSET", "hash", *[x for i in range(20) for x in ("field:%d" % i, "value:%d" % i)])


def fill_two_sets(client):
    client.call("SADD", "s1", *["m%d" % i for i in range(10_000)])
    client.call("SADD", "s2", *["m%d" % i for i in range(5_000, 15_000)])


def fill_geo(client):
    rng = random.Random(1)
    client.call("GEOADD", "geo", *[
        x for i in range(10_000)
        for x in (repr(rng.uniform(-10, 10)), repr(rng.uniform(40, 60)), "p%d" % i)])


def nothing(client):
    client.call("PING")


SPEED = [
    ("LPUSH", ["-t", "lpush"], 0.5, 1.2, nothing),
    ("RPUSH", ["-t", "rpush"], 0.5, 1.2, nothing),
    ("LPOP", ["-t", "lpop"], 0.15, 1.2, fill_list),
    ("RPOP", ["-t", "rpop"], 0.15, 1.2, fill_list),
    ("SADD", ["-t", "sadd"], 0.5, 1.2, nothing),
    ("HSET", ["-t", "hset"], 0.5, 1.2, nothing),
    ("SPOP", ["-t", "spop"], 0.15, 1.2, fill_set),
    ("ZADD", ["-t", "zadd"], 0.5, 1.2, nothing),
    ("ZPOPMIN", ["-t", "zpopmin"], 0.15, 1.2, fill_sorted_set),
    ("LRANGE_100", ["-t", "lrange_100"], 0.05, 1.2, nothing),
    ("LRANGE_300", ["-t", "lrange_300"], 0.02, 1.2, nothing),
    ("LRANGE_500", ["-t", "lrange_500"], 0.01, 1.2, nothing),
    ("LRANGE_600", ["-t", "lrange_600"], 0.01, 1.2, nothing),
    ("MSET of 10", ["-t", "mset"], 0.1, 1.2, nothing),
    ("XADD", ["XADD", "stream", "*", "field", "__rand_int__"], 0.5, 1.0, nothing),
    ("ZRANGE 100 of 100k", ["ZRANGE", "range", "50000", "50099"], 0.05, 1.0, fill_range),
    ("HGETALL of 20", ["HGETALL", "hash"], 0.15, 1.0, fill_hash),
    ("SINTER of two 10k", ["SINTER", "s1", "s2"], 0.0005, 1.0, fill_two_sets),
    ("GEOSEARCH in 10k", ["GEOSEARCH", "geo", "FROMLONLAT", "0", "50", "BYRADIUS", "50", "km"],
     0.01, 1.0, fill_geo),
    ("PFADD", ["PFADD", "hll", "__rand_int__"], 0.5, 1.0, nothing),
]

MEMORY = [
    ("hashes of 60 fields", 20_000, 60,
     lambda i: ("HSET", "m:%d" % i) + tuple(
         x for f in range(60) for x in ("field%d" % f, "value%d" % i))),
    ("hashes of 300 fields", 5_000, 300,
     lambda i: ("HSET", "m:%d" % i) + tuple(
         x for f in range(300) for x in ("field%d" % f, "value%d" % i))),
    ("sets of 300 integers", 10_000, 300,
     lambda i: ("SADD", "n:%d" % i) + tuple(str(100_000 + i * 7 + f * 31) for f in range(300))),
    ("hashes of 5 fields", 1_000_000, 5,
     lambda i: ("HSET", "h:%d" % i) + tuple(
         x for f in range(5) for x in ("f%d" % f, "value%d" % i))),
    ("sets of 5 integers", 1_000_000, 5,
     lambda i: ("SADD", "s:%d" % i) + tuple(str(i * 7 + f) for f in range(5))),
    ("lists of 100", 100_000, 100,
     lambda i: ("RPUSH", "l:%d" % i) + tuple("element%03d" % f for f in range(100))),
    ("sorted sets of 50", 100_000, 50,
     lambda i: ("ZADD", "z:%d" % i) + tuple(
         x for f in range(50) for x in (str(f * 3), "member%02d" % f))),
]


def load(client, count, make):
    step = 1000
    for first in range(0, count, step):
        client.pipeline([make(i) for i in range(first, min(first + step, count))])
