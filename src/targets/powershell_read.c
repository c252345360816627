/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_read.h"

#include "targets/powershell_hardening.h"
#include "targets/powershell_scan.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Addresses ----------------------------------------------------------------------------------
 */

static bool same_family(struct addr a, struct addr b)
{
    return addr_is_v4(a) == addr_is_v4(b);
}

/* "a", "a/len" or "a-b" as New-NetFirewallRule takes them. */
static bool parse_token(str token, struct range *out)
{
    str left, right;
    struct range r;
    if (str_cut(token, '-', &left, &right)) {
        if (!addr_parse(left, &r.first) || !addr_parse(right, &r.last)) return false;
        if (!same_family(r.first, r.last) || addr_compare(r.first, r.last) > 0) return false;
        *out = r;
        return true;
    }
    bool has_length = str_cut(token, '/', &left, &right);
    if (!addr_parse(left, &r.first)) return false;
    uint64_t most = addr_is_v4(r.first) ? 32 : 128, length = most;
    if (has_length && (!str_u64(right, most, &length) || (right.len > 1 && right.ptr[0] == '0')))
        return false;
    struct prefix p = {r.first, (uint8_t)(length + 128 - most)};
    if (prefix_has_host_bits(p)) return false;
    *out = prefix_range(p);
    return true;
}

struct ranges {
    struct range *items;
    size_t n, room;
};

/* After "$name = @(": quoted tokens, one a line, up to ")". None is read as none; a proof refuses a
 * rule that matches nothing, since Windows may take it for any. */
static bool read_list(struct powershell_scan *s, struct prefix_set *out)
{
    struct ranges list = {0};
    powershell_scan_next(s);
    while (!str_equal(s->text, S(")"))) {
        struct range r;
        str token = s->text;
        bool quoted = token.len > 2 && token.ptr[0] == '\'' && token.ptr[token.len - 1] == '\'';
        if (!quoted || !parse_token(str_head(str_tail(token, 1), token.len - 2), &r))
            return powershell_scan_unexpected(s, S("a quoted address, prefix or range"));
        arena_grow(s->arena, list.items, list.n, list.room);
        list.items[list.n++] = r;
        powershell_scan_next(s);
    }
    powershell_scan_next(s);
    *out = prefix_set_of(s->arena, list.items, list.n);
    return true;
}

/* Address lists that stand before the command that uses them. */
struct lists {
    struct prefix_set local, remote;
    bool has_local, has_remote;
};

/* Any of "$local = @(" and "$remote = @(", each once; false when there is an error. */
static bool read_lists(struct powershell_scan *s, struct lists *lists)
{
    *lists = (struct lists){0};
    for (;;) {
        bool local = str_equal(s->text, S("$local = @("));
        bool remote = str_equal(s->text, S("$remote = @("));
        if (!local && !remote) return true;
        if ((local && lists->has_local) || (remote && lists->has_remote))
            return powershell_scan_unexpected(s, S("one list of each end"));
        if (!read_list(s, local ? &lists->local : &lists->remote)) return false;
        lists->has_local |= local;
        lists->has_remote |= remote;
    }
}

/* ---- One rule -----------------------------------------------------------------------------------
 */

static uint8_t take_profiles(struct powershell_words *w)
{
    static const str names[PROFILE_COUNT] = {T("'Domain'"), T("'Private'"), T("'Public'")};
    static const enum profile values[] = {PROFILE_DOMAIN, PROFILE_PRIVATE, PROFILE_PUBLIC};
    uint8_t profiles = 0;
    do {
        size_t i = powershell_scan_one_of(w, names, COUNT_OF(names), "a profile");
        profiles |= (uint8_t)(1u << values[i]);
    } while (powershell_scan_take(w, S(",")));
    return profiles;
}

static bool parse_port(str text, uint16_t *out)
{
    uint64_t port = 0;
    if (!str_u64(text, UINT16_MAX, &port) || !port || text.ptr[0] == '0') return false;
    *out = (uint16_t)port;
    return true;
}

static void take_ports(struct powershell_words *w, struct rule *rule)
{
    do {
        str text = powershell_scan_quoted(w), first, last;
        struct service_port p = {.transport = rule->transport};
        bool is_range = str_cut(text, '-', &first, &last);
        bool fits = parse_port(first, &p.first) && parse_port(is_range ? last : first, &p.last);
        if (!w->wanted && (!fits || p.last < p.first || rule->n_ports == LIMIT_SERVICE_PORTS))
            w->wanted = "a port or a range of ports";
        if (w->wanted) return;
        rule_add_port(rule, w->arena, p);
    } while (powershell_scan_take(w, S(",")));
}

static bool is_sid(str text)
{
    str left = text;
    size_t n = 0;
    while (left.len) {
        str part, rest;
        uint64_t number;
        (void)str_cut(left, '-', &part, &rest);
        bool whole = part.len && (part.len == left.len || rest.len);
        if (!whole || (n == 0 ? !str_equal(part, S("S")) : !str_u64(part, UINT64_MAX, &number)))
            return false;
        left = rest;
        n++;
    }
    return n >= 3;
}

/* "O:LSD:(A;;CC;;;S-1-5-…)(A;;CC;;;S-1-5-…)" → the SIDs, parted by blanks. */
static void take_principals(struct powershell_words *w, struct rule *rule)
{
    str sddl = powershell_scan_quoted(w), owner = S("O:LSD:"), ace = S("(A;;CC;;;");
    struct buf sids = buf_in(w->arena);
    bool good = str_starts(sddl, owner) && sddl.len > owner.len;
    str left = good ? str_tail(sddl, owner.len) : (str){0};
    while (good && left.len) {
        str sid = {0}, rest = {0};
        good = str_starts(left, ace) && str_cut(str_tail(left, ace.len), ')', &sid, &rest) &&
               is_sid(sid);
        buf_format(&sids, "%s%.*s", rule->principals.len ? " " : "", STR_ARG(sid));
        rule->principals = buf_text(&sids);
        left = rest;
    }
    if (!good && !w->wanted) w->wanted = "a list of SIDs as O:LSD:(A;;CC;;;SID)";
}

/* An allow rule that asks for authentication beats blocks; inbound it says for whom. */
static void take_security(struct powershell_words *w, struct rule *rule)
{
    static const str authentications[] = {T("NotRequired"), T("Required")};
    powershell_scan_must_take(w, S(" -Authentication "));
    bool secure = powershell_scan_one_of(w, authentications, COUNT_OF(authentications),
                                         "Required or NotRequired") == 1;
    powershell_scan_must_take(w, S(" -Encryption NotRequired"));
    if (!secure || w->wanted) return;
    if (rule->action == ACTION_BLOCK) w->wanted = "NotRequired, since it blocks";
    rule->action = ACTION_ALLOW_IF_SECURE;
    powershell_scan_must_take(w, S(" -OverrideBlockRules $true"));
    if (rule->direction != DIRECTION_INBOUND) return;
    powershell_scan_must_take(w, S(" -RemoteMachine "));
    take_principals(w, rule);
}

static bool take_enabled(struct powershell_words *w)
{
    static const str enabled[] = {T("True"), T("False")};
    powershell_scan_must_take(w, S(" -Group $group -Enabled "));
    return powershell_scan_one_of(w, enabled, COUNT_OF(enabled), "True or False") == 0;
}

static str take_text(struct powershell_words *w, str option)
{
    powershell_scan_must_take(w, option);
    return powershell_scan_quoted(w);
}

/* "Remove-Old 'id'", and that the next line makes a rule of that name. */
static bool read_removal(struct powershell_scan *s, str command, str *id)
{
    struct powershell_words w = powershell_scan_words(s);
    *id = take_text(&w, command);
    return powershell_scan_finish(s, &w);
}

static void take_id(struct powershell_words *w, str command, str id)
{
    str found = take_text(w, command);
    if (!w->wanted && (!found.len || !str_equal(found, id))) w->wanted = "the name above it";
}

static bool read_rule(struct powershell_scan *s, str group, struct rule *out)
{
    static const str directions[] = {T("Inbound"), T("Outbound")};
    static const str actions[] = {T("Allow"), T("Block")};
    static const str protocols[] = {T("TCP"), T("UDP")};
    struct lists lists;
    struct rule rule = {.group = group, .logs = true};
    if (!read_lists(s, &lists)) return false;
    if (!lists.has_remote) return powershell_scan_unexpected(s, S("$remote = @( before the rule"));
    if (!read_removal(s, S("Remove-Old "), &rule.id)) return false;
    struct powershell_words w = powershell_scan_words(s);
    rule.offset = s->at;
    take_id(&w, S("New-NetFirewallRule @to -Name "), rule.id);
    rule.name = take_text(&w, S(" -DisplayName "));
    rule.why = take_text(&w, S(" -Description "));
    rule.enabled = take_enabled(&w);
    powershell_scan_must_take(&w, S(" -Profile "));
    rule.profiles = take_profiles(&w);
    powershell_scan_must_take(&w, S(" -Direction "));
    bool inbound = powershell_scan_one_of(&w, directions, COUNT_OF(directions), "a direction") == 0;
    rule.direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    powershell_scan_must_take(&w, S(" -Action "));
    bool allows = powershell_scan_one_of(&w, actions, COUNT_OF(actions), "Allow or Block") == 0;
    rule.action = allows ? ACTION_ALLOW : ACTION_BLOCK;
    if (inbound) powershell_scan_must_take(&w, S(" -EdgeTraversalPolicy Block"));
    powershell_scan_must_take(&w, S(" -Protocol "));
    bool tcp = powershell_scan_one_of(&w, protocols, COUNT_OF(protocols), "TCP or UDP") == 0;
    rule.transport = tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    powershell_scan_must_take(&w, inbound ? S(" -LocalPort ") : S(" -RemotePort "));
    take_ports(&w, &rule);
    take_security(&w, &rule);
    if (powershell_scan_take(&w, S(" -Program "))) {
        rule.program = powershell_scan_quoted(&w);
        if (!rule.program.len && !w.wanted) w.wanted = "a program";
    }
    if (lists.has_local) powershell_scan_must_take(&w, S(" -LocalAddress $local"));
    powershell_scan_must_take(&w, S(" -RemoteAddress $remote | Out-Null"));
    if (!powershell_scan_finish(s, &w)) return false;
    rule.local = lists.has_local ? lists.local : (struct prefix_set){&addr_all, 1};
    rule.remote = lists.remote;
    *out = rule;
    return true;
}

static bool read_security_rule(struct powershell_scan *s, str group, struct security_rule *out)
{
    struct lists lists;
    struct security_rule rule = {
        .group = group,
        .inbound = SECURITY_REQUEST,
        .outbound = SECURITY_REQUEST,
        .computer_kerberos = true,
        .user_kerberos = true,
    };
    if (!read_lists(s, &lists)) return false;
    if (!lists.has_local || !lists.has_remote)
        return powershell_scan_unexpected(s, S("$local = @( and $remote = @( before the rule"));
    if (!read_removal(s, S("Remove-OldSecurity "), &rule.id)) return false;
    struct powershell_words w = powershell_scan_words(s);
    rule.offset = s->at;
    take_id(&w, S("New-NetIPsecRule @to -IPsecRuleName "), rule.id);
    rule.name = take_text(&w, S(" -DisplayName "));
    rule.why = take_text(&w, S(" -Description "));
    rule.enabled = take_enabled(&w);
    powershell_scan_must_take(&w, S(" -Profile "));
    rule.profiles = take_profiles(&w);
    powershell_scan_must_take(&w, S(" -InboundSecurity Request -OutboundSecurity Request @sets "
                                    "-LocalAddress $local -RemoteAddress $remote | Out-Null"));
    if (!powershell_scan_finish(s, &w)) return false;
    rule.local = lists.local;
    rule.remote = lists.remote;
    *out = rule;
    return true;
}

/* ---- Scripts ------------------------------------------------------------------------------------
 */

struct rules_read {
    struct rule *items;
    size_t n, room;
    struct security_rule *security;
    size_t n_security, security_room;
};

/* Which of the two stands behind the lists that begin here. */
static bool is_security_next(const struct powershell_scan *s)
{
    struct powershell_scan ahead = *s;
    while (ahead.text.len && !str_starts(ahead.text, S("Remove-Old")))
        powershell_scan_next(&ahead);
    return str_starts(ahead.text, S("Remove-OldSecurity "));
}

/* One line for the log of each profile. */
static bool read_logs(struct powershell_scan *s, struct target_settings *out)
{
    static const str heads[] = {T("Set-Log 'Domain' "), T("Set-Log 'Private' "),
                                T("Set-Log 'Public' ")};
    static const str names[] = {T("log Domain"), T("log Private"), T("log Public")};
    static const str states[] = {T("'True' "), T("'False' ")};
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct powershell_words w = powershell_scan_words(s);
        powershell_scan_must_take(&w, heads[i]);
        bool off = powershell_scan_one_of(&w, states, COUNT_OF(states), "'True' or 'False'");
        str path = powershell_scan_quoted(&w);
        if (!path.len && !w.wanted) w.wanted = "the path of a log";
        powershell_scan_must_take(&w, S(" "));
        uint64_t kilobytes = powershell_scan_number(&w, 32767);
        if (!kilobytes && !w.wanted) w.wanted = "1 to 32767 KB";
        if (!powershell_scan_finish(s, &w)) return false;
        target_add_setting(out, s->arena, names[i],
                           str_format(s->arena, "%s | %.*s | %" PRIu64, off ? "False" : "True",
                                      STR_ARG(path), kilobytes));
    }
    return true;
}

static bool read_rules(struct powershell_scan *s, str group, struct rules_read *rules)
{
    struct arena *arena = s->arena;
    if (powershell_scan_at(s, POWERSHELL_SECURITY)) {
        if (!powershell_scan_part(s, POWERSHELL_SECURITY)) return false;
        do {
            arena_grow(arena, rules->security, rules->n_security, rules->security_room);
            if (!read_security_rule(s, group, &rules->security[rules->n_security])) return false;
            rules->n_security++;
        } while (is_security_next(s));
    }
    while (!str_starts(s->text, S("Set-Log "))) {
        arena_grow(arena, rules->items, rules->n, rules->room);
        if (!read_rule(s, group, &rules->items[rules->n])) return false;
        rules->n++;
    }
    struct target_settings logs = {0};
    return read_logs(s, &logs);
}

/* 64 hexadecimal digits, "-on" for a bundle that turns profiles on. */
static bool read_bundle(struct powershell_scan *s, bool *turns_on)
{
    struct powershell_words w = powershell_scan_words(s);
    powershell_scan_must_take(&w, S("$bundle = '"));
    for (size_t i = 0; i < 64 && !w.wanted; i++) {
        static const str digits[] = {T("0"), T("1"), T("2"), T("3"), T("4"), T("5"),
                                     T("6"), T("7"), T("8"), T("9"), T("a"), T("b"),
                                     T("c"), T("d"), T("e"), T("f")};
        (void)powershell_scan_one_of(&w, digits, COUNT_OF(digits), "a SHA-256 of the rules");
    }
    *turns_on = powershell_scan_take(&w, S("-on"));
    powershell_scan_must_take(&w, S("'"));
    return powershell_scan_finish(s, &w);
}

/* What follows the parameters of an apply.ps1. */
static bool read_apply(struct powershell_scan *s, struct rules_read *rules)
{
    static const enum powershell_part before[] = {
        POWERSHELL_STORE, POWERSHELL_STATE, POWERSHELL_REVERT, POWERSHELL_ARM, POWERSHELL_PREPARE};
    str workspace;
    bool turns_on;
    if (!powershell_scan_part(s, POWERSHELL_STRICT) || !powershell_scan_workspace(s, &workspace) ||
        !read_bundle(s, &turns_on) || !powershell_scan_parts(s, before, COUNT_OF(before)))
        return false;
    str group = str_format(s->arena, "sallyport:%.*s", STR_ARG(workspace));
    return (!turns_on || powershell_scan_part(s, POWERSHELL_KNOWN_OFF)) &&
           powershell_scan_part(s, POWERSHELL_SAVE) && read_rules(s, group, rules) &&
           powershell_scan_part(s, POWERSHELL_LEFT_OVER) &&
           (!turns_on || powershell_scan_part(s, POWERSHELL_TURN_ON)) &&
           powershell_scan_part(s, POWERSHELL_LOG);
}

/* What follows the parameters of a rollback.ps1. */
static bool read_undo(struct powershell_scan *s, str *workspace)
{
    static const enum powershell_part parts[] = {POWERSHELL_STORE, POWERSHELL_STATE,
                                                 POWERSHELL_REVERT, POWERSHELL_ROLL_BACK};
    return powershell_scan_part(s, POWERSHELL_STRICT) && powershell_scan_workspace(s, workspace) &&
           powershell_scan_parts(s, parts, COUNT_OF(parts));
}

/* Goes past the parameters when they are these. */
static bool has_parameters(struct powershell_scan *s, enum powershell_part part)
{
    struct powershell_scan ahead = *s;
    struct err ignored = {0};
    ahead.err = &ignored;
    if (!powershell_scan_part(&ahead, part)) return false;
    ahead.err = s->err;
    *s = ahead;
    return true;
}

bool powershell_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                     struct err *err)
{
    struct powershell_scan s = powershell_scan_of(content, arena, err);
    struct rules_read rules = {0};
    bool read;
    str workspace;
    if (has_parameters(&s, POWERSHELL_ROLLBACK_PARAMETERS)) {
        read = read_undo(&s, &workspace) && powershell_scan_end(&s);
    } else if (has_parameters(&s, POWERSHELL_HARDEN_PARAMETERS) ||
               has_parameters(&s, POWERSHELL_SOFTEN_PARAMETERS)) {
        if (!powershell_hardening_read(source, content, (str){0}, arena, err)) return false;
        read = true;
    } else {
        read = powershell_scan_part(&s, POWERSHELL_APPLY_PARAMETERS) && read_apply(&s, &rules) &&
               powershell_scan_end(&s);
    }
    if (!read) return err_in(err, source);
    *out = (struct ruleset){
        .rules = rules.items,
        .n = rules.n,
        .security = rules.security,
        .n_security = rules.n_security,
    };
    return true;
}

bool powershell_read_settings(str source, bytes content, str workspace, struct arena *arena,
                              struct target_settings *out, struct err *err)
{
    struct powershell_scan s = powershell_scan_of(content, arena, err);
    if (has_parameters(&s, POWERSHELL_HARDEN_PARAMETERS) ||
        has_parameters(&s, POWERSHELL_SOFTEN_PARAMETERS))
        return powershell_hardening_read_settings(source, content, workspace, arena, out, err);
    while (s.text.len && !str_starts(s.text, S("Set-Log '")))
        powershell_scan_next(&s);
    return !s.text.len || read_logs(&s, out) || err_in(err, source);
}

bool powershell_read_rollback(str source, bytes content, str workspace, str border_word,
                              struct arena *arena, struct err *err)
{
    struct powershell_scan s = powershell_scan_of(content, arena, err);
    str found;
    if (border_word.len) {
        (void)err_set(err, ERR_UNSUPPORTED, "this dialect has no rollback of a border");
        return err_in(err, source);
    }
    if (!powershell_scan_part(&s, POWERSHELL_ROLLBACK_PARAMETERS) || !read_undo(&s, &found) ||
        !powershell_scan_end(&s))
        return err_in(err, source);
    if (str_equal(found, workspace)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected the group of \"%.*s\", found that of \"%.*s\"",
                  STR_ARG(workspace), STR_ARG(found));
    return err_in(err, source);
}

bool powershell_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    return str_contains(text, S("# sallyport: ")) && str_contains(text, S("#Requires -Version"));
}
