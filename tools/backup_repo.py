"""A repository of backups: a plain directory that any tool may copy.

  REPO/
    REPO                         "hearth-backup-repo 1\\n"
    backups/<name>               one backup; written last: what it names is on the disk by then
    logs/<identity>              what is archived of a store's write-ahead log; written last, too
    blobs/<2 hex>/<64 hex>       a file of a snapshot, whole, or a segment; <64 hex>: its SHA-256
    REPO.unfinished              what is being written; gone with the next create or prune
  name    = <UTC time>-<sequence>                      as in 20260102T030405Z-12345
  backup  = "hearth-backup 1\\n" field* file* "sha256 " hex "\\n"       of all before this line
  field   = ("sequence" | "time-ms" | "keys" | "replication-id" | "note") " " value "\\n"
  file    = "file " size-bytes " " xxh3-64:hex " " tail:hex " " sha256:hex " " name "\\n"
  tail    = the SHA-256 of the file's last 64 KiB
  identity = the store's, from its IDENTITY: file numbers and sequences are of that store
  log     = "hearth-log 1\n" mark* segment* "sha256 " hex "\n"        of all before this line
  mark    = ("sequence" | "time-ms" | "databases" | "replication-ids" | "gaps") " " value "\n"
  segment = "segment " number " " first-seq " " from " " size-bytes " " tail " " sha256 "\n"

A segment is a part of the log file <number>.log, from an offset on; a file's segments follow one
another. first-seq: the file's first sequence as far as that was written by then, or 0. tail: of
the file up to the segment's end; by it the next archive knows the file. The log holds everything
up to "sequence", which was committed by "time-ms", and perhaps more; but of "gaps" each is the
first sequence that may lack, up to the next file that begins behind it. A file that grows gets many
small segments: what is not longer than what follows it is joined to that, so that they stay few.

A blob is written as REPO.unfinished, synced and renamed; so is a backup, once the folders of its
blobs are synced; so is a log's file, over the one before it. A create or archive that fails removes
the blobs that it added; a killed one leaves whole blobs, which the next create finds or a prune
removes.

Reuse: a file is taken for a blob that is there, without being read, when one of the newest backups
lists its name, size, XXH3-64 and tail. The name alone would not do: a restored or another store
counts its table files anew. Nor would the manifest's XXH3-64, which is there to find damage, and
which the server need not have made of this file anew. So the end of the file is always read: there
RocksDB keeps the table's properties, with the id of the session that wrote it and its number then,
which no two tables share. A file of up to 64 KiB is read whole by that. What is not reused is
addressed by its SHA-256, and its XXH3-64 is compared with the manifest's in the same read.

Locks: backup_lock.py.
Errors: BackupError, one line. Limits: files are read in pieces of CHUNK_SIZE.
"""

import dataclasses
import fcntl
import hashlib
import os
import re
import sys
import time

from backup_error import BackupError, naming
from backup_lock import lock

try:
    import xxhash
except ImportError:
    xxhash = None

CHUNK_SIZE = 1 << 20
TAIL_SIZE = 64 << 10
REUSED_BACKUPS_MAX = 16  # newest ones whose files are known
FREE_MARGIN_BYTES = 1 << 20  # for folders and the backup file
PROGRESS_EVERY_S = 0.2
REPO_HEADER = b"hearth-backup-repo 1\n"
BACKUP_HEADER = "hearth-backup 1"
LOG_HEADER = "hearth-log 1"
NAME = re.compile(r"(\d{8}T\d{6}Z)-(\d+)")
FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")
IDENTITY = re.compile(r"[0-9A-Fa-f-]{16,64}")


class Progress:
    """A line on stderr that is written over, when that is a terminal."""

    def __init__(self, verb, size_bytes):
        self.verb, self.size, self.done = verb, size_bytes, 0
        self.shown_at = time.monotonic() if sys.stderr.isatty() else None

    def add(self, size_bytes):
        self.done += size_bytes
        if self.shown_at is not None and time.monotonic() - self.shown_at >= PROGRESS_EVERY_S:
            self.shown_at = time.monotonic()
            sys.stderr.write("\r%s %d of %d MB\x1b[K" % (self.verb, self.done >> 20,
                                                        self.size >> 20))
            sys.stderr.flush()


def need_xxhash():
    if xxhash is None:
        raise BackupError("the Python package xxhash is missing: apt-get install python3-xxhash")


def end_progress():
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def tell(text):
    end_progress()
    print("backup: " + text, file=sys.stderr)


def sync_folder(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def check_space(path, size_bytes):
    """path: a folder, or one still to be made in a folder."""
    path = os.path.realpath(path)
    stat = os.statvfs(path if os.path.isdir(path) else os.path.dirname(path))
    free = stat.f_bavail * stat.f_frsize
    if free < size_bytes + FREE_MARGIN_BYTES:
        raise BackupError("not enough space for %s: %d bytes are needed, %d are free" %
                          (path, size_bytes + FREE_MARGIN_BYTES, free))


def file_tail(fd, size):
    """The tail of an open file's first bytes, as the grammar has it."""
    at, digest = max(0, size - TAIL_SIZE), hashlib.sha256()
    while chunk := os.pread(fd, size - at, at):
        at += len(chunk)
        digest.update(chunk)
    return digest.hexdigest()


def write_all(fd, data):
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest):]


def stream(fd, path, progress, sink=None):
    """Reads to the end; (size, xxh3, sha256). path: what errors call it. sink: gets a copy."""
    size, xxh3, sha256 = 0, xxhash.xxh3_64(), hashlib.sha256()
    while True:
        with naming(path):
            chunk = os.read(fd, CHUNK_SIZE)
        if not chunk:
            return size, xxh3.hexdigest(), sha256.hexdigest()
        size += len(chunk)
        xxh3.update(chunk)
        sha256.update(chunk)
        progress.add(len(chunk))
        if sink is not None:
            write_all(sink, chunk)


def seal(lines):
    text = "\n".join(lines + [""]).encode()
    return text + b"sha256 %s\n" % hashlib.sha256(text).hexdigest().encode()


def unseal(data, header):
    """(first word, rest) of each line behind the header. ValueError when any byte has changed."""
    text, mark, digest = data.rpartition(b"sha256 ")
    if not mark or digest != hashlib.sha256(text).hexdigest().encode() + b"\n":
        raise ValueError("its checksum is wrong")
    lines = text.decode().split("\n")
    if lines[0] != header or lines[-1]:
        raise ValueError("its version is not known")
    for line in lines[1:-1]:
        word, _, value = line.partition(" ")
        yield word, value


@dataclasses.dataclass(frozen=True)
class File:
    name: str
    size: int
    xxh3: str
    tail: str
    sha256: str

    def line(self):
        return "file %d %s %s %s %s" % (self.size, self.xxh3, self.tail, self.sha256, self.name)


@dataclasses.dataclass
class Backup:
    name: str
    fields: dict  # by the grammar's names; values are text
    files: list

    def size_bytes(self):
        return sum(file.size for file in self.files)

    def encode(self):
        return seal([BACKUP_HEADER] + ["%s %s" % field for field in self.fields.items()] +
                    [file.line() for file in self.files])


def decode_backup(name, data):
    backup = Backup(name, {}, [])
    for word, value in unseal(data, BACKUP_HEADER):
        if word != "file":
            backup.fields[word] = value
            continue
        size, xxh3, tail, sha256, file_name = value.split(" ")
        if not SHA256.fullmatch(sha256) or not FILE_NAME.fullmatch(file_name):
            raise ValueError("a file's line is wrong")
        backup.files.append(File(file_name, int(size), xxh3, tail, sha256))
    return backup


@dataclasses.dataclass(frozen=True)
class Segment:
    number: int
    first_seq: int
    begin: int
    size: int
    tail: str
    sha256: str

    def end(self):
        return self.begin + self.size

    def line(self):
        return "segment %d %d %d %d %s %s" % dataclasses.astuple(self)


@dataclasses.dataclass
class LogFile:
    """One file of the log, as far as it is archived."""

    number: int
    segments: list

    def name(self):
        return "%06d.log" % self.number

    def size(self):
        return self.segments[-1].end()

    def first_seq(self):
        return self.segments[-1].first_seq


@dataclasses.dataclass
class Log:
    identity: str
    marks: dict  # by the grammar's names; values are text
    files: list  # LogFile, by number

    def sequence(self):
        return int(self.marks["sequence"])

    def time_ms(self):
        return int(self.marks["time-ms"])

    def first_seq(self):
        """sequence() + 1 when nothing is there."""
        return next((f.first_seq() for f in self.files if f.first_seq()), self.sequence() + 1)

    def gaps(self):
        return [int(word) for word in self.marks.get("gaps", "").split()]

    def segments(self):
        return [segment for file in self.files for segment in file.segments]

    def size_bytes(self):
        return sum(file.size() for file in self.files)

    def encode(self):
        return seal([LOG_HEADER] + ["%s %s" % mark for mark in self.marks.items()] +
                    [segment.line() for segment in self.segments()])


def decode_log(identity, data):
    log = Log(identity, {}, [])
    for word, value in unseal(data, LOG_HEADER):
        if word != "segment":
            log.marks[word] = value
            continue
        *numbers, tail, sha256 = value.split(" ")
        segment = Segment(*map(int, numbers), tail, sha256)
        if not log.files or log.files[-1].number < segment.number:
            log.files.append(LogFile(segment.number, []))
        file = log.files[-1]
        begin = file.size() if file.segments else 0
        if (segment.number, segment.begin) != (file.number, begin) or not SHA256.fullmatch(sha256):
            raise ValueError("a segment's line is wrong")
        file.segments.append(segment)
    log.sequence(), log.time_ms(), log.gaps()
    return log


class Repo:
    """An open repository; holds its lock until close()."""

    def __init__(self, path, lock_fd=None):
        self.path = path
        self.lock_fd = lock_fd
        self.folders_to_sync = set()
        self.added = set()  # blobs that were not there before

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.lock_fd is not None:
            os.close(self.lock_fd)

    # Paths.

    def at(self, *names):
        return os.path.join(self.path, *names)

    def blob_path(self, sha256):
        return self.at("blobs", sha256[:2], sha256)

    def unfinished(self):
        return self.at("REPO.unfinished")

    # Backups.

    def names(self):
        """The oldest first: by time, then by sequence."""
        try:
            names = os.listdir(self.at("backups"))
        except FileNotFoundError:
            return []
        matches = [match for match in map(NAME.fullmatch, names) if match]
        return [m[0] for m in sorted(matches, key=lambda m: (m[1], int(m[2])))]

    def resolve(self, name):
        names = self.names()
        if name == "latest" and names:
            return names[-1]
        if name not in names:
            raise BackupError("%s holds no backup %s" % (self.path, name))
        return name

    def read(self, name):
        return self.decoded(self.at("backups", name), decode_backup)

    def decoded(self, path, decode):
        with open(path, "rb") as file:
            data = file.read()
        try:
            return decode(os.path.basename(path), data)
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError("%s is damaged: %s" % (path, error)) from None

    def sync_blobs(self, folder):
        """Before a file of this folder names them."""
        for blob_folder in self.folders_to_sync:
            sync_folder(blob_folder)
        os.makedirs(self.at(folder), exist_ok=True)
        sync_folder(self.path)

    def write_backup(self, backup):
        self.sync_blobs("backups")
        path = self.at("backups", backup.name)
        is_new = not os.path.exists(path)
        try:
            self.write_whole(path, backup.encode())
        except BaseException:
            if is_new and os.path.exists(path):  # renamed, but nobody knows whether on the disk
                os.unlink(path)
            raise

    def write_whole(self, path, data):
        with naming(self.unfinished()), open(self.unfinished(), "wb", buffering=0) as file:
            write_all(file.fileno(), data)
            os.fsync(file.fileno())
        os.replace(self.unfinished(), path)
        sync_folder(os.path.dirname(path))

    def known_files(self):
        """Of the newest backups; a damaged one tells nothing. verify and list tell of it."""
        known = {}
        for name in self.names()[-REUSED_BACKUPS_MAX:]:
            try:
                files = self.read(name).files
            except BackupError:
                continue
            known.update(((f.name, f.size, f.xxh3, f.tail), f.sha256) for f in files)
        return known

    # Logs.

    def identities(self):
        try:
            return sorted(filter(IDENTITY.fullmatch, os.listdir(self.at("logs"))))
        except FileNotFoundError:
            return []

    def read_log(self, identity):
        return self.decoded(self.at("logs", identity), decode_log)

    def logs(self):
        return [self.read_log(identity) for identity in self.identities()]

    def write_log(self, log):
        """Should this fail at the very end, the new one may stand: it is true and whole."""
        self.sync_blobs("logs")
        self.write_whole(self.at("logs", log.identity), log.encode())

    def remove_log(self, identity):
        os.unlink(self.at("logs", identity))
        sync_folder(self.at("logs"))  # before its blobs go

    # Blobs.

    def has_blob(self, sha256, size):
        try:
            return os.stat(self.blob_path(sha256)).st_size == size
        except FileNotFoundError:
            return False

    def add_blob(self, fd, path, progress):
        """Copies an open file from where it stands; (size, xxh3, sha256, whether it is new)."""
        return self.put_blob(lambda sink: stream(fd, path, progress, sink))

    def put_blob(self, fill):
        """fill(fd) writes it and returns (size, xxh3, sha256); these, and whether it is new."""
        with naming(self.unfinished()), open(self.unfinished(), "wb", buffering=0) as sink:
            size, xxh3, sha256 = fill(sink.fileno())
            folder = os.path.dirname(self.blob_path(sha256))
            self.folders_to_sync.add(folder)  # a killed create may not have come to it
            if self.has_blob(sha256, size):
                return size, xxh3, sha256, False
            os.fsync(sink.fileno())
        if not os.path.isdir(folder):
            os.makedirs(folder)
            self.folders_to_sync.add(self.at("blobs"))
        os.replace(self.unfinished(), self.blob_path(sha256))
        self.added.add(sha256)
        return size, xxh3, sha256, True

    def check_blob(self, sha256, size, xxh3, progress):
        """Reads it from the disk; what is wrong with it, or None. xxh3: None for a segment."""
        path = self.blob_path(sha256)
        if not os.path.exists(path):
            return "is missing"
        try:
            with naming(path), open(path, "rb", buffering=0) as file:
                # What the system remembers of it may be better than what the disk has.
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                read_size, read_xxh3, read_sha256 = stream(file.fileno(), path, progress)
        except BackupError as error:
            return "cannot be read: %s" % error
        if read_size != size:
            return "has %d bytes instead of %d" % (read_size, size)
        good = read_sha256 == sha256 and xxh3 in (read_xxh3, None)
        return None if good else "has another checksum"

    def blobs(self):
        """(sha256, size) of every one that is there. What else lies there is not ours."""
        for folder in range(256):
            folder = "%02x" % folder
            try:
                entries = list(os.scandir(self.at("blobs", folder)))
            except FileNotFoundError:
                continue
            for entry in entries:
                if SHA256.fullmatch(entry.name) and entry.name[:2] == folder:
                    yield entry.name, entry.stat().st_size

    # What goes.

    def used(self, names, logs):
        """The blobs of these; an error when a backup can't be read: nobody knows its blobs."""
        return ({file.sha256 for name in names for file in self.read(name).files} |
                {segment.sha256 for log in logs for segment in log.segments()})

    def named(self, sha256s):
        """Those of them that a backup or a log names. Reads them all, but takes none apart."""
        found = set()
        for folder, names in (("backups", self.names()), ("logs", self.identities())):
            for name in names:
                with open(self.at(folder, name), "rb") as file:
                    data = file.read()
                found |= {sha256 for sha256 in sha256s if sha256.encode() in data}
        return found

    def remove_backups(self, names):
        for name in names:
            os.unlink(self.at("backups", name))
        if names:
            sync_folder(self.at("backups"))  # before their blobs go

    def remove_blobs(self, candidates, used, dry_run=False):
        """Those of the candidates, (sha256, size), that are not used; how many, and their bytes."""
        count = size_bytes = 0
        for sha256, size in candidates:
            if sha256 in used:
                continue
            count, size_bytes = count + 1, size_bytes + size
            if not dry_run:
                os.unlink(self.blob_path(sha256))
        return count, size_bytes

    def give_up(self):
        """After a failure: what was written for nothing goes, as far as that can be told."""
        self.remove_unfinished()
        try:
            self.remove_blobs([(sha256, 0) for sha256 in self.added],
                              self.used(self.names(), self.logs()))
        except (BackupError, OSError):
            pass  # a prune will

    def remove_unfinished(self):
        try:
            os.unlink(self.unfinished())
        except FileNotFoundError:
            pass


def begin_repo(repo):
    """An empty directory, or one where this was cut short, becomes a repository."""
    names = os.listdir(repo.path)
    if names == ["REPO.unfinished"]:
        with open(repo.unfinished(), "rb") as file:
            if REPO_HEADER.startswith(file.read(len(REPO_HEADER) + 1)):
                names = []
    if names:
        raise BackupError("%s is neither empty nor a repository of backups" % repo.path)
    repo.write_whole(repo.at("REPO"), REPO_HEADER)


def check_format(repo):
    try:
        with open(repo.at("REPO"), "rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return False
    if header != REPO_HEADER:
        raise BackupError("%s has a format that this version does not know: %r" %
                          (repo.path, header.split(b"\n")[0].decode("latin-1")))
    return True


def open_repo(path, operation=None, make=False):
    """operation: fcntl.LOCK_EX, LOCK_SH or None. make: begins one where nothing is."""
    if make and not os.path.exists(path):
        os.mkdir(path, 0o700)
        sync_folder(os.path.dirname(os.path.abspath(path)))
    if not os.path.exists(path):
        raise BackupError("%s is not there" % path)
    repo = Repo(path, lock(path, operation) if operation is not None else None)
    try:
        if not check_format(repo):
            if not make:
                raise BackupError("%s is not a repository of backups" % path)
            begin_repo(repo)
        if operation == fcntl.LOCK_EX:
            repo.remove_unfinished()
    except BaseException:
        repo.__exit__()
        raise
    return repo
