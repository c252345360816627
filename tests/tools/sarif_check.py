#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads SARIF 2.1.0 from standard input and refuses what the standard does not allow of the parts that
`sallyport check` writes: unknown or missing properties, wrong types, indices that point nowhere, lines and
columns below 1, URIs with characters that RFC 3986 wants escaped."""
import json
import re
import sys

LEVELS = {"none", "note", "warning", "error"}
URI = re.compile(r"^(?:[A-Za-z0-9\-._~/!$&'()*+,;=:@?#\[\]]|%[0-9A-Fa-f]{2})*$")


def fail(where, what):
    sys.exit(f"{where}: {what}")


def keys(where, value, compulsory, optional=()):
    """An object with these properties and no others."""
    if not isinstance(value, dict):
        fail(where, "expected an object")
    for key in compulsory:
        if key not in value:
            fail(where, f"expected {key}")
    for key in value:
        if key not in compulsory and key not in optional:
            fail(where, f"found the unknown property {key}")


def text(where, value):
    if not isinstance(value, str) or not value:
        fail(where, f"expected text, found {value!r}")


def message(where, value):
    keys(where, value, ("text",))
    text(where + ".text", value["text"])


def positive(where, value):
    if type(value) is not int or value < 1:
        fail(where, f"expected a whole number from 1 on, found {value!r}")


def rules(where, value):
    seen = set()
    for at, rule in enumerate(value):
        here = f"{where}[{at}]"
        keys(here, rule, ("id",), ("shortDescription", "defaultConfiguration"))
        text(here + ".id", rule["id"])
        if rule["id"] in seen:
            fail(here, f"{rule['id']} is there twice")
        seen.add(rule["id"])
        message(here + ".shortDescription", rule["shortDescription"])
        keys(here + ".defaultConfiguration", rule["defaultConfiguration"], ("level",))
        if rule["defaultConfiguration"]["level"] not in LEVELS:
            fail(here, "expected a level")
    return [rule["id"] for rule in value]


def location(where, value):
    keys(where, value, ("physicalLocation",))
    physical = value["physicalLocation"]
    keys(where, physical, ("artifactLocation",), ("region",))
    keys(where, physical["artifactLocation"], ("uri",))
    uri = physical["artifactLocation"]["uri"]
    text(where + ".uri", uri)
    if not URI.match(uri) or (not uri.startswith("file:///") and ":" in uri.split("/")[0]):
        fail(where, f"expected a URI reference, found {uri}")
    if "region" in physical:
        keys(where + ".region", physical["region"], ("startLine",), ("startColumn",))
        for key, number in physical["region"].items():
            positive(f"{where}.region.{key}", number)


def result(where, value, ids):
    keys(where, value, ("ruleId", "level", "message", "locations"), ("ruleIndex",))
    if value["ruleId"] not in ids or ids[value["ruleIndex"]] != value["ruleId"]:
        fail(where, f"expected a rule that is listed, found {value['ruleId']}")
    if value["level"] not in LEVELS:
        fail(where, "expected a level")
    message(where + ".message", value["message"])
    if len(value["locations"]) != 1:
        fail(where, "expected one location")
    location(where + ".location", value["locations"][0])


def main():
    log = json.load(sys.stdin)
    keys("log", log, ("version", "runs"), ("$schema",))
    if log["version"] != "2.1.0":
        fail("log", f"expected version 2.1.0, found {log['version']}")
    for run in log["runs"]:
        keys("run", run, ("tool", "results"), ("invocations", "columnKind"))
        keys("tool", run["tool"], ("driver",))
        keys("driver", run["tool"]["driver"], ("name", "semanticVersion", "rules"))
        if run.get("columnKind") not in ("utf16CodeUnits", "unicodeCodePoints"):
            fail("run", "expected a columnKind")
        for invocation in run["invocations"]:
            keys("invocation", invocation, ("executionSuccessful",))
            if type(invocation["executionSuccessful"]) is not bool:
                fail("invocation", "expected true or false")
        ids = rules("rules", run["tool"]["driver"]["rules"])
        for at, one in enumerate(run["results"]):
            result(f"results[{at}]", one, ids)
        print(f"{len(run['results'])} results, {len(ids)} rules")


main()
