/* SPDX-License-Identifier: Apache-2.0 */
/* A source in blocks, read by any number of workers, comes to what it comes to as a whole. */
#include "cli/gather.h"

#include "base/hash.h"
#include "base/os_memory.h"
#include "base/test.h"
#include "cli/gathered.h"

enum { WHOLE = 1 << 30, LINES = 4000 };

/* What a source came to, as numbers that any difference changes. */
struct sum {
    struct arena arena;
    struct gathered *gathered;
    uint64_t facts, n_facts, parcels;
    bool ended;
};

static struct gather gather;

static void work(void *to, void *job, struct pool_turn *turn)
{
    (void)to;
    gather_file(&gather, str_of(job), turn);
}

static void work_part(void *to, struct pool_part *part, struct pool_turn *turn)
{
    (void)to;
    gather_block(part, turn);
}

static void done_part(void *to, struct pool_part *part)
{
    (void)to;
    gather_block_done(part);
}

static bool take(void *to, void *job, struct pool_result *result)
{
    struct sum *sum = to;
    struct parcel *parcel = (struct parcel *)(void *)result;
    (void)job;
    assert_int_equal(parcel->kind, PARCEL_SOURCE);
    assert_false(sum->ended);
    gathered_add(sum->gathered, parcel);
    for (size_t i = 0; i < parcel->batch.n_facts; i++) {
        const struct batch_fact *fact = &parcel->batch.facts[i];
        struct batch_edge edge = parcel->batch.edge_items[fact->edge];
        struct endpoint client = batch_end(&parcel->batch, edge.client);
        struct endpoint server = batch_end(&parcel->batch, edge.server);
        str origin = sum->gathered->parts[fact->part].origin;
        const uint64_t numbers[] = {
            client.addr.lo,
            server.addr.lo,
            edge.port,
            fact->client_port,
            fact->outcome,
            fact->line_hash,
            fact->offset,
            fact->known,
            (uint64_t)fact->first_us,
            hash_bytes(str_bytes(origin)),
        };
        for (size_t n = 0; n < COUNT_OF(numbers); n++)
            sum->facts = hash_join(sum->facts, numbers[n]);
        sum->n_facts++;
    }
    sum->ended = parcel->is_last;
    sum->parcels++;
    parcel_close(parcel);
    return true;
}

static void drop(void *to, struct pool_result *result)
{
    (void)to;
    parcel_close((struct parcel *)(void *)result);
}

static void done(void *to, void *job)
{
    (void)to, (void)job;
}

static void idle(void *to, uint64_t noted)
{
    (void)to, (void)noted;
}

static void print_sum(struct sum *sum, struct buf *out)
{
    struct gathered *g = sum->gathered;
    size_t n_skips = gathered_skips(g);
    buf_format(out, "%" PRIu64 " facts %016" PRIx64 "\n", sum->n_facts, sum->facts);
    for (size_t i = 0; i < g->n_parts; i++) {
        const struct gathered_part *part = &g->parts[i];
        buf_format(out, "[%.*s] %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64,
                   STR_ARG(part->origin), part->records, part->facts, part->from_us, part->to_us);
        for (size_t j = 0; j < part->n_locals; j++)
            buf_format(out, " %" PRIx64, part->locals[j].lo);
        buf_char(out, '\n');
    }
    buf_format(out, "%" PRIu64 " skips\n", g->n_skips);
    for (size_t i = 0; i < n_skips; i++)
        buf_format(out, "%" PRIu64 "+%" PRIu64 " %.*s\n", g->skips[i].offset, g->skips[i].length,
                   STR_ARG(g->skips[i].reason));
}

static str read_as(struct arena *arena, size_t block_bytes, size_t workers, uint64_t *parcels)
{
    static char path[] = "log";
    struct arena own = arena_open("pool", 0, NULL);
    struct sum sum = {.arena = arena_open("sum", 0, NULL)};
    struct buf out = buf_in(arena);
    struct pool_user user = {
        .to = &sum,
        .work = work,
        .take = take,
        .drop = drop,
        .done = done,
        .work_part = work_part,
        .done_part = done_part,
        .idle = idle,
    };
    sum.gathered = gathered_new(&sum.arena);
    gather.block_bytes = block_bytes;
    struct pool *pool = pool_open(&own, workers, 1 << 20, user);
    (void)pool_add(pool, path);
    pool_close(pool);
    assert_true(sum.ended);
    print_sum(&sum, &out);
    *parcels = sum.parcels;
    arena_close(&sum.arena);
    arena_close(&own);
    return buf_text(&out);
}

/* Blocks of many sizes, some smaller than a line, by one worker and by three. */
static void compare(str log)
{
    static const size_t sizes[] = {40, 1000, 1777, 20000, 65536};
    static const size_t workers[] = {1, 3};
    struct arena arena = arena_open("test", 0, NULL);
    struct os_memory *memory = os_memory_new(&arena);
    struct os world = os_memory_world(memory);
    uint64_t parcels = 0, parcels_whole = 0;
    os_memory_put(memory, S("log"), str_bytes(log));
    gather = (struct gather){.os = &world, .options = {.now_us = INT64_C(1790000000000000)}};
    str whole = read_as(&arena, WHOLE, 1, &parcels_whole);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t j = 0; j < COUNT_OF(workers); j++) {
            str parts = read_as(&arena, sizes[i], workers[j], &parcels);
            assert_string_equal(str_c(&arena, parts), str_c(&arena, whole));
            /* They were cut; where even a line is longer than a block they can't be. */
            if (sizes[i] > 40) assert_true(parcels > parcels_whole);
        }
    arena_close(&arena);
}

static size_t below(uint64_t *seed, size_t n)
{
    *seed = hash_u64(*seed + 1);
    return (size_t)(*seed % n);
}

/* Headers again in the midst, other columns, damage, lines over the limit, either line end. */
static void firewall_log(void **state)
{
    struct arena arena = arena_open("log", 0, NULL);
    struct buf out = buf_in(&arena);
    uint64_t seed = 1;
    bool short_columns = false;
    (void)state;
    buf_str(&out, S("#Version: 1.5\r\n#Fields: date time action protocol src-ip dst-ip src-port "
                    "dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\r\n"));
    for (size_t i = 0; i < LINES; i++) {
        if (!below(&seed, 700)) {
            short_columns = !short_columns;
            buf_str(&out, short_columns
                              ? S("#Fields: date time action protocol dst-ip src-ip "
                                  "src-port dst-port path\n")
                              : S("\n  #Fields: date time action protocol src-ip dst-ip "
                                  "src-port dst-port size tcpflags tcpsyn tcpack tcpwin "
                                  "icmptype icmpcode info path\r\n#Time Format: UTC\r\n"));
        }
        if (!below(&seed, 40)) buf_str(&out, S("2026-11-02 08:14 DROP TCP\n"));
        if (!below(&seed, 900)) {
            buf_repeat(&out, 'x', LIMIT_LOG_LINE_BYTES + 1);
            buf_char(&out, '\n');
        }
        if (!below(&seed, 300)) buf_str(&out, (str){"\0\0\0\0", 4});
        buf_format(&out, "2026-11-02 08:%02zu:%02zu %s TCP 10.10.4.%zu 10.10.%zu.12 %zu %u",
                   i / 60 % 60, i % 60, below(&seed, 9) ? "ALLOW" : "DROP", 1 + below(&seed, 200),
                   below(&seed, 90), 49152 + below(&seed, 9000), below(&seed, 3) ? 445u : 80u);
        buf_str(&out, short_columns ? S(" RECEIVE") : S(" 0 - 0 0 0 - - - RECEIVE"));
        if (i + 1 < LINES) buf_str(&out, below(&seed, 2) ? S("\r\n") : S("\n"));
    }
    compare(buf_text(&out));
    arena_close(&arena);
}

/* Rows of no interest stand for the sensor that was named last. */
static void zeek_rows(void **state)
{
    struct arena arena = arena_open("log", 0, NULL);
    struct buf out = buf_in(&arena);
    uint64_t seed = 2;
    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        buf_format(&out,
                   "{\"ts\":%zu.5,\"uid\":\"C%zu\",\"id.orig_h\":\"10.10.4.%zu\",\"id.orig_p\":%zu,"
                   "\"id.resp_h\":\"10.10.20.%zu\",\"id.resp_p\":%u,\"proto\":\"tcp\"",
                   1790000000 + i, i, below(&seed, 200), 49152 + below(&seed, 9000),
                   below(&seed, 20), below(&seed, 9) ? 443u : 445u);
        if (!below(&seed, 50)) buf_format(&out, ",\"_system_name\":\"sensor%zu\"", i % 3);
        buf_str(&out, below(&seed, 60) ? S(",\"conn_state\":\"SF\",\"_path\":\"conn\"}\n")
                                       : S(",\"conn_st\n"));
    }
    compare(buf_text(&out));
    arena_close(&arena);
}

/* A log server's file: each line names its host. */
static void hosts(void **state)
{
    struct arena arena = arena_open("log", 0, NULL);
    struct buf out = buf_in(&arena);
    uint64_t seed = 3;
    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        size_t host = below(&seed, 3) ? 0 : below(&seed, 40);
        buf_format(&out,
                   "Nov  2 08:%02zu:%02zu %s%zu kernel: DROP IN=eth0 OUT= SRC=10.10.4.%zu "
                   "DST=10.10.20.%zu LEN=60 PROTO=TCP SPT=%zu DPT=%u SYN\n",
                   i / 60 % 60, i % 60, below(&seed, 5) ? "fw" : "FW", host, below(&seed, 200),
                   host, 49152 + below(&seed, 9000), below(&seed, 3) ? 445u : 80u);
    }
    compare(buf_text(&out));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firewall_log),
        cmocka_unit_test(zeek_rows),
        cmocka_unit_test(hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
