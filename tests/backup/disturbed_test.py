#!/usr/bin/env python3
"""tools/backup disturbed: killed, without space, beside itself, and by what the server does.

usage: disturbed_test.py HEARTH_SERVER [NAME ...]    NAME: only these tests
"""

import contextlib
import fcntl
import os
import resource
import shutil
import signal
import sys
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import backup_lock  # noqa: E402  loaded once for all children
import backup_repo  # noqa: E402
import backup_source  # noqa: E402
from place import Place, files_of, killed_restores, run_tests  # noqa: E402
from tool import (CHANGES, Child, at_each_step, create, kill, no_space, run, stop,  # noqa: E402
                  syncs_and_renames)

def a_create_killed_at_any_step_leaves_whole_backups_and_is_made_good():
    with Place() as place:
        place.fill(keys=30)
        first, second = place.save("a"), place.save("b")
        names = [create(place.at("template"), "--snapshot", first).name,
                 create(place.at("other"), "--snapshot", second).name]

        def renew():
            shutil.rmtree(place.repo, ignore_errors=True)
            shutil.copytree(place.at("template"), place.repo)

        def check(code, *_):
            assert code == -signal.SIGKILL
            assert Child(["prune", place.repo, "--keep", "2"]).end()[0] == 0
            left = sorted(os.listdir(place.repo + "/backups"))
            assert left in (names[:1], names), left
            used = {blob for name in left for blob, _ in place.backup_files(name).values()}
            assert used == set(place.blobs())
            assert not os.path.exists(place.repo + "/REPO.unfinished")
            ended = Child(["create", place.repo, "--snapshot", second]).end()
            assert ended[0] == 0, ended
            assert Child(["verify", place.repo]).end()[0] == 0
            assert sorted(os.listdir(place.repo + "/backups")) == names

        steps = at_each_step(["create", place.repo, "--snapshot", second], kill, renew, check)
        assert steps > 12, steps

        # As a repository's directory is made.
        def remove():
            shutil.rmtree(place.repo, ignore_errors=True)

        def check_first(code, *_):
            assert code == -signal.SIGKILL
            ended = Child(["create", place.repo, "--snapshot", second]).end()
            assert ended[0] == 0, ended

        at_each_step(["create", place.repo, "--snapshot", second], kill, remove, check_first,
                     steps_max=5)


def a_full_disk_leaves_what_was_there():
    with Place() as place:
        place.fill(keys=30)
        first, second = place.save("a"), place.save("b")
        create(place.repo, "--snapshot", first)
        before = files_of(place.repo)

        def check(code, _, errors):
            assert code == 1 and errors.count("\n") == 1, (code, errors)
            assert "No space left on device" in errors, errors
            assert files_of(place.repo) == before

        args = ["create", place.repo, "--snapshot", second]
        steps = at_each_step(args, no_space, lambda: None, check, ("write", "fsync"))
        assert steps > 10, steps
        target = place.at("x")

        def check_restore(code, _, errors):
            assert code == 1 and "No space left on device" in errors, (code, errors)
            assert not os.path.exists(target)

        args = ["restore", place.repo, "latest", target]
        assert at_each_step(args, no_space, lambda: shutil.rmtree(target, ignore_errors=True),
                            check_restore, ("write", "fsync")) > 10
        os.mkdir(place.at("empty"))
        child = Child(["restore", place.repo, "latest", place.at("empty")], no_space, ["write"], 4)
        assert child.end()[0] == 1 and os.listdir(place.at("empty")) == []

        def be_full():
            os.statvfs = lambda path: os.statvfs_result((1, 4096, 1, 1, 100, 1, 1, 1, 1, 1))

        before = files_of(place.repo)  # the last create had no such step and succeeded
        for args in (["create", place.repo, "--snapshot", place.save("c")],
                     ["restore", place.repo, "latest", place.at("y")]):
            code, _, errors = Child(args, before=be_full).end()
            assert code == 1 and "not enough space" in errors, (code, errors)
            assert files_of(place.repo) == before and not os.path.exists(place.at("y"))
        # By a signal, too.
        child = Child(["create", place.repo, "--snapshot", place.save("d")], stop, ["fsync"], 3)
        child.wait_stopped()
        before = files_of(place.repo).keys()
        os.kill(child.pid, signal.SIGTERM)
        child.go_on()
        code, _, errors = child.end()
        assert (code, errors) == (1, "backup: ended by SIGTERM\n"), (code, errors)
        assert "REPO.unfinished" in before and "REPO.unfinished" not in files_of(place.repo)
        run("verify", place.repo)


def what_names_something_is_renamed_when_that_is_on_the_disk():
    with Place() as place:
        place.fill(keys=30)
        for args, last in ((["create", place.repo, "--snapshot", place.save("a")], "/backups/"),
                           (["create", place.repo, "--snapshot", place.save("b")], "/backups/"),
                           (["restore", place.repo, "latest", place.at("x")], "/CURRENT"),
                           (["restore", place.repo, "latest", place.at("y"), "--as-snapshot"],
                            "/SNAPSHOT")):
            events = syncs_and_renames(args)
            renames = [at for at, (_, new) in enumerate(events) if new]
            assert len(renames) > 3 and last in events[renames[-1]][1], events
            for at in renames:
                old, new = events[at]
                before = max([b for b in renames if b < at], default=-1)
                end = len(events) if at == renames[-1] else renames[-1]
                assert (old, None) in events[before + 1:at], (old, new, events)
                assert (os.path.dirname(new), None) in events[at:end], (new, events)
            if args[0] == "restore":  # or the directory may pass for a new one
                first, second = renames[:2]
                assert "/hearth.mark" in events[first][1]
                assert (os.path.dirname(events[first][1]), None) in events[first:second], events


def a_half_restore_cannot_be_started_from():
    with Place() as place:
        place.fill(keys=30)
        place.create()
        place.server.stop()
        data = place.at("again", "data")

        def check_served(server, files):
            assert "COPIED" in files and server.call("DBSIZE") == 30

        args = ["restore", place.repo, "latest", data]
        refused, _ = killed_restores(place, args, data, CHANGES, check_served)
        assert refused > 6, refused


@contextlib.contextmanager
def locked(path, operation):
    fd = os.open(path, os.O_RDONLY)
    fcntl.flock(fd, operation | fcntl.LOCK_NB)
    try:
        yield
    finally:
        os.close(fd)


def one_writes_or_many_read():
    with Place() as place:
        snapshot = place.save("a")
        args = ["create", place.repo, "--snapshot", snapshot]
        child = Child(args, stop, step=9)
        child.wait_stopped()
        for words in (args, ["verify", place.repo], ["prune", place.repo, "--keep", "1"],
                      ["restore", place.repo, "latest", place.at("x")]):
            assert "is in use" in run(*words, code=1)
        run("list", place.repo)
        child.go_on()
        assert child.end()[0] == 0
        with locked(place.repo, fcntl.LOCK_SH):
            run("verify", place.repo)
            run("restore", place.repo, "latest", place.at("x"))
            for words in (args, ["prune", place.repo, "--keep", "1"]):
                assert "is in use" in run(*words, code=1)
        child = Child(["verify", place.repo], stop, ["read"])
        child.wait_stopped()
        assert "is in use" in run(*args, code=1), "verify holds the lock, too"
        child.go_on()
        assert child.end()[0] == 0


def verify_gives_way():
    with Place() as place:
        for seed in range(2):
            place.fill(seed=seed)
            run("create", place.repo, "--snapshot", place.save("snapshot%d" % seed))
        blob_count = len(place.blobs())

        def prune_meanwhile():
            def sleep(_):
                backup_lock.GIVE_WAY_EVERY_S = 1000
                run("prune", place.repo, "--keep", "1")

            backup_lock.GIVE_WAY_EVERY_S = 0
            backup_lock.time = types.SimpleNamespace(sleep=sleep, monotonic=time.monotonic)

        code, out, errors = Child(["verify", place.repo], before=prune_meanwhile).end()
        assert code == 0, (out, errors)
        assert len(place.blobs()) < blob_count, "the prune had its turn"


def a_snapshot_that_vanishes_is_read_on_or_another_is_taken():
    with Place() as place:
        place.fill()
        args = ["create", place.repo, "--socket", place.server.path]

        def replace_all():
            place.server.call("INCR", "vanished")
            assert place.server.call("SAVE") == "OK"
            for path in place.snapshots()[:-1]:
                shutil.rmtree(path)

        def few_files():
            limit = len(os.listdir("/proc/self/fd")) + backup_source.FILES_LEFT_FREE + 5
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        def made(vanishes, of_backup):
            path = place.at("again%d" % len(place.servers), "data")
            os.mkdir(os.path.dirname(path))
            run("restore", place.repo, of_backup, path)
            assert place.serve(os.path.dirname(path)).call("GET", "vanished") == vanishes

        # Between the choice of it and its opening.
        code, out, errors = Child(args, replace_all, ["open"], match=".sst").end()
        assert code == 0, errors
        made(b"1", out.split(":")[0])
        # While it is copied: its files are open already.
        place.fill(seed=1)
        code, out, errors = Child(args, replace_all, ["replace"], match="unfinished").end()
        assert code == 0, errors
        made(b"1", out.split(":")[0])
        # While it is copied, and not all files may be open at once.
        place.fill(seed=2)
        code, out, errors = Child(args, replace_all, ["replace"], match="unfinished",
                                  before=few_files).end()
        assert code == 0, errors
        made(b"3", out.split(":")[0])
        # Again and again.
        code, _, errors = Child(args, replace_all, ["open"], match=".sst", step=None).end()
        assert code == 1 and "is gone" in errors and errors.count("\n") == 1, errors
        assert place.server.call("GET", "vanished") == b"8"
        # One that was named: there is no other.
        named = place.snapshots()[-1]
        code, _, errors = Child(["create", place.repo, "--snapshot", named],
                                lambda: shutil.rmtree(named), ["open"], match=".sst").end()
        assert code == 1 and "is gone" in errors, errors
        run("verify", place.repo)


def progress_is_told_to_terminals_only():
    with Place() as place:
        terminal, its_end = os.openpty()

        def always():
            backup_repo.PROGRESS_EVERY_S = 0

        def look_at_terminal():
            always()
            os.dup2(its_end, 2)

        args = ["create", place.repo, "--snapshot", place.save("a")]
        assert Child(args, before=look_at_terminal).end()[0] == 0
        os.close(its_end)
        told = b""
        with contextlib.suppress(OSError):  # at its end
            while piece := os.read(terminal, 1 << 16):
                told += piece
        os.close(terminal)
        assert b"\rcopied 0 of 0 MB" in told and told.endswith(b"\r\x1b[K"), told
        assert Child(["verify", place.repo], before=always).end()[2] == ""


def it_waits_for_a_save_that_began_before():
    with Place() as place:
        place.fill()
        call = backup_source.Connection.call

        def another_is_first():
            def late_call(connection, *words):
                if words == ("BGSAVE",):
                    backup_source.Connection.call = call
                    connection.call("BGSAVE")
                return call(connection, *words)
            backup_source.Connection.call = late_call

        args = ["create", place.repo, "--socket", place.server.path]
        code, _, errors = Child(args, before=another_is_first).end()
        assert code == 0, errors
        # That one may lack what was written since it began.
        assert place.server.info("persistence")["rdb_saves"] == "2"
        # One that fails.
        shutil.rmtree(place.at("data", "snapshots"))
        with open(place.at("data", "snapshots"), "w"):
            assert "BGSAVE failed" in run(*args, code=1)


def other_hosts_servers_are_told():
    with Place() as place, Place() as other:
        other.save("a")
        other.save("b")
        args = ["create", place.repo, "--socket", place.server.path]
        for swap, words in ((lambda: None, "holds no snapshot that this server has just made"),
                            (shutil.rmtree, "cannot read the server's snapshots")):
            child = Child(args, stop, ["scandir"], match="snapshots")
            child.wait_stopped()
            shutil.rmtree(place.at("data", "snapshots"))
            if swap is not shutil.rmtree:
                shutil.copytree(other.at("data", "snapshots"), place.at("data", "snapshots"))
            child.go_on()
            code, _, errors = child.end()
            assert code == 1 and words in errors, errors
        # An old one of its own will not do either.
        child = Child(args, stop, ["scandir"], match="snapshots")
        child.wait_stopped()
        kept = place.at("kept")
        shutil.move(place.at("data", "snapshots"), kept)
        child.go_on()
        assert child.end()[0] == 1
        place.server.call("SET", "later", "x")
        child = Child(args, stop, ["scandir"], match="snapshots")
        child.wait_stopped()
        shutil.rmtree(place.at("data", "snapshots"))
        shutil.move(kept, place.at("data", "snapshots"))
        child.go_on()
        code, _, errors = child.end()
        assert code == 1 and "has just made" in errors, errors
        assert list(files_of(place.repo)) == ["REPO"]


TESTS = [
    a_create_killed_at_any_step_leaves_whole_backups_and_is_made_good,
    a_full_disk_leaves_what_was_there,
    what_names_something_is_renamed_when_that_is_on_the_disk,
    a_half_restore_cannot_be_started_from,
    one_writes_or_many_read,
    verify_gives_way,
    a_snapshot_that_vanishes_is_read_on_or_another_is_taken,
    progress_is_told_to_terminals_only,
    it_waits_for_a_save_that_began_before,
    other_hosts_servers_are_told,
]

if __name__ == "__main__":
    run_tests(TESTS)
