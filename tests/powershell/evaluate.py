#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the emitted scripts do: each is run, by an interpreter of its own and not by our reader, on a model of
a Windows machine (model.py) with rules and settings that were there before.

usage: evaluate.py SALLYPORT

Applied twice is applied once; a dry run changes nothing; rollback after apply is before, bundle by bundle;
whatever cmdlet fails, the machine is as before or as after; rules of others stay.
"""
import copy
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from interpreter import Script, Thrown, compact  # noqa: E402
from model import PROFILES, World, address_ranges  # noqa: E402

HERE = pathlib.Path(__file__).parent
LOCAL, GPO = 'PersistentStore', 'contoso.com\\smb rules'
FOLDER = 'C:\\bundle'
STRIDE = 7  # of the cmdlets that are made to fail: each takes a whole run

BASE = '''
version: 1
organisation: Contoso
domains: [{name: contoso.com, sid: S-1-5-21-1-2-3}]
govern: [smb, netbios]
segments:
  clients: {networks: [10.1.0.0/24, "2001:db8:1::/64"], trust: managed}
  servers: {networks: [10.2.0.0/24, "2001:db8:2::/64"], trust: managed}
groups:
  domain-controllers: {hosts: [10.2.0.1, "2001:db8:2::1"], role: domain-controller}
allow:
  - {name: "logon's", from: managed, to: domain-controllers, service: smb, secure: none}
'''
POLICIES = {
    'clear': BASE + '  - {name: shares, from: clients, to: [10.2.0.7], service: smb, secure: none}\n',
    'secured': BASE + '  - {name: shares, from: managed, to: [10.2.0.7], service: smb, secure: kerberos}\n'
                      'windows: {firewall: on}\n',
    'bypass': BASE + '  - {name: shares, from: managed, to: [10.2.0.0/28], service: [smb, netbios]}\n'
                     'windows: {strategy: secure-bypass}\nhardening: {baseline: smb-2026, mode: audit}\n',
    'hard': BASE + 'hardening: {baseline: smb-2026, mode: enforce}\nwindows: {firewall: on}\n',
}
# Who is let in for a while, at one client; the other exception outlives it.
EXCEPTIONS = '''
exceptions:
  - {id: EX-1, from: 10.1.0.5, to: 10.1.0.6, service: smb, owner: alice, reason: a move, approver: bob, expires: 2026-12-01}
  - {id: EX-2, from: 10.1.0.8, to: 10.1.0.9, service: smb, owner: alice, reason: a move, approver: bob, expires: 2027-01-01}
'''
GUEST, HOST = '10.1.0.5', '10.1.0.6'
tried = 0


def check(condition, what):
    global tried
    tried += 1
    if not condition:
        raise SystemExit(f'not ok: {what}')


def compile_policy(sallyport, folder, name, text, targets, as_of='2026-11-21', exceptions=None, out=None):
    path, out = folder / f'{name}.yaml', folder / (out or name)
    path.write_text(text)
    command = [sallyport, 'compile', '--policy', path, '--as-of', as_of, '-o', out]
    if exceptions:
        command += ['--exceptions', exceptions]
    for target in targets:
        command += ['--target', target]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out


def trees_of(files):
    said = subprocess.run(['node', HERE / 'tree.mjs', *files], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {path: compact(json.loads(line)) for path, line in zip(files, said.splitlines())}


class Bundle:
    """The scripts of one class."""

    def __init__(self, folder, trees):
        self.folder = folder
        self.trees = {path.name: trees[path] for path in sorted(folder.glob('*.ps1'))}

    def run(self, world, name, **arguments):
        for script in self.trees:
            world.files[f'{FOLDER}\\{script}'.lower()] = self
        world.steps = 0
        return Script(self.trees[name], world, f'{FOLDER}\\{name}').run(arguments)


# ---- Worlds

def foreign_rule(random_, i):
    names = ['sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1-mine', 'SMB by hand', 'sallyport-contoso',
             'FPS-SMB-In-TCP', 'sallyport']
    groups = ['sallyport:contoso2', 'sallyport', 'sallyport:', 'File and Printer Sharing', '', 'x sallyport:contoso']
    return {'Name': f'{random_.choice(names)}-{i}', 'DisplayName': 'of somebody', 'Group': random_.choice(groups),
            'Enabled': random_.choice(['True', 'False']), 'Direction': random_.choice(['Inbound', 'Outbound']),
            'Action': random_.choice(['Allow', 'Block'])}


def make_world(seed):
    random_ = random.Random(seed)
    world = World()
    for store in world.stores.values():
        for i in range(random_.randrange(6)):
            rule = foreign_rule(random_, i)
            store.rules[rule['Name'].lower()] = rule
    if seed % 2:
        store = world.stores[LOCAL.lower()]
        rule = {'Name': 'left-behind', 'DisplayName': 'of an older program', 'Group': 'sallyport:contoso',
                'Description': "it's | old", 'Enabled': 'True', 'Direction': 'Inbound', 'Action': 'Block',
                'EdgeTraversalPolicy': 'Block', 'Profile': ['Domain', 'Public'], 'Protocol': 'TCP', 'LocalPort': ['445'],
                'RemoteAddress': sorted(['10.9.0.0/16', '10.8.0.1']), 'Authentication': 'NotRequired',
                'Encryption': 'NotRequired', 'Program': 'System', 'Service': 'x', 'InterfaceType': 'Wired'}
        store.rules['left-behind'] = rule
    for name in PROFILES:
        profile = world.stores[LOCAL.lower()].profiles[name]
        profile['Enabled'] = random_.choice(['True', 'False'])
        profile['DefaultInboundAction'] = random_.choice(['Allow', 'Block'])
        profile['DefaultOutboundAction'] = random_.choice(['Allow', 'Block'])
        profile['LogBlocked'] = random_.choice(['True', 'False'])
        profile['LogMaxSizeKilobytes'] = random_.choice([1024, 4096, 32767])
        if random_.randrange(4) == 0:
            world.governed[name] = {'Enabled': 'True'}
    settle(world, random_)
    return world


def settle(world, random_):
    """Settings of a machine, of an older or newer Windows."""
    newer = random_.randrange(2)
    version = world.machine.CreateSubKey('SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion')
    version.SetValue('CurrentBuildNumber', '26100' if newer else '17763', 'String')
    for service in ('LanmanServer', 'LanmanWorkstation', 'WebClient'):
        key = world.machine.CreateSubKey('SYSTEM\\CurrentControlSet\\Services\\' + service)
        key.SetValue('Start', random_.choice([2, 3, 4]), 'DWord')
    parameters = world.machine.CreateSubKey('SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters')
    for name in ('RequireSecuritySignature', 'RestrictNullSessAccess', 'SMB1'):
        if random_.randrange(2):
            parameters.SetValue(name, random_.randrange(2), 'DWord')
    parameters.SetValue('NullSessionPipes', ['netlogon', 'samr'], 'MultiString')
    for side in ('Server', 'Client'):
        known = ['RequireSecuritySignature', 'EnableSMB1Protocol', 'EnableInsecureGuestLogons', 'AuditSmb1Access']
        if newer:
            known += ['EnableMailslots', 'AuditInsecureGuestLogon', 'RequireEncryption', 'BlockNTLM']
            world.configuration[side].set('Smb2DialectMin', 'None')
        for name in known:
            world.configuration[side].set(name, bool(random_.randrange(2)))
    if random_.randrange(2):
        world.features['SMB1Protocol'] = random_.choice(['Enabled', 'Disabled'])
    world.audit = {'0CCE9224-69AE-11D9-BED3-505054503030': random_.randrange(4),
                   '0CCE9226-69AE-11D9-BED3-505054503030': random_.randrange(4),
                   '0CCE9215-69AE-11D9-BED3-505054503030': random_.randrange(4)}
    world.steps = 0


def same_world(a, b):
    return a == b


# ---- Rules

def ours(world, store):
    return {k: v for k, v in world.stores[store.lower()].rules.items() if v.get('Group') == 'sallyport:contoso'}


def others(world):
    return {name: {k: v for k, v in store.rules.items() if v.get('Group') != 'sallyport:contoso'}
            for name, store in world.stores.items()}


def merged(ranges):
    whole = []
    for version, first, last in sorted(ranges):
        if whole and whole[-1][0] == version and first <= whole[-1][2] + 1:
            whole[-1] = (version, whole[-1][1], max(last, whole[-1][2]))
        else:
            whole.append((version, first, last))
    return tuple(whole)


def meaning(rules):
    """Rules as sets, however they are split and named: (everything but remote) -> remote addresses."""
    found = {}
    for rule in rules:
        for version in (4, 6):
            remote = [r for r in address_ranges(rule['RemoteAddress']) if r[0] == version]
            if not remote:
                continue
            local = merged(address_ranges(rule['LocalAddress'])) if 'LocalAddress' in rule else 'any'
            ports = rule.get('LocalPort', rule.get('RemotePort'))
            secure = rule.get('Authentication', 'NotRequired') != 'NotRequired'
            key = (rule['Direction'], rule['Action'], secure, tuple(sorted(rule['Profile'])), rule['Protocol'],
                   tuple(sorted(ports if isinstance(ports, list) else [ports])), local,
                   rule.get('RemoteMachine', ''), rule.get('Program', ''))
            found[key] = merged(found.get(key, ()) + tuple(remote))
    return found


def rules_of_pol(data):
    """Rules of a Registry.pol that are in force, read here ([MS-GPREG] 2.2.1, [MS-GPFAS] 2.2.2)."""
    assert data[:8] == b'PReg\x01\x00\x00\x00'
    text = data[8:].decode('utf-16-le')
    rules = []
    for piece in text.split('v2.')[1:]:
        fields = {}
        for token in piece.split('|')[1:]:
            if '=' not in token:
                break
            key, value = token.split('=', 1)
            fields.setdefault(key, []).append(value)
        if fields.get('Active') != ['TRUE'] or 'Dir' not in fields:
            continue
        inbound = fields['Dir'] == ['In']
        rule = {'Direction': 'Inbound' if inbound else 'Outbound',
                'Action': 'Block' if fields['Action'] == ['Block'] else 'Allow',
                'Profile': fields.get('Profile', list(PROFILES)), 'Protocol': {'6': 'TCP', '17': 'UDP'}[fields['Protocol'][0]]}
        side = 'L' if inbound else 'R'
        rule['LocalPort' if inbound else 'RemotePort'] = fields.get(side + 'Port', []) + fields.get(side + 'Port2_10', [])
        rule['RemoteAddress'] = fields.get('RA4', []) + fields.get('RA6', [])
        if 'LA4' in fields or 'LA6' in fields:
            rule['LocalAddress'] = fields.get('LA4', []) + fields.get('LA6', [])
        if 'Security' in fields:
            rule['Authentication'] = 'Required'
            check(fields['Action'] == ['ByPass'] if inbound else fields['AuthByPassOut'] == ['TRUE'], 'an override')
        rule['RemoteMachine'] = fields.get('RMauth', [''])[0]
        rule['Program'] = fields.get('App', [''])[0]
        rules.append(rule)
    return rules


# ---- Checks

def apply_and_back(bundle, seed, store, what):
    world = make_world(seed)
    before, foreign = world.snapshot(), others(world)
    bundle.run(world, 'apply.ps1', PolicyStore=store, WhatIf=True)
    check(world.snapshot() == before, f'{what}: a dry run changes nothing')
    bundle.run(world, 'apply.ps1', PolicyStore=store)
    after = world.snapshot()
    check(others(world) == foreign, f'{what}: rules of others stay')
    bundle.run(world, 'apply.ps1', PolicyStore=store)
    check(world.snapshot() == after, f'{what}: twice is once')
    check(all(rule['Group'] == 'sallyport:contoso' for rule in ours(world, store).values()), f'{what}: group')
    check('left-behind' not in ours(world, store), f'{what}: an older rule of the group goes')
    done = copy.deepcopy(world)
    bundle.run(world, 'rollback.ps1', PolicyStore=store)
    check(world.snapshot() == before, f'{what}: rollback after apply is before')
    bundle.run(world, 'rollback.ps1', PolicyStore=store)
    check(not ours(world, store), f'{what}: a rollback with nothing saved removes the group')
    check(others(world) == foreign, f'{what}: a rollback leaves rules of others')
    return done


def bundles_in_a_row(first, second, seed, store, what):
    world = make_world(seed)
    before = world.snapshot()
    first.run(world, 'apply.ps1', PolicyStore=store)
    one = world.snapshot()
    second.run(world, 'apply.ps1', PolicyStore=store)
    two = copy.deepcopy(world)
    alone = make_world(seed)
    second.run(alone, 'apply.ps1', PolicyStore=store)
    check(ours(two, store) == ours(alone, store), f'{what}: a newer bundle replaces and never adds')
    second.run(world, 'rollback.ps1', PolicyStore=store)
    check(world.snapshot() == one, f'{what}: its rollback brings the older bundle back')
    first.run(world, 'rollback.ps1', PolicyStore=store)
    check(world.snapshot() == before, f'{what}: both are taken back one by one')
    second.run(two, 'rollback.ps1', PolicyStore=store, All=True)
    check(two.snapshot() == before, f'{what}: or at once')


def remotes(rule):
    return [(version, first, last) for version, first, last in address_ranges(rule['RemoteAddress'])]


def lets_in(rule, guest):
    return (rule['Direction'] == 'Inbound' and rule['Action'] == 'Allow' and rule['Enabled'] == 'True'
            and any(r[0] == 4 and r[1] <= guest <= r[2] for r in remotes(rule)))


def expires(alive, later, dead, store, what):
    """An exception ends: the rule that is its own has one name while it lives, and the newer bundle takes that rule
    away and puts the address into the blocks; whatever else there was is as before."""
    guest = address_ranges([GUEST])[0][1]
    held = []
    for bundle in (alive, later, dead):
        world = make_world(7)
        bundle.run(world, 'apply.ps1', PolicyStore=store)
        held.append(ours(world, store))
    own = {name for name, rule in held[0].items() if lets_in(rule, guest)}
    check(own and own == {name for name, rule in held[1].items() if lets_in(rule, guest)}, f'{what}: one id while it lives')
    world = make_world(7)
    foreign = others(world)
    alive.run(world, 'apply.ps1', PolicyStore=store)
    dead.run(world, 'apply.ps1', PolicyStore=store)
    left = ours(world, store)
    check(left == held[2], f'{what}: what is left is what a machine has that never knew it')
    check(not own & set(left), f'{what}: its rule is gone, by its id')
    check(not any(lets_in(rule, guest) for rule in left.values()), f'{what}: no other rule lets it in')
    check(others(world) == foreign, f'{what}: rules of others stay')
    for name, rule in held[0].items():
        if name in own:
            continue
        check(name in left, f'{what}: {name} stays')
        closed = {k: v for k, v in rule.items() if k != 'RemoteAddress'} == {
            k: v for k, v in left[name].items() if k != 'RemoteAddress'} and rule['Action'] == 'Block' and merged(
            tuple(remotes(rule)) + ((4, guest, guest),)) == merged(tuple(remotes(left[name])))
        check(rule == left[name] or closed, f'{what}: {name} is as it was, or blocks one address more')
    check(set(left) <= set(held[0]), f'{what}: nothing is added')


def class_of(out, address):
    manifest = json.loads((out / 'manifest.json').read_text())
    for one in manifest['classes']:
        if any(int_of(member) <= int_of(address) <= last_of(member) for member in one['members'] if ':' not in member):
            return out / 'powershell' / one['id']
    raise SystemExit(f'not ok: {address} is in no class')


def int_of(prefix):
    return address_ranges([prefix.split('/')[0]])[0][1]


def last_of(prefix):
    return int_of(prefix) + 2 ** (32 - int(prefix.split('/')[1])) - 1


def exception_ends(sallyport, folder):
    path = folder / 'exceptions.yaml'
    path.write_text(EXCEPTIONS)
    folders = [class_of(compile_policy(sallyport, folder, 'ending', POLICIES['clear'], ['powershell'], as_of, path, name), HOST)
               for name, as_of in (('alive', '2026-11-21'), ('later', '2026-11-30'), ('dead', '2026-12-02'))]
    trees = trees_of([script for one in folders for script in sorted(one.glob('*.ps1'))])
    bundles = [Bundle(one, trees) for one in folders]
    for store in (LOCAL, GPO):
        expires(*bundles, store, f'an exception ends in {store}')


def failures(run, world, what, whole=lambda snapshot: snapshot):
    """Cmdlets fail, one at a time, every seventh of them; the script ends as before or as after."""
    before = whole(world.snapshot())
    done = copy.deepcopy(world)
    run(done)
    after, steps = whole(done.snapshot()), done.steps
    for step in range(1 + len(what) % STRIDE, steps + 1, STRIDE):
        broken = copy.deepcopy(world)
        broken.fail_at = step
        try:
            run(broken)
            fell = False
        except Thrown:
            fell = True
        found = whole(broken.snapshot())
        check(found in (before, after), f'{what}: step {step} of {steps} fails and leaves something half done')
        check(fell or found == after, f'{what}: step {step} fails and nobody hears of it')
    return len(range(1 + len(what) % STRIDE, steps + 1, STRIDE))


def without_saved(snapshot):
    """The stores alone: when saving fails after the change was made, what was saved stays."""
    return {key: value for key, value in snapshot.items() if key not in ('saved', 'tasks')}


def rollback_failures(bundle, seed, store, what):
    world = make_world(seed)
    before = world.snapshot()
    bundle.run(world, 'apply.ps1', PolicyStore=store)
    done = copy.deepcopy(world)
    bundle.run(done, 'rollback.ps1', PolicyStore=store)
    for step in range(1, done.steps + 1, 2 * STRIDE):
        broken = copy.deepcopy(world)
        broken.fail_at = step
        try:
            bundle.run(broken, 'rollback.ps1', PolicyStore=store)
        except Thrown:
            broken.fail_at = None
            if any(path.endswith('.xml') for path in broken.files):
                bundle.run(broken, 'rollback.ps1', PolicyStore=store)
        check(without_saved(broken.snapshot()) == without_saved(before),
              f'{what}: a rollback that failed at {step} is finished by the next')


def revert(bundle, seed, what):
    world = make_world(seed)
    before = world.snapshot()
    bundle.run(world, 'apply.ps1', RevertAfterMinutes=15)
    action, when, who = world.tasks['sallyport-revert-contoso']
    check(who == 'S-1-5-18' and when == 'in 15 minutes', f'{what}: a revert is armed')
    check('-File "C:\\Program Files\\sallyport\\contoso\\local\\rollback.ps1"' in action, f'{what}: a local file')
    kept = copy.deepcopy(world)
    bundle.run(world, 'rollback.ps1')
    check(world.snapshot() == before, f'{what}: the revert brings back what was there, and itself goes')
    bundle.run(kept, 'apply.ps1', Keep=True)
    check(not kept.tasks and ours(kept, LOCAL), f'{what}: what is kept stays')
    try:
        bundle.run(kept, 'apply.ps1', PolicyStore=GPO, RevertAfterMinutes=15)
        check(False, f'{what}: a revert of a group policy is refused')
    except Thrown:
        pass


def firewall_on(bundle, seed, turns_on, what):
    world = make_world(seed)
    before = copy.deepcopy(world.stores[LOCAL.lower()].profiles)
    bundle.run(world, 'apply.ps1')
    for name in PROFILES:
        old, new = before[name], world.stores[LOCAL.lower()].profiles[name]
        off = old['Enabled'] == 'False' and name not in world.governed
        if turns_on and off:
            check((new['Enabled'], new['DefaultInboundAction'], new['DefaultOutboundAction']) ==
                  ('True', 'Allow', 'Allow'), f'{what}: {name}, known to be off, is turned on')
        else:
            check(all(old[k] == new[k] for k in ('Enabled', 'DefaultInboundAction', 'DefaultOutboundAction')),
                  f'{what}: {name} stays as it is')
        check(new['LogBlocked'] == 'True' and new['LogMaxSizeKilobytes'] == 16384, f'{what}: drops are logged')


def hardening(bundle, older, seed, what):
    world = make_world(seed)
    before = world.snapshot()
    bundle.run(world, 'hardening.ps1', WhatIf=True)
    check(world.snapshot() == before, f'{what}: a dry run changes nothing')
    bundle.run(world, 'hardening.ps1')
    after = world.snapshot()
    check(after != before, f'{what}: something is set')
    bundle.run(world, 'hardening.ps1')
    check(world.snapshot() == after, f'{what}: twice is once')
    bundle.run(world, 'hardening-rollback.ps1')
    check(world.snapshot() == before, f'{what}: every setting is again what it was, or gone')
    older.run(world, 'hardening.ps1')
    bundle.run(world, 'hardening.ps1')
    check(without_saved(world.snapshot()) == without_saved(after), f'{what}: a newer bundle replaces an older one')
    older.run(world, 'hardening.ps1')
    bundle.run(world, 'hardening-rollback.ps1')
    check(world.snapshot() == before, f'{what}: what only the older one set is back, too')


def main(sallyport):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = {key: compile_policy(sallyport, folder, key, text, ['powershell', 'gpo']) for key, text in POLICIES.items()}
        files = [path for out in made.values() for path in sorted(out.glob('powershell/*/*.ps1'))]
        trees = trees_of(files)
        bundles = {key: [Bundle(path, trees) for path in sorted(out.glob('powershell/*'))] for key, out in made.items()}
        compared = 0
        for key, all_of in bundles.items():
            for i, bundle in enumerate(all_of):
                what = f'{key}/{bundle.folder.name}'
                for seed in range(2):
                    for store in (LOCAL, GPO):
                        done = apply_and_back(bundle, 10 * i + seed, store, f'{what} in {store}')
                    firewall_on(bundle, seed, 'firewall: on' in POLICIES[key], what)
                revert(bundle, i, what)
                pol = list(made[key].glob(f'gpo/{bundle.folder.name}/**/[Rr]egistry.pol'))
                if pol:
                    compared += 1
                    check(meaning(ours(done, GPO).values()) == meaning(rules_of_pol(pol[0].read_bytes())),
                          f'{what}: the script and the group policy say the same')
        clear, secured = bundles['clear'][-1], bundles['secured'][-1]
        for store in (LOCAL, GPO):
            bundles_in_a_row(clear, secured, 3, store, f'clear, secured in {store}')
            bundles_in_a_row(secured, clear, 4, store, f'secured, clear in {store}')
        steps = 0
        for store in (LOCAL, GPO):
            for first, second in ((None, secured), (clear, secured), (secured, clear)):
                world = make_world(5)
                if first:
                    first.run(world, 'apply.ps1', PolicyStore=store)
                steps += failures(lambda w: second.run(w, 'apply.ps1', PolicyStore=store), world,
                                  f'apply in {store}', without_saved)
            rollback_failures(secured, 5, store, f'rollback in {store}')
        for seed in range(6):
            hardening(bundles['hard'][0], bundles['bypass'][0], seed, f'hardening, machine {seed}')
        for seed in (1, 2):
            steps += failures(lambda w: bundles['hard'][0].run(w, 'hardening.ps1'), make_world(seed),
                              f'hardening, machine {seed}', without_saved)
        exception_ends(sallyport, folder)
        n = sum(len(all_of) for all_of in bundles.values())
        print(f'{tried} checks of {n} bundles hold, {steps} failures injected, {compared} compared with group policies')


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: evaluate.py SALLYPORT')
    main(sys.argv[1])
