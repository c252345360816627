/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, making and writing the ledger. Nothing is signed before it is known that the last signed
 * head still is the root of what is there: so a change from outside never gets our signature.
 */
#include "base/secret.h"
#include "ledger/entry_text.h"
#include "ledger/ledger_inside.h"

static const str kind_texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
    LEDGER_KINDS(X)
#undef X
};

str ledger_kind_text(enum ledger_kind kind)
{
    return kind < LEDGER_KIND_COUNT ? kind_texts[kind] : (str){0};
}

/* ---- Opening -------------------------------------------------------------------------------- */

static bool ask_number(struct sqlite *db, const char *sql, int64_t *out, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(db, sql, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    *out = row ? sqlite_get(s, 0) : 0;
    if (row) sqlite_reset(s);
    return true;
}

/* The handle lives in an arena of its own: statements are prepared while callers use theirs. */
static struct ledger *new_ledger(struct os *os, str folder, str key, int64_t now_us)
{
    struct arena own = arena_open("ledger", 0, NULL);
    struct ledger *ledger = arena_new(&own, struct ledger);
    ledger->os = os;
    ledger->now_us = now_us;
    ledger->folder = str_copy(&own, folder);
    ledger->path = os_join(&own, folder, S("ledger.db"));
    ledger->key_path = key.len ? str_copy(&own, key) : os_join(&own, folder, S("ledger.key"));
    ledger->arena = own;
    return ledger;
}

static bool fail(struct ledger *ledger, struct err *err)
{
    err_in(err, ledger->path);
    ledger_close(ledger);
    return false;
}

void ledger_close(struct ledger *ledger)
{
    struct arena own = ledger->arena;
    if (ledger->db) {
        ledger_abandon(ledger);
        sqlite_close(ledger->db);
    }
    secret_forget(&ledger->key, sizeof ledger->key);
    arena_close(&own);
}

static bool open_to_read(struct ledger *ledger, struct err *err)
{
    int64_t tables = 0;
    /* Opened for writing where that is possible, so that the last to close takes the log away; what
     * is asked can't write all the same. */
    if (!sqlite_open(ledger->path, SQLITE_MODE_WRITE, LIMIT_LEDGER_WAIT_MS, &ledger->arena,
                     &ledger->db, err))
        return false;
    if (sqlite_run(ledger->db, "PRAGMA query_only=1", err) &&
        ask_number(ledger->db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return true;
    sqlite_close(ledger->db);
    ledger->db = NULL;
    /* On a medium that can't be written the file alone is the whole truth, if no log stands beside
     * it. */
    str log = str_format(&ledger->arena, "%.*s-wal", STR_ARG(ledger->path));
    if (ledger->os->kind(ledger->os->self, log) != OS_MISSING) return false;
    return sqlite_open(ledger->path, SQLITE_MODE_READ_ALONE, LIMIT_LEDGER_WAIT_MS, &ledger->arena,
                       &ledger->db, err);
}

static bool check_version(struct ledger *ledger, struct err *err)
{
    int64_t application = 0, version = 0, tables = 0;
    if (!ask_number(ledger->db, "PRAGMA application_id", &application, err) ||
        !ask_number(ledger->db, "PRAGMA user_version", &version, err) ||
        !ask_number(ledger->db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return false;
    /* Making it was cut short: nothing was ever written. */
    if (!tables && !application)
        return err_set(err, ERR_NOT_FOUND, "the ledger is empty: nothing was ever written to it");
    if (application != LEDGER_APPLICATION_ID)
        return err_set(err, ERR_MALFORMED, "this is a database, but not a ledger of sallyport");
    if (version == LEDGER_SCHEMA_VERSION) return true;
    return err_set(err, ERR_UNSUPPORTED,
                   "the ledger has version %" PRId64 ", this sallyport knows version %d", version,
                   LEDGER_SCHEMA_VERSION);
}

static bool count(struct ledger *ledger, struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_HOW_MANY, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    int64_t n = row ? sqlite_get(s, 0) : 0;
    if (row) sqlite_reset(s);
    ledger->size = n > 0 ? (uint64_t)n : 0;
    ledger->committed = ledger->size;
    return true;
}

/* ---- Making --------------------------------------------------------------------------------- */

static bool make_key(struct ledger *ledger, struct err *err)
{
    uint8_t seed[SIGN_SEED_BYTES], id[8];
    struct os *os = ledger->os;
    /* A key that is there was made by an attempt that was cut short, or by the admin. */
    if (os->kind(os->self, ledger->key_path) != OS_MISSING) return true;
    secret_random(seed, sizeof seed);
    secret_random(id, sizeof id);
    struct buf name = buf_in(&ledger->arena);
    buf_str(&name, S("sallyport-ledger/"));
    for (size_t i = 0; i < sizeof id; i++)
        buf_format(&name, "%02x", id[i]);
    struct sign_key key = sign_key_of(seed);
    bool fine = ledger_key_write(os, ledger->key_path, buf_text(&name), &key, err);
    secret_forget(seed, sizeof seed);
    secret_forget(&key, sizeof key);
    return fine;
}

static bool load_key(struct ledger *ledger, struct err *err)
{
    if (ledger->has_key) return true;
    if (!ledger_key_read(ledger->os, ledger->key_path, &ledger->arena, &ledger->name, &ledger->key,
                         err))
        return false;
    ledger->has_key = true;
    return true;
}

static struct checkpoint_key public_of(const struct ledger *ledger)
{
    struct checkpoint_key key = {.name = ledger->name};
    memcpy(key.public, ledger->key.public, sizeof key.public);
    return key;
}

/* The first entry: whose the ledger is. */
static bool append_first(struct ledger *ledger, struct err *err)
{
    struct arena *arena = &ledger->arena;
    struct checkpoint_key key = public_of(ledger);
    str user = ledger->os->user(ledger->os->self, arena);
    str clock = ledger->os->environment(ledger->os->self, S("SALLYPORT_CLOCK"), arena);
    struct buf actor = buf_in(arena);
    struct json json = json_to(&actor);
    json_object(&json);
    json_member_str(&json, S("person"), user);
    json_member_str(&json, S("account"), user);
    json_member_str(&json, S("machine"), ledger->os->machine(ledger->os->self, arena));
    json_member_bool(&json, S("authenticated"), false);
    if (clock.len) json_member_str(&json, S("clock"), S("set"));
    json_object_end(&json);
    str public = checkpoint_key_text(&key, arena);
    struct buf data = buf_in(arena);
    struct json about = json_to(&data);
    json_object(&about);
    json_member_str(&about, S("public-key"), public);
    json_object_end(&about);
    struct ledger_draft draft = {
        .kind = LEDGER_OPENED, .actor = buf_text(&actor), .data = buf_text(&data)};
    return ledger_append(ledger, &draft, NULL, err);
}

static bool make_tables(struct ledger *ledger, struct err *err)
{
    for (size_t i = 0; i < ledger_tables_n_schema; i++)
        if (!sqlite_run(ledger->db, ledger_tables_schema[i], err)) return false;
    str pragmas = str_format(&ledger->arena, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                             LEDGER_APPLICATION_ID, LEDGER_SCHEMA_VERSION);
    return sqlite_run(ledger->db, str_c(&ledger->arena, pragmas), err);
}

/* Tables, key and first entry in one transaction: another process waits, and finds them made. */
static bool make(struct ledger *ledger, struct err *err)
{
    int64_t tables = 0;
    if (!sqlite_run(ledger->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", err) ||
        !sqlite_run(ledger->db, "BEGIN IMMEDIATE", err))
        return false;
    ledger->in_transaction = true;
    if (!ask_number(ledger->db, "SELECT count(*) FROM sqlite_schema", &tables, err)) return false;
    if (tables) {
        ledger_abandon(ledger);
        return check_version(ledger, err) && count(ledger, err);
    }
    return make_tables(ledger, err) && make_key(ledger, err) && load_key(ledger, err) &&
           append_first(ledger, err) && ledger_commit(ledger, err);
}

static bool refuse_network(struct err *err)
{
    return err_set(err, ERR_REFUSED,
                   "the ledger is on a network file system, where SQLite's write-ahead log is "
                   "unsafe: move the workspace to a local disk");
}

bool ledger_open(struct os *os, str folder, enum ledger_access access, str key, int64_t now_us,
                 struct arena *arena, struct ledger **out, struct err *err)
{
    struct ledger *ledger = new_ledger(os, folder, key, now_us);
    bool is_there = os->kind(os->self, ledger->path) == OS_FILE;
    (void)arena;
    if (!is_there && access != LEDGER_CREATE) {
        err_set(err, ERR_NOT_FOUND,
                "this workspace has no ledger: it is made by \"sallyport init\", and by the first "
                "command that decides something");
        return fail(ledger, err);
    }
    if (os->is_network(os->self, folder)) {
        refuse_network(err);
        return fail(ledger, err);
    }
    ledger->can_write = access != LEDGER_READ;
    bool opened =
        access == LEDGER_READ
            ? open_to_read(ledger, err)
            : sqlite_open(ledger->path,
                          access == LEDGER_CREATE ? SQLITE_MODE_CREATE : SQLITE_MODE_WRITE,
                          LIMIT_LEDGER_WAIT_MS, &ledger->arena, &ledger->db, err);
    if (!opened) return fail(ledger, err);
    /* A row is an entry and little more. */
    sqlite_set_most_bytes(ledger->db, 2 * LIMIT_LEDGER_ENTRY);
    int64_t tables = 0;
    if (access == LEDGER_CREATE &&
        !ask_number(ledger->db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return fail(ledger, err);
    bool fine = access == LEDGER_CREATE && !tables
                    ? make(ledger, err)
                    : check_version(ledger, err) && count(ledger, err);
    if (!fine) return fail(ledger, err);
    if (ledger->can_write && !sqlite_run(ledger->db, "PRAGMA synchronous=FULL", err))
        return fail(ledger, err);
    *out = ledger;
    return true;
}

bool ledger_exists(struct os *os, str folder, struct arena *arena)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    if (os->kind(os->self, os_join(arena, folder, S("ledger.db"))) != OS_FILE) return false;
    /* One that can't be read is there all the same; only one that was never finished is not. */
    if (!ledger_open(os, folder, LEDGER_READ, (str){0}, 0, arena, &ledger, &err))
        return err.kind != ERR_NOT_FOUND;
    ledger_close(ledger);
    return true;
}

/* ---- Reading -------------------------------------------------------------------------------- */

uint64_t ledger_size(const struct ledger *ledger)
{
    return ledger->size;
}

static void copy_entry(struct ledger_entry *entry, struct arena *arena)
{
    entry->subject = str_copy(arena, entry->subject);
    entry->body = str_copy(arena, entry->body);
}

bool ledger_get(struct ledger *ledger, uint64_t number, struct arena *arena,
                struct ledger_entry *out, struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_GET, err);
    struct ledger_entry entry = {0};
    bool row = false;
    if (!s) return false;
    sqlite_put(s, 1, number <= INT64_MAX ? (int64_t)number : INT64_MAX);
    if (!sqlite_step(s, &row, err)) return false;
    if (!row) return err_set(err, ERR_NOT_FOUND, "the ledger has no entry %" PRIu64, number);
    bool fine = ledger_tables_row(s, &entry, err);
    if (fine) copy_entry(&entry, arena);
    sqlite_reset(s);
    if (fine) *out = entry;
    return fine;
}

/* Reads in batches, so that a visitor may ask the ledger itself. */
static bool each_in_turn(struct ledger *ledger, uint64_t from, int64_t until_us,
                         struct ledger_visit visit, struct arena *arena, struct err *err)
{
    enum { MOST = 256 };
    struct ledger_entry *batch = arena_array(arena, struct ledger_entry, MOST);
    struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_RANGE, err);
    if (!s) return false;
    for (bool more = from <= INT64_MAX; more;) {
        struct arena round = *arena;
        size_t n = 0, held = 0;
        bool row = false;
        sqlite_put(s, 1, (int64_t)from);
        sqlite_put(s, 2, INT64_MAX);
        while (n < MOST && held < LIMIT_LEDGER_BATCH) {
            if (!sqlite_step(s, &row, err)) return false;
            if (!row) break;
            if (!ledger_tables_row(s, &batch[n], err)) {
                sqlite_reset(s);
                return false;
            }
            copy_entry(&batch[n], &round);
            held += batch[n++].body.len;
        }
        more = row;
        if (row) sqlite_reset(s);
        for (size_t i = 0; i < n; i++)
            if (batch[i].time_us > until_us || !visit.entry(visit.to, &batch[i])) return true;
        if (n) from = batch[n - 1].number + 1;
    }
    return true;
}

struct numbers {
    uint64_t *items;
    size_t n, room;
};

static bool add_numbers(struct ledger *ledger, enum ledger_statement which, str of, uint64_t from,
                        struct arena *arena, struct numbers *out, struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(ledger, which, err);
    bool row = false;
    if (!s) return false;
    sqlite_put_str(s, 1, of);
    sqlite_put(s, 2, from <= INT64_MAX ? (int64_t)from : INT64_MAX);
    while (true) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        arena_grow(arena, out->items, out->n, out->room);
        out->items[out->n++] = (uint64_t)sqlite_get(s, 0);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static bool each_listed(struct ledger *ledger, struct numbers numbers, int64_t until_us,
                        struct ledger_visit visit, struct arena scratch, struct err *err)
{
    for (size_t i = 0; i < numbers.n; i++) {
        struct arena round = scratch;
        struct ledger_entry entry = {0};
        if (!ledger_get(ledger, numbers.items[i], &round, &entry, err)) return false;
        if (entry.time_us > until_us || !visit.entry(visit.to, &entry)) return true;
    }
    return true;
}

static bool each_of_kinds(struct ledger *ledger, uint32_t kinds, uint64_t from, int64_t until_us,
                          struct ledger_visit visit, struct arena *arena, struct err *err)
{
    struct numbers numbers = {0};
    for (enum ledger_kind kind = 0; kind < LEDGER_KIND_COUNT; kind++)
        if (kinds >> kind & 1 && !add_numbers(ledger, LEDGER_SQL_OF_KIND, ledger_kind_text(kind),
                                              from, arena, &numbers, err))
            return false;
    if (numbers.n) qsort(numbers.items, numbers.n, sizeof *numbers.items, compare_numbers);
    return each_listed(ledger, numbers, until_us, visit, *arena, err);
}

/* What is read is the state of one moment, and the file is locked once, not for every entry. */
static bool begin_reading(struct ledger *ledger, bool *begun, struct err *err)
{
    *begun = !ledger->in_transaction && !ledger->is_reading;
    if (!*begun) return true;
    if (!sqlite_run(ledger->db, "BEGIN", err)) return false;
    return ledger->is_reading = true;
}

static void end_reading(struct ledger *ledger, bool begun)
{
    if (!begun || !ledger->is_reading) return;
    sqlite_rollback(ledger->db);
    ledger->is_reading = false;
}

bool ledger_each(struct ledger *ledger, uint32_t kinds, uint64_t from, int64_t until_us,
                 struct ledger_visit visit, struct err *err)
{
    struct arena own = arena_open("entries of the ledger", 0, NULL);
    bool begun = false;
    bool fine = begin_reading(ledger, &begun, err);
    if (fine)
        fine = kinds ? each_of_kinds(ledger, kinds, from, until_us, visit, &own, err)
                     : each_in_turn(ledger, from, until_us, visit, &own, err);
    end_reading(ledger, begun);
    arena_close(&own);
    return fine ? true : err_in(err, ledger->path);
}

bool ledger_each_of(struct ledger *ledger, str subject, uint64_t from, struct ledger_visit visit,
                    struct err *err)
{
    struct arena own = arena_open("entries of the ledger", 0, NULL);
    struct numbers numbers = {0};
    bool fine = add_numbers(ledger, LEDGER_SQL_OF_SUBJECT, subject, from, &own, &numbers, err) &&
                each_listed(ledger, numbers, INT64_MAX, visit, own, err);
    arena_close(&own);
    return fine ? true : err_in(err, ledger->path);
}

bool ledger_checkpoint(struct ledger *ledger, struct arena *arena, str *text,
                       struct checkpoint *out, struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_HEAD, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    if (!row) return ledger_tables_damaged(err, "its signed head is missing");
    int64_t size = sqlite_get(s, 0);
    bytes root = sqlite_get_bytes(s, 1);
    struct sha256_digest kept = {0};
    bool is_root = root.len == sizeof kept.bytes;
    if (is_root) memcpy(kept.bytes, root.ptr, sizeof kept.bytes);
    *text = sqlite_get_str(arena, s, 2);
    sqlite_reset(s);
    if (!checkpoint_parse(*text, arena, out, err)) return false;
    if (size < 0 || out->size != (uint64_t)size || !is_root || !merkle_equal(&kept, &out->root))
        return ledger_tables_damaged(err, "its head is not the one that was signed");
    return true;
}

bool ledger_head(struct ledger *ledger, struct ledger_head *out, struct err *err)
{
    struct checkpoint checkpoint = {0};
    str text = {0};
    if (ledger->in_transaction && ledger->size != ledger->committed) {
        out->size = ledger->size;
        return merkle_root(ledger_tables_reader(ledger), ledger->size, &out->root, err);
    }
    struct arena scratch = arena_open("the ledger's head", 0, NULL);
    bool fine = ledger_checkpoint(ledger, &scratch, &text, &checkpoint, err);
    if (fine) *out = (struct ledger_head){checkpoint.size, checkpoint.root};
    arena_close(&scratch);
    return fine ? true : err_in(err, ledger->path);
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Entries never go back in time: one of the year 9998 would hold up all that come after it, and end
 * every token. */
static bool check_clock(const struct ledger *ledger, struct err *err)
{
    const int64_t most_us = INT64_C(10) * 366 * 86400 * 1000000;
    if (ledger->now_us <= ledger->last_us || ledger->now_us - ledger->last_us <= most_us)
        return true;
    return err_set(
        err, ERR_REFUSED,
        "the clock is more than ten years ahead of the ledger's last entry: set it right "
        "first, for entries never go back in time");
}

/* The last entry, to which the next one is chained. */
static bool load_last(struct ledger *ledger, struct arena scratch, struct err *err)
{
    struct ledger_entry last = {0};
    if (!ledger_get(ledger, ledger->size - 1, &scratch, &last, err)) return false;
    struct sha256_digest hash = merkle_leaf(str_bytes(last.body));
    if (!merkle_equal(&hash, &last.hash))
        return ledger_tables_damaged(err, "its last entry is not the one that was written");
    struct entry_text text = {0};
    if (!entry_text_parse(last.body, &scratch, &text, err)) return false;
    ledger->last = last.hash;
    ledger->last_us = text.time_us;
    return check_clock(ledger, err);
}

/* A change of the key that was cut short after its entry was committed: the new key still waits. */
static bool adopt_waiting(struct ledger *ledger, const struct checkpoint *head,
                          struct arena *scratch, struct err *err)
{
    struct os *os = ledger->os;
    str waiting = ledger_key_waiting(ledger->key_path, scratch), name = {0};
    struct sign_key next = {0};
    struct err none = {0};
    if (os->kind(os->self, waiting) == OS_MISSING ||
        !ledger_key_read(os, waiting, scratch, &name, &next, &none))
        return false;
    struct checkpoint_key public = {.name = name};
    memcpy(public.public, next.public, sizeof public.public);
    if (!checkpoint_fits(head, &public) ||
        !ledger_key_write(os, ledger->key_path, name, &next, err) ||
        !os->remove(os->self, waiting, err))
        return false;
    ledger->name = str_copy(&ledger->arena, name);
    ledger->key = next;
    ledger->has_key = true;
    return true;
}

static bool check_key(struct ledger *ledger, const struct checkpoint *head, struct arena *scratch,
                      struct err *err)
{
    struct err missing = {0};
    if (load_key(ledger, &missing)) {
        struct checkpoint_key key = public_of(ledger);
        if (checkpoint_fits(head, &key)) return true;
        err_set(&missing, ERR_REFUSED,
                "the ledger's head is not signed by this key: it is another ledger's key, or "
                "somebody changed the head");
        err_in(&missing, ledger->key_path);
    }
    if (adopt_waiting(ledger, head, scratch, err)) return true;
    *err = missing;
    return false;
}

/* That what is there is what was signed last, by the key that is to sign next. */
static bool check_head(struct ledger *ledger, bool has_key, struct arena *scratch, struct err *err)
{
    struct checkpoint checkpoint = {0};
    struct sha256_digest root = {0};
    str text = {0};
    if (!ledger_checkpoint(ledger, scratch, &text, &checkpoint, err)) return false;
    if (checkpoint.size != ledger->size)
        return ledger_tables_damaged(err, "it has not as many entries as its signed head says");
    if (has_key && !check_key(ledger, &checkpoint, scratch, err)) return false;
    if (!has_key) ledger->name = str_copy(&ledger->arena, checkpoint.origin);
    if (!merkle_root(ledger_tables_reader(ledger), ledger->size, &root, err)) return false;
    if (!merkle_equal(&root, &checkpoint.root))
        return ledger_tables_damaged(err, "its entries are not those that were signed");
    return true;
}

static bool prepare_to_write(struct ledger *ledger, bool has_key, struct err *err)
{
    struct arena scratch = arena_open("ledger", 0, NULL);
    bool fine = ledger_tables_schema_is_ours(ledger, err) && count(ledger, err);
    if (fine && !ledger->size) fine = ledger_tables_damaged(err, "it has no entries");
    fine = fine && check_head(ledger, has_key, &scratch, err) && load_last(ledger, scratch, err);
    arena_close(&scratch);
    return fine;
}

static bool begin(struct ledger *ledger, bool has_key, struct err *err)
{
    assert(ledger->can_write && !ledger->in_transaction);
    if (!sqlite_run(ledger->db, "BEGIN IMMEDIATE", err)) return err_in(err, ledger->path);
    ledger->in_transaction = true;
    ledger->has_key = false; /* another process may have changed it */
    if (prepare_to_write(ledger, has_key, err)) return true;
    ledger_abandon(ledger);
    return err_in(err, ledger->path);
}

bool ledger_begin(struct ledger *ledger, struct err *err)
{
    return begin(ledger, true, err);
}

bool ledger_begin_without_key(struct ledger *ledger, struct err *err)
{
    return begin(ledger, false, err);
}

void ledger_abandon(struct ledger *ledger)
{
    if (!ledger->in_transaction) return;
    sqlite_rollback(ledger->db);
    ledger->in_transaction = false;
    ledger->size = ledger->committed;
}

static bool check_draft(const struct ledger_draft *draft, struct arena scratch, struct err *err)
{
    for (size_t i = 0; i < draft->subject.len; i++)
        if ((uint8_t)draft->subject.ptr[i] < ' ')
            return err_set(err, ERR_MALFORMED, "the subject of an entry has no control characters");
    if (!entry_text_is_object(draft->actor, scratch, err)) return err_in(err, S("actor"));
    if (!entry_text_is_object(draft->data, scratch, err)) return err_in(err, S("data"));
    return true;
}

/* Subtrees that are complete now. */
static bool add_nodes(struct ledger *ledger, struct err *err)
{
    struct merkle_reader reader = ledger_tables_reader(ledger);
    uint64_t leaves = MERKLE_WIDTH;
    for (unsigned level = 1; level < MERKLE_LEVELS && ledger->size % leaves == 0; level++) {
        struct sha256_digest hashes[MERKLE_WIDTH];
        uint64_t position = ledger->size / leaves - 1;
        struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_ADD_NODE, err);
        if (!s || !reader.read(reader.from, level - 1, position * MERKLE_WIDTH, MERKLE_WIDTH,
                               hashes, err))
            return false;
        struct sha256_digest hash = merkle_fold(hashes, MERKLE_WIDTH);
        sqlite_put(s, 1, level);
        sqlite_put(s, 2, (int64_t)position);
        sqlite_put_bytes(s, 3, (bytes){hash.bytes, sizeof hash.bytes});
        if (!sqlite_do(s, err)) return false;
        leaves *= MERKLE_WIDTH;
    }
    return true;
}

static bool put_entry(struct ledger *ledger, const struct entry_text *entry, str body,
                      struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_ADD, err);
    struct sha256_digest hash = merkle_leaf(str_bytes(body));
    if (!s) return false;
    sqlite_put(s, 1, (int64_t)entry->number);
    sqlite_put(s, 2, entry->time_us);
    sqlite_put_str(s, 3, entry->kind);
    sqlite_put_str(s, 4, entry->subject);
    sqlite_put_bytes(s, 5, (bytes){hash.bytes, sizeof hash.bytes});
    sqlite_put_str(s, 6, body);
    if (!sqlite_do(s, err)) return false;
    ledger->last = hash;
    ledger->last_us = entry->time_us;
    ledger->size++;
    return add_nodes(ledger, err);
}

static bool append(struct ledger *ledger, const struct ledger_draft *draft, struct arena *scratch,
                   struct err *err)
{
    struct entry_text entry = {
        .previous = ledger->last,
        .number = ledger->size,
        .time_us = ledger->now_us > ledger->last_us ? ledger->now_us : ledger->last_us,
        .kind = ledger_kind_text(draft->kind),
        .subject = str_utf8(scratch, draft->subject),
        .actor = draft->actor,
        .data = draft->data,
    };
    if (!check_draft(draft, *scratch, err)) return false;
    struct buf body = buf_in(scratch);
    entry_text_write(&entry, &body);
    if (body.len > LIMIT_LEDGER_ENTRY)
        return err_set(err, ERR_LIMIT, "the entry would have %zu bytes, at most %d are taken",
                       body.len, LIMIT_LEDGER_ENTRY);
    return put_entry(ledger, &entry, buf_text(&body), err);
}

bool ledger_append(struct ledger *ledger, const struct ledger_draft *draft, uint64_t *number,
                   struct err *err)
{
    struct arena scratch = arena_open("an entry of the ledger", 0, NULL);
    assert(ledger->in_transaction && draft->kind < LEDGER_KIND_COUNT);
    bool fine = append(ledger, draft, &scratch, err);
    arena_close(&scratch);
    if (fine && number) *number = ledger->size - 1;
    return fine;
}

bool ledger_put_head(struct ledger *ledger, const struct sign_key *key, struct err *err)
{
    struct arena scratch = arena_open("the ledger's head", 0, NULL);
    struct sha256_digest root = {0};
    /* The first head is made with the first entries. */
    struct sqlite_statement *s = ledger_tables_statement(
        ledger, ledger->committed ? LEDGER_SQL_PUT_HEAD : LEDGER_SQL_PUT_FIRST_HEAD, err);
    bool fine = s && merkle_root(ledger_tables_reader(ledger), ledger->size, &root, err);
    if (fine) {
        str text = checkpoint_sign(key, ledger->name, ledger->size, &root, (str){0}, &scratch);
        sqlite_put(s, 1, (int64_t)ledger->size);
        sqlite_put_bytes(s, 2, (bytes){root.bytes, sizeof root.bytes});
        sqlite_put_str(s, 3, text);
        fine = sqlite_do(s, err);
    }
    arena_close(&scratch);
    return fine;
}

bool ledger_commit(struct ledger *ledger, struct err *err)
{
    assert(ledger->in_transaction);
    bool has_grown = ledger->size != ledger->committed;
    if ((has_grown && !ledger_put_head(ledger, &ledger->key, err)) ||
        !sqlite_run(ledger->db, "COMMIT", err)) {
        ledger_abandon(ledger);
        return err_in(err, ledger->path);
    }
    ledger->in_transaction = false;
    ledger->committed = ledger->size;
    return true;
}

/* ---- What proves who somebody is ------------------------------------------------------------ */

bool ledger_put_credential(struct ledger *ledger, str name, str value, struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(
        ledger, value.len ? LEDGER_SQL_PUT_CREDENTIAL : LEDGER_SQL_END_CREDENTIAL, err);
    assert(ledger->in_transaction);
    if (!s) return false;
    sqlite_put_str(s, 1, name);
    if (value.len) sqlite_put_str(s, 2, value);
    return sqlite_do(s, err);
}

bool ledger_get_credential(struct ledger *ledger, str name, struct arena *arena, str *out,
                           struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(ledger, LEDGER_SQL_GET_CREDENTIAL, err);
    bool row = false;
    if (!s) return false;
    sqlite_put_str(s, 1, name);
    if (!sqlite_step(s, &row, err)) return false;
    *out = row ? sqlite_get_str(arena, s, 0) : (str){0};
    if (row) sqlite_reset(s);
    return true;
}
