"""A server's write-ahead log: where its files are, what of them is archived, what a restore needs.

  <wal-dir>/NNNNNN.log                live: a file only grows, and only the newest one
  <wal-dir>/replication/NNNNNN.log    kept by `wal-retain yes` once it is flushed, by a rename

A file is of blocks of 32 KB, these of records: 7 bytes of header (checksum:4 size:2 kind:1), then
a group or a part of one. A group begins with its first sequence:8 and its count of rows:4. Numbers
are little-endian. Format: RocksDB's wiki, "Write Ahead Log File Format". A live file may end within
a record; the next archive goes on there. What is archived was synced first: else the server's disk
might lose what a restore brings.

Which bytes are new is told by sizes. That a file is the one that was archived is told by its tail;
segments that are joined with new bytes are read from the server once more, and compared.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import os
import re
import struct
import time

from backup_repo import (CHUNK_SIZE, IDENTITY, BackupError, Log, LogFile, Progress, Segment,
                         check_space, file_tail, naming, write_all)
from backup_source import NO_REPLICATION_ID

LOG_FILE_NAME = re.compile(r"(\d+)\.log")
LOG_BLOCK_SIZE = 32768
RECORD_HEADER_SIZE = 7
RECORD_FULL, RECORD_FIRST = 1, 2
GROUP_HEADER_SIZE = 12
HOST_ADVICE = "run on its host, as its user"
IDS_MAX = 256  # histories of a log that are remembered: each start of its server begins one
UNTIL_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,3}))?Z")
UNTIL_SEQUENCE = re.compile(r"0|[1-9]\d{0,17}")


def time_text(time_ms):
    at = datetime.datetime.fromtimestamp(time_ms // 1000, datetime.timezone.utc)
    return "%s.%03dZ" % (at.strftime("%Y-%m-%dT%H:%M:%S"), time_ms % 1000)


# The server's side.

class Gone(BackupError):
    """The server has deleted a file of the log."""


class LogSource:
    """The log of a running server, as it is now."""

    def __init__(self, connection):
        if connection.config("appendonly") != "yes":
            raise BackupError("the server writes no log: CONFIG SET appendonly yes, and in its "
                              "configuration file; then make a new backup")
        if connection.config("wal-retain") != "yes":
            raise BackupError("the server does not keep its write-ahead log until it is archived: "
                              "CONFIG SET wal-retain yes, and in its configuration file")
        self.store = connection.absolute(connection.config("dir"), HOST_ADVICE)
        if os.path.exists(os.path.join(self.store, "SNAPSHOT")):  # it serves a copy of that
            self.store += ".opened"
        wal_dir = connection.config("wal-dir")
        self.folder = connection.absolute(wal_dir, HOST_ADVICE) if wal_dir else self.store
        self.identity = self.read_identity()
        # In this order: what was committed by the time is in what the sequence tells, and that
        # in the files that are listed then.
        time_ms = time.time_ns() // 1000000
        self.sequence = int(connection.info("persistence").get("committed_seq", 0))
        self.marks = {"sequence": str(self.sequence), "time-ms": str(time_ms),
                      "databases": connection.config("databases")}
        told = connection.info("replication")
        self.replication_ids = [told.get("master_replid", "")]
        if told.get("master_replid2", NO_REPLICATION_ID) != NO_REPLICATION_ID:
            # A start has begun a new history: the one before is the log's up to there.
            self.replication_ids.insert(0, "%s@%d" % (
                told["master_replid2"], int(told["second_repl_offset"]) - 1))

    def read_identity(self):
        path = os.path.join(self.store, "IDENTITY")
        try:
            with open(path, encoding="latin-1") as file:
                identity = file.read(100).strip()
        except OSError as error:
            raise BackupError("cannot read %s: %s: %s" %
                              (path, error.strerror, HOST_ADVICE)) from None
        if not IDENTITY.fullmatch(identity):
            raise BackupError("%s holds no identity" % path)
        return identity

    def paths(self, number):
        name = "%06d.log" % number
        return os.path.join(self.folder, name), os.path.join(self.folder, "replication", name)

    def sizes(self):
        """{number: size}, by number; None: it has gone. Only the newest one may hold more by now:
        all are listed before any is looked at, and those but the newest were done with then."""
        numbers = set()
        for folder in (self.folder, os.path.join(self.folder, "replication")):  # as they move
            with naming(folder):
                names = os.listdir(folder)
            numbers |= {int(match[1]) for match in map(LOG_FILE_NAME.fullmatch, names) if match}
        sizes = {}
        for number in sorted(numbers):
            sizes[number] = None
            with contextlib.suppress(Gone), self.opened(number) as fd:
                sizes[number] = os.fstat(fd).st_size
        return sizes

    @contextlib.contextmanager
    def opened(self, number):
        for path in self.paths(number):
            with contextlib.suppress(FileNotFoundError), naming_other_errors(path):
                fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
                break
        else:
            raise Gone("the server has deleted %06d.log of its write-ahead log" % number)
        try:
            yield fd
        finally:
            os.close(fd)


@contextlib.contextmanager
def naming_other_errors(path):
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BackupError("cannot read %s: %s: %s" % (path, error.strerror, HOST_ADVICE)) from None


def read_first_seq(fd, size):
    """0 when no whole sequence stands within the size."""
    wanted = RECORD_HEADER_SIZE + 8
    head = os.pread(fd, wanted, 0)
    if min(size, len(head)) < wanted or head[6] not in (RECORD_FULL, RECORD_FIRST):
        return 0
    return struct.unpack_from("<Q", head, RECORD_HEADER_SIZE)[0]


def read_end_seq(fd, size):
    """The sequence that goes on behind the file's last group; 0 when none can be told."""
    for begin in range((size - 1) // LOG_BLOCK_SIZE * LOG_BLOCK_SIZE, -1, -LOG_BLOCK_SIZE):
        block = os.pread(fd, min(LOG_BLOCK_SIZE, size - begin), begin)
        at = end = 0
        while at + RECORD_HEADER_SIZE <= len(block):
            part_size, kind = struct.unpack_from("<HB", block, at + 4)
            at += RECORD_HEADER_SIZE
            if kind in (RECORD_FULL, RECORD_FIRST):
                head = block[at:at + min(part_size, GROUP_HEADER_SIZE)]
                if len(head) < GROUP_HEADER_SIZE:  # the next block's first record has the rest
                    head += os.pread(fd, GROUP_HEADER_SIZE - len(head),
                                     begin + LOG_BLOCK_SIZE + RECORD_HEADER_SIZE)
                if len(head) == GROUP_HEADER_SIZE:
                    end = sum(struct.unpack("<QI", head))
            at += part_size
        if end:
            return end
    return 0


# Archiving.

@dataclasses.dataclass
class Round:
    """What one archive did."""

    log: Log
    is_first: bool
    byte_count: int = 0
    file_count: int = 0
    gaps: dict = dataclasses.field(default_factory=dict)  # by their first sequence: what they are
    replaced: set = dataclasses.field(default_factory=set)  # blobs of segments that were joined


def archive_log(repo, source):
    """Brings the repository's log up to what the source has; a Round."""
    known = source.identity in repo.identities()
    log = repo.read_log(source.identity) if known else Log(source.identity, {}, [])
    if known and source.sequence < log.sequence():
        raise BackupError("the server stands at sequence %d, its log is archived to %d: %s" %
                          (source.sequence, log.sequence(), other_store(repo, log)))
    files, sizes = {file.number: file for file in log.files}, source.sizes()
    done, next_seq = Round(log, is_first=not log.files), log.sequence() + 1 if log.files else 0
    if log.files and find_gap(repo, log, source, sizes):
        done.gaps[next_seq] = "the server has deleted its write-ahead log from sequence %d on" % (
            next_seq)
    work = [(number, size) for number, size in sizes.items() if is_new(files, number, size)]
    size_bytes = sum((size or 0) - files[number].size() if number in files else size or 0
                     for number, size in work)
    check_space(repo.path, size_bytes)
    progress = Progress("archived", size_bytes)
    before = log.files[-1].number if log.files else None
    for number, size in work:
        try:
            with source.opened(number) as fd:
                if number not in files and before is not None:
                    done.gaps.update(find_break(source, before, fd, size))
                archive_file(repo, log, files.get(number), fd, number, size, progress, done)
            before = number
        except Gone as error:
            before = None
            if log.files:
                done.gaps[next_seq] = "%s before it was archived" % error
    if source.read_identity() != source.identity:
        raise BackupError("the server took over another store meanwhile")
    ids = log.marks.get("replication-ids", "").split()
    gaps = log.gaps() + sorted(done.gaps)
    ids = [i for i in ids if i not in source.replication_ids] + source.replication_ids
    log.marks = dict(source.marks, **{"replication-ids": " ".join(ids[-IDS_MAX:])})
    if gaps:
        log.marks["gaps"] = " ".join(map(str, gaps))
    repo.write_log(log)
    repo.remove_blobs([(sha256, 0) for sha256 in done.replaced], repo.named(done.replaced))
    return done


def other_store(repo, log):
    path = repo.at("logs", log.identity)
    return ("another store's, or an older copy: archive to another repository, or rename %s to "
            "%s-1, which stays a log" % (path, log.identity))


def is_new(files, number, size):
    """The newest known file is looked at though nothing has come: is it still the same? What is
    older, and not known, a prune has removed."""
    if not files:
        return size != 0
    last = next(reversed(files))
    if number in files:
        return size is not None and (number == last or size != files[number].size())
    return size != 0 and number > last


def find_gap(repo, log, source, sizes):
    """Whether files may be missing. When the newest one that is known has gone, others may have
    come and gone behind it. What goes on where the log ends tells that nothing is missing. The
    server deletes the oldest ones first: if it has older ones it took over another store, as by a
    full resync."""
    last = log.files[-1].number
    if sizes.get(last) is not None:
        return False
    if last not in sizes and any(number < last for number, size in sizes.items() if size):
        raise BackupError("the server has no %s, but older files: they are %s" %
                          (log.files[-1].name(), other_store(repo, log)))
    next_seq = 0
    for number in [number for number, size in sizes.items() if number > last and size]:
        with contextlib.suppress(Gone), source.opened(number) as fd:
            next_seq = next_seq or read_first_seq(fd, sizes[number])
    return not 0 < (next_seq or source.sequence + 1) <= log.sequence() + 1


def find_break(source, before, fd, size):
    """What was written without a log, between the file before and this one: {sequence: what}."""
    with contextlib.suppress(Gone), source.opened(before) as before_fd:
        end = read_end_seq(before_fd, os.fstat(before_fd).st_size)
        next_seq = read_first_seq(fd, size)
        if 0 < end < next_seq:
            return {end: "the server wrote without a log from sequence %d to %d" %
                         (end, next_seq - 1)}
    return {}


class Appended:
    """What a file of the log gets: bytes up to a size, in one segment, which takes in those before
    it that are not longer."""

    def __init__(self, segments, size):
        at, self.begin = len(segments), segments[-1].end() if segments else 0
        self.archived, self.size = self.begin, size
        while at and segments[at - 1].size <= size - self.begin:
            at -= 1
            self.begin = segments[at].begin
        self.before, self.joined = segments[:at], segments[at:]

    def copy(self, fd, path, mismatch, progress, sink):
        """As put_blob() wants it; its XXH3-64 is nobody's business."""
        whole = hashlib.sha256()
        for segment in self.joined:
            part = hashlib.sha256()
            for chunk in chunks(fd, path, segment.begin, segment.end(), mismatch):
                part.update(chunk)
                whole.update(chunk)
                write_all(sink, chunk)
            if part.hexdigest() != segment.sha256:
                raise mismatch
        for chunk in chunks(fd, path, self.archived, self.size, mismatch):
            whole.update(chunk)
            write_all(sink, chunk)
            progress.add(len(chunk))
        return self.size - self.begin, None, whole.hexdigest()


def chunks(fd, path, begin, end, mismatch):
    while begin < end:
        with naming(path):
            chunk = os.pread(fd, min(CHUNK_SIZE, end - begin), begin)
        if not chunk:
            raise mismatch  # it has become shorter
        begin += len(chunk)
        yield chunk


def archive_file(repo, log, file, fd, number, size, progress, done):
    file = file or LogFile(number, [])
    mismatch = BackupError("%s is not the file that is archived: it is %s" %
                           (file.name(), other_store(repo, log)))
    archived = file.size() if file.segments else 0
    with naming(file.name()):
        if archived and (size < archived or file_tail(fd, archived) != file.segments[-1].tail):
            raise mismatch
        if size == archived:
            return
        os.fsync(fd)
    new = Appended(file.segments, size)
    _, _, sha256, _ = repo.put_blob(
        lambda sink: new.copy(fd, file.name(), mismatch, progress, sink))
    with naming(file.name()):
        first_seq, tail = read_first_seq(fd, size), file_tail(fd, size)
    file.segments = new.before + [Segment(number, first_seq, new.begin, size - new.begin, tail,
                                          sha256)]
    if not archived:
        log.files.append(file)
    done.byte_count += size - archived
    done.file_count += 1
    done.replaced |= {segment.sha256 for segment in new.joined} - {sha256}


# What a restore needs.

@dataclasses.dataclass
class Until:
    """A point to restore to. Nothing but the text: the end, or the first flush."""

    text: str
    sequence: int = None
    time_ms: int = None


def parse_until(text):
    """As the server reads it, but stricter; ValueError."""
    if text in ("end", "flush"):
        return Until(text)
    if UNTIL_SEQUENCE.fullmatch(text):
        return Until(text, sequence=int(text))
    match = UNTIL_TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    at = datetime.datetime.strptime(match[1] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    return Until(text, time_ms=int(at.timestamp()) * 1000 + int((match[2] or "0").ljust(3, "0")))


def is_behind(backup, until):
    """Whether the backup holds more than is wanted."""
    if until.sequence is not None:
        return int(backup.fields["sequence"]) > until.sequence
    return until.time_ms is not None and int(backup.fields["time-ms"]) > until.time_ms


def choose_backup(repo, name, until):
    """`latest` is the newest one that the log can take to the point."""
    if name != "latest" or not repo.names():
        backup = repo.read(repo.resolve(name))
        if is_behind(backup, until):
            raise BackupError("%s is behind %s: it is of sequence %s, %s" %
                              (backup.name, until.text, backup.fields["sequence"],
                               time_text(int(backup.fields["time-ms"]))))
        return backup
    if until.text == "flush":
        raise BackupError("the latest backup may be of behind the flush: name one; "
                          "`list` tells them")
    for name in reversed(repo.names()):
        backup = repo.read(name)
        if not is_behind(backup, until):
            return backup
    raise BackupError("all backups are behind %s" % until.text)


def lacks_from(log, sequence):
    """Where the first gap is for who goes on from the sequence, or None."""
    begin = max([f.first_seq() for f in log.files if f.first_seq() <= sequence + 1], default=0)
    return next((gap for gap in log.gaps() if gap >= begin), None)


def reaches(log, backup):
    sequence = int(backup.fields["sequence"])
    lacks = lacks_from(log, sequence)
    return (log.first_seq() <= sequence + 1 and log.sequence() >= sequence and
            (lacks is None or lacks > sequence))


def describe(log):
    gaps = "".join(", lacks some from %d on" % gap for gap in log.gaps())
    return "log %s from sequence %d to %d of %s, %d bytes%s" % (
        log.identity, log.first_seq(), log.sequence(), time_text(log.time_ms()), log.size_bytes(),
        gaps)


def of_history(log, backup, whole=False):
    """By the ids of the log's histories. Of one that it only follows on, it has the last sequence:
    whole leaves that out."""
    for word in log.marks.get("replication-ids", "").split():
        replication_id, _, last = word.partition("@")
        if backup.fields["replication-id"] == replication_id:
            if not last or (not whole and int(backup.fields["sequence"]) <= int(last)):
                return True
    return False


def takes_a_backup_forward(repo, log):
    for name in reversed(repo.names()):
        with contextlib.suppress(BackupError, FileNotFoundError):  # damaged, or a prune is at work
            backup = repo.read(name)
            if reaches(log, backup) and of_history(log, backup):
                return True
    return False


def choose_log(repo, backup, identity):
    """Sequences alone don't tell the log: after a restore another history has the same ones."""
    if identity is not None:
        if identity not in repo.identities():
            raise BackupError("%s holds no log %s" % (repo.path, identity))
        log = repo.read_log(identity)
        if not reaches(log, backup):
            raise BackupError("the %s does not reach %s, of sequence %s" %
                              (describe(log), backup.name, backup.fields["sequence"]))
        return log
    logs = [log for log in repo.logs() if reaches(log, backup)]
    if not logs:
        raise BackupError("no log is archived that reaches %s, of sequence %s" %
                          (backup.name, backup.fields["sequence"]))
    logs = ([log for log in logs if of_history(log, backup, whole=True)] or
            [log for log in logs if of_history(log, backup)] or logs)
    if len(logs) > 1:
        raise BackupError("several logs reach %s: choose with --log: %s" %
                          (backup.name, "; ".join(describe(log) for log in logs)))
    return logs[0]


def check_reach(log, backup, until):
    """What only the recovery finds is told by that."""
    if until.sequence is not None and until.sequence > log.sequence():
        raise BackupError("the log is archived to sequence %d only" % log.sequence())
    if until.time_ms is not None and until.time_ms > log.time_ms():
        raise BackupError("the log is archived until %s only" % time_text(log.time_ms()))
    lacks = lacks_from(log, int(backup.fields["sequence"]))
    beyond = until.text == "end" or (until.sequence is not None and until.sequence >= (lacks or 0))
    if lacks is not None and beyond:
        raise BackupError("the log lacks some of what comes from sequence %d on" % lacks)


def needed_files(log, sequence, until=None):
    """The files from the one on that holds what comes behind the sequence; for a sequence as the
    target up to the one with what comes behind that: the recovery tells what it left out."""
    first = last = 0
    for at, file in enumerate(log.files):
        if 0 < file.first_seq() <= sequence + 1:
            first = at
        if until and until.sequence is not None and file.first_seq() > until.sequence + 1:
            break
        last = at
    return log.files[first:last + 1]
