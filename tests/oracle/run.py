#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares `sallyport explain --batch` with the oracle over fixed and random policies; and kills mutants.

Every policy is one test, every mutant another: a mutant whose answers nowhere differ from the program's survives, and
a survivor fails, since then the questions would not notice that rule being broken.
"""
import argparse
import glob
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from policy_oracle import MUTANTS, NAT_MUTANTS, Oracle, Policy, PolicyError, QuestionError, Scene
from random_policies import generate

HERE = os.path.dirname(os.path.abspath(__file__))
VERDICT = ("intent", "passes", "passes_secured")
SHOWN = 10


class Case:
    """A policy, its questions, and the answers of the two."""

    def __init__(self, folder, text, questions, scene):
        self.folder, self.policy, self.scene = folder, Policy(text, scene.exceptions), scene
        self.questions = questions
        self.theirs = []  # (intent, passes, passes_secured) or ("error",), per question
        self.their_sides = []
        self.their_ends = []  # the spelling of client and server

    def add(self, theirs, sides, ends):
        self.theirs.append(theirs)
        self.their_sides.append(sides)
        self.their_ends.append(ends)


def verdict(answer):
    return ("error",) if "error" in answer else tuple(answer.get(k) for k in VERDICT)


def sides_of(answer):
    """Side names with whether they enforce; the text has one word for a border in §5 and another in §7."""
    return frozenset(("border" if s["side"] == "perimeter" else s["side"], s["enforces"]) for s in answer.get("sides", ()))


def same_spelling(address, theirs):
    """RFC 5952 leaves open how an address with an embedded IPv4 address is written (R3)."""
    if address.family == 6 and (address.value >> 32 == 0 or address.value >> 32 == 0x64FF9B << 64):
        try:
            return ipaddress.ip_address(theirs) == ipaddress.ip_address(address.text)
        except ValueError:
            return False
    return theirs == address.text


def answers(oracle, lines):
    """Per line: the oracle's verdict, its sides, and the two ends."""
    decide, question, out = oracle.decide, oracle.question, []
    for line in lines:
        try:
            client, server, name, _, profile = question(line)
        except QuestionError:
            out.append((("error",), None, None))
            continue
        intent, passes, secured, sides = decide(client, server, name, profile)
        out.append(((intent, passes, secured), sides, (client, server)))
    return out


def ask_once(binary, case):
    command = [binary, "explain", "--batch", os.path.join(case.folder, "questions.txt"), "--json", "--policy",
               os.path.join(case.folder, "policy.yaml")]
    if case.scene.exceptions is not None:
        command += ["--exceptions", os.path.join(case.folder, "exceptions.yaml")]
    if case.scene.as_of_text:
        command += ["--as-of", case.scene.as_of_text]
    if case.scene.ring:
        command += ["--ring", case.scene.ring]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)


def ask(binary, case):
    """The program's answers; a program that fails has answered nothing."""
    try:
        done = ask_once(binary, case)
    except subprocess.TimeoutExpired:
        for _ in case.questions:
            case.add(("no answer",), frozenset(), (None, None))
        return "no answer within two minutes"
    lines = done.stdout.split("\n")[:-1]
    trouble = None
    if done.returncode != 0:
        trouble = f"exit {done.returncode}: {done.stderr.strip()[:500]}"
    elif len(lines) != len(case.questions):
        trouble = f"{len(lines)} answers to {len(case.questions)} questions: {done.stderr.strip()[:500]}"
    for i in range(len(case.questions)):
        try:
            answer = json.loads(lines[i])
            read = verdict(answer), sides_of(answer), (answer.get("client"), answer.get("server"))
        except (IndexError, ValueError, KeyError, TypeError, AttributeError):
            read = ("no answer",), frozenset(), (None, None)
        case.add(*read)
    return trouble


def own_answers(case):
    """--self: the oracle plays the program, through its printed JSON."""
    oracle = Oracle(case.policy, None, case.scene)
    for line in case.questions:
        answer = json.loads(json.dumps(oracle.explain(line)))
        case.add(verdict(answer), sides_of(answer), (answer.get("client"), answer.get("server")))


def read_fixed(out):
    """Hand-derived answers: `client server service profile = intent passes passes_secured  # why`."""
    for path in sorted(glob.glob(os.path.join(HERE, "fixed", "*.yaml"))):
        questions, truth, notes = [], [], []
        with open(path[:-5] + ".cases", encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                told = line.split("#", 1)[0].strip()
                if not told:
                    continue
                question, answer = (part.split() for part in told.split("="))
                questions.append(" ".join(question))
                truth.append((answer[0],) + tuple(a == "yes" for a in answer[1:]))
                notes.append(f"{os.path.basename(path)[:-5]}.cases:{number}")
        scene = Scene()
        if os.path.exists(path[:-5] + ".scene"):
            with open(path[:-5] + ".scene", encoding="utf-8") as f:
                scene = Scene(**json.load(f))
        with open(path, encoding="utf-8") as f:
            yield make_case(out, os.path.basename(path)[:-5], f.read(), questions, scene), truth, notes


def make_case(out, name, text, questions, scene):
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "policy.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(folder, "questions.txt"), "w", encoding="utf-8") as f:
        f.write("".join(q + "\n" for q in questions))
    if scene.exceptions is not None:
        with open(os.path.join(folder, "exceptions.yaml"), "w", encoding="utf-8") as f:
            f.write(scene.exceptions)
    try:
        return Case(folder, text, questions, scene)
    except PolicyError as e:
        sys.exit(f"{folder}: not a valid policy: {e}")


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def count(self, good):
        if good:
            self.passed += 1
        else:
            self.failed += 1


def run_fixed(args, out, tally):
    for case, truth, notes in read_fixed(os.path.join(out, "fixed")):
        mine = [a for a, _, _ in answers(Oracle(case.policy, None, case.scene), case.questions)]
        trouble = own_answers(case) if args.self else ask(args.sallyport, case)
        good = not trouble
        if trouble:
            print(f"{case.folder}: {trouble}")
        for i, question in enumerate(case.questions):
            for who, said in (("oracle", mine[i]), ("sallyport", case.theirs[i])):
                if said != truth[i]:
                    good = False
                    print(f"{notes[i]}: {question}\n    true {truth[i]}, {who} says {said}")
        tally.count(good)
        print(f"fixed {os.path.basename(case.folder)}: {len(case.questions)} questions, {'ok' if good else 'FAILED'}")


def run_random(args, out, tally):
    cases, compared, different, sides_compared, sides_different, shown, sides_shown = [], 0, 0, 0, 0, 0, 0
    ends_compared = ends_different = 0
    intents = {}
    for i in range(args.policies):
        text, questions, scene = generate(args.seed, i, args.questions, args.nat)
        case = make_case(out, f"{i:03}", text, questions, scene)
        cases.append(case)
        trouble = own_answers(case) if args.self else ask(args.sallyport, case)
        before = different
        if trouble:
            print(f"{case.folder}: {trouble}")
        for number, (mine, my_sides, my_ends) in enumerate(answers(Oracle(case.policy, None, scene), questions)):
            compared += 1
            intents[mine[0]] = intents.get(mine[0], 0) + 1
            if mine != case.theirs[number]:
                different += 1
                if shown < SHOWN:
                    shown += 1
                    print(f"{case.folder}/questions.txt:{number + 1}: {questions[number]}\n    oracle {mine}, "
                          f"sallyport {case.theirs[number]}")
                continue
            if my_ends:
                ends_compared += 1
                if not all(same_spelling(a, t) for a, t in zip(my_ends, case.their_ends[number])):
                    ends_different += 1
                    if ends_different <= SHOWN:
                        print(f"{case.folder}/questions.txt:{number + 1}: {questions[number]}\n    spelling: oracle "
                              f"{[a.text for a in my_ends]}, sallyport {case.their_ends[number]}")
            if my_sides is not None:
                sides_compared += 1
                if frozenset(my_sides) != case.their_sides[number]:
                    sides_different += 1
                    if sides_shown < SHOWN:
                        sides_shown += 1
                        print(f"{case.folder}/questions.txt:{number + 1}: {questions[number]}\n    sides: oracle "
                              f"{sorted(my_sides)}, sallyport {sorted(case.their_sides[number])}")
        tally.count(different == before and not trouble)
    print("answers: " + ", ".join(f"{n} {k}" for k, n in sorted(intents.items())))
    print(f"verdicts: {compared} compared, {different} differences")
    print(f"sides: {sides_compared} compared, {sides_different} differences")
    print(f"spellings: {ends_compared} compared, {ends_different} differences")
    for differences in (sides_different, ends_different):
        if differences:
            tally.count(False)
    return cases


def run_mutants(args, cases, tally):
    mutants = {**MUTANTS, **(NAT_MUTANTS if args.nat else {})}
    for name in mutants:
        kills = policies = 0
        for case in cases:
            mutated = answers(Oracle(case.policy, name, case.scene), case.questions)
            here = sum(mine != theirs for (mine, _, _), theirs in zip(mutated, case.theirs))
            kills += here
            policies += here > 0
        tally.count(kills > 0)
        print(f"mutant {name}: {f'killed by {kills} questions of {policies} policies' if kills else 'SURVIVED'}")


def main():
    ap = argparse.ArgumentParser(description="compares the program with the oracle")
    who = ap.add_mutually_exclusive_group(required=True)
    who.add_argument("--sallyport", metavar="BIN")
    who.add_argument("--self", action="store_true", help="the oracle plays the program: tests the mutants alone")
    ap.add_argument("--policies", type=int, default=40)
    ap.add_argument("--questions", type=int, default=400)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--mutants", action="store_true")
    ap.add_argument("--nat", action="store_true", help="also `nat` and `vip` (README, R31)")
    ap.add_argument("--out", metavar="DIR", help="where the policies go; default: a temporary folder, kept on failure")
    args = ap.parse_args()
    started, tally = time.monotonic(), Tally()
    if args.sallyport:
        args.sallyport = os.path.abspath(args.sallyport)
        if not os.access(args.sallyport, os.X_OK):
            sys.exit(f"{args.sallyport}: not a program")
    out = args.out or tempfile.mkdtemp(prefix="policy-oracle-")
    run_fixed(args, out, tally)
    cases = run_random(args, out, tally)
    if args.mutants:
        run_mutants(args, cases, tally)
    if not args.out and not tally.failed:
        shutil.rmtree(out)
    print(f"seed {args.seed}, {time.monotonic() - started:.1f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
