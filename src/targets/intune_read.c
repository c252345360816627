/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/intune_read.h"

#include "base/json_scan.h"
#include "targets/fixed_lines.h"
#include "targets/windows_words.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str kind_head = T("#microsoft.graph.deviceManagementConfiguration");
static const str rule_head = T("vendor_msft_firewall_mdmstore_firewallrules_{firewallrulename}");

enum { RULES_PER_POLICY = 150 };

struct reading {
    struct json_scan scan;
    struct arena *arena;
    struct err *err;
    struct json_scan_item item; /* the last one read */
};

/* ---- Tokens -------------------------------------------------------------------------------------
 */

static str found_text(const struct reading *r)
{
    static const str kinds[] = {
        [JSON_SCAN_END] = T("the end"),
        [JSON_SCAN_OBJECT] = T("an object"),
        [JSON_SCAN_OBJECT_END] = T("the end of an object"),
        [JSON_SCAN_ARRAY] = T("a list"),
        [JSON_SCAN_ARRAY_END] = T("the end of a list"),
        [JSON_SCAN_KEY] = T("a key"),
        [JSON_SCAN_STRING] = T("a text"),
        [JSON_SCAN_NUMBER] = T("a number"),
        [JSON_SCAN_TRUE] = T("true"),
        [JSON_SCAN_FALSE] = T("false"),
        [JSON_SCAN_NULL] = T("null"),
    };
    if (!r->item.text.len) return kinds[r->item.kind];
    return str_format(r->arena, "\"%.*s\"",
                      STR_ARG(str_utf8(r->arena, str_head(r->item.text, 80))));
}

static bool unexpected(struct reading *r, str wanted)
{
    return err_at(r->err, ERR_MALFORMED, r->item.offset, "expected %.*s, found %.*s",
                  STR_ARG(wanted), STR_ARG(found_text(r)));
}

static bool next(struct reading *r)
{
    return json_scan_next(&r->scan, &r->item, r->err);
}

static bool take(struct reading *r, enum json_scan_kind kind, const char *wanted)
{
    return next(r) && (r->item.kind == kind || unexpected(r, str_of(wanted)));
}

static bool take_key(struct reading *r, const char *key)
{
    return take(r, JSON_SCAN_KEY, key) &&
           (str_equal(r->item.text, str_of(key)) || unexpected(r, str_of(key)));
}

static bool take_text(struct reading *r, const char *key, str *out)
{
    if (!take_key(r, key) || !take(r, JSON_SCAN_STRING, "a text")) return false;
    *out = r->item.text;
    return true;
}

static bool take_exact(struct reading *r, const char *key, str wanted)
{
    str found;
    return take_text(r, key, &found) && (str_equal(found, wanted) || unexpected(r, wanted));
}

static bool take_type(struct reading *r, const char *kind)
{
    str wanted = str_format(r->arena, "%.*s%s", STR_ARG(kind_head), kind);
    return take_exact(r, "@odata.type", wanted);
}

static bool take_object(struct reading *r)
{
    return take(r, JSON_SCAN_OBJECT, "an object");
}

static bool take_object_end(struct reading *r)
{
    return take(r, JSON_SCAN_OBJECT_END, "the end of the object");
}

static bool take_list(struct reading *r, const char *key)
{
    return take_key(r, key) && take(r, JSON_SCAN_ARRAY, "a list");
}

/* In a list: the begin of the next object, or its end. */
static bool take_next(struct reading *r, bool *more)
{
    if (!next(r)) return false;
    *more = r->item.kind == JSON_SCAN_OBJECT;
    return *more || r->item.kind == JSON_SCAN_ARRAY_END ||
           unexpected(r, S("an object or the end of the list"));
}

/* ---- Instances ----------------------------------------------------------------------------------
 */

/* The setting that an instance sets; its object is begun. */
static bool take_instance(struct reading *r, str *kind, str *setting)
{
    str type, id;
    if (!take_text(r, "@odata.type", &type)) return false;
    if (!str_starts(type, kind_head)) return unexpected(r, kind_head);
    *kind = str_tail(type, kind_head.len);
    if (!take_text(r, "settingDefinitionId", &id)) return false;
    if (!str_starts(id, rule_head) || id.len < rule_head.len + 2 || id.ptr[rule_head.len] != '_')
        return unexpected(r, S("a setting of a firewall rule"));
    *setting = str_tail(id, rule_head.len + 1);
    return true;
}

static bool take_simple(struct reading *r, const char *type, enum json_scan_kind kind, str *out)
{
    if (!take_key(r, "simpleSettingValue") || !take_object(r) || !take_type(r, type) ||
        !take_key(r, "value") || !take(r, kind, "a value"))
        return false;
    *out = r->item.text;
    return take_object_end(r) && take_object_end(r);
}

/* The option behind the setting's name; the value's object is begun. */
static bool take_option(struct reading *r, str setting, str *out)
{
    str value, head = str_format(r->arena, "%.*s_%.*s_", STR_ARG(rule_head), STR_ARG(setting));
    if (!take_type(r, "ChoiceSettingValue") || !take_text(r, "value", &value)) return false;
    if (!str_starts(value, head)) return unexpected(r, head);
    *out = str_tail(value, head.len);
    return take_list(r, "children") && take(r, JSON_SCAN_ARRAY_END, "an empty list") &&
           take_object_end(r);
}

static bool take_choice(struct reading *r, str setting, const char *yes, const char *no, bool *out)
{
    str option;
    if (!take_key(r, "choiceSettingValue") || !take_object(r) || !take_option(r, setting, &option))
        return false;
    *out = str_equal(option, str_of(yes));
    if (!*out && !str_equal(option, str_of(no))) return unexpected(r, str_of(yes));
    return take_object_end(r);
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool add_port(struct reading *r, str token, struct rule *rule)
{
    struct service_port port;
    if (rule->n_ports == LIMIT_SERVICE_PORTS || !windows_words_port(token, rule->transport, &port))
        return unexpected(r, S("a port or a range of ports"));
    rule_add_port(rule, r->arena, port);
    return true;
}

struct ranges {
    struct range *items;
    size_t n, room;
};

/* A list of texts: ports, or addresses. */
static bool take_items(struct reading *r, struct rule *rule, struct ranges *ranges)
{
    bool more;
    if (!take_list(r, "simpleSettingCollectionValue")) return false;
    for (;;) {
        str value;
        if (!take_next(r, &more)) return false;
        if (!more) return take_object_end(r);
        if (!take_type(r, "StringSettingValue") || !take_text(r, "value", &value)) return false;
        if (!ranges) {
            if (!add_port(r, value, rule)) return false;
        } else {
            arena_grow(r->arena, ranges->items, ranges->n, ranges->room);
            if (!windows_words_range(value, &ranges->items[ranges->n]))
                return unexpected(r, S("an address or a range"));
            ranges->n++;
        }
        if (!take_object_end(r)) return false;
    }
}

static bool take_profiles(struct reading *r, str setting, struct rule *rule)
{
    static const char *const options[PROFILE_COUNT] = {
        [PROFILE_DOMAIN] = "1", [PROFILE_PRIVATE] = "2", [PROFILE_PUBLIC] = "4"};
    bool more;
    if (!take_list(r, "choiceSettingCollectionValue")) return false;
    for (;;) {
        str option;
        uint8_t bit = 0;
        if (!take_next(r, &more)) return false;
        if (!more) return take_object_end(r);
        if (!take_option(r, setting, &option)) return false;
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            if (str_equal(option, str_of(options[p]))) bit = (uint8_t)(1u << p);
        if (!bit || (rule->profiles & bit)) return unexpected(r, S("each profile once"));
        rule->profiles |= bit;
    }
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

enum setting {
    SETTING_NAME,
    SETTING_DESCRIPTION,
    SETTING_ENABLED,
    SETTING_DIRECTION,
    SETTING_ACTION,
    SETTING_PROTOCOL,
    SETTING_PROFILES,
    SETTING_LOCAL_PORTS,
    SETTING_REMOTE_PORTS,
    SETTING_LOCAL,
    SETTING_REMOTE,
    SETTING_PROGRAM,
    SETTING_COUNT
};

static const struct {
    str name, kind;
} settings[SETTING_COUNT] = {
    [SETTING_NAME] = {T("name"),                T("SimpleSettingInstance")          },
    [SETTING_DESCRIPTION] = {T("description"),         T("SimpleSettingInstance")          },
    [SETTING_ENABLED] = {T("enabled"),             T("ChoiceSettingInstance")          },
    [SETTING_DIRECTION] = {T("direction"),           T("ChoiceSettingInstance")          },
    [SETTING_ACTION] = {T("action_type"),         T("ChoiceSettingInstance")          },
    [SETTING_PROTOCOL] = {T("protocol"),            T("SimpleSettingInstance")          },
    [SETTING_PROFILES] = {T("profiles"),            T("ChoiceSettingCollectionInstance")},
    [SETTING_LOCAL_PORTS] = {T("localportranges"),     T("SimpleSettingCollectionInstance")},
    [SETTING_REMOTE_PORTS] = {T("remoteportranges"),    T("SimpleSettingCollectionInstance")},
    [SETTING_LOCAL] = {T("localaddressranges"),  T("SimpleSettingCollectionInstance")},
    [SETTING_REMOTE] = {T("remoteaddressranges"), T("SimpleSettingCollectionInstance")},
    [SETTING_PROGRAM] = {T("app_filepath"),        T("SimpleSettingInstance")          },
};

/* One property of a rule; its object is begun. seen: bits of enum setting. */
static bool take_property(struct reading *r, struct rule *rule, unsigned *seen,
                          struct ranges *local, struct ranges *remote)
{
    str kind, setting, text;
    unsigned at = 0;
    bool yes = false;
    if (!take_instance(r, &kind, &setting)) return false;
    while (at < SETTING_COUNT && !str_equal(settings[at].name, setting))
        at++;
    /* In one order, each once: the protocol before the ports that have it. */
    if (at == SETTING_COUNT || *seen >> at) return unexpected(r, S("the rule's next setting"));
    if (!str_equal(kind, settings[at].kind)) return unexpected(r, settings[at].kind);
    *seen |= 1u << at;
    switch ((enum setting)at) {
    case SETTING_NAME:
        return take_simple(r, "StringSettingValue", JSON_SCAN_STRING, &rule->id);
    case SETTING_DESCRIPTION:
        return take_simple(r, "StringSettingValue", JSON_SCAN_STRING, &rule->why);
    case SETTING_PROGRAM:
        return take_simple(r, "StringSettingValue", JSON_SCAN_STRING, &rule->program);
    case SETTING_ENABLED:
        return take_choice(r, setting, "1", "0", &rule->enabled);
    case SETTING_DIRECTION:
        if (!take_choice(r, setting, "in", "out", &yes)) return false;
        rule->direction = yes ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
        return true;
    case SETTING_ACTION:
        if (!take_choice(r, setting, "1", "0", &yes)) return false;
        rule->action = yes ? ACTION_ALLOW : ACTION_BLOCK;
        return true;
    case SETTING_PROTOCOL:
        if (!take_simple(r, "IntegerSettingValue", JSON_SCAN_NUMBER, &text)) return false;
        rule->transport = str_equal(text, S("6")) ? TRANSPORT_TCP : TRANSPORT_UDP;
        return rule->transport == TRANSPORT_TCP || str_equal(text, S("17")) ||
               unexpected(r, S("protocol 6 or 17"));
    case SETTING_PROFILES:
        return take_profiles(r, setting, rule);
    case SETTING_LOCAL_PORTS:
    case SETTING_REMOTE_PORTS:
        return take_items(r, rule, NULL);
    case SETTING_LOCAL:
        return take_items(r, rule, local);
    case SETTING_REMOTE:
        return take_items(r, rule, remote);
    case SETTING_COUNT:
        break;
    }
    return false;
}

static bool take_rule(struct reading *r, str prefix, struct rule *out)
{
    struct rule rule = {
        .offset = r->item.offset, .logs = true, .local = {&addr_all, 1}
    };
    struct ranges local = {0}, remote = {0};
    unsigned seen = 0;
    bool more;
    if (!take_type(r, "GroupSettingValue") || !take_list(r, "children")) return false;
    for (;;) {
        if (!take_next(r, &more)) return false;
        if (!more) break;
        if (!take_property(r, &rule, &seen, &local, &remote)) return false;
    }
    bool inbound = rule.direction == DIRECTION_INBOUND;
    unsigned ports = 1u << (inbound ? SETTING_LOCAL_PORTS : SETTING_REMOTE_PORTS);
    unsigned always = ((1u << (SETTING_PROFILES + 1)) - 1) | ports | 1u << SETTING_REMOTE;
    unsigned others = 1u << SETTING_LOCAL | 1u << SETTING_PROGRAM;
    if ((seen & ~others) != always || !rule.profiles || !rule.n_ports || !remote.n ||
        (seen >> SETTING_LOCAL & 1u && !local.n))
        return unexpected(r, S("all settings of a rule before"));
    if (!str_starts(rule.id, prefix) || rule.id.len == prefix.len)
        return err_at(r->err, ERR_MALFORMED, rule.offset,
                      "expected the name of a rule of this workspace, found \"%.*s\"",
                      STR_ARG(str_head(rule.id, 80)));
    rule.name = rule.id;
    if (local.n) rule.local = prefix_set_of(r->arena, local.items, local.n);
    rule.remote = prefix_set_of(r->arena, remote.items, remote.n);
    *out = rule;
    return take_object_end(r);
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

struct rules {
    struct rule *items;
    size_t n, room;
};

/* "sallyport contoso: clients-1, part 1 of 2" */
static str policy_name(struct reading *r, str workspace, str class, size_t number, size_t of)
{
    return str_format(r->arena, "sallyport %.*s: %.*s, part %zu of %zu", STR_ARG(workspace),
                      STR_ARG(class), number, of);
}

static bool take_policy(struct reading *r, str workspace, struct rules *rules, str *name)
{
    str description;
    bool more;
    size_t before = rules->n;
    str group = str_format(r->arena, "sallyport %.*s", STR_ARG(workspace));
    str prefix = str_format(r->arena, "sallyport-%.*s-", STR_ARG(workspace));
    if (!take_text(r, "name", name) || !take_text(r, "description", &description) ||
        !take_exact(r, "platforms", S("windows10")) ||
        !take_exact(r, "technologies", S("mdm,microsoftSense")) || !take_list(r, "settings") ||
        !take_object(r) || !take_type(r, "Setting") || !take_key(r, "settingInstance") ||
        !take_object(r) || !take_type(r, "GroupSettingCollectionInstance") ||
        !take_exact(r, "settingDefinitionId", rule_head) ||
        !take_list(r, "groupSettingCollectionValue"))
        return false;
    for (;;) {
        if (!take_next(r, &more)) return false;
        if (!more) break;
        if (rules->n - before == RULES_PER_POLICY)
            return unexpected(r, S("at most 150 rules in a policy"));
        arena_grow(r->arena, rules->items, rules->n, rules->room);
        if (!take_rule(r, prefix, &rules->items[rules->n])) return false;
        rules->items[rules->n++].group = group;
    }
    return take_object_end(r) && take_object_end(r) &&
           take(r, JSON_SCAN_ARRAY_END, "the end of the settings") && take_object_end(r);
}

/* Names say of how many parts each is; that is known at the end. */
static bool check_names(struct reading *r, const str *names, size_t n, str workspace, str class)
{
    for (size_t i = 0; i < n; i++) {
        str wanted = policy_name(r, workspace, class, i + 1, n);
        if (!str_equal(names[i], wanted))
            return err_set(r->err, ERR_MALFORMED, "expected a policy \"%.*s\", found \"%.*s\"",
                           STR_ARG(wanted), STR_ARG(str_head(names[i], 120)));
    }
    return true;
}

static bool read_file(struct reading *r, struct rules *rules)
{
    str workspace, class, as_of, *names = NULL;
    size_t n = 0, room = 0;
    bool more;
    if (!take_object(r) || !take_key(r, "sallyport") || !take_object(r) ||
        !take_exact(r, "target", S("intune")) || !take_text(r, "workspace", &workspace) ||
        !take_text(r, "class", &class) || !take_text(r, "as_of", &as_of) || !take_object_end(r) ||
        !take_list(r, "policies"))
        return false;
    for (;;) {
        if (!take_next(r, &more)) return false;
        if (!more) break;
        arena_grow(r->arena, names, n, room);
        if (!take_policy(r, workspace, rules, &names[n])) return false;
        n++;
    }
    return take_object_end(r) && take(r, JSON_SCAN_END, "the end of the file") &&
           check_names(r, names, n, workspace, class);
}

bool intune_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                 struct err *err)
{
    struct reading r = {
        .scan = json_scan_of(str_of_bytes(content), 0, arena), .arena = arena, .err = err};
    struct rules rules = {0};
    if (!read_file(&r, &rules)) return err_in(err, source);
    *out = (struct ruleset){.rules = rules.items, .n = rules.n};
    return true;
}

/* ---- Scripts and members ------------------------------------------------------------------------
 */

#define HEAD(title)                                                                                \
    T("#Requires -Version 5.1"), T("#Requires -Modules Microsoft.Graph.Authentication"), T(title)
#define BEFORE                                                                                     \
    T("# before: Connect-MgGraph -Scopes 'DeviceManagementConfiguration.ReadWrite.All'"),          \
        T("# dry run, changes nothing: add -WhatIf"),                                              \
        T("[CmdletBinding(SupportsShouldProcess = $true)]")
#define STRICT                                                                                     \
    T("Set-StrictMode -Version 2.0"), T("$ErrorActionPreference = 'Stop'"),                        \
        T("$uri = 'https://graph.microsoft.com/beta/deviceManagement/configurationPolicies'")
#define LIST                                                                                       \
    T("$known = @{}"), T("$next = $uri + '?$select=id,name'"), T("while ($next) {"),               \
        T("    $page = Invoke-MgGraphRequest -Method GET -Uri $next -OutputType Hashtable"),       \
        T("    foreach ($policy in @($page['value'])) {"),                                         \
        T("        $known[[string]$policy['name']] = [string]$policy['id']"), T("    }"),          \
        T("    $next = $page['@odata.nextLink']"), T("}")

static str remark(str workspace, struct arena *arena)
{
    return str_format(arena, "# workspace: %.*s", STR_ARG(workspace));
}

bool intune_read_rollback(str source, bytes content, str workspace, str border_word,
                          struct arena *arena, struct err *err)
{
    const str lines[] = {
        HEAD("# sallyport Intune: rollback; deletes the policies of this workspace, of all host "
             "classes or of one"),
        remark(workspace, arena),
        BEFORE,
        T("param([string]$Class)"),
        STRICT,
        str_format(arena, "$prefix = 'sallyport %.*s: '", STR_ARG(workspace)),
        T("if ($Class) { $prefix = $prefix + $Class + ', part ' }"),
        LIST,
        T("foreach ($name in @($known.Keys)) {"),
        T("    if ($name.StartsWith($prefix) -and $PSCmdlet.ShouldProcess($name, 'delete')) {"),
        T("        Invoke-MgGraphRequest -Method DELETE -Uri ($uri + '/' + $known[$name]) | "
          "Out-Null"),
        T("    }"),
        T("}"),
    };
    (void)border_word; /* this dialect has no borders */
    return fixed_lines_are(source, str_of_bytes(content), S("\n"), lines, COUNT_OF(lines), err);
}

static bool is_import(str source, str content, str workspace, struct arena *arena, struct err *err)
{
    const str lines[] = {
        HEAD("# sallyport Intune: creates the policies of one rules.json, or replaces those of the "
             "same name; assignments stay"),
        remark(workspace, arena),
        BEFORE,
        T("param([Parameter(Mandatory = $true)][string]$Path)"),
        STRICT,
        T("$file = ConvertFrom-Json -InputObject (Get-Content -LiteralPath $Path -Raw)"),
        str_format(arena, "$prefix = 'sallyport %.*s: ' + $file.sallyport.class + ', part '",
                   STR_ARG(workspace)),
        LIST,
        T("$wanted = @{}"),
        T("foreach ($policy in @($file.policies)) {"),
        T("    if (-not $policy.name.StartsWith($prefix)) { throw ('not a policy of this "
          "workspace: ' + $policy.name) }"),
        T("    $wanted[$policy.name] = $true"),
        T("    $body = ConvertTo-Json -InputObject $policy -Depth 20 -Compress"),
        T("    if ($known.ContainsKey($policy.name)) {"),
        T("        if ($PSCmdlet.ShouldProcess($policy.name, 'replace')) {"),
        T("            Invoke-MgGraphRequest -Method PUT -Uri ($uri + '/' + $known[$policy.name]) "
          "-Body $body -ContentType 'application/json' | Out-Null"),
        T("        }"),
        T("    }"),
        T("    elseif ($PSCmdlet.ShouldProcess($policy.name, 'create')) {"),
        T("        Invoke-MgGraphRequest -Method POST -Uri $uri -Body $body -ContentType "
          "'application/json' | Out-Null"),
        T("    }"),
        T("}"),
        T("# Parts that an older artefact had and this one does not."),
        T("foreach ($name in @($known.Keys)) {"),
        T("    if ($name.StartsWith($prefix) -and -not $wanted.ContainsKey($name) -and "
          "$PSCmdlet.ShouldProcess($name, 'delete')) {"),
        T("        Invoke-MgGraphRequest -Method DELETE -Uri ($uri + '/' + $known[$name]) | "
          "Out-Null"),
        T("    }"),
        T("}"),
    };
    return fixed_lines_are(source, content, S("\n"), lines, COUNT_OF(lines), err);
}

bool intune_read_part(str source, bytes content, str workspace, struct arena *arena,
                      struct err *err)
{
    str text = str_of_bytes(content);
    if (str_starts(text, S("# sallyport: "))) return fixed_lines_remarks(source, text, err);
    return is_import(source, text, workspace, arena, err);
}

bool intune_read_recognise(bytes head)
{
    static const char wanted[] = "{\"sallyport\":{\"target\":\"intune\",";
    str text = str_of_bytes(head);
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 1 < sizeof wanted; i++) {
        if (text.ptr[i] == ' ' || text.ptr[i] == '\n') continue;
        if (text.ptr[i] != wanted[n++]) return false;
    }
    return n + 1 == sizeof wanted;
}
