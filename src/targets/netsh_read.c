/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/netsh_read.h"

#include "base/map.h"
#include "targets/fixed_lines.h"
#include "targets/windows_words.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct script {
    str left, line;
    uint32_t number;
    size_t total, at; /* at: offset of the line */
    size_t column;    /* in the line */
    struct arena *arena;
    struct err *err;
};

static bool unexpected(struct script *s, str wanted)
{
    str found = str_utf8(s->arena, str_head(str_tail(s->line, s->column), 60));
    return err_line(s->err, ERR_MALFORMED, s->number, (uint32_t)s->column + 1,
                    "expected %.*s, found \"%.*s\"", STR_ARG(wanted), STR_ARG(found));
}

/* A line of printable ASCII that ends as lines do on Windows. */
static bool next_line(struct script *s)
{
    str rest;
    s->at = s->total - s->left.len;
    s->number++;
    s->column = 0;
    if (!str_cut(s->left, '\n', &s->line, &rest) || !str_ends(s->line, S("\r")))
        return unexpected(s, S("a line that ends in CR LF"));
    s->left = rest;
    s->line.len--;
    for (size_t i = 0; i < s->line.len; i++)
        if (s->line.ptr[i] < ' ' || s->line.ptr[i] > '~') {
            s->column = i;
            return unexpected(s, S("printable ASCII"));
        }
    return true;
}

static bool has(const struct script *s, str literal)
{
    return str_starts(str_tail(s->line, s->column), literal);
}

static bool take(struct script *s, str literal)
{
    if (!has(s, literal)) return unexpected(s, literal);
    s->column += literal.len;
    return true;
}

static bool take_line(struct script *s, str literal)
{
    return next_line(s) && (str_equal(s->line, literal) || unexpected(s, literal));
}

static bool take_end(struct script *s)
{
    return s->column == s->line.len || unexpected(s, S("the end of the line"));
}

static bool take_until(struct script *s, char end, str *out)
{
    size_t from = s->column;
    while (s->column < s->line.len && s->line.ptr[s->column] != end)
        s->column++;
    *out = (str){s->line.ptr + from, s->column - from};
    return s->column < s->line.len || unexpected(s, S("the end of a value"));
}

/* "…", without anything that cmd.exe would make something else of. */
static bool take_quoted(struct script *s, str *out)
{
    if (!take(s, S("\"")) || !take_until(s, '"', out)) return false;
    for (size_t i = 0; i < out->len; i++)
        if (strchr("%^&!|<>", out->ptr[i])) return unexpected(s, S("plain text before"));
    return take(s, S("\""));
}

/* Up to a blank. */
static bool take_word(struct script *s, str *out)
{
    return take_until(s, ' ', out) && (out->len || unexpected(s, S("a value")));
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool wrong(struct script *s, str value, const char *wanted)
{
    return err_line(s->err, ERR_MALFORMED, s->number, (uint32_t)s->column + 1,
                    "expected %s, found \"%.*s\"", wanted, STR_ARG(str_head(value, 60)));
}

static bool take_ports(struct script *s, struct rule *rule)
{
    str list, bad;
    if (!take_word(s, &list)) return false;
    return windows_words_ports(list, rule, s->arena, &bad) ||
           wrong(s, bad, "a port or a range of ports");
}

static bool take_ranges(struct script *s, struct prefix_set *out)
{
    str list, bad;
    if (!take_word(s, &list)) return false;
    return windows_words_ranges(list, s->arena, out, &bad) ||
           wrong(s, bad, "an address or a range");
}

static bool take_profiles(struct script *s, uint8_t *out)
{
    str list;
    if (!take_word(s, &list)) return false;
    for (bool more = true; more;) {
        str token;
        uint8_t bit = 0;
        more = str_cut(list, ',', &token, &list);
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            if (str_equal(token, profile_text((enum profile)p))) bit = (uint8_t)(1u << p);
        if (!bit || (*out & bit)) return wrong(s, token, "each profile once");
        *out |= bit;
    }
    return true;
}

/* One of two words. */
static bool take_choice(struct script *s, const char *yes, const char *no, bool *out)
{
    str word;
    if (!take_word(s, &word)) return false;
    *out = str_equal(word, str_of(yes));
    return *out || str_equal(word, str_of(no)) || wrong(s, word, yes);
}

/* ---- Lines --------------------------------------------------------------------------------------
 */

static const str delete_words = T("netsh advfirewall firewall delete rule name=");
static const str add_words = T("netsh advfirewall firewall add rule name=");

static bool is_id(str id, str prefix)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_';
        if (!good) return false;
    }
    return str_starts(id, prefix) && id.len > prefix.len;
}

/* The line at hand: deletes one rule of this workspace. */
static bool read_delete(struct script *s, str prefix, str *id)
{
    if (!take(s, delete_words) || !take_quoted(s, id)) return false;
    if (!is_id(*id, prefix)) return wrong(s, *id, "the name of a rule of this workspace");
    return take(s, S(" >nul")) && take_end(s);
}

static bool read_add(struct script *s, str prefix, struct rule *out)
{
    struct rule rule = {
        .offset = s->at, .logs = true, .enabled = true, .local = {&addr_all, 1}
    };
    bool inbound, allows, tcp;
    if (!take(s, add_words) || !take_quoted(s, &rule.id)) return false;
    if (!is_id(rule.id, prefix)) return wrong(s, rule.id, "the name of a rule of this workspace");
    if (!take(s, S(" dir=")) || !take_choice(s, "in", "out", &inbound) || !take(s, S(" action=")) ||
        !take_choice(s, "allow", "block", &allows) || !take(s, S(" enable=yes profile=")) ||
        !take_profiles(s, &rule.profiles) || !take(s, S(" protocol=")) ||
        !take_choice(s, "tcp", "udp", &tcp))
        return false;
    rule.direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    rule.action = allows ? ACTION_ALLOW : ACTION_BLOCK;
    rule.transport = tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    rule.name = rule.id;
    rule.group = prefix;
    if (!take(s, inbound ? S(" localport=") : S(" remoteport=")) || !take_ports(s, &rule))
        return false;
    if (has(s, S(" localip=")) && (!take(s, S(" localip=")) || !take_ranges(s, &rule.local)))
        return false;
    if (!take(s, S(" remoteip=")) || !take_ranges(s, &rule.remote)) return false;
    if (has(s, S(" program=")) && (!take(s, S(" program=")) || !take_quoted(s, &rule.program)))
        return false;
    *out = rule;
    return take(s, S(" description=")) && take_quoted(s, &out->why) &&
           take(s, S(" >nul || goto failed")) && take_end(s);
}

/* out: the workspace that it names */
static bool read_head(struct script *s, str title, str *workspace)
{
    str mark = S("rem workspace: ");
    if (!take_line(s, S("@echo off")) ||
        !take_line(s, str_format(s->arena, "rem sallyport netsh: %.*s", STR_ARG(title))))
        return false;
    if (!next_line(s) || !take(s, mark)) return false;
    *workspace = str_tail(s->line, mark.len);
    if (!next_line(s) || !take(s, S("rem host class: "))) return false;
    if (!next_line(s) || !take(s, S("rem policy: "))) return false;
    for (size_t i = 0; i < s->line.len; i++)
        if (strchr("%^&!|<>", s->line.ptr[i])) return unexpected(s, S("plain text"));
    return take_line(s, S("setlocal"));
}

static bool read_tail(struct script *s)
{
    return take_line(s, S(":failed")) && take_line(s, S("rem Half of the rules is no policy.")) &&
           take_line(s, S("call \"%~dp0rollback.cmd\"")) && take_line(s, S("exit /b 1")) &&
           (!s->left.len || (next_line(s) && unexpected(s, S("the end of the script"))));
}

struct rules {
    struct rule *items;
    size_t n, room;
};

static bool read_apply(struct script *s, struct rules *rules)
{
    str workspace, id;
    if (!read_head(s, S("firewall rules; run as administrator, again replaces"), &workspace))
        return false;
    str prefix = str_format(s->arena, "sallyport-%.*s-", STR_ARG(workspace));
    for (;;) {
        if (!next_line(s)) return false;
        if (str_equal(s->line, S("rem Rules that an older artefact may have."))) break;
        if (!read_delete(s, prefix, &id) || !next_line(s)) return false;
        arena_grow(s->arena, rules->items, rules->n, rules->room);
        struct rule *rule = &rules->items[rules->n];
        if (!read_add(s, prefix, rule)) return false;
        if (!str_equal(rule->id, id)) return wrong(s, id, "the rule just deleted to be added");
        rules->n++;
    }
    for (;;) {
        if (!next_line(s)) return false;
        if (str_equal(s->line, S("exit /b 0"))) return read_tail(s);
        if (!read_delete(s, prefix, &id)) return false;
        /* What was just added would be gone again. */
        for (size_t i = 0; i < rules->n; i++)
            if (str_equal_nocase(rules->items[i].id, id))
                return wrong(s, id, "a rule that was not added");
    }
}

static struct script script_of(bytes content, struct arena *arena, struct err *err)
{
    return (struct script){
        .left = str_of_bytes(content), .total = content.len, .arena = arena, .err = err};
}

bool netsh_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                struct err *err)
{
    struct script s = script_of(content, arena, err);
    struct rules rules = {0};
    if (!read_apply(&s, &rules)) return err_in(err, source);
    *out = (struct ruleset){.rules = rules.items, .n = rules.n};
    return true;
}

/* deleted : the ids, in lower case */
static bool read_deletes(struct script *s, str *workspace, struct map *deleted)
{
    str id;
    if (!read_head(s, S("rollback; deletes the rules, run as administrator"), workspace))
        return false;
    str prefix = str_format(s->arena, "sallyport-%.*s-", STR_ARG(*workspace));
    for (;;) {
        if (!next_line(s)) return false;
        if (str_equal(s->line, S("exit /b 0"))) break;
        if (!read_delete(s, prefix, &id)) return false;
        (void)map_put(deleted, s->arena, str_lower(s->arena, id), 1, NULL);
    }
    return !s->left.len || (next_line(s) && unexpected(s, S("the end of the script")));
}

bool netsh_read_rollback(str source, bytes content, str workspace, str border_word,
                         struct arena *arena, struct err *err)
{
    struct script s = script_of(content, arena, err);
    struct map deleted = {0};
    str named;
    (void)border_word; /* this dialect has no borders */
    if (!read_deletes(&s, &named, &deleted)) return err_in(err, source);
    return str_equal(named, workspace) || wrong(&s, named, "the rollback of this workspace") ||
           err_in(err, source);
}

bool netsh_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                       struct err *err)
{
    struct script s = script_of(rollback, arena, err);
    struct ruleset made = {0};
    struct map deleted = {0};
    str workspace;
    if (!netsh_read(source, rules, arena, &made, err)) return false;
    if (!read_deletes(&s, &workspace, &deleted)) return err_in(err, source);
    for (size_t i = 0; i < made.n; i++) {
        if (map_find(&deleted, str_lower(arena, made.rules[i].id))) continue;
        (void)err_set(err, ERR_MALFORMED, "expected rule \"%.*s\" to be deleted",
                      STR_ARG(made.rules[i].id));
        return err_in(err, source);
    }
    return true;
}

bool netsh_read_part(str source, bytes content, str workspace, struct arena *arena, struct err *err)
{
    (void)workspace, (void)arena;
    return fixed_lines_remarks(source, str_of_bytes(content), err);
}

bool netsh_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), S("@echo off\r\nrem sallyport netsh: firewall rules; "));
}
