/* SPDX-License-Identifier: Apache-2.0 */
/* Measured use for tools/bench: many exceptions, a million flows of three connections each, one
 * pass. Prints CPU seconds for making the meter, for the pass and for reading it, then for the
 * effect of one more exception, and the peak of memory.
 *
 * usage: use_bench KIND [EXCEPTIONS [FLOWS]]      KIND: host, server, client, wide
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/os.h"
#include "base/zone.h"
#include "reason/exception_use.h"

enum { PIECES = 3, DAYS = 90 };

static const int64_t today_us = INT64_C(20500) * INSTANT_DAY;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* 65,536 clients in 256 networks, 4,096 servers in 16. */
static struct addr client_of(uint64_t random)
{
    return addr_v4(0x0A010000 + (uint32_t)(random % 65536));
}

static struct addr server_of(uint64_t random)
{
    return addr_v4(0x0A200000 + (uint32_t)(random % 4096));
}

static void put_exception(struct buf *out, str kind, size_t i)
{
    char text[ADDR_TEXT];
    uint64_t random = hash_u64(i + 1);
    bool one_client = str_equal(kind, S("host")) || str_equal(kind, S("client"));
    bool one_server = str_equal(kind, S("host")) || str_equal(kind, S("server"));
    buf_format(out, "  - {id: EX-%zu, from: ", i);
    if (one_client)
        buf_str(out, addr_text(text, client_of(random)));
    else
        buf_format(out, "10.1.%u.0/24", (unsigned)(random % 256));
    buf_str(out, S(", to: "));
    if (one_server)
        buf_str(out, addr_text(text, server_of(random >> 20)));
    else
        buf_format(out, "10.32.%u.0/24", (unsigned)(random >> 20) % 16);
    buf_str(out, S(", service: smb, owner: a, reason: r, approver: b, expires: 2030-01-01}\n"));
}

static void fail(const struct diagnostics *found)
{
    fprintf(stderr, "use_bench: %.*s\n", STR_ARG(found->n ? found->items[0].text : S("failed")));
    exit(2);
}

struct made {
    struct policy policy;
    struct source_text file;
    struct matrix_view matrix;
};

static void make(struct made *made, str kind, size_t n, size_t n_flows, struct arena *arena)
{
    struct err err = {0};
    struct diagnostics found = {0};
    struct os os = os_posix();
    const struct zone *utc = zone_find(&os, S("UTC"), arena, &err);
    struct buf records = buf_in(arena);
    buf_str(&records, S("exceptions:\n"));
    for (size_t i = 0; i < n; i++)
        put_exception(&records, kind, i);
    made->file = (struct source_text){S("exceptions.yaml"), buf_text(&records)};
    str text = S("version: 1\nsegments:\n  clients: {networks: [10.1.0.0/16], trust: managed}\n"
                 "  servers: {networks: [10.32.0.0/20], trust: managed}\nallow:\n"
                 "  - {from: 10.1.0.0/20, to: servers, service: smb}\n");
    if (!policy_parse(S("policy.yaml"), text, arena, &made->policy, &found) ||
        !exceptions_parse(&made->file, &made->policy, utc, arena, &made->policy.exceptions,
                          &made->policy.n_exceptions, &found))
        fail(&found);
    struct matrix_flow *flows = arena_array(arena, struct matrix_flow, n_flows);
    for (size_t i = 0; i < n_flows; i++) {
        uint64_t random = hash_u64(i + 1000000007);
        /* Every tenth is the pair of an exception of one host to another. */
        uint64_t pair = i % 10 ? random : hash_u64(i / 10 % n + 1);
        flows[i].client.addr = client_of(pair);
        flows[i].server.addr = server_of(pair >> 20);
        flows[i].transport = TRANSPORT_TCP;
        flows[i].port = 445;
        flows[i].connections = flows[i].outcomes[OUTCOME_ESTABLISHED] = PIECES;
        flows[i].last_us = today_us;
    }
    made->matrix = (struct matrix_view){.flows = flows, .n_flows = n_flows};
}

static void pass(const struct made *made, struct sighting_sink sink)
{
    for (size_t i = 0; i < made->matrix.n_flows; i++) {
        const struct matrix_flow *flow = &made->matrix.flows[i];
        uint32_t tag = 0;
        if (!sink.wants(sink.to, flow->client, flow->server, flow->transport, flow->port, &tag))
            continue;
        for (size_t k = 0; k < PIECES; k++) {
            struct sighting s = {.connections = 1};
            s.outcomes[OUTCOME_ESTABLISHED] = 1;
            s.first_us = today_us - (int64_t)(hash_u64(i * PIECES + k) % DAYS) * INSTANT_DAY;
            s.last_us = s.first_us;
            sink.seen(sink.to, tag, &s);
        }
        sink.user(sink.to, tag, S("CONTOSO\\alice"), today_us - INSTANT_DAY, today_us);
    }
}

static double ask_effect(struct made *made, struct arena *arena)
{
    struct arena scratch = arena_open("scratch", 0, NULL);
    struct diagnostics found = {0};
    struct exception_effect effect;
    struct exception last = made->policy.exceptions[made->policy.n_exceptions - 1];
    double start = now_s();
    struct effect_question q = {
        .policy = &made->policy, .exception = &last, .as_of_us = today_us, .matrix = &made->matrix};
    q.policy = &made->policy;
    made->policy.n_exceptions--;
    if (!exception_effect(&q, arena, scratch, &effect, &found)) fail(&found);
    return now_s() - start;
}

int main(int argc, char **argv)
{
    struct arena arena = arena_open("bench", 0, NULL);
    struct diagnostics found = {0};
    struct made made = {0};
    str kind = argc > 1 ? str_of(argv[1]) : S("host");
    size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    size_t n_flows = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000000;
    make(&made, kind, n, n_flows, &arena);
    struct use_span span = {today_us - 60 * INSTANT_DAY, today_us - 10 * INSTANT_DAY};
    struct use_question *questions = arena_array(&arena, struct use_question, n);
    struct exception_use *uses = arena_array(&arena, struct exception_use, n);
    for (size_t i = 0; i < n; i++)
        questions[i] = (struct use_question){
            .exception = &made.policy.exceptions[i], .spans = &span, .n_spans = 1};
    const struct use_world world = {
        .policy = &made.policy, .as_of_us = today_us, .matrix = &made.matrix};
    uint64_t before = arena_used(&arena);
    double start = now_s();
    struct use_meter *meter = exception_use_meter(&world, questions, n, &arena, &found);
    if (!meter) fail(&found);
    double made_s = now_s();
    pass(&made, exception_use_sink(meter));
    double passed_s = now_s();
    exception_use_read(meter, uses);
    double read_s = now_s();
    uint64_t used = 0, connections = 0;
    for (size_t i = 0; i < n; i++) {
        used += uses[i].connections != 0;
        connections += uses[i].connections;
    }
    uint64_t taken = arena_used(&arena) - before;
    double effect_s = ask_effect(&made, &arena);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%-7.*s %zu exceptions (%llu used, %llu connections) x %zu flows: make %.2f s, pass %.2f "
        "s, read %.2f s, %llu MiB of its own; effect of one more %.2f s; peak %ld MiB\n",
        STR_ARG(kind), n, (unsigned long long)used, (unsigned long long)connections, n_flows,
        made_s - start, passed_s - made_s, read_s - passed_s, (unsigned long long)(taken >> 20),
        effect_s, usage.ru_maxrss / 1024);
    return 0;
}
