"""The rows of tools/bench --replica: what a replica costs its primary, how far it lags, and full
resyncs: their rate beside a plain copy over loopback and beside redis-server, what clients of the
primary feel meanwhile, what a link that is cut again and again costs, and what a pause does."""

import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests",
                                "replication"))
from bench_clients import take  # noqa: E402
from proxy import Proxy  # noqa: E402
from resp import LOOK_SECONDS, Client, free_port, wait_until  # noqa: E402

CUTS = 20
LAG_SECONDS = 6
PACED_BATCH = 50  # commands
DIGEST_SECONDS_MAX = 900
SYNC_SECONDS_MAX = 3600
CALM_SECONDS = 5
VALUE_SIZE = 16384


class Sink:
    """A replica that reads the groups and drops them: what is left is what the primary pays."""

    def __init__(self, port, primary):
        info = primary.info()
        self.seq = int(info["master_repl_offset"])
        self.socket = socket.create_connection(("127.0.0.1", port))
        for words in (["REPLCONF", "listening-port", "1"], ["REPLCONF", "hearth", "1"],
                      ["PSYNC", info["master_replid"], self.seq + 1]):
            self.socket.sendall(Client.encode(words))
            line = self.socket.recv(4096)
            assert line.startswith(b"+") and not line.startswith(b"+FULL"), line
        self.stopped = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        buffer, acked = bytearray(1 << 20), 0
        while not self.stopped and self.socket.recv_into(buffer) > 0:
            if time.monotonic() - acked > 0.1:
                acked = time.monotonic()
                ack = ("REPLCONF", "ACK", self.seq, "FACK", self.seq)
                self.socket.sendall(Client.encode(ack))

    def close(self):
        self.stopped = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


def set_rate(options, start, benchmark, cpu_seconds):
    """SET with a replica attached, beside a server that has none and one whose replica only reads,
    alternately: the rates, and the processor time of both sides."""
    ports = [free_port(), free_port()]
    servers = {"alone": start(options.server, []),
               "sink": start(options.server, ["--port", str(ports[0])]),
               "replica": start(options.server, ["--port", str(ports[1])])}
    replica = start(options.server, ["--replicaof", "127.0.0.1", str(ports[1])])
    sink = Sink(ports[0], servers["sink"])
    try:
        await_sync(replica)
        print("%-28s %10s %10s %10s %8s %8s" % ("", "alone", "reader", "replica", "times", "goal"))
        for name, args, share in (("SET, pipeline 16", ["-t", "set", "-P", "16"], 1.0),
                                  ("SET, pipeline 1", ["-t", "set"], 0.15)):
            requests = max(1000, int(options.requests * share))
            rates, cpu, behind = {}, {}, []
            for _ in range(options.rounds):
                for kind, server in servers.items():
                    before = cpu_seconds(server.process.pid)
                    theirs = cpu_seconds(replica.process.pid)
                    rates.setdefault(kind, []).append(benchmark(server, args, requests))
                    begin = time.monotonic()
                    if kind == "replica":
                        wait_until(lambda: replica.is_level_with(servers["replica"]), "level",
                                   SYNC_SECONDS_MAX)
                    used = cpu_seconds(server.process.pid) - before
                    cpu.setdefault(kind, []).append(used / requests * 1e6)
                    if kind == "replica":
                        behind.append(time.monotonic() - begin)
                        used = cpu_seconds(replica.process.pid) - theirs
                        cpu.setdefault("of the replica", []).append(used / requests * 1e6)
            ratio = statistics.median(r / a for r, a in zip(rates["replica"], rates["alone"]))
            middle = {kind: statistics.median(values) for kind, values in rates.items()}
            print("%-28s %10.0f %10.0f %10.0f %8.2f %8.2f%s" %
                  (name, middle["alone"], middle["sink"], middle["replica"], ratio, 0.85,
                   "" if ratio >= 0.85 else "  missed"), flush=True)
            middle = {kind: statistics.median(values) for kind, values in cpu.items()}
            print("%-28s %7.2f us %7.2f us %7.2f us; the replica itself %.2f us, level %.2f s "
                  "later" %
                  ("  server CPU an operation", middle["alone"], middle["sink"], middle["replica"],
                   middle["of the replica"], statistics.median(behind)), flush=True)
    finally:
        sink.close()
        for server in [*servers.values(), replica]:
            server.stop(60)
            server.remove()


def verdict(is_reached):
    return "" if is_reached else ", missed"


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def write_paced(path, rate, seconds, result):
    """SETs of 64 bytes at a rate, in a process of its own; as many came about as it says."""
    client = Client(path)
    blocks = [b"".join(Client.encode(("SET", "key:%d" % random.randrange(1000000), "x" * 64))
                       for _ in range(PACED_BATCH)) for _ in range(500)]
    begin, done = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        client.socket.sendall(blocks[done // PACED_BATCH % len(blocks)])
        take(client.socket, len(b"+OK\r\n") * PACED_BATCH)
        done += PACED_BATCH
        time.sleep(max(0, begin + done / rate - time.monotonic()))
    result.value = done / (time.monotonic() - begin)


def lag(options, start, benchmark, _):
    """How long a value written on the primary takes to be read on the replica, under load."""
    port = free_port()
    primary = start(options.server, ["--port", str(port)])
    replica = start(options.server, ["--replicaof", "127.0.0.1", str(port)])
    try:
        await_sync(replica)
        for rate in (0, 20_000, 100_000, 1e9):
            done = multiprocessing.Value("d", 0)
            load = multiprocessing.Process(target=write_paced if rate else time.sleep,
                                           args=(primary.path, rate, LAG_SECONDS, done) if rate
                                           else (LAG_SECONDS,))
            load.start()
            writer, reader, lags = primary.client(), replica.client(), []
            while load.is_alive():
                value = b"%d" % len(lags)
                writer.call("SET", "probe", value)
                written = time.monotonic()
                while reader.call("GET", "probe") != value:
                    pass
                lags.append(time.monotonic() - written)
                time.sleep(0.001)
            load.join()
            assert load.exitcode == 0, "the load has ended"
            p99_ms = percentile(lags, 0.99) * 1e3
            goal = " (goal: p99 < 50 ms%s)" % verdict(p99_ms < 50) if rate == 100_000 else ""
            print("replica lag at %7.0f SET/s: p50 %.2f ms, p99 %.2f ms, longest %.2f ms%s" %
                  (done.value, percentile(lags, 0.5) * 1e3, p99_ms, max(lags) * 1e3, goal),
                  flush=True)
    finally:
        for server in (replica, primary):
            server.stop(60)
            server.remove()


class Probe:
    """A client that writes and reads at a slow beat: how long each call takes."""

    def __init__(self, server):
        self.client = server.client()
        self.times = []
        self.stopped = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped:
            for words in (("SET", "probe", "x" * 64), ("GET", "probe")):
                begin = time.monotonic()
                self.client.call(*words)
                self.times.append(time.monotonic() - begin)
            time.sleep(0.001)

    def take(self):
        times, self.times = self.times, []
        return percentile(times, 0.99) * 1e3

    def stop(self):
        self.stopped = True
        self.thread.join()


def load(server, gigabytes):
    client, block = Client(server.path, DIGEST_SECONDS_MAX), os.urandom(VALUE_SIZE * 64)
    count = int(gigabytes * (1 << 30) / VALUE_SIZE)
    for first in range(0, count, 64):
        client.pipeline([("SET", "key:%d" % i, block[(i % 64) * VALUE_SIZE:][:VALUE_SIZE - 8] +
                          b"%08d" % i) for i in range(first, min(first + 64, count))])
    client.call("SAVE")
    while re.search(rb"rocksdb_(num_running_compactions|compaction_pending):[1-9]",
                    client.call("INFO", "everything")):
        time.sleep(0.2)


def copy_rate(folder, target):
    """Bytes a second of the folder's files over a loopback connection into another folder."""
    links = os.path.join(target, "links")  # a compaction may remove the files themselves
    os.makedirs(links)
    for name in os.listdir(folder):
        if name.endswith(".sst"):
            os.link(os.path.join(folder, name), os.path.join(links, name))
    paths = [os.path.join(links, name) for name in os.listdir(links)]
    listener = socket.create_server(("127.0.0.1", 0))
    begin = time.monotonic()

    def send():
        with socket.create_connection(listener.getsockname()) as to:
            for path in paths:
                with open(path, "rb") as file:
                    to.sendfile(file)

    sender = threading.Thread(target=send)
    sender.start()
    source, _ = listener.accept()
    buffer, size = bytearray(1 << 20), 0
    copy = os.path.join(target, "copy")
    with open(copy, "wb", buffering=0) as file:
        while count := source.recv_into(buffer):
            file.write(memoryview(buffer)[:count])
            size += count
        os.fsync(file.fileno())
    sender.join()
    seconds = time.monotonic() - begin
    os.remove(copy)
    shutil.rmtree(links)
    return size / seconds


def await_sync(replica, on_progress=None):
    """Seconds until the link is up."""
    def is_up():
        now = replica.info()
        if on_progress:
            on_progress(now)
        return now.get("master_link_status") == "up"

    begin = time.monotonic()
    wait_until(is_up, "the link is up", SYNC_SECONDS_MAX)
    return time.monotonic() - begin


def watch_calm(replica):
    """Looks at a server as often as await_sync does, for some seconds in which nothing happens."""
    end = time.monotonic() + CALM_SECONDS
    while time.monotonic() < end:
        replica.info()
        time.sleep(LOOK_SECONDS)


def redis_resync(options, start):
    """Seconds that redis-server needs for the same data."""
    port = free_port()
    servers = [start(options.redis, ["--port", str(port)]), start(options.redis, [])]
    try:
        load(servers[0], options.gigabytes)
        assert servers[1].call("REPLICAOF", "127.0.0.1", port) == "OK"
        return await_sync(servers[1])
    finally:
        for server in servers:
            server.kill()  # a replica of Redis that has lost its primary may not heed SIGTERM
            server.remove()


def full_resync(options, start, *_):
    theirs = redis_resync(options, start)
    port = free_port()
    primary = start(options.server, ["--port", str(port), "--enable-debug-command", "yes"])
    replicas = []
    try:
        load(primary, options.gigabytes)
        copied = statistics.median(
            copy_rate(os.path.join(primary.folder, "data"), primary.folder) for _ in range(3))
        replicas.append(start(options.server, []))
        probe = Probe(primary)
        watch_calm(replicas[0])
        before = probe.take()
        memory = int(primary.info("memory")["used_memory_rss"])
        assert replicas[0].call("REPLICAOF", "127.0.0.1", port) == "OK"
        seconds = await_sync(replicas[0])
        during = probe.take()
        probe.stop()
        more = int(primary.info("memory")["used_memory_rss"]) - memory
        size = int(replicas[0].info("stats")["total_net_repl_input_bytes"])
        part = size / seconds / copied
        print("full resync of %.2f GB: %.1f s, %.0f MB/s; a copy over loopback %.0f MB/s: times "
              "%.2f (goal 0.5%s)" % (size / 1e9, seconds, size / seconds / 1e6, copied / 1e6, part,
                                     verdict(part >= 0.5)), flush=True)
        print("  redis-server needs %.1f s for the same data, times %.2f" % (theirs, theirs / seconds),
              flush=True)
        print("  the primary's p99 %.2f ms before, %.2f ms during it, times %.2f (goal 1.2%s), "
              "%+.0f MB" % (before, during, during / before, verdict(during <= before * 1.2),
                            more / 1e6), flush=True)
        cut_resync(options, start, port, primary, replicas, size)
    finally:
        for server in replicas + [primary]:
            server.stop(60)
            server.remove()


def cut_resync(options, start, port, primary, replicas, size):
    proxy = Proxy(port)
    replica = start(options.server, ["--replicaof", "127.0.0.1", str(proxy.port),
                                     "--enable-debug-command", "yes"])
    replicas.append(replica)
    cuts = [0]

    def cut(now):
        part = int(now.get("master_sync_read_bytes", 0)) / max(1, int(now.get(
            "master_sync_total_bytes", 0)))
        if cuts[0] < CUTS and part > (cuts[0] + 0.5) / CUTS:
            cuts[0] += 1
            proxy.cut()

    seconds = await_sync(replica, cut)
    received = int(replica.info("stats")["total_net_repl_input_bytes"])
    digests = {Client(server.path, DIGEST_SECONDS_MAX).call("DEBUG", "DIGEST")
               for server in (primary, replica)}
    proxy.close()
    part = received / size
    print("  with %d cuts: %.1f s, %.3f of its bytes (goal 1.05%s); the data are %s" %
          (cuts[0], seconds, part, verdict(part <= 1.05),
           "equal" if len(digests) == 1 else "NOT EQUAL"), flush=True)


def resident_under_load(server, rate, seconds):
    """The most that the server's process takes, in bytes, while it is written to."""
    load = multiprocessing.Process(target=write_paced,
                                   args=(server.path, rate, seconds, multiprocessing.Value("d", 0)))
    load.start()
    most = 0
    while load.is_alive():
        most = max(most, int(server.info("memory")["used_memory_rss"]))
        load.join(1)
    assert load.exitcode == 0, "the load has ended"
    return most


def pause(options, start, *_):
    """A replica stands still while its primary is written to: what the primary keeps in memory for
    it, and how it comes back."""
    port, rate, minutes = free_port(), 20_000, options.minutes or 1
    primary = start(options.server, ["--port", str(port)])
    replica = start(options.server, ["--replicaof", "127.0.0.1", str(port)])
    try:
        await_sync(replica)
        resident_under_load(primary, 1e9, 20)  # so that all keys are there
        wait_until(lambda: replica.is_level_with(primary), "level", SYNC_SECONDS_MAX)
        before = resident_under_load(primary, rate, 30)
        resyncs = int(primary.info("stats")["sync_full"])
        os.kill(replica.process.pid, signal.SIGSTOP)
        try:
            most = resident_under_load(primary, rate, minutes * 60)
        finally:
            os.kill(replica.process.pid, signal.SIGCONT)
        begin = time.monotonic()
        wait_until(lambda: replica.is_level_with(primary), "level", SYNC_SECONDS_MAX)
        more, resyncs = most - before, int(primary.info("stats")["sync_full"]) - resyncs
        print("a replica's pause of %g minutes at %d SET/s: the primary takes %+.0f MB (goal < 64%s), "
              "the replica is level %.1f s later, full resyncs: %d (goal 0%s)" %
              (minutes, rate, more / 1e6, verdict(more < 64e6), time.monotonic() - begin, resyncs,
               verdict(resyncs == 0)), flush=True)
    finally:
        for server in (replica, primary):
            server.stop(60)
            server.remove()


def run(options, *tools):
    for rows in (set_rate, lag, full_resync, pause):
        if not options.only or options.only.lower() in rows.__name__:
            rows(options, *tools)
