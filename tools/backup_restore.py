"""Filling a directory for a server: with a backup's files, and with what a log adds to them.

With a log the backup is taken forward by a run of the server, which must not leave a store that
passes for a restored one when it fails or is killed:

  DIR/hearth.mark        first: no server begins a new store here, nor serves without CURRENT
  DIR/recovery/store/    the backup; the server works here
  DIR/recovery/log/      the archived log files that it needs
Then the store's files are moved up, CURRENT as the last one.
"""

import contextlib
import os
import re
import shutil
import subprocess

from backup_repo import (BackupError, Progress, naming, stream, sync_folder, tell)

# What the engine leaves in its private copy of a snapshot: its first start begins a new history.
COPIED_NAME = "COPIED"
COPIED_TEXT = b"from a snapshot\n"
RECOVERY_FOLDER = "recovery"
SERVER_NAME = "hearth-server"
LOG_LINE = re.compile(r"\d+:M \d+ \w+ \d+ [\d:.]+ [-.*#] (.*)")
RECOVERED = re.compile(r"Recovered .* from sequence \d+ to (\d+) of ")
LOG_ENDS = "The write-ahead log ends there"
TOLD_LINES_MAX = 1000


class Target:
    """The directory that a restore fills.

    A server takes an empty directory for a new store, and refuses one with hearth.mark but without
    CURRENT: so the one is the first file, and the other comes when all else is on the disk. A
    snapshot's SNAPSHOT comes behind it; without that it would be served from, and whole.
    """

    FIRST, LAST = "hearth.mark", ("CURRENT", "SNAPSHOT")

    def __init__(self, path):
        self.path = path
        self.made, self.begun = not os.path.exists(path), False
        if not self.made and not os.path.isdir(path):
            raise BackupError("%s is not a directory" % path)
        if not self.made and os.listdir(path):
            raise BackupError("%s is not empty" % path)

    def order(self, file):
        return (self.LAST.index(file.name) + 2 if file.name in self.LAST
                else int(file.name != self.FIRST))

    def begin(self):
        if self.made:
            os.mkdir(self.path, 0o700)
            self.begun = True
            sync_folder(os.path.dirname(os.path.abspath(self.path)))
        self.begun = True

    def write(self, name, fill):
        """fill(fd) writes the file, which has its name once it is on the disk."""
        temporary, path = (os.path.join(self.path, n) for n in (name + ".unfinished", name))
        with naming(temporary), open(temporary, "xb", buffering=0) as file:
            fill(file.fileno())
            os.fsync(file.fileno())
        if name == self.FIRST or name in self.LAST:
            sync_folder(self.path)  # what is before it
        os.replace(temporary, path)
        if name == self.FIRST or name in self.LAST:
            sync_folder(self.path)

    def move_in(self, folder, work):
        """What the folder holds, which is within `work`; that goes."""
        last = os.path.join(self.path, "CURRENT")
        for name in os.listdir(folder):
            path = os.path.join(self.path, name)
            os.replace(os.path.join(folder, name), path + ".moved" if path == last else path)
        sync_folder(self.path)
        shutil.rmtree(work)
        os.replace(last + ".moved", last)
        sync_folder(self.path)

    def give_up(self):
        """It was empty: all that is in it goes, what makes it a store first."""
        if not self.begun:
            return
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(self.path), key=lambda name: name not in self.LAST):
                path = os.path.join(self.path, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)
            if self.made:
                os.rmdir(self.path)


def restore_file(repo, file, fd, progress):
    path = repo.blob_path(file.sha256)
    with open(path, "rb", buffering=0) as source:
        found = stream(source.fileno(), path, progress, fd)
    if found != (file.size, file.xxh3, file.sha256):
        raise BackupError("%s is damaged (%s)" % (path, file.name))


def restore_files(repo, files, target, as_snapshot, progress):
    target.begin()
    for file in sorted(files, key=target.order):
        if file.name == "CURRENT" and not as_snapshot:
            target.write(COPIED_NAME, lambda fd: os.write(fd, COPIED_TEXT))
        target.write(file.name, lambda fd, file=file: restore_file(repo, file, fd, progress))


# With a log.

def find_server(name):
    """The binary that a recovery runs."""
    here = os.path.dirname(os.path.realpath(__file__))
    built = os.path.join(here, "..", "build", "release", SERVER_NAME)
    for candidate in [name] if name else [SERVER_NAME, built]:
        if path := shutil.which(candidate):
            return os.path.abspath(path)
    raise BackupError("%s is no program that can be run" % name if name else
                      "there is no %s: --server names one" % SERVER_NAME)


def restore_segment(repo, segment, name, sink, progress):
    blob = repo.blob_path(segment.sha256)
    if not repo.has_blob(segment.sha256, segment.size):
        raise BackupError("%s is missing or cut short (%s)" % (blob, name))
    with open(blob, "rb", buffering=0) as source:
        size, _, sha256 = stream(source.fileno(), blob, progress, sink)
    if (size, sha256) != (segment.size, segment.sha256):
        raise BackupError("%s is damaged (%s)" % (blob, name))


def restore_logs(repo, log_files, folder, progress):
    """Up to the first damage, which it returns as text, or None."""
    for log_file in log_files:
        path = os.path.join(folder, log_file.name())
        with naming(path), open(path, "xb", buffering=0) as sink:
            for segment in log_file.segments:
                begin = sink.tell()
                try:
                    restore_segment(repo, segment, log_file.name(), sink.fileno(), progress)
                except BackupError as damage:
                    os.ftruncate(sink.fileno(), begin)
                    return str(damage)
    return None


def run_recovery(binary, store, log_folder, log, until):
    """Its lines from the summary on; on a failure its last one is the error."""
    command = [binary, "--dir", store, "--recover-wal", log_folder, "--recover-until", until.text,
               "--save", "", "--databases", log.marks.get("databases", "16")]
    told, last = [], "it told nothing"
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as server:
        try:
            for line in server.stdout:
                line = line.decode("utf-8", "replace").rstrip()
                match = LOG_LINE.fullmatch(line)
                last = match[1] if match else line or last
                if (told or RECOVERED.match(last)) and len(told) < TOLD_LINES_MAX:
                    told.append(last)
            code = server.wait()
        except BaseException:
            server.kill()
            raise
    if code != 0 or not told:
        raise BackupError("the recovery failed: %s" % (
            last if code >= 0 else "%s was killed by signal %d" % (binary, -code)))
    return told


def ends(told):
    """Whether the log ended before what was asked for."""
    return any(line.startswith(LOG_ENDS) for line in told)


def reached(told):
    return int(RECOVERED.match(told[0])[1])


def check_recovered(told, log, until):
    """The log holds everything up to its sequence: else a part of it was not read."""
    wanted = log.sequence() if until.sequence is None else until.sequence
    if ends(told) and reached(told) < wanted:
        raise BackupError("the recovery ended at sequence %d, the log is archived to %d" %
                          (reached(told), log.sequence()))
    if ends(told) and until.text == "flush":
        raise BackupError("there is no flush in the log, which ends at sequence %d: archive what "
                          "came behind it, or restore --until end" % reached(told))


def restore_until(repo, files, log_files, log, target, until, binary):
    """The lines that tell where it ended."""
    progress = Progress("restored", sum(f.size for f in files) + sum(f.size() for f in log_files))
    target.begin()
    (mark,) = [file for file in files if file.name == target.FIRST]
    target.write(mark.name, lambda fd: restore_file(repo, mark, fd, progress))
    work = os.path.join(target.path, RECOVERY_FOLDER)
    store, log_folder = os.path.join(work, "store"), os.path.join(work, "log")
    os.mkdir(work)
    os.mkdir(log_folder)
    restore_files(repo, files, Target(store), False, progress)
    damage = restore_logs(repo, log_files, log_folder, progress)
    if damage and until.text == "end":
        raise BackupError(damage)
    try:
        told = run_recovery(binary, store, log_folder, log, until)
    except BackupError as error:
        raise BackupError("%s; %s" % (damage, error) if damage else str(error)) from error
    if damage and ends(told) and reached(told) != until.sequence:
        raise BackupError("%s; what is before it reaches sequence %d only" % (damage, reached(told)))
    check_recovered(told, log, until)
    if damage:
        tell(damage + ": what was asked for is before that")
    target.move_in(store, work)
    return [line.replace(store, target.path) for line in told]
