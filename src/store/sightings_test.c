/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix by time: its pieces add up to the matrix, and stand where they were seen. */
#include "base/hash.h"
#include "base/instant.h"
#include "base/os.h"
#include "base/test.h"
#include "store/intake.h"
#include "store/prune.h"

#define DAY(n) ((INT64_C(20000) + (int64_t)(n)) * INSTANT_DAY)

enum { FACTS = 400, FLOWS = 12, PIECES = 4 * FACTS };

static struct arena arena, scratch_arena;
static struct os os;

static bool recognises_nothing(bytes head)
{
    (void)head;
    return false;
}

static const struct reader capture_reader = {
    .name = {"capture", 7},
      .overlap = OVERLAP_CONTENT_HASH, .recognise = recognises_nothing
};

static void must(bool fine, const struct err *err)
{
    if (!fine) fail_msg("%s", err->text);
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct err err = {0};
    must(store_create(&os, S(":memory:"), STORE_WAL, &store, &err), &err);
    return store;
}

static void add_facts(struct store *store, const struct observation *facts, size_t n)
{
    struct intake_part part = {.records = n, .facts = n};
    struct batch batch = batch_in(&arena);
    struct err err = {0};
    must(intake_begin(store, &err), &err);
    must(intake_capture_stream(store, &capture_reader, (str){0}, &part.stream, &err), &err);
    for (size_t i = 0; i < n; i++)
        batch_observation(&batch, &facts[i]);
    must(intake_add(store, &part, 1, S("x"), &capture_reader, &batch, scratch_arena, &err), &err);
    const struct intake_source source = {.path = S("x"), .reader = &capture_reader};
    must(intake_commit(store, &source, &part, 1, scratch_arena, &err), &err);
}

/* ---- Who listens --------------------------------------------------------------------------------
 */

struct heard {
    const struct matrix_view *matrix;
    struct sighting pieces[PIECES];
    uint32_t tags[PIECES];
    size_t n;
    str user;
    int64_t user_first_us, user_last_us;
    uint16_t only_port; /* 0 = all are wanted */
};

static bool wants(void *to, struct endpoint client, struct endpoint server,
                  enum transport transport, uint16_t port, uint32_t *tag)
{
    struct heard *heard = to;
    if (heard->only_port && port != heard->only_port) return false;
    for (size_t i = 0; i < heard->matrix->n_flows; i++) {
        const struct matrix_flow *flow = &heard->matrix->flows[i];
        *tag = (uint32_t)i;
        if (view_compare_ends(flow->client, client) == 0 &&
            view_compare_ends(flow->server, server) == 0 && flow->port == port &&
            flow->transport == transport)
            return true;
    }
    return false;
}

static void hear(void *to, uint32_t tag, const struct sighting *sighting)
{
    struct heard *heard = to;
    assert_true(heard->n < PIECES);
    heard->tags[heard->n] = tag;
    heard->pieces[heard->n++] = *sighting;
}

static void hear_user(void *to, uint32_t tag, str user, int64_t first_us, int64_t last_us)
{
    struct heard *heard = to;
    (void)tag;
    heard->user = user;
    heard->user_first_us = first_us;
    heard->user_last_us = last_us;
}

static struct heard *listen(struct store *store, uint16_t only_port)
{
    struct heard *heard = arena_new(&arena, struct heard);
    struct matrix_view *matrix = arena_new(&arena, struct matrix_view);
    struct err err = {0};
    heard->matrix = matrix;
    heard->only_port = only_port;
    must(store_load_matrix(store, &arena, matrix, &err), &err);
    const struct sighting_sink sink = {heard, wants, hear, hear_user};
    must(store_load_sightings(store, &sink, &arena, &err), &err);
    return heard;
}

/* ---- Tests --------------------------------------------------------------------------------------
 */

static struct observation fact_of(uint64_t seed, bool portless)
{
    uint64_t s = hash_u64(seed);
    struct observation o = {.transport = TRANSPORT_TCP, .port = 445, .count = 1, .offset = seed};
    o.client.addr = addr_v4(0x0A0A0400 + (uint32_t)(s % 4));
    o.server.addr = addr_v4(0x0A140000 + (uint32_t)(s / 4 % 3));
    /* A port of its own each: no two are one connection. */
    o.client_port = (uint16_t)(portless && s / 12 % 3 == 0 ? 0 : 1024 + seed);
    o.first_us = DAY(s / 36 % 40) + (int64_t)(s / 1440 % 86400) * INSTANT_SECOND + (int64_t)seed;
    o.last_us = o.first_us;
    o.outcome = (enum outcome)(s / 7 % OUTCOME_COUNT);
    return o;
}

static void expect_sums(const struct heard *heard, bool outcomes)
{
    for (size_t i = 0; i < heard->matrix->n_flows; i++) {
        const struct matrix_flow *flow = &heard->matrix->flows[i];
        struct sighting sum = {.first_us = INT64_MAX, .last_us = INT64_MIN};
        for (size_t j = 0; j < heard->n; j++) {
            const struct sighting *piece = &heard->pieces[j];
            if (heard->tags[j] != i) continue;
            assert_true(instant_day(piece->first_us) == instant_day(piece->last_us));
            sum.connections += piece->connections;
            for (size_t k = 0; k < OUTCOME_COUNT; k++)
                sum.outcomes[k] += piece->outcomes[k];
            if (piece->first_us < sum.first_us) sum.first_us = piece->first_us;
            if (piece->last_us > sum.last_us) sum.last_us = piece->last_us;
        }
        assert_int_equal(sum.connections, flow->connections);
        if (outcomes) assert_true(sum.first_us == flow->first_us && sum.last_us == flow->last_us);
        /* Of counts that can't be joined the matrix takes the largest per outcome. */
        for (size_t k = 0; k < OUTCOME_COUNT && outcomes; k++)
            assert_int_equal(sum.outcomes[k], flow->outcomes[k]);
    }
}

static void pieces_add_up_to_the_matrix(void **state)
{
    static struct observation facts[FACTS];
    (void)state;
    for (int portless = 0; portless < 2; portless++) {
        struct store *store = open_store();
        struct err err = {0};
        for (size_t i = 0; i < FACTS; i++)
            facts[i] = fact_of(i + 1, portless);
        add_facts(store, facts, FACTS);
        struct heard *heard = listen(store, 0);
        expect_sums(heard, !portless);
        if (!portless) assert_int_equal(heard->n, FACTS);
        /* Days that are counted and let go are told as days. */
        must(prune_connections(store, 10, 0, scratch_arena, &err), &err);
        struct heard *pruned = listen(store, 0);
        expect_sums(pruned, !portless);
        assert_true(pruned->n < heard->n && pruned->n > FLOWS);
        store_close(store);
    }
}

static void a_connection_stands_where_it_began(void **state)
{
    struct observation facts[3] = {0};
    str alice = S("CONTOSO\\alice");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(facts); i++) {
        facts[i] = fact_of(1, false);
        facts[i].client_port = (uint16_t)(50000 + i);
        facts[i].first_us = DAY(0) + (int64_t)i; /* one microsecond apart */
        facts[i].last_us = DAY(1);
        facts[i].outcome = i == 2 ? OUTCOME_BLOCKED : OUTCOME_ESTABLISHED;
        facts[i].users = (struct names){&alice, 1};
    }
    struct store *store = open_store();
    add_facts(store, facts, COUNT_OF(facts));
    struct heard *heard = listen(store, 0);
    assert_int_equal(heard->n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(heard->pieces[i].first_us == DAY(0) + (int64_t)i);
        assert_true(heard->pieces[i].last_us == heard->pieces[i].first_us);
        assert_int_equal(heard->pieces[i].outcomes[OUTCOME_BLOCKED], i == 2);
    }
    assert_true(str_equal(heard->user, alice));
    assert_true(heard->user_first_us == DAY(0));
    assert_int_equal(listen(store, 139)->n, 0);
    store_close(store);
}

static void clocks_that_count_from_a_boot_are_left_out(void **state)
{
    struct observation fact = fact_of(1, false);
    (void)state;
    fact.first_us = fact.last_us = INSTANT_DAY;
    struct store *store = open_store();
    add_facts(store, &fact, 1);
    assert_int_equal(listen(store, 0)->n, 0);
    store_close(store);
}

static int open_world(void **state)
{
    (void)state;
    os = os_posix();
    arena = arena_open("test", 0, NULL);
    scratch_arena = arena_open("scratch", 0, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_add_up_to_the_matrix),
        cmocka_unit_test(a_connection_stands_where_it_began),
        cmocka_unit_test(clocks_that_count_from_a_boot_are_left_out),
    };
    return cmocka_run_group_tests(tests, open_world, NULL);
}
