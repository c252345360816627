# SPDX-License-Identifier: Apache-2.0
"""Runs our command and a peer in turn, and prints each run, the medians and their ratio."""
import os
import shlex
import statistics
import subprocess
import sys


def timed(command):
    """Runs a shell command; returns (wall seconds, processor seconds, peak MiB of its largest process)."""
    done = subprocess.run(
        ["/usr/bin/time", "--format=%e %U %S %M", "sh", "-c", command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, errors="replace",
    )
    last = done.stderr.splitlines()[-1] if done.stderr else ""
    if done.returncode != 0:
        sys.exit(f"error: ended with status {done.returncode}: {command}\n{done.stderr[-2000:]}")
    wall, user, system, peak = last.split()
    return float(wall), float(user) + float(system), int(peak) / 1024


def ours(binary, site, path, options=""):
    """Each run begins with an empty workspace, made outside the measured time."""
    prepare = f"rm -rf {shlex.quote(site)} && {shlex.quote(binary)} init {shlex.quote(site)} >/dev/null"
    command = f"{shlex.quote(binary)} ingest -C {shlex.quote(site)} {options} {shlex.quote(path)}"
    return {"name": "sallyport", "prepare": prepare, "command": command}


def peer(name, command):
    return {"name": name, "prepare": "true", "command": command}


def job(title, path, units, unit, programs, pairs):
    """programs: ours first. units: how many records the file has."""
    size = os.path.getsize(path)
    print(f"\n{title}: {size / 1e6:.1f} MB, {units} {unit}")
    print(f"  {'run':>4}  {'program':<34} {'wall s':>8} {'CPU s':>8} {'MB/s':>8} {unit + '/s':>12} {'peak MiB':>9}")
    runs = {program["name"]: [] for program in programs}
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass  # the page cache is warm
    for at in range(1, pairs + 1):
        for program in programs:
            subprocess.run(["sh", "-c", program["prepare"]], check=True)
            run = timed(program["command"])
            runs[program["name"]].append(run)
            line(at, program["name"], run, size, units)
    for name, column in runs.items():
        line("med.", name, [statistics.median(values) for values in zip(*column)], size, units)
    first = programs[0]["name"]
    for program in programs[1:]:
        for at, what in ((0, "wall"), (1, "CPU")):
            ratios = [max(b[at], 0.001) / max(a[at], 0.001) for a, b in zip(runs[first], runs[program["name"]])]
            print(
                f"  {program['name']}'s {what} time / {first}'s: median {statistics.median(ratios):.1f}, "
                f"from {min(ratios):.1f} to {max(ratios):.1f}"
            )


def line(at, name, run, size, units):
    wall = max(run[0], 0.001)
    print(
        f"  {at:>4}  {name:<34} {run[0]:>8.2f} {run[1]:>8.2f} {size / 1e6 / wall:>8.1f} {units / wall:>12.0f} {run[2]:>9.1f}",
        flush=True,
    )
