"""A private network: a namespace for every server or client, all on a bridge in one of its own.

Nothing in it reaches the machine's network or is reached from there; the machine only sees the
names of the namespaces, hearth-<process id>-<number>. Needs root, iproute2, and a kernel with
network namespaces, veth and bridges.
"""

import ctypes
import heapq
import itertools
import os
import random
import re
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from resp import Client, Server

PORT = 6379
NOBODYS_MAC = "02:00:00:00:00:00"
CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING, ETH_P_ALL = 263, 15, 4, 3
FRAME_MAX = 1 << 17
NAMES = re.compile(r"^hearth-(\d+)-\d+", re.M)

networks = []  # that stand
number = itertools.count()


def run(*words):
    """A command's output; OSError with what it told when it fails."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=30)
    except subprocess.TimeoutExpired as error:
        raise OSError("%s: no end" % " ".join(words)) from error
    if done.returncode != 0:
        raise OSError("%s: %s" % (" ".join(words), done.stderr.strip()))
    return done.stdout


def why_not():
    """The reason why there can be no network here; "": there can."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    for tool in ("ip", "ss", "nsenter", "setpriv"):
        if shutil.which(tool) is None:
            return "there is no %s here" % tool
    try:
        remove_leftovers()
        network = Network()
        try:
            network.place("probe")
        finally:
            network.close()
    except OSError as error:
        return str(error)
    return ""


def remove_leftovers():
    """Of runs of this suite that were killed."""
    for namespace in NAMES.finditer(run("ip", "netns", "list")):
        if not is_of_living(int(namespace[1])):
            for process in run("ip", "netns", "pids", namespace[0]).split():
                os.kill(int(process), signal.SIGKILL)
            run("ip", "netns", "delete", namespace[0])
    for name in os.listdir(tempfile.gettempdir()):
        found = re.match(r"hearth-netns-(\d+)-", name)
        if found and not is_of_living(int(found[1])):
            shutil.rmtree(os.path.join(tempfile.gettempdir(), name), ignore_errors=True)


def is_of_living(process):
    try:
        with open("/proc/%d/cmdline" % process, "rb") as file:
            return b"netns_test" in file.read()
    except OSError:
        return False


def close_all():
    for network in list(networks):
        network.close()


class Network:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="hearth-netns-%d-" % os.getpid())
        self.namespaces = []
        self.places = []
        self.servers = []
        self.slow_ports = []
        networks.append(self)
        self.hub = self.namespace()
        self.inside(self.hub, "link", "add", "bridge", "type", "bridge")
        self.inside(self.hub, "link", "set", "bridge", "up")

    def namespace(self):
        name = "hearth-%d-%d" % (os.getpid(), next(number))
        self.namespaces.append(name)
        run("ip", "netns", "add", name)
        self.inside(name, "link", "set", "lo", "up")
        return name

    @staticmethod
    def inside(namespace, *words):
        return run("ip", "-n", namespace, *words)

    def place(self, name):
        self.places.append(Place(self, name, len(self.places) + 1))
        return self.places[-1]

    def server(self, binary, name, *args):
        """A server in a place of its own, started."""
        node = Node(binary, self.place(name), args)
        self.servers.append(node)
        return node.start()

    def close(self):
        """Ends what runs in it, and all that was made for it."""
        for port in self.slow_ports:
            port.close()
        for node in self.servers:
            node.remove()
        for name in self.namespaces:
            try:
                run("ip", "netns", "delete", name)
            except OSError as error:  # one that could not be made
                print(error)
        shutil.rmtree(self.folder, ignore_errors=True)
        networks.remove(self)


class Place:
    """A namespace with a card, eth0, whose cable ends at a port of the hub."""

    def __init__(self, network, name, index):
        self.network, self.name = network, name
        self.address = "10.0.0.%d" % index
        self.port = "port%d" % index
        self.namespace = network.namespace()
        inside, hub = network.inside, network.hub
        inside(hub, "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns",
               self.namespace)
        inside(hub, "link", "set", self.port, "up", "master", "bridge")
        inside(self.namespace, "address", "add", self.address + "/24", "dev", "eth0")
        inside(self.namespace, "link", "set", "eth0", "up")

    def cut(self):
        """Neither side is told: what is sent is gone."""
        self.network.inside(self.network.hub, "link", "set", self.port, "down")

    def heal(self):
        self.network.inside(self.network.hub, "link", "set", self.port, "up")

    def lose_way_to(self, other):
        """What is sent from here to there is lost, the other way is open."""
        self.network.inside(self.namespace, "neighbour", "replace", other.address, "lladdr",
                            NOBODYS_MAC, "dev", "eth0", "nud", "permanent")

    def find_way_to(self, other):
        self.network.inside(self.namespace, "neighbour", "delete", other.address, "dev", "eth0")

    def slow_down(self, delay_ms, jitter_ms, loss):
        """Delays what passes the cable, and loses a part; tells what does it."""
        netem = ("netem", "delay", "%dms" % delay_ms, "%dms" % jitter_ms, "loss",
                 "%g%%" % (loss * 100))
        try:
            run("tc", "-n", self.namespace, "qdisc", "add", "dev", "eth0", "root", *netem)
            run("tc", "-n", self.network.hub, "qdisc", "add", "dev", self.port, "root", *netem)
            return "netem"
        except OSError as error:
            self.network.slow_ports.append(SlowPort(self, delay_ms / 1000, jitter_ms / 1000, loss))
            return "a thread of the test, as there is no netem: %s" % error

    def unacknowledged_bytes(self):
        """What was sent from here over TCP and may not have come to where it goes."""
        lines = run("nsenter", "--net=/run/netns/" + self.namespace, "ss", "-Htn").splitlines()
        return sum(int(line.split()[2]) for line in lines)

    def connect(self, other):
        """A client here of the server there."""
        return Visitor(self, other)


def socket_in(namespace, *kind):
    """A socket of a namespace: its maker goes there, a thread of its own."""
    made = []

    def make():
        with open("/run/netns/" + namespace, "rb") as file:
            if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) != 0:
                return made.append(OSError(ctypes.get_errno(), "setns"))
        try:
            made.append(socket.socket(*kind))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


class Visitor(Client):
    """A client in a place."""

    def __init__(self, place, other, timeout_s=60):
        self.socket = socket_in(place.namespace, socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.socket.connect((other.address, PORT))
        self.buffer = b""
        self.at = 0


class Node(Server):
    """A server in a place; the test talks to it by its unix socket, whatever is cut."""

    def __init__(self, binary, place, args):
        folder = os.path.join(place.network.folder, place.name)
        os.makedirs(folder)
        super().__init__(binary, args, folder)
        self.place = place

    def command_line(self, data):
        # It ends with the test, also one that is killed.
        words = super().command_line(data)
        words += ["--bind", self.place.address, "--port", str(PORT), "--protected-mode", "no"]
        return ["setpriv", "--pdeathsig", "KILL", "nsenter",
                "--net=/run/netns/" + self.place.namespace, *words]

    def follow(self, primary):
        reply = self.call("REPLICAOF", primary.place.address, PORT)
        assert reply == "OK", reply


class SlowPort:
    """What netem does, where the kernel has none: a thread between a place's cable and the hub."""

    def __init__(self, place, delay_s, jitter_s, loss):
        self.delay_s, self.jitter_s, self.loss = delay_s, jitter_s, loss
        self.random = random.Random(1)
        inside, hub = place.network.inside, place.network.hub
        inner = place.port + "slow"
        inside(hub, "link", "set", place.port, "nomaster")
        inside(hub, "link", "add", inner + "0", "type", "veth", "peer", "name", inner + "1")
        inside(hub, "link", "set", inner + "0", "up", "master", "bridge")
        inside(hub, "link", "set", inner + "1", "up")
        self.ends = [self.open(hub, place.port), self.open(hub, inner + "1")]
        self.waiting = []  # a heap of (when, the how manieth, where to, the frame)
        self.counts = itertools.count()
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def open(hub, device):
        end = socket_in(hub, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        # Frames as the kernel has them, joined ones with what tells how they are to be parted.
        end.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        end.bind((device, ETH_P_ALL))
        end.setblocking(False)
        return end

    def close(self):
        self.stopping = True
        self.thread.join()
        for end in self.ends:
            end.close()

    def take(self, source):
        """All that waits at an end."""
        while True:
            try:
                frame, sender = source.recvfrom(FRAME_MAX)
            except OSError:  # nothing waits, or the device is down
                return
            if sender[2] == PACKET_OUTGOING or self.random.random() < self.loss:
                continue
            jitter_s = self.random.uniform(-self.jitter_s, self.jitter_s)
            target = self.ends[0 if source is self.ends[1] else 1]
            heapq.heappush(self.waiting, (time.monotonic() + self.delay_s + jitter_s,
                                          next(self.counts), target, frame))

    def run(self):
        selector = selectors.DefaultSelector()
        for end in self.ends:
            selector.register(end, selectors.EVENT_READ)
        while not self.stopping:
            wait_s = min(self.waiting[0][0] - time.monotonic(), 0.1) if self.waiting else 0.1
            for key, _ in selector.select(max(wait_s, 0)):
                self.take(key.fileobj)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, target, frame = heapq.heappop(self.waiting)
                try:
                    target.send(frame)
                except OSError:  # as a full queue loses it
                    pass
        selector.close()
