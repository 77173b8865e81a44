"""What the user is told when `backup` can't go on."""

import contextlib


class BackupError(Exception):
    """In one line."""


@contextlib.contextmanager
def naming(path):
    """What fails within tells of this path."""
    try:
        yield
    except OSError as error:
        raise BackupError("%s: %s" % (path, error.strerror or error)) from None
