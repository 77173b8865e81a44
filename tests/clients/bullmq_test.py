#!/usr/bin/env python3
"""BullMQ against a server that is killed three times meanwhile: no job is lost or completed twice.

usage: bullmq_test.py HEARTH_SERVER
"""

import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from resp import Server  # noqa: E402

KILL_AT = [1000, 4000, 7000]  # jobs completed
SECONDS_MAX = 150       # well over what bullmq_jobs.js gives itself: it says what is missing


def follow(jobs, server):
    """Kills and restarts the server as the jobs pass KILL_AT; returns their output's last lines."""
    kill_at = list(KILL_AT)
    lines = []
    for line in jobs.stdout:
        completed = re.match(r"completed (\d+)$", line)
        if completed is None:
            lines.append(line)
        elif kill_at and int(completed[1]) >= kill_at[0]:
            kill_at.pop(0)
            server.kill()
            server.start()
    return kill_at, "".join(lines[-100:])


def main():
    server = Server(sys.argv[1], ["--save", ""])
    jobs = None
    try:
        server.start()
        jobs = subprocess.Popen(["node", os.path.join(HERE, "bullmq_jobs.js"), server.path],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        timer = threading.Timer(SECONDS_MAX, jobs.kill)
        timer.start()
        kill_at, out = follow(jobs, server)
        timer.cancel()
        assert jobs.wait() == 0, out
        assert not kill_at, "the jobs were done before the server was killed: " + out
        print(out.strip().splitlines()[-1])
        assert server.stop() == 0
    except BaseException:
        print(server.log_tail())
        raise
    finally:
        if jobs and jobs.poll() is None:
            jobs.kill()
        server.remove()


if __name__ == "__main__":
    main()
