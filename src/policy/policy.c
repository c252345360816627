/* SPDX-License-Identifier: Apache-2.0 */
/* The top level of a policy, its segments, groups and services. Entries that speak of them are in
 * policy/entries.c; what all readers share is in policy/reading.c.
 */
#include "policy/policy.h"

#include "policy/entries.h"
#include "policy/places.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define COMPULSORY true
#define OPTIONAL   false

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

/* ---- Profiles -----------------------------------------------------------------------------------
 */

static const struct choices mode_choices = {modes, COUNT_OF(modes)};

static const struct key profile_keys[] = {
    {T("domain"),  OPTIONAL, reading_choice, PROFILE_DOMAIN * sizeof(enum profile_mode),
     &mode_choices},
    {T("private"), OPTIONAL, reading_choice, PROFILE_PRIVATE * sizeof(enum profile_mode),
     &mode_choices},
    {T("public"),  OPTIONAL, reading_choice, PROFILE_PUBLIC * sizeof(enum profile_mode),
     &mode_choices},
};
static const struct keys profile_map = {T("profiles"), profile_keys, COUNT_OF(profile_keys)};

static void read_map(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)reading_map(r, value, about, into);
}

/* ---- Names of segments and groups ---------------------------------------------------------------
 */

/* False when the name is taken or none. A second one of the same kind is a duplicate key, which is
 * reported already. */
static bool declare(struct reading *r, const struct node *key, int kind, size_t index)
{
    bool is_segment = kind == NAMED_SEGMENT;
    if (!reading_check_name(r, key, is_segment ? "a segment" : "a group")) return false;
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (str_equal(key->text, builtins[i])) {
            reading_error(r, "conflict", key->place,
                          "\"%.*s\" is a reserved word; a %s needs another name",
                          STR_ARG(key->text), is_segment ? "segment" : "group");
            return false;
        }
    bool fresh = false;
    uint64_t *found = map_put(&r->names, r->arena, key->text, r->n_named, &fresh);
    if (!fresh) {
        const struct named *first = &r->named[*found];
        if ((int)first->kind != kind)
            reading_error(r, "conflict", key->place,
                          "\"%.*s\" is already the segment of line %" PRIu32
                          "; segments and groups share their names",
                          STR_ARG(key->text), first->place.line);
        return false;
    }
    arena_grow(r->arena, r->named, r->n_named, r->room_named);
    r->named[r->n_named] = (struct named){.index = index, .place = key->place};
    r->named[r->n_named++].kind = is_segment ? NAMED_SEGMENT : NAMED_GROUP;
    return true;
}

/* ---- Segments -----------------------------------------------------------------------------------
 */

struct prefix_list {
    const struct placed_prefix *items;
    size_t n;
};

static struct prefix_list read_prefix_list(struct reading *r, const struct node *value)
{
    const struct node *items = NULL;
    size_t n = 0, kept = 0;
    if (!reading_items(r, value, "prefixes", false, &items, &n)) return (struct prefix_list){0};
    struct placed_prefix *list = arena_array(r->arena, struct placed_prefix, n);
    for (size_t i = 0; i < n; i++)
        if (reading_prefix(r, &items[i], &list[kept].prefix)) list[kept++].place = items[i].place;
    return (struct prefix_list){list, kept};
}

/* No segment holds a local address: they never cross a network. */
static void check_not_local(struct reading *r, const struct placed_prefix *p)
{
    struct range range = prefix_range(p->prefix);
    struct prefix_set set = {&range, 1};
    struct prefix_set bad = prefix_set_intersect(r->arena, set, places_local);
    char network[PREFIX_TEXT], found[ADDR_TEXT];
    if (!bad.n) return;
    str whole = prefix_text(network, p->prefix), one = addr_text(found, bad.ranges[0].first);
    reading_error(r, "value", p->place,
                  "a segment holds no loopback, link-local, multicast, broadcast or unspecified "
                  "address; %.*s contains %.*s",
                  STR_ARG(whole), STR_ARG(one));
}

static void read_networks(struct reading *r, const struct node *value, void *into,
                          const void *about)
{
    struct segment *segment = into;
    (void)about;
    struct prefix_list list = read_prefix_list(r, value);
    segment->networks = list.items;
    segment->n_networks = list.n;
    for (size_t i = 0; i < list.n; i++)
        check_not_local(r, &list.items[i]);
}

static void read_nat(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct segment *segment = into;
    (void)about;
    struct prefix_list list = read_prefix_list(r, value);
    segment->nat = list.items;
    segment->n_nat = list.n;
}

static const struct choices trust_choices = {trusts, COUNT_OF(trusts)};
static const str border_words[] = {T("none"), T("enforced")};
static const struct choices border_choices = {border_words, COUNT_OF(border_words)};

static void read_border(struct reading *r, const struct node *value, void *into, const void *about)
{
    unsigned choice = 0;
    reading_choice(r, value, &choice, about);
    *(bool *)into = choice == 1;
}

static const struct key segment_keys[] = {
    {T("networks"),   COMPULSORY, read_networks,  0,                       NULL                     },
    {T("trust"),      COMPULSORY, reading_choice, offsetof(struct segment, trust),                    &trust_choices},
    {T("border"),               OPTIONAL,               read_border,       offsetof(struct segment,     border_enforced),
     &border_choices},
    {T("profiles"), OPTIONAL,           read_map,             offsetof(struct segment,                            profiles),                                   &profile_map},
    {T("nat"),      OPTIONAL,    read_nat,                  0,       NULL},
};
static const struct keys segment_map = {T("a segment"), segment_keys, COUNT_OF(segment_keys)};

struct owned_prefix {
    struct placed_prefix network;
    str segment;
};

static int network_order(const void *left, const void *right)
{
    const struct owned_prefix *a = left, *b = right;
    int order = addr_compare(a->network.prefix.addr, b->network.prefix.addr);
    if (!order) order = (int)a->network.prefix.len - (int)b->network.prefix.len;
    if (order) return order;
    struct place x = a->network.place, y = b->network.place;
    if (x.line != y.line) return x.line < y.line ? -1 : 1;
    return (x.column > y.column) - (x.column < y.column);
}

static void check_networks_once(struct reading *r)
{
    const struct policy *policy = r->policy;
    size_t n = 0, total = 0;
    for (size_t i = 0; i < policy->n_segments; i++)
        total += policy->segments[i].n_networks;
    struct owned_prefix *all = arena_array(r->arena, struct owned_prefix, total);
    for (size_t i = 0; i < policy->n_segments; i++)
        for (size_t j = 0; j < policy->segments[i].n_networks; j++)
            all[n++] =
                (struct owned_prefix){policy->segments[i].networks[j], policy->segments[i].name};
    qsort(all, n, sizeof *all, network_order);
    for (size_t i = 1; i < n; i++) {
        struct prefix p = all[i].network.prefix, before = all[i - 1].network.prefix;
        if (p.len != before.len || !addr_equal(p.addr, before.addr)) continue;
        char text[PREFIX_TEXT];
        reading_error(r, "conflict", all[i].network.place,
                      "the network %.*s is already in segment \"%.*s\" (line %" PRIu32 ")",
                      STR_ARG(prefix_text(text, p)), STR_ARG(all[i - 1].segment),
                      all[i - 1].network.place.line);
    }
}

static void read_segments(struct reading *r, const struct node *value, void *into,
                          const void *about)
{
    struct policy *policy = into;
    (void)about;
    if (value->kind != NODE_MAP) {
        reading_error(r, "value", value->place,
                      "expected a mapping from segment names to segments, found %.*s",
                      STR_ARG(reading_found(r, value)));
        return;
    }
    struct segment *segments = arena_array(r->arena, struct segment, value->n);
    for (size_t i = 0; i < value->n; i++) {
        const struct node *key = &value->items[2 * i];
        struct segment *segment = &segments[policy->n_segments];
        bool named = declare(r, key, NAMED_SEGMENT, policy->n_segments);
        *segment = (struct segment){.name = key->text, .place = key->place};
        (void)reading_map(r, &value->items[2 * i + 1], &segment_map, segment);
        if (named) policy->n_segments++;
    }
    policy->segments = segments;
    check_networks_once(r);
}

/* ---- Groups -------------------------------------------------------------------------------------
 */

/* Labels of letters, digits, '-' and '_' (Windows allows it), separated by dots. */
static bool is_host_name(str text)
{
    enum { MOST_NAME = 253, MOST_LABEL = 63 };
    if (!text.len || text.len > MOST_NAME) return false;
    for (bool more = true; more;) {
        str label;
        more = str_cut(text, '.', &label, &text);
        if (!label.len || label.len > MOST_LABEL) return false;
        if (label.ptr[0] == '-' || label.ptr[label.len - 1] == '-') return false;
        for (size_t i = 0; i < label.len; i++) {
            char c = label.ptr[i];
            bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
            if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
        }
    }
    return true;
}

static const struct key ad_group_keys[] = {
    {T("ad-group"), COMPULSORY, reading_text, offsetof(struct member, name), NULL},
};
static const struct keys ad_group_map = {T("a group's member"), ad_group_keys, 1};

static bool read_member(struct reading *r, const struct node *item, struct member *out)
{
    *out = (struct member){.place = item->place};
    if (item->kind == NODE_MAP) {
        out->kind = MEMBER_AD_GROUP;
        return reading_map(r, item, &ad_group_map, out) && out->name.len;
    }
    if (item->kind == NODE_TEXT && reading_looks_like_address(item->text)) {
        out->kind = MEMBER_PREFIX;
        return reading_prefix(r, item, &out->prefix);
    }
    if (item->kind != NODE_TEXT || !is_host_name(item->text)) {
        reading_error(r, "value", item->place,
                      "expected a host name, an address, a prefix or {ad-group: NAME}, found %.*s",
                      STR_ARG(reading_found(r, item)));
        return false;
    }
    out->kind = MEMBER_NAME;
    out->name = item->text;
    return true;
}

static void read_hosts(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct group *group = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_items(r, value, "hosts", true, &items, &n)) return;
    struct member *members = arena_array(r->arena, struct member, n);
    for (size_t i = 0; i < n; i++)
        if (read_member(r, &items[i], &members[group->n_hosts])) group->n_hosts++;
    group->hosts = members;
}

static void read_vip(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct group *group = into;
    (void)about;
    struct prefix_list list = read_prefix_list(r, value);
    group->vip = list.items;
    group->n_vip = list.n;
}

static const struct choices role_choices = {roles, COUNT_OF(roles)};

static const struct key group_keys[] = {
    {T("hosts"), COMPULSORY,   read_hosts,     0,                     NULL                  },
    {T("role"),  OPTIONAL,     reading_choice, offsetof(struct group, role),                  &role_choices},
    {T("managed"),          OPTIONAL,           reading_bool,        offsetof(struct group,       managed), NULL},
    {T("profiles"),      OPTIONAL,                  read_map,                    offsetof(struct group,                            profiles),                         &profile_map},
    {T("vip"), OPTIONAL, read_vip,               0,  NULL},
};
static const struct keys group_map = {T("a group"), group_keys, COUNT_OF(group_keys)};

static void read_groups(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    (void)about;
    if (value->kind != NODE_MAP) {
        reading_error(r, "value", value->place,
                      "expected a mapping from group names to groups, found %.*s",
                      STR_ARG(reading_found(r, value)));
        return;
    }
    struct group *groups = arena_array(r->arena, struct group, value->n);
    for (size_t i = 0; i < value->n; i++) {
        const struct node *key = &value->items[2 * i];
        struct group *group = &groups[policy->n_groups];
        bool named = declare(r, key, NAMED_GROUP, policy->n_groups);
        *group = (struct group){.name = key->text, .place = key->place, .managed = true};
        (void)reading_map(r, &value->items[2 * i + 1], &group_map, group);
        if (named) policy->n_groups++;
    }
    policy->groups = groups;
}

/* A host may be called like a segment or group, but more likely the set was meant. */
static void warn_of_names_as_hosts(struct reading *r)
{
    for (size_t i = 0; i < r->policy->n_groups; i++)
        for (size_t j = 0; j < r->policy->groups[i].n_hosts; j++) {
            const struct member *member = &r->policy->groups[i].hosts[j];
            if (member->kind != MEMBER_NAME || !map_find(&r->names, member->name)) continue;
            diagnostics_warn(r->found, r->arena, S("ambiguous"), member->place,
                             "\"%.*s\" is taken as the name of a host; the segment or group of "
                             "that name is not meant here",
                             STR_ARG(member->name));
        }
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
    entries_read_services(r, value, false, &services, &n);
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

static const struct key windows_keys[] = {
    {T("strategy"), OPTIONAL, reading_choice, offsetof(struct policy, strategy),    &strategy_choices},
    {T("firewall"), OPTIONAL, read_border,    offsetof(struct policy, firewall_on), &firewall_choices},
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

/* No setting can be overridden yet; a list that would be passed over is refused instead. */
static void read_overrides(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    const struct node *items = NULL;
    size_t n = 0;
    (void)into;
    (void)about;
    if (reading_list(r, value, "overrides", &items, &n) && n)
        reading_error(r, "value", items[0].place,
                      "expected an empty list: this version overrides no hardening setting");
}

static const struct key hardening_keys[] = {
    {T("baseline"),       OPTIONAL, read_word, offsetof(struct policy,     hardening_baseline),
     &baseline_choices},
    {T("mode"),                   OPTIONAL,                   read_word,  offsetof(struct policy, hardening_mode), &hardening_choices},
    {T("overrides"), OPTIONAL,         read_overrides,     0,                       NULL                       },
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
    {T("segments"),        COMPULSORY, read_segments,          0,                     NULL          },
    {T("groups"),          OPTIONAL,   read_groups,            0,                     NULL          },
    {T("allow"),           OPTIONAL,   entries_read_allow,     0,                     NULL          },
    {T("perimeter"),       OPTIONAL,   entries_read_perimeter, 0,                     NULL          },
    {T("profiles"),        OPTIONAL,   read_map,               AT(profiles),          &profile_map  },
    {T("windows"),         OPTIONAL,   read_map,               0,                     &windows_map  },
    {T("rings"),           OPTIONAL,   entries_read_rings,     0,                     NULL          },
    {T("assert"),          OPTIONAL,   entries_read_assert,    0,                     NULL          },
    {T("hardening"),       OPTIONAL,   read_map,               0,                     &hardening_map},
    {T("lifeline"),        OPTIONAL,   read_map,               0,                     &lifeline_map },
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

    if (document_parse(text, arena, &root, found)) {
        (void)reading_map(&r, &root, &policy_map, &policy);
        warn_of_names_as_hosts(&r);
    }
    diagnostics_sort(found, first, arena);
    if (found->n_errors > errors_before) return false;
    policy.governed = governed;
    *out = policy;
    return true;
}
