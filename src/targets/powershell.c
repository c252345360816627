/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall by PowerShell: apply.ps1 and rollback.ps1 of each host class, for the
 * machine's own rules or a group policy, and hardening.ps1 with its rollback. The cmdlets are those
 * of the NetSecurity module (Windows 8 / Server 2012 and later); address lists obey [MS-FASP] 2.2.4
 * to 2.2.11 (1000 ranges of a family) and 2.2.22 (end points). A large class has some dozens of
 * rules, a block's complement some hundreds of ranges. The reader is powershell_read.c; it shares
 * only the fixed lines with this file.
 */
#include "base/sha256.h"
#include "rules/universe.h"
#include "targets/doubts.h"
#include "targets/powershell_hardening.h"
#include "targets/powershell_read.h"
#include "targets/powershell_text.h"
#include "targets/windows_slots.h"

enum { SDDL_BYTES = 9999 }; /* [MS-FASP] 2.2.37: fewer than 10,000 characters */

extern const struct target powershell_target;

/* ---- Lists --------------------------------------------------------------------------------------
 */

static void put_range(struct buf *out, struct range range)
{
    char text[WINDOWS_RANGE_TEXT];
    buf_str(out, windows_slots_range(text, range));
}

/* One token for each range, so that every token says something. */
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

/* Who loads it, read back by the proof. A range over the border of the families is two. */
static void put_members(struct buf *out, struct arena *arena, const struct host_class *class)
{
    for (size_t i = 0; i < class->n_machine_names; i++)
        powershell_text_remark(out, arena, "machine", class->machine_names[i]);
    for (size_t i = 0; i < class->members.n; i++) {
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

static bool is_sid(str text)
{
    if (!str_starts(text, S("S-1-"))) return false;
    for (size_t i = 4; i < text.len; i++) {
        char c = text.ptr[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c != '-' || text.ptr[i - 1] == '-' || i + 1 == text.len)) return false;
    }
    return text.len > 4;
}

/* "O:LSD:(A;;CC;;;S-1-5-…)": the owner is LocalService, CC the right to match a filter. False when
 * something is no SID. */
static bool find_sddl(struct arena *arena, str principals, str *out)
{
    struct buf sddl = buf_in(arena);
    buf_str(&sddl, S("O:LSD:"));
    while (principals.len) {
        str sid, rest;
        (void)str_cut(principals, ' ', &sid, &rest);
        principals = rest;
        if (!sid.len) continue;
        if (!is_sid(sid)) return false;
        buf_format(&sddl, "(A;;CC;;;%.*s)", STR_ARG(sid));
    }
    *out = buf_text(&sddl);
    return true;
}

/* What cmdlets take for granted is written out: the manual and the cmdlet differ in it. */
static void put_security(struct buf *out, struct arena *arena, const struct rule *rule)
{
    bool secure = rule->action == ACTION_ALLOW_IF_SECURE;
    str sddl;
    buf_format(out, " -Authentication %s -Encryption NotRequired",
               secure ? "Required" : "NotRequired");
    if (!secure) return;
    buf_str(out, S(" -OverrideBlockRules $true"));
    if (rule->direction == DIRECTION_INBOUND && find_sddl(arena, rule->principals, &sddl))
        buf_format(out, " -RemoteMachine '%.*s'", STR_ARG(sddl));
}

static void put_texts(struct buf *out, struct arena *arena, str name, str why)
{
    buf_str(out, S(" -DisplayName "));
    powershell_text_quoted(out, arena, name, POWERSHELL_NAME_BYTES);
    buf_str(out, S(" -Description "));
    powershell_text_quoted(out, arena, why, POWERSHELL_WHY_BYTES);
    buf_str(out, S(" -Group $group -Enabled True"));
}

static void put_rule(struct buf *out, struct arena *arena, const struct windows_slot *slot)
{
    const struct rule *rule = slot->rule;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    str name = str_format(arena, "%.*s, %.*s", STR_ARG(rule->name), STR_ARG(slot->part));
    buf_format(out, "\n    # why: %.*s\n",
               STR_ARG(target_plain(arena, rule->why, POWERSHELL_WHY_BYTES)));
    if (slot->n_local) put_list(out, "local", slot->local, slot->n_local);
    put_list(out, "remote", slot->remote, slot->n_remote);
    buf_str(out, S("    Remove-Old "));
    powershell_text_quoted(out, arena, slot->id, slot->id.len); /* ids differ at their end */
    buf_str(out, S("\n    New-NetFirewallRule @to -Name "));
    powershell_text_quoted(out, arena, slot->id, slot->id.len);
    put_texts(out, arena, name, rule->why);
    put_profiles(out, rule->profiles);
    buf_format(out, " -Direction %s -Action %s", inbound ? "Inbound" : "Outbound",
               rule->action == ACTION_BLOCK ? "Block" : "Allow");
    if (inbound) buf_str(out, S(" -EdgeTraversalPolicy Block"));
    put_ports(out, rule);
    put_security(out, arena, rule);
    if (rule->program.len) {
        buf_str(out, S(" -Program "));
        powershell_text_quoted(out, arena, rule->program, POWERSHELL_NAME_BYTES);
    }
    if (slot->n_local) buf_str(out, S(" -LocalAddress $local"));
    buf_str(out, S(" -RemoteAddress $remote | Out-Null\n"));
}

/* ---- Connection security ------------------------------------------------------------------------
 */

static void put_security_rule(struct buf *out, struct arena *arena, const struct security_rule *of,
                              size_t number, struct prefix_set local, struct prefix_set remote)
{
    str id = str_format(arena, "%.*s-%zu", STR_ARG(of->id), number);
    str name = str_format(arena, "%.*s, %zu", STR_ARG(of->name), number);
    buf_format(out, "\n    # why: %.*s\n",
               STR_ARG(target_plain(arena, of->why, POWERSHELL_WHY_BYTES)));
    put_list(out, "local", local.ranges, local.n);
    put_list(out, "remote", remote.ranges, remote.n);
    buf_str(out, S("    Remove-OldSecurity "));
    powershell_text_quoted(out, arena, id, id.len);
    buf_str(out, S("\n    New-NetIPsecRule @to -IPsecRuleName "));
    powershell_text_quoted(out, arena, id, id.len);
    put_texts(out, arena, name, of->why);
    put_profiles(out, of->profiles);
    buf_str(out, S(" -InboundSecurity Request -OutboundSecurity Request @sets -LocalAddress $local "
                   "-RemoteAddress $remote | Out-Null\n"));
}

static struct prefix_set slice(struct prefix_set set, size_t from)
{
    size_t n = set.n - from;
    if (n > WINDOWS_RANGES_PER_RULE) n = WINDOWS_RANGES_PER_RULE;
    return (struct prefix_set){set.ranges + from, n};
}

/* Both families in one rule; over as many rules as its lists have thousands. */
static void put_networks(struct buf *out, struct arena *arena, const struct security_rule *rule)
{
    struct prefix_set local = prefix_set_intersect(arena, rule->local, universe_windows);
    struct prefix_set remote = prefix_set_intersect(arena, rule->remote, universe_windows);
    size_t number = 0;
    for (size_t l = 0; l < local.n; l += WINDOWS_RANGES_PER_RULE)
        for (size_t r = 0; r < remote.n; r += WINDOWS_RANGES_PER_RULE)
            put_security_rule(out, arena, rule, ++number, slice(local, l), slice(remote, r));
}

/* ---- What can't be said -------------------------------------------------------------------------
 */

static bool refused(str id, const char *field, str value, const char *why, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "rule %.*s: %s \"%.*s\" cannot be expressed by target powershell: %s; nothing "
                   "is written",
                   STR_ARG(id), field, STR_ARG(str_head(value, 80)), why);
}

static bool expresses(const struct rule *rule, struct arena *arena, struct err *err)
{
    str sddl;
    if (!target_expresses(&powershell_target, rule, err)) return false;
    bool bypasses = rule->action == ACTION_ALLOW_IF_SECURE && rule->direction == DIRECTION_INBOUND;
    if (!bypasses && rule->principals.len)
        return refused(rule->id, "principals", rule->principals,
                       "only an inbound rule of secured connections may name who", err);
    if (rule->transport != TRANSPORT_TCP && rule->transport != TRANSPORT_UDP)
        return refused(rule->id, "protocol", rule->name, "it is neither TCP nor UDP", err);
    if (!bypasses) return true;
    if (!rule->principals.len || !find_sddl(arena, rule->principals, &sddl))
        return refused(rule->id, "principals", rule->principals, "it takes SIDs, and at least one",
                       err);
    return sddl.len <= SDDL_BYTES || refused(rule->id, "principals", rule->principals,
                                             "an SDDL has fewer than 10,000 characters", err);
}

/* The form that a policy makes: request both ways by Kerberos, between named networks. */
static bool secures(const struct security_rule *rule, struct err *err)
{
    const struct prefix_set all = {&addr_all, 1};
    bool requests = rule->inbound == SECURITY_REQUEST && rule->outbound == SECURITY_REQUEST;
    if (!requests || !rule->computer_kerberos || !rule->user_kerberos)
        return refused(rule->id, "security", rule->name,
                       "it is no request by computer and user Kerberos", err);
    if (rule->only_if.len)
        return refused(rule->id, "condition", rule->only_if, "it is none that a policy makes", err);
    if (!rule->enabled || prefix_set_equal(rule->local, all) || prefix_set_equal(rule->remote, all))
        return refused(rule->id, "networks", rule->name, "they are off, or everything", err);
    return true;
}

static bool expresses_all(struct ruleset rules, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < rules.n; i++)
        if (!expresses(&rules.rules[i], arena, err)) return false;
    for (size_t i = 0; i < rules.n_security; i++)
        if (!secures(&rules.security[i], err)) return false;
    return true;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static void put_workspace(struct buf *out, str workspace)
{
    buf_format(out, "$workspace = '%.*s'\n", STR_ARG(workspace));
}

static void put_parts(struct buf *out, enum powershell_part part)
{
    powershell_text_parts(out, &part, 1);
}

/* The profiles' logs. */
static void put_logs(struct buf *out, const struct host_class *class)
{
    static const char *const profiles[] = {"Domain", "Private", "Public"};
    buf_char(out, '\n');
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        struct powershell_log log = powershell_hardening_log(class, str_of(profiles[i]));
        buf_format(out, "    Set-Log '%s' '%s' ", profiles[i], log.blocked ? "True" : "False");
        powershell_text_literal(out, log.path);
        buf_format(out, " %" PRIu32 "\n", log.kilobytes);
    }
}

/* Openings before closings: connection security, what is allowed, what is blocked. */
static str rules_text(const struct host_class *class, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct ruleset rules = class->rules;
    struct windows_slots slots = windows_slots_of(rules, WINDOWS_RANGES_PER_RULE, arena);
    if (rules.n_security) put_parts(&out, POWERSHELL_SECURITY);
    for (size_t i = 0; i < rules.n_security; i++)
        put_networks(&out, arena, &rules.security[i]);
    for (size_t i = 0; i < slots.n; i++)
        put_rule(&out, arena, &slots.items[i]);
    put_logs(&out, class);
    return buf_text(&out);
}

static str apply_script(const struct host_class *class, bool firewall_on,
                        const struct target_header *header, struct arena *arena)
{
    static const enum powershell_part before[] = {
        POWERSHELL_STORE, POWERSHELL_STATE, POWERSHELL_REVERT, POWERSHELL_ARM, POWERSHELL_PREPARE};
    struct buf out = buf_in(arena);
    str rules = rules_text(class, arena);
    struct sha256_digest digest = sha256_of(str_bytes(rules));
    powershell_text_header(&out, arena, class, header,
                           S("firewall rules; run as administrator, again replaces"));
    powershell_text_remark(&out, arena, "not held by this dialect", powershell_target.residue);
    put_members(&out, arena, class);
    put_parts(&out, POWERSHELL_APPLY_PARAMETERS);
    put_parts(&out, POWERSHELL_STRICT);
    put_workspace(&out, header->workspace);
    buf_str(&out, S("# The rules below: what is replaced is saved once for them.\n"));
    buf_format(&out, "$bundle = '%.*s%s'\n", STR_ARG(sha256_hex(arena, &digest)),
               firewall_on ? "-on" : "");
    powershell_text_parts(&out, before, COUNT_OF(before));
    if (firewall_on) put_parts(&out, POWERSHELL_KNOWN_OFF);
    put_parts(&out, POWERSHELL_SAVE);
    buf_str(&out, rules);
    buf_char(&out, '\n');
    put_parts(&out, POWERSHELL_LEFT_OVER);
    if (firewall_on) put_parts(&out, POWERSHELL_TURN_ON);
    put_parts(&out, POWERSHELL_LOG);
    return buf_text(&out);
}

static str rollback_script(const struct host_class *class, const struct target_header *header,
                           struct arena *arena)
{
    static const enum powershell_part parts[] = {POWERSHELL_STORE, POWERSHELL_STATE,
                                                 POWERSHELL_REVERT, POWERSHELL_ROLL_BACK};
    struct buf out = buf_in(arena);
    powershell_text_header(&out, arena, class, header,
                           S("rollback; the group's rules and the log settings become what they "
                             "were before the last bundle"));
    put_parts(&out, POWERSHELL_ROLLBACK_PARAMETERS);
    put_parts(&out, POWERSHELL_STRICT);
    put_workspace(&out, header->workspace);
    powershell_text_parts(&out, parts, COUNT_OF(parts));
    return buf_text(&out);
}

static void add(struct target_files *files, struct arena *arena, const struct host_class *class,
                const char *name, struct target_file file)
{
    file.path = str_format(arena, "%.*s/%s", STR_ARG(class->id), name);
    file.host_class = class;
    target_add_file(files, arena, file);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    bool firewall_on = bundles->resolved && bundles->resolved->policy->firewall_on;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        str hardening = {0};
        if (!expresses_all(class->rules, arena, err) ||
            !powershell_hardening(class, header, arena, &hardening, err))
            return false;
        struct target_file apply = {.content = apply_script(class, firewall_on, header, arena),
                                    .kind = TARGET_FILE_RULES};
        struct target_file rollback = {.content = rollback_script(class, header, arena),
                                       .kind = TARGET_FILE_ROLLBACK};
        add(&files, arena, class, "apply.ps1", apply);
        add(&files, arena, class, "rollback.ps1", rollback);
        if (!class->n_hardening) continue;
        struct target_file harden = {.content = hardening, .kind = TARGET_FILE_PART};
        struct target_file soften = {.content = powershell_hardening_rollback(class, header, arena),
                                     .kind = TARGET_FILE_PART};
        add(&files, arena, class, "hardening.ps1", harden);
        add(&files, arena, class, "hardening-rollback.ps1", soften);
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
    .summary =
        T("PowerShell scripts for Windows Defender Firewall: this machine or a group policy"),
    .engine = ENGINE_WINDOWS,
    .holds = TARGET_SECURE | TARGET_PROGRAM | TARGET_HARDENS,
    .profiles = 1u << PROFILE_DOMAIN | 1u << PROFILE_PRIVATE | 1u << PROFILE_PUBLIC,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses with a first octet of 240 or more, which Windows does not "
          "document as valid end points of a range"),
    .cannot = T("borders (it holds host rules only)"),
    .load = T("`apply.ps1 -WhatIf` shows what would be done, `apply.ps1` does it, again replaces; "
              "`-RevertAfterMinutes 15` takes it back unless `-Keep` follows; `rollback.ps1` "
              "restores what was there. All of it works offline; `-PolicyStore 'DOMAIN\\GPO'` "
              "writes a group policy instead of this machine"),
    .decides =
        T("an authenticated override, else any block, else any allow, else the profile's default; "
          "order does not matter, and rules of all stores count together"),
    .doubts = doubts_windows,
    .hosts = true,
    .emit = emit,
    .read = powershell_read,
    .read_part = powershell_hardening_read,
    .settings = powershell_read_settings,
    .group = group,
    .read_rollback = powershell_read_rollback,
    .recognise = powershell_read_recognise,
};
