/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence into the workspace: every source found at the paths is recognised by its content, read
 * window by window, and committed in one transaction of its own. */
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/gathered.h"
#include "cli/statement.h"
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
    str source, reader;
    str origin; /* the first host's */
    size_t hosts;
    bool is_guess;
    uint64_t records, facts, known, skips;
};

struct failed {
    str source, text;
};

/* The source whose parcels come: in one transaction, from its first facts on. */
struct source {
    bool is_open;   /* a parcel of it came, and not the last */
    bool has_begun; /* its transaction */
    struct arena held;
    struct gathered *gathered;
    struct intake_part *parts; /* as gathered's */
    size_t n_parts, room;
};

struct ingest {
    struct invocation *call;
    struct store *store;
    struct arena scratch;
    struct gather gather;
    struct csv_map map;
    struct pool *pool;
    str origin;
    struct source source;
    struct told *told;
    size_t n_told, told_room;
    struct failed *failed;
    size_t n_failed, failed_room;
    bool stopped; /* the workspace refused: nothing more is read */
    str shown;    /* the source in hand */
    uint64_t shown_us;
};

/* ---- Into the store -----------------------------------------------------------------------------
 */

static bool is_capture(const struct parcel *parcel)
{
    return parcel->reader->overlap == OVERLAP_CONTENT_HASH;
}

/* Does the part have a place in the workspace? [0] holds what belongs to no named host, and often
 * nothing. */
static bool counts(const struct gathered *gathered, size_t part)
{
    const struct gathered_part *p = &gathered->parts[part];
    return part || gathered->n_parts == 1 || p->records || p->facts || p->n_unplaced;
}

static bool find_stream(struct ingest *in, const struct parcel *parcel, size_t part,
                        struct intake_stream *out, struct err *err)
{
    const struct gathered *gathered = in->source.gathered;
    const struct gathered_part *p = &gathered->parts[part];
    struct arena *arena = &in->source.held, scratch = in->scratch;
    if (is_capture(parcel))
        return intake_capture_stream(in->store, parcel->reader, in->origin, out, err);
    if (part) return intake_host_stream(in->store, parcel->reader, p->origin, arena, out, err);
    const struct addr *locals = gathered_locals(gathered, part, &scratch);
    return intake_log_stream(in->store, parcel->reader, locals, p->n_locals, in->origin,
                             os_directory(parcel->source), arena, out, err);
}

/* Parts that are new with this parcel get their streams. */
static bool know_parts(struct ingest *in, const struct parcel *parcel, struct err *err)
{
    struct source *source = &in->source;
    for (size_t i = 0; i < source->gathered->n_parts; i++) {
        if (i == source->n_parts) {
            arena_grow(&source->held, source->parts, source->n_parts, source->room);
            source->parts[source->n_parts++] = (struct intake_part){0};
        }
        struct intake_part *part = &source->parts[i];
        if (part->stream.id || !counts(source->gathered, i)) continue;
        if (!find_stream(in, parcel, i, &part->stream, err)) return false;
        /* The parcel is gone before the source is. */
        part->stream.origin = str_copy(&source->held, part->stream.origin);
        if (!is_capture(parcel)) part->lines = lines_new(&source->held);
    }
    return true;
}

static bool begin(struct ingest *in, struct err *err)
{
    if (in->source.has_begun) return true;
    in->source.has_begun = intake_begin(in->store, err);
    return in->source.has_begun;
}

static bool write_facts(struct ingest *in, struct parcel *parcel, struct err *err)
{
    return begin(in, err) && know_parts(in, parcel, err) &&
           intake_add(in->store, in->source.parts, in->source.n_parts, parcel->source,
                      parcel->reader, &parcel->batch, in->scratch, err);
}

/* The last facts of a capture: all of it counts, or none when its content was read before. */
static bool end_capture(struct ingest *in, struct parcel *parcel, struct err *err)
{
    struct source *source = &in->source;
    bytes content = {parcel->content.bytes, sizeof parcel->content.bytes};
    struct sha256_digest digest = sha256_of(content);
    struct intake_stream known = {0};
    bool found = false, was_begun = source->has_begun;
    if (!begin(in, err)) return false;
    if (!intake_find_capture(in->store, &digest, &source->held, &found, &known, err)) return false;
    if (!found)
        return write_facts(in, parcel, err) &&
               intake_name_capture(in->store, &source->parts[0].stream, &digest, &source->held,
                                   err);
    if (was_begun) {
        intake_abandon(in->store);
        if (!intake_begin(in->store, err)) return false;
    }
    if (!source->n_parts) source->parts = arena_new(&source->held, struct intake_part);
    source->n_parts = 1;
    source->parts[0] =
        (struct intake_part){.stream = known, .known = source->gathered->parts[0].facts};
    return true;
}

static bool end_log(struct ingest *in, struct parcel *parcel, struct err *err)
{
    const struct gathered *gathered = in->source.gathered;
    if (!write_facts(in, parcel, err)) return false;
    for (size_t i = 0; i < gathered->n_parts; i++) {
        struct arena scratch = in->scratch;
        size_t n = gathered->parts[i].n_locals;
        if (n && !intake_add_locals(in->store, &in->source.parts[i].stream, parcel->reader,
                                    gathered_locals(gathered, i, &scratch), n, err))
            return false;
    }
    return true;
}

/* What the source came to in all, for the parts that have a place. */
static size_t sum_up(struct ingest *in, struct intake_part *out)
{
    const struct gathered *gathered = in->source.gathered;
    size_t n = 0;
    for (size_t i = 0; i < gathered->n_parts; i++) {
        const struct gathered_part *p = &gathered->parts[i];
        if (!counts(gathered, i)) continue;
        out[n] = in->source.parts[i];
        out[n].records = p->records;
        out[n].facts = p->facts;
        out[n].has_times = p->has_times;
        out[n].from_us = p->from_us;
        out[n].to_us = p->to_us;
        struct intake_unplaced *unplaced =
            arena_array(&in->source.held, struct intake_unplaced, p->n_unplaced);
        for (size_t j = 0; j < p->n_unplaced; j++)
            unplaced[j] = (struct intake_unplaced){p->unplaced[j].what, p->unplaced[j].count};
        out[n].unplaced = unplaced;
        out[n++].n_unplaced = p->n_unplaced;
    }
    return n;
}

static void tell(struct ingest *in, const struct parcel *parcel, const struct intake_part *parts,
                 size_t n)
{
    struct arena *arena = in->call->arena;
    struct told told = {
        .source = str_copy(arena, parcel->source),
        .reader = parcel->reader->name,
        .origin = str_copy(arena, parts[0].stream.origin),
        .hosts = n,
        .is_guess = parts[0].stream.is_guess,
        .skips = in->source.gathered->n_skips,
    };
    for (size_t i = 0; i < n; i++) {
        told.records += parts[i].records;
        told.facts += parts[i].facts;
        told.known += parts[i].known;
    }
    arena_grow(arena, in->told, in->n_told, in->told_room);
    in->told[in->n_told++] = told;
}

static bool commit(struct ingest *in, struct parcel *parcel, struct err *err)
{
    struct gathered *gathered = in->source.gathered;
    struct intake_source source = {
        .path = parcel->source,
        .reader = parcel->reader,
        .skips = gathered->skips,
        .n_skips = gathered_skips(gathered),
    };
    if (!(is_capture(parcel) ? end_capture(in, parcel, err) : end_log(in, parcel, err)))
        return false;
    struct intake_part *parts =
        arena_array(&in->source.held, struct intake_part, gathered->n_parts);
    size_t n = sum_up(in, parts);
    if (!intake_commit(in->store, &source, parts, n, in->scratch, err)) return false;
    tell(in, parcel, parts, n);
    return true;
}

static void close_source(struct ingest *in)
{
    if (in->source.is_open) arena_close(&in->source.held);
    in->source = (struct source){0};
}

static void take_source(struct ingest *in, struct parcel *parcel)
{
    struct err err = {0};
    if (!in->source.is_open) {
        in->source = (struct source){
            .is_open = true,
            .held = arena_open("a source on its way to the workspace", 0, NULL),
        };
        in->source.gathered = gathered_new(&in->source.held);
    }
    gathered_add(in->source.gathered, parcel);
    bool fine = parcel->is_last ? commit(in, parcel, &err) : write_facts(in, parcel, &err);
    if (!fine) {
        intake_abandon(in->store);
        err_in(&err, parcel->source);
        command_progress_end(in->call);
        (void)command_fail(in->call, &err);
        in->stopped = true;
    }
    if (!fine || parcel->is_last) close_source(in);
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

/* ---- The pool -----------------------------------------------------------------------------------
 */

/* A file to read, or a folder that could not be: said in its turn. */
struct job {
    str path;
    const struct err *problem;
};

static void work(void *to, void *self, struct pool_turn *turn)
{
    const struct ingest *in = to;
    const struct job *job = self;
    if (job->problem)
        gather_problem(job->path, job->problem, turn);
    else
        gather_file(&in->gather, job->path, turn);
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

static bool take(void *to, void *self, struct pool_result *result)
{
    struct ingest *in = to;
    struct parcel *parcel = (struct parcel *)(void *)result;
    const struct job *job = self;
    in->shown = job->path;
    switch (parcel->kind) {
    case PARCEL_SOURCE:
        take_source(in, parcel);
        break;
    case PARCEL_UNKNOWN:
    case PARCEL_PROBLEM:
        add_failed(in, parcel->source, &parcel->err);
        break;
    }
    parcel_close(parcel);
    return !in->stopped;
}

static void drop(void *to, struct pool_result *result)
{
    (void)to;
    parcel_close((struct parcel *)(void *)result);
}

static void done(void *to, void *self)
{
    struct ingest *in = to;
    (void)self;
    close_source(in); /* a worker that was stopped gave no last parcel */
}

static void idle(void *to, uint64_t read_bytes)
{
    struct ingest *in = to;
    struct os *os = in->call->os;
    if (!in->call->progress) return;
    uint64_t now = os->monotonic_us(os->self);
    if (now - in->shown_us < PROGRESS_US) return;
    in->shown_us = now;
    struct arena scratch = in->scratch;
    command_progress(in->call,
                     str_format(&scratch, "%" PRIu64 " MB  %.*s", read_bytes / 1000000,
                                STR_ARG(os_base_name(in->shown))),
                     read_bytes, 0);
}

static bool found(void *to, str path)
{
    struct ingest *in = to;
    struct job *job = arena_new(in->call->arena, struct job);
    job->path = str_copy(in->call->arena, path);
    return pool_add(in->pool, job);
}

static void problem(void *to, str source, const struct err *err)
{
    struct ingest *in = to;
    struct err *problem = arena_new(in->call->arena, struct err);
    struct job *job = arena_new(in->call->arena, struct job);
    *problem = *err;
    *job = (struct job){.path = str_copy(in->call->arena, source), .problem = problem};
    (void)pool_add(in->pool, job);
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

static void print_json(const struct ingest *in, const struct statement *statement)
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
        json_member_str_or_null(&json, S("origin"), told->hosts == 1 ? told->origin : (str){0});
        json_member_bool(&json, S("origin_guessed"), told->hosts == 1 && told->is_guess);
        json_member_u64(&json, S("hosts"), told->hosts);
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
    if (statement) statement_print_json(in->call, statement, &json);
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
        bool is_guess = told->hosts == 1 && told->is_guess;
        if (told->hosts > 1) origin = str_format(arena, "%zu hosts", told->hosts);
        if (is_guess) origin = str_format(arena, "%.*s (guessed)", STR_ARG(origin));
        table_add(&table, told->source);
        table_add(&table, told->reader);
        table_add_toned(&table, origin, is_guess ? TONE_WARN : TONE_PLAIN);
        table_add_u64(&table, told->records);
        table_add_u64(&table, told->facts);
        table_add_u64(&table, told->known);
        table_add_toned(&table, str_format(arena, "%" PRIu64, told->skips),
                        told->skips ? TONE_WARN : TONE_PLAIN);
    }
    return table;
}

static void print_text(const struct ingest *in, const struct statement *statement)
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
    if (!statement) return;
    buf_char(out, '\n');
    statement_print_text(in->call, statement);
}

/* statement: NULL when nothing was kept. */
static void print_summary(const struct ingest *in, const struct statement *statement)
{
    if (in->call->format == FORMAT_JSON)
        print_json(in, statement);
    else if (in->call->format == FORMAT_CSV) {
        struct table table = sources_table(in);
        table_print_csv(&table, in->call->out);
    } else
        print_text(in, statement);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static bool prepare(struct ingest *in, struct err *err)
{
    struct invocation *call = in->call;
    bool whole = str_equal(option_text(call, S("journal")), S("delete"));
    str zone = option_text(call, S("timezone"));
    struct reader_options *options = &in->gather.options;
    options->now_us = call->os->now_us(call->os->self);
    if (zone.len) {
        options->zone = zone_find(call->os, zone, call->arena, err);
        if (!options->zone) return false;
    }
    options->map = option_text(call, S("map"));
    if (options->map.len) {
        if (!csv_map_parse(options->map, call->arena, &in->map, err))
            return err_in(err, S("--map"));
        in->gather.map = &in->map;
    }
    return store_open(call->os, workspace_database(call), whole ? STORE_DELETE : STORE_WAL, false,
                      &in->store, err);
}

/* Each worker wants room for what its file's reader remembers, beside what waits to be written. */
static void open_pool(struct ingest *in)
{
    struct invocation *call = in->call;
    uint64_t memory = option_count(call, S("memory")) << 20;
    size_t cores = call->os->cores(call->os->self), workers = cores;
    if (option_given(call, S("workers"))) workers = (size_t)option_count(call, S("workers"));
    if (workers > LIMIT_WORKERS) workers = LIMIT_WORKERS;
    if (workers > memory / LIMIT_WORKER_BYTES) workers = (size_t)(memory / LIMIT_WORKER_BYTES);
    if (!workers) workers = 1;
    uint64_t reading = workers * (uint64_t)LIMIT_WORKER_BYTES;
    struct pool_user user = {
        .to = in,
        .work = work,
        .take = take,
        .drop = drop,
        .done = done,
        .work_part = work_part,
        .done_part = done_part,
        .idle = idle,
    };
    in->pool = pool_open(call->arena, workers, memory > reading ? memory - reading : 1, user);
}

/* What all of the workspace's evidence covers now. Without it nothing is lost but the sentence; and
 * a large workspace is not read as a whole each time a file is added. */
static bool load_statement(struct ingest *in, struct statement *out)
{
    struct workspace workspace = {.store = in->store};
    struct err err = {0};
    uint64_t edges = 0;
    if (in->call->format == FORMAT_CSV) return false; /* it has no place there */
    bool fine = store_size(in->store, &edges, &err);
    if (fine && edges > LIMIT_STATEMENT_EDGES) {
        buf_str(in->call->talk,
                S("what is covered, and what stays open: \"sallyport audit-plan\"\n"));
        (void)buf_flush(in->call->talk);
        return false;
    }
    if (fine && statement_load(in->call, &workspace, out, &err)) return true;
    (void)command_fail(in->call, &err);
    return false;
}

static int run(struct invocation *call)
{
    struct ingest in = {
        .call = call,
        .gather = {.os = call->os, .block_bytes = LIMIT_BLOCK_BYTES},
        .origin = option_text(call, S("origin")),
    };
    struct err err = {0};
    if (!prepare(&in, &err)) return command_fail(call, &err);
    in.scratch = arena_open("scratch of a source", 0, NULL);
    open_pool(&in);
    for (size_t i = 0; i < call->n_arguments && !in.stopped; i++) {
        struct err missing = {0};
        if (input_find(call->os, call->arguments[i], call->scratch, found, problem, &in, &missing))
            continue;
        problem(&in, call->arguments[i], &missing);
    }
    pool_close(in.pool);
    arena_close(&in.scratch);
    command_progress_end(call);
    if (!in.n_told && !in.n_failed && !in.stopped)
        buf_str(call->talk, S("nothing was found to read\n"));
    (void)buf_flush(call->talk); /* before the summary, which goes another way */
    bool pruned = in.stopped || prune_connections(in.store, (unsigned)option_count(call, S("keep")),
                                                  LIMIT_CONNECTIONS, call->scratch, &err);
    struct statement statement = {0};
    bool has_statement = false;
    if (!pruned)
        (void)command_fail(call, &err);
    else if (!in.stopped && in.n_told)
        has_statement = load_statement(&in, &statement);
    store_close(in.store);
    print_summary(&in, has_statement ? &statement : NULL);
    return in.stopped || in.n_failed || !pruned ? EXIT_FAILED : EXIT_FINE;
}

/* clang-format 14 has no good shape for rows of this length. */
/* clang-format off */
static const struct option options[] = {
    {
        .name = T("timezone"),
        .type = OPTION_TEXT,
        .value = T("ZONE"),
        .help = T("zone of logs in local time: an IANA name or +hh:mm; without it they are taken as "
                  "UTC and marked so"),
    },
    {
        .name = T("origin"),
        .type = OPTION_TEXT,
        .value = T("NAME"),
        .help = T("host that wrote the logs which do not tell themselves"),
    },
    {
        .name = T("map"),
        .type = OPTION_TEXT,
        .value = T("FACTS"),
        .help = T("which column of a table with a header row is what: "
                  "client=src_ip,server=dst_ip,port=dport,transport:tcp,time=ts"),
    },
    {
        .name = T("keep"),
        .type = OPTION_COUNT,
        .value = T("DAYS"),
        .fallback = T("35"),
        .low = 1,
        .high = 36500,
        .help = T("days before the newest whose connections stay joinable in a large workspace"),
    },
    {
        .name = T("workers"),
        .type = OPTION_COUNT,
        .value = T("N"),
        .low = 1,
        .high = LIMIT_WORKERS,
        .help = T("files, and blocks of large ones, read at once; without it as many as there are cores. What "
                  "comes of it is the same"),
    },
    {
        .name = T("memory"),
        .type = OPTION_COUNT,
        .value = T("MB"),
        .fallback = T("2048"),
        .low = 128,
        .high = 1 << 20,
        .help = T("memory to stay within; with little of it fewer files are read at once"),
    },
    {
        .name = T("journal"),
        .type = OPTION_CHOICE,
        .value = T("MODE"),
        .fallback = T("wal"),
        .choices = T("wal|delete"),
        .help = T("delete: for a workspace on a network file system, one process at a time"),
    },
};

static const struct example examples[] = {
    {T("sallyport ingest site-a.pcapng"), T("Read a capture.")},
    {T("sallyport ingest --timezone Europe/Berlin logs/"),
     T("Read every log below a folder, in local time.")},
    {T("sallyport ingest --map client=src,server=dst,port=dport,transport:tcp,time=ts flows.csv"),
     T("Read a table of flows.")},
};
/* clang-format on */

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
          "known by content: packet captures, Windows event and firewall logs, Zeek, Suricata, "
          "NetFlow and IPFIX, cloud flow logs, firewalls' syslog, scans. What was read before "
          "counts once, whatever its path was then. Each "
          "source is kept whole or not at all; a damaged one keeps what is readable."),
    .run = run,
};
