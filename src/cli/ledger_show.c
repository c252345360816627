/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/acting.h"
#include "cli/ledger_told.h"
#include "ledger/entry_text.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { DATA_WIDTH = 60 };

/* The entries that fit, up to a number: the first ones, or, without --from, the last ones. */
struct listing {
    struct arena *arena;
    struct ledger_entry *ring;
    size_t most, n; /* n: those that fit, shown or not */
    bool keeps_first;
    bool one_kind;
    enum ledger_kind kind;
    uint64_t from;
};

static bool take(void *to, const struct ledger_entry *entry)
{
    struct listing *listing = to;
    if (entry->number < listing->from || (listing->one_kind && entry->kind != listing->kind))
        return true;
    bool kept = !listing->keeps_first || listing->n < listing->most;
    if (kept) {
        struct ledger_entry *slot = &listing->ring[listing->n % listing->most];
        *slot = *entry;
        slot->subject = str_copy(listing->arena, entry->subject);
        slot->body = str_copy(listing->arena, entry->body);
    }
    listing->n++;
    return true;
}

static size_t shown(const struct listing *listing)
{
    return listing->n < listing->most ? listing->n : listing->most;
}

static const struct ledger_entry *nth(const struct listing *listing, size_t i)
{
    bool turned = !listing->keeps_first && listing->n > listing->most;
    return &listing->ring[turned ? (listing->n + i) % listing->most : i];
}

static bool read_entries(struct invocation *call, struct ledger *ledger, struct listing *listing,
                         struct err *err)
{
    struct ledger_visit visit = {listing, take};
    if (option_given(call, S("subject")))
        return ledger_each_of(ledger, option_text(call, S("subject")), 0, visit, err);
    uint64_t size = ledger_size(ledger), from = listing->from;
    if (listing->one_kind)
        return ledger_each(ledger, 1u << listing->kind, from, INT64_MAX, visit, err);
    /* Of a ledger of millions the last page is read alone. */
    if (!listing->keeps_first && size > listing->most) {
        from = size - listing->most;
        listing->n = 0;
    } else if (listing->keeps_first && from < size && size - from > listing->most) {
        size = from + listing->most;
    }
    return ledger_each(ledger, 0, from, INT64_MAX, visit, err);
}

/* ---- Printing ------------------------------------------------------------------------------- */

static void print_json(struct invocation *call, const struct listing *listing, uint64_t size)
{
    buf_str(call->out, S("{\"entries\":["));
    for (size_t i = 0; i < shown(listing); i++) {
        const struct ledger_entry *entry = nth(listing, i);
        struct arena scratch = call->scratch;
        /* The body is JSON already, and every byte of it counts. */
        buf_str(call->out, i ? S(",\n{\"hash\":\"") : S("\n{\"hash\":\""));
        buf_str(call->out, sha256_hex(&scratch, &entry->hash));
        buf_str(call->out, S("\",\"entry\":"));
        buf_str(call->out, entry->body);
        buf_char(call->out, '}');
    }
    buf_format(call->out, "],\"matching\":%zu,\"size\":%" PRIu64 "}\n", listing->n, size);
}

static bool add_row(struct invocation *call, struct table *table, const struct ledger_entry *entry,
                    struct err *err)
{
    struct entry_text text = {0};
    if (!entry_text_parse(entry->body, call->arena, &text, err)) return false;
    struct entry_actor actor = entry_text_actor(text.actor, call->scratch);
    str person = entry_text_member(text.actor, S("person"), call->arena);
    table_add_u64(table, entry->number);
    table_add(table, ledger_told_time(call, entry->time_us));
    table_add(table, text.kind);
    table_add(table, text.subject);
    if (call->format == FORMAT_CSV) {
        table_add(table, person);
        table_add(table, actor.authenticated ? S("yes") : S("no"));
        table_add(table, text.data);
        table_add(table, sha256_hex(call->arena, &entry->hash));
        return true;
    }
    table_add(table, actor.authenticated
                         ? person
                         : str_format(call->arena, "%.*s (not logged in)", STR_ARG(person)));
    table_add_toned(table, text.data, TONE_DIM);
    return true;
}

#define COLUMN(title, align, widest)                                                               \
    {                                                                                              \
        {title, sizeof(title) - 1}, align, widest                                                  \
    }

static const struct table_column columns[] = {
    COLUMN("entry", ALIGN_RIGHT, 0), COLUMN("time", ALIGN_LEFT, 0),
    COLUMN("kind", ALIGN_LEFT, 0),   COLUMN("subject", ALIGN_LEFT, 30),
    COLUMN("by", ALIGN_LEFT, 30),    COLUMN("data", ALIGN_LEFT, DATA_WIDTH),
};
static const struct table_column csv_columns[] = {
    COLUMN("number", ALIGN_LEFT, 0), COLUMN("time", ALIGN_LEFT, 0),
    COLUMN("kind", ALIGN_LEFT, 0),   COLUMN("subject", ALIGN_LEFT, 0),
    COLUMN("person", ALIGN_LEFT, 0), COLUMN("logged_in", ALIGN_LEFT, 0),
    COLUMN("data", ALIGN_LEFT, 0),   COLUMN("hash", ALIGN_LEFT, 0),
};

static bool print_table(struct invocation *call, const struct listing *listing, struct err *err)
{
    bool is_csv = call->format == FORMAT_CSV;
    struct table table = table_of(call->arena, is_csv ? csv_columns : columns,
                                  is_csv ? COUNT_OF(csv_columns) : COUNT_OF(columns));
    for (size_t i = 0; i < shown(listing); i++)
        if (!add_row(call, &table, nth(listing, i), err)) return false;
    if (is_csv)
        table_print_csv(&table, call->out);
    else
        table_print_text(&table, call->out, call->colour);
    return true;
}

static void say_rest(struct invocation *call, const struct listing *listing, uint64_t size)
{
    uint64_t all = listing->n;
    bool filtered = listing->one_kind || option_given(call, S("subject"));
    if (!filtered)
        all = listing->keeps_first ? size - (listing->from < size ? listing->from : size) : size;
    if (all > shown(listing))
        buf_format(call->talk,
                   "%zu of %" PRIu64 " entries are shown, the %s ones: --limit and "
                   "--from show others\n",
                   shown(listing), all, listing->keeps_first ? "first" : "newest");
}

static bool find_kind(struct invocation *call, struct listing *out, struct err *err)
{
    str word = option_text(call, S("kind"));
    str names[LEDGER_KIND_COUNT];
    for (enum ledger_kind i = 0; i < LEDGER_KIND_COUNT; i++)
        names[i] = ledger_kind_text(i);
    out->one_kind = option_given(call, S("kind"));
    if (!out->one_kind) return true;
    out->kind = entry_text_kind(word);
    if (out->kind != LEDGER_KIND_COUNT) return true;
    return err_set(err, ERR_USAGE, "there is no kind \"%.*s\"%.*s", STR_ARG(word),
                   STR_ARG(command_suggest(call->arena, word, names, LEDGER_KIND_COUNT)));
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    struct listing listing = {
        .arena = call->arena,
        .most = (size_t)option_count(call, S("limit")),
        .keeps_first = option_given(call, S("from")),
    };
    if (listing.keeps_first) listing.from = option_count(call, S("from"));
    listing.ring = arena_array(call->arena, struct ledger_entry, listing.most);
    if (!find_kind(call, &listing, &err) || !acting_ledger(call, LEDGER_READ, &ledger, &err))
        return command_fail(call, &err);
    uint64_t size = ledger_size(ledger);
    bool fine = read_entries(call, ledger, &listing, &err);
    ledger_close(ledger);
    if (!fine) return command_fail(call, &err);
    if (call->format == FORMAT_JSON)
        print_json(call, &listing, size);
    else if (!print_table(call, &listing, &err))
        return command_fail(call, &err);
    if (call->format == FORMAT_TEXT) say_rest(call, &listing, size);
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("limit"),
     .type = OPTION_COUNT,
     .low = 1,
     .high = 1000000,
     .value = T("N"),
     .fallback = T("50"),
     .help = T("how many entries at the most")},
    {.name = T("kind"),
     .type = OPTION_TEXT,
     .value = T("KIND"),
     .help = T("only entries of a kind: exception-approved, compiled, ...")                                               },
    {.name = T("subject"),
     .type = OPTION_TEXT,
     .value = T("SUBJECT"),
     .help = T("only entries about one thing: EX-12, a user's name")},
    {.name = T("from"),
     .type = OPTION_COUNT,
     .low = 0,
     .high = INT64_MAX,
     .value = T("N"),
     .help = T("from entry N on; else the newest are shown")},
};

static const struct example examples[] = {
    {T("sallyport ledger show --limit 20"),     T("Show what was written last.")    },
    {T("sallyport ledger show --subject EX-1"), T("Show the life of one exception.")},
};

const struct command ledger_show_command = {
    .name = T("ledger show"),
    .summary = T("Show entries of the ledger"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Entries are found by the database's indexes and not verified: \"ledger verify\" "
                 "does that. JSON has every entry as it was written, with its hash."),
    .run = run,
};
