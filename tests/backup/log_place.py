"""A place for one test of archived logs: its server keeps its log, in many files."""

import datetime
import os
import re
import shutil
import sys

import backup_repo
from place import Place, digest
from resp import wait_until
from tool import run

LOG_ARGS = ["--wal-retain", "yes", "--write-buffer-size", "300000"]
ARCHIVED = re.compile(r"(\S+): archived (\d+) bytes of (\d+) files, to sequence (\d+), "
                      r"in [\d.]+ s\n")


NO_BACKUP = "this log goes on from none of the backups: make a new one"


class Archived:
    """What an archive tells."""

    def __init__(self, text):
        match = ARCHIVED.fullmatch(text)
        assert match, text
        self.identity = match[1]
        self.bytes, self.files, self.sequence = (int(match[i]) for i in (2, 3, 4))


class Point:
    """Where a server stands, while nothing is written to it."""

    def __init__(self, server):
        client = server.client()
        self.seq = int(server.info("persistence")["committed_seq"])
        self.digest, self.keys = digest(server), client.call("DBSIZE")
        seconds, micros = now = tuple(map(int, client.call("TIME")))
        self.time = time_text(seconds, micros // 1000)
        # What comes next is of another millisecond.
        wait_until(lambda: tuple(map(int, client.call("TIME"))) > (now[0], now[1] + 1000), "clock")
        client.close()


def time_text(seconds, millis=0):
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return "%s.%03dZ" % (at.strftime("%Y-%m-%dT%H:%M:%S"), millis)


class LogPlace(Place):
    def __init__(self, *args, **more):
        super().__init__(*LOG_ARGS, *args, **more)
        self.restored_count = 0

    def archive_args(self):
        return ["archive", self.repo, "--socket", self.server.path]

    def archive(self, warning=None):
        return Archived(run(*self.archive_args(), warning=warning))

    def point(self):
        return Point(self.server)

    def until_args(self, name, until, folder, *args):
        return ["restore", self.repo, name, folder, "--until", str(until), "--server", sys.argv[1],
                *args]

    def restore(self, name, until, *args, warning=None):
        """A server that serves what was restored, and what the restore told."""
        self.restored_count += 1
        folder = self.at("restored%d" % self.restored_count)
        os.mkdir(folder)
        told = run(*self.until_args(name, until, os.path.join(folder, "data"), *args),
                   warning=warning)
        assert sorted(os.listdir(folder)) == ["data"]
        assert "recovery" not in os.listdir(os.path.join(folder, "data"))
        return self.serve(folder), told

    def check(self, name, until, point, *args, warning=None):
        """That a restore brings the point; what it told."""
        server, told = self.restore(name, until, *args, warning=warning)
        assert server.call("DEBUG", "VERIFY-STORE") == "OK", told
        assert (digest(server), server.call("DBSIZE")) == (point.digest, point.keys), (until, told)
        server.stop()
        shutil.rmtree(server.folder)
        return told

    def refused(self, name, until, *args):
        """The error of a restore that fails and leaves nothing."""
        told = run(*self.until_args(name, until, self.at("x"), *args), code=1)
        assert not os.path.exists(self.at("x"))
        return told

    def log(self, identity=None):
        """The only one, or this one."""
        if identity is None:
            (identity,) = os.listdir(os.path.join(self.repo, "logs"))
        return backup_repo.Repo(self.repo).read_log(identity)

    def write_log(self, log):
        with open(os.path.join(self.repo, "logs", log.identity), "wb") as file:
            file.write(log.encode())

    def used(self):
        """The blobs that something names."""
        repo = backup_repo.Repo(self.repo)
        return repo.used(repo.names(), repo.logs())
