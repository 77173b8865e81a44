#!/usr/bin/env python3
"""tools/backup: what it makes of a running server, and what it makes of that again.

usage: backup_test.py HEARTH_SERVER [NAME ...]    NAME: only these tests
"""

import json
import os
import shutil
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)
from place import (KEYS, VALUE_SIZE, Place, Relative, digest, files_of, flip,  # noqa: E402
                   run_tests, tree)
from resp import Listening, Server  # noqa: E402
from tool import create, run  # noqa: E402

class Writer(threading.Thread):
    """Sets rising numbers, one after the other: what stands at any moment tells how far it was."""

    def __init__(self, server):
        super().__init__()
        self.client, self.ending, self.acked = server.client(), threading.Event(), 0
        self.warm = threading.Event()

    def run(self):
        while not self.ending.is_set():
            number = self.acked + 1
            self.client.call("SET", "key%d" % (number % KEYS), "%d" % number)
            self.acked = number
            if number == 3 * KEYS:
                self.warm.set()


def a_backup_under_writes_is_one_moment_not_before_the_call():
    with Place() as place:
        writer = Writer(place.server)
        writer.start()
        assert writer.warm.wait(60)
        acked = writer.acked
        made = place.create()
        writer.ending.set()
        writer.join()
        run("restore", place.repo, "latest", place.at("again", "data"), code=1)  # no parent
        os.mkdir(place.at("again"))
        run("restore", place.repo, made.name, place.at("again", "data"))
        again = place.serve(place.at("again"))
        numbers = [int(v) for v in again.call("MGET", *["key%d" % i for i in range(KEYS)])]
        last = max(numbers)
        assert acked <= last <= writer.acked, (acked, last, writer.acked)
        assert sorted(numbers) == list(range(last - KEYS + 1, last + 1)), numbers
        assert again.call("DEBUG", "VERIFY-STORE") == "OK"


def a_second_backup_costs_what_changed():
    with Place() as place:
        place.fill()
        first = place.create()
        assert (first.shared, first.copied) == (0, len(place.backup_files(first.name)))
        place.server.call("SET", "one", "more")
        second = place.create("--note", "of one more")
        before = set(place.backup_files(first.name).values())
        changed = [size for name, (blob, size) in place.backup_files(second.name).items()
                   if (blob, size) not in before]
        assert (second.copied, second.copied_bytes) == (len(changed), sum(changed))
        assert second.copied_bytes < 8000 and second.shared_bytes > KEYS * VALUE_SIZE
        third = place.create()  # nothing was written since
        assert third.copied_bytes < 8000 and third.shared > 3
        listed = json.loads(run("list", place.repo, "--json"))
        assert [b["note"] for b in listed] == [None, "of one more", None][:len(listed)]
        assert listed[0]["keys"] == KEYS and listed[1]["keys"] == KEYS + 1
        assert run("list", place.repo).splitlines()[1].endswith("bytes  of one more")
        for path, mode in ((place.repo, 0o700), (place.repo + "/REPO", 0o600),
                           (list(place.blobs().values())[0], 0o600)):
            assert os.stat(path).st_mode & 0o777 == mode, path
        run("verify", place.repo)


def what_is_shared_is_not_read_but_for_its_end():
    with Place() as place:
        place.fill()
        first = place.save("a")
        create(place.repo, "--snapshot", first)
        table = max(os.listdir(first), key=lambda n: os.path.getsize(os.path.join(first, n)))
        # The manifest may tell an older file's checksum; another store's has another end.
        for name, at in (("middle", 1000), ("end", os.path.getsize(first + "/" + table) - 500)):
            copy = place.at(name)
            shutil.copytree(first, copy)
            flip(os.path.join(copy, table), at)
        made = create(place.repo, "--snapshot", place.at("middle"))
        assert made.copied == 0
        told = run("create", place.repo, "--snapshot", place.at("end"), code=1)
        assert place.at("end", table) + " is damaged" in told, told
        with open(os.path.join(place.at("end"), table), "ab") as file:
            file.write(b"x")
        assert "bytes" in run("create", place.repo, "--snapshot", place.at("end"), code=1)
        run("verify", place.repo)
        # What no backup tells is read, and found to be there.
        os.unlink(place.at("repo", "backups", made.name))
        assert create(place.repo, "--snapshot", first).copied == 0
        # The same again keeps its note; the same name from elsewhere is refused.
        create(place.repo, "--snapshot", first, "--note", "noted")
        create(place.repo, "--snapshot", first)
        assert run("list", place.repo).endswith("bytes  noted\n")
        manifest = os.path.join(place.at("middle"), "SNAPSHOT")
        with open(manifest) as file:
            text = file.read()
        with open(manifest, "w") as file:
            file.write(text.replace("replication-id ", "replication-id 0"))
        assert "of another server" in run("create", place.repo, "--snapshot", place.at("middle"),
                                          code=1)
        # A damaged file that no backup has yet, and nothing of it stays.
        told = run("create", place.at("other"), "--snapshot", place.at("middle"), code=1)
        assert table + " is damaged" in told, told
        assert list(files_of(place.at("other"))) == ["REPO"]


def a_restore_serves_the_same_data_with_a_history_of_its_own():
    with Place() as place:
        place.fill()
        client = place.server.client()
        client.call("HSET", "hash", *[word for i in range(600) for word in ("f%d" % i, i)])
        client.call("RPUSH", "list", *range(300))
        client.call("SELECT", 3)
        client.call("SET", "elsewhere", "x", "EX", 10000)
        made, wanted = place.create(), digest(place.server)
        history = place.server.info()
        place.server.call("FLUSHALL")
        data, snapshot = place.at("again", "data"), place.at("from", "data")
        os.mkdir(place.at("from"))
        os.makedirs(data)  # empty: may be filled
        run("restore", place.repo, "latest", data)
        run("restore", place.repo, "latest", snapshot, "--as-snapshot")
        manifest = tree(snapshot)
        assert create(place.repo, "--snapshot", snapshot).copied == 0, "it is the same snapshot"
        assert os.stat(snapshot + "/CURRENT").st_mode & 0o777 == 0o600
        assert os.stat(snapshot).st_mode & 0o777 == 0o700
        for folder in ("again", "from"):
            server = place.serve(place.at(folder))
            assert digest(server) == wanted
            info = server.info()
            assert info["master_replid"] != history["master_replid"], "others may have gone on"
            assert info["master_replid2"] == history["master_replid"]
            assert int(info["second_repl_offset"]) == int(made.name.split("-")[1]) + 1
            server.call("SET", "later", "x")
            assert server.stop() == 0
        assert tree(snapshot) == manifest, "a snapshot stays as it is"
        assert not os.path.exists(data + ".opened"), "a data directory is served from itself"
        assert place.serve(place.at("again")).call("GET", "later") == b"x"
        # A server would not look at what is restored, but serve its old copy.
        shutil.rmtree(snapshot)
        assert ".opened is there" in run("restore", place.repo, "latest", snapshot,
                                         "--as-snapshot", code=1)
        assert "is not empty" in run("restore", place.repo, "latest", data, code=1)
        assert "no backup nope" in run("restore", place.repo, "nope", place.at("x"), code=1)
        assert not os.path.exists(place.at("x"))


def a_damaged_blob_is_found_and_those_that_it_hurts():
    with Place() as place:
        place.fill()
        first, second = place.save("a"), place.save("b")
        names = [create(place.repo, "--snapshot", path).name for path in (first, second)]
        files = [place.backup_files(name) for name in names]
        table = max(files[0], key=lambda name: files[0][name][1])
        only = next(name for name in files[1] if name.endswith(".sst") and name not in files[0])
        shared_blob, only_blob = files[0][table][0], files[1][only][0]
        flip(place.blobs()[shared_blob], 100000)
        told = run("verify", place.repo, code=1)
        assert shared_blob + " has another checksum" in told, told
        assert all("%s (%s)" % (name, table) in told for name in names), told
        assert shared_blob in run("restore", place.repo, "latest", place.at("x"), code=1)
        assert not os.path.exists(place.at("x"))
        flip(place.blobs()[only_blob], 10)
        told = run("verify", place.repo, code=1, lines=2)
        assert "%s has another checksum; it hurts %s (%s)\n" % (
            place.blobs()[only_blob], names[1], only) in told, told
        assert only not in run("verify", place.repo, names[0], code=1)
        os.truncate(place.blobs()[only_blob], 5)
        assert "has 5 bytes instead of" in run("verify", place.repo, code=1, lines=2)
        assert "cut short" in run("restore", place.repo, "latest", place.at("x"), code=1)
        os.unlink(place.blobs()[only_blob])
        assert only_blob + " is missing" in run("verify", place.repo, code=1, lines=2)
        os.unlink(place.blobs()[shared_blob])
        assert create(place.repo, "--snapshot", second).copied == 2, "what is missing is healed"
        run("verify", place.repo)
        flip(os.path.join(place.repo, "backups", names[0]), 40)
        assert names[0] + " is damaged" in run("verify", place.repo, code=1)
        assert names[0] + " is damaged" in run("list", place.repo, code=1)
        before = tree(place.repo)
        assert names[0] + " is damaged" in run("prune", place.repo, "--keep", "2", code=1)
        assert tree(place.repo) == before, "nobody knows its blobs"
        run("prune", place.repo, "--keep", "1")
        run("verify", place.repo)


def prune_keeps_what_is_shared_and_by_days_and_weeks():
    with Place() as place:
        place.fill()
        paths = [place.save(key) for key in "abc"]
        names = [create(place.repo, "--snapshot", path).name for path in paths]
        files = [{blob for blob, _ in place.backup_files(name).values()} for name in names]
        for path in (place.at("repo", "blobs", "00"), place.at("repo", "blobs", "mine")):
            os.makedirs(path, exist_ok=True)
            with open(os.path.join(path, "notes"), "w") as file:
                file.write("not the tool's")
        with open(place.at("repo", "backups", "notes"), "w") as file:
            file.write("not the tool's")
        dry = run("prune", place.repo, "--keep", "2", "--dry-run")
        assert dry.startswith(names[0] + "\nwould remove 1 backups and "), dry
        assert set(place.blobs()) == files[0] | files[1] | files[2] | {"notes"}
        told = run("prune", place.repo, "--keep", "2")
        assert told.startswith("removed 1 backups and %d blobs" %
                               len(files[0] - files[1] - files[2])), told
        assert place.names() == names[1:]
        assert set(place.blobs()) == files[1] | files[2] | {"notes"}
        assert os.path.exists(place.at("repo", "blobs", "mine", "notes"))
        assert os.path.exists(place.at("repo", "backups", "notes"))
        run("verify", place.repo)
        # Monday the 5th begins the second ISO week of 2026.
        times = ["20251228T120000Z-9", "20260103T235959Z-10", "20260104T000000Z-11",
                 "20260104T235900Z-12", "20260105T000000Z-13", "20260105T000000Z-113",
                 "20260106T100000Z-14", "20260106T110000Z-15"]
        for time in times:
            shutil.copy(place.at("repo", "backups", names[1]), place.at("repo", "backups", time))
        for name in names[1:]:
            os.unlink(place.at("repo", "backups", name))
        assert place.names() == times, "by time, then by sequence as a number"
        for options, kept in ((["--keep", "1"], [7]), (["--keep", "3"], [5, 6, 7]),
                              (["--keep", "1", "--keep-daily", "3"], [3, 5, 7]),
                              (["--keep", "1", "--keep-weekly", "2"], [3, 7]),
                              (["--keep", "2", "--keep-daily", "4", "--keep-weekly", "3"],
                               [0, 1, 3, 5, 6, 7])):
            removed = run("prune", place.repo, "--dry-run", *options).splitlines()[:-1]
            assert removed == [t for i, t in enumerate(times) if i not in kept], (options, removed)
        run("prune", place.repo, "--keep", "0", code=2)
        run("prune", place.repo, code=2)


def what_is_not_a_repository_is_left_alone():
    with Place() as place:
        snapshot = place.save("a")
        os.mkdir(place.at("foreign"))
        with open(place.at("foreign", "REPO.unfinished"), "w") as file:
            file.write("somebody's")
        before = tree(place.at("foreign"))
        told = run("create", place.at("foreign"), "--snapshot", snapshot, code=1)
        assert "neither empty nor a repository" in told, told
        for command in (["verify"], ["list"], ["prune", "--keep", "1"], ["restore", "latest", "x"]):
            args = [command[0], place.at("foreign"), *command[1:]]
            assert "is not a repository" in run(*args, code=1)
            args[1] = place.at("nowhere")
            assert "is not there" in run(*args, code=1)
        assert tree(place.at("foreign")) == before
        assert not os.path.exists(place.at("nowhere"))
        os.mkdir(place.repo)  # empty
        create(place.repo, "--snapshot", snapshot)
        with open(place.at("repo", "REPO"), "w") as file:
            file.write("hearth-backup-repo 2\n")
        before = tree(place.repo)
        for args in (["create", place.repo, "--snapshot", snapshot], ["verify", place.repo],
                     ["list", place.repo], ["prune", place.repo, "--keep", "1"],
                     ["restore", place.repo, "latest", place.at("x")]):
            assert "does not know: 'hearth-backup-repo 2'" in run(*args, code=1)
        assert tree(place.repo) == before
        assert "is not a directory" in run("create", place.at("socket"), "--snapshot", snapshot,
                                           code=1)
        for path in (place.at("data"), place.at("nowhere")):
            run("create", place.at("new"), "--snapshot", path, code=1)
        assert not os.path.exists(place.at("new"))


def a_servers_relative_folder_is_found():
    with Place("--snapshot-dir", "elsewhere", kind=Relative) as place:
        place.create()
        assert os.path.isdir(place.at("elsewhere"))


def passwords_and_users():
    with Place(kind=Listening) as place:
        client = place.server.client()
        client.call("ACL", "SETUSER", "keeper", "on", ">hers", "+bgsave", "+info", "+config|get")
        client.call("CONFIG", "SET", "requirepass", "right")
        args = [place.repo, "--socket", place.server.path]
        assert "NOAUTH" in run("create", *args, code=1)
        assert "WRONGPASS" in run("create", *args, code=1, HEARTH_PASSWORD="wrong")
        assert not os.path.exists(place.repo)
        create(*args, HEARTH_PASSWORD="right")
        with open(place.at("password"), "w") as file:
            file.write("right\n")
        create(*args, "--password-file", place.at("password"), HEARTH_PASSWORD="wrong")
        tcp = [place.repo, "--host", "127.0.0.1", "--port", str(place.server.port)]
        create(*tcp, "--user", "keeper", HEARTH_PASSWORD="hers")
        assert "needs a password" in run("create", *tcp, "--user", "keeper", code=1)
        assert place.at("nowhere") in run("create", *tcp, "--password-file", place.at("nowhere"),
                                          code=1)
        place.server.stop()
        assert "cannot connect" in run("create", *tcp, code=1)
        assert "cannot connect" in run("create", *args, code=1)


def wrong_usage_and_what_is_missing_is_told():
    with Place() as place:
        place.create("--note", "x")
        for args in ([], ["frob"], ["create"], ["restore", place.repo], ["list", place.repo, "x"]):
            assert "--help tells the usage" in run(*args, code=2)
        assert "one line of printable" in run("create", place.repo, "--note", "a\nb", code=1)
        with open(place.at("xxhash.py"), "w") as file:
            file.write("raise ImportError\n")
        for command in (["verify"], ["create"], ["restore", "latest", place.at("x")]):
            assert "apt-get install python3-xxhash" in run(
                command[0], place.repo, *command[1:], code=1, PYTHONPATH=place.folder)
        run("list", place.repo, PYTHONPATH=place.folder)
        place.server.stop()
        redis = Server("redis-server", ["--save", ""])
        try:
            redis.start()
            for command in ("create", "archive"):
                assert "no hearth-server" in run(command, place.repo, "--socket", redis.path, code=1)
            assert redis.info("persistence")["rdb_saves"] == "0"
        finally:
            redis.remove()


TESTS = [
    a_backup_under_writes_is_one_moment_not_before_the_call,
    a_second_backup_costs_what_changed,
    what_is_shared_is_not_read_but_for_its_end,
    a_restore_serves_the_same_data_with_a_history_of_its_own,
    a_damaged_blob_is_found_and_those_that_it_hurts,
    prune_keeps_what_is_shared_and_by_days_and_weeks,
    what_is_not_a_repository_is_left_alone,
    a_servers_relative_folder_is_found,
    passwords_and_users,
    wrong_usage_and_what_is_missing_is_told,
]

if __name__ == "__main__":
    run_tests(TESTS)
