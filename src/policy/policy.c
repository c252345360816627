/* SPDX-License-Identifier: Apache-2.0 */
/* The top level of a policy, its services and what has no file of its own. What all readers share
 * is in policy/reading.c.
 */
#include "policy/policy.h"

#include "policy/assertions.h"
#include "policy/entries.h"
#include "policy/governance.h"
#include "policy/groups.h"
#include "policy/hardening.h"
#include "policy/items.h"
#include "policy/rings.h"
#include "policy/segments.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Words --------------------------------------------------------------------------------------
 */

static const str trusts[] = {
#define X(name, text) T(text),
    TRUSTS(X)
#undef X
};
static const str roles[] = {
#define X(name, text) T(text),
    ROLES(X)
#undef X
};
static const str modes[] = {
#define X(name, text) T(text),
    MODES(X)
#undef X
};
static const str secures[] = {
#define X(name, text) T(text),
    SECURES(X)
#undef X
};
static const str builtins[] = {
#define X(name, text) T(text),
    BUILTINS(X)
#undef X
};

str trust_text(enum trust trust)
{
    return trusts[trust];
}

str role_text(enum role role)
{
    return roles[role];
}

str profile_mode_text(enum profile_mode mode)
{
    return modes[mode];
}

str secure_text(enum secure secure)
{
    return secures[secure];
}

str builtin_text(enum builtin builtin)
{
    return builtins[builtin];
}

/* ---- Services -----------------------------------------------------------------------------------
 */

static bool ports_overlap(struct service_port a, struct service_port b)
{
    return a.transport == b.transport && a.first <= b.last && b.first <= a.last;
}

/* The service among the first n that has a port of p; marks tell services on shared ports apart. */
static const struct service *owner_of_ports(const struct service *services, size_t n,
                                            struct service_port p)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < services[i].n_ports; j++)
            if (!services[i].mark.len && ports_overlap(services[i].ports[j], p))
                return &services[i];
    return NULL;
}

static void read_ports(struct reading *r, const struct node *value, const struct service *services,
                       size_t n_services, struct service *out)
{
    const struct node *items = NULL;
    size_t n = 0;
    if (!reading_items(r, value, "ports", false, &items, &n)) return;
    for (size_t i = 0; i < n; i++) {
        struct service_port p;
        if (items[i].kind != NODE_TEXT || !service_parse_ports(items[i].text, &p)) {
            reading_error(r, "value", items[i].place,
                          "expected a port such as tcp/9100 or tcp/5000-5010, found %.*s",
                          STR_ARG(reading_found(r, &items[i])));
            continue;
        }
        const struct service *owner = owner_of_ports(services, n_services, p);
        if (!owner) owner = owner_of_ports(out, 1, p);
        if (owner)
            reading_error(r, "conflict", items[i].place,
                          "the port %.*s is already in the service \"%.*s\"",
                          STR_ARG(items[i].text), STR_ARG(owner->name));
        else if (out->n_ports == LIMIT_SERVICE_PORTS)
            reading_error(r, "value", items[i].place, "a service has at most %d ports",
                          LIMIT_SERVICE_PORTS);
        else
            out->ports[out->n_ports++] = p;
    }
}

static void read_services(struct reading *r, const struct node *value, void *into,
                          const void *about)
{
    struct service_table *table = into;
    (void)about;
    if (value->kind != NODE_MAP) {
        reading_error(r, "value", value->place,
                      "expected a mapping from service names to ports, found %.*s",
                      STR_ARG(reading_found(r, value)));
        return;
    }
    struct service *services = arena_array(r->arena, struct service, LIMIT_SERVICES);
    size_t n = table->n;
    memcpy(services, table->services, n * sizeof *services);
    for (size_t i = 0; i < value->n; i++) {
        const struct node *key = &value->items[2 * i];
        if (!reading_check_name(r, key, "a service")) continue;
        if (service_by_name(service_builtin, key->text) != SERVICE_NONE) {
            reading_error(r, "conflict", key->place, "\"%.*s\" is a built-in service",
                          STR_ARG(key->text));
            continue;
        }
        /* A second one of the file is a duplicate key, reported already. */
        if (service_by_name((struct service_table){services, n}, key->text) != SERVICE_NONE)
            continue;
        if (n == LIMIT_SERVICES) {
            reading_error(r, "value", key->place, "a policy knows at most %d services",
                          LIMIT_SERVICES);
            break;
        }
        services[n] = (struct service){.name = key->text};
        read_ports(r, &value->items[2 * i + 1], services, n, &services[n]);
        n++;
    }
    *table = (struct service_table){services, n};
}

static void read_govern(struct reading *r, const struct node *value, void *into, const void *about)
{
    const size_t *services = NULL;
    size_t n = 0;
    (void)into;
    (void)about;
    memset(r->governed, 0, LIMIT_SERVICES * sizeof *r->governed);
    items_read_services(r, value, false, &services, &n);
    for (size_t i = 0; i < n; i++)
        r->governed[services[i]] = true;
}

/* ---- The rest of the top level ------------------------------------------------------------------
 */

static void read_version(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)into;
    (void)about;
    bool one = value->kind == NODE_TEXT && !value->quoted && str_equal(value->text, S("1"));
    if (!one)
        reading_error(r, "value", value->place, "expected version 1, found %.*s",
                      STR_ARG(reading_found(r, value)));
}

/* Only the form: whether the system knows the zone is asked where there is a system. */
static void read_timezone(struct reading *r, const struct node *value, void *into,
                          const void *about)
{
    bool good = value->kind == NODE_TEXT && value->text.len && value->text.ptr[0] != '/' &&
                value->text.ptr[0] != '-' && value->text.len <= 64 &&
                !str_contains(value->text, S(".."));
    for (size_t i = 0; good && i < value->text.len; i++) {
        char c = value->text.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        good = letter || c == '/' || c == '_' || c == '-' || c == '+';
    }
    (void)about;
    struct policy *policy = into;
    policy->timezone_place = value->place;
    if (good)
        policy->timezone = value->text;
    else
        reading_error(r, "value", value->place,
                      "expected an IANA time zone such as Europe/Berlin, found %.*s",
                      STR_ARG(reading_found(r, value)));
}

/* S-1-5-21-a-b-c, each a number of 32 bits ([MS-DTYP] 2.4.2). */
static void read_sid(struct reading *r, const struct node *value, void *into, const void *about)
{
    size_t parts = 0;
    bool good = value->kind == NODE_TEXT && str_starts(value->text, S("S-1-5-21-"));
    str rest = good ? str_tail(value->text, S("S-1-5-21-").len) : (str){0}, part;
    (void)about;
    for (bool more = good; more; parts++) {
        uint64_t number = 0;
        more = str_cut(rest, '-', &part, &rest);
        good = good && str_u64(part, UINT32_MAX, &number);
    }
    if (good && parts == 3)
        *(str *)into = value->text;
    else
        reading_error(r, "value", value->place,
                      "expected a domain's SID such as S-1-5-21-1-2-3, found %.*s",
                      STR_ARG(reading_found(r, value)));
}

static const struct key domain_keys[] = {
    {T("name"), COMPULSORY, reading_text, offsetof(struct domain, name), NULL},
    {T("sid"),  OPTIONAL,   read_sid,     offsetof(struct domain, sid),  NULL},
};
static const struct keys domain_map = {T("a domain"), domain_keys, COUNT_OF(domain_keys)};

static void read_domains(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "domains", &items, &n)) return;
    struct domain *domains = arena_array(r->arena, struct domain, n);
    for (size_t i = 0; i < n; i++) {
        domains[i].place = items[i].place;
        (void)reading_map(r, &items[i], &domain_map, &domains[i]);
    }
    policy->domains = domains;
    policy->n_domains = n;
}

static const str strategy_words[] = {T("scoped-block"), T("secure-bypass")};
static const struct choices strategy_choices = {strategy_words, COUNT_OF(strategy_words)};
static const str firewall_words[] = {T(""), T("on")};
static const struct choices firewall_choices = {firewall_words, COUNT_OF(firewall_words)};

static void read_firewall(struct reading *r, const struct node *value, void *into,
                          const void *about)
{
    unsigned choice = 0;
    reading_choice(r, value, &choice, about);
    *(bool *)into = choice == 1;
}

static const struct key windows_keys[] = {
    {T("strategy"), OPTIONAL, reading_choice, offsetof(struct policy, strategy),    &strategy_choices},
    {T("firewall"), OPTIONAL, read_firewall,  offsetof(struct policy, firewall_on),
     &firewall_choices                                                                               },
};
static const struct keys windows_map = {T("windows"), windows_keys, COUNT_OF(windows_keys)};

static const str baseline_words[] = {T("smb-2026")};
static const struct choices baseline_choices = {baseline_words, COUNT_OF(baseline_words)};
static const str hardening_words[] = {T("audit"), T("enforce"), T("off")};
static const struct choices hardening_choices = {hardening_words, COUNT_OF(hardening_words)};

static void read_word(struct reading *r, const struct node *value, void *into, const void *about)
{
    const struct choices *choices = about;
    unsigned choice = 0;
    reading_choice(r, value, &choice, about);
    *(str *)into = choices->words[choice];
}

static const struct key hardening_keys[] = {
    {T("baseline"),       OPTIONAL, read_word, offsetof(struct policy,     hardening_baseline),
     &baseline_choices},
    {T("mode"),                   OPTIONAL,                   read_word,  offsetof(struct policy, hardening_mode), &hardening_choices},
    {T("overrides"), OPTIONAL,         hardening_read_overrides,     0,                       NULL             },
};
static const struct keys hardening_map = {T("hardening"), hardening_keys, COUNT_OF(hardening_keys)};

static const struct key lifeline_keys[] = {
    {T("off"), COMPULSORY, reading_text, offsetof(struct policy, lifeline_off), NULL},
};
static const struct keys lifeline_map = {T("lifeline"), lifeline_keys, COUNT_OF(lifeline_keys)};

#define AT(member) offsetof(struct policy, member)
/* In the order of reading: names stand above what uses them. */
static const struct key policy_keys[] = {
    {T("version"),         COMPULSORY, read_version,           0,                     NULL          },
    {T("organisation"),    OPTIONAL,   reading_text,           AT(organisation),      NULL          },
    {T("timezone"),        OPTIONAL,   read_timezone,          0,                     NULL          },
    {T("resolve-max-age"), OPTIONAL,   reading_duration,       AT(resolve_max_age_s), NULL          },
    {T("domains"),         OPTIONAL,   read_domains,           0,                     NULL          },
    {T("services"),        OPTIONAL,   read_services,          AT(services),          NULL          },
    {T("govern"),          OPTIONAL,   read_govern,            0,                     NULL          },
    {T("segments"),        COMPULSORY, segments_read,          0,                     NULL          },
    {T("groups"),          OPTIONAL,   groups_read,            0,                     NULL          },
    {T("allow"),           OPTIONAL,   entries_read_allow,     0,                     NULL          },
    {T("perimeter"),       OPTIONAL,   entries_read_perimeter, 0,                     NULL          },
    {T("profiles"),        OPTIONAL,   reading_profiles,       AT(profiles),          NULL          },
    {T("windows"),         OPTIONAL,   reading_keys,           0,                     &windows_map  },
    {T("rings"),           OPTIONAL,   rings_read,             0,                     NULL          },
    {T("assert"),          OPTIONAL,   assertions_read,        0,                     NULL          },
    {T("hardening"),       OPTIONAL,   reading_keys,           0,                     &hardening_map},
    {T("governance"),      OPTIONAL,   governance_read,        0,                     NULL          },
    {T("lifeline"),        OPTIONAL,   reading_keys,           0,                     &lifeline_map },
};
#undef AT
static const struct keys policy_map = {T("a policy"), policy_keys, COUNT_OF(policy_keys)};

static bool govern_by_default(str name)
{
    return str_equal(name, S("smb")) || str_equal(name, S("netbios"));
}

bool policy_parse(str source, str text, struct arena *arena, struct policy *out,
                  struct diagnostics *found)
{
    enum { WEEK_S = 7 * 86400 };
    size_t first = found->n, errors_before = found->n_errors;
    struct node root;
    struct policy policy = {
        .source = source,
        .text = text,
        .digest = sha256_of(str_bytes(text)),
        .timezone = S("UTC"),
        .services = service_builtin,
        .resolve_max_age_s = WEEK_S,
        .hardening_mode = S("audit"),
    };
    bool *governed = arena_array(arena, bool, LIMIT_SERVICES);
    struct reading r = {.arena = arena, .found = found, .policy = &policy, .governed = governed};
    for (size_t i = 0; i < service_builtin.n; i++)
        governed[i] = govern_by_default(service_builtin.services[i].name);

    struct arena tree = arena_open("policy tree", 0, NULL);
    if (document_parse(text, arena, &tree, &root, found)) {
        (void)reading_map(&r, &root, &policy_map, &policy);
        groups_warn_of_names(&r);
    }
    arena_close(&tree);
    diagnostics_sort(found, first, arena);
    if (found->n_errors > errors_before) return false;
    policy.governed = governed;
    *out = policy;
    return true;
}
