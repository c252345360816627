# SPDX-License-Identifier: Apache-2.0
"""usage: restore.py SALLYPORT HERE WORK

Compiles, reads the Registry.pol with Samba's parser and with registry.py, restores every backup into a domain
provisioned in WORK, and compares directory and SYSVOL with what was emitted. Ends with "N passed, N failed, N
skipped". Runs inside the namespaces of `run`, where localhost is the domain controller.
"""
import glob
import json
import os
import re
import subprocess
import sys
import time

import registry
from samba.dcerpc import preg
from samba.ndr import ndr_pack, ndr_unpack

PASSWORD = "Sallyport.2026"
USER = f"-UAdministrator%{PASSWORD}"
MACHINE = "DomainSysvol/GPO/Machine/"
results = {True: 0, False: 0}


def check(name, good, detail=""):
    results[bool(good)] += 1
    print(("ok" if good else "not ok"), "-", name, "" if good else f"({detail})")


def run(*command, seconds=60, fail=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    if fail and done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout + done.stderr


def read(path):
    with open(path, "rb") as file:
        return file.read()


def compile_policy(sallyport, policy, out, *targets):
    """Compiles one policy; answers the folder of the GPO target."""
    where = out + ".workspace"
    os.mkdir(where)
    with open(os.path.join(where, "policy.yaml"), "wb") as file:
        file.write(read(policy))
    named = [word for target in targets for word in ("--target", target)]
    run(sallyport, "compile", "-C", where, "-o", out, *named)
    return os.path.join(out, "gpo")


def pol_of(folder):
    found = glob.glob(glob.escape(folder) + "/{*}/" + MACHINE + "registry.pol")
    assert len(found) == 1, found
    return found[0]


def classes_of(gpo):
    return sorted(os.listdir(gpo))


# ---- The file itself ---------------------------------------------------------------------------------------------


def compare_parsers(gpo):
    """Samba's parser and ours see the same settings, and Samba writes the same bytes again."""
    for name in classes_of(gpo):
        data = read(pol_of(os.path.join(gpo, name)))
        ours, theirs = registry.settings(data), ndr_unpack(preg.file, data)
        same = len(ours) == theirs.num_entries
        for (key, value, kind, raw), entry in zip(ours, theirs.entries):
            shown = entry.data
            if kind == 1:
                raw = registry.string(raw)
            elif kind == 4:
                raw = int.from_bytes(raw, "little")
            else:
                shown = bytes(shown)
            same = same and (key, value, kind, raw) == (entry.keyname, entry.valuename, entry.type, shown)
        check(f"{name}: Samba reads {len(ours)} settings as they are", same)
        check(f"{name}: Samba writes the same bytes", ndr_pack(theirs) == data)


def canonical(shown):
    """A rule of `rules --json` in the form of registry.rule."""
    def spans(texts):
        return sorted(registry.span(text) for text in texts if text != "any")

    ports = []
    for text in shown["ports"]:
        first, _, last = str(text).partition("-")
        ports.append((int(first), int(last or first)))
    return {
        "direction": shown["direction"], "action": shown["action"], "active": shown["active"],
        "profiles": sorted(shown["profiles"]), "protocol": shown["protocol"], "ports": sorted(ports),
        "local": spans(shown["local_addresses"]), "remote": spans(shown["remote_addresses"]),
    }


def compare_with_powershell(sallyport, out):
    """What an independent reader finds in Registry.pol is what the scripts of the same policy say."""
    for name in classes_of(os.path.join(out, "gpo")):
        script = os.path.join(out, "powershell", name, "apply.ps1")
        shown = json.loads(run(sallyport, "rules", "--json", script))
        wanted = {rule["id"]: canonical(rule) for rule in shown["rules"] if rule["active"]}
        found = {}
        for key, value, _, raw in registry.settings(read(pol_of(os.path.join(out, "gpo", name)))):
            if key == registry.FIREWALL + "\\FirewallRules":
                rule = registry.rule(registry.string(raw))
                if rule["active"]:
                    found[value] = {part: rule[part] for part in next(iter(wanted.values()))}
        differ = sorted(i for i in wanted.keys() | found.keys() if wanted.get(i) != found.get(i))
        check(f"{name}: {len(found)} rules in force are those of PowerShell", found and not differ,
              f"{differ[:1]}: {[wanted.get(i) for i in differ[:1]]} {[found.get(i) for i in differ[:1]]}")


def compare_unused(gpo):
    """What is not used is disabled and harmless; ids differ, all carry the group."""
    for name in classes_of(gpo):
        rules = {}
        for key, value, _, raw in registry.settings(read(pol_of(os.path.join(gpo, name)))):
            if key == registry.FIREWALL + "\\FirewallRules":
                assert value.lower() not in rules, value
                rules[value.lower()] = registry.rule(registry.string(raw))
        idle = [rule for rule in rules.values() if not rule["active"]]
        harmless = all(rule["action"] == "block" and not rule["remote"] for rule in idle)
        grouped = all(rule["group"] == "sallyport:contoso" for rule in rules.values())
        check(f"{name}: {len(idle)} slots that are not used are disabled blocks", idle and harmless)
        check(f"{name}: every rule carries the group", grouped)


# ---- The domain --------------------------------------------------------------------------------------------------


def provision(work):
    domain = os.path.join(work, "dc")
    with open(os.path.join(work, "empty.conf"), "w", encoding="ascii") as file:
        file.write(f"[global]\nlog file = {work}/log.%m\n")  # nothing of this machine's own configuration
    run("samba-tool", "domain", "provision", "--realm=CONTOSO.TEST", "--domain=CONTOSO", "--server-role=dc",
        "--dns-backend=NONE", f"--adminpass={PASSWORD}", f"--targetdir={domain}", "--host-name=dc1",
        "--option=interfaces=lo", "--option=bind interfaces only=yes", f"--configfile={work}/empty.conf",
        seconds=120)
    return domain


def start(domain, work):
    log = open(os.path.join(work, "samba.log"), "wb")
    return subprocess.Popen(["samba", "-s", f"{domain}/etc/smb.conf", "-i", "--no-process-group"],
                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def reach(domain):
    """How clients find the domain: by its own configuration, which knows only the loopback interface."""
    return ["-H", "ldap://127.0.0.1", f"--configfile={domain}/etc/smb.conf", USER]


def wait_for(server, domain, seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and server.poll() is None:
        try:
            shares = run("smbclient", "-L", "localhost", USER, f"--configfile={domain}/etc/smb.conf", seconds=10,
                         fail=False)
            if "sysvol" in shares and "GPO" in run("samba-tool", "gpo", "listall", *reach(domain), seconds=20,
                                                   fail=False):
                return True
        except subprocess.TimeoutExpired:
            pass
        time.sleep(0.5)
    return False


def listed(domain_listing):
    """displayName -> GUID of `gpo listall`."""
    found, guid = {}, None
    for line in domain_listing.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "GPO":
            guid = value.strip()
        if name.strip() == "display name":
            found[value.strip()] = guid
    return found


def attribute(domain, guid, name):
    text = run("ldbsearch", "-H", f"{domain}/private/sam.ldb", f"(&(objectClass=groupPolicyContainer)(cn={guid}))",
               name)
    unfolded = text.replace("\n ", "")
    match = re.search(rf"^{name}: (.*)$", unfolded, re.M)
    return match.group(1) if match else None


def sysvol(domain, guid):
    """Files of a GPO by their path in lower case."""
    root = f"{domain}/state/sysvol/contoso.test/Policies/{guid}"
    files = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            files[os.path.relpath(path, root).lower()] = read(path)
    return files


def lines(data, coding):
    return data.decode(coding).replace("\r", "").strip("\ufeff\n").split("\n")


def compare_restored(name, folder, domain, guid):
    backup = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(pol_of(folder)))))
    files = sysvol(domain, guid)
    check(f"{name}: SYSVOL's Registry.pol is ours, byte by byte",
          files.get("machine/registry.pol") == read(pol_of(folder)))
    version = re.search(r"^version\s*=\s*(\d+)", files.get("gpt.ini", b"").decode().lower(), re.M)
    check(f"{name}: GPT.INI says version 1", version and version.group(1) == "1", files.get("gpt.ini"))
    inf = "microsoft/windows nt/SecEdit/GptTmpl.inf"
    ours, theirs = read(os.path.join(backup, MACHINE + inf)), files.get("machine/" + inf.lower(), b"")
    check(f"{name}: GptTmpl.inf says the same", sorted(lines(ours, "utf-16")) == sorted(lines(theirs, "utf-16")),
          theirs)
    audit = "microsoft/windows nt/Audit/audit.csv"
    ours, theirs = read(os.path.join(backup, MACHINE + audit)), files.get("machine/" + audit.lower(), b"")
    check(f"{name}: audit.csv says the same", lines(ours, "utf-8") == lines(theirs, "utf-8"), theirs)
    wanted = read(os.path.join(folder, "samba", "gPCMachineExtensionNames.SAMBAEXT")).decode()
    found = attribute(domain, guid, "gPCMachineExtensionNames")
    check(f"{name}: the directory names its extensions", found == wanted, found)
    said = read(os.path.join(backup, "Backup.xml")).decode()
    check(f"{name}: as Backup.xml does", f"<![CDATA[{wanted}]]>" in said)


def restore_all(gpo, domain, work):
    where = reach(domain)
    for name in classes_of(gpo):
        # Without --tmpdir Samba 4.17 removes its own folder before it restores into it.
        place = os.path.join(work, f"restore-{name}")
        os.mkdir(place)
        said = run("samba-tool", "gpo", "restore", f"sallyport contoso {name}", os.path.join(gpo, name, "samba"),
                   "--restore-metadata", f"--tmpdir={place}", *where)
        check(f"{name}: restored without a warning", "WARNING" not in said and "Traceback" not in said, said)
    known = listed(run("samba-tool", "gpo", "listall", *where))
    for name in classes_of(gpo):
        guid = known.get(f"sallyport contoso {name}")
        check(f"{name}: gpo listall names it", guid)
        if not guid:
            continue
        shown = run("samba-tool", "gpo", "show", guid, *where)
        check(f"{name}: gpo show names it", f"sallyport contoso {name}" in shown, shown)
        compare_restored(name, os.path.join(gpo, name), domain, guid)


def main():
    sallyport, here, work = sys.argv[1:]
    out = os.path.join(work, "out")
    gpo = compile_policy(sallyport, os.path.join(here, "policy.yaml"), out, "gpo")
    compare_parsers(gpo)
    compare_unused(gpo)
    both = os.path.join(work, "both")
    compile_policy(sallyport, os.path.join(here, "../../samples/contoso/policy.yaml"), both, "gpo", "powershell")
    compare_with_powershell(sallyport, both)
    domain = provision(work)
    server = start(domain, work)
    try:
        up = wait_for(server, domain, 90)
        check("the domain answers", up, read(os.path.join(work, "samba.log"))[-2000:])
        if up:
            restore_all(gpo, domain, work)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
    print(f"{results[True]} passed, {results[False]} failed, 0 skipped")
    return 1 if results[False] else 0


if __name__ == "__main__":
    sys.exit(main())
