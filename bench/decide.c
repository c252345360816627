/* SPDX-License-Identifier: Apache-2.0 */
/* Flow decisions for tools/bench: a policy of 10^5 client prefixes and 10^4 servers in 512 groups
 * each, and 10^5 exceptions of one host to another, asked about random pairs of addresses. The peer
 * is the linear evaluator: entry by entry until one matches. Both must agree on a sample.
 *
 * usage: decide [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "rules/decision.h"

enum {
    PREFIXES = 100000,
    SERVERS = 10000,
    GROUPS = 512,
    PEERS_OF_GROUP = 16,
    EXCEPTIONS = 100000,
    ASKED = 1 << 20,
    AGREED = 4096,
    MILLION = 1000000,
    MIB = 1 << 20
};

struct bench {
    struct arena arena, scratch;
    uint64_t seed;
    struct policy policy;
    struct resolved resolved;
    struct range *prefixes; /* of clients */
    struct addr *servers;
};

static uint64_t random_of(struct bench *b, uint64_t below)
{
    b->seed = hash_u64(b->seed);
    return b->seed % below;
}

/* Processor seconds, since the machine may be busy. */
static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static struct prefix_set block(struct bench *b, const char *text)
{
    struct prefix p = {0};
    if (!prefix_parse(str_of(text), &p)) abort();
    return prefix_set_of_prefix(&b->arena, p);
}

static void make_places(struct bench *b)
{
    struct resolved *r = &b->resolved;
    struct prefix_set all = prefix_set_of(&b->arena, &addr_all, 1);
    r->managed = prefix_set_union(&b->arena, block(b, "10.0.0.0/8"), block(b, "172.16.0.0/12"));
    r->enforcing = r->managed;
    r->places.unknown = block(b, "192.168.0.0/16");
    r->places.local = prefix_set_union(&b->arena, block(b, "127.0.0.0/8"), decision_link_local);
    struct prefix_set inside = prefix_set_union(&b->arena, r->managed, r->places.unknown);
    inside = prefix_set_union(&b->arena, inside, r->places.local);
    r->places.internet = prefix_set_subtract(&b->arena, all, inside);
    r->modes[PROFILE_DOMAIN][MODE_ENFORCE] = r->managed;
    r->modes[PROFILE_PRIVATE][MODE_BLOCK_INBOUND] = r->managed;
    r->modes[PROFILE_PUBLIC][MODE_BLOCK_ALL] = r->managed;
    struct border *border = arena_new(&b->arena, struct border);
    *border =
        (struct border){S("internet"), prefix_set_subtract(&b->arena, all, r->places.internet)};
    r->borders = border;
    r->n_borders = 1;
}

/* Every group gets a random part of them: no two neighbours need to be in one group. */
static struct prefix_set *make_groups(struct bench *b, const struct range *ranges, size_t n)
{
    struct prefix_set *groups = arena_array(&b->arena, struct prefix_set, GROUPS);
    struct range *members = arena_array(&b->arena, struct range, n);
    uint16_t *group_of = arena_array(&b->arena, uint16_t, n);
    for (size_t i = 0; i < n; i++)
        group_of[i] = (uint16_t)random_of(b, GROUPS);
    for (size_t g = 0; g < GROUPS; g++) {
        size_t n_members = 0;
        for (size_t i = 0; i < n; i++)
            if (group_of[i] == g) members[n_members++] = ranges[i];
        groups[g] = prefix_set_of(&b->arena, members, n_members);
    }
    return groups;
}

static struct addr random_client(struct bench *b)
{
    struct addr a = b->prefixes[random_of(b, PREFIXES)].first;
    return addr_v4(addr_v4_value(a) + (uint32_t)random_of(b, 128));
}

static void make_entries(struct bench *b)
{
    static const size_t smb[] = {0};
    static const struct entry entry = {.services = smb, .n_services = 1};
    size_t n = 0, most = EXCEPTIONS + GROUPS * PEERS_OF_GROUP;
    struct range *servers = arena_array(&b->arena, struct range, SERVERS);
    b->prefixes = arena_array(&b->arena, struct range, PREFIXES);
    b->servers = arena_array(&b->arena, struct addr, SERVERS);
    /* /25s of 10/8 in steps that leave gaps; servers anywhere in 172.16/12. */
    for (uint32_t i = 0; i < PREFIXES; i++) {
        uint32_t at = (UINT32_C(10) << 24) + i * 167 / 128 * 128;
        b->prefixes[i] = (struct range){addr_v4(at), addr_v4(at + 127)};
    }
    for (size_t i = 0; i < SERVERS; i++) {
        b->servers[i] = addr_v4(UINT32_C(0xAC100000) + (uint32_t)(i * 104));
        servers[i] = (struct range){b->servers[i], b->servers[i]};
    }
    struct prefix_set *clients_of = make_groups(b, b->prefixes, PREFIXES);
    struct prefix_set *servers_of = make_groups(b, servers, SERVERS);
    struct resolved_entry *entries = arena_array(&b->arena, struct resolved_entry, most);
    for (size_t i = 0; i < EXCEPTIONS; i++) {
        struct range *ends = arena_array(&b->arena, struct range, 2);
        ends[0].first = ends[0].last = random_client(b);
        ends[1].first = ends[1].last = b->servers[random_of(b, SERVERS)];
        entries[n++] = (struct resolved_entry){
            .entry = &entry, .from = {&ends[0], 1},
                 .to = {&ends[1], 1},
                 .secure = SECURE_NONE
        };
    }
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t k = 0; k < PEERS_OF_GROUP; k++)
            entries[n++] = (struct resolved_entry){.entry = &entry,
                                                   .from = clients_of[g],
                                                   .to = servers_of[random_of(b, GROUPS)],
                                                   .secure = k % 4 ? SECURE_NONE : SECURE_KERBEROS};
    b->resolved.entries = entries;
    b->resolved.n_entries = n;
}

/* Mostly what is in some group; half of the pairs of an exception, since a random pair is never
 * one.
 */
static void make_questions(struct bench *b, struct flow_question *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct flow_question){.client = random_client(b),
                                        .server = b->servers[random_of(b, SERVERS)],
                                        .transport = TRANSPORT_TCP,
                                        .port = 445,
                                        .service = SERVICE_NONE,
                                        .profile = PROFILE_DOMAIN};
        const struct resolved_entry *e = &b->resolved.entries[random_of(b, EXCEPTIONS)];
        if (random_of(b, 2)) continue;
        out[i].client = e->from.ranges[0].first;
        if (random_of(b, 2)) out[i].server = e->to.ranges[0].first;
    }
}

/* The peer: what an ordered list of rules does, with the searches that its sets allow. */
static enum intent linear_intent(const struct resolved *r, const struct flow_question *q)
{
    enum intent intent = INTENT_BLOCK;
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        if (!prefix_set_contains(e->to, q->server)) continue;
        if (!prefix_set_contains(e->from, q->client)) continue;
        if (e->secure == SECURE_NONE) return INTENT_ALLOW;
        intent = INTENT_ALLOW_IF_SECURE;
    }
    return intent;
}

static void print_rate(const char *what, double took, double n)
{
    printf("  %-44s %9.4f M/s %11.1f ns each\n", what, n / took / MILLION, took * 1e9 / n);
}

int main(int argc, char **argv)
{
    struct bench b = {.arena = arena_open("bench", 0, NULL),
                      .scratch = arena_open("scratch", 0, NULL),
                      .seed = 445};
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5;
    static const bool governed[256] = {true};
    b.policy = (struct policy){.services = service_builtin, .governed = governed};
    b.resolved.policy = &b.policy;
    make_places(&b);
    make_entries(&b);
    struct flow_question *questions = arena_array(&b.arena, struct flow_question, ASKED);
    struct flow_record *records = arena_array(&b.arena, struct flow_record, ASKED);
    uint8_t *verdicts = arena_array(&b.arena, uint8_t, ASKED);
    make_questions(&b, questions, ASKED);

    double start = seconds();
    const struct decision *decision = decision_build(&b.resolved, NULL, &b.arena, b.scratch);
    printf("%d client prefixes, %d servers, %d groups of each, %zu entries: %u classes\n", PREFIXES,
           SERVERS, GROUPS, b.resolved.n_entries, atoms_count(decision_atoms(decision)));
    printf("  built in %.2f s; tables %.1f MiB, of these address to class %.1f MiB\n",
           seconds() - start, (double)decision_table_bytes(decision) / MIB,
           (double)atoms_table_bytes(decision_atoms(decision)) / MIB);

    for (int round = 0; round < rounds; round++) {
        start = seconds();
        for (size_t i = 0; i < ASKED; i++)
            verdicts[i] = (uint8_t)decision_ask(decision, &questions[i]).intent;
        print_rate("one by one, from addresses", seconds() - start, ASKED);
        start = seconds();
        decision_records(decision, questions, ASKED, records);
        decision_ask_records(decision, records, ASKED, verdicts);
        print_rate("in bulk, from addresses", seconds() - start, ASKED);
        start = seconds();
        decision_ask_records(decision, records, ASKED, verdicts);
        print_rate("in bulk, from records of classes", seconds() - start, ASKED);
    }
    size_t differ = 0, allowed = 0, asked = 0;
    start = seconds();
    for (size_t i = 0; i < ASKED; i += ASKED / AGREED, asked++) {
        enum intent expected = linear_intent(&b.resolved, &questions[i]);
        differ += (verdicts[i] & FLOW_INTENT) != (unsigned)expected;
        allowed += expected == INTENT_ALLOW;
    }
    print_rate("linear, the first entry that matches", seconds() - start, (double)asked);
    printf("  %zu questions asked of both: %zu allowed, %zu answered differently\n", asked, allowed,
           differ);
    arena_close(&b.scratch);
    arena_close(&b.arena);
    return differ ? 1 : 0;
}
