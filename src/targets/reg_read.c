/* SPDX-License-Identifier: Apache-2.0 */
/* Values are those of a group policy object, so its strict reader takes them
 * (targets/gpo_read.h); what stands around them is read here. */
#include "targets/reg_read.h"

#include "targets/fixed_lines.h"
#include "targets/gpo_read.h"
#include "targets/registry_pol.h"
#include "targets/registry_text.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str hive = T("HKEY_LOCAL_MACHINE\\");
static const str firewall = T("SOFTWARE\\Policies\\Microsoft\\WindowsFirewall");
static const str mark = T("REGEDIT4\r\n\r\n; sallyport: ");

/* Only remarks, keys and values of a form that is written: regedit passes over anything else. */
static bool only_statements(str source, str text, struct err *err)
{
    uint32_t n = 0;
    while (text.len) {
        str line, rest;
        n++;
        bool more = str_cut(text, '\n', &line, &rest);
        bool whole = more && line.len && line.ptr[line.len - 1] == '\r';
        str said = whole ? str_head(line, line.len - 1) : line;
        bool good = whole && (!said.len || said.ptr[0] == '[' || said.ptr[0] == '"' ||
                              str_starts(said, S("; ")) || str_equal(said, S("REGEDIT4")));
        for (size_t i = 0; i < said.len; i++)
            good = good && said.ptr[i] >= ' ' && said.ptr[i] <= '~';
        if (!good) {
            (void)err_line(err, ERR_MALFORMED, n, 1,
                           "expected a remark, a key or a value of printable ASCII on a line of "
                           "its own");
            return err_in(err, source);
        }
        text = rest;
    }
    return true;
}

static bool read_values(str source, bytes content, struct arena *arena, struct registry_text *out,
                        struct err *err)
{
    if (!only_statements(source, str_of_bytes(content), err)) return false;
    if (!registry_text_read(source, content, arena, out, err)) return false;
    if (!out->n_problems) return true;
    (void)err_line(err, ERR_MALFORMED, out->problems[0].line, 1, "%.*s",
                   STR_ARG(out->problems[0].text));
    return err_in(err, source);
}

static bool wrong(str source, const struct registry_value *value, const char *wanted,
                  struct err *err)
{
    (void)err_line(err, ERR_MALFORMED, value->line, 1, "expected %s, found \"%.*s\" of %.*s",
                   wanted, STR_ARG(str_head(value->name, 80)), STR_ARG(str_head(value->key, 160)));
    return err_in(err, source);
}

/* The same as a Registry.pol. */
static bool read_pol(str source, bytes content, struct arena *arena, bytes *out, struct err *err)
{
    struct registry_text text = {0};
    if (!read_values(source, content, arena, &text, err)) return false;
    struct registry_value *values = arena_array(arena, struct registry_value, text.values.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.values.n; i++) {
        struct registry_value value = text.values.items[i];
        if (value.change == REGISTRY_ADD_KEY) continue;
        if (value.change != REGISTRY_SET || !str_starts(value.key, hive))
            return wrong(source, &value, "a value of HKEY_LOCAL_MACHINE", err);
        value.key = str_tail(value.key, hive.len);
        if (!str_starts(value.key, firewall))
            return wrong(source, &value, "a value of the firewall's policy", err);
        values[n++] = value;
    }
    *out = registry_pol_write((struct registry_values){values, n}, arena);
    return true;
}

bool reg_read(str source, bytes content, struct arena *arena, struct ruleset *out, struct err *err)
{
    bytes pol;
    return read_pol(source, content, arena, &pol, err) && gpo_read(source, pol, arena, out, err);
}

bool reg_read_settings(str source, bytes content, str workspace, struct arena *arena,
                       struct target_settings *out, struct err *err)
{
    bytes pol;
    (void)workspace; /* a log is the machine's */
    return !str_ends(source, S("/rules.reg")) || (read_pol(source, content, arena, &pol, err) &&
                                                  gpo_read_values(source, pol, arena, out, err));
}

/* Below the firewall's key; empty when it is not. */
static str below(str key)
{
    if (!str_starts(key, hive)) return (str){0};
    key = str_tail(key, hive.len);
    if (!str_starts(key, firewall)) return (str){0};
    return str_tail(key, firewall.len);
}

/* A value that rules.reg may set. */
static bool may_delete(str key, str name, str workspace, struct arena *arena)
{
    static const str log_keys[] = {T("\\DomainProfile\\Logging"), T("\\PrivateProfile\\Logging"),
                                   T("\\PublicProfile\\Logging")};
    str prefix = str_format(arena, "sallyport-%.*s-", STR_ARG(workspace));
    if (str_equal(key, S("\\FirewallRules")) || str_equal(key, S("\\ConSecRules")))
        return str_starts(name, prefix) && name.len > prefix.len;
    for (size_t i = 0; i < COUNT_OF(log_keys); i++)
        if (str_equal(key, log_keys[i])) return str_starts(name, S("Log"));
    return false;
}

static bool is_set(str key)
{
    static const str sets[] = {T("\\Phase1AuthenticationSets\\{"),
                               T("\\Phase2AuthenticationSets\\{")};
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        if (str_starts(key, sets[i]) && str_ends(key, S("}"))) return true;
    return false;
}

bool reg_read_rollback(str source, bytes content, str workspace, str border_word,
                       struct arena *arena, struct err *err)
{
    struct registry_text text = {0};
    (void)border_word; /* this dialect has no borders */
    if (!read_values(source, content, arena, &text, err)) return false;
    for (size_t i = 0; i < text.values.n; i++) {
        const struct registry_value *value = &text.values.items[i];
        str key = below(value->key);
        bool good = value->change == REGISTRY_ADD_KEY ||
                    (value->change == REGISTRY_DELETE_VALUE &&
                     may_delete(key, value->name, workspace, arena)) ||
                    (value->change == REGISTRY_DELETE_KEY && is_set(key));
        if (!good) return wrong(source, value, "what rules.reg sets to be deleted", err);
    }
    return true;
}

/* Every value that is set goes, by itself or with its key; but for the version, which rules of
 * others may need. */
bool reg_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena, struct err *err)
{
    struct registry_text made = {0}, back = {0};
    struct registry_value *all = NULL;
    size_t n = 0, room = 0;
    if (!read_values(source, rules, arena, &made, err) ||
        !read_values(source, rollback, arena, &back, err))
        return false;
    for (size_t i = 0; i < made.values.n + back.values.n; i++) {
        arena_grow(arena, all, n, room);
        all[n++] = i < made.values.n ? made.values.items[i] : back.values.items[i - made.values.n];
    }
    struct registry_values left = registry_value_applied((struct registry_values){all, n}, arena);
    for (size_t i = 0; i < left.n; i++)
        if (!str_equal(left.items[i].name, S("PolicyVersion")) || below(left.items[i].key).len)
            return wrong(source, &left.items[i], "this value to be deleted", err);
    return true;
}

/* ---- Scripts ------------------------------------------------------------------------------------
 */

#define HEAD(title)                                                                                \
    T("@echo off"), T("rem sallyport: " title), T("setlocal"),                                     \
        T("set \"KEY=HKLM\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\"")
#define EACH_PROFILE T("for %%P in (DomainProfile PrivateProfile PublicProfile) do (")

static str saved(str workspace, struct arena *arena)
{
    return str_format(arena, "set \"SAVED=%%ProgramFiles%%\\sallyport\\reg-%.*s\"",
                      STR_ARG(workspace));
}

static bool is_rollback(str source, str content, str workspace, struct arena *arena,
                        struct err *err)
{
    const str lines[] = {
        HEAD("deletes what rules.reg made, and restores the log settings; run as administrator"),
        saved(workspace, arena),
        T("reg import \"%~dp0rollback.reg\" || exit /b 1"),
        EACH_PROFILE,
        T("    if exist \"%SAVED%\\%%P.reg\" reg import \"%SAVED%\\%%P.reg\" || exit /b 1"),
        T(")"),
        T("if exist \"%SAVED%\\saved\" rmdir /s /q \"%SAVED%\""),
        T("gpupdate /target:computer /force"),
    };
    return fixed_lines_are(source, content, S("\r\n"), lines, COUNT_OF(lines), err);
}

static bool is_apply(str source, str content, str workspace, struct arena *arena, struct err *err)
{
    const str lines[] = {
        HEAD("loads rules.reg; run as administrator, again replaces"),
        saved(workspace, arena),
        T("rem What the log settings were before the first run, for rollback.cmd."),
        T("if exist \"%SAVED%\\saved\" goto load"),
        T("if not exist \"%SAVED%\" mkdir \"%SAVED%\" || exit /b 1"),
        EACH_PROFILE,
        T("    reg query \"%KEY%\\%%P\\Logging\" >nul 2>&1 && ("),
        T("        reg export \"%KEY%\\%%P\\Logging\" \"%SAVED%\\%%P.reg\" /y || exit /b 1"),
        T("    )"),
        T(")"),
        T("type nul >\"%SAVED%\\saved\" || exit /b 1"),
        T(":load"),
        T("reg import \"%~dp0rules.reg\" || exit /b 1"),
        T("gpupdate /target:computer /force"),
    };
    return fixed_lines_are(source, content, S("\r\n"), lines, COUNT_OF(lines), err);
}

bool reg_read_part(str source, bytes content, str workspace, struct arena *arena, struct err *err)
{
    str text = str_of_bytes(content);
    if (str_starts(text, S("# sallyport: "))) return fixed_lines_remarks(source, text, err);
    if (str_contains(text, S("rollback.reg")))
        return is_rollback(source, text, workspace, arena, err);
    return is_apply(source, text, workspace, arena, err);
}

bool reg_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), mark);
}
