#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ledgers that several processes write at once, and whose writers are killed at any instant.

usage: kill_test.py BINARY [KILLS] [SECONDS]

Four processes append for SECONDS (default 5) to one ledger: all that said they were done are in it, once, and it
verifies. Then KILLS times (default 60) a writer, or the making of the ledger with its key, or a change of the key, gets
SIGKILL at an instant drawn from the time that it takes: what is left verifies, has lost nothing that was done, and goes
on. tools/ledger_verify says the same of the exported file.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
VERIFIER = os.path.join(HERE, "..", "..", "tools", "ledger_verify")
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


class Results:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, fine, what):
        self.passed += bool(fine)
        self.failed += not fine
        if not fine:
            print("not ok " + what, flush=True)


def verdict(binary, folder):
    done = subprocess.run((binary, "ledger", "verify", "-C", folder, "--json"), capture_output=True, check=False)
    return json.loads(done.stdout) if done.stdout else {"holds": False, "entries": 0, "message": done.stderr.decode()}


def both_hold(binary, folder):
    subprocess.run((binary, "ledger", "export", "-C", folder, "-o", "exported"), check=True, **QUIET)
    return subprocess.run((sys.executable, VERIFIER, "exported"), check=False, **QUIET).returncode == 0


def append(binary, folder, out):
    return binary, "ledger", "export", "--checkpoint-only", "-o", out, "-C", folder


def at_once(results, binary, seconds):
    """Each writer is a shell that appends again and again; a line per append that was done."""
    subprocess.run((binary, "init", "together"), check=True, **QUIET)
    end = time.time() + seconds
    loop = 'while [ "$(date +%s)" -lt "$0" ]; do "$@" >/dev/null 2>&1 && echo done; done'
    writers = [
        subprocess.Popen(("sh", "-c", loop, str(int(end))) + append(binary, "together", f"at-once.{i}"),
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for i in range(4)
    ]
    counts = [len(writer.communicate()[0].splitlines()) for writer in writers]
    told = verdict(binary, "together")
    results.check(told["holds"], f"four at once: {told.get('message')}")
    results.check(told["entries"] == 1 + sum(counts), f"four at once: {counts} done, {told['entries']} entries")
    results.check(min(counts) > 0, f"four at once: each got its turn: {counts}")
    results.check(both_hold(binary, "together"), "four at once: tools/ledger_verify")
    for i in range(4):
        done = subprocess.run((binary, "ledger", "verify", "-C", "together", "--checkpoint", f"at-once.{i}"),
                              check=False, **QUIET)
        results.check(done.returncode == 0, f"four at once: the last checkpoint of writer {i}")


def timed(*command):
    begun = time.monotonic()
    subprocess.run(command, check=True, **QUIET)
    return time.monotonic() - begun


def kill_at(seconds, *command):
    """True when it was killed, False when it had ended before."""
    process = subprocess.Popen(command, **QUIET)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def kill_making(results, binary, rng, took):
    shutil.rmtree("making", ignore_errors=True)
    hit = kill_at(rng.uniform(0, took), binary, "init", "making")
    subprocess.run((binary, "init", "making"), check=True, **QUIET)
    told = verdict(binary, "making")
    results.check(told["holds"] and told["entries"] == 1, f"a ledger whose making was killed: {told.get('message')}")
    results.check(subprocess.run(append(binary, "making", "c"), check=False, **QUIET).returncode == 0,
                  "a ledger whose making was killed goes on")
    return hit


def kill_writing(results, binary, rng, took, command):
    before = verdict(binary, "killed")["entries"]
    hit = kill_at(rng.uniform(0, took), *command)
    told = verdict(binary, "killed")
    results.check(told["holds"], f"a ledger whose writer was killed: {told.get('message')}")
    results.check(before <= told["entries"] <= before + 1, f"{before} entries became {told['entries']}")
    done = subprocess.run(append(binary, "killed", "c"), capture_output=True, check=False)
    results.check(done.returncode == 0, f"a ledger whose writer was killed goes on: {done.stderr.decode()}")
    after = verdict(binary, "killed")
    results.check(after["holds"] and after["entries"] == told["entries"] + 1, f"it goes on: {after.get('message')}")
    return hit


def kills(results, binary, n, rng):
    subprocess.run((binary, "init", "killed"), check=True, **QUIET)
    rotate = (binary, "ledger", "rotate-key", "-C", "killed")
    write = append(binary, "killed", "c")
    made = min(timed(binary, "init", f"timed{i}") for i in range(3))
    wrote, rotated = min(timed(*write) for _ in range(3)), min(timed(*rotate) for _ in range(3))
    hits = 0
    for i in range(n):
        if i % 3 == 0:
            hits += kill_making(results, binary, rng, made)
        elif i % 3 == 1:
            hits += kill_writing(results, binary, rng, wrote, write)
        else:
            hits += kill_writing(results, binary, rng, rotated, rotate)
    results.check(hits >= n // 2, f"{hits} of {n} kills hit the work")
    results.check(both_hold(binary, "killed"), "after all kills: tools/ledger_verify")


def main():
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1])
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    results = Results()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        at_once(results, binary, seconds)
        kills(results, binary, n, random.Random(8032))
        os.chdir("/")
    print(f"{results.passed} passed, {results.failed} failed, 0 skipped")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
