/* SPDX-License-Identifier: Apache-2.0 */
/* Policy mining for tools/bench: pairs made up by a seeded generator, reduced and covered in both
 * regimes. Prints a row for each: medians of CPU seconds for the reductions alone and for the
 * whole, what was left to search, entries and the proved bound.
 *
 * usage: mine RUNS [NETWORK]      without a network: lists them
 */
#include "reason/mine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/hash.h"
#include "base/limits.h"
#include "reason/mine_graph.h"

enum { CLIENTS = 50000, SUBNETS = 500, IN_SUBNET = CLIENTS / SUBNETS, DEPARTMENTS = 23 };

struct network {
    const char *name, *what;
    void (*make)(struct mine_input *input, struct arena *arena);
};

static uint32_t below(uint64_t *state, uint32_t n)
{
    *state = hash_u64(*state);
    return (uint32_t)(*state % n);
}

static void put(struct mine_input *input, size_t room, uint32_t client, uint32_t server)
{
    if (input->n_pairs == room) return;
    struct mine_pair *pairs = (struct mine_pair *)(uintptr_t)input->pairs;
    pairs[input->n_pairs++] = (struct mine_pair){client, server, 0};
}

static void begin(struct mine_input *input, uint32_t n_clients, uint32_t n_servers, size_t room,
                  struct arena *arena)
{
    *input = (struct mine_input){
        .pairs = arena_array(arena, struct mine_pair, room),
        .n_kinds = 1,
        .clients = {.n = n_clients},
        .servers = {.n = n_servers},
    };
}

/* Sets of neighbours: each of `size`, with as many unseen members. */
static void add_sets(struct mine_side *side, uint32_t n_sets, uint32_t from, uint32_t size,
                     uint64_t n_unseen, struct arena *arena)
{
    struct mine_set *sets = arena_array(arena, struct mine_set, n_sets);
    for (uint32_t set = 0; set < n_sets; set++) {
        uint32_t *members = arena_array(arena, uint32_t, size);
        for (uint32_t i = 0; i < size; i++)
            members[i] = from + set * size + i;
        sets[set] = (struct mine_set){members, size, n_unseen, true};
    }
    side->sets = sets;
    side->n_sets = n_sets;
}

enum { COMMON_SERVERS = 12, DEPARTMENT_SERVERS = 12 };

/* Subnets of 100 that belong to departments. A client uses `common` % of 12 servers that are for
 * all, `own` % of its department's 12, and `stray` per mille of the others. */
static void offices(struct mine_input *input, uint32_t common, uint32_t own, uint32_t stray,
                    struct arena *arena)
{
    enum { SERVERS = COMMON_SERVERS + DEPARTMENTS * DEPARTMENT_SERVERS, ROOM = 2000000 };
    begin(input, CLIENTS, SERVERS, ROOM, arena);
    uint64_t state = 1;
    for (uint32_t client = 0; client < CLIENTS; client++) {
        uint32_t department = client / IN_SUBNET % DEPARTMENTS;
        for (uint32_t server = 0; server < SERVERS; server++) {
            uint32_t share = 10 * common;
            if (server >= COMMON_SERVERS)
                share =
                    (server - COMMON_SERVERS) / DEPARTMENT_SERVERS == department ? 10 * own : stray;
            if (below(&state, 1000) < share) put(input, ROOM, client, server);
        }
    }
    add_sets(&input->clients, SUBNETS, 0, IN_SUBNET, IN_SUBNET / 10, arena);
    add_sets(&input->servers, DEPARTMENTS, COMMON_SERVERS, DEPARTMENT_SERVERS, 0, arena);
}

static void make_tidy(struct mine_input *input, struct arena *arena)
{
    offices(input, 100, 100, 0, arena);
}

static void make_office(struct mine_input *input, struct arena *arena)
{
    offices(input, 85, 75, 3, arena);
}

/* Three of 200 roles for each client; a role is up to 12 servers of 300. */
static void make_roles(struct mine_input *input, struct arena *arena)
{
    enum { ROLES = 200, SERVERS = 300, ROOM = 1000000 };
    begin(input, CLIENTS, SERVERS, ROOM, arena);
    uint64_t state = 2;
    uint32_t role[ROLES][12], size[ROLES];
    for (uint32_t i = 0; i < ROLES; i++) {
        size[i] = 2 + below(&state, 11);
        for (uint32_t j = 0; j < size[i]; j++)
            role[i][j] = below(&state, SERVERS);
    }
    for (uint32_t client = 0; client < CLIENTS; client++)
        for (int n = 0; n < 3; n++) {
            uint32_t i = below(&state, ROLES);
            for (uint32_t j = 0; j < size[i]; j++)
                put(input, ROOM, client, role[i][j]);
        }
}

static void random_pairs(struct mine_input *input, uint32_t n_clients, uint32_t n_servers,
                         size_t n_pairs, struct arena *arena)
{
    begin(input, n_clients, n_servers, n_pairs, arena);
    uint64_t state = 3;
    for (size_t i = 0; i < n_pairs; i++)
        put(input, n_pairs, below(&state, n_clients), below(&state, n_servers));
}

static void make_random_few(struct mine_input *input, struct arena *arena)
{
    random_pairs(input, CLIENTS, 300, 1000000, arena);
}

static void make_random_many(struct mine_input *input, struct arena *arena)
{
    random_pairs(input, CLIENTS, 10000, 1000000, arena);
}

static void make_random_dense(struct mine_input *input, struct arena *arena)
{
    random_pairs(input, 200, 100, 10000, arena);
}

static const struct network networks[] = {
    {"tidy",         "all use what is theirs",                                make_tidy        },
    {"office",       "departments use three quarters of theirs, with strays", make_office      },
    {"roles",        "three of 200 overlapping roles per client",             make_roles       },
    {"random-few",   "chance, 300 servers",                                   make_random_few  },
    {"random-many",  "chance, 10,000 servers",                                make_random_many },
    {"random-dense", "chance, 200 x 100, two in five",                        make_random_dense},
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The reductions alone, from the pairs on. */
static double reduce_s(const struct mine_input *input, struct arena arena, struct arena scratch)
{
    double start = cpu_s();
    struct mine_link *links = arena_array(&arena, struct mine_link, input->n_pairs);
    for (size_t i = 0; i < input->n_pairs; i++)
        links[i] = (struct mine_link){
            {input->pairs[i].client, input->pairs[i].server},
            MINE_NEEDED
        };
    const uint32_t n[2] = {input->clients.n, input->servers.n};
    struct mine_graph graph = mine_graph_build(n, links, input->n_pairs, &arena, scratch);
    struct mine_levels levels;
    struct mine_effort effort = {.limit = LIMIT_MINE_STEPS};
    mine_graph_reduce(&graph, &levels, &effort, &arena, scratch);
    return cpu_s() - start;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, size_t n)
{
    qsort(times, n, sizeof *times, compare_times);
    return times[n / 2];
}

static size_t count_items(const struct mine_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n_entries; i++)
        n += result->entries[i].clients.n_sets + result->entries[i].clients.n_singles +
             result->entries[i].servers.n_sets + result->entries[i].servers.n_singles;
    return n;
}

static void print_row(const char *regime, const struct mine_result *result, double reduced,
                      double whole)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    printf("  %-12s %9.2f %7.2f %9ld %8zu %8zu %7zu %8zu %8zu %6.1f %% %10.3f%s\n", regime, reduced,
           whole, usage.ru_maxrss / 1024, result->kernel_pairs, result->components,
           result->n_entries, count_items(result), result->bound, mine_gap_percent(result),
           mine_over_grant(result), result->exhausted ? "  steps ended" : "");
    fflush(stdout);
}

enum { MOST_RUNS = 99 };

static void run(const struct network *network, size_t n_runs, struct arena arena,
                struct arena scratch)
{
    struct mine_input input;
    network->make(&input, &arena);
    double reduced[MOST_RUNS], whole[MOST_RUNS];
    for (int generalise = 0; generalise < 2; generalise++) {
        if (generalise && !input.clients.n_sets) break;
        struct mine_options options = {.generalise = generalise};
        struct mine_result result = {0};
        for (size_t i = 0; i < n_runs; i++) {
            reduced[i] = reduce_s(&input, arena, scratch);
            struct arena answer = arena;
            double start = cpu_s();
            result = mine(&input, &options, &answer, scratch);
            whole[i] = cpu_s() - start;
            if (i + 1 < n_runs) continue;
            if (!generalise) {
                printf("\nsuggest, %s: %s, %" PRIu64 " pairs, told apart %zu x %zu\n",
                       network->name, network->what, result.seen, result.client_classes,
                       result.server_classes);
                printf("  %-12s %9s %7s %9s %8s %8s %7s %8s %8s %8s %10s\n", "regime", "reduce s",
                       "all s", "peak MiB", "kernel", "parts", "entries", "items", "bound", "gap",
                       "over-grant");
            }
            print_row(generalise ? "generalising" : "exact", &result, median(reduced, n_runs),
                      median(whole, n_runs));
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t n_runs = 0;
    if (argc < 2 || argc > 3 || !str_u64(str_of(argv[1]), MOST_RUNS, &n_runs) || !n_runs) {
        fputs("usage: mine RUNS [NETWORK]\n", stderr);
        return 2;
    }
    struct arena arena = arena_open("bench", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(networks); i++)
        if (argc == 2)
            puts(networks[i].name);
        else if (str_equal(str_of(argv[2]), str_of(networks[i].name)))
            run(&networks[i], n_runs, arena, scratch);
    arena_close(&scratch);
    arena_close(&arena);
    return 0;
}
