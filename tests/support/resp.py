"""A small blocking RESP2 client and a wrapper that starts and ends servers, for the test suites.

Client: one connection; call() sends one command, pipeline() many. Errors are returned as
ReplyError values, never raised, so that suites can compare them. Server: starts a process on a
unix socket in a temporary folder and ends it by pid. Listening: one with a TCP port, too.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


LOOK_SECONDS = 0.01  # between two looks at another process


def free_port():
    """For servers that must listen on TCP and be told where."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_until(what, text, seconds=60):
    """Asks what() again and again; `text` says what did not come about, or returns it."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            told = text() if callable(text) else text
            raise AssertionError("not within %g s: %s" % (seconds, told))
        time.sleep(LOOK_SECONDS)


class ReplyError(str):
    """An error reply, without its leading '-'."""

    def __repr__(self):
        return "-" + str(self)


class Client:
    null_array = None  # what read() returns for one; None is a null string's

    def __init__(self, path, timeout_s=60):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.socket.connect(path)
        self.buffer = b""
        self.at = 0

    def close(self):
        self.socket.close()

    @staticmethod
    def encode(args):
        parts = [b"*%d\r\n" % len(args)]
        for arg in args:
            if not isinstance(arg, bytes):
                arg = str(arg).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
        return b"".join(parts)

    def send(self, *args):
        self.socket.sendall(self.encode(args))

    def call(self, *args):
        self.send(*args)
        return self.read()

    def pipeline(self, commands):
        self.socket.sendall(b"".join(self.encode(c) for c in commands))
        return [self.read() for _ in commands]

    def _fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed by the server")
        self.buffer = self.buffer[self.at:] + data
        self.at = 0

    def _line(self):
        while True:
            end = self.buffer.find(b"\r\n", self.at)
            if end >= 0:
                line = self.buffer[self.at:end]
                self.at = end + 2
                return line
            self._fill()

    def _exactly(self, size):
        while len(self.buffer) - self.at < size:
            self._fill()
        data = self.buffer[self.at:self.at + size]
        self.at += size
        return data

    def _bytes(self, size):
        return self._exactly(size + 2)[:-2]

    def read_file(self):
        """The RDB file that answers SYNC, behind newlines: $size, bytes."""
        line = self._line().lstrip(b"\n")
        return self._exactly(int(line[1:]))

    def read(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode("latin-1")
        if kind == b"-":
            return ReplyError(rest.decode("latin-1"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self._bytes(size)
        if kind == b"*":
            count = int(rest)
            return self.null_array if count < 0 else [self.read() for _ in range(count)]
        raise ValueError("not RESP2: %r" % line)


class Server:
    """A server process; args are appended to its command line."""

    def __init__(self, binary, args=(), folder=None):
        self.binary = binary
        self.args = list(args)
        self.owned = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="hearth-test-")
        self.path = os.path.join(self.folder, "socket")
        self.process = None

    def command_line(self, data):
        return [self.binary, "--port", "0", "--unixsocket", self.path, "--dir", data] + self.args

    def spawn(self):
        """Begins to start it: nobody waits until it answers."""
        data = os.path.join(self.folder, "data")
        os.makedirs(data, exist_ok=True)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command_line(data), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def start(self, timeout_s=60):
        self.spawn()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("the server ended: " + self.log_tail())
            try:
                client = Client(self.path, timeout_s)
                reply = client.call("PING")
                client.close()
                if reply == "PONG":
                    return self
            except (FileNotFoundError, ConnectionError):
                pass
            time.sleep(0.005)  # until the socket answers: nothing tells when it does
        raise RuntimeError("the server does not answer: " + self.log_tail())

    def log_tail(self):
        with open(os.path.join(self.folder, "log"), "rb") as log:
            return log.read()[-8000:].decode("latin-1")

    def client(self):
        return Client(self.path)

    def call(self, *words):
        """One command on a connection of its own."""
        client = self.client()
        try:
            return client.call(*words)
        finally:
            client.close()

    def info(self, section="replication"):
        """The fields of a section of INFO."""
        text = self.call("INFO", section).decode()
        return dict(re.findall(r"^([^#:\r\n]+):([^\r\n]*)", text, re.M))

    def is_level_with(self, primary):
        """Whether it is linked and has applied everything that the primary has."""
        mine, theirs = self.info(), primary.info()
        return (mine.get("master_link_status") == "up" and
                mine["slave_repl_offset"] == theirs["master_repl_offset"])

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As a crash ends it."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout_s=30):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                return self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError("SIGTERM did not end the server: " + self.log_tail())
        return self.process.returncode if self.process else 0

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.owned:
            shutil.rmtree(self.folder, ignore_errors=True)


class Listening(Server):
    """A server that others reach on 127.0.0.1 at self.port."""

    def __init__(self, binary, args=(), folder=None, option="--port"):
        self.port = free_port()
        super().__init__(binary, [option, str(self.port), *args], folder)
