"""The rows of tools/bench that redis-benchmark has no form for: transactions, and messages to many.

The load comes from here: requests and the sizes of their replies are known beforehand, so that the
client only counts bytes.
"""

import functools
import multiprocessing
import random
import select
import socket
import time

from resp import Client

CONNECTIONS = 50
PIPELINE = 16
SUBSCRIBERS = 100
KEYS = 1_000_000
SETS = 10  # of a transaction
VALUE = b"x" * 64
SUBSCRIBE_SECONDS_MAX = 60
ENDED = "the server has closed a connection"


def command(*words):
    return Client.encode(words)


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


def take(connection, size):
    """Reads that many bytes and drops them."""
    while size > 0:
        count = len(connection.recv(min(size, 1 << 16)))
        if count == 0:
            raise OSError(ENDED)
        size -= count


class Reader:
    """Sockets of which only the count of bytes matters."""

    def __init__(self, connections):
        self.poll = select.epoll()
        self.by_fd = {connection.fileno(): connection for connection in connections}
        for fd in self.by_fd:
            self.poll.register(fd, select.EPOLLIN)
        self.buffer = bytearray(1 << 18)

    def read_some(self, timeout=-1):
        """Pairs of a socket and how many bytes came."""
        for fd, _ in self.poll.poll(timeout):
            size = self.by_fd[fd].recv_into(self.buffer)
            if size == 0:
                raise OSError(ENDED)
            yield self.by_fd[fd], size


def exchange(path, batches, reply_bytes, count):
    """Sends `count` batches over CONNECTIONS, one at a time each; returns the seconds it took."""
    connections = [connect(path) for _ in range(CONNECTIONS)]
    reader = Reader(connections)
    begin = time.monotonic()
    sent, missing = 0, {}
    for connection in connections:
        connection.sendall(batches[sent % len(batches)])
        missing[connection] = reply_bytes
        sent += 1
    done = 0
    while done < count:
        for connection, size in reader.read_some():
            missing[connection] -= size
            if missing[connection] > 0:
                continue
            done += 1
            connection.sendall(batches[sent % len(batches)])
            missing[connection] += reply_bytes
            sent += 1
    took = time.monotonic() - begin
    for connection in connections:
        connection.close()
    return took


@functools.lru_cache
def transaction_batches(count):
    """Pipelines of transactions whose keys are drawn from the whole range, none twice."""
    numbers = iter(random.Random(1).sample(range(KEYS), count * PIPELINE * SETS))
    multi, execute = command("MULTI"), command("EXEC")
    batches = []
    for _ in range(count):
        parts = []
        for _ in range(PIPELINE):
            sets = [command("SET", "key:%012d" % next(numbers), VALUE) for _ in range(SETS)]
            parts += [multi, *sets, execute]
        batches.append(b"".join(parts))
    return batches


def transactions(server, count):
    """MULTI, 10 SETs and EXEC, pipelined: transactions a second."""
    reply = b"+OK\r\n" + b"+QUEUED\r\n" * SETS + b"*%d\r\n" % SETS + b"+OK\r\n" * SETS
    rounds = max(CONNECTIONS, count // PIPELINE)
    batches = transaction_batches(min(rounds, KEYS // (PIPELINE * SETS)))
    return rounds * PIPELINE / exchange(server.path, batches, len(reply) * PIPELINE, rounds)


def drain(path, ready, expected_bytes, ended_s):
    """Subscribes, and reads until all that was sent has come."""
    subscribers = [connect(path) for _ in range(SUBSCRIBERS)]
    confirmation = b"*3\r\n$9\r\nsubscribe\r\n$7\r\nchannel\r\n:1\r\n"
    for subscriber in subscribers:
        subscriber.sendall(command("SUBSCRIBE", "channel"))
        take(subscriber, len(confirmation))
    ready.set()
    left = expected_bytes
    reader = Reader(subscribers)
    while left > 0:
        left -= sum(size for _, size in reader.read_some())
    ended_s.value = time.monotonic()


def messages(server, count):
    """One client's PUBLISH to SUBSCRIBERS: messages a second, until the last has been delivered."""
    message = b"*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$64\r\n%s\r\n" % VALUE
    rounds = max(4, count // PIPELINE)
    ready, ended_s = multiprocessing.Event(), multiprocessing.Value("d")
    expected = len(message) * SUBSCRIBERS * rounds * PIPELINE
    reader = multiprocessing.Process(target=drain, args=(server.path, ready, expected, ended_s))
    reader.start()
    if not ready.wait(SUBSCRIBE_SECONDS_MAX):
        raise OSError("the subscribers are not there")
    publisher = connect(server.path)
    batch = command("PUBLISH", "channel", VALUE) * PIPELINE
    reply_bytes = len(b":%d\r\n" % SUBSCRIBERS) * PIPELINE
    begin = time.monotonic()
    for _ in range(rounds):
        publisher.sendall(batch)
        take(publisher, reply_bytes)
    reader.join()
    publisher.close()
    if reader.exitcode != 0:
        raise OSError("the subscribers have not got everything")
    return rounds * PIPELINE / (ended_s.value - begin)


def gets(run):
    """1,000 connections, by redis-benchmark: `run` of tools/bench."""
    return lambda server, count: run(server, ["-t", "get", "-c", "1000", "-P", "16"], count)


# name, measure(server, count), share of the requests, arguments of hearth, goal
def rows(run):
    return [
        ("MULTI of 10 SETs", transactions, 0.1, [], 1.2),
        ("PUBLISH to 100", messages, 0.02, [], 1.0),
        ("GET, 1,000 connections", gets(run), 1.0, ["--workers", "2"], 1.2),
    ]
