"""A TCP proxy on 127.0.0.1 that cuts, stalls and slows what goes through it.

One thread serves all connections of a proxy. Nothing is dropped while it stalls or slows: bytes
wait, at most CHUNK of them a direction, so that both ends feel it.
"""

import selectors
import socket
import threading
import time

CHUNK = 65536


class Proxy:
    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.pairs = []  # [a, b, bytes from a, bytes from b]
        self.stalled = False
        self.bytes_a_second = 0  # 0 = as fast as it goes
        self.passed_bytes = 0  # of the target, to whoever is linked
        self.refusing = False
        self.cut_wanted = False
        self.damage_wanted = False
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def cut(self):
        """Closes every connection that stands."""
        self.cut_wanted = True

    def damage(self):
        """Flips a bit of what the target says next."""
        self.damage_wanted = True

    def heal(self):
        self.stalled = self.refusing = False
        self.bytes_a_second = 0

    def close(self):
        self.stopping = True
        self.thread.join()

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except BlockingIOError:
            return
        if self.refusing:
            return client.close()
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port), 1)
        except OSError:
            return client.close()
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs.append([client, server, b"", b""])

    def end(self, pair):
        pair[0].close()
        pair[1].close()
        self.pairs.remove(pair)

    def move(self, pair, source, allowance):
        """Bytes from one end to the other; False when the pair has ended."""
        held = 2 + source
        if not pair[held]:
            try:
                data = pair[source].recv(min(CHUNK, allowance))
            except BlockingIOError:
                return 0
            except OSError:
                data = b""
            if not data:
                return None
            if source == 1 and self.damage_wanted:
                self.damage_wanted = False
                at = len(data) // 2
                data = data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]
            pair[held] = data
        try:
            sent = pair[1 - source].send(pair[held])
        except BlockingIOError:
            return 0
        except OSError:
            return None
        pair[held] = pair[held][sent:]
        if source == 1:
            self.passed_bytes += sent
        return sent

    def run(self):
        while not self.stopping:
            with selectors.DefaultSelector() as selector:
                selector.register(self.listener, selectors.EVENT_READ)
                if not self.stalled:
                    for a, b, from_a, from_b in self.pairs:
                        for end, own, other in ((a, from_a, from_b), (b, from_b, from_a)):
                            events = (0 if own else selectors.EVENT_READ) | \
                                (selectors.EVENT_WRITE if other else 0)
                            if events:
                                selector.register(end, events)
                ready = selector.select(0.02)
            if any(key.fileobj is self.listener for key, _ in ready):
                self.accept()
            if self.cut_wanted:
                self.cut_wanted = False
                for pair in list(self.pairs):
                    self.end(pair)
            if self.stalled:
                time.sleep(0.01)
                continue
            rate = self.bytes_a_second
            allowance = max(1, int(rate * 0.02)) if rate else CHUNK
            for pair in list(self.pairs):
                if self.move(pair, 0, allowance) is None or self.move(pair, 1, allowance) is None:
                    self.end(pair)
            if rate:
                time.sleep(0.02)
        for pair in list(self.pairs):
            self.end(pair)
        self.listener.close()
