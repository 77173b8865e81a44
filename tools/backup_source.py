"""Where a backup's files come from: a server that is asked for a snapshot, and a snapshot's files.

Connection: a RESP2 client for the few commands that are needed. Source: a server's snapshots.
Snapshot: one of them, opened; its format stands in engine/checkpoint.h.

A server removes its older snapshots while newer ones are made. Snapshot.hold() opens the files
before any is copied: what is open can be read to its end though its name is gone, on any file
system, and nothing is left behind when the tool is killed. Files beyond the limit of open files
are opened when their turn comes. Vanished: a name was gone already; the newest snapshot is next.
"""

import contextlib
import dataclasses
import datetime
import errno
import os
import re
import resource
import socket
import time

from backup_repo import FILE_NAME, BackupError, file_tail, need_xxhash, xxhash

REPLY_TIMEOUT_S = 60
LOOK_SECONDS = 0.05  # between two looks whether the server has done
SAVE_TRIES = 100  # another BGSAVE may begin first, again and again
REPLY_SIZE_MAX = 16 << 20
FILES_LEFT_FREE = 16  # file descriptors beside those of a snapshot
SNAPSHOT_HEADER = "hearth-snapshot 1"
NO_REPLICATION_ID = "0" * 40


class Vanished(BackupError):
    """A snapshot was removed before its files were open."""


class Refused(BackupError):
    """The server answered an error."""


class Connection:
    def __init__(self, options):
        self.where = options.socket or "%s:%d" % (options.host, options.port)
        try:
            if options.socket:
                self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self.socket.settimeout(REPLY_TIMEOUT_S)
                self.socket.connect(options.socket)
            else:
                self.socket = socket.create_connection((options.host, options.port),
                                                       REPLY_TIMEOUT_S)
        except OSError as error:
            raise BackupError("cannot connect to %s: %s" %
                              (self.where, error.strerror or error)) from None
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def call(self, *words):
        request = b"*%d\r\n" % len(words)
        for word in words:
            word = word.encode("utf-8", "surrogateescape")
            request += b"$%d\r\n%s\r\n" % (len(word), word)
        try:
            self.socket.sendall(request)
            reply = self.read()
        except (OSError, ValueError) as error:
            raise BackupError("the connection to %s broke: %s" % (self.where, error)) from None
        if isinstance(reply, Refused):
            raise Refused("the server refuses %s: %s" % (words[0], reply))
        return reply

    def read(self):
        line = self.file.readline(REPLY_SIZE_MAX)
        kind, rest = line[:1], line[1:].strip().decode("utf-8", "surrogateescape")
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refused(rest)
        if kind == b":":
            return int(rest)
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        if kind != b"$" or not -1 <= int(rest) <= REPLY_SIZE_MAX:
            raise ConnectionError("this is no RESP" if line else "it was closed")
        data = self.file.read(max(0, int(rest) + 2))
        return data[:-2].decode("utf-8", "surrogateescape")

    def log_in(self, user, password):
        if password is not None:
            self.call("AUTH", *([user] if user else []), password)
        elif user:
            raise BackupError("--user needs a password: --password-file or HEARTH_PASSWORD")

    def info(self, section):
        text = self.call("INFO", section)
        return dict(re.findall(r"^([^#:\r\n]+):([^\r\n]*)", text, re.M))

    def config(self, name):
        reply = self.call("CONFIG", "GET", name)
        return reply[1] if reply else ""

    def absolute(self, folder, advice):
        """A folder as the server names it."""
        if os.path.isabs(folder):
            return folder
        pid = self.info("server").get("process_id", "")
        try:
            return os.path.join(os.readlink("/proc/%d/cwd" % int(pid)), folder)
        except (OSError, ValueError):
            raise BackupError("%s is relative to the server's folder, which cannot be told: %s" %
                              (folder, advice)) from None


class Source:
    """A server's snapshots from now on."""

    def __init__(self, connection):
        self.connection = connection
        self.replication_ids = set()
        self.sequence_min = 0
        self.note_history()

    def note_history(self):
        info = self.connection.info("replication")
        self.replication_ids |= {info.get("master_replid"), info.get("master_replid2")}
        self.replication_ids -= {None, NO_REPLICATION_ID}

    def save(self):
        """Returns when a snapshot holds everything that was committed before the call."""
        self.sequence_min = int(self.connection.info("persistence").get("committed_seq", 0))
        for _ in range(SAVE_TRIES):
            self.wait_for_save()
            try:
                self.connection.call("BGSAVE")
                break
            except Refused as refusal:
                if "already in progress" not in str(refusal):
                    raise
        else:
            raise BackupError("another BGSAVE is always in progress")
        if self.wait_for_save()["rdb_last_bgsave_status"] != "ok":
            raise BackupError("the server's BGSAVE failed: its log says why")
        self.note_history()  # a promotion changes the id

    def wait_for_save(self):
        while True:
            info = self.connection.info("persistence")
            if info.get("rdb_bgsave_in_progress") != "1":
                return info
            time.sleep(LOOK_SECONDS)  # nothing tells when it ends

    def folder(self):
        folder = self.connection.config("snapshot-dir")
        if not folder:
            folder = os.path.join(self.connection.config("dir"), "snapshots")
        return self.connection.absolute(folder, "is this its host and user? --snapshot names one")

    def newest_snapshot(self):
        """The newest that save() has ensured, opened."""
        folder, newest = self.folder(), None
        try:
            paths = [entry.path for entry in os.scandir(folder)]
        except OSError as error:
            raise BackupError("cannot read the server's snapshots in %s: %s: run on its host, "
                              "as its user" % (folder, error.strerror)) from None
        for path in paths:
            if path.endswith(".unfinished"):
                continue
            try:
                snapshot = Snapshot(path)
            except BackupError:
                continue
            wanted = (snapshot.fields["replication-id"] in self.replication_ids and
                      snapshot.sequence >= self.sequence_min)
            if wanted and (newest is None or snapshot.order() > newest.order()):
                snapshot, newest = newest, snapshot
            if snapshot is not None:
                snapshot.close()
        if newest is None:
            raise BackupError("%s holds no snapshot that this server has just made: run on its "
                              "host" % folder)
        return newest


@dataclasses.dataclass(frozen=True)
class SnapshotFile:
    name: str
    size: int
    xxh3: str


class Snapshot:
    """A snapshot's directory, opened, and what its manifest says."""

    def __init__(self, path):
        self.path = path
        self.fds = {}
        try:
            self.folder_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise BackupError("cannot open %s: %s" % (path, error.strerror)) from None
        try:
            with open(self.open_file("SNAPSHOT"), "rb") as file:
                manifest = file.read()
            self.parse(manifest.decode())
        except Vanished:
            self.close()
            raise BackupError("%s is not a snapshot: it has no SNAPSHOT" % path) from None
        except (OSError, ValueError) as error:
            self.close()
            raise BackupError("the SNAPSHOT in %s cannot be read: %s" % (path, error)) from None
        need_xxhash()
        self.files.append(SnapshotFile("SNAPSHOT", len(manifest),
                                       xxhash.xxh3_64_hexdigest(manifest)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for fd in [self.folder_fd, *self.fds.values()]:
            os.close(fd)
        self.fds = {}

    def parse(self, text):
        self.fields, self.files = {}, []
        lines = text.split("\n")
        if lines[0] != SNAPSHOT_HEADER or lines[-2:] != ["end", ""]:
            raise ValueError("it is not whole or of another version")
        for line in lines[1:-2]:
            word, _, value = line.partition(" ")
            if word != "file":
                self.fields[word] = value
                continue
            size, xxh3, name = value.split(" ")
            if not FILE_NAME.fullmatch(name) or name == "SNAPSHOT":
                raise ValueError("a file's name is %r" % name)
            self.files.append(SnapshotFile(name, int(size), xxh3))
        for name in ("CURRENT", "hearth.mark"):  # a restore goes by them
            if name not in [file.name for file in self.files]:
                raise ValueError("it lists no %s" % name)
        for word in ("sequence", "time-ms", "keys", "replication-id"):
            if word not in self.fields:
                raise ValueError("it tells no %s" % word)
        self.sequence = int(self.fields["sequence"])
        self.time_ms = int(self.fields["time-ms"])

    def order(self):
        return self.time_ms, self.sequence

    def name(self):
        time_of = datetime.datetime.fromtimestamp(self.time_ms // 1000, datetime.timezone.utc)
        return "%s-%d" % (time_of.strftime("%Y%m%dT%H%M%SZ"), self.sequence)

    def open_file(self, name):
        try:
            return os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.folder_fd)
        except FileNotFoundError:
            raise Vanished("%s in %s is gone: the server may have removed the snapshot" %
                           (name, self.path)) from None

    def hold(self):
        """Opens as many files as may be open."""
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        spare = [os.dup(self.folder_fd) for _ in range(FILES_LEFT_FREE)]
        try:
            for file in self.files:
                self.fds[file.name] = self.open_file(file.name)
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        finally:
            for fd in spare:
                os.close(fd)

    @contextlib.contextmanager
    def opened(self, file):
        """A file descriptor of a file that has the size that the manifest tells."""
        fd = self.fds.get(file.name)
        held = fd is not None
        if not held:
            fd = self.open_file(file.name)
        try:
            size = os.fstat(fd).st_size
            if size != file.size:
                raise BackupError("%s/%s is damaged: it has %d bytes, %d by SNAPSHOT" %
                                  (self.path, file.name, size, file.size))
            yield fd
        finally:
            if not held:
                os.close(fd)

    def tail(self, file):
        with self.opened(file) as fd:
            return file_tail(fd, file.size)
