#!/usr/bin/env python3
"""tools/backup archive, and restore --until: what they make of a running server's log.

usage: log_test.py HEARTH_SERVER [NAME ...]    NAME: only these tests
"""

import dataclasses
import json
import os
import re
import shutil
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import backup_log  # noqa: E402
import backup_repo  # noqa: E402
from log_place import NO_BACKUP, Archived, LogPlace, time_text  # noqa: E402
from place import Place, Relative, digest, files_of, flip, run_tests, tree  # noqa: E402
from resp import Listening, wait_until  # noqa: E402
from tool import run  # noqa: E402

LOG_BLOCK_SIZE = 32768
ANOTHER_IDENTITY = "00000000-0000-4000-8000-000000000000"


def write_group(file, seq, rows, size):
    """As RocksDB does: in records of kinds full, first, middle and last; none spans two blocks."""
    group = struct.pack("<QI", seq, rows).ljust(size, b"x")[:size]
    is_first = True
    while group or is_first:
        room = LOG_BLOCK_SIZE - file.tell() % LOG_BLOCK_SIZE
        if room < 7:
            file.write(bytes(room))
            continue
        part, group = group[:room - 7], group[room - 7:]
        kind = (2 if group else 1) if is_first else (3 if group else 4)
        file.write(struct.pack("<IHB", 0, len(part), kind) + part)
        is_first = False


def any_point_that_is_archived_can_be_restored():
    with LogPlace() as place:
        place.fill()
        first = place.create().name
        points = []
        for i in range(1, 7):
            place.fill(seed=i)
            place.server.call("RPUSH", "list", i)
            points.append(place.point())
            if i % 2:
                place.archive()
            if i == 3:
                place.save("saved")
            if i == 4:
                place.server.kill()
                place.server.start()
        before_flush = place.point()
        place.server.call("FLUSHALL")
        place.fill(seed=7, keys=20)
        place.server.call("FLUSHDB")
        place.fill(seed=8, keys=30)
        points.append(place.point())
        assert place.archive().sequence >= points[-1].seq
        place.server.kill()  # its disk may be lost
        shutil.rmtree(place.at("data"))
        for at in (points[0], points[3], points[5]):
            told = place.check(first, at.seq, at)
            assert re.search(r"^Recovered .*restored\d+/data from sequence \d+ to %d of " % at.seq,
                             told), told
            assert "left out" in told and "hearth-server --dir" in told, told
            place.check(first, at.time, at)
        place.check(first, "flush", before_flush)
        told = place.check(first, "end", points[-1])
        assert "The write-ahead log ends there" in told, told
        place.check(first, points[-1].seq, points[-1])


def a_round_costs_what_is_new_and_segments_stay_few():
    with LogPlace() as place:
        place.fill()
        name = place.create().name
        first = place.archive()
        assert (first.bytes, first.files) == (place.log().size_bytes(), len(place.log().files))
        assert place.archive().bytes == 0
        for i in range(40):
            place.server.call("SET", "key", i)
            assert 0 < place.archive().bytes < 200
        assert len(place.log().segments()) < 12, place.log()
        assert set(place.blobs()) == place.used(), "what was joined is gone"
        before = place.log().size_bytes()
        for seed in range(1, 4):
            place.fill(seed=seed)
        more = place.archive()
        assert more.files > 1 and more.bytes == place.log().size_bytes() - before, vars(more)
        assert more.sequence == place.point().seq
        last = place.point()
        run("verify", place.repo)
        place.check(name, "end", last)
        logs = json.loads(run("list", place.repo, "--logs", "--json"))
        assert logs == [{
            "identity": more.identity, "first_sequence": 1, "sequence": more.sequence,
            "time_ms": place.log().time_ms(), "gaps": [], "file_count": len(place.log().files),
            "replication_ids": [place.server.info()["master_replid"]],
            "size_bytes": sum(f.size() for f in place.log().files)}]
        line = "log %s from sequence 1 to %d of %s, %d bytes\n" % (
            more.identity, more.sequence,
            time_text(logs[0]["time_ms"] // 1000, logs[0]["time_ms"] % 1000),
            logs[0]["size_bytes"])
        assert run("list", place.repo, "--logs") == line
        assert run("list", place.repo).splitlines(keepends=True)[1:] == [line]
        assert [b["name"] for b in json.loads(run("list", place.repo, "--json"))] == [name]


def a_server_that_does_not_keep_its_log_is_refused():
    with Place() as place:
        args = ["archive", place.repo, "--socket", place.server.path]
        assert "CONFIG SET wal-retain yes" in run(*args, code=1)
        assert not os.path.exists(place.repo)
        place.server.call("CONFIG", "SET", "wal-retain", "yes")
        flip(place.at("repo", "backups", place.create().name), 40)
        run(*args, warning=NO_BACKUP)
        run(*args)  # it is told once
        place.server.stop()
        assert "cannot connect" in run(*args, code=1)
        run("archive", place.repo, "--every", "0", code=2)


def a_server_that_writes_no_log_is_refused():
    with LogPlace("--appendonly", "no") as place:
        assert "the server writes no log" in run(*place.archive_args(), code=1)
        assert not os.path.exists(place.repo)


def a_backup_from_before_the_log_is_refused():
    with LogPlace() as place:
        place.server.call("CONFIG", "SET", "wal-retain", "no")
        name = place.create().name
        place.fill(seed=1)
        place.create()  # which flushes
        place.server.call("CONFIG", "SET", "wal-retain", "yes")
        place.fill(seed=2)
        place.archive()
        told = place.refused(name, "end")
        assert "no log is archived that reaches %s" % name in told, told
        place.check("latest", "end", place.point())


def a_point_that_the_log_does_not_reach_is_refused():
    with LogPlace() as place:
        early = place.point()
        place.fill()
        name = place.create().name
        assert "no log is archived" in place.refused(name, "end")
        place.fill(seed=1)
        at = place.point()
        place.archive()
        # What is asked for may be written, but is not archived.
        place.server.call("SET", "later", "x")
        later = place.point()
        told = place.refused(name, later.seq)
        assert "archived to sequence %d only" % at.seq in told, told
        told = place.refused(name, later.time)
        assert "the log is archived until 2" in told, told
        assert "there is no flush in the log, which ends at sequence %d" % at.seq in (
            place.refused(name, "flush"))
        for until in (early.seq, early.time):
            assert name + " is behind" in place.refused(name, until)
            assert "all backups are behind" in place.refused("latest", until)
        assert "name one" in place.refused("latest", "flush")
        assert "no backup nope" in place.refused("nope", "end")
        assert "holds no log nope" in place.refused(name, "end", "--log", "nope")
        for until in ("now", "-1", "01", "2026-01-31", "2026-02-30T00:00:00Z",
                      "2026-01-31T23:59:59.1234Z", ""):
            told = run("restore", place.repo, name, place.at("x"), "--until", until, code=2)
            assert "none of: end, flush" in told, told
        run("restore", place.repo, name, place.at("x"), "--until", "end", "--as-snapshot", code=2)
        run("restore", place.repo, name, place.at("x"), "--server", sys.argv[1], code=2)
        assert "no program" in run("restore", place.repo, name, place.at("x"), "--until", "end",
                                   "--server", place.at("nothing"), code=1)
        # Nothing was written between: the time is archived, though no later group is.
        place.archive()
        idle = place.point()
        assert "archived until" in place.refused(name, idle.time)
        assert place.archive().bytes == 0
        place.check("latest", idle.time, later)


def what_the_server_deleted_before_it_was_archived_is_told():
    with LogPlace() as place:
        client = place.server.client()

        def forget():
            assert client.call("CONFIG", "SET", "wal-retain", "no") == "OK"
            assert client.call("CONFIG", "SET", "wal-retain", "yes") == "OK"

        place.fill()
        name = place.create().name
        place.server.call("SET", "before", "x")
        place.archive()
        before = place.point()
        # All files have gone, but the log goes on where it was archived to.
        place.save("flushed")
        place.archive()
        assert place.server.call("SAVE") == "OK"
        forget()
        place.fill(seed=1, keys=10)
        joined = place.point()
        assert place.archive().bytes > 0
        # Now something is missing.
        place.fill(seed=2)
        assert place.server.call("SAVE") == "OK"
        forget()
        place.server.call("SET", "after", "x")
        told = run(*place.archive_args(), code=1)
        assert "deleted its write-ahead log from sequence %d on: make a new backup" % (
            joined.seq + 1) in told, told
        assert place.archive().bytes == 0, "told once"
        lacks = "lacks some of what comes from sequence %d on" % (joined.seq + 1)
        for until in ("end", joined.seq + 1, place.point().seq):
            assert lacks in place.refused(name, until)
        assert run("list", place.repo, "--logs").endswith(", lacks some from %d on\n" %
                                                          (joined.seq + 1))
        place.check(name, before.seq, before)
        place.check(name, joined.seq, joined)
        for until in (joined.time, "flush"):  # nobody knows whether that lacks
            assert "the recovery failed: " in place.refused(name, until)
        # A backup of what lacks, and one behind it.
        made, log = place.create().name, place.log()
        with open(os.path.join(place.repo, "backups", made), "rb") as file:
            lost = backup_repo.decode_backup(made, file.read())
        lost.fields["sequence"] = str(joined.seq + 1)
        backup_repo.Repo(place.repo).write_backup(lost)
        assert "no log is archived that reaches" in place.refused(made, "end")
        lost.fields["sequence"] = made.split("-")[1]
        backup_repo.Repo(place.repo).write_backup(lost)
        assert log.gaps() == [joined.seq + 1]
        place.server.call("SET", "after", "y")
        place.archive()
        place.check("latest", "end", place.point())


def what_was_written_without_a_log_is_told():
    with LogPlace() as place:
        client = place.server.client()
        place.fill()
        name = place.create().name
        place.fill(seed=1)
        place.archive()
        before = place.point()
        client.call("CONFIG", "SET", "appendonly", "no")
        client.call("SET", "unlogged", "x")
        assert "the server writes no log" in run(*place.archive_args(), code=1)
        client.call("SET", "unlogged", "y")
        last = place.point().seq
        client.call("CONFIG", "SET", "appendonly", "yes")
        place.fill(seed=2)
        told = run(*place.archive_args(), code=1)
        assert "wrote without a log from sequence %d to %d: make a new backup" % (
            before.seq + 1, last) in told, told
        assert place.log().gaps() == [before.seq + 1]
        assert place.archive().bytes == 0, "told once"
        assert "lacks some of what comes from sequence %d on" % (before.seq + 1) in (
            place.refused(name, "end"))
        place.check(name, before.seq, before)
        # In a run of its own.
        name = place.create().name
        place.server.stop()
        place.server.args += ["--appendonly", "no"]
        place.server.start()
        place.server.call("SET", "unlogged", "z")
        place.server.stop()
        del place.server.args[-2:]
        place.server.start()
        place.server.call("SET", "logged", "z")
        assert "wrote without a log" in run(*place.archive_args(), code=1)
        assert "lacks some" in place.refused(name, "end")
        name = place.create().name
        place.server.call("SET", "logged", "y")
        place.archive()
        place.check(name, "end", place.point())


def groups_are_read_up_to_the_end_of_a_file():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        groups = [(1, 3, 100), (4, 1, 32768 - 7 - 100 - 7 - 7 - 5), (5, 7, 70000), (12, 2, 20)]
        for count in range(len(groups) + 1):
            with open(path, "wb") as file:
                for seq, rows, size in groups[:count]:
                    write_group(file, seq, rows, size)
            with open(path, "rb") as file:
                expected = sum(groups[count - 1][:2]) if count else 0
                assert backup_log.read_end_seq(file.fileno(), os.path.getsize(path)) == expected


def another_stores_files_are_not_appended():
    with LogPlace() as place:
        place.fill(keys=10)
        place.server.stop()
        shutil.copytree(place.at("data"), place.at("older"))
        place.server.start()
        place.server.call("SET", "number", "1" * 500)
        place.archive(NO_BACKUP)
        before = tree(place.repo)
        place.server.stop()
        for is_ahead in (False, True):
            shutil.rmtree(place.at("data"))
            shutil.copytree(place.at("older"), place.at("data"))
            place.server.start()
            if not is_ahead:
                assert "the server stands at sequence" in run(*place.archive_args(), code=1)
            else:
                place.server.call("SET", "number", "2" * 500)
                place.server.call("SET", "more", "x")
                told = run(*place.archive_args(), code=1)
                name = place.log().files[-1].name()
                assert "backup: %s is not the file that is archived" % name in told, told
            assert tree(place.repo) == before
            place.server.stop()
        # In what is joined with what is new.
        shutil.rmtree(place.at("data"))
        shutil.rmtree(place.repo)
        shutil.copytree(place.at("older"), place.at("data"))
        place.server.start()
        place.fill(keys=35)
        place.archive(NO_BACKUP)
        place.fill(keys=45)
        number = place.log().files[-1].number
        flip(place.at("data", "%06d.log" % number), 1000)
        assert "is not the file" in run(*place.archive_args(), code=1)


def a_replica_that_takes_over_another_store_is_told():
    with LogPlace(kind=Listening) as place:
        primary = place.server
        place.fill(keys=60)
        os.mkdir(place.at("replica"))
        place.server = replica = place.serve(place.at("replica"), Listening)
        for _ in range(12):  # its file numbers get higher than the primary's
            assert replica.call("SET", "own", "x") == replica.call("SAVE") == "OK"
        for retain in ("no", "yes"):
            replica.call("CONFIG", "SET", "wal-retain", retain)
        replica.call("SET", "own", "y")
        old = place.archive(NO_BACKUP)
        replica.call("REPLICAOF", "127.0.0.1", primary.port)
        wait_until(lambda: replica.is_level_with(primary), "level")
        primary.call("SET", "first", "x")
        wait_until(lambda: replica.is_level_with(primary), "level")
        before = tree(place.repo)
        told = run(*place.archive_args(), code=1)
        assert "but older files: they are another store's" in told, told
        assert tree(place.repo) == before
        # As the error says.
        logs = place.at("repo", "logs")
        os.rename(os.path.join(logs, old.identity), os.path.join(logs, old.identity + "-1"))
        name = place.create().name
        primary.call("SET", "second", "x")
        wait_until(lambda: replica.is_level_with(primary), "level")
        place.archive()
        place.check(name, "end", place.point())
        assert run("list", place.repo, "--logs").count("log " + old.identity) == 2


def a_damaged_segment_is_found_and_the_log_that_it_hurts():
    with LogPlace() as place:
        place.fill()
        name = place.create().name
        place.fill(seed=1)
        place.archive()
        identity, file = place.log().identity, place.log().files[-1]
        sha256 = max(file.segments, key=lambda segment: segment.size).sha256
        users = "it hurts log %s (%s)\n" % (identity, file.name())
        flip(place.blobs()[sha256], 70)
        told = run("verify", place.repo, code=1)
        assert told == "backup: %s has another checksum; %s" % (place.blobs()[sha256], users)
        run("verify", place.repo, name)
        assert "%s is damaged (%s)" % (place.blobs()[sha256], file.name()) in (
            place.refused(name, "end"))
        os.truncate(place.blobs()[sha256], 50)
        assert users in run("verify", place.repo, code=1)
        assert "cut short" in place.refused(name, "end")
        os.unlink(place.blobs()[sha256])
        assert "is missing; " + users in run("verify", place.repo, code=1)
        index = os.path.join(place.repo, "logs", identity)
        flip(index, 40)
        before = tree(place.repo)
        for args in (["verify"], ["list"], ["list", "--logs"], ["prune", "--keep", "1"]):
            told = run(args[0], place.repo, *args[1:], code=1)
            assert index + " is damaged: its checksum is wrong" in told, told
        assert index + " is damaged" in run(*place.archive_args(), code=1)
        place.create()
        assert set(before) <= set(tree(place.repo)), "nobody knows its blobs"


def what_is_before_a_damaged_segment_can_be_restored():
    with LogPlace() as place:
        place.fill()
        name = place.create().name
        place.fill(seed=1)
        before = place.point()
        place.archive()
        count, seed = len(place.log().files), 1
        while len(place.log().files) == count:
            seed += 1
            place.fill(seed=seed)
            place.archive()
        place.server.call("SET", "behind", "x")
        behind = place.point()
        place.server.call("SET", "more", "x")
        place.archive()
        segment = place.log().files[-1].segments[0]
        path, last = place.blobs()[segment.sha256], segment.first_seq - 1
        for damage, spoil in (("is damaged", lambda: flip(path, 70)),
                              ("is missing or cut short", lambda: os.unlink(path))):
            spoil()
            warning = "%s %s (" % (path, damage)
            place.check(name, before.seq, before)  # that file is not looked at
            place.check(name, before.time, before, warning=warning)
            place.restore(name, last, warning=warning)[0].stop()
            for until in (last + 1, behind.seq, behind.time):
                told = place.refused(name, until)
                assert warning in told, told
                assert "; what is before it reaches sequence %d only" % last in told, told
            assert warning in place.refused(name, "end")


def prune_keeps_of_the_log_what_the_backups_need():
    with LogPlace() as place:
        names = []
        for i in range(4):
            place.fill(seed=i)
            names.append(place.create().name)
            place.fill(seed=10 + i)
            place.archive()
        end, whole = place.point(), place.log()
        other = dataclasses.replace(whole, identity=ANOTHER_IDENTITY, marks=dict(
            whole.marks, **{"time-ms": str(whole.time_ms() - 3600000)}))
        place.write_log(other)
        before = tree(place.repo)
        told = [run("prune", place.repo, "--keep", "2", "--dry-run")]
        assert tree(place.repo) == before
        told.append(run("prune", place.repo, "--keep", "2"))
        counts = [re.search(r"(2 backups and .*) in ", text)[1] for text in told]
        assert counts[0] == counts[1] and "bytes less of logs" in counts[0], told
        left = place.log()  # the other one has gone
        assert left.marks == whole.marks and left.files == whole.files[-len(left.files):]
        sequence = int(names[2].split("-")[1])
        assert left.files[0].first_seq() <= sequence + 1 < left.files[1].first_seq()
        assert set(place.blobs()) == place.used()
        run("verify", place.repo)
        assert place.archive().bytes == 0, "what was removed does not come again"
        for name in names[2:]:
            place.check(name, "end", end)
        # A log that ends before all backups still tells the next archive whether something lacks.
        name = place.create().name
        run("prune", place.repo, "--keep", "1")
        assert len(place.log().files) == 1
        place.fill(seed=20)
        assert place.archive().bytes > 300000
        place.check(name, "end", place.point())


def latest_is_the_newest_backup_before_the_point():
    with LogPlace() as place:
        names, points = [], []
        for i in range(3):
            place.server.call("SET", "number", i)
            names.append(place.create().name)
            place.server.call("SET", "between", i)
            points.append(place.point())
        place.archive()
        for name, at in zip(names, points):
            for until in (at.seq, at.time):
                told = place.check("latest", until, at)
                assert "\n%s: restored " % name in told, told
        assert "\n%s: restored " % names[-1] in place.check("latest", "end", points[-1])


def one_of_several_logs_is_chosen():
    with LogPlace() as place:
        place.fill(keys=10)
        name = place.create().name
        place.server.call("SET", "of", "the first")
        first = place.archive()
        first_end = place.point()
        # What is restored has a log of its own, and a history from the point on.
        place.server, _ = place.restore(name, "end")
        place.server.call("SET", "of", "the second")
        second = place.archive(NO_BACKUP)
        second_end = place.point()
        assert first.identity != second.identity
        place.check(name, "end", first_end)
        place.check(place.create().name, "end", second_end)
        # The same history in two logs, as of a primary and a replica.
        copy = dataclasses.replace(place.log(first.identity), identity=ANOTHER_IDENTITY)
        place.write_log(copy)
        told = place.refused(name, "end")
        assert "choose with --log: log 0" in told or "; log 0" in told, told
        assert first.identity in told and second.identity not in told, told
        for identity in (first.identity, ANOTHER_IDENTITY):
            place.check(name, "end", first_end, "--log", identity)
        told = place.refused(place.names()[-1], "end", "--log", first.identity)
        assert "the log %s from sequence" % first.identity in told, told
        assert "does not reach" in told, told


def a_servers_folders_and_databases_are_found():
    args = ["--databases", "40", "--wal-dir", "elsewhere"]
    with LogPlace(*args, kind=Relative) as place:
        client = place.server.client()
        client.call("SELECT", 33)
        client.call("SET", "there", "1")
        name = place.create().name
        client.call("SET", "there", "2")
        assert place.archive().bytes > 0 and os.path.isdir(place.at("elsewhere", "replication"))
        restored, _ = place.restore(name, "end")
        assert digest(restored) == digest(place.server)
        # A server that was started of a snapshot serves a copy beside it.
        os.mkdir(place.at("of"))
        run("restore", place.repo, name, place.at("of", "data"), "--as-snapshot")
        place.server = place.serve(place.at("of"))
        place.server.call("SET", "there", "3")
        assert place.archive().bytes > 0
        with open(place.at("of", "data.opened", "IDENTITY")) as file:
            identity = file.read().strip()
        assert identity in run("list", place.repo, "--logs")
        # Its log goes on where the backup ends; whoever does not choose means the first one.
        for log, db, value in (([], 33, b"2"), (["--log", identity], 0, b"3")):
            restored, _ = place.restore(name, "end", *log)
            client = restored.client()
            client.call("SELECT", db)
            assert client.call("GET", "there") == value
        assert "IDENTITY" not in files_of(place.at("of", "data"))


def an_archive_is_made_with_a_password_as_a_user_too():
    with LogPlace(kind=Listening) as place:
        client = place.server.client()
        client.call("ACL", "SETUSER", "keeper", "on", ">hers", "+info", "+config|get")
        client.call("CONFIG", "SET", "requirepass", "right")
        assert "NOAUTH" in run(*place.archive_args(), code=1)
        assert "WRONGPASS" in run(*place.archive_args(), code=1, HEARTH_PASSWORD="wrong")
        assert not os.path.exists(place.repo)
        run(*place.archive_args(), warning=NO_BACKUP, HEARTH_PASSWORD="right")
        client.call("SET", "key", "value")
        done = Archived(run("archive", place.repo, "--host", "127.0.0.1", "--port",
                            str(place.server.port), "--user", "keeper", HEARTH_PASSWORD="hers"))
        assert done.bytes > 0
        client.call("CONFIG", "SET", "requirepass", "")


TESTS = [
    any_point_that_is_archived_can_be_restored,
    a_round_costs_what_is_new_and_segments_stay_few,
    a_server_that_does_not_keep_its_log_is_refused,
    a_server_that_writes_no_log_is_refused,
    a_backup_from_before_the_log_is_refused,
    a_point_that_the_log_does_not_reach_is_refused,
    what_the_server_deleted_before_it_was_archived_is_told,
    what_was_written_without_a_log_is_told,
    groups_are_read_up_to_the_end_of_a_file,
    another_stores_files_are_not_appended,
    a_replica_that_takes_over_another_store_is_told,
    a_damaged_segment_is_found_and_the_log_that_it_hurts,
    what_is_before_a_damaged_segment_can_be_restored,
    prune_keeps_of_the_log_what_the_backups_need,
    latest_is_the_newest_backup_before_the_point,
    one_of_several_logs_is_chosen,
    a_servers_folders_and_databases_are_found,
    an_archive_is_made_with_a_password_as_a_user_too,
]

if __name__ == "__main__":
    run_tests(TESTS)
