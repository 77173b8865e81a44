#!/usr/bin/env python3
"""A crash leaves a report in the log: the signal, what has failed, and a stack whose addresses name
functions; and the process ends by that signal.

usage: report_test.py HEARTH_SERVER
"""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from resp import Server  # noqa: E402


def crash(binary, how, args=()):
    """What the log says when `how` has ended a server."""
    server = Server(binary, ["--enable-debug-command", "yes", *args])
    log = os.path.join(server.folder, "hearth.log")
    server.args += ["--logfile", log]
    try:
        client = server.start()
        how(server, client)
        code = server.process.wait(60)
        with open(log) as file:
            return code, file.read()
    finally:
        server.remove()


def debug(*words):
    def how(_, client):
        try:
            client.call("DEBUG", *words)
            raise AssertionError("DEBUG %s was answered" % words[0])
        except ConnectionError:
            pass
    return how


def functions(binary, log):
    """The names of the server's functions in the stack."""
    stack = log.split("STACK TRACE", 1)[1]
    offsets = re.findall(r" %s \+(0x[0-9a-f]+)" % re.escape(os.path.realpath(binary)), stack, re.M)
    assert len(offsets) >= 3, log
    return subprocess.run(["addr2line", "-Cfie", binary, *offsets], capture_output=True,
                          text=True, check=True, timeout=120).stdout


def main():
    binary = sys.argv[1]
    libraries = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    if re.search(r"lib[at]san", libraries):
        return print("skipped: sanitizers have reports of their own")
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    code, log = crash(binary, debug("SEGFAULT"))
    assert code == -signal.SIGSEGV, code
    first_line = r"crashed by signal: 11 \(SIGSEGV\), si_code: -?\d+, in thread worker-\d"
    assert re.search(first_line, log), log
    assert "ASSERTION FAILED" not in log, log
    if shutil.which("addr2line"):
        names = functions(binary, log)
        assert "hearth::Dispatcher::Run" in names and "hearth::Worker::Loop" in names, names
    else:
        print("addr2line is not here: the names of the stack are not looked up")
    assert log.rstrip().endswith("=== HEARTH BUG REPORT END ==="), log
    assert re.search(r"COMMAND of client \d+, 2 arguments.*\n.*argv\[0\]: \"DEBUG\"\n.*argv\[1\]: "
                     r"\"SEGFAULT\"\n", log), log

    code, log = crash(binary, debug("SEGFAULT", b'a"\n\xff', "x" * 200, *range(40)))
    assert r'argv[2]: "a\x22\x0a\xff"' in log and "argv[31]" in log and "argv[32]" not in log, log
    assert '"%s"... (200 bytes)\n' % ("x" * 128) in log, log
    code, log = crash(binary, debug("SEGFAULT", "told"), ["--hide-user-data-from-log", "yes"])
    assert 'argv[0]: "DEBUG"' in log and "argv[1]" not in log and "told" not in log, log

    for word in ("ASSERT", "PANIC"):
        code, log = crash(binary, debug(word))
        assert code == -signal.SIGABRT, code
        assert "crashed by signal: 6 (SIGABRT)" in log, log
        assert "=== ASSERTION FAILED === check failed: DEBUG ASSERT at " in log, log

    code, log = crash(binary, lambda server, _: server.process.send_signal(signal.SIGABRT))
    assert code == -signal.SIGABRT and "crashed by signal: 6 (SIGABRT)" in log, (code, log)
    code, log = crash(binary, debug("SEGFAULT"), ["--crash-log-enabled", "no"])
    assert code == -signal.SIGSEGV and "BUG REPORT" not in log, (code, log)

    def turn_off(_, client):
        assert client.call("CONFIG", "SET", "crash-log-enabled", "no") == "OK"
        debug("SEGFAULT")(_, client)
    code, log = crash(binary, turn_off)
    assert code == -signal.SIGSEGV and "BUG REPORT" not in log, (code, log)
    print("crashes are reported")


if __name__ == "__main__":
    main()
