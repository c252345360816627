/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions against binary decision diagrams (BuDDy): a policy's text is read by hand here, prefix
 * by prefix, into a function of the 64 bits of an IPv4 client and server, and the engine's rows
 * into another. The two must be one node: equal for all 2^64 pairs, not for those that a test
 * thought of. Nothing of policy/resolve, of address sets or of classes stands behind the first.
 */
#include <bdd.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/test.h"
#include "rules/decision.h"

enum { BITS = 32, POLICIES = 100, ENTRIES = 200, NODES = 1 << 18 };

/* Nodes are kept until the policy is done: the table is made anew for each. */
static BDD keep(BDD node)
{
    return bdd_addref(node);
}

static BDD both(BDD a, BDD b)
{
    return keep(bdd_apply(a, b, bddop_and));
}

static BDD either(BDD a, BDD b)
{
    return keep(bdd_apply(a, b, bddop_or));
}

static BDD but(BDD a, BDD b)
{
    return keep(bdd_apply(a, b, bddop_diff));
}

/* Whose bits: those of the server come after the client's. */
enum end { CLIENT, SERVER };

static BDD bit(enum end end, unsigned i, bool one)
{
    int variable = (int)(end == SERVER ? BITS + i : i);
    return one ? bdd_ithvar(variable) : bdd_nithvar(variable);
}

/* IPv6 prefixes hold no IPv4 address. */
static BDD prefix_node(enum end end, struct prefix p)
{
    BDD node = bddtrue;
    if (!addr_is_v4(p.addr) || p.len < 96) return bddfalse;
    uint32_t value = addr_v4_value(p.addr);
    for (unsigned i = p.len - 96; i > 0; i--)
        node = both(bit(end, i - 1, value >> (BITS - i) & 1), node);
    return node;
}

static BDD text_node(enum end end, const char *text)
{
    struct prefix p;
    assert_true(prefix_parse(str_of(text), &p));
    return prefix_node(end, p);
}

/* ---- The policy, read by hand -------------------------------------------------------------------
 */

struct reading {
    const struct policy *policy;
    BDD segments[2][16], groups[2][32];
    BDD managed[2], untrusted[2], unknown[2], internet[2], local[2], enforcing[2];
};

/* The longest prefix decides where an address lives. */
static BDD lives(const struct policy *policy, enum end end, size_t segment)
{
    BDD node = bddfalse;
    const struct segment *s = &policy->segments[segment];
    for (size_t i = 0; i < s->n_networks; i++) {
        struct prefix p = s->networks[i].prefix;
        BDD here = prefix_node(end, p);
        for (size_t j = 0; j < policy->n_segments; j++)
            for (size_t k = 0; k < policy->segments[j].n_networks; k++) {
                struct prefix other = policy->segments[j].networks[k].prefix;
                if (j != segment && other.len > p.len) here = but(here, prefix_node(end, other));
            }
        node = either(node, here);
    }
    return node;
}

static void read_places(struct reading *r, enum end end)
{
    static const char *const private[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                          "100.64.0.0/10"};
    static const char *const local[] = {"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
                                        "255.255.255.255/32", "0.0.0.0/32"};
    BDD in_segments = bddfalse, unmanaged = bddfalse;
    r->managed[end] = r->untrusted[end] = r->unknown[end] = r->local[end] = bddfalse;
    for (size_t i = 0; i < r->policy->n_segments; i++) {
        BDD *by_trust =
            r->policy->segments[i].trust == TRUST_MANAGED ? &r->managed[end] : &r->untrusted[end];
        r->segments[end][i] = lives(r->policy, end, i);
        in_segments = either(in_segments, r->segments[end][i]);
        *by_trust = either(*by_trust, r->segments[end][i]);
    }
    for (size_t i = 0; i < COUNT_OF(private); i++)
        r->unknown[end] = either(r->unknown[end], text_node(end, private[i]));
    for (size_t i = 0; i < COUNT_OF(local); i++)
        r->local[end] = either(r->local[end], text_node(end, local[i]));
    r->unknown[end] = but(r->unknown[end], in_segments);
    r->internet[end] = but(keep(bdd_not(either(in_segments, r->unknown[end]))), r->local[end]);
    r->untrusted[end] = either(r->untrusted[end], either(r->unknown[end], r->internet[end]));
    for (size_t i = 0; i < r->policy->n_groups; i++) {
        const struct group *g = &r->policy->groups[i];
        r->groups[end][i] = bddfalse;
        for (size_t j = 0; j < g->n_hosts; j++)
            r->groups[end][i] = either(r->groups[end][i], prefix_node(end, g->hosts[j].prefix));
        if (!g->managed) unmanaged = either(unmanaged, r->groups[end][i]);
    }
    r->enforcing[end] = but(r->managed[end], unmanaged);
}

static BDD item_node(const struct reading *r, enum end end, const struct selector *s)
{
    switch (s->kind) {
    case SELECT_SEGMENT:
        return r->segments[end][s->index];
    case SELECT_GROUP:
        return r->groups[end][s->index];
    case SELECT_PREFIX:
        return prefix_node(end, s->prefix);
    case SELECT_BUILTIN:
        break;
    }
    switch ((enum builtin)s->index) {
    case BUILTIN_ANY:
        return but(but(bddtrue, r->internet[end]), r->local[end]);
    case BUILTIN_INTERNET:
        return r->internet[end];
    case BUILTIN_UNKNOWN:
        return r->unknown[end];
    case BUILTIN_MANAGED:
        return r->managed[end];
    case BUILTIN_UNTRUSTED:
        return r->untrusted[end];
    case BUILTIN_ALL:
    case BUILTIN_COUNT:
        break;
    }
    fail_msg("no such item in an entry");
    return bddfalse;
}

static BDD list_node(const struct reading *r, enum end end, const struct selectors *list)
{
    BDD node = bddfalse;
    for (size_t i = 0; i < list->n; i++)
        node = either(node, item_node(r, end, &list->items[i]));
    return node;
}

/* An internet address matches only where the word stands. */
static BDD end_node(const struct reading *r, enum end end, const struct selectors *in,
                    const struct selectors *except)
{
    bool word = false;
    for (size_t i = 0; i < in->n; i++)
        word |= in->items[i].kind == SELECT_BUILTIN && in->items[i].index == BUILTIN_INTERNET;
    BDD node = but(list_node(r, end, in), list_node(r, end, except));
    return word ? node : but(node, r->internet[end]);
}

static bool lists(const size_t *services, size_t n, size_t service)
{
    for (size_t i = 0; i < n; i++)
        if (services[i] == service) return true;
    return false;
}

struct intents {
    BDD allow, any; /* in clear; in clear or secured */
};

static struct intents read_intents(const struct reading *r, size_t service)
{
    struct intents out = {bddfalse, bddfalse};
    for (size_t i = 0; i < r->policy->n_allow; i++) {
        const struct entry *e = &r->policy->allow[i];
        if (!lists(e->services, e->n_services, service)) continue;
        BDD node = both(end_node(r, CLIENT, &e->from, &e->except_from),
                        end_node(r, SERVER, &e->to, &e->except_to));
        bool secure = e->secure == SECURE_KERBEROS || e->secure == SECURE_CERTIFICATE;
        if (!secure) out.allow = either(out.allow, node);
        out.any = either(out.any, node);
    }
    struct selectors none = {0};
    for (size_t i = 0; i < r->policy->n_perimeter; i++) {
        const struct perimeter_entry *p = &r->policy->perimeter[i];
        if (!lists(p->services, p->n_services, service)) continue;
        bool outbound = p->direction == DIRECTION_OUTBOUND;
        enum end edge = outbound ? SERVER : CLIENT, inner = outbound ? CLIENT : SERVER;
        BDD outside = both(list_node(r, edge, outbound ? &p->to : &p->from), r->internet[edge]);
        BDD inside = end_node(r, inner, outbound ? &p->from : &p->to, &none);
        BDD node = both(inside, outside);
        out.allow = either(out.allow, node);
        out.any = either(out.any, node);
    }
    return out;
}

/* Addresses whose profile is in this mode, from the first level that names it. */
static BDD mode_node(const struct reading *r, enum end end, enum profile profile,
                     enum profile_mode mode)
{
    static const enum profile_mode standard[] = {MODE_ENFORCE, MODE_BLOCK_INBOUND, MODE_BLOCK_ALL};
    BDD node = bddfalse, left = r->enforcing[end];
    for (size_t i = 0; i < r->policy->n_groups; i++) {
        enum profile_mode own = r->policy->groups[i].profiles[profile];
        if (own == MODE_UNSET) continue;
        if (own == mode) node = either(node, both(left, r->groups[end][i]));
        left = but(left, r->groups[end][i]);
    }
    for (size_t i = 0; i < r->policy->n_groups; i++) {
        enum role role = r->policy->groups[i].role;
        if (role == ROLE_NONE || role == ROLE_MANAGEMENT) continue;
        if (mode == MODE_ENFORCE) node = either(node, both(left, r->groups[end][i]));
        left = but(left, r->groups[end][i]);
    }
    for (size_t i = 0; i < r->policy->n_segments; i++) {
        enum profile_mode own = r->policy->segments[i].profiles[profile];
        if (own == MODE_UNSET) continue;
        if (own == mode) node = either(node, both(left, r->segments[end][i]));
        left = but(left, r->segments[end][i]);
    }
    enum profile_mode top = r->policy->profiles[profile];
    if ((top == MODE_UNSET ? standard[profile] : top) == mode) node = either(node, left);
    return node;
}

/* Every end that enforces and every border on the way. */
static BDD read_passing(const struct reading *r, const struct intents *intents,
                        enum profile profile, bool secured)
{
    BDD intent = secured ? intents->any : intents->allow, passes = bddtrue;
    for (unsigned k = 0; k < 2; k++) {
        enum end end = k ? SERVER : CLIENT;
        BDD by_intent = mode_node(r, end, profile, MODE_ENFORCE);
        BDD off = mode_node(r, end, profile, MODE_OFF);
        if (end == CLIENT)
            by_intent = either(by_intent, mode_node(r, end, profile, MODE_BLOCK_INBOUND));
        BDD free = either(keep(bdd_not(r->enforcing[end])), off);
        passes = both(passes, either(free, both(by_intent, intent)));
    }
    for (size_t i = 0; i <= r->policy->n_segments; i++) {
        bool edge = i == r->policy->n_segments;
        if (edge ? !r->policy->has_perimeter : !r->policy->segments[i].border_enforced) continue;
        BDD client = edge ? r->internet[CLIENT] : r->segments[CLIENT][i];
        BDD server = edge ? r->internet[SERVER] : r->segments[SERVER][i];
        BDD crosses = keep(bdd_apply(client, server, bddop_xor));
        passes = both(passes, either(keep(bdd_not(crosses)), intents->any));
    }
    return either(passes, either(r->local[CLIENT], r->local[SERVER]));
}

/* ---- The engine's rows --------------------------------------------------------------------------
 */

static BDD set_node(enum end end, struct prefix_set set, struct arena scratch)
{
    BDD node = bddfalse;
    size_t n;
    const struct prefix *p = prefix_set_prefixes(&scratch, prefix_set_v4(&scratch, set), &n);
    for (size_t i = 0; i < n; i++)
        node = either(node, prefix_node(end, p[i]));
    return node;
}

/* What classes and rows are as nodes, each made once per policy. */
struct engine_nodes {
    const struct decision *decision;
    BDD *servers; /* per class */
    struct map rows;
    struct arena *arena;
};

static struct engine_nodes engine_nodes(const struct decision *d, struct arena *arena,
                                        struct arena scratch)
{
    const struct atoms *atoms = decision_atoms(d);
    struct engine_nodes nodes = {.decision = d, .arena = arena};
    nodes.servers = arena_array(arena, BDD, atoms_count(atoms));
    for (uint32_t c = 0; c < atoms_count(atoms); c++) {
        struct arena inner = scratch;
        struct class_run run = {c, c};
        struct prefix_set set = atoms_addresses(atoms, (struct class_set){&run, 1}, &inner);
        nodes.servers[c] = set_node(SERVER, set, inner);
    }
    return nodes;
}

static BDD row_node(struct engine_nodes *nodes, uint32_t row, struct arena scratch)
{
    bool fresh = false;
    str key = {(const char *)&row, sizeof row};
    uint64_t *node = map_put(&nodes->rows, nodes->arena, key, 0, &fresh);
    if (fresh) {
        struct class_set clients = decision_row_classes(nodes->decision, row, &scratch);
        struct prefix_set set = atoms_addresses(decision_atoms(nodes->decision), clients, &scratch);
        *node = (uint64_t)set_node(CLIENT, set, scratch);
    }
    return (BDD)*node;
}

/* Servers of one row come together first, so that few large nodes are joined. */
static BDD engine_passing(struct engine_nodes *nodes, int service, enum profile profile,
                          bool secured, struct arena scratch)
{
    struct map by_row = {0};
    BDD passes = bddfalse;
    for (uint32_t server = 0; server < atoms_count(decision_atoms(nodes->decision)); server++) {
        uint32_t row = decision_row(nodes->decision, service, profile, SIDE_COUNT, secured, server);
        str key = {(const char *)&row, sizeof row};
        uint64_t *servers = map_put(&by_row, nodes->arena, key, (uint64_t)bddfalse, NULL);
        *servers = (uint64_t)either((BDD)*servers, nodes->servers[server]);
    }
    for (size_t i = 0; i < by_row.n; i++) {
        uint32_t row;
        memcpy(&row, by_row.entries[i].key.ptr, sizeof row);
        BDD servers = (BDD)by_row.entries[i].value;
        passes = either(passes, both(servers, row_node(nodes, row, scratch)));
    }
    return passes;
}

/* ---- Random policies ----------------------------------------------------------------------------
 */

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = hash_u64(*seed + 1);
    return *seed % below;
}

static void put_prefix(struct buf *out, uint64_t *seed)
{
    static const char *const bases[] = {"10.%u.%u.%u", "10.0.%u.%u", "192.168.%u.%u", "8.8.%u.%u"};
    unsigned length = 16 + (unsigned)draw(seed, 17);
    unsigned a = (unsigned)draw(seed, 4), b = (unsigned)draw(seed, 4) * 16,
             c = (unsigned)draw(seed, 256);
    struct prefix p;
    char text[PREFIX_TEXT], raw[32];
    size_t base = (size_t)draw(seed, COUNT_OF(bases));
    if (base == 0)
        snprintf(raw, sizeof raw, "10.%u.%u.%u", a, b, c);
    else if (base == 1)
        snprintf(raw, sizeof raw, "10.0.%u.%u", b, c);
    else if (base == 2)
        snprintf(raw, sizeof raw, "192.168.%u.%u", b, c);
    else
        snprintf(raw, sizeof raw, "8.8.%u.%u", b, c);
    assert_true(addr_parse(str_of(raw), &p.addr));
    p.len = (uint8_t)(96 + length);
    p.addr = prefix_range(p).first;
    buf_format(out, "%.*s", STR_ARG(prefix_text(text, p)));
}

static void put_items(struct buf *out, uint64_t *seed, bool words)
{
    static const char *const named[] = {"seg0",      "seg1",    "seg2",    "seg3",
                                        "grp0",      "grp1",    "managed", "any",
                                        "untrusted", "unknown", "grp2",    "internet"};
    size_t n = 1 + (size_t)draw(seed, 3);
    buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_str(out, S(", "));
        if (words && draw(seed, 2))
            buf_str(out, str_of(named[draw(seed, COUNT_OF(named))]));
        else
            put_prefix(out, seed);
    }
    buf_char(out, ']');
}

static void put_groups(struct buf *out, uint64_t *seed)
{
    static const char *const modes[] = {"enforce", "block-inbound", "block-all", "off"};
    buf_str(out, S("groups:\n"));
    for (int i = 0; i < 3; i++) {
        buf_format(out, "  grp%d: {hosts: ", i);
        put_items(out, seed, false);
        if (draw(seed, 3) == 0) buf_str(out, S(", managed: false"));
        if (i == 1) buf_str(out, S(", role: file-server"));
        /* One group at most: two that disagree are an error. */
        if (i == 2 && draw(seed, 2))
            buf_format(out, ", profiles: {domain: %s}", modes[draw(seed, 4)]);
        buf_str(out, S("}\n"));
    }
}

static str random_policy(struct arena *arena, uint64_t seed)
{
    static const char *const modes[] = {"enforce", "block-inbound", "block-all", "off"};
    struct buf out = buf_in(arena);
    buf_str(&out, S("version: 1\ngovern: [smb, netbios]\nsegments:\n"));
    for (int i = 0; i < 4; i++) {
        buf_format(&out, "  seg%d: {networks: [", i);
        for (uint64_t n = 1 + draw(&seed, 3); n; n--) {
            /* The third byte tells the segment, so that no prefix stands twice. */
            buf_format(&out, "10.%u.%d.0/%u%s", (unsigned)n - 1, i * 16,
                       21 + (unsigned)draw(&seed, 8) % 4, n > 1 ? ", " : "");
        }
        if (draw(&seed, 2)) buf_format(&out, ", 10.%d.0.0/%d", i, 16 + i);
        buf_format(&out, "], trust: %s", draw(&seed, 4) ? "managed" : "untrusted");
        if (draw(&seed, 3) == 0) buf_str(&out, S(", border: enforced"));
        if (draw(&seed, 3) == 0)
            buf_format(&out, ", profiles: {private: %s}", modes[draw(&seed, 4)]);
        buf_str(&out, S("}\n"));
    }
    put_groups(&out, &seed);
    buf_str(&out, S("allow:\n"));
    for (uint64_t n = 1 + draw(&seed, ENTRIES); n; n--) {
        buf_str(&out, S("  - {from: "));
        put_items(&out, &seed, true);
        buf_str(&out, S(", to: "));
        put_items(&out, &seed, true);
        buf_str(&out, draw(&seed, 4) ? S(", service: smb") : S(", service: [netbios, smb]"));
        if (draw(&seed, 3) == 0) buf_str(&out, S(", secure: kerberos"));
        if (draw(&seed, 3) == 0) {
            buf_str(&out, S(", except: {from: "));
            put_items(&out, &seed, true);
            buf_str(&out, S("}"));
        }
        buf_str(&out, S("}\n"));
    }
    if (draw(&seed, 2)) {
        buf_str(&out, S("perimeter:\n  - {direction: outbound, service: smb, from: "));
        put_items(&out, &seed, false);
        buf_str(
            &out,
            S(", to: [8.8.0.0/17]}\n  - {direction: inbound, service: smb, from: internet, to: "));
        put_items(&out, &seed, false);
        buf_str(&out, S("}\n"));
    }
    return buf_text(&out);
}

/* ---- The comparison -----------------------------------------------------------------------------
 */

static size_t compare_policy(uint64_t seed, struct arena *arena, struct arena scratch)
{
    struct diagnostics found = {0};
    struct policy policy = {0};
    struct resolved resolved = {0};
    str text = random_policy(arena, seed);
    if (!policy_parse(S("policy.yaml"), text, arena, &policy, &found)) {
        /* Two equal prefixes now and then: another seed. */
        assert_true(str_equal(found.items[0].kind, S("conflict")));
        return 0;
    }
    if (!resolve_policy(&policy, NULL, 0, true, arena, &resolved, &found))
        fail_msg("%.*s\n%.*s", STR_ARG(found.items[0].text), STR_ARG(text));
    const struct decision *d = decision_build(&resolved, NULL, arena, scratch);
    assert_int_equal(bdd_init(NODES, NODES), 0);
    bdd_setvarnum(2 * BITS);
    bdd_gbc_hook(NULL);
    bdd_resize_hook(NULL);
    bdd_setmaxincrease(NODES);
    struct reading r = {.policy = &policy};
    read_places(&r, CLIENT);
    read_places(&r, SERVER);
    struct engine_nodes nodes = engine_nodes(d, arena, scratch);
    size_t n = 0;
    for (size_t service = 0; service < policy.services.n; service++) {
        if (!policy.governed[service]) continue;
        struct intents intents = read_intents(&r, service);
        for (unsigned k = 0; k < PROFILE_COUNT * 2; k++) {
            enum profile profile = (enum profile)(k / 2);
            BDD wanted = read_passing(&r, &intents, profile, k & 1);
            BDD is = engine_passing(&nodes, (int)service, profile, k & 1, scratch);
            if (wanted != is)
                fail_msg("policy %" PRIu64 ", service %zu, profile %u, %s: not one node\n%.*s",
                         seed, service, k / 2, k & 1 ? "secured" : "in clear", STR_ARG(text));
            n++;
        }
    }
    bdd_done();
    return n;
}

static void rows_are_the_node_of_the_policy(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n = 0, policies = 0;
    (void)state;
    for (uint64_t seed = 1; policies < POLICIES && seed < 50 * POLICIES; seed++) {
        arena_reset(&arena);
        size_t compared = compare_policy(seed * 1000003, &arena, scratch);
        n += compared;
        policies += compared > 0;
    }
    assert_int_equal(policies, POLICIES);
    print_message("%zu policies, %zu maps of 2^64 pairs\n", policies, n);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(rows_are_the_node_of_the_policy)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
