"""The rows of tools/bench that redis-benchmark has no form for: transactions, and messages to many.

The load comes from here: requests and the sizes of their replies are known beforehand, so that the
client only counts bytes.
"""

import multiprocessing
import select
import socket
import time

CONNECTIONS = 50
PIPELINE = 16
SUBSCRIBERS = 100
KEYS = 1_000_000
VALUE = b"x" * 64


def command(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def connect(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return connection


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
            yield self.by_fd[fd], self.by_fd[fd].recv_into(self.buffer)


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
            if size == 0:
                raise OSError("the server has closed a connection")
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


def transactions(server, count):
    """MULTI, 10 SETs and EXEC, pipelined: transactions a second."""
    key = 0
    batches = []
    for _ in range(500):
        parts = []
        for _ in range(PIPELINE):
            parts.append(command("MULTI"))
            for _ in range(10):
                key = (key * 1103515245 + 12345) % (1 << 31)
                parts.append(command("SET", "key:%012d" % (key % KEYS), VALUE))
            parts.append(command("EXEC"))
        batches.append(b"".join(parts))
    reply = b"+OK\r\n" + b"+QUEUED\r\n" * 10 + b"*10\r\n" + b"+OK\r\n" * 10
    rounds = max(CONNECTIONS, count // PIPELINE)
    return rounds * PIPELINE / exchange(server.path, batches, len(reply) * PIPELINE, rounds)


def drain(path, ready, expected_bytes, ended_s):
    """Subscribes, and reads until all that was sent has come."""
    subscribers = [connect(path) for _ in range(SUBSCRIBERS)]
    confirmation = b"*3\r\n$9\r\nsubscribe\r\n$7\r\nchannel\r\n:1\r\n"
    for subscriber in subscribers:
        subscriber.sendall(command("SUBSCRIBE", "channel"))
        left = len(confirmation)
        while left > 0:
            left -= len(subscriber.recv(left))
    ready.set()
    left = expected_bytes
    reader = Reader(subscribers)
    while left > 0:
        left -= sum(size for _, size in reader.read_some())
    ended_s.value = time.monotonic()


def messages(server, count):
    """PUBLISH to SUBSCRIBERS: messages published a second, until the last has been delivered."""
    message = b"*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$64\r\n%s\r\n" % VALUE
    rounds = max(4, count // PIPELINE)
    ready, ended_s = multiprocessing.Event(), multiprocessing.Value("d")
    expected = len(message) * SUBSCRIBERS * rounds * PIPELINE
    reader = multiprocessing.Process(target=drain, args=(server.path, ready, expected, ended_s))
    reader.start()
    ready.wait()
    publisher = connect(server.path)
    batch = command("PUBLISH", "channel", VALUE) * PIPELINE
    reply_bytes = len(b":%d\r\n" % SUBSCRIBERS) * PIPELINE
    begin = time.monotonic()
    for _ in range(rounds):
        publisher.sendall(batch)
        left = reply_bytes
        while left > 0:
            left -= len(publisher.recv(left))
    reader.join()
    publisher.close()
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
