#!/usr/bin/env python3
"""hearth.conf shows directives that exist, with their defaults, and every one of ours; what the
command line answers beside it; and a start with the file that Debian's redis-server comes with.

usage: conf_test.py HEARTH_SERVER [--redis redis-server]
"""

import argparse
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from resp import Client, Listening, Server, wait_until  # noqa: E402

# Shown with a value that is no default.
EXAMPLES = {"unixsocket", "unixsocketperm", "requirepass", "aclfile", "replicaof", "masteruser",
            "masterauth", "replica-announce-ip", "tls-port", "tls-cert-file", "tls-key-file",
            "tls-ca-cert-file"}
# Every server of the tests is given others.
GIVEN = {"port": "6379", "dir": "./data"}
# Redis' own, which 7.0 lacks or does not list.
OF_REDIS = {"cluster-announce-human-nodename", "key-load-delay", "locale-collate",
            "loading-process-events-interval-bytes", "lua-enable-deprecated-api",
            "rdb-key-save-delay", "set-max-listpack-entries", "set-max-listpack-value",
            "use-exit-on-panic",
            # Valkey's names for what there is.
            "commandlog-execution-slower-than", "commandlog-slow-execution-max-len", "primaryauth",
            "primaryuser"}


STOCK_CONF = "/etc/redis/redis.conf"
CONF_MODE = 0o640
STOCK_FOLDERS = ("/var/lib/redis", "/var/log/redis", "/run/redis")


def certificate(folder, name):
    """Writes a key and a certificate of that name over those that are there."""
    paths = [os.path.join(folder, part) for part in ("cert", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=" + name,
                    "-keyout", paths[1], "-out", paths[0]], check=True, capture_output=True)
    with open(paths[0]) as file:
        return ["tls-cert-file", paths[0], "tls-key-file", paths[1]], file.read().strip()


def check_effects(binary):
    """What CONFIG SET answers OK to is so for the next client: a certificate that was renewed under
    the same name, the keepalive."""
    folder = tempfile.mkdtemp(prefix="hearth-conf-")
    words, first = certificate(folder, "first")
    args = ["--" + word if word.startswith("tls-") else word for word in words]
    server = Listening(binary, args + ["--tls-auth-clients", "no"], option="--tls-port")
    plain = Listening(binary)

    def served():
        return ssl.get_server_certificate(("127.0.0.1", server.port)).strip()
    try:
        server.start()
        assert served() == first
        _, second = certificate(folder, "second")
        assert served() == first
        assert server.call("CONFIG", "SET", *words) == "OK"
        assert served() == second
        plain.start()
        assert plain.call("CONFIG", "SET", "tcp-keepalive", 17) == "OK"
        with socket.create_connection(("127.0.0.1", plain.port)) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"
            told = subprocess.run(["ss", "-tnoH", "sport = :%d" % plain.port], check=True,
                                  capture_output=True, text=True).stdout
            seconds = re.search(r"keepalive,(\d+)", told)
            assert seconds and int(seconds[1]) <= 17, told
    finally:
        server.remove()
        plain.remove()
        shutil.rmtree(folder)


class Configured(Server):
    """A server that is started with a file of directives."""

    def __init__(self, binary, lines):
        super().__init__(binary)
        self.conf = os.path.join(self.folder, "hearth.conf")
        with open(self.conf, "w") as file:
            file.write("\n".join(lines) + "\n")

    def command_line(self, data):
        return [self.binary, self.conf] + super().command_line(data)[1:]


def shown_directives(text):
    """The lines that are no prose: prose begins otherwise, and goes on until a stop."""
    shown, in_prose = {}, False
    for line in text.splitlines():
        words = line.removeprefix("# ")
        in_prose = line.startswith("# ") and (
            in_prose or re.match(r"[a-z][a-z0-9-]* \S", words) is None)
        if in_prose:
            in_prose = not words.endswith((".", ":"))
        elif line.startswith("# "):
            name, value = words.split(" ", 1)
            assert name not in shown, "%s is shown twice" % name
            shown[name] = value
    return shown


def settings(server):
    try:
        words = [word.decode() for word in server.start().call("CONFIG", "GET", "*")]
        return dict(zip(words[::2], words[1::2]))
    finally:
        server.remove()


def check_signals(binary):
    """shutdown-on-sigterm says whether a snapshot is made."""
    for words, count in (("default", 0), ("save now", 1)):
        server = Server(binary, ["--save", "", "--shutdown-on-sigterm", *words.split()])
        try:
            server.start()
            assert server.stop() == 0
            folder = os.path.join(server.folder, "data", "snapshots")
            found = os.listdir(folder) if os.path.isdir(folder) else []
            assert len(found) == count, (words, found)
        finally:
            server.remove()


def check_command_line(binary):
    """--help and --version print and end; what is no directive refuses the start."""
    def run(*args, files_max=None):
        def limit():
            if files_max is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))

        done = subprocess.run([binary, *args], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60, preexec_fn=limit)
        return done.returncode, done.stdout, done.stderr

    for option in ("--version", "-v"):
        code, out, _ = run(option)
        assert code == 0 and re.fullmatch(r"Hearth server v=\d+\.\d+\.\d+ bits=64\n", out), out
    for option in ("--help", "-h"):
        code, out, _ = run(option)
        assert code == 0 and out.startswith("Usage: hearth-server [/path/to/hearth.conf]"), out
    code, told, _ = run("--port", "0", files_max=40)
    assert code == 1 and "'ulimit -n' of 40 is not enough" in told, told
    code, _, told = run("--no-such-directive", "1")
    assert code == 1 and "no-such-directive" in told, told
    server = Server(binary)
    try:
        server.start()
        data = os.path.join(server.folder, "data")
        refusal = "process %d has %s open" % (server.process.pid, data)
        code, told, _ = run("--dir", data, "--port", "0")
        assert code == 1 and refusal in told and "Restore" not in told, told
        elsewhere = os.path.join(server.folder, "elsewhere")
        for _ in range(2):  # the first start might leave what the next one takes for its own
            code, told, _ = run("--dir", elsewhere, "--wal-dir", data, "--port", "0")
            assert code == 1 and refusal in told, told
        code, told, _ = run("--dir", elsewhere, "--port", "0")
        assert code == 1 and "not listen anywhere" in told, told
    finally:
        server.remove()


def check_title(binary):
    """ps shows what proc-title-template says, or the command line."""
    def shown(server):
        with open("/proc/%d/cmdline" % server.process.pid, "rb") as file:
            return file.read().rstrip(b"\0").decode()

    server = Server(binary, ["--proc-title-template", "{title} of the shop at {unixsocket}"])
    try:
        client = server.start()
        title = "%s of the shop at %s" % (binary, server.path)
        wait_until(lambda: shown(server) == title, "its title")
        title = "x" * (len(" ".join(server.process.args)) + 20)
        assert client.call("CONFIG", "SET", "proc-title-template", title) == "OK"
        assert shown(server) == title, shown(server)
        reply = client.call("CONFIG", "SET", "proc-title-template", "{nothing}")
        assert "template format is invalid or contains unknown variables" in str(reply), reply
        assert shown(server) == title, shown(server)
    finally:
        server.remove()
    server = Server(binary, ["--set-proc-title", "no"])
    try:
        server.start()
        assert "--set-proc-title" in shown(server), shown(server)
    finally:
        server.remove()


class Stock:
    """A daemon, started with Debian's file as it stands but for the folders and the socket."""

    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="hearth-test-")
        self.conf, self.path = (os.path.join(self.folder, name) for name in ("conf", "socket"))
        self.command = [binary, self.conf, "--port", "0", "--unixsocket", self.path]
        self.pid = None
        with open(STOCK_CONF) as file:
            text = file.read()
        for folder in STOCK_FOLDERS:
            text = text.replace(folder, self.folder)
        with open(self.conf, "w") as file:
            file.write(text)
        os.chmod(self.conf, CONF_MODE)

    def read(self, name):
        with open(os.path.join(self.folder, name)) as file:
            return file.read()

    def start(self):
        done = subprocess.run(self.command, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        log = os.path.join(self.folder, "redis-server.log")
        wait_until(lambda: os.path.exists(log) and " PID: " in self.read(log), "its first lines")
        self.pid = int(re.search(r" PID: (\d+)", self.read(log))[1])
        wait_until(lambda: "Ready to accept" in self.read(log), "the server")
        assert self.read("redis-server.pid") == "%d\n" % self.pid
        return Client(self.path)

    def shut_down(self, client):
        try:
            client.call("SHUTDOWN")
        except ConnectionError:
            pass
        # Who is to wait for the process is not known: here it is another's child.
        wait_until(lambda: "bye bye" in self.read("redis-server.log"), "its end")
        self.pid = None
        assert not os.path.exists(os.path.join(self.folder, "redis-server.pid"))
        os.rename(*(os.path.join(self.folder, "redis-server.log" + end) for end in ("", ".old")))

    def remove(self):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        shutil.rmtree(self.folder)


def check_stock_file(binary):
    if not os.access(STOCK_CONF, os.R_OK):
        return print("%s cannot be read: a start with it is not tried" % STOCK_CONF)
    server = Stock(binary)
    try:
        client = server.start()
        assert client.call("CONFIG", "GET", "save")[1] == b"3600 1 300 100 60 10000"
        assert client.call("SET", "key", "value") == "OK"
        assert client.call("CONFIG", "SET", "maxclients", "1234") == "OK"
        assert client.call("CONFIG", "REWRITE") == "OK"
        assert os.stat(server.conf).st_mode & 0o777 == CONF_MODE
        assert os.stat(os.path.join(server.folder, "redis-server.pid")).st_mode & 0o777 == 0o644
        server.shut_down(client)
        client = server.start()
        assert client.call("GET", "key") == b"value"
        assert client.call("CONFIG", "GET", "maxclients")[1] == b"1234"
        server.shut_down(client)
    finally:
        server.remove()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--redis", default="redis-server")
    options = parser.parse_args()
    check_command_line(options.server)
    check_signals(options.server)
    check_title(options.server)
    check_effects(options.server)
    check_stock_file(options.server)
    with open(os.path.join(ROOT, "hearth.conf")) as file:
        shown = shown_directives(file.read())
    defaults = settings(Server(options.server))
    unknown = shown.keys() - defaults.keys()
    assert not unknown, "hearth.conf shows what does not exist: %s" % unknown
    assert EXAMPLES <= shown.keys(), EXAMPLES - shown.keys()
    for name, value in GIVEN.items():
        assert shown[name] == value, (name, shown[name])
    lines = ["%s %s" % item for item in shown.items() if item[0] not in EXAMPLES | GIVEN.keys()]
    for name, value in settings(Configured(options.server, lines)).items():
        if name not in GIVEN and name != "unixsocket":
            assert value == defaults[name], "hearth.conf: %s is %s, the default %s" % (
                name, value, defaults[name])
    ours = defaults.keys() - settings(Server(options.redis)).keys() - OF_REDIS
    assert not ours - shown.keys(), "hearth.conf does not show %s" % (ours - shown.keys())
    print("%d directives, %d of them ours" % (len(shown), len(ours)))


if __name__ == "__main__":
    main()
