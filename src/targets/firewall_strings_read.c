/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewall_strings_read.h"

#include "targets/firewall_rule_read.h"
#include "targets/firewall_security_read.h"

#define LOCAL "SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy"

const str firewall_strings_read_local_key = {"" LOCAL, sizeof LOCAL - 1};

/* ---- Keys ---------------------------------------------------------------------------------------
 */

/* A store of firewall policy, by the key above it. Local: the private profile is spelled
 * "StandardProfile", in policy that is both private and public of Windows XP's time. */
struct store {
    enum { STORE_POLICY, STORE_MDM, STORE_LOCAL, STORE_SERVICES, STORE_FACTORY, STORE_COUNT } kind;
    str path; /* below the store's key */
};

/* Cuts `head` off the path, which may end there. */
static bool cut_key(str *path, str head)
{
    if (path->len < head.len || !str_equal_nocase(str_head(*path, head.len), head)) return false;
    str rest = str_tail(*path, head.len);
    if (rest.len && rest.ptr[0] != '\\') return false;
    *path = str_tail(rest, 1);
    return true;
}

/* "SYSTEM\ControlSet001\Services" as well: a machine's disk says which of them is current. */
static bool cut_services(str *path)
{
    str set, rest = *path;
    (void)cut_key(&rest, S("SYSTEM"));
    (void)str_cut(rest, '\\', &set, &rest);
    bool current = str_equal_nocase(set, S("CurrentControlSet"));
    bool numbered = set.len == 13 && str_equal_nocase(str_head(set, 10), S("ControlSet"));
    if ((!current && !numbered) || !cut_key(&rest, S("Services\\SharedAccess"))) return false;
    *path = rest;
    return true;
}

static bool store_of(str key, struct store *out)
{
    struct store store = {.path = key};
    (void)cut_key(&store.path, S("HKEY_LOCAL_MACHINE"));
    str policy = store.path;
    (void)cut_key(&policy, S("SOFTWARE"));
    if (cut_key(&policy, S("Policies\\Microsoft\\WindowsFirewall"))) {
        *out = (struct store){STORE_POLICY, policy};
        return true;
    }
    if (!cut_services(&store.path)) return false;
    store.kind = STORE_LOCAL;
    if (cut_key(&store.path, S("Defaults\\FirewallPolicy")))
        store.kind = STORE_FACTORY;
    else if (!cut_key(&store.path, S("Parameters\\FirewallPolicy")))
        return false;
    if (store.kind == STORE_LOCAL && cut_key(&store.path, S("Mdm"))) store.kind = STORE_MDM;
    if (store.kind == STORE_LOCAL && cut_key(&store.path, S("RestrictedServices")))
        store.kind = STORE_SERVICES;
    *out = store;
    return true;
}

bool firewall_strings_read_owns(str key)
{
    struct store store;
    return store_of(key, &store);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct reading {
    struct arena *arena;
    struct rule *rules;
    size_t n_rules, room_rules;
    struct security_rule *security;
    size_t n_security, room_security;
    struct rule_problem *problems;
    size_t n_problems, room_problems;
    struct firewall_sets *sets[STORE_COUNT];
    struct profile_state policy[PROFILE_COUNT], own[PROFILE_COUNT];
    struct profile_state standard; /* policy's StandardProfile */
    bool has_profiles;             /* policy has a private or public one */
    size_t n_factory, n_main_mode;
    const struct registry_value *factory, *main_mode; /* the first of each */
};

static void add_problem(struct reading *r, const struct registry_value *v, str what)
{
    enum { SHOWN = 120 };
    str name = v->name.len ? v->name : S("(default)");
    arena_grow(r->arena, r->problems, r->n_problems, r->room_problems);
    r->problems[r->n_problems++] = (struct rule_problem){
        .offset = v->offset,
        .line = v->line,
        .text =
            str_format(r->arena, "value %.*s: %.*s", STR_ARG(str_head(name, SHOWN)), STR_ARG(what)),
    };
}

/* The text of a rule's value; anything else is a problem. */
static bool rule_text(struct reading *r, const struct registry_value *v, str *out)
{
    if (registry_value_text(v, r->arena, out)) return true;
    add_problem(r, v,
                str_format(r->arena, "expected text, found %.*s of %zu bytes",
                           STR_ARG(registry_value_type_text(v->type, r->arena)), v->data.len));
    return false;
}

static void read_rule(struct reading *r, const struct registry_value *v, const struct store *store)
{
    struct rule rule = {0};
    str text, problem = {0};
    if (!rule_text(r, v, &text)) return;
    if (!firewall_rule_read(text, r->arena, &rule, &problem)) {
        add_problem(r, v, problem);
        return;
    }
    rule.id = v->name;
    rule.offset = v->offset;
    rule.store = store->kind == STORE_POLICY || store->kind == STORE_MDM ? RULE_STORE_MANAGED
                                                                         : RULE_STORE_LOCAL;
    /* Rules that harden a service speak of that service alone, and beside all others. */
    if (store->kind == STORE_SERVICES)
        rule.only_if = rule.only_if.len
                           ? str_format(r->arena, "service hardening; %.*s", STR_ARG(rule.only_if))
                           : S("service hardening");
    arena_grow(r->arena, r->rules, r->n_rules, r->room_rules);
    r->rules[r->n_rules++] = rule;
}

static void read_security(struct reading *r, const struct registry_value *v,
                          const struct store *store)
{
    struct security_rule rule = {0};
    str text, problem = {0};
    if (!rule_text(r, v, &text)) return;
    if (!firewall_security_read(text, r->sets[store->kind], r->arena, &rule, &problem)) {
        add_problem(r, v, problem);
        return;
    }
    rule.id = v->name;
    rule.offset = v->offset;
    arena_grow(r->arena, r->security, r->n_security, r->room_security);
    r->security[r->n_security++] = rule;
}

/* ---- Profiles -----------------------------------------------------------------------------------
 */

/* Where a value of a profile goes. */
struct setting {
    const char *path, *name;
    enum { SETTING_SAID, SETTING_ACTION, SETTING_KIB, SETTING_PATH } kind;
    size_t offset; /* in struct profile_state */
};

#define AT(member) offsetof(struct profile_state, member)

static const struct setting settings[] = {
    {"",        "EnableFirewall",             SETTING_SAID,   AT(firewall_on)   },
    {"",        "DoNotAllowExceptions",       SETTING_SAID,   AT(shields_up)    },
    {"",        "AllowLocalPolicyMerge",      SETTING_SAID,   AT(local_rules)   },
    {"",        "AllowLocalIPsecPolicyMerge", SETTING_SAID,   AT(local_security)},
    {"",        "DefaultInboundAction",       SETTING_ACTION, AT(inbound)       },
    {"",        "DefaultOutboundAction",      SETTING_ACTION, AT(outbound)      },
    {"Logging", "LogDroppedPackets",          SETTING_SAID,   AT(logs_dropped)  },
    {"Logging", "LogFileSize",                SETTING_KIB,    AT(log_kib)       },
    {"Logging", "LogFilePath",                SETTING_PATH,   AT(log_path)      },
};

static void set_number(struct reading *r, struct profile_state *state,
                       const struct setting *setting, const struct registry_value *v)
{
    uint32_t number = 0;
    void *at = (char *)state + setting->offset;
    if (!registry_value_dword(v, &number)) {
        add_problem(r, v,
                    str_format(r->arena, "expected a REG_DWORD, found %.*s of %zu bytes",
                               STR_ARG(registry_value_type_text(v->type, r->arena)), v->data.len));
        return;
    }
    if (setting->kind == SETTING_KIB) {
        *(uint32_t *)at = number;
    } else if (number > 1) {
        add_problem(r, v, str_format(r->arena, "expected 0 or 1, found %" PRIu32, number));
    } else if (setting->kind == SETTING_ACTION) {
        *(enum rule_verdict *)at = number ? RULE_BLOCKS : RULE_PASSES;
    } else {
        int said = number ? SAID_YES : SAID_NO;
        memcpy(at, &said, sizeof state->firewall_on);
    }
}

static void read_setting(struct reading *r, struct profile_state *state, str path,
                         const struct registry_value *v)
{
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        const struct setting *setting = &settings[i];
        if (!str_equal_nocase(path, str_of(setting->path)) ||
            !str_equal_nocase(v->name, str_of(setting->name)))
            continue;
        if (setting->kind != SETTING_PATH)
            set_number(r, state, setting, v);
        else if (!registry_value_text(v, r->arena, &state->log_path))
            add_problem(r, v, S("expected text"));
        return;
    }
}

/* True when the value is of a profile. */
static bool read_profile(struct reading *r, const struct store *store,
                         const struct registry_value *v)
{
    str path = store->path;
    bool policy = store->kind != STORE_LOCAL;
    struct profile_state *profiles = policy ? r->policy : r->own;
    if (cut_key(&path, S("DomainProfile"))) {
        read_setting(r, &profiles[PROFILE_DOMAIN], path, v);
    } else if (cut_key(&path, S("PrivateProfile"))) {
        r->has_profiles = r->has_profiles || policy;
        read_setting(r, &profiles[PROFILE_PRIVATE], path, v);
    } else if (cut_key(&path, S("PublicProfile"))) {
        r->has_profiles = r->has_profiles || policy;
        read_setting(r, &profiles[PROFILE_PUBLIC], path, v);
    } else if (cut_key(&path, S("StandardProfile"))) {
        read_setting(r, policy ? &r->standard : &profiles[PROFILE_PRIVATE], path, v);
    } else {
        return false;
    }
    return true;
}

/* Windows XP's profile stands for both of today's as long as policy names neither ([MS-GPFAS]
 * 2.2.3). It has no default actions and no switch for local rules. */
static void use_standard(struct reading *r)
{
    static const struct profile_state nothing;
    if (r->has_profiles || memcmp(&r->standard, &nothing, sizeof nothing) == 0) return;
    r->standard.inbound = r->standard.outbound = RULE_UNTOUCHED;
    r->standard.local_rules = SAID_NOTHING;
    r->policy[PROFILE_PRIVATE] = r->standard;
    r->policy[PROFILE_PUBLIC] = r->standard;
}

static size_t setting_size(const struct setting *setting)
{
    switch (setting->kind) {
    case SETTING_SAID:
        return sizeof((struct profile_state *)NULL)->firewall_on;
    case SETTING_ACTION:
        return sizeof(enum rule_verdict);
    case SETTING_KIB:
        return sizeof(uint32_t);
    case SETTING_PATH:
        break;
    }
    return sizeof(str);
}

/* What policy says counts before what the machine says of itself ([MS-FASP] 2.2.38). */
static void add_profiles(struct profile_state *to, const struct profile_state *said)
{
    static const struct profile_state nothing;
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (size_t i = 0; i < COUNT_OF(settings); i++) {
            size_t at = settings[i].offset, size = setting_size(&settings[i]);
            const char *from = (const char *)&said[p] + at;
            if (memcmp(from, (const char *)&nothing + at, size) != 0)
                memcpy((char *)&to[p] + at, from, size);
        }
}

/* ---- All values ---------------------------------------------------------------------------------
 */

static void read_value(struct reading *r, const struct registry_value *v)
{
    struct store store;
    if (!store_of(v->key, &store)) return;
    if (store.kind == STORE_FACTORY) {
        if (!r->n_factory++) r->factory = v;
        return;
    }
    str path = store.path;
    if (store.kind == STORE_SERVICES) {
        if (cut_key(&path, S("AppIso"))) store.kind = STORE_LOCAL;
        (void)cut_key(&path, S("Static"));
        (void)cut_key(&path, S("Configurable"));
        if (cut_key(&path, S("System"))) path = S("FirewallRules");
    }
    if (str_equal_nocase(path, S("FirewallRules")))
        read_rule(r, v, &store);
    else if (str_equal_nocase(path, S("ConSecRules")))
        read_security(r, v, &store);
    else if (str_equal_nocase(path, S("MainModeRules")) && !r->n_main_mode++)
        r->main_mode = v;
    else
        (void)read_profile(r, &store, v);
}

/* Rules name sets, wherever these stand. */
static void read_sets(struct reading *r, struct registry_values values)
{
    for (size_t i = 0; i < STORE_COUNT; i++)
        r->sets[i] = firewall_security_read_sets(r->arena);
    for (size_t i = 0; i < values.n; i++) {
        struct store store;
        if (store_of(values.items[i].key, &store))
            (void)firewall_security_read_add(r->sets[store.kind], r->arena, store.path,
                                             &values.items[i]);
    }
}

/* Windows logs by profile, and only what is dropped. */
static void set_logs(struct reading *r, const struct profile_state *profiles)
{
    for (size_t i = 0; i < r->n_rules; i++) {
        struct rule *rule = &r->rules[i];
        rule->logs = rule->action == ACTION_BLOCK;
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            if ((rule->profiles >> p & 1u) && profiles[p].logs_dropped != SAID_YES)
                rule->logs = false;
    }
}

static void begin_with(struct reading *r, const struct rule_file *file)
{
    for (size_t i = 0; i < file->rules.n; i++) {
        arena_grow(r->arena, r->rules, r->n_rules, r->room_rules);
        r->rules[r->n_rules++] = file->rules.rules[i];
    }
    for (size_t i = 0; i < file->rules.n_security; i++) {
        arena_grow(r->arena, r->security, r->n_security, r->room_security);
        r->security[r->n_security++] = file->rules.security[i];
    }
    for (size_t i = 0; i < file->n_problems; i++) {
        arena_grow(r->arena, r->problems, r->n_problems, r->room_problems);
        r->problems[r->n_problems++] = file->problems[i];
    }
}

void firewall_strings_read(struct registry_values values, struct arena *arena,
                           struct rule_file *out)
{
    struct reading r = {.arena = arena};
    values = registry_value_applied(values, arena);
    begin_with(&r, out);
    read_sets(&r, values);
    for (size_t i = 0; i < values.n; i++)
        read_value(&r, &values.items[i]);
    if (r.n_factory)
        add_problem(&r, r.factory,
                    str_format(arena, "%zu values are factory defaults, not in force: left out",
                               r.n_factory));
    if (r.n_main_mode)
        add_problem(&r, r.main_mode,
                    str_format(arena, "%zu main mode rules are left out", r.n_main_mode));
    use_standard(&r);
    add_profiles(out->profiles, r.own);
    add_profiles(out->profiles, r.policy);
    set_logs(&r, out->profiles);
    out->rules = (struct ruleset){r.rules, r.n_rules, r.security, r.n_security};
    out->problems = r.problems;
    out->n_problems = r.n_problems;
}
