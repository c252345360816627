#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An ingest that is killed at any instant loses nothing and keeps nothing by halves.

usage: kill_test.py BINARY [ROUNDS]

Makes firewall logs whose ingest takes at least two seconds, reads them once undisturbed, then ROUNDS times
(default 50): a fresh workspace, SIGKILL at an instant drawn uniformly from that time, the workspace must open and
hold whole sources only, and after reading everything again `matrix --json` must be the undisturbed run's, byte by
byte. At least four fifths of the kills must hit the work; the rest of the rounds, which came too late, pass if the
bytes are right.
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

LEAST_S = 2.0
FILES = 8
HEADER = """#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype \
icmpcode info path

"""


def make_logs(folder, lines, rng):
    """FILES logs of two hosts; each overlaps the one before it by a fifth."""
    os.makedirs(folder, exist_ok=True)
    for host in range(2):
        rows = []
        for i in range(lines * FILES // 2):
            at = i // 4
            rows.append("2026-%02d-%02d %02d:%02d:%02d %s TCP 10.10.%d.%d 10.20.0.%d %d 445 0 - 0 0 0 - - - RECEIVE\n" % (
                1 + at // 86400 // 28, 1 + at // 86400 % 28, at // 3600 % 24, at // 60 % 60, at % 60,
                rng.choice(("ALLOW", "ALLOW", "DROP")), rng.randrange(4), rng.randrange(250), host + 1,
                49152 + rng.randrange(16000)))
        for part in range(FILES // 2):
            begin = max(0, part * lines - lines // 5)
            with open(os.path.join(folder, f"host{host}-{part}.log"), "w", encoding="ascii") as out:
                out.write(HEADER)
                out.writelines(rows[begin:(part + 1) * lines])


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout


def timed(*command):
    begun = time.monotonic()
    run(*command)
    return time.monotonic() - begun


def undisturbed(binary, workspace):
    shutil.rmtree(workspace, ignore_errors=True)
    run(binary, "init", workspace)
    return timed(binary, "ingest", "-C", workspace, "logs")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 50
    rng = random.Random(445)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        lines, took = 15000, 0.0
        while True:
            make_logs("logs", lines, random.Random(7))
            # The shorter of two runs: a busy machine must not let kills come after the work.
            took = min(undisturbed(binary, "whole"), undisturbed(binary, "again"))
            if took >= LEAST_S:
                break
            lines = int(lines * max(1.3, 1.15 * LEAST_S / took))
        expected = run(binary, "matrix", "-C", "whole", "--json")
        order = [c["source"] for c in json.loads(expected)["coverage"]]
        print(f"{FILES} logs of {lines} lines, read in {took:.2f} s")

        run(binary, "init", "empty")
        passed = failed = inside = 0
        committed = []
        for number in range(rounds):
            shutil.rmtree("ws", ignore_errors=True)
            shutil.copytree("empty", "ws")
            victim = subprocess.Popen([binary, "ingest", "-C", "ws", "logs"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            instant = rng.uniform(0, took)
            time.sleep(instant)
            hit = victim.poll() is None
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            inside += hit
            if not hit:
                took = min(took, instant)  # the machine has become faster since
            fault = ""
            try:
                after = json.loads(run(binary, "matrix", "-C", "ws", "--json"))
                kept = [c["source"] for c in after["coverage"]]
                committed.append(len(kept))
                if kept != order[:len(kept)]:
                    fault = f"kept {kept}"
                run(binary, "ingest", "-C", "ws", "logs")
                if run(binary, "matrix", "-C", "ws", "--json") != expected:
                    fault = "other bytes after reading again"
            except subprocess.CalledProcessError as err:
                fault = err.stderr.decode()
            if fault:
                failed += 1
                print(f"round {number}: killed after {instant:.3f} s: {fault}")
            else:
                passed += 1
        print(f"{inside} of {rounds} kills inside the work; sources committed by then: {sorted(set(committed))}")
        if inside * 5 < rounds * 4:
            failed += 1
            print("error: fewer than four fifths of the kills hit the work")
        print(f"{passed} passed, {failed} failed, 0 skipped")
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
