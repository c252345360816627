/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall by PowerShell scripts for the local store: apply.ps1 and rollback.ps1
 * of each host class. The cmdlets are those of the NetSecurity module (New-NetFirewallRule and
 * Set-NetFirewallProfile, Windows 8 / Server 2012 and later); address lists obey [MS-FASP] 2.2.4 to
 * 2.2.11 (1000 ranges of a family) and 2.2.22 (end points). A large class has some dozens of rules,
 * a block's complement some hundreds of ranges. The reader is powershell_read.c; it shares nothing
 * with this file.
 */
#include "base/instant.h"
#include "rules/universe.h"
#include "targets/disjoint.h"
#include "targets/powershell_read.h"
#include "targets/target.h"

enum {
    RANGES_PER_RULE = 1000, /* [MS-FASP] 2.2.4: of each family; a rule here holds one family */
    NAME_BYTES = 200,
    WHY_BYTES = 900, /* shown in a list column; the whole reason is in RULES.md */
};

extern const struct target powershell_target;

/* ---- Addresses ----------------------------------------------------------------------------------
 */

/* How many ones stand at the low end, when there is no other one; else -1. */
static int low_ones(uint64_t half)
{
    int n = 0;
    for (; half & 1; half >>= 1)
        n++;
    return half ? -1 : n;
}

/* Low bits in which the ends of a range differ, when it is one prefix; -1 when it is not. */
static int prefix_low_bits(struct range r)
{
    uint64_t hi = r.first.hi ^ r.last.hi, lo = r.first.lo ^ r.last.lo;
    int n_hi = low_ones(hi), n_lo = low_ones(lo);
    if (n_hi < 0 || n_lo < 0 || (n_hi > 0 && n_lo != 64)) return -1;
    if ((r.first.hi & hi) || (r.first.lo & lo)) return -1;
    return n_hi + n_lo;
}

/* One token for each range, so that every token says something: an address, a prefix, or a-b. */
static void put_range(struct buf *out, struct range r)
{
    int low_bits = prefix_low_bits(r);
    addr_print(out, r.first);
    if (low_bits > 0)
        buf_format(out, "/%d", (addr_is_v4(r.first) ? 32 : 128) - low_bits);
    else if (low_bits < 0) {
        buf_char(out, '-');
        addr_print(out, r.last);
    }
}

static void put_list(struct buf *out, const char *name, const struct range *ranges, size_t n)
{
    buf_format(out, "    $%s = @(\n", name);
    for (size_t i = 0; i < n; i++) {
        buf_str(out, S("        '"));
        put_range(out, ranges[i]);
        buf_str(out, S("'\n"));
    }
    buf_str(out, S("    )\n"));
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static void put_quoted(struct buf *out, struct arena *arena, str text, size_t most)
{
    str plain = target_plain(arena, text, most);
    buf_char(out, '\'');
    for (size_t i = 0; i < plain.len; i++)
        buf_str(out, plain.ptr[i] == '\'' ? S("''") : (str){plain.ptr + i, 1});
    buf_char(out, '\'');
}

static void put_remark(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    buf_format(out, "# %s: %.*s\n", label, STR_ARG(target_plain(arena, text, WHY_BYTES)));
}

/* What the script is, whose, and from what; members are read back by the proof. */
static void put_header(struct buf *out, struct arena *arena, const struct host_class *class,
                       const struct target_header *header, str title, bool members)
{
    char as_of[INSTANT_TEXT];
    buf_str(out, S("#Requires -Version 5.1\n#Requires -RunAsAdministrator\n"));
    put_remark(out, arena, "sallyport", title);
    put_remark(out, arena, "host class", class->id);
    put_remark(out, arena, "organisation", header->organisation);
    buf_format(out, "# policy: %.*s, SHA-256 %.*s\n",
               STR_ARG(target_plain(arena, header->policy_source, WHY_BYTES)),
               STR_ARG(header->policy_sha256));
    buf_format(out, "# as of: %.*s\n", STR_ARG(instant_text(as_of, header->as_of_us)));
    buf_str(out, S("# dry run, changes nothing: add -WhatIf\n"));
    if (!members) return;
    put_remark(out, arena, "not held by this dialect", powershell_target.residue);
    for (size_t i = 0; i < class->n_machine_names; i++)
        put_remark(out, arena, "machine", class->machine_names[i]);
    for (size_t i = 0; i < class->members.n; i++) {
        /* A range over the border of the families is written as two. */
        struct prefix_set whole = {&class->members.ranges[i], 1};
        struct prefix_set parts[] = {prefix_set_v6(arena, whole), prefix_set_v4(arena, whole)};
        for (size_t part = 0; part < COUNT_OF(parts); part++) {
            for (size_t j = 0; j < parts[part].n; j++) {
                buf_str(out, S("# member: "));
                put_range(out, parts[part].ranges[j]);
                buf_char(out, '\n');
            }
        }
    }
}

static void put_prologue(struct buf *out, str workspace)
{
    buf_str(out, S("[CmdletBinding(SupportsShouldProcess = $true)]\n"
                   "param()\n"
                   "Set-StrictMode -Version 2.0\n"
                   "$ErrorActionPreference = 'Stop'\n"
                   "# The local store; policies from a domain are not touched.\n"
                   "$store = 'PersistentStore'\n"));
    buf_format(out, "$group = 'sallyport:%.*s'\n", STR_ARG(workspace));
    buf_str(out, S("$folder = Join-Path -Path $env:ProgramData -ChildPath 'sallyport'\n"));
    buf_format(out, "$state = Join-Path -Path $folder -ChildPath 'profiles-%.*s.csv'\n",
               STR_ARG(workspace));
}

/* Never without -Group: a bare Remove-NetFirewallRule deletes every local rule. */
static void put_removal(struct buf *out, const char *indent)
{
    buf_format(out,
               "%sif (Get-NetFirewallRule -PolicyStore $store -Group $group -ErrorAction "
               "SilentlyContinue) {\n",
               indent);
    buf_format(out,
               "%s    Remove-NetFirewallRule -PolicyStore $store -Group $group "
               "-WhatIf:$WhatIfPreference\n",
               indent);
    buf_format(out, "%s}\n", indent);
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static void put_ports(struct buf *out, const struct rule *rule)
{
    buf_format(out, " -Protocol %s -%s ", rule->transport == TRANSPORT_TCP ? "TCP" : "UDP",
               rule->direction == DIRECTION_INBOUND ? "LocalPort" : "RemotePort");
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        buf_format(out, "%s'%u", i ? "," : "", (unsigned)p.first);
        if (p.last != p.first) buf_format(out, "-%u", (unsigned)p.last);
        buf_char(out, '\'');
    }
}

static void put_profiles(struct buf *out, uint8_t profiles)
{
    static const char *const names[PROFILE_COUNT] = {
        [PROFILE_DOMAIN] = "'Domain'",
        [PROFILE_PRIVATE] = "'Private'",
        [PROFILE_PUBLIC] = "'Public'",
    };
    bool more = false;
    buf_str(out, S(" -Profile "));
    for (unsigned p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1u)) continue;
        buf_format(out, "%s%s", more ? "," : "", names[p]);
        more = true;
    }
}

/* At most RANGES_PER_RULE ranges of one family. */
struct slot {
    str id, part; /* "…-v4-1", "v4-1" */
    const struct range *local, *remote;
    size_t n_local, n_remote; /* n_local 0 = every local address */
};

static void put_rule(struct buf *out, struct arena *arena, const struct rule *rule,
                     const struct slot *slot)
{
    bool inbound = rule->direction == DIRECTION_INBOUND;
    buf_format(out, "\n    # why: %.*s\n", STR_ARG(target_plain(arena, rule->why, WHY_BYTES)));
    if (slot->n_local) put_list(out, "local", slot->local, slot->n_local);
    put_list(out, "remote", slot->remote, slot->n_remote);
    buf_str(out, S("    New-NetFirewallRule -PolicyStore $store -Name "));
    put_quoted(out, arena, slot->id, WHY_BYTES); /* ids differ at their end */
    buf_str(out, S(" -DisplayName "));
    put_quoted(out, arena,
               str_format(arena, "%.*s, %.*s", STR_ARG(rule->name), STR_ARG(slot->part)),
               NAME_BYTES);
    buf_str(out, S(" -Description "));
    put_quoted(out, arena, rule->why, WHY_BYTES);
    buf_str(out, S(" -Group $group -Enabled True"));
    put_profiles(out, rule->profiles);
    buf_format(out, " -Direction %s -Action %s", inbound ? "Inbound" : "Outbound",
               rule->action == ACTION_ALLOW ? "Allow" : "Block");
    if (inbound) buf_str(out, S(" -EdgeTraversalPolicy Block"));
    put_ports(out, rule);
    if (slot->n_local) buf_str(out, S(" -LocalAddress $local"));
    buf_str(out, S(" -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null\n"));
}

/* One family of one rule, over as many rules as the limit makes of it. */
static void put_family(struct buf *out, struct arena *arena, const struct rule *rule,
                       const char *family, struct prefix_set local, bool every_local,
                       struct prefix_set remote)
{
    size_t n_slots = 0;
    size_t n_local = every_local ? 1 : local.n;
    for (size_t l = 0; l < n_local; l += RANGES_PER_RULE) {
        for (size_t r = 0; r < remote.n; r += RANGES_PER_RULE) {
            struct slot slot = {
                .remote = remote.ranges + r,
                .n_remote = remote.n - r < RANGES_PER_RULE ? remote.n - r : RANGES_PER_RULE,
            };
            if (!every_local) {
                slot.local = local.ranges + l;
                slot.n_local = local.n - l < RANGES_PER_RULE ? local.n - l : RANGES_PER_RULE;
            }
            slot.part = str_format(arena, "%s-%zu", family, ++n_slots);
            slot.id = str_format(arena, "%.*s-%.*s", STR_ARG(rule->id), STR_ARG(slot.part));
            put_rule(out, arena, rule, &slot);
        }
    }
}

static void put_both_families(struct buf *out, struct arena *arena, const struct rule *rule)
{
    /* What Windows refuses as an end point is residue (RULES.md lists it). */
    struct prefix_set remote = prefix_set_intersect(arena, rule->remote, universe_windows);
    struct prefix_set all = {&addr_all, 1};
    bool every_local = prefix_set_equal(rule->local, all);
    struct prefix_set local = prefix_set_intersect(arena, rule->local, universe_windows);
    put_family(out, arena, rule, "v4", prefix_set_v4(arena, local), every_local,
               prefix_set_v4(arena, remote));
    put_family(out, arena, rule, "v6", prefix_set_v6(arena, local), every_local,
               prefix_set_v6(arena, remote));
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static str apply_script(const struct host_class *class, struct ruleset rules,
                        const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_header(&out, arena, class, header,
               S("firewall rules; run as administrator, again replaces"), true);
    put_prologue(&out, header->workspace);
    buf_str(&out,
            S("# What the log settings were before the first run, for rollback.ps1.\n"
              "if (-not (Test-Path -LiteralPath $state)) {\n"
              "    New-Item -ItemType Directory -Force -Path $folder -WhatIf:$WhatIfPreference | "
              "Out-Null\n"
              "    Get-NetFirewallProfile -PolicyStore $store -Name 'Domain','Private','Public' |\n"
              "        Select-Object -Property 'Name','LogBlocked','LogFileName' |\n"
              "        Export-Csv -LiteralPath $state -NoTypeInformation "
              "-WhatIf:$WhatIfPreference\n"
              "}\n"
              "# Exactly this group in this store is replaced.\n"));
    put_removal(&out, "");
    buf_str(&out, S("try {\n"));
    /* Openings before closings: a script that dies half-way has blocked nothing that it allows. */
    for (unsigned action = ACTION_ALLOW; action <= ACTION_BLOCK; action++)
        for (size_t i = 0; i < rules.n; i++)
            if (rules.rules[i].action == (enum action)action)
                put_both_families(&out, arena, &rules.rules[i]);
    buf_str(&out, S("}\ncatch {\n    # Half of the rules is no policy.\n"));
    put_removal(&out, "    ");
    buf_str(&out, S("    throw\n}\n"
                    "# What is dropped is logged, in the profile's own log file.\n"
                    "Set-NetFirewallProfile -PolicyStore $store -Name 'Domain','Private','Public' "
                    "-LogBlocked True -WhatIf:$WhatIfPreference\n"));
    return buf_text(&out);
}

static str rollback_script(const struct host_class *class, const struct target_header *header,
                           struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_header(&out, arena, class, header,
               S("rollback; removes the group's rules and restores the log settings"), false);
    put_prologue(&out, header->workspace);
    put_removal(&out, "");
    buf_str(&out, S("if (Test-Path -LiteralPath $state) {\n"
                    "    foreach ($saved in @(Import-Csv -LiteralPath $state)) {\n"
                    "        if ((@('Domain','Private','Public') -contains $saved.Name) -and "
                    "(@('True','False','NotConfigured') -contains $saved.LogBlocked)) {\n"
                    "            Set-NetFirewallProfile -PolicyStore $store -Name $saved.Name "
                    "-LogBlocked $saved.LogBlocked -WhatIf:$WhatIfPreference\n"
                    "        }\n"
                    "    }\n"
                    "    Remove-Item -LiteralPath $state -WhatIf:$WhatIfPreference\n"
                    "}\n"));
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        for (size_t j = 0; j < class->rules.n; j++)
            if (!target_expresses(&powershell_target, &class->rules.rules[j], err)) return false;
        struct ruleset rules = disjoint_rules(class->rules, arena);
        struct target_file apply = {
            .path = str_format(arena, "%.*s/apply.ps1", STR_ARG(class->id)),
            .content = apply_script(class, rules, header, arena),
            .kind = TARGET_FILE_RULES,
            .host_class = class,
        };
        struct target_file rollback = {
            .path = str_format(arena, "%.*s/rollback.ps1", STR_ARG(class->id)),
            .content = rollback_script(class, header, arena),
            .kind = TARGET_FILE_ROLLBACK,
            .host_class = class,
        };
        target_add_file(&files, arena, apply);
        target_add_file(&files, arena, rollback);
    }
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)border_word; /* this dialect has no borders */
    return str_format(arena, "sallyport:%.*s", STR_ARG(workspace));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const struct target powershell_target = {
    .name = T("powershell"),
    .summary = T("PowerShell scripts for the local store of Windows Defender Firewall"),
    .engine = ENGINE_WINDOWS,
    .profiles = 1u << PROFILE_DOMAIN | 1u << PROFILE_PRIVATE | 1u << PROFILE_PUBLIC,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses with a first octet of 240 or more, which Windows does not "
          "document as valid end points of a range"),
    .cannot = T("borders (it holds host rules only) and, until connection security is written too, "
                "allow-if-secure"),
    .load = T("`apply.ps1 -WhatIf` shows what would be done, `apply.ps1` does it, again replaces; "
              "`rollback.ps1` removes the group and restores what was there. Both work offline"),
    .decides =
        T("an authenticated override, else any block, else any allow, else the profile's default; "
          "order does not matter, and rules of all stores count together"),
    .doubts = windows_doubts,
    .hosts = true,
    .emit = emit,
    .read = powershell_read,
    .group = group,
    .read_rollback = powershell_read_rollback,
    .recognise = powershell_read_recognise,
};
