#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A year of governance, by a turned clock: requests, approvals, refusals, renewals, leavers, a break-glass night,
monthly reviews, quarterly audits. What the program says each month is held against a diary that this file keeps by
itself, and at the end every day of the year is asked again with --as-of.

usage: year.py BINARY [SEED]
"""
import csv
import datetime as dt
import json
import os
import random
import re
import subprocess
import sys
import tempfile

UTC = dt.timezone.utc
VERIFIER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "ledger_verify")
POLICY = """version: 1
organisation: Contoso
govern: [smb]
domains: [{name: contoso.com, sid: S-1-5-21-1-2-3}]
segments:
  clients: {networks: [10.10.0.0/16], trust: managed}
  servers: {networks: [10.20.0.0/24], trust: managed}
  guest: {networks: [10.66.0.0/16], trust: untrusted}
groups:
  domain-controllers: {hosts: [10.20.0.11], role: domain-controller}
  file-servers: {hosts: [10.20.0.21], role: file-server}
allow:
  - {from: managed, to: domain-controllers, service: smb, secure: none}
  - {from: clients, to: file-servers, service: smb}
governance: {require-login: false, maximum-life: 90d, break-glass-life: 8h, review: 30d, approvers: 1, approvers-at-risk: 2, risk: {host-pairs: 16}}
"""
LOG_HEAD = """#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path

"""
PEOPLE = {"root": ["admin"], "alice": ["operator"], "erin": ["operator"], "bob": ["approver", "operator"],
          "carol": ["approver"], "frank": ["operator"], "grace": ["operator"], "ann": ["auditor"]}


def instant(t):
    return t.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Diary:
    """What should be so, kept apart from the program."""

    def __init__(self):
        self.items = {}  # id → dict

    def states(self, at):
        """id → state, at a time, of what had been asked for by then."""
        out = {}
        for name, e in self.items.items():
            if e["requested"] > at:
                continue
            out[name] = self.state(e, at)
        return out

    @staticmethod
    def state(e, at):
        rejected = e.get("rejected")
        if rejected and rejected <= at:
            return "rejected"
        granted = e.get("granted")
        if not granted or granted > at:
            if e.get("revoked") and e["revoked"] <= at:
                return "revoked"
            return "pending" if at < e["ends"][0][1] else "lapsed"
        if e.get("revoked") and e["revoked"] <= at:
            return "revoked"
        # The end in force: of the last renewal that was granted by then.
        end = [end for since, end in e["ends"] if since is None or since <= at][-1]
        return "active" if at < end else "expired"


class Year:
    def __init__(self, binary, folder, seed):
        self.binary, self.folder = binary, folder
        self.rng = random.Random(seed)
        self.now = dt.datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
        self.tokens, self.diary = {}, Diary()
        self.passed = self.failed = 0
        self.anchors = []
        self.scopes = 0

    # ---- the program ------------------------------------------------------------------------------------------------
    def run(self, who, *words, status=0, at=None):
        env = dict(os.environ, SALLYPORT_CLOCK=instant(at or self.now), NO_COLOR="1")
        env.pop("SALLYPORT_TOKEN", None)
        if who in self.tokens:
            env["SALLYPORT_TOKEN"] = self.tokens[who]
        done = subprocess.run([self.binary, *words, "-C", self.folder], env=env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)
        if status is not None and done.returncode != status:
            raise AssertionError(f"{instant(self.now)} {who}: {' '.join(words)}: exit {done.returncode}, expected "
                                 f"{status}\n{done.stdout}{done.stderr}")
        return done

    def json(self, who, *words, status=0, at=None):
        return json.loads(self.run(who, *words, "--json", status=status, at=at).stdout)

    def expect(self, what, found, wanted):
        if found == wanted:
            self.passed += 1
            return
        self.failed += 1
        print(f"not ok: {instant(self.now)}: {what}\n  found  {found}\n  wanted {wanted}")

    def wait(self, **span):
        self.now += dt.timedelta(**span)

    # ---- beginnings -------------------------------------------------------------------------------------------------
    def begin(self):
        self.run("root", "init")
        with open(os.path.join(self.folder, "policy.yaml"), "w", encoding="utf-8") as out:
            out.write(POLICY)
        password = os.path.join(self.folder, "..", "password")
        with open(password, "w", encoding="utf-8") as out:
            out.write("correct horse battery staple\n")
        # The first user is made by the system account and is the admin; everybody logs in and makes their own token.
        for name, roles in PEOPLE.items():
            words = ["user", "add", name, "--password-file", password]
            for role in roles:
                words += ["--role", role]
            self.run("root" if self.tokens else None, *words)
            out = self.run(None, "user", "login", name, "--password-file", password).stdout
            self.tokens[name] = out.split("SALLYPORT_TOKEN=")[1].split()[0].strip("'\"")
            words = ["token", "create", "--user", name, "--name", "year", "--expires", "2026-12-31"]
            for role in roles:
                words += ["--role", role]
            self.tokens[name] = self.json(name, *words)["token"]

    # ---- what people do ---------------------------------------------------------------------------------------------
    def scope(self, wide=False, guest=False):
        """A client that no exception had yet, and a server that the policy keeps from it."""
        self.scopes += 1
        n = self.scopes
        server = f"10.20.0.{40 + n % 200}"
        if guest:
            return f"10.66.{n // 250}.{n % 250 + 1}", server
        if wide:
            return f"10.10.{100 + n % 100}.0/27", server
        return f"10.10.{n // 250}.{n % 250 + 1}", server

    def request(self, who, owner, days, wide=False, guest=False, glass=False):
        client, server = self.scope(wide, guest)
        end = self.now + (dt.timedelta(hours=6) if glass else dt.timedelta(days=days))
        words = ["exception", "request", "--from", client, "--to", server, "--service", "smb", "--owner", owner,
                 "--reason", f"work of {owner}", "--expires", instant(end)]
        if glass:
            words.append("--break-glass")
        said = self.json(who, *words)["requests"][0]
        name = said["id"]
        self.expect("ids follow each other", name, f"EX-{len(self.diary.items) + 1}")
        needed = 1 if glass or not (wide or guest) else 2
        self.expect(f"{name} needs that many", said["needed"], needed)
        self.diary.items[name] = {"requested": self.now, "ends": [(None, end)], "needed": needed, "owner": owner,
                                  "by": who, "glass": glass, "client": client.split("/")[0], "server": server}
        self.wait(minutes=1)
        return name

    def approve(self, name, *people, renewal=None):
        e = self.diary.items[name]
        for k, who in enumerate(people):
            self.run(who, "exception", "approve", name)
            if k + 1 == e["needed"]:
                if renewal:
                    e["ends"].append((self.now, renewal))
                else:
                    e["granted"] = self.now
            self.wait(minutes=1)

    def refused(self, what, who, *words):
        before = self.book(self.now)
        done = self.run(who, *words, status=None)
        self.expect(f"{what} is refused", done.returncode, 1)
        self.expect(f"{what} changes nothing", self.book(self.now), before)
        self.wait(minutes=1)

    def renew(self, name, who, days, *approvers):
        end = self.now + dt.timedelta(days=days)
        self.run(who, "exception", "renew", name, "--expires", instant(end), "--reason", "still needed")
        self.wait(minutes=1)
        self.approve(name, *approvers, renewal=end)

    # ---- what is so -------------------------------------------------------------------------------------------------
    def book(self, at):
        said = self.json("ann", "exception", "list", "--as-of", instant(at))
        return {e["id"]: e["state"] for e in said["exceptions"]}

    def check(self, at):
        wanted = self.diary.states(at)
        self.expect(f"the book of {instant(at)}", self.book(at), wanted)
        return wanted

    def passes(self, name, at):
        e = self.diary.items[name]
        return self.json("ann", "explain", e["client"], e["server"], "--as-of", instant(at))["passes"]

    def used(self, names):
        """A day of traffic of these, in the log of each server."""
        for name in names:
            e = self.diary.items[name]
            at = self.now - dt.timedelta(hours=2)
            path = os.path.join(self.folder, "..", f"{name}-{at:%Y%m%d%H%M}.log")
            with open(path, "w", encoding="ascii") as out:
                out.write(LOG_HEAD)
                out.write(f"{at:%Y-%m-%d %H:%M:%S} ALLOW TCP {e['client']} {e['server']} 50{self.rng.randrange(100, 999)} 445 0 "
                          "- 0 0 0 - - - RECEIVE\n")
            self.run("alice", "ingest", path)
            e["last"] = at

    def month_end(self, month):
        states = self.check(self.now)
        living = sorted(n for n, s in states.items() if s == "active")
        out = os.path.join(self.folder, "..", f"out-{month}")
        self.run("alice", "compile", "-o", out, "-t", "nftables")
        with open(os.path.join(out, "manifest.json"), encoding="utf-8") as text:
            carried = sorted(e["id"] for e in json.load(text)["exceptions"])
        self.expect("compile carries the living ones", carried, living)
        report = self.json("ann", "report", "exceptions", "-o", os.path.join(self.folder, "..", f"report-{month}.html"))
        rows = {row["id"]: re.split("[ ,]", row["state"])[0] for row in report["tables"]["exceptions"]}
        self.expect("the report of the month has them all", rows, states)
        anchor = os.path.join(self.folder, "..", f"checkpoint-{month}")
        self.run("ann", "ledger", "export", "--checkpoint-only", "-o", anchor)
        self.anchors += ["--checkpoint", anchor]
        self.run("ann", "ledger", "verify", *self.anchors)

    def review(self, month):
        """The owners decide: every other one stays, the rest goes."""
        folder = os.path.join(self.folder, "..", f"review-{month}")
        self.run("alice", "review", "start", "--monthly", "-o", folder)
        sheet = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".csv")][0]
        with open(sheet, newline="", encoding="utf-8-sig") as text:
            rows = list(csv.DictReader(text))
        states = self.diary.states(self.now)
        living = {n for n, s in states.items() if s in ("active", "scheduled")}
        self.expect("the sheet has every living one", living - {r["id"] for r in rows}, set())
        removed = []
        for row in rows:
            e = self.diary.items[row["id"]]
            row["decided_by"] = e["owner"]
            row["decision"] = "keep"
            if row["id"] in living and self.rng.random() < 0.2:
                row["decision"] = "remove"
                row["note"] = "not needed any more"
                removed.append(row["id"])
        with open(sheet, "w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        # Who writes the owners' decisions down is an admin.
        self.run("root", "review", "close", sheet)
        for name in removed:
            self.diary.items[name]["revoked"] = self.now
        self.wait(minutes=1)
        self.check(self.now)

    # ---- the year ---------------------------------------------------------------------------------------------------
    def month(self, number):
        owners = ["alice", "erin", "grace"] + (["frank"] if number < 5 else [])
        for _ in range(self.rng.randrange(1, 4)):
            owner = self.rng.choice(owners)
            kind = self.rng.random()
            name = self.request(self.rng.choice(["alice", "erin"]), owner, self.rng.randrange(5, 80), wide=kind < 0.2,
                                guest=kind > 0.85)
            self.refused("an approval by its requester", self.diary.items[name]["by"], "exception", "approve", name)
            if self.rng.random() < 0.15:
                self.run("carol", "exception", "reject", name, "--reason", "not this way")
                self.diary.items[name]["rejected"] = self.now
                self.wait(minutes=1)
                continue
            self.approve(name, *self.rng.sample(["bob", "carol"], self.diary.items[name]["needed"]))
            self.refused("another approval of it", "carol", "exception", "approve", name)
        own = self.request("bob", "erin", 20)
        self.refused("bob's approval of what bob requested", "bob", "exception", "approve", own)
        self.approve(own, "carol")
        self.refused("one that lives for half a year", "alice", "exception", "request", "--from", "10.10.9.9", "--to",
                     "10.20.0.30", "--service", "smb", "--owner", "alice", "--reason", "for ever", "--expires",
                     instant(self.now + dt.timedelta(days=180)))
        self.wait(days=self.rng.randrange(8, 13))
        self.check(self.now)
        states = self.diary.states(self.now)
        self.used([n for n, s in sorted(states.items()) if s == "active"][:4])
        # Every renewal goes through approval, also of one that has expired.
        for name, state in sorted(states.items()):
            e = self.diary.items[name]
            if state in ("active", "expired") and not e["glass"] and self.rng.random() < 0.15:
                end = self.now + dt.timedelta(days=30)
                self.run("erin", "exception", "renew", name, "--expires", instant(end), "--reason", "still needed")
                self.wait(minutes=1)
                self.expect(f"{name}, asked to be renewed, is what it was", self.book(self.now)[name], state)
                # Its owner or deputy can't approve; its scope's risk is what it was.
                self.approve(name, *["bob", "carol"][:e["needed"]], renewal=end)
                self.expect(f"{name} is open again", self.book(self.now)[name], "active")

    def glass_night(self):
        self.now = self.now.replace(hour=2, minute=0) + dt.timedelta(days=1)
        name = self.request("erin", "erin", 0, glass=True)
        self.refused("breaking the glass alone", "erin", "exception", "approve", name)
        self.approve(name, "bob")
        self.expect("at night it is open", self.passes(name, self.now), True)
        self.refused("renewing what was made in a hurry", "erin", "exception", "renew", name, "--expires", "1d", "--reason",
                     "more time")
        self.wait(hours=7)
        self.expect("in the morning it is shut", self.passes(name, self.now), False)
        self.check(self.now)

    def leaver(self):
        """frank leaves; what was his is told, and goes to others."""
        path = os.path.join(self.folder, "..", "people.csv")
        with open(path, "w", encoding="utf-8") as out:
            out.write("SamAccountName,UserPrincipalName,Enabled\n")
            for name in PEOPLE:
                out.write(f"{name},{name}@contoso.com,{'False' if name == 'frank' else 'True'}\n")
        self.run("root", "import", "people", path)
        said = self.json("ann", "exception", "list")["exceptions"]
        for e in said:
            over = e["state"] in ("rejected", "revoked", "lapsed", "expired")
            self.expect(f"{e['id']} of {e['owner']}: orphaned or not", e.get("orphaned") is not None,
                        e["owner"] == "frank" and not over)
        for name, state in sorted(self.diary.states(self.now).items()):
            if self.diary.items[name]["owner"] == "frank" and state in ("active", "scheduled", "expired", "pending"):
                self.run("root", "exception", "transfer", name, "--owner", "grace", "--reason", "frank has left")
                self.diary.items[name]["owner"] = "grace"
                self.wait(minutes=1)

    def year(self):
        self.begin()
        for number in range(1, 13):
            self.now = dt.datetime(2026, number, 5, 9, self.rng.randrange(60), tzinfo=UTC)
            self.month(number)
            if number == 5:
                self.leaver()
            if number == 6:
                self.glass_night()
            self.now = dt.datetime(2026, number, 27, 15, 0, tzinfo=UTC)
            self.review(number)
            self.month_end(number)
            if number % 3 == 0:
                self.json("ann", "audit", "--quarterly", status=None)
        self.afterwards()

    def afterwards(self):
        """Every few days of the year, asked again."""
        at, end = dt.datetime(2026, 1, 5, 12, 0, tzinfo=UTC), self.now
        while at < end:
            states = self.check(at)
            for name in self.rng.sample(sorted(states), min(2, len(states))):
                self.expect(f"{name} passes at {instant(at)}", self.passes(name, at), states[name] == "active")
            at += dt.timedelta(days=5, hours=7)
        whole = os.path.join(self.folder, "..", "ledger.txt")
        self.run("ann", "ledger", "export", "-o", whole)
        # Offline, by the other verifier, with what was exported each month.
        done = subprocess.run([sys.executable, VERIFIER, whole, *self.anchors], capture_output=True, text=True, check=False)
        self.expect("the other verifier agrees", (done.returncode, done.stdout if done.returncode else ""), (0, ""))
        granted = sum(1 for e in self.diary.items.values() if e.get("granted"))
        print(f"{len(self.diary.items)} exceptions in a year, {granted} granted")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) == 3 else 445
    with tempfile.TemporaryDirectory() as work:
        year = Year(binary, os.path.join(work, "contoso"), seed)
        year.year()
    print(f"{year.passed} passed, {year.failed} failed, 0 skipped")
    sys.exit(1 if year.failed else 0)


if __name__ == "__main__":
    main()
