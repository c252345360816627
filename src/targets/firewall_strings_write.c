/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewall_strings_write.h"

#include "targets/guid.h"
#include "targets/target.h"

enum {
    NAME_BYTES = 200,
    WHY_BYTES = 900, /* shown in a list column; the whole reason is in RULES.md */
    LEAST_RANGES = 60,
};

static const char version[] = "v2.10|";
/* What Windows has for quick mode when nothing is configured: ESP with integrity, no null
 * encapsulation ([MS-FASP] 2.2.65 and appendix A, <31>). */
static const char default_quick_mode[] = "{E5A5D32A-4BCE-4e4d-B07F-4AB1BA7E5FE2}";
static const char log_path[] = "%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log";

/* ---- Fields -------------------------------------------------------------------------------------
 */

static void put_field(struct buf *out, const char *token, str value)
{
    if (!value.len) return;
    buf_format(out, "%s=", token);
    buf_str(out, value);
    buf_char(out, '|');
}

/* Text of a policy: nothing in it can end the field. */
static void put_text(struct buf *out, struct arena *arena, const char *token, str text, size_t most)
{
    put_field(out, token, str_trim(target_plain(arena, text, most)));
}

static void put_profiles(struct buf *out, uint8_t profiles)
{
    static const char *const names[PROFILE_COUNT] = {
        [PROFILE_DOMAIN] = "Domain",
        [PROFILE_PRIVATE] = "Private",
        [PROFILE_PUBLIC] = "Public",
    };
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (profiles >> p & 1u) buf_format(out, "Profile=%s|", names[p]);
}

/* Single ports, then ranges, as Windows orders them. */
static void put_ports(struct buf *out, const struct rule *rule)
{
    char side = rule->direction == DIRECTION_INBOUND ? 'L' : 'R';
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first == rule->ports[i].last)
            buf_format(out, "%cPort=%u|", side, (unsigned)rule->ports[i].first);
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first != rule->ports[i].last)
            buf_format(out, "%cPort2_10=%u-%u|", side, (unsigned)rule->ports[i].first,
                       (unsigned)rule->ports[i].last);
}

static void put_range(struct buf *out, const char *token, struct range range)
{
    char text[WINDOWS_RANGE_TEXT];
    put_field(out, token, windows_slots_range(text, range));
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static bool is_sid(str text)
{
    if (!str_starts(text, S("S-1-")) || text.ptr[text.len - 1] == '-') return false;
    for (size_t i = 4; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c == '-' && text.ptr[i - 1] != '-')) return false;
    }
    return text.len > 4;
}

bool firewall_strings_write_sddl(str principals, struct arena *arena, str *out)
{
    struct buf sddl = buf_in(arena);
    bool some = false;
    buf_str(&sddl, S("O:LSD:"));
    while (principals.len) {
        str sid, rest;
        (void)str_cut(principals, ' ', &sid, &rest);
        principals = rest;
        if (!sid.len) continue;
        if (!is_sid(sid)) return false;
        buf_format(&sddl, "(A;;CC;;;%.*s)", STR_ARG(sid));
        some = true;
    }
    *out = buf_text(&sddl);
    return some;
}

/* Inbound it beats blocks and names who may; outbound it beats blocks for these servers. */
static void put_security(struct buf *out, const struct rule *rule, struct arena *arena)
{
    str sddl = {0};
    bool inbound = rule->direction == DIRECTION_INBOUND;
    if (inbound && firewall_strings_write_sddl(rule->principals, arena, &sddl))
        put_field(out, "RMauth", sddl);
    buf_str(out, S("Security=Authenticate|"));
    if (!inbound) buf_str(out, S("AuthByPassOut=TRUE|"));
}

str firewall_strings_write_rule(const struct windows_slot *slot, str group, bool active,
                                struct arena *arena)
{
    const struct rule *rule = slot->rule;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    bool secure = active && rule->action == ACTION_ALLOW_IF_SECURE;
    const char *action = !active || rule->action == ACTION_BLOCK ? "Block"
                         : secure && inbound                     ? "ByPass"
                                                                 : "Allow";
    struct buf out = buf_in(arena);
    buf_format(&out, "%sAction=%s|Active=%s|Dir=%s|Protocol=%u|", version, action,
               active ? "TRUE" : "FALSE", inbound ? "In" : "Out",
               rule->transport == TRANSPORT_TCP ? 6u : 17u);
    put_profiles(&out, rule->profiles);
    put_ports(&out, rule);
    for (size_t i = 0; active && i < slot->n_local; i++)
        put_range(&out, slot->v4 ? "LA4" : "LA6", slot->local[i]);
    for (size_t i = 0; active && i < slot->n_remote; i++)
        put_range(&out, slot->v4 ? "RA4" : "RA6", slot->remote[i]);
    put_text(&out, arena, "App", rule->program, NAME_BYTES);
    if (active) {
        str name = str_head(rule->name, NAME_BYTES);
        put_text(&out, arena, "Name",
                 str_format(arena, "%.*s, %.*s", STR_ARG(name), STR_ARG(slot->part)),
                 NAME_BYTES + 20);
        put_text(&out, arena, "Desc", rule->why, WHY_BYTES);
    } else {
        buf_str(&out, S("Name=not used, takes the place of an older rule|"));
    }
    put_field(&out, "EmbedCtxt", group);
    if (secure) put_security(&out, rule, arena);
    return buf_text(&out);
}

/* ---- Connection security ------------------------------------------------------------------------
 */

static str set_id(str workspace, unsigned phase, struct arena *arena)
{
    return guid_of(arena, workspace, str_format(arena, "authentication phase %u", phase));
}

static void put_ends(struct buf *out, const char *v4, const char *v6, struct prefix_set set,
                     struct arena *arena)
{
    if (prefix_set_equal(set, (struct prefix_set){&addr_all, 1})) return; /* no token: any */
    struct prefix_set four = prefix_set_v4(arena, set), six = prefix_set_v6(arena, set);
    for (size_t i = 0; i < four.n; i++)
        put_range(out, v4, four.ranges[i]);
    for (size_t i = 0; i < six.n; i++)
        put_range(out, v6, six.ranges[i]);
}

static str security_text(const struct security_rule *rule, const struct firewall_strings_of *of,
                         struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_format(&out, "%sAction=Boundary|", version);
    put_text(&out, arena, "Name", rule->name.len ? rule->name : rule->id, NAME_BYTES);
    put_text(&out, arena, "Desc", rule->why, WHY_BYTES);
    buf_str(&out, S("Active=TRUE|"));
    put_profiles(&out, rule->profiles);
    put_ends(&out, "EP1_4", "EP1_6", rule->local, arena);
    put_ends(&out, "EP2_4", "EP2_6", rule->remote, arena);
    put_field(&out, "Auth1Set", set_id(of->workspace, 1, arena));
    if (rule->user_kerberos) put_field(&out, "Auth2Set", set_id(of->workspace, 2, arena));
    put_field(&out, "Crypto2Set", str_of(default_quick_mode));
    put_field(&out, "EmbedCtxt", of->group);
    return buf_text(&out);
}

/* ---- Values -------------------------------------------------------------------------------------
 */

struct writing {
    const struct firewall_strings_of *of;
    struct arena *arena;
    struct firewall_values values;
    struct err *err;
};

static void add_text(struct writing *w, str key, str name, str text)
{
    arena_grow(w->arena, w->values.items, w->values.n, w->values.room);
    w->values.items[w->values.n++] =
        (struct firewall_value){.key = key, .name = name, .text = text};
}

static void add_number(struct writing *w, str key, str name, uint32_t number)
{
    arena_grow(w->arena, w->values.items, w->values.n, w->values.room);
    w->values.items[w->values.n++] =
        (struct firewall_value){.key = key, .name = name, .is_number = true, .number = number};
}

static void add_logging(struct writing *w)
{
    static const str keys[] = {
        {"DomainProfile\\Logging",  21},
        {"PrivateProfile\\Logging", 22},
        {"PublicProfile\\Logging",  21},
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        add_text(w, keys[i], S("LogFilePath"), str_of(log_path));
        add_number(w, keys[i], S("LogFileSize"), FIREWALL_STRINGS_LOG_KIB);
        add_number(w, keys[i], S("LogDroppedPackets"), 1);
    }
}

static bool refuse(struct writing *w, str id, const char *field, str value, const char *why)
{
    return err_set(w->err, ERR_UNSUPPORTED,
                   "rule %.*s: %s \"%.*s\" cannot be expressed by target %.*s: %s; nothing is "
                   "written",
                   STR_ARG(id), field, STR_ARG(str_head(value, 80)),
                   STR_ARG(w->of->target ? w->of->target->name : S("windows")), why);
}

static void add_set(struct writing *w, unsigned phase, str method)
{
    str key = str_format(w->arena, "Phase%uAuthenticationSets\\%.*s", phase,
                         STR_ARG(set_id(w->of->workspace, phase, w->arena)));
    add_text(w, key, S("Version"), S("2.10"));
    add_text(w, key, S("Name"),
             str_format(w->arena, "%.*s, phase %u", STR_ARG(w->of->group), phase));
    add_text(w, key, S("EmbeddedContext"), w->of->group);
    add_text(w, str_format(w->arena, "%.*s\\0000", STR_ARG(key)), S("Method"), method);
}

/* The form a policy makes: request both ways by Kerberos, of named networks. */
static bool add_security(struct writing *w, struct ruleset rules)
{
    const struct prefix_set all = {&addr_all, 1};
    bool user = false;
    for (size_t i = 0; i < rules.n_security; i++) {
        const struct security_rule *rule = &rules.security[i];
        bool requests = rule->inbound == SECURITY_REQUEST && rule->outbound == SECURITY_REQUEST;
        if (!requests || !rule->computer_kerberos)
            return refuse(w, rule->id, "security", rule->name, "it is no request by Kerberos");
        if (rule->only_if.len) return refuse(w, rule->id, "condition", rule->only_if, "unknown");
        bool any = prefix_set_equal(rule->local, all) && prefix_set_equal(rule->remote, all);
        if (!rule->enabled || !rule->local.n || !rule->remote.n || any)
            return refuse(w, rule->id, "networks", rule->name, "they are none, or everything");
        user = user || rule->user_kerberos;
    }
    if (!rules.n_security) return true;
    add_set(w, 1, S("MachineKerb"));
    if (user) add_set(w, 2, S("UserKerb"));
    for (size_t i = 0; i < rules.n_security; i++) {
        str text = security_text(&rules.security[i], w->of, w->arena);
        if (2 * (text.len + 1) > FIREWALL_STRINGS_DATA)
            return refuse(w, rules.security[i].id, "networks", rules.security[i].name,
                          "they are longer than a value may be");
        add_text(w, S("ConSecRules"), rules.security[i].id, text);
    }
    return true;
}

static bool may_be_written(struct writing *w, const struct rule *rule)
{
    str sddl = {0};
    if (w->of->target && !target_expresses(w->of->target, rule, w->err)) return false;
    bool bypass = rule->action == ACTION_ALLOW_IF_SECURE && rule->direction == DIRECTION_INBOUND;
    if (!bypass && rule->principals.len)
        return refuse(w, rule->id, "principals", rule->principals,
                      "only an inbound rule of secured connections may name who");
    if (rule->transport != TRANSPORT_TCP && rule->transport != TRANSPORT_UDP)
        return refuse(w, rule->id, "protocol", rule->name, "it is neither TCP nor UDP");
    if (!bypass) return true;
    if (!firewall_strings_write_sddl(rule->principals, w->arena, &sddl))
        return refuse(w, rule->id, "principals", rule->principals,
                      "it takes SIDs, and at least one");
    return sddl.len <= FIREWALL_STRINGS_SDDL || refuse(w, rule->id, "principals", rule->principals,
                                                       "an SDDL has fewer than 10,000 characters");
}

/* Slots with as many ranges as the longest of their strings has room for. */
static struct windows_slots slots_that_fit(struct writing *w, struct ruleset rules)
{
    struct windows_slots slots = {0};
    size_t most = WINDOWS_RANGES_PER_RULE;
    for (bool fit = false; !fit; most = most / 2 > LEAST_RANGES ? most / 2 : LEAST_RANGES) {
        slots = windows_slots_of(rules, most, w->arena);
        fit = true;
        for (size_t i = 0; i < slots.n && fit && most > LEAST_RANGES; i++) {
            struct arena scratch = *w->arena;
            str text = firewall_strings_write_rule(&slots.items[i], w->of->group, true, &scratch);
            fit = 2 * (text.len + 1) <= FIREWALL_STRINGS_DATA;
        }
    }
    return slots;
}

static bool add_rules(struct writing *w, struct ruleset rules)
{
    for (size_t i = 0; i < rules.n; i++)
        if (!may_be_written(w, &rules.rules[i])) return false;
    struct windows_slots used = slots_that_fit(w, rules), unused = {0};
    for (size_t i = 0; i < used.n; i++) {
        const struct windows_slot *slot = &used.items[i];
        str id = target_plain(w->arena, slot->id, slot->id.len);
        if (id.len > FIREWALL_STRINGS_ID)
            return refuse(w, slot->id, "id", slot->id, "it has more than 259 characters");
        str text = firewall_strings_write_rule(slot, w->of->group, true, w->arena);
        if (2 * (text.len + 1) > FIREWALL_STRINGS_DATA)
            return refuse(w, slot->id, "string", rules.rules->name,
                          "it is longer than a value may be");
        add_text(w, S("FirewallRules"), id, text);
    }
    if (w->of->policy)
        unused = windows_slots_unused(w->of->policy, w->of->workspace, used, w->arena);
    for (size_t i = 0; i < unused.n; i++)
        add_text(w, S("FirewallRules"), unused.items[i].id,
                 firewall_strings_write_rule(&unused.items[i], w->of->group, false, w->arena));
    return true;
}

bool firewall_strings_write(const struct host_class *host_class,
                            const struct firewall_strings_of *of, struct arena *arena,
                            struct firewall_values *out, struct err *err)
{
    struct writing w = {.of = of, .arena = arena, .err = err};
    add_number(&w, (str){0}, S("PolicyVersion"), FIREWALL_STRINGS_VERSION);
    add_logging(&w);
    if (!add_security(&w, host_class->rules) || !add_rules(&w, host_class->rules)) return false;
    *out = w.values;
    return true;
}
