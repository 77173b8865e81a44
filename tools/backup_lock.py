"""The lock of a repository of backups: flock on the directory itself.

Exclusive for what writes, shared for what reads blobs. It is waited for LOCK_WAIT_S, as long as a
turn of `archive --every` may take. What reads for long and can do with blobs that go meanwhile
gives way every GIVE_WAY_EVERY_S, so that who waits gets it in time. Who copies a repository in use:
`flock -s REPO rsync ...`.
Errors: BackupError, one line.
"""

import errno
import fcntl
import os
import time

from backup_error import BackupError

LOCK_WAIT_S = 2
LOCK_LOOK_S = 0.02
GIVE_WAY_EVERY_S = 1


def lock(path, operation):
    """A file descriptor that holds it. operation: fcntl.LOCK_EX or LOCK_SH."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except NotADirectoryError:
        raise BackupError("%s is not a directory" % path) from None
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(fd, operation | fcntl.LOCK_NB)
            return fd
        except OSError as error:
            is_held = error.errno in (errno.EWOULDBLOCK, errno.EACCES)
            if is_held and time.monotonic() < deadline:
                time.sleep(LOCK_LOOK_S)
                continue
            os.close(fd)
            raise BackupError("%s is in use by another run of this tool" % path if is_held else
                              "cannot lock %s: %s" % (path, error.strerror)) from None


class GivingWay:
    """Of a shared lock."""

    def __init__(self, fd):
        self.fd = fd
        self.since = time.monotonic()

    def look(self):
        """Blobs may have gone and come when this returns. Waits as long as another writes."""
        if time.monotonic() - self.since < GIVE_WAY_EVERY_S:
            return
        fcntl.flock(self.fd, fcntl.LOCK_UN)
        time.sleep(2 * LOCK_LOOK_S)
        fcntl.flock(self.fd, fcntl.LOCK_SH)
        self.since = time.monotonic()
