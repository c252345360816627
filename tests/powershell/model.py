# SPDX-License-Identifier: Apache-2.0
"""A Windows machine and a domain as far as the emitted scripts see them: stores of firewall rules,
connection security and profiles, group policies with sessions, files, scheduled tasks, the registry,
services, optional features, audit subcategories. Each cmdlet takes the parameters that its manual
names (windows-powershell-docs, NetSecurity) and refuses what Windows refuses ([MS-FASP] 2.2.35, 2.2.37).
"""
import copy
import ipaddress

from interpreter import Hash, Object, Thrown, items_of, same, text_of

PROFILES = ('Domain', 'Private', 'Public')
RULE_PARAMETERS = '''Name DisplayName Description Group Enabled Profile Platform Direction Action
    EdgeTraversalPolicy LooseSourceMapping LocalOnlyMapping Owner LocalAddress RemoteAddress Protocol LocalPort
    RemotePort IcmpType DynamicTarget Program Package Service InterfaceAlias InterfaceType LocalUser RemoteUser
    RemoteMachine Authentication Encryption OverrideBlockRules'''.split()
SECURITY_PARAMETERS = '''IPsecRuleName DisplayName Description Group Enabled Profile Platform Mode InboundSecurity
    OutboundSecurity QuickModeCryptoSet Phase1AuthSet Phase2AuthSet KeyModule LocalAddress RemoteAddress Protocol
    LocalPort RemotePort InterfaceAlias InterfaceType'''.split()
LISTS = ('LocalAddress', 'RemoteAddress', 'LocalPort', 'RemotePort', 'Profile')
PROFILE_PARAMETERS = '''Enabled DefaultInboundAction DefaultOutboundAction AllowInboundRules
    AllowLocalFirewallRules AllowLocalIPsecRules LogFileName LogMaxSizeKilobytes LogAllowed LogBlocked
    LogIgnored'''.split()
SWITCHES = '''Force Machine User Kerberos Anonymous Once StartWhenAvailable AllowStartIfOnBatteries
    DontStopIfGoingOnBatteries Online NoRestart All WhatIf Confirm Keep'''.lower().split()


def address_ranges(value):
    """The addresses of a list of a rule: (version, first, last)."""
    ranges = []
    for text in items_of(value):
        if '-' in text:
            first, last = (ipaddress.ip_address(end) for end in text.split('-'))
        else:
            network = ipaddress.ip_network(text)
            first, last = network[0], network[-1]
        if first.version != last.version or first > last:
            raise Thrown(f'no range: {text}')
        for end in (first, last):
            if end.is_unspecified or end.is_loopback or end.is_multicast:
                raise Thrown(f'no valid end of a range: {text}')
        ranges.append((first.version, int(first), int(last)))
    for version in (4, 6):
        if sum(1 for r in ranges if r[0] == version) > 1000:
            raise Thrown('more than 1000 ranges of a family')
    return ranges


class Store:
    def __init__(self, local):
        self.rules, self.security, self.phase1, self.phase2 = {}, {}, {}, {}
        unset = 'NotConfigured'
        self.profiles = {name: {
            'Name': name, 'Enabled': 'True' if local else unset,
            'DefaultInboundAction': 'Block' if local else unset, 'DefaultOutboundAction': 'Allow' if local else unset,
            'LogBlocked': 'False' if local else unset, 'LogAllowed': 'False' if local else unset,
            'LogFileName': '%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log' if local else unset,
            'LogMaxSizeKilobytes': 4096 if local else unset} for name in PROFILES}


class Key:
    """A registry key, opened."""

    def __init__(self, machine, path, writable):
        self.machine, self.path, self.writable = machine, path.lower(), writable

    def values(self):
        return self.machine.keys[self.path]

    def GetValueNames(self):
        return [name for name, _, _ in self.values().values()]

    def GetValueKind(self, name):
        return self.values()[name.lower()][1]

    def GetValue(self, name, default=None, options=None):
        found = self.values().get(name.lower())
        return copy.deepcopy(found[2]) if found else default

    def SetValue(self, name, data, kind):
        self.machine.world.step('SetValue')
        if not self.writable:
            raise Thrown('the key is not open for writing')
        if (kind == 'DWord') != isinstance(data, int) or (kind == 'MultiString') != isinstance(data, list):
            raise Thrown('the data is not of that type')
        self.values()[name.lower()] = (name, kind, copy.deepcopy(data))

    def DeleteValue(self, name):
        self.machine.world.step('DeleteValue')
        if not self.writable:
            raise Thrown('the key is not open for writing')
        del self.values()[name.lower()]

    def get_ValueCount(self):
        return len(self.values())

    def get_SubKeyCount(self):
        return sum(1 for path in self.machine.keys if path.startswith(self.path + '\\'))

    def Close(self):
        return None


class Machine:
    def __init__(self, world):
        self.world, self.keys = world, {}

    def OpenSubKey(self, path, writable=False):
        return Key(self, path, writable) if path.lower() in self.keys else None

    def CreateSubKey(self, path):
        parts = path.lower().split('\\')
        for i in range(len(parts)):
            self.keys.setdefault('\\'.join(parts[:i + 1]), {})
        return Key(self, path, True)

    def DeleteSubKey(self, path):
        del self.keys[path.lower()]


class Moment:
    def AddMinutes(self, minutes):
        return f'in {minutes} minutes'


class Context:
    def __init__(self, domain):
        self.domain = domain


class Domain:
    def GetDomain(self, context):
        owner = Object([('Name', 'pdc.' + context.domain)])
        return Object([('PdcRoleOwner', owner)])


class World:
    def __init__(self):
        self.environment = {'programfiles': 'C:\\Program Files', 'systemroot': 'C:\\Windows'}
        self.stores = {'persistentstore': Store(True), 'contoso.com\\smb rules': Store(False)}
        self.sessions = {}
        self.files, self.folders, self.tasks = {}, set(), {}
        self.machine = Machine(self)
        self.starts_of = {}
        self.features, self.audit = {}, {}
        self.configuration = {'Server': Object(), 'Client': Object()}
        self.governed = {}  # what a group policy sets of profiles in force
        self.steps, self.fail_at, self.said = 0, None, []

    def step(self, what):
        self.steps += 1
        if self.steps == self.fail_at:
            raise Thrown(f'injected: {what}')

    def snapshot(self):
        """All that a rollback has to restore."""
        return copy.deepcopy({
            'stores': {name: vars(store) for name, store in self.stores.items()},
            'tasks': self.tasks,
            'registry': {path: values for path, values in self.machine.keys.items() if values},
            'features': self.features, 'audit': self.audit,
            'configuration': {name: sorted(o.plain().items(), key=str) for name, o in self.configuration.items()},
            'saved': sorted(path for path in self.files if path.endswith('.xml'))})

    def is_switch(self, name, parameter):
        return parameter.lower() in SWITCHES

    def static(self, text):
        return {'[Microsoft.Win32.Registry]': Object([('LocalMachine', self.machine)]).get('LocalMachine'),
                '[System.DirectoryServices.ActiveDirectory.Domain]': Domain()}[text]

    # ---- dispatch

    def cmdlet(self, script, name, positional, named):
        handler = getattr(self, 'do_' + name.rsplit('\\', 1)[-1].replace('-', '_').replace('.', '_'), None)
        if handler is None:
            raise Thrown(f'the cmdlet {name} is not known')
        self.script = script
        self.changes = not named.get('WhatIf', False)
        named = {key: value for key, value in named.items()}
        self.silent = same(named.pop('ErrorAction', 'Continue'), 'SilentlyContinue')
        named.pop('WhatIf', None)
        if not name.startswith('Write-'):
            self.step(name)
        return handler(positional, named)

    def only(self, named, allowed):
        allowed = [a.lower() for a in allowed]
        for key in named:
            if key.lower() not in allowed:
                raise Thrown(f'there is no parameter -{key}')

    def store_of(self, named):
        if 'GPOSession' in named:
            if 'PolicyStore' in named:
                raise Thrown('either a session or a store')
            return self.sessions[named.pop('GPOSession')][1]
        name = named.pop('PolicyStore', 'PersistentStore').lower()
        if name == 'activestore':
            store = copy.deepcopy(self.stores['persistentstore'])
            for profile, values in self.governed.items():
                store.profiles[profile].update(values)
            return store
        if name not in self.stores:
            raise Thrown(f'there is no store {name}')
        return self.stores[name]

    def absent(self, what):
        if self.silent:
            return []
        raise Thrown(f'no {what} found')

    def do_Set_StrictMode(self, positional, named):
        self.steps -= 1

    # ---- group policies

    def do_New_Object(self, positional, named):
        assert named['TypeName'] == 'System.DirectoryServices.ActiveDirectory.DirectoryContext'
        kind, domain = named['ArgumentList']
        assert kind == 'Domain'
        return Context(domain)

    def do_Open_NetGPO(self, positional, named):
        name = named['PolicyStore'].lower()
        if name not in self.stores:
            raise Thrown('no such group policy')
        if not named['DomainController'].startswith('pdc.'):
            raise Thrown('not the PDC emulator')
        session = f'session {len(self.sessions)}'
        self.sessions[session] = (name, copy.deepcopy(self.stores[name]))
        return session

    def do_Save_NetGPO(self, positional, named):
        name, store = self.sessions[named['GPOSession']]
        self.stores[name] = copy.deepcopy(store)

    # ---- rules

    def check_lists(self, named):
        for end in ('LocalAddress', 'RemoteAddress'):
            if end in named and not (named[end] and address_ranges(named[end])):
                raise Thrown(f'-{end} is empty')

    def make(self, table, kind, key, named, allowed):
        self.only(named, allowed)
        if not named.get('DisplayName') or same(named['DisplayName'], 'All'):
            raise Thrown('-DisplayName is missing')
        name = named[key]
        if name.lower() in table:
            raise Thrown(f'cannot create {name}: it already exists')
        self.check_lists(named)
        if self.changes:
            table[name.lower()] = {k: sorted(items_of(v)) if k in LISTS else v for k, v in named.items()}

    def do_New_NetFirewallRule(self, positional, named):
        store = self.store_of(named)
        if named.get('Enabled') not in ('True', 'False') or named['Direction'] not in ('Inbound', 'Outbound') or \
                named['Action'] not in ('Allow', 'Block'):
            raise Thrown('a rule is enabled or not, inbound or outbound, and allows or blocks')
        inbound, secure = named['Direction'] == 'Inbound', named.get('Authentication', 'NotRequired') != 'NotRequired'
        if 'EdgeTraversalPolicy' in named and not inbound:
            raise Thrown('edge traversal is inbound only')
        if secure and named['Action'] == 'Block':
            raise Thrown('a block asks for no authentication')
        if named.get('OverrideBlockRules') and not secure:
            raise Thrown('an override asks for authentication')
        if named.get('OverrideBlockRules') and inbound and not named.get('RemoteMachine'):
            raise Thrown('an inbound override names computers')
        if named.get('RemoteMachine') and (not secure or not inbound):
            raise Thrown('computers are named by inbound authenticated rules')
        if named.get('Protocol') not in ('TCP', 'UDP') and ('LocalPort' in named or 'RemotePort' in named):
            raise Thrown('ports of TCP or UDP')
        if isinstance(named.get('Profile'), str):
            named['Profile'] = named['Profile'].split(', ')
        for profile in named.get('Profile', []):
            if profile not in PROFILES:
                raise Thrown('no such profile')
        self.make(store.rules, 'rule', 'Name', named, RULE_PARAMETERS)

    def do_New_NetIPsecRule(self, positional, named):
        store = self.store_of(named)
        known = named['Phase1AuthSet'].lower() in store.phase1 and named['Phase2AuthSet'].lower() in store.phase2
        if self.changes and not known:
            raise Thrown('no such authentication set')
        if isinstance(named.get('Profile'), str):
            named['Profile'] = named['Profile'].split(', ')
        if (named['InboundSecurity'], named['OutboundSecurity']) != ('Request', 'Request'):
            raise Thrown('only request is made')
        self.make(store.security, 'connection security rule', 'IPsecRuleName', named, SECURITY_PARAMETERS)

    def found(self, table, named, what):
        self.only(named, ('Group', 'Name', 'IPsecRuleName'))
        group = named.get('Group')
        name = named.get('Name', named.get('IPsecRuleName'))
        if not group and not name:
            raise Thrown(f'a bare selection of every {what}')
        keys = [key for key, rule in table.items()
                if (not group or same(rule.get('Group', ''), group)) and (not name or key == name.lower())]
        return keys or self.absent(what)

    def rule_object(self, rule, key):
        whole = {'Group': None, 'Description': None, 'Owner': None, 'LooseSourceMapping': False,
                 'LocalOnlyMapping': False, 'Platform': [], 'EdgeTraversalPolicy': 'Block', 'Profile': 'Any'}
        whole.update(rule)
        if isinstance(whole['Profile'], list):
            whole['Profile'] = ', '.join(whole['Profile'])
        return Object([(k, v) for k, v in whole.items()] + [('InstanceID', key)])

    def do_Get_NetFirewallRule(self, positional, named):
        rules = self.store_of(named).rules
        return [self.rule_object(rules[key], key) for key in sorted(self.found(rules, named, 'rule'))]

    def do_Get_NetIPsecRule(self, positional, named):
        rules = self.store_of(named).security
        return [self.rule_object(rules[key], key) for key in sorted(self.found(rules, named, 'rule'))]

    def filter_of(self, named, *names):
        store = self.store_of(named)
        if 'AssociatedNetIPsecRule' in named:
            rule = store.security[named.pop('AssociatedNetIPsecRule').get('InstanceID')]
        else:
            rule = store.rules[named.pop('AssociatedNetFirewallRule').get('InstanceID')]
        self.only(named, ())
        neutral = {'OverrideBlockRules': False, 'Package': None, 'Authentication': 'NotRequired',
                   'Encryption': 'NotRequired'}
        return Object([(n, copy.deepcopy(rule.get(n, neutral.get(n, 'Any')))) for n in names])

    def do_Get_NetFirewallPortFilter(self, positional, named):
        return self.filter_of(named, 'Protocol', 'LocalPort', 'RemotePort', 'IcmpType')

    def do_Get_NetFirewallAddressFilter(self, positional, named):
        return self.filter_of(named, 'LocalAddress', 'RemoteAddress')

    def do_Get_NetFirewallApplicationFilter(self, positional, named):
        return self.filter_of(named, 'Program', 'Package')

    def do_Get_NetFirewallServiceFilter(self, positional, named):
        return self.filter_of(named, 'Service')

    def do_Get_NetFirewallInterfaceFilter(self, positional, named):
        return self.filter_of(named, 'InterfaceAlias')

    def do_Get_NetFirewallInterfaceTypeFilter(self, positional, named):
        return self.filter_of(named, 'InterfaceType')

    def do_Get_NetFirewallSecurityFilter(self, positional, named):
        return self.filter_of(named, 'Authentication', 'Encryption', 'OverrideBlockRules', 'LocalUser', 'RemoteUser',
                              'RemoteMachine')

    def remove(self, table, named, what):
        for key in self.found(table, named, what):
            if self.changes:
                del table[key]

    def do_Remove_NetFirewallRule(self, positional, named):
        self.remove(self.store_of(named).rules, named, 'rule')

    def do_Remove_NetIPsecRule(self, positional, named):
        self.remove(self.store_of(named).security, named, 'rule')

    # ---- authentication sets

    def do_New_NetIPsecAuthProposal(self, positional, named):
        self.only(named, ('Machine', 'User', 'Kerberos'))
        return ' '.join(sorted(named))

    def new_set(self, table, named, proposal):
        if named['Name'].lower() in table:
            raise Thrown('the set already exists')
        if named['Proposal'] != proposal:
            raise Thrown('another proposal than computer or user Kerberos')
        if self.changes:
            table[named['Name'].lower()] = dict(named)

    def do_New_NetIPsecPhase1AuthSet(self, positional, named):
        self.new_set(self.store_of(named).phase1, named, 'Kerberos Machine')

    def do_New_NetIPsecPhase2AuthSet(self, positional, named):
        self.new_set(self.store_of(named).phase2, named, 'Kerberos User')

    def set_set(self, table, named):
        if self.changes:
            table[named['Name'].lower()]['Proposal'] = named['Proposal']

    def do_Set_NetIPsecPhase1AuthSet(self, positional, named):
        self.set_set(self.store_of(named).phase1, named)

    def do_Set_NetIPsecPhase2AuthSet(self, positional, named):
        self.set_set(self.store_of(named).phase2, named)

    def do_Get_NetIPsecPhase1AuthSet(self, positional, named):
        table = self.store_of(named).phase1
        return [Object(list(table[key].items())) for key in self.found(table, named, 'set')]

    def do_Get_NetIPsecPhase2AuthSet(self, positional, named):
        table = self.store_of(named).phase2
        return [Object(list(table[key].items())) for key in self.found(table, named, 'set')]

    def remove_set(self, store, table, named, reference):
        for key in self.found(table, named, 'set'):
            if any(rule[reference].lower() == key for rule in store.security.values()):
                raise Thrown('a rule still names the set')
            if self.changes:
                del table[key]

    def do_Remove_NetIPsecPhase1AuthSet(self, positional, named):
        store = self.store_of(named)
        self.remove_set(store, store.phase1, named, 'Phase1AuthSet')

    def do_Remove_NetIPsecPhase2AuthSet(self, positional, named):
        store = self.store_of(named)
        self.remove_set(store, store.phase2, named, 'Phase2AuthSet')

    # ---- profiles

    def do_Get_NetFirewallProfile(self, positional, named):
        store = self.store_of(named)
        return [Object(list(store.profiles[name].items())) for name in items_of(named['Name'])]

    def do_Set_NetFirewallProfile(self, positional, named):
        store = self.store_of(named)
        names = items_of(named.pop('Name'))
        self.only(named, PROFILE_PARAMETERS)
        for key, value in named.items():
            if key == 'LogMaxSizeKilobytes':
                value = int(value)
                if not 1 <= value <= 32767:
                    raise Thrown('1 to 32767 KB')
            for name in names:
                if self.changes:
                    store.profiles[name][next(p for p in PROFILE_PARAMETERS if same(p, key))] = value

    # ---- files and tasks

    def do_Join_Path(self, positional, named):
        return named['Path'].rstrip('\\') + '\\' + named['ChildPath']

    def do_Test_Path(self, positional, named):
        path = named['LiteralPath'].lower()
        return path in self.files or path in self.folders

    def do_New_Item(self, positional, named):
        assert named['ItemType'] == 'Directory'
        if self.changes:
            self.folders.add(named['Path'].lower())

    def do_Copy_Item(self, positional, named):
        if self.changes:
            self.files[named['Destination'].lower()] = self.files[named['LiteralPath'].lower()]

    def do_Remove_Item(self, positional, named):
        if self.changes:
            del self.files[named['LiteralPath'].lower()]

    def do_Get_ChildItem(self, positional, named):
        folder, pattern = named['Path'].lower().rsplit('\\', 1)
        head, tail = pattern.split('*')
        found = [p for p in self.files if p.rsplit('\\', 1)[0] == folder and p.rsplit('\\', 1)[1].startswith(head)
                 and p.endswith(tail)]
        return [Object([('Name', p.rsplit('\\', 1)[1]), ('FullName', p)]) for p in reversed(sorted(found))]

    def do_Get_Content(self, positional, named):
        return list(self.files[named['LiteralPath'].lower()])

    def depth(self, value):
        if isinstance(value, Hash):
            return 1 + max([self.depth(v) for _, v in value.pairs()] or [0])
        if isinstance(value, list):
            return 1 + max([self.depth(v) for v in value] or [0])
        return 0

    def do_Export_Clixml(self, positional, named):
        if self.depth(named['InputObject']) >= named['Depth']:
            raise Thrown('deeper than -Depth')
        path = named['LiteralPath'].lower()
        if path.rsplit('\\', 1)[0] not in self.folders and self.changes:
            raise Thrown('no such folder')
        if self.changes:
            self.files[path] = copy.deepcopy(named['InputObject'])

    def do_Import_Clixml(self, positional, named):
        return copy.deepcopy(self.files[named['LiteralPath'].lower()])

    def do_Get_ScheduledTask(self, positional, named):
        found = self.tasks.get(named['TaskName'])
        return [Object([('TaskName', named['TaskName'])])] if found else self.absent('task')

    def do_New_ScheduledTaskAction(self, positional, named):
        return named['Execute'] + ' ' + named['Argument']

    def do_New_ScheduledTaskTrigger(self, positional, named):
        return named['At']

    def do_New_ScheduledTaskPrincipal(self, positional, named):
        return named['UserId']

    def do_New_ScheduledTaskSettingsSet(self, positional, named):
        return 'settings'

    def do_Register_ScheduledTask(self, positional, named):
        self.tasks[named['TaskName']] = (named['Action'], named['Trigger'], named['Principal'])

    def do_Unregister_ScheduledTask(self, positional, named):
        if self.changes:
            del self.tasks[named['TaskName']]

    def do_Get_Date(self, positional, named):
        return Moment()

    def do_Write_Output(self, positional, named):
        self.said.append(text_of(positional[0]))

    do_Write_Host = do_Write_Output

    # ---- settings

    def do_Get_Command(self, positional, named):
        side = {'Set-SmbServerConfiguration': 'Server', 'Set-SmbClientConfiguration': 'Client'}.get(named['Name'])
        if side is None:
            return self.absent('cmdlet')
        return Object([('Parameters', Hash([(k, 1) for k, _ in self.configuration[side].pairs()]))])

    def do_Get_SmbServerConfiguration(self, positional, named):
        return copy.deepcopy(self.configuration['Server'])

    def do_Get_SmbClientConfiguration(self, positional, named):
        return copy.deepcopy(self.configuration['Client'])

    def configure(self, side, named):
        if named.pop('Confirm', True) is not False:
            raise Thrown('nobody answers')
        self.only(named, [k for k, _ in self.configuration[side].pairs()])
        key, value = next(iter(named.items()))
        old = self.configuration[side].get(key)
        if isinstance(old, bool) != isinstance(value, bool):
            raise Thrown(f'-{key} is of another type')
        self.configuration[side].set(key, value)

    def do_Set_SmbServerConfiguration(self, positional, named):
        self.configure('Server', named)

    def do_Set_SmbClientConfiguration(self, positional, named):
        self.configure('Client', named)

    def do_sc_exe(self, positional, named):
        command, service, word, start = positional
        assert (command, word) == ('config', 'start=')
        key = 'system\\currentcontrolset\\services\\' + service.lower()
        number = ['boot', 'system', 'auto', 'demand', 'disabled'].index(start)
        self.script.assign('LASTEXITCODE', 0)
        self.script.scopes[0]['lastexitcode'] = 0
        self.machine.keys[key]['start'] = ('Start', 'DWord', number)

    def do_auditpol_exe(self, positional, named):
        self.script.scopes[0]['lastexitcode'] = 0
        if positional[0] == '/backup':
            path = positional[1].split(':', 1)[1].lower()
            self.files[path] = ['Machine Name,Policy Target,...'] + [
                f'PC,System,Name,{{{guid}}},Irgendwas,,{setting}' for guid, setting in self.audit.items()]
            return
        guid = positional[1].split('{')[1].rstrip('}')
        bits = [word.endswith(':enable') for word in positional[2:]]
        self.audit[guid] = bits[0] + 2 * bits[1]

    def do_Get_WindowsOptionalFeature(self, positional, named):
        state = self.features.get(named['FeatureName'])
        return Object([('State', state)]) if state else None

    def do_Disable_WindowsOptionalFeature(self, positional, named):
        self.features[named['FeatureName']] = 'Disabled'

    def do_Enable_WindowsOptionalFeature(self, positional, named):
        self.features[named['FeatureName']] = 'Enabled'
