"""tools/backup as the suite runs it: as a process, or in a forked child that is met at a step.

A step is a call of one of os' functions that the tool makes; an action is what happens before it:
the child is killed there, stopped there, or told that the disk is full.
"""

import errno
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "backup")
# What a killed process leaves is told by these. An fsync makes no difference to it.
CHANGES = ("write", "replace", "mkdir", "unlink")
SUMMARY = re.compile(r"(\S+): copied (\d+) files of (\d+) bytes, "
                     r"shared (\d+) files of (\d+) bytes, in [\d.]+ s\n")


def run(*args, code=0, lines=1, warning=None, **environment):
    """stdout of a run that ends with this code; stderr of one that fails, of so many lines. A
    warning is looked for in the one line of stderr of a run that does not."""
    environment = {k: v for k, v in dict(os.environ, **environment).items()
                   if v is not None and (k != "HEARTH_PASSWORD" or k in environment)}
    done = subprocess.run([TOOL, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment)
    assert done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
    told = done.stderr.splitlines()
    assert len(told) == (lines if code else int(warning is not None)), told
    assert warning is None or warning in told[0], told
    assert all(line.startswith("backup: ") for line in told), told
    return done.stderr if code else done.stdout


class Created:
    """What a create tells."""

    def __init__(self, text):
        match = SUMMARY.fullmatch(text)
        assert match, text
        self.name = match[1]
        self.copied, self.copied_bytes = int(match[2]), int(match[3])
        self.shared, self.shared_bytes = int(match[4]), int(match[5])


def create(*args, **more):
    return Created(run("create", *args, **more))


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def stop():
    os.kill(os.getpid(), signal.SIGSTOP)


def no_space():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Child:
    """A run in a child. action() comes before the step-th of the calls (each, when step is None)
    that name `match`; before() comes first of all."""

    def __init__(self, args, action=None, calls=CHANGES, step=1, match="", before=None):
        self.output, self.errors = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.stopped = False
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self.be_child(args, action, calls, step, match, before)

    def be_child(self, args, action, calls, step, match, before):
        code = 99
        try:
            os.dup2(self.output.fileno(), 1)
            os.dup2(self.errors.fileno(), 2)
            if before:
                before()
            if action:
                meet(action, calls, step, match)
            sys.argv = [TOOL, *args]
            runpy.run_path(TOOL, run_name="__main__")
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    def wait_stopped(self):
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), (status, self.told())
        self.stopped = True

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def told(self):
        self.output.seek(0)
        self.errors.seek(0)
        return self.output.read(), self.errors.read()

    def end(self):
        """(exit code, or minus the signal; stdout; stderr)"""
        _, status = os.waitpid(self.pid, 0)
        result = os.waitstatus_to_exitcode(status), *self.told()
        self.output.close()
        self.errors.close()
        return result


def meet(action, calls, step, match):
    """Puts the action before calls of os' functions; action's own calls are let through."""
    seen, busy = 0, False

    def wrapped(function):
        def call(*args, **more):
            nonlocal seen, busy
            if not busy and match in str(args[0]):
                seen += 1
                if step is None or seen == step:
                    busy = True
                    action()
                    busy = False
            return function(*args, **more)
        return call

    for name in calls:
        setattr(os, name, wrapped(getattr(os, name)))


def syncs_and_renames(args):
    """What a run asked of the disk, in order: (what was synced, None) and (old name, new name)."""
    with tempfile.TemporaryFile("w+") as log:
        def record():
            fsync, replace = os.fsync, os.replace

            def told_fsync(fd):
                fsync(fd)
                print(os.readlink("/proc/self/fd/%d" % fd), file=log, flush=True)

            def told_replace(old, new):
                replace(old, new)
                print("%s\t%s" % (old, new), file=log, flush=True)

            os.fsync, os.replace = told_fsync, told_replace

        result = Child(args, before=record).end()
        assert result[0] == 0, result
        log.seek(0)
        return [tuple((line.rstrip("\n").split("\t") + [None])[:2]) for line in log]


def at_each_step(args, action, before_step, after_step, calls=CHANGES, steps_max=1000):
    """Runs anew, with the action one step later each time, until a run has no such step any more;
    the number of steps. before_step() comes before each run, after_step(code, stdout, stderr)
    behind each that met the action."""
    for step in range(1, steps_max + 1):
        before_step()
        met = os.pipe()

        def note_and_act():
            os.write(met[1], b"x")
            action()

        child = Child(args, note_and_act, calls, step)
        os.close(met[1])
        result = child.end()
        was_met = os.read(met[0], 1) == b"x"
        os.close(met[0])
        if not was_met:
            assert result[0] == 0, result
            return step - 1
        after_step(*result)
    return steps_max
