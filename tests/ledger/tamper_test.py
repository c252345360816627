#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Exported ledgers that somebody changed: the program and tools/ledger_verify say the same, and what they have to.

usage: tamper_test.py BINARY

Makes ledgers with the program, then: each bit of an exported file, entries removed, swapped, doubled, inserted, edited,
edited and hashed anew up to some later entry or to the end; with checkpoints: cut off, replaced, forked, rewritten with
the key; proofs with each bit flipped. Every change is given to both verifiers (the second one in this process; the
program gets one bit of each byte). Both must find it, and name the same first bad entry.
"""
import base64
import functools
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def load_verifier():
    path = os.path.join(HERE, "..", "..", "tools", "ledger_verify")
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("ledger_verify", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ledger_verify", loader))
    loader.exec_module(module)
    # Of equal key, text and signature the answer is the same: most changes leave the signed head as it was.
    module.signature_fits = functools.lru_cache(maxsize=4096)(module.signature_fits)
    return module


theirs = load_verifier()
KEY_CHANGE = 2  # the entry of the small ledger that changes the key


class Results:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, fine, what):
        self.passed += bool(fine)
        self.failed += not fine
        if not fine:
            print("not ok " + what, flush=True)


class Site:
    """A workspace's ledger, and what is done with it."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, *words, status=0):
        done = subprocess.run((self.binary,) + words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if status is not None and done.returncode != status:
            raise RuntimeError(f"{words}: status {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def grow(self, n):
        for _ in range(n):
            self.run("ledger", "export", "--checkpoint-only", "-C", self.folder)

    def checkpoint(self, path):
        self.run("ledger", "export", "--checkpoint-only", "-o", path, "-C", self.folder)
        return path

    def export(self):
        return self.run("ledger", "export", "-C", self.folder)


def by_program(site, data, *words):
    with open("given", "wb") as file:
        file.write(data)
    told = json.loads(site.run("ledger", "verify", "given", "--json", *words, status=None))
    return told["fault"], told["first"]


def by_python(data, anchors=(), key=None):
    verifier = theirs.Verifier([(path, theirs.Checkpoint(open(path, "rb").read())) for path in anchors],
                               theirs.parse_key(key.encode()) if key else None)
    with open("given", "wb") as file:
        file.write(data)
    try:
        with open("given", "rb") as file:
            theirs.verify_lines(file, verifier)
    except theirs.Fault as fault:
        return fault.fault, fault.first
    return None, None


def by_both(site, data, anchors=(), key=None):
    words = [word for path in anchors for word in ("--checkpoint", path)] + (["--public-key", key] if key else [])
    return by_program(site, data, *words), by_python(data, anchors, key)


def expect(results, site, data, wanted, what, anchors=(), key=None):
    """wanted: the fault and, of an entry, its number."""
    for who, told in zip(("program", "tools/ledger_verify"), by_both(site, data, anchors, key)):
        fits = told == wanted if len(wanted) == 2 else told[0] == wanted[0]
        results.check(fits, f"{what}: {who} says {told}, expected {wanted}")


# ---- Changes of the file --------------------------------------------------------------------------------------------

def check_bits(results, site, data, rng):
    lines = data.split(b"\n")
    n_entries = lines.index(b"") - 1
    line = 0
    for at, byte in enumerate(data):
        if line == 0:
            wanted = ("structure", None)
        elif line <= n_entries + 1:
            wanted = ("entry", line - 1)
        else:
            wanted = ("head", None)
        bits = range(8) if line <= n_entries + 1 or at % 5 == 0 else [rng.randrange(8)]
        chosen = rng.choice(list(bits))
        for bit in bits:
            changed = data[:at] + bytes([byte ^ 1 << bit]) + data[at + 1:]
            told = by_python(changed)
            results.check(told == wanted, f"byte {at} bit {bit}: tools/ledger_verify says {told}, expected {wanted}")
            if bit == chosen:
                told = by_program(site, changed)
                results.check(told == wanted, f"byte {at} bit {bit}: program says {told}, expected {wanted}")
        line += byte == 10


def hashed(body):
    return hashlib.sha256(b"\0" + body).hexdigest().encode() + b" " + body


def rehash(entries, at, until):
    """Entries from `at` on chained anew, each to the one before it."""
    out = list(entries)
    for i in range(at, until + 1):
        body = out[i][65:]
        if i > at:
            body = b'{"previous":"' + out[i - 1][:64] + body[77:]
        out[i] = hashed(body)
    return out


def check_structure(results, site, data, rng):
    lines = data.split(b"\n")
    n = lines.index(b"") - 1
    entries, tail = lines[1:n + 1], lines[n + 1:]

    def whole(changed):
        return b"\n".join(lines[:1] + changed + tail)

    for i in range(n):
        last = i == n - 1
        expect(results, site, whole(entries[:i] + entries[i + 1:]), ("head", None) if last else ("entry", i),
               f"entry {i} removed")
        expect(results, site, whole(entries[:i + 1] + entries[i:]), ("entry", i + 1), f"entry {i} doubled")
        if not last:
            swapped = entries[:i] + [entries[i + 1], entries[i]] + entries[i + 2:]
            expect(results, site, whole(swapped), ("entry", i), f"entries {i} and {i + 1} swapped")
        if i == 0:
            continue
        edited = list(entries)
        edited[i] = edited[i].replace(b'"machine":"', b'"machine":"X')
        expect(results, site, whole(edited), ("entry", i), f"entry {i} edited")
        once = rehash(edited, i, i)
        expect(results, site, whole(once), ("head", None) if last else ("entry", i),
               f"entry {i} edited, with its hash")
        onward = rehash(edited, i, n - 1)
        # A change of the key has signed the entries before it, so one that was hashed anew accuses itself.
        expect(results, site, whole(onward), ("entry", KEY_CHANGE) if i < KEY_CHANGE else ("head", None),
               f"entry {i} edited, all hashed anew")
        until = rng.randrange(i, n)
        if i < until < n - 1:
            # Nothing comes behind the last entry that could tell which of the last two is right.
            wanted = KEY_CHANGE if i < KEY_CHANGE <= until else until + (until == n - 2)
            expect(results, site, whole(rehash(edited, i, until)), ("entry", wanted),
                   f"entry {i} edited, hashed anew up to {until}")
        other = list(entries)
        other[i] = hashed(b'{"previous":"' + b"5" * 64 + other[i][65 + 77:])
        expect(results, site, whole(other), ("entry", i), f"entry {i} follows another one, with its hash")
        renumbered = entries[:i] + [hashed(e[65:].replace(b'"number":%d,' % (k + 1), b'"number":%d,' % k))
                                    for k, e in enumerate(entries[i + 1:], i)]
        if not last:
            expect(results, site, whole(renumbered), ("entry",), f"entry {i} removed, the rest numbered anew")
    for size in range(n):
        expect(results, site, whole(entries[:size]), ("entry", 0) if size == 0 else ("head", None),
               f"the newest {n - size} removed")
    expect(results, site, b"", ("structure", None), "an empty file")
    expect(results, site, data + b"\n", ("head", None), "a line more")
    expect(results, site, data[:-1], ("head", None), "the last byte removed")


# ---- With anchors ---------------------------------------------------------------------------------------------------

def check_anchors(results, binary):
    site = Site(binary, "anchored")
    site.run("init", site.folder)
    key = json.loads(site.run("ledger", "verify", "-C", site.folder, "--json"))["public_key"]
    site.grow(5)
    first = site.checkpoint("first.checkpoint")
    site.grow(3)
    early = site.export()
    shutil.copytree(site.folder, "fork")
    site.grow(3)
    second = site.checkpoint("second.checkpoint")
    site.grow(2)
    anchors = [first, second]
    expect(results, site, site.export(), (None, None), "untouched", anchors, key)
    expect(results, site, early, (None, None), "an older state, whole in itself")
    expect(results, site, early, ("truncated", 10), "the newest cut off, the older head put back", anchors)
    fork = Site(binary, "fork")
    fork.grow(3)
    expect(results, site, fork.export(), (None, None), "a fork, whole in itself", [first], key)
    expect(results, site, fork.export(), ("truncated", 13), "a fork, still shorter", anchors)
    fork.grow(3)
    expect(results, site, fork.export(), ("rewritten", 7), "a fork, longer", anchors)
    third = fork.checkpoint("third.checkpoint")
    expect(results, site, site.export(), ("truncated",), "the other side of the fork", [third])
    site.grow(5)
    expect(results, site, site.export(), ("rewritten", 0), "the other side of the fork, longer", [third])
    other = Site(binary, "other")
    other.run("init", other.folder)
    other.grow(20)
    expect(results, other, other.export(), (None, None), "another ledger, whole in itself")
    expect(results, other, other.export(), ("replaced",), "another ledger in its place", [first])
    expect(results, other, other.export(), ("replaced",), "another ledger, the key is known", (), key)
    site.run("ledger", "rotate-key", "-C", site.folder)
    site.grow(2)
    fourth = site.checkpoint("fourth.checkpoint")
    expect(results, site, site.export(), (None, None), "a new key", [first, second, fourth], key)
    check_forged(results, site, first)
    for path in (first, fourth):
        check_anchor_bits(results, site, path)


def check_forged(results, site, anchor):
    """Rewritten by somebody who has the key: whole in itself, found by the checkpoint."""
    data = site.export()
    lines = data.split(b"\n")
    n = lines.index(b"") - 1
    # The key of the last entries signs them: cut before the change of the key, sign with the new one is refused.
    edited = lines[1:n + 1]
    edited[3] = edited[3].replace(b'"machine":"', b'"machine":"X')
    forged = rehash(edited, 3, n - 1)
    with open(os.path.join(site.folder, "ledger.key"), "rb") as file:
        name, _, seed = file.read().strip().split(b"+", 4)[2:]
    head = sign(name, base64.b64decode(seed)[1:], [e[65:] for e in forged])
    data = b"\n".join(lines[:1] + forged) + b"\n\n" + head
    expect(results, site, data, ("entry", n - 4), "rewritten with the key, over the change of the key")
    expect(results, site, data, ("rewritten", 0), "rewritten with the key", [anchor])


def sign(name, seed, bodies):
    """RFC 8032, 5.1.6, with what tools/ledger_verify has of the curve."""
    tree = theirs.Tree()
    for body in bodies:
        tree.add(theirs.leaf_of(body))
    text = name + b"\n%d\n" % len(bodies) + base64.b64encode(tree.root()) + b"\n"
    h = hashlib.sha512(seed).digest()
    secret = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    public = theirs.point_text(theirs.point_times(secret, theirs.BASE))
    r = int.from_bytes(hashlib.sha512(h[32:] + text).digest(), "little") % theirs.ORDER
    point = theirs.point_text(theirs.point_times(r, theirs.BASE))
    k = int.from_bytes(hashlib.sha512(point + public + text).digest(), "little") % theirs.ORDER
    signature = point + ((r + k * secret) % theirs.ORDER).to_bytes(32, "little")
    return text + "\n— ".encode() + name + b" " + base64.b64encode(theirs.key_id(name, public) + signature) + b"\n"


def check_anchor_bits(results, site, path):
    """A checkpoint that was changed itself never confirms anything."""
    data, text = site.export(), open(path, "rb").read()
    for at in range(len(path) % 4, len(text), 4):
        changed = text[:at] + bytes([text[at] ^ 1 << at % 7]) + text[at + 1:]
        with open("changed.checkpoint", "wb") as file:
            file.write(changed)
        with open("given", "wb") as file:
            file.write(data)
        done = subprocess.run((site.binary, "ledger", "verify", "given", "--checkpoint", "changed.checkpoint"),
                              capture_output=True, check=False)
        results.check(done.returncode in (1, 2), f"{path}: byte {at} changed: the program takes it")
        try:
            told = by_python(data, ["changed.checkpoint"])
        except theirs.Bad:
            told = ("refused", None)
        results.check(told[0] is not None, f"{path}: byte {at} changed: tools/ledger_verify takes it")


# ---- Proofs ---------------------------------------------------------------------------------------------------------

def check_proofs(results, site, rng):
    key = json.loads(site.run("ledger", "verify", "-C", site.folder, "--json"))["public_key"]
    size = json.loads(site.run("ledger", "verify", "-C", site.folder, "--json"))["entries"]
    known = theirs.parse_key(key.encode())

    def both(data):
        with open("proof", "wb") as file:
            file.write(data)
        done = subprocess.run((site.binary, "ledger", "verify", "--proof", "proof", "--public-key", key),
                              capture_output=True, check=False)
        out, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="ascii")
        try:
            fine = theirs.verify_proofs(data, [], known)
        finally:
            sys.stdout.close()
            sys.stdout = out
        return done.returncode == 0, fine

    for number in range(size):
        for old in (0, number, size):
            proof = site.run("ledger", "prove", str(number), "--from-size", str(old), "-C", site.folder)
            results.check(both(proof) == (True, True), f"proof of entry {number} and from {old}")
    proof = site.run("ledger", "prove", "3", "--from-size", "5", "-C", site.folder)
    # The second verifier takes some 20 ms for a signature, so not every byte.
    for at in range(rng.randrange(9), len(proof), 9):
        changed = proof[:at] + bytes([proof[at] ^ 1 << rng.randrange(7)]) + proof[at + 1:]
        results.check(both(changed) == (False, False), f"proof with byte {at} changed is refused by both")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1])
    results, rng = Results(), random.Random(6962)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        site = Site(binary, "small")
        site.run("init", site.folder)
        site.grow(1)
        site.run("ledger", "rotate-key", "-C", site.folder)
        data = site.export()
        expect(results, site, data, (None, None), "untouched")
        check_bits(results, site, data, rng)
        site.grow(6)
        check_structure(results, site, site.export(), rng)
        check_proofs(results, site, rng)
        check_anchors(results, binary)
        os.chdir("/")
    print(f"{results.passed} passed, {results.failed} failed, 0 skipped")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
