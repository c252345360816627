/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewall_security_read.h"

#include "base/map.h"
#include "targets/firewall_token.h"

/* What is shown of a set: rules may name the same one by the thousand. */
enum { SHOWN = 120, MOST_FIELDS = 16, MOST_SUITES = 8 };

enum set_kind { PHASE1_AUTHENTICATION, PHASE2_AUTHENTICATION, PHASE1_CRYPTO, PHASE2_CRYPTO };

/* One proposal of a set: Method or Protocol, and what it asks for. */
struct suite {
    str number; /* "0000"; they are tried in this order */
    struct {
        str name, text;
    } * fields;
    size_t n, room;
};

struct set {
    struct suite *suites;
    size_t n, room;
    bool sorted;
};

struct firewall_sets {
    struct map numbers; /* kind and id → place in sets */
    struct set *sets;
    size_t n, room;
    struct map
        standing; /* kind and a well-known id → place in ids, of the set that stands for it */
    str *ids;
    size_t n_ids, room_ids;
};

/* ---- Sets ---------------------------------------------------------------------------------------
 */

struct firewall_sets *firewall_security_read_sets(struct arena *arena)
{
    return arena_new(arena, struct firewall_sets);
}

/* The specification spells them both ways ([MS-GPFAS] 2.2.4, 2.2.5, 4.4). */
static bool kind_of(str name, enum set_kind *out)
{
    static const struct {
        const char *name;
        enum set_kind kind;
    } kinds[] = {
        {"Phase1AuthenticationSets", PHASE1_AUTHENTICATION},
        {"Phase1AuthenticationSet",  PHASE1_AUTHENTICATION},
        {"Phase2AuthenticationSets", PHASE2_AUTHENTICATION},
        {"Phase2AuthenticationSet",  PHASE2_AUTHENTICATION},
        {"Phase1CryptoSets",         PHASE1_CRYPTO        },
        {"Phase1CryptoSet",          PHASE1_CRYPTO        },
        {"Phase2CryptoSets",         PHASE2_CRYPTO        },
        {"Phase2CryptoSet",          PHASE2_CRYPTO        },
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!str_equal_nocase(name, str_of(kinds[i].name))) continue;
        *out = kinds[i].kind;
        return true;
    }
    return false;
}

static str word_of(struct arena *arena, enum set_kind kind, str id)
{
    return str_format(arena, "%u %.*s", (unsigned)kind, STR_ARG(str_lower(arena, id)));
}

static struct set *set_made(struct firewall_sets *sets, struct arena *arena, str word)
{
    bool fresh;
    uint64_t at = *map_put(&sets->numbers, arena, word, sets->n, &fresh);
    if (fresh) {
        arena_grow(arena, sets->sets, sets->n, sets->room);
        sets->sets[sets->n++] = (struct set){0};
    }
    return &sets->sets[at];
}

/* Registries list the fields of a suite together: the last one is the one most often meant. */
static struct suite *suite_made(struct set *set, struct arena *arena, str number)
{
    for (size_t left = set->n; left > 0; left--)
        if (str_equal(set->suites[left - 1].number, number)) return &set->suites[left - 1];
    arena_grow(arena, set->suites, set->n, set->room);
    set->suites[set->n] = (struct suite){.number = number};
    return &set->suites[set->n++];
}

bool firewall_security_read_add(struct firewall_sets *sets, struct arena *arena, str path,
                                const struct registry_value *value)
{
    enum set_kind kind;
    str collection, id, number, text = {0};
    (void)str_cut(path, '\\', &collection, &path);
    (void)str_cut(path, '\\', &id, &number);
    if (!kind_of(collection, &kind)) return false;
    if (!registry_value_text(value, arena, &text)) text = (str){0};
    if (!id.len) {
        uint64_t *at =
            map_put(&sets->standing, arena, word_of(arena, kind, value->name), sets->n_ids, NULL);
        *at = sets->n_ids;
        arena_grow(arena, sets->ids, sets->n_ids, sets->room_ids);
        sets->ids[sets->n_ids++] = text;
        return true;
    }
    struct set *set = set_made(sets, arena, word_of(arena, kind, id));
    if (!number.len || set->n > LIMIT_FIREWALL_SUITES) return true;
    struct suite *suite = suite_made(set, arena, number);
    if (suite->n > LIMIT_FIREWALL_SUITE_FIELDS) return true;
    arena_grow(arena, suite->fields, suite->n, suite->room);
    suite->fields[suite->n].name = value->name;
    suite->fields[suite->n++].text = text;
    return true;
}

static int suite_order(const void *left, const void *right)
{
    const struct suite *a = left, *b = right;
    return str_compare(a->number, b->number);
}

/* The set of that id; a well-known one may be stood for by another. NULL = not in the registry.
 * *is_standard : the well-known set as Windows has it */
static struct set *set_named(const struct firewall_sets *sets, struct arena *arena,
                             enum set_kind kind, str id, bool *is_standard)
{
    static const char *const standard[] = {
        [PHASE1_CRYPTO] = "{E5A5D32A-4BCE-4E4D-B07F-4AB1BA7E5FE1}",
        [PHASE2_CRYPTO] = "{E5A5D32A-4BCE-4E4D-B07F-4AB1BA7E5FE2}",
        [PHASE1_AUTHENTICATION] = "{E5A5D32A-4BCE-4E4D-B07F-4AB1BA7E5FE3}",
        [PHASE2_AUTHENTICATION] = "{E5A5D32A-4BCE-4E4D-B07F-4AB1BA7E5FE4}",
    };
    bool is_known = str_equal_nocase(id, str_of(standard[kind]));
    const uint64_t *other = is_known ? map_find(&sets->standing, word_of(arena, kind, id)) : NULL;
    if (other) id = sets->ids[*other];
    const uint64_t *at = map_find(&sets->numbers, word_of(arena, kind, id));
    *is_standard = is_known && !other && !at;
    if (!at) return NULL;
    struct set *set = &sets->sets[*at];
    if (!set->sorted && set->n > 1) qsort(set->suites, set->n, sizeof *set->suites, suite_order);
    set->sorted = true;
    return set;
}

static str field_of(const struct suite *suite, const char *name)
{
    for (size_t i = 0; i < suite->n; i++)
        if (str_equal_nocase(suite->fields[i].name, str_of(name))) return suite->fields[i].text;
    return (str){0};
}

/* "no encapsulation", "MachineCert CAName=…": what that a suite says; SkipVersion tells only who
 * may pass over it. */
static str suite_text(const struct suite *suite, struct arena *arena)
{
    struct buf out = buf_in(arena);
    str method = field_of(suite, "Method");
    if (str_equal_nocase(field_of(suite, "2_9Protocol"), S("AUTH_NO_ENCAP")))
        return S("no encapsulation");
    buf_str(&out, str_head(method, SHOWN));
    for (size_t i = 0; i < suite->n && i < MOST_FIELDS; i++) {
        str name = suite->fields[i].name;
        if (str_equal_nocase(name, S("Method")) || str_equal_nocase(name, S("SkipVersion")))
            continue;
        if (buf_text(&out).len) buf_char(&out, ' ');
        buf_format(&out, "%.*s=%.*s", STR_ARG(str_head(name, SHOWN)),
                   STR_ARG(str_head(suite->fields[i].text, SHOWN)));
    }
    return buf_text(&out);
}

static struct firewall_words suite_words(const struct set *set, size_t from, struct arena *arena)
{
    struct firewall_words words = {0};
    for (size_t i = from; i < set->n && i < from + MOST_SUITES; i++)
        firewall_token_add_word(&words, arena, suite_text(&set->suites[i], arena));
    if (set->n > from + MOST_SUITES)
        firewall_token_add_word(&words, arena,
                                str_format(arena, "%zu more", set->n - from - MOST_SUITES));
    return words;
}

static bool is_plain(const struct suite *suite, const char *method)
{
    for (size_t i = 0; i < suite->n; i++) {
        str name = suite->fields[i].name;
        if (!str_equal_nocase(name, S("Method")) && !str_equal_nocase(name, S("SkipVersion")))
            return false;
    }
    return str_equal_nocase(field_of(suite, "Method"), str_of(method));
}

/* ---- One rule -----------------------------------------------------------------------------------
 */

enum { END_OWN, END_PEER };

struct reading {
    struct firewall_text text;
    struct security_rule rule;
    uint64_t seen;
    bool has_action, exempts;
    str sets[4]; /* by their kind */
    struct firewall_end ends[2];
    struct firewall_words protocol, ports[2], others;
};

struct field;
typedef bool read_field(struct reading *r, const struct field *field);
struct field {
    const char *name;
    read_field *read;
    unsigned which; /* of ends, or of sets */
    bool repeats, v4;
};

static bool read_action(struct reading *r, const struct field *field)
{
    static const struct {
        const char *name;
        enum security_demand inbound, outbound;
    } actions[] = {
        {"Boundary",     SECURITY_REQUEST, SECURITY_REQUEST},
        {"SecureServer", SECURITY_REQUIRE, SECURITY_REQUEST},
        {"Secure",       SECURITY_REQUIRE, SECURITY_REQUIRE},
        {"DoNotSecure",  SECURITY_NONE,    SECURITY_NONE   },
    };
    (void)field;
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        if (!str_equal_nocase(r->text.value, str_of(actions[i].name))) continue;
        r->rule.inbound = actions[i].inbound;
        r->rule.outbound = actions[i].outbound;
        r->exempts = actions[i].inbound == SECURITY_NONE;
        return r->has_action = true;
    }
    return firewall_token_wrong(&r->text, "Boundary, SecureServer, Secure or DoNotSecure",
                                r->text.value);
}

static bool read_active(struct reading *r, const struct field *field)
{
    (void)field;
    return firewall_token_flag(&r->text, &r->rule.enabled);
}

static bool read_profile(struct reading *r, const struct field *field)
{
    (void)field;
    return firewall_token_profile(&r->text, &r->rule.profiles);
}

static bool read_protocol(struct reading *r, const struct field *field)
{
    uint64_t number = 0;
    (void)field;
    if (!firewall_token_number(&r->text, "a protocol of 0 to 255", 255, &number)) return false;
    firewall_token_add_word(&r->protocol, r->text.arena, r->text.value);
    return true;
}

static bool read_port(struct reading *r, const struct field *field)
{
    uint64_t port = 0;
    if (!firewall_token_number(&r->text, "a port", UINT16_MAX, &port)) return false;
    firewall_token_add_word(&r->ports[field->which], r->text.arena, r->text.value);
    return true;
}

static bool read_port_range(struct reading *r, const struct field *field)
{
    uint16_t first, last;
    if (!firewall_token_port_range(&r->text, &first, &last)) return false;
    firewall_token_add_word(&r->ports[field->which], r->text.arena, r->text.value);
    return true;
}

static bool read_address(struct reading *r, const struct field *field)
{
    return firewall_token_address(&r->text, &r->ends[field->which], field->v4, true);
}

static bool read_set(struct reading *r, const struct field *field)
{
    r->sets[field->which] = r->text.value;
    return r->text.value.len || firewall_token_wrong(&r->text, "the id of a set", r->text.name);
}

static bool read_name(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.name = r->text.value;
    return true;
}

static bool read_description(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.why = r->text.value;
    return true;
}

static bool read_group(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.group = r->text.value;
    return true;
}

/* A condition as it is written: "RTunnel4=192.0.2.1". */
static bool read_other(struct reading *r, const struct field *field)
{
    if (!r->text.value.len) return firewall_token_wrong(&r->text, "a value", r->text.name);
    firewall_token_add_word(
        &r->others, r->text.arena,
        str_format(r->text.arena, "%s=%.*s", field->name, STR_ARG(r->text.value)));
    return true;
}

static bool read_said(struct reading *r, const struct field *field)
{
    bool said = false;
    if (!firewall_token_flag(&r->text, &said)) return false;
    return !said || read_other(r, field);
}

static bool read_key_module(struct reading *r, const struct field *field)
{
    return str_equal_nocase(r->text.value, S("KeyModDefault")) || read_other(r, field);
}

/* clang-format off */
static const struct field fields[] = {
    {.name = "Action",                    .read = read_action},
    {.name = "Active",                    .read = read_active},
    {.name = "Profile",                   .read = read_profile, .repeats = true},
    {.name = "Protocol",                  .read = read_protocol},
    {.name = "EP1Port",                   .read = read_port, .which = END_OWN, .repeats = true},
    {.name = "EP2Port",                   .read = read_port, .which = END_PEER, .repeats = true},
    {.name = "EP1Port2_10",               .read = read_port_range, .which = END_OWN, .repeats = true},
    {.name = "EP2Port2_10",               .read = read_port_range, .which = END_PEER, .repeats = true},
    {.name = "EP1_4",                     .read = read_address, .which = END_OWN, .repeats = true, .v4 = true},
    {.name = "EP1_6",                     .read = read_address, .which = END_OWN, .repeats = true},
    {.name = "EP2_4",                     .read = read_address, .which = END_PEER, .repeats = true, .v4 = true},
    {.name = "EP2_6",                     .read = read_address, .which = END_PEER, .repeats = true},
    {.name = "Auth1Set",                  .read = read_set, .which = PHASE1_AUTHENTICATION},
    {.name = "Auth2Set",                  .read = read_set, .which = PHASE2_AUTHENTICATION},
    {.name = "Crypto2Set",                .read = read_set, .which = PHASE2_CRYPTO},
    {.name = "Name",                      .read = read_name},
    {.name = "Desc",                      .read = read_description},
    {.name = "EmbedCtxt",                 .read = read_group},
    {.name = "IF",                        .read = read_other, .repeats = true},
    {.name = "IFType",                    .read = read_other, .repeats = true},
    {.name = "Platform",                  .read = read_other, .repeats = true},
    {.name = "Platform2",                 .read = read_other},
    {.name = "SkipVer",                   .read = read_other},
    {.name = "SecureInClearOut",          .read = read_said},
    {.name = "ByPassTunnel",              .read = read_said},
    {.name = "Authz",                     .read = read_said},
    {.name = "RTunnel4",                  .read = read_other},
    {.name = "RTunnel6",                  .read = read_other},
    {.name = "LTunnel4",                  .read = read_other},
    {.name = "LTunnel6",                  .read = read_other},
    {.name = "RTunnel4_2",                .read = read_other},
    {.name = "RTunnel6_2",                .read = read_other},
    {.name = "LTunnel4_2",                .read = read_other},
    {.name = "LTunnel6_2",                .read = read_other},
    {.name = "RTunnelFqdn",               .read = read_other},
    {.name = "RTunEndpts4",               .read = read_other, .repeats = true},
    {.name = "RTunEndpts6",               .read = read_other, .repeats = true},
    {.name = "KeyMod",                    .read = read_key_module, .repeats = true},
    {.name = "KeyManagerDictate",         .read = read_said},
    {.name = "KeyManagerNotify",          .read = read_said},
    {.name = "FwdLifetime",               .read = read_other},
    {.name = "TransportMachineAuthzSDDL", .read = read_other},
    {.name = "TransportUserAuthzSDDL",    .read = read_other},
    {.name = "SecurityRealmEnabled",      .read = read_said},
};
/* clang-format on */
static_assert(COUNT_OF(fields) <= 64, "a bit of `seen` for each");

static bool read_one(struct reading *r)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const struct field *field = &fields[i];
        if (!str_equal_nocase(r->text.name, str_of(field->name))) continue;
        if (!field->repeats && (r->seen >> i & 1))
            return firewall_token_wrong(&r->text, "each field once", r->text.name);
        r->seen |= UINT64_C(1) << i;
        return field->read(r, field);
    }
    return firewall_token_wrong(&r->text, "a field of a connection security rule", r->text.name);
}

/* ---- What its sets come to ----------------------------------------------------------------------
 */

static void say(struct reading *r, const char *label, str word)
{
    struct firewall_words words = {0};
    firewall_token_add_word(&words, r->text.arena, word);
    firewall_token_add_condition(&r->rule.only_if, r->text.arena, label, &words);
}

/* True when the set begins with that method and nothing else about it; all that it says otherwise
 * is a condition. */
static bool begins_with(struct reading *r, const struct set *set, const char *method,
                        const char *label)
{
    bool begins = set->n && is_plain(&set->suites[0], method);
    struct firewall_words words = suite_words(set, begins ? 1 : 0, r->text.arena);
    str whole = str_format(r->text.arena, "%s%s", label, begins ? ", else by" : " by");
    firewall_token_add_condition(&r->rule.only_if, r->text.arena, str_c(r->text.arena, whole),
                                 &words);
    return begins;
}

/* What Windows has when nothing is configured: computer Kerberos, and no second authentication
 * ([MS-FASP] appendix A, <30>). */
static void set_authentication(struct reading *r, const struct firewall_sets *sets)
{
    static const struct {
        enum set_kind kind;
        const char *method, *label;
    } phases[] = {
        {PHASE1_AUTHENTICATION, "MachineKerb", "first authentication" },
        {PHASE2_AUTHENTICATION, "UserKerb",    "second authentication"},
    };
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        bool standard = false;
        str id = r->sets[phases[i].kind];
        bool *kerberos = i ? &r->rule.user_kerberos : &r->rule.computer_kerberos;
        if (!id.len) continue;
        const struct set *set = set_named(sets, r->text.arena, phases[i].kind, id, &standard);
        if (set)
            *kerberos = begins_with(r, set, phases[i].method, phases[i].label);
        else if (standard)
            *kerberos = i == 0;
        else
            say(r, phases[i].label,
                str_format(r->text.arena, "by set %.*s, which is elsewhere", STR_ARG(id)));
    }
}

static void set_quick_mode(struct reading *r, const struct firewall_sets *sets)
{
    bool standard = false;
    str id = r->sets[PHASE2_CRYPTO];
    const struct set *set = set_named(sets, r->text.arena, PHASE2_CRYPTO, id, &standard);
    if (standard) return;
    if (!set) {
        say(r, "quick mode",
            str_format(r->text.arena, "by set %.*s, which is elsewhere", STR_ARG(id)));
        return;
    }
    struct firewall_words words = suite_words(set, 0, r->text.arena);
    if (!set->n) firewall_token_add_word(&words, r->text.arena, S("by an empty set"));
    firewall_token_add_condition(&r->rule.only_if, r->text.arena, "quick mode", &words);
}

/* Each is a condition of its own. */
static void say_others(struct reading *r)
{
    struct buf out = buf_in(r->text.arena);
    buf_str(&out, r->rule.only_if);
    for (size_t i = 0; i < r->others.n; i++) {
        if (buf_text(&out).len) buf_str(&out, S("; "));
        buf_str(&out, r->others.items[i]);
    }
    r->rule.only_if = buf_text(&out);
}

static bool makes_sense(struct reading *r)
{
    if (r->text.problem.len) return false;
    if (!r->has_action)
        r->text.problem = S("expected Action=, found none");
    else if (!r->exempts && !r->sets[PHASE1_AUTHENTICATION].len)
        r->text.problem = S("expected Auth1Set=, found none");
    else if (!r->exempts && !r->sets[PHASE2_CRYPTO].len)
        r->text.problem = S("expected Crypto2Set=, found none");
    return !r->text.problem.len;
}

bool firewall_security_read(str text, const struct firewall_sets *sets, struct arena *arena,
                            struct security_rule *out, str *problem)
{
    struct reading r = {0};
    bool good = firewall_token_begin(&r.text, text, arena);
    while (good && firewall_token_next(&r.text))
        good = read_one(&r);
    if (!makes_sense(&r)) {
        *problem = r.text.problem;
        return false;
    }
    str *only_if = &r.rule.only_if;
    if (!r.rule.profiles) r.rule.profiles = (1u << PROFILE_COUNT) - 1;
    if (!r.exempts) {
        set_authentication(&r, sets);
        set_quick_mode(&r, sets);
    }
    firewall_token_add_condition(only_if, arena, "protocol", &r.protocol);
    firewall_token_add_condition(only_if, arena, "own port", &r.ports[END_OWN]);
    firewall_token_add_condition(only_if, arena, "peer port", &r.ports[END_PEER]);
    r.rule.local = firewall_token_end(&r.ends[END_OWN], "local", arena, only_if, NULL);
    r.rule.remote = firewall_token_end(&r.ends[END_PEER], "remote", arena, only_if, NULL);
    say_others(&r);
    *out = r.rule;
    return true;
}
