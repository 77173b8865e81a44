"""A repository of backups: a plain directory that any tool may copy.

  REPO/
    REPO                         "hearth-backup-repo 1\\n"
    backups/<name>               one backup; written last: what it names is on the disk by then
    blobs/<2 hex>/<64 hex>       a file of a snapshot, whole; <64 hex> is its SHA-256
    REPO.unfinished              what is being written; gone with the next create or prune
  name    = <UTC time>-<sequence>                      as in 20260102T030405Z-12345
  backup  = "hearth-backup 1\\n" field* file* "sha256 " hex "\\n"       of all before this line
  field   = ("sequence" | "time-ms" | "keys" | "replication-id" | "note") " " value "\\n"
  file    = "file " size-bytes " " xxh3-64:hex " " tail:hex " " sha256:hex " " name "\\n"
  tail    = the SHA-256 of the file's last 64 KiB

A blob is written as REPO.unfinished, synced and renamed; so is a backup, once the folders of its
blobs are synced. A create that fails removes the blobs that it added; a killed one leaves whole
blobs, which the next create finds or a prune removes.

Reuse: a file is taken for a blob that is there, without being read, when one of the newest backups
lists its name, size, XXH3-64 and tail. The name alone would not do: a restored or another store
counts its table files anew. Nor would the manifest's XXH3-64, which is there to find damage, and
which the server need not have made of this file anew. So the end of the file is always read: there
RocksDB keeps the table's properties, with the id of the session that wrote it and its number then,
which no two tables share. A file of up to 64 KiB is read whole by that. What is not reused is
addressed by its SHA-256, and its XXH3-64 is compared with the manifest's in the same read.

Locks: flock on the directory itself; exclusive for what writes, shared for what reads blobs. Who
copies a repository in use: `flock -s REPO rsync ...`.
Errors: BackupError, one line. Limits: files are read in pieces of CHUNK_SIZE.
"""

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import os
import re
import sys
import time

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
NAME = re.compile(r"(\d{8}T\d{6}Z)-(\d+)")
FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")


class BackupError(Exception):
    """What the user is told, in one line."""


@contextlib.contextmanager
def naming(path):
    """What fails within tells of this path."""
    try:
        yield
    except OSError as error:
        raise BackupError("%s: %s" % (path, error.strerror or error)) from None


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
    """The tail of an open file, as the grammar has it."""
    at, digest = max(0, size - TAIL_SIZE), hashlib.sha256()
    while chunk := os.pread(fd, TAIL_SIZE, at):
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
        lines = [BACKUP_HEADER] + ["%s %s" % field for field in self.fields.items()]
        text = "\n".join(lines + [file.line() for file in self.files] + [""]).encode()
        return text + b"sha256 %s\n" % hashlib.sha256(text).hexdigest().encode()


def decode_backup(name, data):
    """Raises ValueError when any byte is not as it was written."""
    text, mark, digest = data.rpartition(b"sha256 ")
    if not mark or digest != hashlib.sha256(text).hexdigest().encode() + b"\n":
        raise ValueError("its checksum is wrong")
    lines = text.decode().split("\n")
    if lines[0] != BACKUP_HEADER or lines[-1]:
        raise ValueError("its version is not known")
    backup = Backup(name, {}, [])
    for line in lines[1:-1]:
        word, _, value = line.partition(" ")
        if word != "file":
            backup.fields[word] = value
            continue
        size, xxh3, tail, sha256, file_name = value.split(" ")
        if not SHA256.fullmatch(sha256) or not FILE_NAME.fullmatch(file_name):
            raise ValueError("a file's line is wrong")
        backup.files.append(File(file_name, int(size), xxh3, tail, sha256))
    return backup


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
        path = self.at("backups", name)
        with open(path, "rb") as file:
            data = file.read()
        try:
            return decode_backup(name, data)
        except ValueError as error:
            raise BackupError("%s is damaged: %s" % (path, error)) from None

    def write_backup(self, backup):
        for folder in self.folders_to_sync:
            sync_folder(folder)
        os.makedirs(self.at("backups"), exist_ok=True)
        sync_folder(self.path)
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

    # Blobs.

    def has_blob(self, sha256, size):
        try:
            return os.stat(self.blob_path(sha256)).st_size == size
        except FileNotFoundError:
            return False

    def add_blob(self, fd, path, progress):
        """Copies an open file from where it stands; (size, xxh3, sha256, whether it is new)."""
        with naming(self.unfinished()), open(self.unfinished(), "wb", buffering=0) as sink:
            size, xxh3, sha256 = stream(fd, path, progress, sink.fileno())
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
        """Reads it from the disk; what is wrong with it, or None."""
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
        return None if (read_xxh3, read_sha256) == (xxh3, sha256) else "has another checksum"

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

    def used(self, names):
        """The blobs of these backups; an error when one can't be read: nobody knows its blobs."""
        return {file.sha256 for name in names for file in self.read(name).files}

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
            self.remove_blobs([(sha256, 0) for sha256 in self.added], self.used(self.names()))
        except (BackupError, OSError):
            pass  # a prune will

    def remove_unfinished(self):
        try:
            os.unlink(self.unfinished())
        except FileNotFoundError:
            pass


def lock(path, operation):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except NotADirectoryError:
        raise BackupError("%s is not a directory" % path) from None
    try:
        fcntl.flock(fd, operation | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise BackupError("%s is in use by another run of this tool" % path) from None
        raise BackupError("cannot lock %s: %s" % (path, error.strerror)) from None
    return fd


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
