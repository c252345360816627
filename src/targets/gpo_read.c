/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_read.h"

#include "base/buf.h"
#include "base/map.h"
#include "targets/firewall_strings_read.h"
#include "targets/gpo_pol_xml.h"
#include "targets/registry_pol.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str firewall_key = T("SOFTWARE\\Policies\\Microsoft\\WindowsFirewall");
enum { POLICY_VERSION = 0x020A };

struct gpo_reading {
    struct arena *arena;
    struct registry_values values;
    struct map known; /* key and name, in lower case */
    unsigned logging; /* profiles that say whether drops are logged, bits */
    bool has_version;
    struct err *err;
};

static bool wrong(struct gpo_reading *r, const struct registry_value *value, const char *expected)
{
    return err_at(r->err, ERR_MALFORMED, value->offset, "expected %s, found the value %.*s of %.*s",
                  expected, STR_ARG(str_utf8(r->arena, str_head(value->name, 80))),
                  STR_ARG(str_utf8(r->arena, str_head(value->key, 160))));
}

/* ---- Values of the firewall ---------------------------------------------------------------------
 */

/* Tokens of rules, in the order in which they are written; other ones are refused. */
static const char *const rule_tokens[] = {
    "Action", "Active",    "Dir",       "Protocol", "Profile",  "LPort",         "LPort2_10",
    "RPort",  "RPort2_10", "LA4",       "LA6",      "RA4",      "RA6",           "App",
    "Name",   "Desc",      "EmbedCtxt", "RMauth",   "Security", "AuthByPassOut",
};
static const char *const security_tokens[] = {
    "Action", "Name",  "Desc",     "Active",   "Profile",    "EP1_4",     "EP1_6",
    "EP2_4",  "EP2_6", "Auth1Set", "Auth2Set", "Crypto2Set", "EmbedCtxt",
};

/* Version 2.10, and tokens of the list that say something, in its order. */
static bool has_tokens(str text, const char *const *tokens, size_t n)
{
    str version = S("v2.10|");
    size_t at = 0;
    if (!str_starts(text, version) || !str_ends(text, S("|"))) return false;
    for (str left = str_tail(text, version.len); left.len;) {
        str field, rest, name, value;
        if (!str_cut(left, '|', &field, &rest) || !str_cut(field, '=', &name, &value)) return false;
        while (at < n && !str_equal(name, str_of(tokens[at])))
            at++;
        if (!value.len || at == n) return false;
        left = rest;
    }
    return true;
}

/* What is not used must be harmless should somebody switch it on: a block that is disabled, of a
 * port and no address. */
static bool is_unused_slot(str text)
{
    static const char *const addresses[] = {"|LA4=", "|LA6=", "|RA4=", "|RA6=", "|Security="};
    for (size_t i = 0; i < COUNT_OF(addresses); i++)
        if (str_contains(text, str_of(addresses[i]))) return false;
    return str_starts(text, S("v2.10|Action=Block|Active=FALSE|"));
}

static bool read_string(struct gpo_reading *r, const struct registry_value *value, bool is_rule)
{
    str text;
    if (!registry_value_text(value, r->arena, &text)) return wrong(r, value, "a text");
    if (is_rule && !has_tokens(text, rule_tokens, COUNT_OF(rule_tokens)))
        return wrong(r, value, "a rule of version 2.10 with the tokens that are written");
    if (!is_rule && !has_tokens(text, security_tokens, COUNT_OF(security_tokens)))
        return wrong(r, value, "a rule of version 2.10 with the tokens that are written");
    if (is_rule && !str_contains(text, S("|Active=TRUE|")) && !is_unused_slot(text))
        return wrong(r, value, "a rule in force, or a slot that is not used");
    return true;
}

static bool is_text(struct gpo_reading *r, const struct registry_value *value, str wanted)
{
    str text;
    return registry_value_text(value, r->arena, &text) && str_equal(text, wanted);
}

static bool read_logging(struct gpo_reading *r, const struct registry_value *value,
                         unsigned profile)
{
    uint32_t number = 0;
    str text = {0};
    if (str_equal(value->name, S("LogDroppedPackets"))) {
        if (!registry_value_dword(value, &number) || number > 1) return wrong(r, value, "0 or 1");
        r->logging |= 1u << profile;
        return true;
    }
    if (str_equal(value->name, S("LogFileSize")))
        return (registry_value_dword(value, &number) && number >= 1024 && number <= 32767) ||
               wrong(r, value, "a log of 1024 to 32767 KiB");
    if (str_equal(value->name, S("LogFilePath")))
        return (registry_value_text(value, r->arena, &text) &&
                str_starts(str_lower(r->arena, text), S("%systemroot%\\")) &&
                !str_contains(text, S(".."))) ||
               wrong(r, value, "a log below %systemroot%");
    if (str_equal(value->name, S("LogSuccessfulConnections")))
        return (registry_value_dword(value, &number) && number <= 1) || wrong(r, value, "0 or 1");
    return wrong(r, value, "a log setting");
}

/* "{GUID}" or "{GUID}\0000" of a set of one suite. */
static bool read_set(struct gpo_reading *r, const struct registry_value *value, str below,
                     str method)
{
    str id, suite;
    bool in_suite = str_cut(below, '\\', &id, &suite);
    str text;
    if (!registry_value_text(value, r->arena, &text)) return wrong(r, value, "a text");
    if (in_suite)
        return (str_equal(suite, S("0000")) && str_equal(value->name, S("Method")) &&
                str_equal(text, method)) ||
               wrong(r, value, "one suite by Kerberos");
    if (str_equal(value->name, S("Version")))
        return is_text(r, value, S("2.10")) || wrong(r, value, "version 2.10");
    return str_equal(value->name, S("Name")) || str_equal(value->name, S("EmbeddedContext")) ||
           wrong(r, value, "version, name or context of a set");
}

static bool below(str key, str parent, str *rest)
{
    if (!str_starts(key, parent)) return false;
    *rest = str_tail(key, parent.len);
    return true;
}

static bool read_firewall_value(struct gpo_reading *r, const struct registry_value *value)
{
    static const str log_keys[PROFILE_COUNT] = {
        [PROFILE_DOMAIN] = T("\\DomainProfile\\Logging"),
        [PROFILE_PRIVATE] = T("\\PrivateProfile\\Logging"),
        [PROFILE_PUBLIC] = T("\\PublicProfile\\Logging"),
    };
    str key = str_tail(value->key, firewall_key.len), rest = {0};
    if (!key.len) {
        uint32_t number = 0;
        if (!str_equal(value->name, S("PolicyVersion")) || !registry_value_dword(value, &number) ||
            number != POLICY_VERSION)
            return wrong(r, value, "PolicyVersion 522");
        r->has_version = true;
        return true;
    }
    if (str_equal(key, S("\\FirewallRules"))) return read_string(r, value, true);
    if (str_equal(key, S("\\ConSecRules"))) return read_string(r, value, false);
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (str_equal(key, log_keys[p])) return read_logging(r, value, p);
    if (below(key, S("\\Phase1AuthenticationSets\\"), &rest))
        return read_set(r, value, rest, S("MachineKerb"));
    if (below(key, S("\\Phase2AuthenticationSets\\"), &rest))
        return read_set(r, value, rest, S("UserKerb"));
    return wrong(r, value, "rules, sets, log settings or the version");
}

/* ---- All values ---------------------------------------------------------------------------------
 */

static bool is_plain(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return text.len > 0;
}

static bool read_setting(struct gpo_reading *r, const struct registry_value *value)
{
    uint32_t number = 0;
    str text = {0};
    size_t n = value->data.len;
    if (registry_value_dword(value, &number) || registry_value_text(value, r->arena, &text))
        return true;
    bool is_list = value->type == REGISTRY_MULTI_SZ && n >= 4 && n % 2 == 0;
    for (size_t i = 1; is_list && i <= 4; i++)
        is_list = value->data.ptr[n - i] == 0;
    return is_list || wrong(r, value, "a number, a text or a list");
}

static bool read_value(struct gpo_reading *r, const struct registry_value *value)
{
    bool fresh = false, ours = false;
    str lower = str_lower(r->arena, value->key), own = str_lower(r->arena, firewall_key);
    if (!is_plain(value->key) || !is_plain(value->name) || str_starts(value->name, S("**")))
        return wrong(r, value, "a key and a name of printable ASCII, and no order");
    str place = str_format(r->arena, "%.*s\n%.*s", STR_ARG(lower),
                           STR_ARG(str_lower(r->arena, value->name)));
    (void)map_put(&r->known, r->arena, place, 1, &fresh);
    if (!fresh) return wrong(r, value, "each value once");
    ours = str_starts(value->key, firewall_key) &&
           (value->key.len == firewall_key.len || value->key.ptr[firewall_key.len] == '\\');
    if (ours) return read_firewall_value(r, value);
    if (str_starts(lower, own)) return wrong(r, value, "the firewall's key as it is written");
    return read_setting(r, value);
}

static bool read_container(struct gpo_reading *r, str source, bytes content)
{
    struct registry_pol pol = {0};
    if (content.len && content.ptr[0] == '<')
        return gpo_pol_xml_read(source, content, r->arena, &r->values, r->err);
    if (!registry_pol_read(source, content, r->arena, &pol, r->err)) return false;
    if (pol.rest.len)
        return err_at(r->err, ERR_MALFORMED, content.len - pol.rest.len,
                      "expected the end of the file, found %zu more bytes", pol.rest.len);
    r->values = pol.values;
    return true;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static bool rule_is_written(const struct rule *rule)
{
    if (rule->only_if.len || rule->security.len || rule->yields) return false;
    if (rule->store != RULE_STORE_MANAGED || !rule->n_ports) return false;
    return rule->enabled || rule->action == ACTION_BLOCK;
}

static bool read_rules(struct gpo_reading *r, struct ruleset *out)
{
    struct rule_file found = {0};
    firewall_strings_read(r->values, r->arena, &found);
    if (found.n_problems)
        return err_at(r->err, ERR_MALFORMED, found.problems[0].offset, "%.*s",
                      STR_ARG(found.problems[0].text));
    struct rule *rules = arena_array(r->arena, struct rule, found.rules.n + 1);
    for (size_t i = 0; i < found.rules.n; i++) {
        rules[i] = found.rules.rules[i];
        rules[i].logs = true; /* every profile logs what is dropped */
        if (!rule_is_written(&rules[i]))
            return err_at(r->err, ERR_MALFORMED, rules[i].offset,
                          "expected a rule as it is written, found \"%.*s\" with more conditions",
                          STR_ARG(rules[i].id));
    }
    for (size_t i = 0; i < found.rules.n_security; i++) {
        const struct security_rule *rule = &found.rules.security[i];
        bool requests = rule->inbound == SECURITY_REQUEST && rule->outbound == SECURITY_REQUEST;
        if (!rule->enabled || !requests || !rule->computer_kerberos || rule->only_if.len)
            return err_at(r->err, ERR_MALFORMED, rule->offset,
                          "expected a request by Kerberos, found \"%.*s\"", STR_ARG(rule->id));
    }
    *out = found.rules;
    out->rules = rules;
    return true;
}

bool gpo_read(str source, bytes content, struct arena *arena, struct ruleset *out, struct err *err)
{
    struct gpo_reading r = {.arena = arena, .err = err};
    struct ruleset rules = {0};
    if (!read_container(&r, source, content)) return err_in(err, source);
    for (size_t i = 0; i < r.values.n; i++)
        if (!read_value(&r, &r.values.items[i])) return err_in(err, source);
    if (!r.has_version || r.logging != (1u << PROFILE_COUNT) - 1) {
        (void)err_at(
            err, ERR_MALFORMED, content.len,
            "expected PolicyVersion, and every profile to say whether it logs what is dropped");
        return err_in(err, source);
    }
    if (!read_rules(&r, &rules)) return err_in(err, source);
    *out = rules;
    return true;
}

/* ---- Settings -----------------------------------------------------------------------------------
 */

static str bytes_text(bytes data, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("bytes"));
    for (size_t i = 0; i < data.len; i++)
        buf_format(&out, " %02x", (unsigned)data.ptr[i]);
    return buf_text(&out);
}

/* One NUL at the end, where it belongs. */
static bool read_text(const struct registry_value *value, struct arena *arena, str *out)
{
    bytes data = value->data;
    bool ends = data.len > 1 && !data.ptr[data.len - 1] && !data.ptr[data.len - 2];
    return ends && registry_value_text(value, arena, out);
}

/* The items of a list, each ended by NUL, and the list by one more. */
static bool read_list(const struct registry_value *value, struct arena *arena, str *out)
{
    str text = str_from_utf16le(arena, value->data), end = {"\0\0", 2};
    bool empty = text.len == 1 && !text.ptr[0];
    if (value->type != REGISTRY_MULTI_SZ || value->data.len % 2 || str_contains(text, S("\n")) ||
        (!empty && !str_ends(text, end)))
        return false;
    struct buf items = buf_in(arena);
    for (size_t i = 0; i + end.len < text.len; i++)
        buf_char(&items, text.ptr[i] ? text.ptr[i] : '\n');
    *out = buf_text(&items);
    return true;
}

/* Whatever is not of its type's form is like nothing that is asked for. */
static str data_text(const struct registry_value *value, struct arena *arena)
{
    uint32_t number = 0;
    str text = {0}, type = registry_value_type_text(value->type, arena);
    if (registry_value_dword(value, &number))
        text = str_format(arena, "%" PRIu32, number);
    else if (!read_text(value, arena, &text) && !read_list(value, arena, &text))
        text = bytes_text(value->data, arena);
    return str_format(arena, "%.*s | %.*s", STR_ARG(type), STR_ARG(text));
}

/* Parted by what no asked name holds; some hold backslashes. */
static str place_of(str key, str name, struct arena *arena)
{
    return str_format(arena, "%.*s, %.*s", STR_ARG(key), STR_ARG(name));
}

bool gpo_read_values(str source, bytes content, struct arena *arena, struct target_settings *out,
                     struct err *err)
{
    struct gpo_reading r = {.arena = arena, .err = err};
    if (!read_container(&r, source, content)) return err_in(err, source);
    for (size_t i = 0; i < r.values.n; i++) {
        const struct registry_value *value = &r.values.items[i];
        bool logs = str_ends(value->key, S("\\Logging"));
        if (firewall_strings_read_owns(value->key) && !logs) continue;
        target_add_setting(out, arena, place_of(value->key, value->name, arena),
                           data_text(value, arena));
    }
    return true;
}

bool gpo_read_recognise(bytes head)
{
    return registry_pol_recognise(head);
}

/* ---- The way back -------------------------------------------------------------------------------
 */

static const char *const opening[] = {
    "[CmdletBinding(SupportsShouldProcess = $true)]",
    "param()",
    "Set-StrictMode -Version 2.0",
    "$ErrorActionPreference = 'Stop'",
    "$policy = 'SOFTWARE\\Policies\\Microsoft\\WindowsFirewall'",
};

static const char *const body[] = {
    "function Open-Key([string]$Path) {",
    "return [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Path, $true)",
    "}",
    "function Undo-Value([string]$Path, [string]$Name, [string]$Data) {",
    "$key = Open-Key $Path",
    "if ($null -eq $key) { return }",
    "$found = @($key.GetValue($Name, '', 'DoNotExpandEnvironmentNames')) -join ','",
    "if (($found -ceq $Data) -and $PSCmdlet.ShouldProcess(\"$Path $Name\", 'Remove')) {",
    "$key.DeleteValue($Name, $false)",
    "}",
    "$key.Close()",
    "}",
    "$mark = '|EmbedCtxt=' + $group + '|'",
    "$left = 0",
    "foreach ($part in @('FirewallRules', 'ConSecRules')) {",
    "$key = Open-Key \"$policy\\$part\"",
    "if ($null -eq $key) { continue }",
    "foreach ($name in @($key.GetValueNames())) {",
    "if (([string]$key.GetValue($name)).Contains($mark)) {",
    "if ($PSCmdlet.ShouldProcess($name, 'Remove')) { $key.DeleteValue($name, $false) }",
    "}",
    "else { $left++ }",
    "}",
    "$key.Close()",
    "}",
    "foreach ($part in @('Phase1AuthenticationSets', 'Phase2AuthenticationSets')) {",
    "$key = Open-Key \"$policy\\$part\"",
    "if ($null -eq $key) { continue }",
    "foreach ($name in @($key.GetSubKeyNames())) {",
    "$set = $key.OpenSubKey($name)",
    "$ours = ([string]$set.GetValue('EmbeddedContext')) -ceq $group",
    "$set.Close()",
    "if ($ours -and $PSCmdlet.ShouldProcess($name, 'Remove')) { $key.DeleteSubKeyTree($name, "
    "$false) }",
    "}",
    "$key.Close()",
    "}",
    "if ($left -eq 0) {",
    "foreach ($part in @('DomainProfile', 'PrivateProfile', 'PublicProfile')) {",
    "Undo-Value \"$policy\\$part\\Logging\" 'LogFilePath' "
    "'%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log'",
    "Undo-Value \"$policy\\$part\\Logging\" 'LogFileSize' '16384'",
    "Undo-Value \"$policy\\$part\\Logging\" 'LogDroppedPackets' '1'",
    "}",
    "Undo-Value $policy 'PolicyVersion' '522'",
    "}",
};

static const char *const closing[] = {
    "for ($try = 0; $try -lt 30; $try++) {",
    "if ($WhatIfPreference) { return }",
    ("if (-not (Get-NetFirewallRule -PolicyStore 'ActiveStore' -Group $group -ErrorAction "
     "SilentlyContinue)) { return }"),
    "Start-Sleep -Seconds 1",
    "}",
    "throw 'rules of the GPO are still in force: restart this machine'",
};

struct script_lines {
    str left;
    uint32_t number;
    struct err *err;
};

/* The next line that is neither blank nor a comment. */
static str next_line(struct script_lines *s)
{
    while (s->left.len) {
        str line, rest;
        (void)str_cut(s->left, '\n', &line, &rest);
        s->left = rest;
        s->number++;
        line = str_trim(line);
        if (line.len && line.ptr[0] != '#') return line;
    }
    return (str){0};
}

static bool expect(struct script_lines *s, str wanted)
{
    str found = next_line(s);
    return str_equal(found, wanted) ||
           err_line(s->err, ERR_MALFORMED, s->number ? s->number : 1, 1,
                    "expected \"%.*s\", found \"%.*s\"", STR_ARG(str_head(wanted, 100)),
                    STR_ARG(str_head(found, 100)));
}

static bool expect_all(struct script_lines *s, const char *const *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!expect(s, str_of(wanted[i]))) return false;
    return true;
}

/* "Undo-Value 'KEY' 'NAME' 'DATA'": three quoted words. */
static bool undoes_one_value(str line, struct arena *arena, str words[3])
{
    str left = str_tail(line, S("Undo-Value").len);
    size_t n = 0;
    for (; n < 3 && str_starts(left, S(" '")); n++) {
        struct buf word = buf_in(arena);
        left = str_tail(left, 2);
        for (bool open = true; open;) {
            str head, rest;
            if (!str_cut(left, '\'', &head, &rest)) return false;
            open = str_starts(rest, S("'"));
            left = open ? str_tail(rest, 1) : rest;
            buf_str(&word, head);
            if (open) buf_char(&word, '\'');
        }
        words[n] = buf_text(&word);
    }
    return n == 3 && !left.len;
}

/* As PowerShell reads it: another line end or quote would mean something else to it. */
static bool is_script(bytes content)
{
    for (size_t i = 0; i < content.len; i++) {
        uint8_t c = content.ptr[i];
        if (c != '\n' && (c < ' ' || c > '~')) return false;
    }
    return content.len && content.ptr[content.len - 1] == '\n';
}

bool gpo_read_rollback(str source, bytes content, str workspace, str border_word,
                       struct arena *arena, struct err *err)
{
    struct script_lines s = {.left = str_of_bytes(content), .err = err};
    if (border_word.len || !is_script(content)) {
        (void)err_set(err, ERR_MALFORMED,
                      "expected a script of whole lines of printable ASCII, of hosts");
        return err_in(err, source);
    }
    str group = str_format(arena, "$group = 'sallyport:%.*s'", STR_ARG(workspace));
    if (!expect_all(&s, opening, COUNT_OF(opening)) || !expect(&s, group) ||
        !expect_all(&s, body, COUNT_OF(body)))
        return err_in(err, source);
    struct script_lines here = s;
    for (str line = next_line(&s); str_starts(line, S("Undo-Value '")); line = next_line(&s)) {
        str words[3];
        here = s;
        if (undoes_one_value(line, arena, words)) continue;
        (void)err_line(err, ERR_MALFORMED, s.number, 1, "expected a key, a name and data");
        return err_in(err, source);
    }
    s = here;
    return (expect_all(&s, closing, COUNT_OF(closing)) && expect(&s, (str){0})) ||
           err_in(err, source);
}

bool gpo_read_undone(str source, bytes content, struct arena *arena, struct target_settings *out,
                     struct err *err)
{
    str mark = S("# not undone by this script: "), line, rest;
    uint32_t number = 1;
    for (str left = str_of_bytes(content); left.len; left = rest, number++) {
        str words[3];
        (void)str_cut(left, '\n', &line, &rest);
        if (str_starts(line, mark)) {
            str name = str_tail(line, mark.len);
            if (!name.len) {
                (void)err_line(err, ERR_MALFORMED, number, 1, "expected what is not undone");
                return err_in(err, source);
            }
            target_add_setting(out, arena, name, S("stays"));
        }
        if (!str_starts(line, S("Undo-Value '"))) continue;
        if (!undoes_one_value(line, arena, words)) {
            (void)err_line(err, ERR_MALFORMED, number, 1, "expected a key, a name and data");
            return err_in(err, source);
        }
        target_add_setting(out, arena, place_of(words[0], words[1], arena), words[2]);
    }
    return true;
}

/* A text in apostrophes, in which two stand for one. */
static str quoted(str text, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_char(&out, '\'');
    for (size_t i = 0; i < text.len; i++)
        buf_str(&out, text.ptr[i] == '\'' ? S("''") : (str){text.ptr + i, 1});
    buf_char(&out, '\'');
    return buf_text(&out);
}

/* Without its start type a driver would be none: it stays, and the script has to say so. */
static bool is_left(str script, const struct registry_value *value, struct arena *arena)
{
    str services = S("SYSTEM\\CurrentControlSet\\Services\\");
    if (!str_equal(value->name, S("Start")) || !str_starts(value->key, services)) return false;
    str driver = str_tail(value->key, services.len);
    return str_contains(script, str_format(arena,
                                           "\n# not undone by this script: the start type of "
                                           "%.*s\n",
                                           STR_ARG(driver)));
}

bool gpo_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena, struct err *err)
{
    struct gpo_reading r = {.arena = arena, .err = err};
    struct map undone = {0};
    struct script_lines s = {.left = str_of_bytes(rollback), .err = err};
    if (!read_container(&r, source, rules)) return err_in(err, source);
    for (str line = next_line(&s); line.len; line = next_line(&s)) {
        /* The key and the name; what the value was is the last word. */
        size_t end = line.len ? line.len - 1 : 0;
        while (end && line.ptr[end - 1] != '\'')
            end--;
        if (str_starts(line, S("Undo-Value '")) && end > 2)
            (void)map_put(&undone, arena, str_head(line, end - 2), 1, NULL);
    }
    for (size_t i = 0; i < r.values.n; i++) {
        const struct registry_value *value = &r.values.items[i];
        if (firewall_strings_read_owns(value->key)) continue;
        str line = str_format(arena, "Undo-Value %.*s %.*s", STR_ARG(quoted(value->key, arena)),
                              STR_ARG(quoted(value->name, arena)));
        if (map_find(&undone, line) || is_left(str_of_bytes(rollback), value, arena)) continue;
        (void)err_set(err, ERR_MALFORMED, "the way back leaves the value %.*s of %.*s",
                      STR_ARG(value->name), STR_ARG(value->key));
        return err_in(err, source);
    }
    return true;
}
