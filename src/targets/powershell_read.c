/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_read.h"

/* ---- Lines --------------------------------------------------------------------------------------
 */

struct script {
    str left;       /* after the current line */
    str text;       /* the current line without blanks around it; empty at the end */
    uint64_t at;    /* its offset */
    uint32_t line;  /* its number */
    uint64_t total; /* bytes of the script */
    struct arena *arena;
    struct err *err;
};

/* Moves to the next line that is not blank and not a comment; at the end the line is empty. */
static void next_line(struct script *s)
{
    s->text = (str){0};
    while (s->left.len && !s->text.len) {
        str whole, rest;
        s->at = s->total - s->left.len;
        s->line++;
        (void)str_cut(s->left, '\n', &whole, &rest);
        s->left = rest;
        s->text = str_trim(whole);
        s->at += (size_t)(s->text.ptr - whole.ptr);
        if (str_starts(s->text, S("#"))) s->text = (str){0};
    }
}

/* A control character may end a line for PowerShell but not for us, a quote beyond ASCII may end a
 * string: neither is ever written. */
static bool is_plain(bytes content)
{
    for (size_t i = 0; i < content.len; i++) {
        uint8_t c = content.ptr[i];
        bool line_end =
            c == '\n' || (c == '\r' && i + 1 < content.len && content.ptr[i + 1] == '\n');
        if (!line_end && (c < ' ' || c > '~')) return false;
    }
    return true;
}

static struct script script_of(bytes content, struct arena *arena, struct err *err)
{
    struct script s = {
        .left = str_of_bytes(content), .total = content.len, .arena = arena, .err = err};
    if (!is_plain(content)) {
        s.text = S("(a byte that is not printable ASCII)");
        return s;
    }
    next_line(&s);
    return s;
}

static bool unexpected(struct script *s, str wanted)
{
    str found = str_utf8(s->arena, str_head(s->text, 80));
    return err_line(s->err, ERR_MALFORMED, s->line ? s->line : 1, 1,
                    "expected \"%.*s\", found \"%.*s\"", STR_ARG(wanted), STR_ARG(found));
}

/* The current line must be exactly this one; moves on. */
static bool expect(struct script *s, str wanted)
{
    if (!str_equal(s->text, wanted)) return unexpected(s, wanted);
    next_line(s);
    return true;
}

static bool expect_all(struct script *s, const str *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!expect(s, wanted[i])) return false;
    return true;
}

/* ---- The fixed part -----------------------------------------------------------------------------
 */

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str opening[] = {
    T("[CmdletBinding(SupportsShouldProcess = $true)]"),
    T("param()"),
    T("Set-StrictMode -Version 2.0"),
    T("$ErrorActionPreference = 'Stop'"),
    T("$store = 'PersistentStore'"),
};

static const str folder_line =
    T("$folder = Join-Path -Path $env:ProgramData -ChildPath 'sallyport'");

static const str removal[] = {
    T("if (Get-NetFirewallRule -PolicyStore $store -Group $group -ErrorAction SilentlyContinue) {"),
    T("Remove-NetFirewallRule -PolicyStore $store -Group $group -WhatIf:$WhatIfPreference"),
    T("}"),
};

static const str remember[] = {
    T("if (-not (Test-Path -LiteralPath $state)) {"),
    T("New-Item -ItemType Directory -Force -Path $folder -WhatIf:$WhatIfPreference | Out-Null"),
    T("Get-NetFirewallProfile -PolicyStore $store -Name 'Domain','Private','Public' |"),
    T("Select-Object -Property 'Name','LogBlocked','LogFileName' |"),
    T("Export-Csv -LiteralPath $state -NoTypeInformation -WhatIf:$WhatIfPreference"),
    T("}"),
};

static const str restore[] = {
    T("if (Test-Path -LiteralPath $state) {"),
    T("foreach ($saved in @(Import-Csv -LiteralPath $state)) {"),
    T("if ((@('Domain','Private','Public') -contains $saved.Name) -and "
      "(@('True','False','NotConfigured') -contains $saved.LogBlocked)) {"),
    T("Set-NetFirewallProfile -PolicyStore $store -Name $saved.Name -LogBlocked "
      "$saved.LogBlocked -WhatIf:$WhatIfPreference"),
    T("}"),
    T("}"),
    T("Remove-Item -LiteralPath $state -WhatIf:$WhatIfPreference"),
    T("}"),
};

static const str logging = T(
    "Set-NetFirewallProfile -PolicyStore $store -Name 'Domain','Private','Public' -LogBlocked True "
    "-WhatIf:$WhatIfPreference");

/* A word of the group and file name: the same in both, and nothing that a wildcard or a path could
 * be made of. */
static bool is_word(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return text.len > 0;
}

/* Everything up to the folder's lines; workspace: the word after "sallyport:". */
static bool read_opening(struct script *s, str *workspace)
{
    if (!expect_all(s, opening, COUNT_OF(opening))) return false;
    str head = S("$group = 'sallyport:"), word = {0};
    if (str_starts(s->text, head) && str_ends(s->text, S("'")) && s->text.len > head.len)
        word = str_head(str_tail(s->text, head.len), s->text.len - head.len - 1);
    if (!is_word(word)) return unexpected(s, S("$group = 'sallyport:WORKSPACE'"));
    next_line(s);
    if (!expect(s, folder_line)) return false;
    if (!expect(s, str_format(s->arena,
                              "$state = Join-Path -Path $folder -ChildPath 'profiles-%.*s.csv'",
                              STR_ARG(word))))
        return false;
    *workspace = word;
    return true;
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
static bool read_list(struct script *s, struct prefix_set *out)
{
    struct ranges list = {0};
    next_line(s);
    while (!str_equal(s->text, S(")"))) {
        struct range r;
        str token = s->text;
        bool quoted = token.len > 2 && token.ptr[0] == '\'' && token.ptr[token.len - 1] == '\'';
        if (!quoted || !parse_token(str_head(str_tail(token, 1), token.len - 2), &r))
            return unexpected(s, S("a quoted address, prefix or range"));
        arena_grow(s->arena, list.items, list.n, list.room);
        list.items[list.n++] = r;
        next_line(s);
    }
    next_line(s);
    *out = prefix_set_of(s->arena, list.items, list.n);
    return true;
}

/* ---- One rule -----------------------------------------------------------------------------------
 */

/* A walk along one line; sticky: after the first mismatch everything is empty. */
struct words {
    struct arena *arena;
    str left;
    const char *wanted; /* what did not match first; NULL = nothing */
};

static bool take(struct words *w, str literal)
{
    if (w->wanted || !str_starts(w->left, literal)) return false;
    w->left = str_tail(w->left, literal.len);
    return true;
}

static void must_take(struct words *w, str literal)
{
    if (!w->wanted && !take(w, literal)) w->wanted = literal.ptr;
}

/* A string in apostrophes, in which two stand for one. */
static str take_quoted(struct words *w)
{
    struct buf text = buf_in(w->arena);
    must_take(w, S("'"));
    while (!w->wanted) {
        str head, tail;
        if (!str_cut(w->left, '\'', &head, &tail)) {
            w->wanted = "a closing apostrophe";
            break;
        }
        buf_str(&text, head);
        w->left = tail;
        if (!str_starts(tail, S("'"))) break;
        buf_char(&text, '\'');
        w->left = str_tail(tail, 1);
    }
    return w->wanted ? (str){0} : buf_text(&text);
}

/* Which of the words stands here. */
static size_t take_one_of(struct words *w, const str *choices, size_t n, const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (take(w, choices[i])) return i;
    if (!w->wanted) w->wanted = wanted;
    return 0;
}

static uint8_t take_profiles(struct words *w)
{
    static const str names[PROFILE_COUNT] = {T("'Domain'"), T("'Private'"), T("'Public'")};
    static const enum profile values[] = {PROFILE_DOMAIN, PROFILE_PRIVATE, PROFILE_PUBLIC};
    uint8_t profiles = 0;
    do {
        size_t i = take_one_of(w, names, COUNT_OF(names), "a profile");
        profiles |= (uint8_t)(1u << values[i]);
    } while (take(w, S(",")));
    return profiles;
}

static bool parse_port(str text, uint16_t *out)
{
    uint64_t port = 0;
    if (!str_u64(text, UINT16_MAX, &port) || !port || text.ptr[0] == '0') return false;
    *out = (uint16_t)port;
    return true;
}

static void take_ports(struct words *w, struct rule *rule)
{
    do {
        str text = take_quoted(w), first, last;
        struct service_port p = {.transport = rule->transport};
        bool is_range = str_cut(text, '-', &first, &last);
        bool fits = parse_port(first, &p.first) && parse_port(is_range ? last : first, &p.last);
        if (!w->wanted && (!fits || p.last < p.first || rule->n_ports == LIMIT_SERVICE_PORTS))
            w->wanted = "a port or a range of ports";
        if (w->wanted) return;
        rule_add_port(rule, w->arena, p);
    } while (take(w, S(",")));
}

/* Address lists that stand before the command that uses them. */
struct lists {
    struct prefix_set local, remote;
    bool has_local, has_remote;
};

static bool read_rule(struct script *s, const struct lists *lists, str group, struct rule *out)
{
    static const str enabled[] = {T("True"), T("False")};
    static const str directions[] = {T("Inbound"), T("Outbound")};
    static const str actions[] = {T("Allow"), T("Block")};
    static const str protocols[] = {T("TCP"), T("UDP")};
    struct words w = {.arena = s->arena, .left = s->text};
    struct rule rule = {.group = group, .offset = s->at, .logs = true};

    must_take(&w, S("New-NetFirewallRule -PolicyStore $store -Name "));
    rule.id = take_quoted(&w);
    must_take(&w, S(" -DisplayName "));
    rule.name = take_quoted(&w);
    must_take(&w, S(" -Description "));
    rule.why = take_quoted(&w);
    must_take(&w, S(" -Group $group -Enabled "));
    rule.enabled = take_one_of(&w, enabled, COUNT_OF(enabled), "True or False") == 0;
    must_take(&w, S(" -Profile "));
    rule.profiles = take_profiles(&w);
    must_take(&w, S(" -Direction "));
    bool inbound = take_one_of(&w, directions, COUNT_OF(directions), "a direction") == 0;
    rule.direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    must_take(&w, S(" -Action "));
    bool allows = take_one_of(&w, actions, COUNT_OF(actions), "Allow or Block") == 0;
    rule.action = allows ? ACTION_ALLOW : ACTION_BLOCK;
    if (inbound) must_take(&w, S(" -EdgeTraversalPolicy Block"));
    must_take(&w, S(" -Protocol "));
    bool tcp = take_one_of(&w, protocols, COUNT_OF(protocols), "TCP or UDP") == 0;
    rule.transport = tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    must_take(&w, inbound ? S(" -LocalPort ") : S(" -RemotePort "));
    take_ports(&w, &rule);
    if (lists->has_local) must_take(&w, S(" -LocalAddress $local"));
    must_take(&w, S(" -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null"));
    if (!w.wanted && w.left.len) w.wanted = "the end of the line";
    if (w.wanted)
        return err_line(s->err, ERR_MALFORMED, s->line, 1 + (uint32_t)(s->text.len - w.left.len),
                        "expected \"%s\", found \"%.*s\"", w.wanted,
                        STR_ARG(str_utf8(s->arena, str_head(w.left, 60))));
    if (!lists->has_remote) return unexpected(s, S("$remote = @( before the rule"));
    rule.local = lists->has_local ? lists->local : (struct prefix_set){&addr_all, 1};
    rule.remote = lists->remote;
    *out = rule;
    next_line(s);
    return true;
}

struct rules_read {
    struct rule *items;
    size_t n, room;
};

/* Between "try {" and its "}". */
static bool read_rules(struct script *s, str group, struct rules_read *rules)
{
    struct lists lists = {0};
    while (!str_equal(s->text, S("}"))) {
        bool local = str_equal(s->text, S("$local = @("));
        bool remote = str_equal(s->text, S("$remote = @("));
        if ((local && lists.has_local) || (remote && lists.has_remote))
            return unexpected(s, S("New-NetFirewallRule"));
        if (local || remote) {
            if (!read_list(s, local ? &lists.local : &lists.remote)) return false;
            lists.has_local |= local;
            lists.has_remote |= remote;
            continue;
        }
        arena_grow(s->arena, rules->items, rules->n, rules->room);
        if (!read_rule(s, &lists, group, &rules->items[rules->n])) return false;
        rules->n++;
        lists = (struct lists){0}; /* each rule has lists of its own */
    }
    if (lists.has_local || lists.has_remote) return unexpected(s, S("New-NetFirewallRule"));
    next_line(s);
    return true;
}

/* ---- Scripts ------------------------------------------------------------------------------------
 */

/* What follows the opening of an apply.ps1. */
static bool read_apply(struct script *s, str group, struct rules_read *rules)
{
    static const str rethrow[] = {T("throw"), T("}")};
    return expect_all(s, remember, COUNT_OF(remember)) &&
           expect_all(s, removal, COUNT_OF(removal)) && expect(s, S("try {")) &&
           read_rules(s, group, rules) && expect(s, S("catch {")) &&
           expect_all(s, removal, COUNT_OF(removal)) && expect_all(s, rethrow, COUNT_OF(rethrow)) &&
           expect(s, logging);
}

/* What follows the opening of a rollback.ps1. */
static bool read_undo(struct script *s)
{
    return expect_all(s, removal, COUNT_OF(removal)) && expect_all(s, restore, COUNT_OF(restore));
}

static bool at_end(struct script *s)
{
    return !s->text.len || unexpected(s, S("the end of the script"));
}

bool powershell_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                     struct err *err)
{
    struct script s = script_of(content, arena, err);
    struct rules_read rules = {0};
    str workspace;
    if (!read_opening(&s, &workspace)) return err_in(err, source);
    str group = str_format(arena, "sallyport:%.*s", STR_ARG(workspace));
    bool undoes = str_equal(s.text, removal[0]);
    bool read = undoes ? read_undo(&s) : read_apply(&s, group, &rules);
    if (!read || !at_end(&s)) return err_in(err, source);
    *out = (struct ruleset){.rules = rules.items, .n = rules.n};
    return true;
}

bool powershell_read_rollback(str source, bytes content, str workspace, str border_word,
                              struct arena *arena, struct err *err)
{
    struct script s = script_of(content, arena, err);
    str found;
    if (border_word.len) {
        (void)err_set(err, ERR_UNSUPPORTED, "this dialect has no rollback of a border");
        return err_in(err, source);
    }
    if (!read_opening(&s, &found) || !read_undo(&s) || !at_end(&s)) return err_in(err, source);
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
