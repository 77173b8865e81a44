"""A client that reads no replies, but only looks for the end of them: for connections that get
pushes, messages and lines between replies, which all protocols may mix."""

import itertools
import socket

from resp import Client


class RawClient:
    """exchange() sends commands and takes what comes until the reply of a last one has come."""

    numbers = itertools.count()

    def __init__(self, path, timeout_s):
        self.number = next(self.numbers)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.socket.connect(path)
        self.exchanges = 0

    def exchange(self, commands):
        """The bytes that came. An unknown command is what answers in every mode, by its name."""
        self.exchanges += 1
        marker = b"end-of-exchange-%d-of-%d-" % (self.exchanges, self.number)
        self.socket.sendall(b"".join(Client.encode(c) for c in [*commands, (marker,)]))
        received = b""
        while marker not in received[-70000:]:
            data = self.socket.recv(1 << 16)
            if not data:
                raise ConnectionError("closed by the server")
            received += data
        return received

    def close(self):
        self.socket.close()
