#!/usr/bin/env python3
"""tools/backup archive and restore --until disturbed: killed, without space, beside others, by a
server that ends, and by what it does to its files meanwhile.

usage: log_disturbed_test.py HEARTH_SERVER [NAME ...]    NAME: only these tests
"""

import contextlib
import dataclasses
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import backup_restore  # noqa: E402,F401  loaded once for all children
import backup_source  # noqa: E402,F401
from log_place import ARCHIVED, LogPlace  # noqa: E402
from place import digest, files_of, killed_restores, run_tests  # noqa: E402
from tool import (TOOL, Child, at_each_step, kill, no_space, run, stop,  # noqa: E402
                  syncs_and_renames)


class TwoRounds(LogPlace):
    """A repository with a backup and a log, and a server whose log has gone on: in the file that
    is archived in part, and in others."""

    def __init__(self):
        super().__init__()
        self.fill(keys=30)
        self.name = self.create().name
        self.fill(seed=1, keys=40)
        self.archive()
        self.server.call("SET", "one", "more")
        self.archive()
        self.first = self.point()
        self.fill(seed=2, keys=90)
        self.fill(seed=3, keys=20)
        self.second = self.point()
        shutil.copytree(self.repo, self.at("template"))
        self.before = files_of(self.repo)

    def renew(self):
        shutil.rmtree(self.repo)
        shutil.copytree(self.at("template"), self.repo)


def an_archive_killed_at_any_step_leaves_a_whole_log_and_is_made_good():
    with TwoRounds() as place:
        def check(code, *_):
            assert code == -signal.SIGKILL
            log = place.log()
            assert log.sequence() in (place.first.seq, place.second.seq)
            seen.add(log.sequence())
            if len(seen) != len(checked):  # the same bytes as before need no second look
                checked.add(log.sequence())
                place.check(place.name, place.first.seq, place.first)
            assert Child(["verify", place.repo]).end()[0] == 0
            ended = Child(place.archive_args()).end()
            assert ended[0] == 0, ended
            assert Child(["prune", place.repo, "--keep", "1"]).end()[0] == 0
            assert set(place.blobs()) == place.used()
            assert not os.path.exists(place.repo + "/REPO.unfinished")
            assert place.log().sequence() == place.second.seq
            assert Child(["verify", place.repo]).end()[0] == 0

        seen, checked = set(), set()
        steps = at_each_step(place.archive_args(), kill, place.renew, check)
        assert steps > 8 and len(seen) == 2, (steps, seen)
        place.check(place.name, place.first.seq, place.first)
        place.check(place.name, "end", place.second)


def a_full_disk_leaves_what_was_there():
    with TwoRounds() as place:
        def check(code, _, errors):
            assert code == 1 and errors.count("\n") == 1, (code, errors)
            assert "No space left on device" in errors, errors
            after = files_of(place.repo)
            if place.log().sequence() == place.first.seq:
                assert after == place.before
            else:  # its name could not be synced any more
                whole.append(after)
                run("verify", place.repo)

        whole = []
        steps = at_each_step(place.archive_args(), no_space, place.renew, check,
                             ("write", "fsync"))
        assert steps > 8 and len(whole) == 1, (steps, len(whole))

        def be_full():
            os.statvfs = lambda path: os.statvfs_result((1, 4096, 1, 1, 100, 1, 1, 1, 1, 1))

        place.renew()
        code, _, errors = Child(place.archive_args(), before=be_full).end()
        assert code == 1 and "not enough space" in errors, (code, errors)
        assert files_of(place.repo) == place.before
        place.archive()
        target = place.at("x")

        def check_restore(code, _, errors):
            assert code == 1 and "No space left on device" in errors, (code, errors)
            assert not os.path.exists(target)

        args = place.until_args(place.name, "end", target)
        code, _, errors = Child(args, before=be_full).end()
        assert code == 1 and "not enough space" in errors and not os.path.exists(target)
        steps = at_each_step(args, no_space, lambda: shutil.rmtree(target, ignore_errors=True),
                             check_restore, ("write", "fsync", "mkdir"))
        assert steps > 20, steps


def the_log_is_on_both_disks_before_it_is_named():
    with TwoRounds() as place:
        events = syncs_and_renames(place.archive_args())
        renames = [at for at, (_, new) in enumerate(events) if new]
        assert len(renames) > 2 and "/logs/" in events[renames[-1]][1], events
        for at in renames:
            old, new = events[at]
            before = max([b for b in renames if b < at], default=-1)
            end = len(events) if at == renames[-1] else renames[-1]
            assert (old, None) in events[before + 1:at], (old, new, events)
            assert (os.path.dirname(new), None) in events[at:end], (new, events)
            if "/blobs/" in new:
                assert any(path.startswith(place.at("data")) and path.endswith(".log")
                           for path, _ in events[before + 1:at]), (new, events)


def a_half_restore_cannot_be_started_from():
    with TwoRounds() as place:
        place.archive()
        place.server.stop()
        data = place.at("again", "data")

        def check_served(server, files):
            assert "recovery" not in files and digest(server) == place.second.digest

        args = place.until_args(place.name, "end", data)
        calls = ("write", "replace", "mkdir", "unlink", "rmdir", "fsync")
        refused, served = killed_restores(place, args, data, calls, check_served)
        assert refused > 20 and served, (refused, served)


@contextlib.contextmanager
def script(place, text):
    """A program that is taken for the server."""
    path = place.at("program")
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o700)
    yield path
    os.unlink(path)


def a_recovery_that_fails_leaves_nothing():
    with TwoRounds() as place:
        place.archive()
        os.mkdir(place.at("empty"))
        args = place.until_args(place.name, "end", place.at("x"))[:-1]
        for text, told in (("echo it is so; echo 'the reason'; exit 1", "the reason"),
                           ("kill -9 $$", "was killed by signal 9"), ("exit 0", "told nothing")):
            with script(place, text) as program:
                told_there = run(*args, program, code=1)
                assert told_there.startswith("backup: the recovery failed: "), told_there
                assert told_there.endswith(told + "\n"), told_there
                assert not os.path.exists(place.at("x"))
                args[3] = place.at("empty")
                run(*args, program, code=1)
                assert os.listdir(place.at("empty")) == []
                args[3] = place.at("x")
        # The server's own word, with all that it had made by then.
        log = place.log()
        place.write_log(dataclasses.replace(log, files=[log.files[0], log.files[-1]]))
        told = place.refused(place.name, "end")
        assert "The recovery stopped behind sequence" in told, told
        # A log that lacks its last file, though it should reach further.
        place.write_log(dataclasses.replace(log, files=log.files[:1]))
        told = place.refused(place.name, "end")
        assert "the log is archived to %d" % place.second.seq in told, told
        place.write_log(log)
        place.check(place.name, "end", place.second)
        # A signal ends the server, too.
        os.mkfifo(place.at("fifo"))
        with script(place, "echo $$ > %s\nexec sleep 1000\n" % place.at("fifo")) as program:
            child = Child(args + [program])
            with open(place.at("fifo")) as fifo:
                pid = int(fifo.read())
            os.kill(child.pid, signal.SIGTERM)
            assert child.end() == (1, "", "backup: ended by SIGTERM\n")
            assert not os.path.exists(place.at("x"))
            assert not os.path.exists("/proc/%d" % pid)


def files_that_grow_or_move_or_go_meanwhile():
    with TwoRounds() as place:
        client = place.server.client()

        def grow():
            assert client.call("SET", "grown", "x" * 1000) == "OK"

        def flush():  # all files but a new one are moved
            assert client.call("SAVE") == "OK"

        def forget():
            flush()
            assert client.call("CONFIG", "SET", "wal-retain", "no") == "OK"
            assert client.call("CONFIG", "SET", "wal-retain", "yes") == "OK"

        def meet(action, step):
            """Before the newest file is opened, to tell its size or to read it."""
            place.renew()
            place.fill(seed=seeds.pop(), keys=10)
            at = place.point()
            newest = max(name for name in os.listdir(place.at("data")) if name.endswith(".log"))
            return at, Child(place.archive_args(), action, ["open"], step,
                             place.at("data", newest)).end()

        seeds = list(range(10, 20))
        for action in (grow, flush):
            for step in (1, 2):
                at, (code, out, errors) = meet(action, step)
                assert code == 0, errors
                assert int(ARCHIVED.fullmatch(out)[4]) == at.seq, "asked before the files are"
                if action is flush:
                    place.check(place.name, "end", at)
                else:
                    place.check(place.name, at.seq, at)
        for step in (1, 2):
            at, (code, _, errors) = meet(forget, step)
            assert code == 1 and errors.count("\n") == 1, errors
            assert "make a new backup" in errors, errors
            run("verify", place.repo)

        def replace_store():
            with open(place.at("data", "IDENTITY"), "w") as file:
                file.write("00000000-0000-4000-8000-000000000000")

        _, (code, _, errors) = meet(replace_store, 2)
        assert code == 1 and "took over another store" in errors, errors
        assert files_of(place.repo) == place.before


def a_create_waits_for_a_round_that_is_at_work():
    with TwoRounds() as place:
        child = Child(place.archive_args(), stop, ["fsync"], 2)
        child.wait_stopped()

        def go_on_when_it_waits():
            sleep = time.sleep

            def sleep_now(seconds):
                child.go_on()
                sleep(seconds)

            time.sleep = sleep_now

        created = Child(["create", place.repo, "--socket", place.server.path],
                        before=go_on_when_it_waits).end()
        assert child.end()[0] == 0
        assert created[0] == 0, created
        assert len(place.names()) == 2


class Every:
    """An archive that goes on; its lines are waited for."""

    def __init__(self, place):
        environment = {k: v for k, v in os.environ.items() if k != "HEARTH_PASSWORD"}
        self.process = subprocess.Popen([TOOL, *place.archive_args(), "--every", "1"], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)

    def archived(self, sequence):
        while int(ARCHIVED.fullmatch(self.process.stdout.readline())[4]) < sequence:
            pass

    def failed(self, text):
        while text not in (line := self.process.stderr.readline()):
            assert line.startswith("backup: "), line

    def end(self, number):
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode


def every_turn_goes_on_until_a_signal():
    with LogPlace() as place:
        place.fill(keys=10)
        name = place.create().name
        every = Every(place)
        try:
            every.archived(place.point().seq)
            run("verify", place.repo)  # nobody holds the lock between the turns
            place.server.call("SET", "one", "1")
            every.archived(place.point().seq)
            place.server.kill()
            every.failed("cannot connect")
            place.server.start()
            place.server.call("SET", "one", "2")
            every.archived(place.point().seq)
            fd = os.open(place.repo, os.O_RDONLY)
            fcntl.flock(fd, fcntl.LOCK_EX)
            every.failed("is in use by another run")
            os.close(fd)
            place.server.call("SET", "one", "3")
            last = place.point()
            every.archived(last.seq)
            assert every.end(signal.SIGTERM) == 0
            place.check(name, "end", last)
            every = Every(place)
            place.server.call("SET", "one", "4")
            every.archived(place.point().seq)
            assert every.end(signal.SIGINT) == 0
        finally:
            every.process.kill()
            every.process.wait()
        # Within a turn.
        place.server.call("SET", "one", "5")
        before = files_of(place.repo)
        child = Child(place.archive_args() + ["--every", "1"], stop, ["fsync"], 2)
        child.wait_stopped()
        assert "REPO.unfinished" in files_of(place.repo)
        os.kill(child.pid, signal.SIGTERM)
        child.go_on()
        assert child.end() == (0, "", "")
        assert files_of(place.repo) == before


TESTS = [
    an_archive_killed_at_any_step_leaves_a_whole_log_and_is_made_good,
    a_full_disk_leaves_what_was_there,
    the_log_is_on_both_disks_before_it_is_named,
    a_half_restore_cannot_be_started_from,
    a_recovery_that_fails_leaves_nothing,
    files_that_grow_or_move_or_go_meanwhile,
    a_create_waits_for_a_round_that_is_at_work,
    every_turn_goes_on_until_a_signal,
]

if __name__ == "__main__":
    run_tests(TESTS)
