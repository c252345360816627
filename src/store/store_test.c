/* SPDX-License-Identifier: Apache-2.0 */
/* Facts made by hand, in every order and cut, into a database in memory, and out again as JSON. */
#include "base/hash.h"
#include "base/instant.h"
#include "base/os.h"
#include "base/test.h"
#include "store/intake.h"
#include "store/prune.h"
#include "store/tables.h"

#define DAY(n) ((INT64_C(20000) + (int64_t)(n)) * INSTANT_DAY)

static struct arena arena, scratch_arena;
static struct os os;

static bool recognises_nothing(bytes head)
{
    (void)head;
    return false;
}

static const struct reader log_reader = {
    .name = {"log", 3},
      .overlap = OVERLAP_LINES, .recognise = recognises_nothing
};
static const struct reader capture_reader = {
    .name = {"capture", 7},
      .overlap = OVERLAP_CONTENT_HASH, .recognise = recognises_nothing
};

/* ---- Facts --------------------------------------------------------------------------------------
 */

static uint64_t next(uint64_t *seed, uint64_t below)
{
    *seed = hash_u64(*seed);
    return *seed % below;
}

static const str people[] = {
    {"CONTOSO\\alice", 13},
    {"contoso\\ALICE", 13},
    {"CONTOSO\\bob",   11}
};
static const str paths[] = {
    {"\\\\FS01\\projects", 15},
    {"\\\\fs01\\projects", 15},
    {"\\\\FS01\\IPC$",     11}
};

/* A fact that depends on the seed alone. */
static struct observation fact_of(uint64_t seed)
{
    uint64_t s = seed;
    struct observation o = {
        .client = {.addr = addr_v4(0x0A0A0400 + (uint32_t)next(&s, 4))    },
        .server = {                                   .addr = addr_v4(0x0A140000 + (uint32_t)next(&s,                                           3))       },
        .transport = TRANSPORT_TCP,
        .client_port = (uint16_t)(next(&s, 8) ? 50000 + next(&s, 4) : 0),
        .port = next(&s, 4) ? 445 : 139,
        .is_smb = next(&s, 2),
        .first_us = DAY(next(&s, 3)) + (int64_t)next(&s, 20) * 700000,
        .count = 1,
        .bytes_to_server = next(&s, 1000),
        .bytes_to_client = next(&s, 1000),
        .outcome = (enum outcome)next(&s, OUTCOME_COUNT),
        .profile = (enum profile)next(&s, PROFILE_COUNT + 1),
        .assumed = (uint8_t)next(&s, 2),
        .smb = { .dialects = (uint8_t)(1u << next(&s,        DIALECT_COUNT)),
                   .client_signing = (enum signing)next(&s, SIGNING_COUNT),
                   .server_signing = (enum signing)next(&s, SIGNING_COUNT),
                   .encrypted = (enum known)next(&s, 3),
                   .auths = (uint8_t)next(&s, 32)},
        .users = {                                                     &people[next(&s,               3)],                    1},
        .shares = {                                                                   &paths[next(&s,                                              3)],                                       1},
        .offset = seed,
    };
    o.last_us = o.first_us + (int64_t)next(&s, 1000000);
    if (next(&s, 3) == 0) o.shares_refused = o.shares;
    o.within = next(&s, 4) == 0;
    o.closes = next(&s, 8) == 0;
    o.smb.ciphers = (uint8_t)next(&s, 16);
    o.smb.compression_offered = (enum known)next(&s, 3);
    if (next(&s, 3) == 0) o.interfaces = o.shares;
    return o;
}

/* ---- Sources ------------------------------------------------------------------------------------
 */

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct err err = {0};
    if (!store_create(&os, S(":memory:"), STORE_WAL, &store, &err)) fail_msg("%s", err.text);
    return store;
}

static void must(bool fine, const struct err *err)
{
    if (!fine) fail_msg("%s", err->text);
}

/* A text log with the given lines (seeds of facts), in pieces of `piece` facts. */
struct given_log {
    const char *path;
    const uint64_t *lines;
    size_t n, piece;
    const char *local; /* NULL = tells no own address */
    int hours;         /* as if read with a zone that far off */
};

static uint64_t read_log(struct store *store, const struct given_log *log)
{
    struct arena scratch = arena_open("scratch", 0, NULL);
    struct intake_part part = {.records = log->n, .facts = log->n};
    struct err err = {0};
    struct addr local = {0};
    if (log->local) assert_true(addr_parse(str_of(log->local), &local));
    part.lines = lines_new(&scratch);
    must(intake_begin(store, &err), &err);
    must(intake_log_stream(store, &log_reader, &local, log->local ? 1 : 0, (str){0}, S("folder"),
                           &scratch, &part.stream, &err),
         &err);
    struct batch batch = batch_in(&scratch);
    for (size_t i = 0; i < log->n; i++) {
        struct observation o = fact_of(log->lines[i]);
        o.first_us += log->hours * INT64_C(3600) * INSTANT_SECOND;
        o.last_us += log->hours * INT64_C(3600) * INSTANT_SECOND;
        batch.line_hash = hash_u64(log->lines[i]);
        batch_observation(&batch, &o);
        if (batch.n_facts < log->piece) continue;
        must(intake_add(store, &part, 1, str_of(log->path), &log_reader, &batch, scratch_arena,
                        &err),
             &err);
        batch = batch_in(&arena);
    }
    must(intake_add(store, &part, 1, str_of(log->path), &log_reader, &batch, scratch_arena, &err),
         &err);
    const struct intake_source source = {.path = str_of(log->path), .reader = &log_reader};
    must(intake_commit(store, &source, &part, 1, scratch_arena, &err), &err);
    arena_close(&scratch);
    return part.known;
}

/* A capture; false when its content was known. */
static bool read_capture(struct store *store, const char *path, const uint64_t *seeds, size_t n,
                         size_t piece)
{
    struct intake_part part = {.records = n, .facts = n};
    struct err err = {0};
    bool found = false;
    struct sha256_digest digest = sha256_of((bytes){(const uint8_t *)seeds, n * sizeof *seeds});
    must(intake_begin(store, &err), &err);
    must(intake_find_capture(store, &digest, &arena, &found, &part.stream, &err), &err);
    if (!found) {
        must(intake_capture_stream(store, &capture_reader, (str){0}, &part.stream, &err), &err);
        struct batch batch = batch_in(&arena);
        for (size_t i = 0; i < n; i++) {
            struct observation o = fact_of(seeds[i]);
            batch_observation(&batch, &o);
            if (batch.n_facts < piece && i + 1 < n) continue;
            must(intake_add(store, &part, 1, str_of(path), &capture_reader, &batch, scratch_arena,
                            &err),
                 &err);
            batch = batch_in(&arena);
        }
        must(intake_name_capture(store, &part.stream, &digest, &arena, &err), &err);
    }
    const struct intake_source source = {.path = str_of(path), .reader = &capture_reader};
    must(intake_commit(store, &source, &part, 1, scratch_arena, &err), &err);
    return !found;
}

static str json_of(struct store *store)
{
    struct matrix_view view = {0};
    struct err err = {0};
    must(store_load_matrix(store, &arena, &view, &err), &err);
    struct buf out = buf_in(&arena);
    view_print_json(&view, &view_labels_default, &out);
    return buf_text(&out);
}

static str flows_of(struct store *store)
{
    str json = json_of(store), flows = json;
    for (size_t i = 0; i < json.len; i++)
        if (str_starts(str_tail(json, i), S("],\"hosts\""))) flows = str_head(json, i);
    return flows;
}

static void same(str expected, str found)
{
    if (str_equal(expected, found)) return;
    size_t at = 0;
    while (at < expected.len && at < found.len && expected.ptr[at] == found.ptr[at])
        at++;
    size_t from = at > 60 ? at - 60 : 0;
    fail_msg("differs at %zu: expected ...%.*s, found ...%.*s", at,
             STR_ARG(str_head(str_tail(expected, from), 160)),
             STR_ARG(str_head(str_tail(found, from), 160)));
}

enum { FACTS = 300 };

static void shuffle(uint64_t *items, size_t n, uint64_t *seed)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)next(seed, i);
        uint64_t held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}

/* ---- Tests --------------------------------------------------------------------------------------
 */

static void any_order_and_cut_gives_the_same_bytes(void **state)
{
    enum { TURNS = 40 };
    uint64_t seeds[FACTS], random = 1;
    str expected = {0};
    (void)state;
    for (size_t i = 0; i < FACTS; i++)
        seeds[i] = 1000 + i;
    for (int turn = 0; turn < TURNS; turn++) {
        struct arena before = arena;
        struct store *store = open_store();
        struct err err = {0};
        struct intake_part part = {0};
        size_t piece = turn ? 1 + (size_t)next(&random, FACTS) : FACTS;
        must(intake_begin(store, &err), &err);
        must(intake_capture_stream(store, &capture_reader, (str){0}, &part.stream, &err), &err);
        for (size_t i = 0; i < FACTS; i += piece) {
            struct batch batch = batch_in(&arena);
            for (size_t j = i; j < FACTS && j < i + piece; j++) {
                struct observation o = fact_of(seeds[j]);
                batch_observation(&batch, &o);
            }
            must(intake_add(store, &part, 1, S("x"), &capture_reader, &batch, scratch_arena, &err),
                 &err);
        }
        const struct intake_source source = {.path = S("x"), .reader = &capture_reader};
        must(intake_commit(store, &source, &part, 1, scratch_arena, &err), &err);
        str found = json_of(store);
        store_close(store);
        if (!turn)
            expected = found;
        else {
            same(expected, found);
            arena = before;
        }
        shuffle(seeds, FACTS, &random);
    }
    assert_true(expected.len > 10000);
}

static void the_order_of_sources_changes_nothing(void **state)
{
    uint64_t seeds[FACTS];
    str expected = {0};
    (void)state;
    for (size_t i = 0; i < FACTS; i++)
        seeds[i] = 5000 + i;
    const struct given_log logs[] = {
        {"a.log", seeds,      100, 7,  "10.20.0.1", 0},
        {"b.log", seeds + 80, 90,  90, "10.20.0.1", 0},
        {"c.log", seeds + 20, 60,  13, "10.10.4.1", 0},
    };
    static const size_t orders[][3] = {
        {0, 1, 2},
        {0, 2, 1},
        {2, 0, 1}
    };
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct store *store = open_store();
        for (size_t j = 0; j < 3; j++)
            read_log(store, &logs[orders[i][j]]);
        read_capture(store, "d.pcap", seeds + 150, 100, 1000);
        str found = json_of(store);
        store_close(store);
        if (!i) expected = found;
        same(expected, found);
    }
}

static void reading_again_counts_nothing_twice(void **state)
{
    uint64_t seeds[FACTS];
    (void)state;
    for (size_t i = 0; i < FACTS; i++)
        seeds[i] = 9000 + i;
    struct store *store = open_store();
    const struct given_log log = {"a.log", seeds, 100, 1000, "10.20.0.1", 0};
    const struct given_log cut = {"a.log", seeds, 100, 3, "10.20.0.1", 0};
    const struct given_log zone = {"a.log", seeds, 100, 1000, "10.20.0.1", 9};
    assert_int_equal(read_log(store, &log), 0);
    assert_true(read_capture(store, "d.pcap", seeds + 100, 100, 1000));
    str expected = json_of(store);
    assert_int_equal(read_log(store, &log), 100);
    assert_false(read_capture(store, "d.pcap", seeds + 100, 100, 1000));
    same(expected, json_of(store));
    assert_int_equal(read_log(store, &cut), 100);
    same(expected, json_of(store));
    /* The same lines in another zone are the same lines. */
    assert_int_equal(read_log(store, &zone), 100);
    same(expected, json_of(store));
    /* Under another path: nothing but the coverage gains. */
    str flows = flows_of(store);
    const struct given_log copy = {"copy.log", seeds, 100, 1000, "10.20.0.1", 0};
    assert_int_equal(read_log(store, &copy), 100);
    assert_false(read_capture(store, "copy.pcap", seeds + 100, 100, 10));
    same(flows, flows_of(store));
    store_close(store);
}

/* Exports that overlap, in any cut, count what the whole log counts. */
static void overlapping_exports_count_once(void **state)
{
    uint64_t lines[FACTS], random = 3;
    (void)state;
    /* Lines repeat: the same line twice is two lines. */
    for (size_t i = 0; i < FACTS; i++)
        lines[i] = 20000 + next(&random, FACTS / 2);
    struct store *store = open_store();
    const struct given_log whole = {"x.log", lines, FACTS, 1000, "10.20.0.1", 0};
    assert_int_equal(read_log(store, &whole), 0);
    str expected = flows_of(store);
    store_close(store);
    for (int turn = 0; turn < 20; turn++) {
        struct arena before = arena;
        size_t first = (size_t)next(&random, FACTS), second = (size_t)next(&random, first + 1);
        store = open_store();
        const struct given_log head = {"x.log", lines, first, 50, "10.20.0.1", 0};
        const struct given_log tail = {"x.log", lines + second, FACTS - second, 50, "10.20.0.1", 0};
        read_log(store, &head);
        read_log(store, &tail);
        read_log(store, &whole);
        read_log(store, &head);
        same(expected, flows_of(store));
        store_close(store);
        arena = before;
    }
}

static void two_hosts_are_two_streams(void **state)
{
    uint64_t lines[] = {1, 2, 3, 4, 5};
    (void)state;
    struct store *store = open_store();
    const struct given_log one = {"one/pfirewall.log", lines, 5, 10, "10.20.0.1", 0};
    const struct given_log two = {"two/pfirewall.log", lines, 5, 10, "10.20.0.2", 0};
    const struct given_log nameless = {"three/pfirewall.log", lines, 5, 10, NULL, 0};
    assert_int_equal(read_log(store, &one), 0);
    assert_int_equal(read_log(store, &two), 0);
    assert_int_equal(read_log(store, &nameless), 0);
    assert_int_equal(read_log(store, &two), 5);
    assert_int_equal(read_log(store, &nameless), 5);
    store_close(store);
}

static void an_abandoned_source_leaves_nothing(void **state)
{
    uint64_t seeds[] = {1, 2, 3};
    struct err err = {0};
    struct intake_part part = {0};
    (void)state;
    struct store *store = open_store();
    str expected = json_of(store);
    must(intake_begin(store, &err), &err);
    must(intake_capture_stream(store, &capture_reader, (str){0}, &part.stream, &err), &err);
    struct batch batch = batch_in(&arena);
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        struct observation o = fact_of(seeds[i]);
        batch_observation(&batch, &o);
    }
    must(intake_add(store, &part, 1, S("x"), &capture_reader, &batch, scratch_arena, &err), &err);
    intake_abandon(store);
    same(expected, json_of(store));
    assert_true(read_capture(store, "x", seeds, 3, 10));
    store_close(store);
}

/* Connections that were let go still count, and say so only when more came for their day. */
static void old_connections_become_counts(void **state)
{
    uint64_t seeds[FACTS];
    struct err err = {0};
    (void)state;
    for (size_t i = 0; i < FACTS; i++)
        seeds[i] = 40000 + i;
    struct store *store = open_store();
    read_capture(store, "a.pcap", seeds, FACTS, 1000);
    str expected = json_of(store);
    must(prune_connections(store, 1, FACTS * 2, scratch_arena, &err), &err);
    same(expected, json_of(store));
    must(prune_connections(store, 1, 0, scratch_arena, &err), &err);
    same(expected, json_of(store));
    must(prune_connections(store, 1, 0, scratch_arena, &err), &err);
    same(expected, json_of(store));
    struct matrix_view before = {0}, after = {0};
    must(store_load_matrix(store, &arena, &before, &err), &err);
    read_capture(store, "b.pcap", seeds, FACTS / 2, 1000);
    must(prune_connections(store, 1, 0, scratch_arena, &err), &err);
    must(store_load_matrix(store, &arena, &after, &err), &err);
    assert_int_equal(before.n_flows, after.n_flows);
    size_t inexact = 0;
    for (size_t i = 0; i < after.n_flows; i++) {
        assert_int_equal(before.flows[i].connections, after.flows[i].connections);
        inexact += !after.flows[i].connections_exact;
    }
    assert_true(inexact > 0);
    store_close(store);
}

static void names_over_the_limit_are_the_same_ones(void **state)
{
    enum { MANY = LIMIT_NAMES + 50 };
    str names[MANY], expected = {0};
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        names[i] = str_format(&arena, "user%zu", i);
    for (int turn = 0; turn < 3; turn++) {
        struct store *store = open_store();
        struct err err = {0};
        struct intake_part part = {0};
        struct batch batch = batch_in(&arena);
        for (size_t i = 0; i < MANY; i++) {
            struct observation o = fact_of(1);
            o.users = (struct names){&names[turn == 1 ? MANY - 1 - i : i], 1};
            batch_observation(&batch, &o);
        }
        must(intake_begin(store, &err), &err);
        must(intake_capture_stream(store, &capture_reader, (str){0}, &part.stream, &err), &err);
        must(intake_add(store, &part, 1, S("x"), &capture_reader, &batch, scratch_arena, &err),
             &err);
        const struct intake_source source = {.path = S("x"), .reader = &capture_reader};
        must(intake_commit(store, &source, &part, 1, scratch_arena, &err), &err);
        struct matrix_view view = {0};
        must(store_load_matrix(store, &arena, &view, &err), &err);
        assert_int_equal(view.n_flows, 1);
        assert_int_equal(view.flows[0].users.n, LIMIT_NAMES);
        assert_true(str_equal(view.flows[0].conflicts.items[0], S("users: 256 of 306 are listed")));
        str found = json_of(store);
        if (!turn) expected = found;
        same(expected, found);
        store_close(store);
    }
}

/* What JSON says of a flow that several sessions disagree on: the weakest, and the rest beside. */
static void the_weakest_is_printed(void **state)
{
    struct err err = {0};
    struct intake_part part = {0};
    (void)state;
    struct store *store = open_store();
    struct batch batch = batch_in(&arena);
    for (int i = 0; i < 2; i++) {
        struct observation o = fact_of(1);
        o.smb = (struct smb_facts){
            .dialects = (uint8_t)(1u << (i ? DIALECT_3_1_1 : DIALECT_2_1)),
            .server_signing = i ? SIGNING_REQUIRED : SIGNING_ENABLED,
            .client_signing = SIGNING_ENABLED,
            .encrypted = i ? KNOWN_YES : KNOWN_NO,
        };
        o.shares = (struct names){paths, 2};
        o.shares_refused = (struct names){i ? paths : NULL, i ? 1 : 0};
        batch_observation(&batch, &o);
    }
    must(intake_begin(store, &err), &err);
    must(intake_capture_stream(store, &capture_reader, (str){0}, &part.stream, &err), &err);
    must(intake_add(store, &part, 1, S("x"), &capture_reader, &batch, scratch_arena, &err), &err);
    const struct intake_source source = {.path = S("x"), .reader = &capture_reader};
    must(intake_commit(store, &source, &part, 1, scratch_arena, &err), &err);
    struct matrix_view view = {0};
    must(store_load_matrix(store, &arena, &view, &err), &err);
    const struct matrix_flow *flow = &view.flows[0];
    assert_int_equal(flow->server_signing, SIGNING_ENABLED);
    assert_int_equal(flow->encrypted, KNOWN_NO);
    assert_int_equal(flow->dialects, 1u << DIALECT_2_1 | 1u << DIALECT_3_1_1);
    assert_int_equal(flow->conflicts.n, 2);
    assert_true(str_equal(flow->conflicts.items[0], S("server signing: enabled, required")));
    assert_true(str_equal(flow->conflicts.items[1], S("encrypted: false, true")));
    assert_int_equal(flow->shares.n, 2);
    assert_int_equal(flow->shares_refused.n, 0); /* it was granted once */
    store_close(store);
}

/* A number that names no row is damage, never an index. */
static void a_damaged_database_is_refused(void **state)
{
    static const char *const damages[] = {
        "UPDATE edge SET id=id+1000 WHERE id=(SELECT max(id) FROM edge)",
        "UPDATE piece SET data=zeroblob(length(data))",
        "UPDATE piece SET data=substr(data,1,length(data)-1)",
        "UPDATE piece SET data=data||x'00'",
        "UPDATE piece SET data=x''",
        "DELETE FROM piece WHERE id=(SELECT max(id) FROM piece)",
        "DELETE FROM source",
        "UPDATE run SET n_pieces=2",
        "UPDATE edge SET server=1000000 WHERE id=1",
        "UPDATE edge SET id=-7 WHERE id=1",
        "DELETE FROM text WHERE id=(SELECT max(id) FROM text)",
        "UPDATE coverage SET stream=99",
        "UPDATE stream SET id=-5",
        "INSERT INTO day VALUES(77,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0)",
        "INSERT INTO skip VALUES(55,0,0,x'',0)",
        "INSERT INTO local VALUES(zeroblob(16),x'',1000)",
        "INSERT INTO text VALUES(-3,x'41')",
    };
    uint64_t seeds[20];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(seeds); i++)
        seeds[i] = i + 1;
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        struct store *store = open_store();
        struct matrix_view view = {0};
        struct err err = {0};
        assert_true(read_capture(store, "a.pcap", seeds, COUNT_OF(seeds), 100));
        must(store_load_matrix(store, &arena, &view, &err), &err);
        must(sqlite_run(store->db, damages[i], &err), &err);
        if (store_load_matrix(store, &arena, &view, &err)) fail_msg("%s: not seen", damages[i]);
        if (!strstr(err.text, "damaged")) fail_msg("%s: %s", damages[i], err.text);
        store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_and_cut_gives_the_same_bytes),
        cmocka_unit_test(the_order_of_sources_changes_nothing),
        cmocka_unit_test(reading_again_counts_nothing_twice),
        cmocka_unit_test(overlapping_exports_count_once),
        cmocka_unit_test(two_hosts_are_two_streams),
        cmocka_unit_test(an_abandoned_source_leaves_nothing),
        cmocka_unit_test(old_connections_become_counts),
        cmocka_unit_test(names_over_the_limit_are_the_same_ones),
        cmocka_unit_test(the_weakest_is_printed),
        cmocka_unit_test(a_damaged_database_is_refused),
    };
    os = os_posix();
    arena = arena_open("test", 0, NULL);
    scratch_arena = arena_open("scratch", 0, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    arena_close(&scratch_arena);
    return failed;
}
