/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that a Windows machine has in force, as `collect --script` wrote them
 * (docs/collector.md): Get-NetFirewallRule and Get-NetIPsecRule of the ActiveStore with their
 * filters. Every value is text as PowerShell prints it. What struct rule has no field for is a
 * condition in `only_if`, in the words of firewall_strings_read.h.
 *
 * spec : New-NetFirewallRule, New-NetIPsecRule (docset winserver2025-ps), windows-formats.md 8.2
 */
#include "base/json_scan.h"
#include "base/map.h"
#include "harden/collected.h"
#include "targets/firewall_rule_read.h"
#include "targets/rule_file.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Members of a rule of either kind; a list is joined by line feeds, which no value has. */
#define FIELDS(X)                                                                                  \
    X(NAME, "name")                                                                                \
    X(DISPLAY, "display_name")                                                                     \
    X(DESCRIPTION, "description")                                                                  \
    X(GROUP, "group")                                                                              \
    X(ENABLED, "enabled")                                                                          \
    X(PROFILE, "profile")                                                                          \
    X(DIRECTION, "direction")                                                                      \
    X(ACTION, "action")                                                                            \
    X(SOURCE_TYPE, "source_type")                                                                  \
    X(PROTOCOL, "protocol")                                                                        \
    X(LOCAL_PORT, "local_port")                                                                    \
    X(REMOTE_PORT, "remote_port")                                                                  \
    X(ICMP, "icmp_type")                                                                           \
    X(LOCAL, "local_address")                                                                      \
    X(REMOTE, "remote_address")                                                                    \
    X(PROGRAM, "program")                                                                          \
    X(PACKAGE, "package")                                                                          \
    X(SERVICE, "service")                                                                          \
    X(INTERFACE, "interface_alias")                                                                \
    X(INTERFACE_TYPE, "interface_type")                                                            \
    X(AUTHENTICATION, "authentication")                                                            \
    X(ENCRYPTION, "encryption")                                                                    \
    X(OVERRIDE, "override_block_rules")                                                            \
    X(LOCAL_USER, "local_user")                                                                    \
    X(REMOTE_USER, "remote_user")                                                                  \
    X(REMOTE_MACHINE, "remote_machine")                                                            \
    X(DYNAMIC, "dynamic_target")                                                                   \
    X(MODE, "mode")                                                                                \
    X(INBOUND, "inbound_security")                                                                 \
    X(OUTBOUND, "outbound_security")                                                               \
    X(PHASE1, "phase1_auth_set")                                                                   \
    X(PHASE2, "phase2_auth_set")

enum field {
#define X(id, name) FIELD_##id,
    FIELDS(X)
#undef X
        FIELD_COUNT
};

static const str field_names[] = {
#define X(id, name) T(name),
    FIELDS(X)
#undef X
};

struct object {
    str fields[FIELD_COUNT];
    uint64_t offset;
};

struct reading {
    struct json_scan scan;
    struct arena *arena;
    struct err *err;
    struct rule_file *out;
    struct rule *rules;
    struct security_rule *security;
    struct rule_problem *problems;
    size_t n_rules, rules_room, n_security, security_room, n_problems, problems_room;
};

/* ---- Conditions ---------------------------------------------------------------------------------
 */

static void condition(struct buf *only_if, const char *what, str value)
{
    buf_format(only_if, "%s%s", only_if->len ? "; " : "", what);
    if (!value.len) return;
    buf_char(only_if, ' ');
    for (size_t i = 0; i < value.len; i++)
        buf_char(only_if, value.ptr[i] == '\n' ? ',' : value.ptr[i]);
}

/* Nothing, or the word that stands for everything. */
static bool is_any(str value)
{
    return !value.len || str_equal_nocase(value, S("Any"));
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool read_profiles(str text, uint8_t *out)
{
    static const str words[PROFILE_COUNT] = {[PROFILE_DOMAIN] = T("Domain"),
                                             [PROFILE_PRIVATE] = T("Private"),
                                             [PROFILE_PUBLIC] = T("Public")};
    *out = (1u << PROFILE_COUNT) - 1;
    if (is_any(text)) return true;
    *out = 0;
    for (bool more = true; more;) {
        str word;
        uint8_t bit = 0;
        more = str_cut(text, ',', &word, &text);
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            if (str_equal_nocase(str_trim(word), words[p])) bit = (uint8_t)(1u << p);
        if (!bit) return false;
        *out |= bit;
    }
    return true;
}

static bool read_protocol(str text, struct rule *rule)
{
    static const struct {
        str name;
        uint16_t number;
    } names[] = {
        {T("TCP"),    6 },
        {T("UDP"),    17},
        {T("ICMPv4"), 1 },
        {T("ICMPv6"), 58},
    };
    uint64_t number = 0;
    if (is_any(text)) return true;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_nocase(text, names[i].name)) number = names[i].number;
    if (!number && (!str_u64(text, UINT8_MAX, &number))) return false;
    if (number == TRANSPORT_TCP || number == TRANSPORT_UDP)
        rule->transport = (enum transport)number;
    else
        rule->ip_protocol = number ? (uint16_t)number : (uint16_t)IP_PROTOCOL_ZERO;
    return true;
}

static bool parse_ports(str token, enum transport transport, struct service_port *out)
{
    str first, last;
    uint64_t from = 0, to = 0;
    bool is_range = str_cut(token, '-', &first, &last);
    if (!str_u64(first, UINT16_MAX, &from) || !str_u64(is_range ? last : first, UINT16_MAX, &to))
        return false;
    *out = (struct service_port){transport, (uint16_t)from, (uint16_t)to};
    return from <= to;
}

/* Ports at the server's end. A word ("RPC") is whatever the machine makes of it: then the rule is
 * about every port at most. */
static void read_ports(struct reading *r, str list, const char *what, struct rule *rule,
                       struct buf *only_if)
{
    str left = list;
    bool words = false;
    if (is_any(list)) return;
    for (bool more = true; more;) {
        str token;
        struct service_port p;
        more = str_cut(left, '\n', &token, &left);
        if (rule->transport != TRANSPORT_NONE && parse_ports(token, rule->transport, &p))
            rule_add_port(rule, r->arena, p);
        else
            words = true;
    }
    if (!words) return;
    rule->n_ports = 0;
    condition(only_if, what, list);
}

/* "10.0.0.1", "10.0.0.0/255.0.0.0", "10.0.0.0/8", "10.0.0.1-10.0.0.9" */
static bool parse_range(str token, struct range *out)
{
    str first, last;
    struct addr mask;
    struct prefix prefix;
    if (str_cut(token, '-', &first, &last))
        return addr_parse(first, &out->first) && addr_parse(last, &out->last) &&
               addr_is_v4(out->first) == addr_is_v4(out->last) &&
               addr_compare(out->first, out->last) <= 0;
    if (str_cut(token, '/', &first, &last) && addr_parse(last, &mask) && addr_is_v4(mask)) {
        uint32_t bits = (uint32_t)mask.lo, wild = ~bits;
        if ((wild & (wild + UINT64_C(1))) || !addr_parse(first, &out->first)) return false;
        if (!addr_is_v4(out->first)) return false;
        uint32_t network = (uint32_t)out->first.lo & bits;
        *out = (struct range){addr_v4(network), addr_v4(network | wild)};
        return true;
    }
    if (!prefix_parse(token, &prefix)) return false;
    *out = prefix_range(prefix);
    return true;
}

static struct prefix_set read_addresses(struct reading *r, str list, const char *what,
                                        struct buf *only_if)
{
    const struct prefix_set all = {&addr_all, 1};
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    str left = list;
    bool words = false;
    if (is_any(list)) return all;
    for (bool more = true; more;) {
        str token;
        more = str_cut(left, '\n', &token, &left);
        arena_grow(r->arena, ranges, n, room);
        if (parse_range(token, &ranges[n]))
            n++;
        else
            words = true;
    }
    if (!words) return prefix_set_of(r->arena, ranges, n);
    condition(only_if, what, list);
    return all;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static void problem(struct reading *r, const struct object *o, const char *wanted, str found)
{
    arena_grow(r->arena, r->problems, r->n_problems, r->problems_room);
    r->problems[r->n_problems++] = (struct rule_problem){
        .offset = o->offset,
        .text = str_format(r->arena, "rule \"%.*s\": expected %s, found \"%.*s\"",
                           STR_ARG(o->fields[FIELD_NAME]), wanted, STR_ARG(str_head(found, 80))),
    };
}

/* How the flow must be secured, and what of that the rule has no field for. */
static void read_security(struct reading *r, const struct object *o, struct rule *rule,
                          struct buf *only_if)
{
    str authentication = o->fields[FIELD_AUTHENTICATION];
    str machines = o->fields[FIELD_REMOTE_MACHINE];
    bool secured = authentication.len && !str_equal_nocase(authentication, S("NotRequired"));
    bool overrides = str_equal_nocase(o->fields[FIELD_OVERRIDE], S("True"));
    str encryption = o->fields[FIELD_ENCRYPTION];
    if (!is_any(o->fields[FIELD_REMOTE_USER]))
        condition(only_if, "users", o->fields[FIELD_REMOTE_USER]);
    if (secured && rule->action == ACTION_ALLOW) {
        rule->action = ACTION_ALLOW_IF_SECURE;
        rule->yields = !overrides;
        if (!overrides) condition(only_if, "not blocked", (str){0});
    } else if (secured) {
        condition(only_if, "authenticated", (str){0});
    }
    if (str_equal_nocase(authentication, S("NoEncap"))) rule->security = S("no encapsulation");
    if (encryption.len && !str_equal_nocase(encryption, S("NotRequired")))
        rule->security = S("encrypted");
    if (is_any(machines)) return;
    if (rule->action != ACTION_ALLOW_IF_SECURE || rule->direction != DIRECTION_INBOUND ||
        !firewall_rule_read_sids(machines, r->arena, &rule->principals))
        condition(only_if, "computers", machines);
}

static void read_conditions(const struct object *o, struct rule *rule, struct buf *only_if)
{
    static const struct {
        enum field field;
        const char *what;
    } others[] = {
        {FIELD_ICMP,           "ICMP type"     },
        {FIELD_PACKAGE,        "package"       },
        {FIELD_SERVICE,        "service"       },
        {FIELD_INTERFACE,      "interface"     },
        {FIELD_INTERFACE_TYPE, "interface type"},
        {FIELD_LOCAL_USER,     "local users"   },
        {FIELD_DYNAMIC,        "network"       },
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (!is_any(o->fields[others[i].field]))
            condition(only_if, others[i].what, o->fields[others[i].field]);
    if (!is_any(o->fields[FIELD_PROGRAM])) rule->program = o->fields[FIELD_PROGRAM];
}

static void add_rule(struct reading *r, const struct object *o)
{
    const str *m = o->fields;
    struct buf only_if = buf_in(r->arena);
    struct rule rule = {
        .id = m[FIELD_NAME],
        .name = m[FIELD_DISPLAY],
        .group = m[FIELD_GROUP],
        .why = m[FIELD_DESCRIPTION],
        .offset = o->offset,
        .enabled = str_equal_nocase(m[FIELD_ENABLED], S("True")),
        .store = str_equal_nocase(m[FIELD_SOURCE_TYPE], S("Local")) ? RULE_STORE_LOCAL
                                                                    : RULE_STORE_MANAGED,
    };
    bool inbound = str_equal_nocase(m[FIELD_DIRECTION], S("Inbound"));
    if (!inbound && !str_equal_nocase(m[FIELD_DIRECTION], S("Outbound"))) {
        problem(r, o, "direction Inbound or Outbound", m[FIELD_DIRECTION]);
        return;
    }
    bool blocks = str_equal_nocase(m[FIELD_ACTION], S("Block"));
    if (!blocks && !str_equal_nocase(m[FIELD_ACTION], S("Allow"))) {
        problem(r, o, "action Allow or Block", m[FIELD_ACTION]);
        return;
    }
    if (!read_profiles(m[FIELD_PROFILE], &rule.profiles)) {
        problem(r, o, "profiles", m[FIELD_PROFILE]);
        return;
    }
    if (!read_protocol(m[FIELD_PROTOCOL], &rule)) {
        problem(r, o, "a protocol", m[FIELD_PROTOCOL]);
        return;
    }
    rule.direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    rule.action = blocks ? ACTION_BLOCK : ACTION_ALLOW;
    read_ports(r, m[inbound ? FIELD_LOCAL_PORT : FIELD_REMOTE_PORT],
               inbound ? "local port" : "remote port", &rule, &only_if);
    if (!is_any(m[inbound ? FIELD_REMOTE_PORT : FIELD_LOCAL_PORT]))
        condition(&only_if, inbound ? "remote port" : "local port",
                  m[inbound ? FIELD_REMOTE_PORT : FIELD_LOCAL_PORT]);
    rule.local = read_addresses(r, m[FIELD_LOCAL], "local", &only_if);
    rule.remote = read_addresses(r, m[FIELD_REMOTE], "remote", &only_if);
    read_conditions(o, &rule, &only_if);
    read_security(r, o, &rule, &only_if);
    rule.only_if = buf_text(&only_if);
    arena_grow(r->arena, r->rules, r->n_rules, r->rules_room);
    r->rules[r->n_rules++] = rule;
}

static bool read_demand(str text, enum security_demand *out)
{
    static const str words[] = {[SECURITY_NONE] = T("None"),
                                [SECURITY_REQUEST] = T("Request"),
                                [SECURITY_REQUIRE] = T("Require")};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_nocase(text, words[i])) {
            *out = (enum security_demand)i;
            return true;
        }
    return false;
}

static void add_security(struct reading *r, const struct object *o)
{
    const str *m = o->fields;
    struct buf only_if = buf_in(r->arena);
    struct security_rule rule = {
        .id = m[FIELD_NAME],
        .name = m[FIELD_DISPLAY],
        .group = m[FIELD_GROUP],
        .why = m[FIELD_DESCRIPTION],
        .offset = o->offset,
        .enabled = str_equal_nocase(m[FIELD_ENABLED], S("True")),
    };
    if (!read_profiles(m[FIELD_PROFILE], &rule.profiles)) {
        problem(r, o, "profiles", m[FIELD_PROFILE]);
        return;
    }
    if (!read_demand(m[FIELD_INBOUND], &rule.inbound) ||
        !read_demand(m[FIELD_OUTBOUND], &rule.outbound)) {
        problem(r, o, "None, Request or Require", m[FIELD_INBOUND]);
        return;
    }
    rule.local = read_addresses(r, m[FIELD_LOCAL], "local", &only_if);
    rule.remote = read_addresses(r, m[FIELD_REMOTE], "remote", &only_if);
    if (!is_any(m[FIELD_PROTOCOL])) condition(&only_if, "protocol", m[FIELD_PROTOCOL]);
    if (m[FIELD_MODE].len && !str_equal_nocase(m[FIELD_MODE], S("Transport")))
        condition(&only_if, "mode", m[FIELD_MODE]);
    /* What a set's proposals hold is text of the system's; names tell which sets they are. */
    if (m[FIELD_PHASE1].len) condition(&only_if, "first authentication", m[FIELD_PHASE1]);
    if (m[FIELD_PHASE2].len) condition(&only_if, "second authentication", m[FIELD_PHASE2]);
    rule.only_if = buf_text(&only_if);
    arena_grow(r->arena, r->security, r->n_security, r->security_room);
    r->security[r->n_security++] = rule;
}

/* ---- Objects ------------------------------------------------------------------------------------
 */

/* Text, a number, a truth value or null as text; a list of such joined by line feeds. */
static bool read_value(struct reading *r, struct json_scan_item item, str *out)
{
    struct buf list = buf_in(r->arena);
    if (item.kind == JSON_SCAN_STRING || item.kind == JSON_SCAN_NUMBER) *out = item.text;
    if (item.kind == JSON_SCAN_TRUE) *out = S("True");
    if (item.kind == JSON_SCAN_FALSE) *out = S("False");
    if (item.kind != JSON_SCAN_ARRAY) return json_scan_skip(&r->scan, item, r->err);
    for (;;) {
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) break;
        if (item.kind == JSON_SCAN_STRING || item.kind == JSON_SCAN_NUMBER) {
            if (list.len) buf_char(&list, '\n');
            buf_str(&list, item.text);
        } else if (!json_scan_skip(&r->scan, item, r->err)) {
            return false;
        }
    }
    *out = buf_text(&list);
    return true;
}

/* The object's begin was read. */
static bool read_object(struct reading *r, struct object *o)
{
    for (;;) {
        struct json_scan_item key, item;
        if (!json_scan_next(&r->scan, &key, r->err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        size_t at = 0;
        while (at < FIELD_COUNT && !str_equal(key.text, field_names[at]))
            at++;
        if (at == FIELD_COUNT ? !json_scan_skip(&r->scan, item, r->err)
                              : !read_value(r, item, &o->fields[at]))
            return false;
    }
}

/* A list of rules, or null where it could not be read. */
static bool read_list(struct reading *r, bool are_rules)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_ARRAY) return json_scan_skip(&r->scan, item, r->err);
    for (;;) {
        struct object o = {0};
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT)
            return err_at(r->err, ERR_MALFORMED, item.offset, "expected a rule, an object");
        o.offset = item.offset;
        if (!read_object(r, &o)) return false;
        if (are_rules)
            add_rule(r, &o);
        else
            add_security(r, &o);
    }
}

/* ---- Profiles -----------------------------------------------------------------------------------
 */

static bool is_yes(str text)
{
    return str_equal_nocase(text, S("True")) || str_equal(text, S("1"));
}

static bool is_no(str text)
{
    return str_equal_nocase(text, S("False")) || str_equal(text, S("0"));
}

static enum rule_verdict verdict_of(str text)
{
    if (str_equal_nocase(text, S("Allow"))) return RULE_PASSES;
    return str_equal_nocase(text, S("Block")) ? RULE_BLOCKS : RULE_UNTOUCHED;
}

static void set_profile(struct profile_state *state, str name, str value)
{
    if (str_equal(name, S("Enabled")) && (is_yes(value) || is_no(value)))
        state->firewall_on = is_yes(value) ? SAID_YES : SAID_NO;
    if (str_equal(name, S("DefaultInboundAction"))) state->inbound = verdict_of(value);
    if (str_equal(name, S("DefaultOutboundAction"))) state->outbound = verdict_of(value);
    if (str_equal(name, S("AllowInboundRules")) && (is_yes(value) || is_no(value)))
        state->shields_up = is_no(value) ? SAID_YES : SAID_NO;
    if (str_equal(name, S("AllowLocalFirewallRules")) && (is_yes(value) || is_no(value)))
        state->local_rules = is_yes(value) ? SAID_YES : SAID_NO;
    if (str_equal(name, S("AllowLocalIPsecRules")) && (is_yes(value) || is_no(value)))
        state->local_security = is_yes(value) ? SAID_YES : SAID_NO;
    if (str_equal(name, S("LogBlocked")) && (is_yes(value) || is_no(value)))
        state->logs_dropped = is_yes(value) ? SAID_YES : SAID_NO;
    if (str_equal(name, S("LogFileName"))) state->log_path = value;
    uint64_t kib = 0;
    if (str_equal(name, S("LogMaxSizeKilobytes")) && str_u64(value, UINT32_MAX, &kib))
        state->log_kib = (uint32_t)kib;
}

static bool read_profile(struct reading *r, struct profile_state *state)
{
    for (;;) {
        struct json_scan_item key, item;
        str value = {0};
        if (!json_scan_next(&r->scan, &key, r->err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (!json_scan_next(&r->scan, &item, r->err) || !read_value(r, item, &value)) return false;
        set_profile(state, key.text, value);
    }
}

static bool read_profile_states(struct reading *r)
{
    static const str names[PROFILE_COUNT] = {[PROFILE_DOMAIN] = T("Domain"),
                                             [PROFILE_PRIVATE] = T("Private"),
                                             [PROFILE_PUBLIC] = T("Public")};
    struct json_scan_item item, key;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_OBJECT) return json_scan_skip(&r->scan, item, r->err);
    for (;;) {
        unsigned p = 0;
        if (!json_scan_next(&r->scan, &key, r->err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        while (p < PROFILE_COUNT && !str_equal_nocase(key.text, names[p]))
            p++;
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        bool known = p < PROFILE_COUNT && item.kind == JSON_SCAN_OBJECT;
        if (known ? !read_profile(r, &r->out->profiles[p])
                  : !json_scan_skip(&r->scan, item, r->err))
            return false;
    }
}

/* ---- The file -----------------------------------------------------------------------------------
 */

static bool read_file(struct reading *r)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_OBJECT)
        return err_at(r->err, ERR_MALFORMED, item.offset, "expected an object");
    for (;;) {
        bool good;
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (str_equal(item.text, S("firewall_rules")))
            good = read_list(r, true);
        else if (str_equal(item.text, S("ipsec_rules")))
            good = read_list(r, false);
        else if (str_equal(item.text, S("firewall_profiles")))
            good = read_profile_states(r);
        else
            good = json_scan_skip(&r->scan, item, r->err);
        if (!good) return false;
    }
    return json_scan_next(&r->scan, &item, r->err);
}

static bool read(str source, bytes content, struct arena *arena, struct rule_file *out,
                 struct err *err)
{
    uint64_t mark;
    str text = str_from_file(arena, content, &mark);
    struct reading r = {
        .scan = json_scan_of(text, mark, arena),
        .arena = arena,
        .err = err,
        .out = out,
    };
    r.scan.replace_invalid = true; /* names of rules are what people wrote */
    if (!read_file(&r)) return err_in(err, source);
    out->engine = ENGINE_WINDOWS;
    out->rules = (struct ruleset){r.rules, r.n_rules, r.security, r.n_security};
    out->problems = r.problems;
    out->n_problems = r.n_problems;
    return true;
}

const struct rule_format collected_rules_format = {
    .name = T("collected"),
    .summary = T("what `collect --script` found in force on a machine"),
    .recognise = collected_recognise,
    .read = read,
};
