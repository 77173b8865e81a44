"""A place for one test of backups: a temporary folder, a server, a repository."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from resp import Server
from tool import at_each_step, create, kill, run

KEYS = 100
VALUE_SIZE = 3000


class Relative(Server):
    """Its directories are named from its own folder on, where it runs."""

    def start(self, timeout_s=60):
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            return super().start(timeout_s)
        finally:
            os.chdir(here)

    def command_line(self, data):
        return super().command_line("./data")


class Place:
    """A temporary folder with a server, its data and a repository's path."""

    def __init__(self, *args, kind=Server):
        self.folder = tempfile.mkdtemp(prefix="hearth-test-")
        self.repo = self.at("repo")
        self.args = ["--save", "", "--enable-debug-command", "yes", *args]
        self.kind, self.servers = kind, []
        try:
            self.server = self.serve(self.folder)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.remove()
        shutil.rmtree(self.folder)

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def serve(self, folder, kind=None):
        """A server whose data directory is folder/data; kind: another than the first one's."""
        server = (kind or self.kind)(sys.argv[1], self.args, folder)
        self.servers.append(server)
        return server.start()

    def fill(self, seed=0, keys=KEYS):
        """Values that can't be compressed; the same for the same seed."""
        self.server.client().pipeline(
            [("SET", "key%d" % i, hashlib.shake_128(b"%d,%d" % (seed, i)).digest(VALUE_SIZE))
             for i in range(keys)])

    def snapshots(self):
        folder = self.at("data", "snapshots")
        return sorted((os.path.join(folder, name) for name in os.listdir(folder)),
                      key=lambda path: int(path.rpartition("-")[2]))

    def save(self, key):
        """A snapshot, with this key's change; its directory."""
        self.server.call("SET", key, "x")
        assert self.server.call("SAVE") == "OK"
        return self.snapshots()[-1]

    def create(self, *args):
        return create(self.repo, "--socket", self.server.path, *args)

    def blobs(self):
        return {name: os.path.join(at, name)
                for at, _, names in os.walk(os.path.join(self.repo, "blobs")) for name in names}

    def backup_files(self, name):
        """{file name: (sha256, size)} of a backup."""
        with open(os.path.join(self.repo, "backups", name)) as file:
            lines = [line.split() for line in file if line.startswith("file ")]
        return {words[5]: (words[4], int(words[1])) for words in lines}

    def names(self):
        return [backup["name"] for backup in json.loads(run("list", self.repo, "--json"))]


def killed_restores(place, args, data, calls, check_served):
    """A restore to the directory `data` is killed at each step: (how often no server started from
    what was left, how often one did, which check_served was given)."""
    refused = served = 0

    def renew():
        shutil.rmtree(os.path.dirname(data), ignore_errors=True)
        os.mkdir(os.path.dirname(data))

    def check(*_):
        nonlocal refused, served
        before = tree(data)
        if not before or list(before) == ["hearth.mark.unfinished"]:
            return  # as an empty directory
        if "CURRENT" in before:
            again = place.serve(os.path.dirname(data))
            check_served(again, before)
            again.stop()
            served += 1
            return
        refused += 1
        started = subprocess.run(place.server.command_line(data), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert started.returncode != 0, started.stdout
        assert b"CURRENT file is missing" in started.stdout, started.stdout
        after = tree(data)
        assert {name: after.get(name) for name in before} == before, "it deletes nothing"

    at_each_step(args, kill, renew, check, calls)
    return refused, served


def tree(path):
    """Everything below: {relative path: contents}."""
    found = {}
    for at, folders, names in os.walk(path):
        for name in folders + names:
            whole = os.path.join(at, name)
            contents = None
            if os.path.isfile(whole):
                with open(whole, "rb") as file:
                    contents = file.read()
            found[os.path.relpath(whole, path)] = contents
    return found


def files_of(path):
    return {name: data for name, data in tree(path).items() if data is not None}


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def digest(server):
    return server.call("DEBUG", "DIGEST")


def run_tests(tests):
    """Those that the command line names, or all."""
    chosen = [test for test in tests if test.__name__ in sys.argv[2:]] or tests
    for test in chosen:
        print(test.__name__, flush=True)
        test()
    print("%d tests passed" % len(chosen))
