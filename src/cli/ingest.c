/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence into the workspace: every source found at the paths is recognised by its content, read
 * window by window, and committed in one transaction of its own. */
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/workspace.h"
#include "store/intake.h"
#include "store/prune.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { PROGRESS_US = 200000 };

/* What one source gave, for the summary. */
struct told {
    str source, reader, origin;
    bool is_guess;
    uint64_t records, facts, known, skips;
};

struct failed {
    str source, text;
};

struct ingest {
    struct invocation *call;
    struct store *store;
    struct arena scratch; /* the walk below us has the invocation's */
    struct reader_options options;
    str origin;
    struct told *told;
    size_t n_told, told_room;
    struct failed *failed;
    size_t n_failed, failed_room;
    bool stopped; /* the workspace refused: nothing more is read */
    uint64_t done_bytes, shown_us;
};

/* One source while it is read. */
struct reading {
    struct ingest *ingest;
    const struct reader *reader;
    str path;
    struct arena *held;  /* until the source is committed */
    struct arena *facts; /* until they are written */
    struct batch batch;
    struct intake_part part;
    struct sha256 hash;
    bool begun, refused;
    struct err err;
    struct intake_source source;
    struct skip skips[LIMIT_SKIPS_LISTED + 1];
    uint64_t n_skips;
    struct addr locals[LIMIT_LOCAL_ADDRESSES];
    size_t n_locals;
};

/* ---- The sink -----------------------------------------------------------------------------------
 */

static void flush(struct reading *r);

static void take_observation(void *to, const struct observation *fact)
{
    struct reading *r = to;
    if (r->batch.n_facts >= LIMIT_FACTS_HELD) flush(r);
    r->part.facts++;
    batch_observation(&r->batch, fact);
}

static void take_use(void *to, const struct use *fact)
{
    struct reading *r = to;
    r->part.facts++;
    batch_use(&r->batch, fact);
}

static void take_identity(void *to, const struct identity *fact)
{
    struct reading *r = to;
    r->part.facts++;
    batch_identity(&r->batch, fact);
}

static void take_skip(void *to, const struct skip *fact)
{
    struct reading *r = to;
    if (r->n_skips++ < LIMIT_SKIPS_LISTED) {
        r->skips[r->n_skips - 1] = *fact;
        r->skips[r->n_skips - 1].reason = str_copy(r->held, fact->reason);
    } else if (r->n_skips == LIMIT_SKIPS_LISTED + 1)
        r->skips[LIMIT_SKIPS_LISTED] = (struct skip){.offset = fact->offset};
}

/* Addresses that many hosts share tell nothing of which host it was. */
static bool names_a_host(struct addr a)
{
    static const char *const shared[] = {"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
                                         "0.0.0.0/8",   "::1/128",        "fe80::/10",
                                         "ff00::/8",    "::/128"};
    for (size_t i = 0; i < COUNT_OF(shared); i++) {
        struct prefix p;
        if (prefix_parse(str_of(shared[i]), &p) && prefix_contains(p, a)) return false;
    }
    return true;
}

static void take_local(void *to, struct addr addr)
{
    struct reading *r = to;
    for (size_t i = r->n_locals; i > 0; i--)
        if (addr_equal(r->locals[i - 1], addr)) return;
    if (r->n_locals == LIMIT_LOCAL_ADDRESSES || !names_a_host(addr)) return;
    r->locals[r->n_locals++] = addr;
}

static void take_record(void *to, int64_t at_us)
{
    struct reading *r = to;
    struct intake_part *s = &r->part;
    s->records++;
    if (!at_us) return;
    if (!s->has_times || at_us < s->from_us) s->from_us = at_us;
    if (!s->has_times || at_us > s->to_us) s->to_us = at_us;
    s->has_times = true;
}

static void take_line_hash(void *to, uint64_t hash)
{
    struct reading *r = to;
    r->batch.line_hash = hash;
}

/* ---- Into the store -----------------------------------------------------------------------------
 */

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

static struct addr *sorted_locals(struct reading *r)
{
    struct addr *locals = arena_array(r->held, struct addr, r->n_locals ? r->n_locals : 1);
    memcpy(locals, r->locals, r->n_locals * sizeof *locals);
    if (r->n_locals) qsort(locals, r->n_locals, sizeof *locals, addr_order);
    return locals;
}

static bool find_stream(struct reading *r)
{
    struct ingest *in = r->ingest;
    if (!r->part.lines)
        return intake_capture_stream(in->store, r->reader, in->origin, &r->part.stream, &r->err);
    return intake_log_stream(in->store, r->reader, sorted_locals(r), r->n_locals, in->origin,
                             os_directory(r->path), r->held, &r->part.stream, &r->err);
}

/* Begins the source's transaction when it has not begun. */
static bool begin(struct reading *r)
{
    if (r->begun) return true;
    if (!intake_begin(r->ingest->store, &r->err)) return false;
    r->begun = true;
    return find_stream(r);
}

static bool write_batch(struct reading *r)
{
    return intake_add(r->ingest->store, &r->part, 1, r->path, r->reader, &r->batch,
                      r->ingest->scratch, &r->err);
}

/* Facts over the limit go to the open transaction, so that memory stays bounded. */
static void flush(struct reading *r)
{
    uint64_t line_hash = r->batch.line_hash; /* said already, of the fact that comes next */
    if (!r->refused && !(begin(r) && write_batch(r))) r->refused = true;
    arena_reset(r->facts);
    r->batch = batch_in(r->facts);
    r->batch.line_hash = line_hash;
}

/* The last facts of a capture: all of it counts, or none when its bytes were read before. */
static bool end_capture(struct reading *r)
{
    struct store *store = r->ingest->store;
    struct sha256_digest digest = sha256_end(&r->hash);
    struct intake_stream known = {0};
    bool found = false;
    if (!r->begun && !intake_begin(store, &r->err)) return false;
    bool was_begun = r->begun;
    r->begun = true;
    if (!intake_find_capture(store, &digest, r->held, &found, &known, &r->err)) return false;
    if (found) {
        if (was_begun) {
            intake_abandon(store);
            if (!intake_begin(store, &r->err)) return false;
        }
        r->part.stream = known;
        r->part.known = r->part.facts;
        return true;
    }
    if (!was_begun && !find_stream(r)) return false;
    return intake_name_capture(store, &r->part.stream, &digest, r->held, &r->err) && write_batch(r);
}

static bool end_log(struct reading *r)
{
    return begin(r) && write_batch(r) &&
           intake_add_locals(r->ingest->store, &r->part.stream, r->reader, sorted_locals(r),
                             r->n_locals, &r->err);
}

static bool commit(struct reading *r)
{
    struct ingest *in = r->ingest;
    if (r->n_skips > LIMIT_SKIPS_LISTED)
        r->skips[LIMIT_SKIPS_LISTED].reason =
            str_format(r->held, "%" PRIu64 " further skips from here on are not listed",
                       r->n_skips - LIMIT_SKIPS_LISTED);
    r->source.skips = r->skips;
    r->source.n_skips = r->n_skips < COUNT_OF(r->skips) ? (size_t)r->n_skips : COUNT_OF(r->skips);
    if (r->refused) return false;
    if (!(r->part.lines ? end_log(r) : end_capture(r))) return false;
    return intake_commit(in->store, &r->source, &r->part, 1, in->scratch, &r->err);
}

static void finish(struct reading *r)
{
    struct ingest *in = r->ingest;
    struct arena *arena = in->call->arena;
    if (!commit(r)) {
        intake_abandon(in->store);
        err_in(&r->err, r->path);
        command_progress_end(in->call);
        (void)command_fail(in->call, &r->err);
        in->stopped = true;
        return;
    }
    arena_grow(arena, in->told, in->n_told, in->told_room);
    in->told[in->n_told++] = (struct told){
        .source = str_copy(arena, r->path),
        .reader = r->reader->name,
        .origin = str_copy(arena, r->part.stream.origin),
        .is_guess = r->part.stream.is_guess,
        .records = r->part.records,
        .facts = r->part.facts,
        .known = r->part.known,
        .skips = r->n_skips,
    };
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

static void show_progress(struct ingest *in, str path, size_t n)
{
    struct os *os = in->call->os;
    in->done_bytes += n;
    if (!in->call->progress) return;
    uint64_t now = os->monotonic_us(os->self);
    if (now - in->shown_us < PROGRESS_US) return;
    in->shown_us = now;
    struct arena scratch = in->scratch;
    command_progress(in->call,
                     str_format(&scratch, "%" PRIu64 " MB  %.*s", in->done_bytes / 1000000,
                                STR_ARG(os_base_name(path))),
                     in->done_bytes, 0);
}

static void consume(struct reading *r, struct input *input, struct window window, size_t n)
{
    sha256_add(&r->hash, (bytes){window.data.ptr, n});
    input_take(input, n);
    show_progress(r->ingest, r->path, n);
}

/* A source that ends in an error of reading keeps what came before. */
static void read_failed(struct reading *r, uint64_t offset, const struct err *err)
{
    take_skip(r, &(struct skip){.offset = offset, .reason = str_of(err->text)});
}

static void feed(struct reading *r, struct input *input, void *state)
{
    size_t want = 0;
    uint64_t offset = 0;
    bool reading = true;
    for (;;) {
        struct window window = {0};
        struct err err = {0};
        size_t used = 0;
        if (!input_next(input, want, &window, &err)) {
            read_failed(r, offset, &err);
            return;
        }
        /* What the reader gives up on still belongs to the content's hash. */
        used = window.data.len;
        want = 0;
        if (reading) reading = r->reader->feed(state, window, &used, &want);
        if (!reading) used = window.data.len;
        consume(r, input, window, used);
        offset = window.offset + used;
        if (window.last) return;
    }
}

static void read_source(struct ingest *in, struct input *input, const struct reader *reader)
{
    struct arena held = arena_open("reading a source", 0, NULL);
    struct arena facts = arena_open("facts of a source", 0, NULL);
    struct reading *r = arena_new(&held, struct reading);
    str path = str_copy(&held, input_source(input));
    *r = (struct reading){
        .ingest = in,
        .reader = reader,
        .path = path,
        .held = &held,
        .facts = &facts,
        .batch = batch_in(&facts),
        .hash = sha256_start(),
        .source = {.path = path, .reader = reader},
    };
    if (reader->overlap == OVERLAP_LINES) r->part.lines = lines_new(&held);
    struct fact_sink sink = fact_sink_none();
    sink.to = r;
    sink.observation = take_observation;
    sink.use = take_use;
    sink.identity = take_identity;
    sink.skip = take_skip;
    sink.local_address = take_local;
    sink.record = take_record;
    sink.line_hash = take_line_hash;
    void *state = reader->open(&held, &in->options, &sink);
    feed(r, input, state);
    reader->close(state);
    finish(r);
    arena_close(&facts);
    arena_close(&held);
}

static void add_failed(struct ingest *in, str source, const struct err *err)
{
    struct arena *arena = in->call->arena;
    arena_grow(arena, in->failed, in->n_failed, in->failed_room);
    in->failed[in->n_failed++] =
        (struct failed){str_copy(arena, source), str_copy(arena, str_of(err->text))};
    command_progress_end(in->call);
    (void)command_fail(in->call, err);
}

static void unknown_format(struct ingest *in, str source, bool is_empty)
{
    struct err err = {0};
    struct buf known = buf_in(in->call->arena);
    for (size_t i = 0; i < n_readers; i++) {
        if (i) buf_str(&known, i + 1 == n_readers ? S(" and ") : S(", "));
        buf_str(&known, readers[i]->summary);
    }
    err_set(&err, ERR_UNKNOWN_FORMAT, "%s; known are %.*s",
            is_empty ? "the file is empty" : "the format is not known", STR_ARG(buf_text(&known)));
    err_in(&err, source);
    add_failed(in, source, &err);
}

static bool visit(void *to, struct input *input)
{
    struct ingest *in = to;
    struct window window = {0};
    struct err err = {0};
    if (!input_next(input, LIMIT_RECOGNISE_BYTES, &window, &err)) {
        err_in(&err, input_source(input));
        add_failed(in, input_source(input), &err);
        return true;
    }
    bytes head = window.data;
    if (head.len > LIMIT_RECOGNISE_BYTES) head.len = LIMIT_RECOGNISE_BYTES;
    const struct reader *reader = reader_recognise(head);
    if (reader)
        read_source(in, input, reader);
    else
        unknown_format(in, input_source(input), !head.len);
    return !in->stopped;
}

static void problem(void *to, str source, const struct err *err)
{
    struct err named = *err;
    err_in(&named, source);
    add_failed(to, source, &named);
}

/* ---- The summary --------------------------------------------------------------------------------
 */

static struct told totals(const struct ingest *in)
{
    struct told sum = {0};
    for (size_t i = 0; i < in->n_told; i++) {
        sum.records += in->told[i].records;
        sum.facts += in->told[i].facts;
        sum.known += in->told[i].known;
        sum.skips += in->told[i].skips;
    }
    return sum;
}

static void print_json(const struct ingest *in)
{
    struct json json = json_to(in->call->out);
    json_object(&json);
    json_key(&json, S("sources"));
    json_array(&json);
    for (size_t i = 0; i < in->n_told; i++) {
        const struct told *told = &in->told[i];
        json_object(&json);
        json_member_str(&json, S("source"), told->source);
        json_member_str(&json, S("reader"), told->reader);
        json_member_str_or_null(&json, S("origin"), told->origin);
        json_member_bool(&json, S("origin_guessed"), told->is_guess);
        json_member_u64(&json, S("records"), told->records);
        json_member_u64(&json, S("facts"), told->facts);
        json_member_u64(&json, S("known"), told->known);
        json_member_u64(&json, S("skipped"), told->skips);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key(&json, S("failed"));
    json_array(&json);
    for (size_t i = 0; i < in->n_failed; i++) {
        json_object(&json);
        json_member_str(&json, S("source"), in->failed[i].source);
        json_member_str(&json, S("error"), in->failed[i].text);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(in->call->out, '\n');
}

static const struct table_column columns[] = {
    {T("source"),        ALIGN_LEFT,  48},
    {T("format"),        ALIGN_LEFT,  0 },
    {T("origin"),        ALIGN_LEFT,  32},
    {T("records"),       ALIGN_RIGHT, 0 },
    {T("facts"),         ALIGN_RIGHT, 0 },
    {T("known already"), ALIGN_RIGHT, 0 },
    {T("skips"),         ALIGN_RIGHT, 0 },
};

static struct table sources_table(const struct ingest *in)
{
    struct arena *arena = in->call->arena;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < in->n_told; i++) {
        const struct told *told = &in->told[i];
        str origin = told->origin.len ? told->origin : S("-");
        if (told->is_guess) origin = str_format(arena, "%.*s (guessed)", STR_ARG(origin));
        table_add(&table, told->source);
        table_add(&table, told->reader);
        table_add_toned(&table, origin, told->is_guess ? TONE_WARN : TONE_PLAIN);
        table_add_u64(&table, told->records);
        table_add_u64(&table, told->facts);
        table_add_u64(&table, told->known);
        table_add_toned(&table, str_format(arena, "%" PRIu64, told->skips),
                        told->skips ? TONE_WARN : TONE_PLAIN);
    }
    return table;
}

static void print_text(const struct ingest *in)
{
    struct buf *out = in->call->out;
    struct told sum = totals(in);
    if (in->n_told) {
        struct table table = sources_table(in);
        table_print_text(&table, out, in->call->colour);
        buf_char(out, '\n');
    }
    buf_format(out,
               "%zu source%s: %" PRIu64 " records, %" PRIu64 " facts (%" PRIu64
               " known already), %" PRIu64 " skip%s",
               in->n_told, in->n_told == 1 ? "" : "s", sum.records, sum.facts, sum.known, sum.skips,
               sum.skips == 1 ? "" : "s");
    if (in->n_failed) buf_format(out, "; %zu could not be read", in->n_failed);
    buf_char(out, '\n');
}

static void print_summary(const struct ingest *in)
{
    if (in->call->format == FORMAT_JSON)
        print_json(in);
    else if (in->call->format == FORMAT_CSV) {
        struct table table = sources_table(in);
        table_print_csv(&table, in->call->out);
    } else
        print_text(in);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static bool prepare(struct ingest *in, struct err *err)
{
    struct invocation *call = in->call;
    bool whole = str_equal(option_text(call, S("journal")), S("delete"));
    str zone = option_text(call, S("timezone"));
    in->options.now_us = call->os->now_us(call->os->self);
    if (zone.len) {
        in->options.zone = zone_find(call->os, zone, call->arena, err);
        if (!in->options.zone) return false;
    }
    return store_open(call->os, workspace_database(call), whole ? STORE_DELETE : STORE_WAL, false,
                      &in->store, err);
}

static int run(struct invocation *call)
{
    struct ingest in = {.call = call, .origin = option_text(call, S("origin"))};
    struct err err = {0};
    if (!prepare(&in, &err)) return command_fail(call, &err);
    in.scratch = arena_open("scratch of a source", 0, NULL);
    for (size_t i = 0; i < call->n_arguments && !in.stopped; i++) {
        struct err missing = {0};
        if (input_walk(call->os, call->arguments[i], call->scratch, visit, problem, &in, &missing))
            continue;
        err_in(&missing, call->arguments[i]);
        add_failed(&in, call->arguments[i], &missing);
    }
    arena_close(&in.scratch);
    command_progress_end(call);
    if (!in.n_told && !in.n_failed) buf_str(call->talk, S("nothing was found to read\n"));
    (void)buf_flush(call->talk); /* before the summary, which goes another way */
    bool pruned = in.stopped || prune_connections(in.store, (unsigned)option_count(call, S("keep")),
                                                  LIMIT_CONNECTIONS, call->scratch, &err);
    store_close(in.store);
    if (!pruned) (void)command_fail(call, &err);
    print_summary(&in);
    return in.stopped || in.n_failed || !pruned ? EXIT_FAILED : EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("timezone"),
     .type = OPTION_TEXT,
     .value = T("ZONE"),
     .help = T("zone of logs in local time: an IANA name or +hh:mm; without it they are taken as "
               "UTC and marked so")                                                            },
    {                    .name = T("origin"),
     .type = OPTION_TEXT,
     .value = T("NAME"),
     .help = T("host that wrote the logs which do not tell themselves")    },
    {                                                                                            .name = T("keep"),
     .type = OPTION_COUNT,
     .value = T("DAYS"),
     .fallback = T("35"),
     .low = 1,
     .high = 36500,
     .help = T("days before the newest whose connections stay joinable in a large workspace")},
    { .name = T("journal"),
     .type = OPTION_CHOICE,
     .value = T("MODE"),
     .fallback = T("wal"),
     .choices = T("wal|delete"),
     .help = T("delete: for a workspace on a network file system, one process at a time")},
};

static const struct example examples[] = {
    {T("sallyport ingest site-a.pcapng"),                  T("Read a capture.")},
    {T("sallyport ingest --timezone Europe/Berlin logs/"),
     T("Read every log below a folder, in local time.")                        },
};

const struct command ingest_command = {
    .name = T("ingest"),
    .summary = T("Read evidence into the workspace"),
    .arguments = T("FILE..."),
    .least_arguments = 1,
    .most_arguments = SIZE_MAX,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Files, folders, archives and compressed files; \"-\" is standard input. Formats are "
          "known by content. What was read before counts once, whatever its path was then. Each "
          "source is kept whole or not at all; a damaged one keeps what is readable."),
    .run = run,
};
