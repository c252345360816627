# SPDX-License-Identifier: Apache-2.0
"""Holds the schema against the parser: compare.py SALLYPORT SCHEMA examples|broken|changed POLICY..."""
import copy
import json
import subprocess
import sys

import jsonschema
import yaml


class Core(yaml.SafeLoader):
    """YAML as editors read it: on, off, yes and no are words."""


Core.yaml_implicit_resolvers = {}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile("^(true|false)$"), list("tf"))
Core.add_implicit_resolver("tag:yaml.org,2002:int", __import__("re").compile("^-?(0|[1-9][0-9]*)$"), list("-0123456789"))
Core.add_implicit_resolver("tag:yaml.org,2002:null", __import__("re").compile("^(~|null|)$"), ["~", "n", ""])

HEAD = "version: 1\nsegments: {a: {networks: [10.0.0.0/24], trust: managed}}\n"
BROKEN = [
    "{}",
    "[]",
    "segments: {}",
    "version: 1",
    "version: 2\nsegments: {}",
    'version: "1"\nsegments: {}',
    "version: 1\nsegments: []",
    "version: 1\nsegments:",
    "version: 1\nsegments: {1a: {networks: [], trust: managed}}",
    "version: 1\nsegments: {any: {networks: [], trust: managed}}",
    "version: 1\nsegments: {a: {networks: []}}",
    "version: 1\nsegments: {a: {trust: managed}}",
    "version: 1\nsegments: {a: {networks: [], trust: none}}",
    "version: 1\nsegments: {a: {networks: [10.0.0.0/33], trust: managed}}",
    "version: 1\nsegments: {a: {networks: [10.0.0.256], trust: managed}}",
    "version: 1\nsegments: {a: {networks: [fs01], trust: managed}}",
    "version: 1\nsegments: {a: {networks: [], trust: managed, border: on}}",
    "version: 1\nsegments: {a: {networks: [], trust: managed, profiles: {domain: on}}}",
    "version: 1\nsegments: {a: {networks: [], trust: managed, profiles: {home: off}}}",
    HEAD + "xyz: 1",
    HEAD + "allow:",
    HEAD + "allow: {}",
    HEAD + "allow: [x]",
    HEAD + "allow: [{from: a, to: a}]",
    HEAD + "allow: [{from: all, to: a, service: smb}]",
    HEAD + "allow: [{from: dc01.contoso.com, to: a, service: smb}]",
    HEAD + "allow: [{from: {ad-group: x}, to: a, service: smb}]",
    HEAD + "allow: [{from: a, to: a, service: smb, secure: yes}]",
    HEAD + "allow: [{from: a, to: a, service: smb, secure: {computers: [x]}}]",
    HEAD + "allow: [{from: a, to: a, service: smb, except: {service: smb}}]",
    HEAD + "groups: {g: {}}",
    HEAD + "groups: {g: {hosts: [{group: x}]}}",
    HEAD + "groups: {g: {hosts: [-x]}}",
    HEAD + "groups: {g: {hosts: [], managed: no}}",
    HEAD + "groups: {g: {hosts: [], role: dc}}",
    HEAD + "perimeter: [{direction: outbound, from: a, to: internet, service: smb, secure: none}]",
    HEAD + "perimeter: [{direction: inbound, from: internet, to: {service-tag: T, file: f}, service: smb}]",
    HEAD + "perimeter: [{direction: both, from: a, to: internet, service: smb}]",
    HEAD + "perimeter: [{from: a, to: internet, service: smb}]",
    HEAD + "services: {smb: tcp/445}",
    HEAD + "services: {x: [9100]}",
    HEAD + "rings: [{name: r}]",
    HEAD + "rings: [{name: r, members: managed}]",
    HEAD + "rings: [{name: r, members: a, soak: 2 days}]",
    HEAD + "rings: [{name: r, members: {segment: a, percent: 101}}]",
    HEAD + "rings: [{name: r, members: a, gate: {broken: 0}}]",
    HEAD + "assert: [{sometimes: {from: a, to: a, service: smb}}]",
    HEAD + "assert: [{never: {from: a, to: a, service: smb}, always: {from: a, to: a, service: smb}}]",
    HEAD + "hardening: {baseline: other}",
    HEAD + "hardening: {overrides: [x]}",
    HEAD + "hardening: {overrides: [{setting: smb1, value: on, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: encryption, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: encryption, value: on}]}",
    HEAD + "hardening: {overrides: [{setting: encryption, value: 5, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: encryption, value: 3.1.1, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: minimum-dialect, value: 2.0, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: smb-server-rate-limiter-delay, value: 150, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: smb-server-rate-limiter-delay, value: 10100, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: firewall-log-size-domain, value: 0, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: firewall-log-size-domain, value: 32768, reason: r}]}",
    HEAD + "hardening: {overrides: [{setting: encryption, value: on, reason: r, kind: server}]}",
    HEAD + "hardening: {overrides: [{setting: encryption, value: on, reason: r, expires: soon}]}",
    HEAD + "lifeline: {}",
    HEAD + "lifeline: {off: ''}",
    HEAD + "windows: {firewall: off}",
    HEAD + "windows: {strategy: best}",
    HEAD + "domains: [{sid: S-1-5-21-1-2-3}]",
    HEAD + "domains: [{name: x, sid: S-1-5-32-544}]",
    HEAD + "timezone: /etc/passwd",
    HEAD + "resolve-max-age: 7",
    HEAD + "govern: {smb: true}",
]

# What each place of an example is changed to, beside being left out.
VALUES = [None, [], {}, "x!", 7, [[]], "10.0.0.1/99", {"x": 1}]
# Of the parser's words these name a fault of form; the schema must see it, too.
FORM = {"unknown-key", "missing-key"}


def parser_errors(sallyport, text):
    """The findings of severity error, lifeline apart; None when the program did not do its work."""
    run = subprocess.run([sallyport, "check", "--json", "--policy", "/dev/stdin"], input=text.encode(),
                         capture_output=True, check=False)
    if run.returncode not in (0, 1):
        sys.exit(f"exit status {run.returncode}: {run.stderr.decode()}\n{text}")
    findings = json.loads(run.stdout)["findings"]
    return [f for f in findings if f["severity"] == "error" and f["kind"] != "lifeline"]


def places(node, path=()):
    """Every place of a document, as the keys that lead to it."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []
    for key, value in items:
        yield path + (key,)
        yield from places(value, path + (key,))


def changes(document):
    for path in list(places(document)):
        def changed(change):
            new = copy.deepcopy(document)
            parent = new
            for key in path[:-1]:
                parent = parent[key]
            change(parent, path[-1])
            return new
        yield path, changed(lambda parent, key: parent.pop(key))
        if isinstance(path[-1], str):
            yield path, changed(lambda parent, key: parent.__setitem__(key + "x", parent.pop(key)))
        for value in VALUES:
            yield path, changed(lambda parent, key, value=value: parent.__setitem__(key, value))


def main():
    sallyport, schema_path, what, *policies = sys.argv[1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    faults = []
    count = 0

    if what == "examples":
        for path in policies:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            faults += [f"{path}: the parser: {e['where']}: {e['text']}" for e in parser_errors(sallyport, text)]
            faults += [f"{path}: the schema: {e.json_path}: {e.message}"
                       for e in validator.iter_errors(yaml.load(text, Core))]
            count += 1
    elif what == "broken":
        for text in BROKEN:
            if not parser_errors(sallyport, text):
                faults.append(f"the parser takes: {text}")
            if validator.is_valid(yaml.load(text, Core)):
                faults.append(f"the schema takes: {text}")
            count += 1
    elif what == "changed":
        for path in policies:
            with open(path, encoding="utf-8") as file:
                document = yaml.load(file.read(), Core)
            for place, new in changes(document):
                errors = parser_errors(sallyport, json.dumps(new))
                valid = validator.is_valid(new)
                # Text is text to the parser, whatever an editor takes it for.
                null = any(value is None for value in walk(new))
                if not valid and not errors and not null:
                    faults.append(f"{path}: {place}: only the schema refuses {json.dumps(new)}")
                if valid and any(e["kind"] in FORM for e in errors):
                    faults.append(f"{path}: {place}: only the parser refuses: {errors[0]['text']}")
                count += 1
    print("\n".join(faults[:20] + [f"{count} policies, {len(faults)} faults"]))
    sys.exit(1 if faults or not count else 0)


def walk(node):
    yield node
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from walk(value)


main()
