/* SPDX-License-Identifier: Apache-2.0 */
/* Records are lines; a quoted field may hold newlines (RFC 4180), so a record goes on while a quote
 * is open, up to LIMIT_CSV_RECORD_LINES. A quote that is never closed costs its own line, not the
 * rest of the file.
 */
#include "evidence/csv_map.h"

#include "base/csv.h"
#include "base/hash.h"
#include "evidence/syslog.h"
#include "evidence/text_lines.h"

static const str fact_names[] = {
#define X(name, text) {text, sizeof(text) - 1},
    CSV_FACTS(X)
#undef X
};
static const char separators[] = {',', ';', '\t', '|'};

/* ---- The text of --map ---------------------------------------------------------------------- */

static void take_blanks(str *rest)
{
    while (rest->len && rest->ptr[0] == ' ')
        *rest = str_tail(*rest, 1);
}

/* A name up to one of the ends; in double quotes it may hold them, with doubled quotes inside. */
static bool take_name(struct arena *arena, str *rest, const char *ends, str *out, struct err *err)
{
    take_blanks(rest);
    if (!rest->len || rest->ptr[0] != '"') {
        size_t n = 0;
        while (n < rest->len && !strchr(ends, rest->ptr[n]))
            n++;
        *out = str_trim(str_head(*rest, n));
        *rest = str_tail(*rest, n);
        return true;
    }
    struct buf name = buf_in(arena);
    str from = *rest;
    for (*rest = str_tail(*rest, 1); rest->len; *rest = str_tail(*rest, 1)) {
        if (rest->ptr[0] == '"') {
            *rest = str_tail(*rest, 1);
            if (!rest->len || rest->ptr[0] != '"') {
                *out = buf_text(&name);
                take_blanks(rest);
                return true;
            }
        }
        buf_char(&name, rest->ptr[0]);
    }
    return err_set(err, ERR_USAGE, "the quote before %.*s is not closed",
                   STR_ARG(str_tail(from, 1)));
}

static bool fact_of(str name, enum csv_fact *out, struct err *err)
{
    size_t best = 0;
    for (size_t i = 0; i < CSV_FACT_COUNT; i++) {
        if (str_equal(name, fact_names[i])) {
            *out = (enum csv_fact)i;
            return true;
        }
        if (str_distance(name, fact_names[i]) < str_distance(name, fact_names[best])) best = i;
    }
    return err_set(err, ERR_USAGE, "\"%.*s\" is not a fact; the nearest is \"%.*s\"", STR_ARG(name),
                   STR_ARG(fact_names[best]));
}

static bool outcome_parse(str text, enum outcome *out)
{
    *out = OUTCOME_NONE;
    if (str_equal_nocase(text, S("none"))) return true;
    for (enum outcome o = OUTCOME_NONE + 1; o < OUTCOME_COUNT; o++) {
        if (!str_equal_nocase(text, outcome_text(o))) continue;
        *out = o;
        return true;
    }
    return false;
}

/* Does this text mean something as that fact, wherever it came from? */
static bool means_something(enum csv_fact fact, str text)
{
    struct syslog_clock clock = {0};
    struct endpoint end;
    enum syslog_time kind;
    enum outcome outcome;
    enum profile profile;
    int64_t at_us;
    uint16_t port;
    uint64_t number;
    switch (fact) {
    case CSV_CLIENT:
    case CSV_SERVER:
        return syslog_endpoint(text, &end);
    case CSV_PORT:
    case CSV_CLIENT_PORT:
        return syslog_port(text, &port) && port;
    case CSV_TRANSPORT:
        return syslog_transport(text) != TRANSPORT_NONE;
    case CSV_TIME:
    case CSV_LAST:
        return syslog_line_time(&clock, text, &kind, &at_us);
    case CSV_OUTCOME:
        return outcome_parse(text, &outcome);
    case CSV_BYTES_TO_SERVER:
    case CSV_BYTES_TO_CLIENT:
    case CSV_COUNT:
        return str_u64(text, INT64_MAX, &number);
    case CSV_PROFILE:
        return profile_parse(text, &profile);
    case CSV_USER:
    case CSV_SHARE:
    case CSV_ORIGIN:
    case CSV_FACT_COUNT:
        break;
    }
    return text.len > 0;
}

static bool has_words(enum csv_fact fact)
{
    return fact == CSV_OUTCOME || fact == CSV_TRANSPORT || fact == CSV_PROFILE;
}

/* "/permit:allowed/deny:blocked/else:none" */
static bool take_words(struct arena *arena, enum csv_fact fact, str *rest, struct csv_place *place,
                       struct err *err)
{
    struct csv_word *words = NULL;
    size_t n = 0, room = 0;
    while (rest->len && rest->ptr[0] == '/') {
        struct csv_word word;
        *rest = str_tail(*rest, 1);
        if (!take_name(arena, rest, ":/,", &word.from, err)) return false;
        if (!rest->len || rest->ptr[0] != ':' || !word.from.len)
            return err_set(err, ERR_USAGE, "%.*s: expected /word:meaning",
                           STR_ARG(fact_names[fact]));
        *rest = str_tail(*rest, 1);
        if (!take_name(arena, rest, "/,", &word.to, err)) return false;
        if (!means_something(fact, word.to))
            return err_set(err, ERR_USAGE, "\"%.*s\" is not a meaning of %.*s", STR_ARG(word.to),
                           STR_ARG(fact_names[fact]));
        if (str_equal(word.from, S("else"))) {
            place->otherwise = word.to;
            continue;
        }
        arena_grow(arena, words, n, room);
        words[n++] = word;
    }
    place->words = words;
    place->n_words = n;
    return true;
}

static bool take_item(struct arena *arena, str *rest, struct csv_map *map, struct err *err)
{
    str name = {0};
    enum csv_fact fact = CSV_CLIENT;
    struct csv_place place = {0};
    if (!take_name(arena, rest, "=:,", &name, err) || !fact_of(name, &fact, err)) return false;
    char sign = 0;
    if (rest->len) sign = rest->ptr[0];
    if (sign != '=' && sign != ':')
        return err_set(err, ERR_USAGE, "expected %.*s=COLUMN or %.*s:VALUE", STR_ARG(name),
                       STR_ARG(name));
    *rest = str_tail(*rest, 1);
    bool constant = sign == ':';
    if (!take_name(arena, rest,
                   constant          ? ","
                   : has_words(fact) ? "/,"
                                     : ",",
                   constant ? &place.constant : &place.column, err))
        return false;
    if (constant && !means_something(fact, place.constant))
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a value of %.*s", STR_ARG(place.constant),
                       STR_ARG(name));
    if (!constant && !place.column.len)
        return err_set(err, ERR_USAGE, "%.*s= lacks its column", STR_ARG(name));
    if (has_words(fact) && !constant && !take_words(arena, fact, rest, &place, err)) return false;
    if (rest->len && rest->ptr[0] != ',')
        return err_set(err, ERR_USAGE, "expected a comma before \"%.*s\"", STR_ARG(*rest));
    *rest = str_tail(*rest, 1);
    if (map->at[fact].column.len || map->at[fact].constant.len)
        return err_set(err, ERR_USAGE, "%.*s is given twice", STR_ARG(name));
    map->at[fact] = place;
    return true;
}

static bool is_given(const struct csv_map *map, enum csv_fact fact)
{
    return map->at[fact].column.len || map->at[fact].constant.len;
}

bool csv_map_parse(str text, struct arena *arena, struct csv_map *out, struct err *err)
{
    struct csv_map map = {0};
    str rest = str_trim(text);
    while (rest.len)
        if (!take_item(arena, &rest, &map, err)) return false;
    if (!is_given(&map, CSV_CLIENT)) return err_set(err, ERR_USAGE, "client=COLUMN is needed");
    if (!is_given(&map, CSV_SERVER) && !is_given(&map, CSV_SHARE))
        return err_set(err, ERR_USAGE, "server=COLUMN is needed (or share=COLUMN)");
    if (!is_given(&map, CSV_PORT) && !is_given(&map, CSV_SHARE))
        return err_set(err, ERR_USAGE, "port=COLUMN or port:NUMBER is needed");
    if (!is_given(&map, CSV_TIME)) return err_set(err, ERR_USAGE, "time=COLUMN is needed");
    *out = map;
    return true;
}

/* ---- The header row ------------------------------------------------------------------------- */

enum { COLUMN_ABSENT = UINT16_MAX };

struct columns {
    char separator;
    size_t n; /* of the header row */
    uint16_t at[CSV_FACT_COUNT];
};

/* Fields of one record. Without quotes nothing but cutting is to be done. */
static bool split(struct arena *arena, str record, char separator, str **fields, size_t *n,
                  struct err *err)
{
    bool found = false;
    if (memchr(record.ptr, '"', record.len)) {
        struct csv csv = csv_of(record, separator, arena);
        if (!csv_next(&csv, fields, n, &found, err)) return false;
        return found || err_set(err, ERR_MALFORMED, "the record is empty");
    }
    size_t count = 1;
    for (size_t i = 0; i < record.len; i++)
        count += record.ptr[i] == separator;
    if (count > LIMIT_CSV_FIELDS)
        return err_set(err, ERR_LIMIT, "more than %d fields", LIMIT_CSV_FIELDS);
    str *list = arena_array(arena, str, count);
    for (size_t i = 0; i < count; i++)
        str_cut(record, separator, &list[i], &record);
    *fields = list;
    *n = count;
    return true;
}

static size_t column_of(str name, const str *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(str_trim(fields[i]), name)) return i;
    for (size_t i = 0; i < n; i++)
        if (str_equal_nocase(str_trim(fields[i]), name)) return i;
    return n;
}

/* *missing: the first column of the map that is not in the header row. */
static bool columns_of(const struct csv_map *map, str header, char separator, struct arena scratch,
                       struct columns *out, str *missing, struct err *err)
{
    struct columns columns = {.separator = separator};
    str *fields = NULL;
    if (!split(&scratch, header, separator, &fields, &columns.n, err)) return false;
    *missing = (str){0};
    for (size_t i = 0; i < CSV_FACT_COUNT; i++) {
        columns.at[i] = COLUMN_ABSENT;
        if (!map->at[i].column.len) continue;
        size_t at = column_of(map->at[i].column, fields, columns.n);
        if (at == columns.n) {
            *missing = map->at[i].column;
            break;
        }
        columns.at[i] = (uint16_t)at;
    }
    *out = columns;
    return true;
}

/* The separator with which the header row has all columns; else an error about the one with which
 * it has most. */
static bool header_read(const struct csv_map *map, str header, struct arena scratch,
                        struct columns *out, struct err *err)
{
    struct columns columns = {0};
    str missing = {0}, best_missing = {0};
    size_t most = 0;
    if (!header.len) return err_set(err, ERR_MALFORMED, "expected a header row");
    for (size_t i = 0; i < sizeof separators; i++) {
        if (!columns_of(map, header, separators[i], scratch, &columns, &missing, err)) continue;
        if (!missing.len) {
            *out = columns;
            return true;
        }
        if (columns.n > most) {
            most = columns.n;
            best_missing = missing;
        }
    }
    if (!most) return false; /* err says why */
    return err_set(err, ERR_NOT_FOUND,
                   "the header row has no column \"%.*s\" of --map; it is: %.*s",
                   STR_ARG(best_missing), STR_ARG(str_head(header, 200)));
}

/* Excel's "sep=;" tells what the header row tells better. */
static bool is_separator_line(str line)
{
    return line.len == 5 && str_starts(line, S("sep="));
}

bool csv_map_fits(const struct csv_map *map, bytes head, struct err *err)
{
    char into[TEXT_LINES_HEAD_ROOM];
    struct columns columns;
    bool whole = false;
    str rest = text_lines_head(head, into), line = {0};
    if (!text_lines_cut(&rest, &line, &whole)) line = (str){0};
    if (is_separator_line(line) && !text_lines_cut(&rest, &line, &whole)) line = (str){0};
    struct arena scratch = arena_open("the header row of a table", LIMIT_LINE_SCRATCH, NULL);
    bool fits = header_read(map, line, scratch, &columns, err);
    arena_close(&scratch);
    return fits;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

struct line {
    size_t start, len; /* in the text of the record */
    uint64_t offset, length, number;
    bool odd; /* number of quotes */
};

struct csv_table {
    struct fact_sink sink;
    struct syslog_clock clock;
    struct csv_map map;
    struct columns columns;
    struct text_lines *lines;
    struct arena scratch; /* emptied for every record */
    bool has_header, failed;
    struct err failure;
    /* Lines of a record whose quote is open. */
    struct line held[LIMIT_CSV_RECORD_LINES];
    size_t n_held, text_len;
    char text[LIMIT_LOG_LINE_BYTES];
};

/* One row in the reading. */
struct row {
    str text;
    uint64_t offset, length, number;
    const str *fields;
    size_t n;
};

static void skip(const struct csv_table *table, uint64_t offset, uint64_t length, str reason)
{
    table->sink.skip(table->sink.to, &(struct skip){offset, length, reason});
}

static void refuse(struct csv_table *table, const struct row *row, enum csv_fact fact,
                   const char *expected, str found)
{
    str column = table->map.at[fact].column;
    str reason = str_format(&table->scratch,
                            "line %" PRIu64 ", column %u (%.*s): expected %s, found \"%.*s\"",
                            row->number, (unsigned)table->columns.at[fact] + 1, STR_ARG(column),
                            expected, STR_ARG(str_head(found, 60)));
    skip(table, row->offset, row->length, str_utf8(&table->scratch, reason));
}

/* The value of a fact in a row: the constant, or the column's text, in our words where the map has
 * some. Empty: not given, or "-". */
static str value_of(const struct csv_table *table, const struct row *row, enum csv_fact fact)
{
    const struct csv_place *place = &table->map.at[fact];
    if (place->constant.len) return place->constant;
    size_t at = table->columns.at[fact];
    str value = at < row->n ? str_trim(row->fields[at]) : (str){0};
    for (size_t i = 0; i < place->n_words; i++)
        if (str_equal_nocase(place->words[i].from, value)) return place->words[i].to;
    if (place->otherwise.len) return place->otherwise;
    return str_equal(value, S("-")) ? (str){0} : value;
}

/* Times are required, as is what they are of. */
static bool times_of(struct csv_table *table, const struct row *row, struct observation *fact)
{
    enum syslog_time kind = SYSLOG_NO_TIME, last_kind = kind;
    str first = value_of(table, row, CSV_TIME), last = value_of(table, row, CSV_LAST);
    if (!syslog_line_time(&table->clock, first, &kind, &fact->first_us)) {
        refuse(table, row, CSV_TIME, "a time", first);
        return false;
    }
    fact->last_us = fact->first_us;
    if (last.len && !syslog_line_time(&table->clock, last, &last_kind, &fact->last_us)) {
        refuse(table, row, CSV_LAST, "a time", last);
        return false;
    }
    if (fact->last_us < fact->first_us) fact->last_us = fact->first_us;
    if (kind == SYSLOG_LOCAL || last_kind == SYSLOG_LOCAL) fact->assumed |= 1u << ASSUMED_TIMEZONE;
    return true;
}

/* "445", "microsoft-ds", "tcp/445", "445/tcp" */
static bool port_of(str text, uint16_t *port, enum transport *transport)
{
    str head, tail;
    if (!str_cut(text, '/', &head, &tail)) return syslog_port(text, port);
    bool first = syslog_transport(head) != TRANSPORT_NONE && head.len > 2;
    enum transport said = syslog_transport(first ? head : tail);
    if (said == TRANSPORT_NONE) return false;
    *transport = said;
    return syslog_port(first ? tail : head, port);
}

static bool ports_of(struct csv_table *table, const struct row *row, struct observation *fact)
{
    str transport = value_of(table, row, CSV_TRANSPORT), port = value_of(table, row, CSV_PORT),
        client_port = value_of(table, row, CSV_CLIENT_PORT);
    fact->transport = transport.len ? syslog_transport(transport) : TRANSPORT_TCP;
    if (!is_given(&table->map, CSV_PORT)) {
        fact->port = 445;
        fact->assumed |= 1u << ASSUMED_PORT;
    } else if (port.len && !port_of(port, &fact->port, &fact->transport)) {
        refuse(table, row, CSV_PORT, "a port", port);
        return false;
    }
    if (client_port.len && !syslog_port(client_port, &fact->client_port)) {
        refuse(table, row, CSV_CLIENT_PORT, "a port", client_port);
        return false;
    }
    return true;
}

static bool number_of(struct csv_table *table, const struct row *row, enum csv_fact fact,
                      uint64_t *out)
{
    str text = value_of(table, row, fact);
    if (!text.len || str_u64(text, INT64_MAX, out)) return true;
    refuse(table, row, fact, "a number", text);
    return false;
}

/* The machine in \\FS01\projects. */
static str host_of_share(str share)
{
    str host, rest;
    if (share.len < 3 || share.ptr[0] != '\\' || share.ptr[1] != '\\') return (str){0};
    str_cut(str_tail(share, 2), '\\', &host, &rest);
    return host;
}

static bool ends_of(struct csv_table *table, const struct row *row, struct observation *fact)
{
    str client = value_of(table, row, CSV_CLIENT), server = value_of(table, row, CSV_SERVER);
    if (!syslog_endpoint(client, &fact->client)) {
        refuse(table, row, CSV_CLIENT, "an address or a name", client);
        return false;
    }
    if (!server.len) server = host_of_share(value_of(table, row, CSV_SHARE));
    if (!syslog_endpoint(server, &fact->server)) {
        refuse(table, row, is_given(&table->map, CSV_SERVER) ? CSV_SERVER : CSV_SHARE,
               "an address or a name", server);
        return false;
    }
    return true;
}

/* A table of flows has the answers too: the side on a service's port is the server. */
static void turn(struct observation *fact)
{
    struct endpoint end = fact->client;
    uint16_t port = fact->client_port;
    uint64_t sent = fact->bytes_to_server;
    fact->client = fact->server;
    fact->server = end;
    fact->client_port = fact->port;
    fact->port = port;
    fact->bytes_to_server = fact->bytes_to_client;
    fact->bytes_to_client = sent;
}

static void tell(struct csv_table *table, const struct row *row, struct observation *fact)
{
    str share = str_utf8(&table->scratch, value_of(table, row, CSV_SHARE));
    str user = str_utf8(&table->scratch, value_of(table, row, CSV_USER));
    fact->client.name = str_utf8(&table->scratch, fact->client.name);
    fact->server.name = str_utf8(&table->scratch, fact->server.name);
    if (user.len) fact->users = (struct names){&user, 1};
    if (share.len) fact->shares = (struct names){&share, 1};
    uint64_t hash = hash_bytes(str_bytes(row->text));
    table->sink.line_hash(table->sink.to, hash);
    table->sink.observation(table->sink.to, fact);
    if (!share.len) return;
    struct use use = {
        .client = fact->client,
        .server = fact->server,
        .transport = fact->transport,
        .client_port = fact->client_port,
        .port = fact->port,
        .start_us = fact->first_us,
        .first_us = fact->first_us,
        .last_us = fact->last_us,
        .count = fact->count,
        .share = share,
        .user = user,
        .refused = fact->outcome == OUTCOME_AUTH_FAILED || fact->outcome == OUTCOME_BLOCKED,
        .offset = row->offset,
    };
    table->sink.line_hash(table->sink.to, hash_join(hash, 1));
    table->sink.use(table->sink.to, &use);
}

static void read_row(struct csv_table *table, const struct row *row)
{
    struct observation fact = {
        .count = 1,
        .profile = PROFILE_UNKNOWN,
        .offset = row->offset,
    };
    if (!times_of(table, row, &fact)) return;
    table->sink.origin(table->sink.to, str_utf8(&table->scratch, value_of(table, row, CSV_ORIGIN)));
    table->sink.record(table->sink.to, fact.first_us);
    if (!ports_of(table, row, &fact)) return;
    if (fact.transport == TRANSPORT_NONE) return;
    bool to = service_by_port(service_builtin, fact.transport, fact.port) != SERVICE_NONE;
    bool from = service_by_port(service_builtin, fact.transport, fact.client_port) != SERVICE_NONE;
    if (!to && !from) return;
    if (!ends_of(table, row, &fact) || !number_of(table, row, CSV_COUNT, &fact.count) ||
        !number_of(table, row, CSV_BYTES_TO_SERVER, &fact.bytes_to_server) ||
        !number_of(table, row, CSV_BYTES_TO_CLIENT, &fact.bytes_to_client))
        return;
    if (!fact.count) fact.count = 1;
    str outcome = value_of(table, row, CSV_OUTCOME), profile = value_of(table, row, CSV_PROFILE);
    if (!outcome_parse(outcome, &fact.outcome))
        fact.outcome = syslog_action(SYSLOG_ANY_PRODUCT, outcome);
    if (!profile_parse(profile, &fact.profile)) fact.profile = PROFILE_UNKNOWN;
    if (!to) turn(&fact);
    tell(table, row, &fact);
}

static void read_record(struct csv_table *table, str text, const struct line *first,
                        const struct line *last, bool cut)
{
    struct err err = {0};
    str *fields = NULL, reason = {0};
    struct row row = {
        .text = text,
        .offset = first->offset,
        .length = last->offset + last->length - first->offset,
        .number = first->number,
    };
    arena_reset(&table->scratch);
    if (!table->has_header) {
        if (is_separator_line(text)) return;
        table->has_header = true;
        if (header_read(&table->map, text, table->scratch, &table->columns, &err)) return;
        skip(table, row.offset, row.length, str_of(err.text));
        table->failed = true;
        return;
    }
    if (!split(&table->scratch, text, table->columns.separator, &fields, &row.n, &err)) {
        reason = str_format(&table->scratch, "line %" PRIu64 ", column %u: %s", first->number,
                            (unsigned)err.column, err.text);
    } else if (row.n != table->columns.n) {
        reason = cut ? S("the line is cut")
                     : str_format(&table->scratch,
                                  "line %" PRIu64 ": expected %zu fields as in the header row, "
                                  "found %zu",
                                  first->number, table->columns.n, row.n);
    }
    if (reason.len) {
        skip(table, row.offset, row.length, str_utf8(&table->scratch, reason));
        return;
    }
    row.fields = fields;
    read_row(table, &row);
}

static bool has_odd_quotes(str text)
{
    bool odd = false;
    for (const char *at = text.ptr, *end = at + text.len; at < end; at++) {
        at = memchr(at, '"', (size_t)(end - at));
        if (!at) break;
        odd = !odd;
    }
    return odd;
}

/* Reads the records among the lines held, and keeps what begins with an open quote. */
static void settle(struct csv_table *table)
{
    size_t first = 0, n = table->n_held;
    const struct line *held = table->held;
    while (first < n) {
        size_t end = first;
        bool open = false;
        do
            open ^= held[end++].odd;
        while (open && end < n);
        if (open) break;
        str text = {table->text + held[first].start,
                    held[end - 1].start + held[end - 1].len - held[first].start};
        read_record(table, text, &held[first], &held[end - 1], false);
        first = end;
    }
    size_t base = first < n ? held[first].start : table->text_len;
    table->text_len -= base;
    memmove(table->text, table->text + base, table->text_len);
    table->n_held = n - first;
    for (size_t i = 0; i < table->n_held; i++) {
        table->held[i] = table->held[i + first];
        table->held[i].start -= base;
    }
}

/* The quote of the first line held is never closed: that line is lost. */
static void give_up_first(struct csv_table *table)
{
    const struct line *first = &table->held[0];
    arena_reset(&table->scratch);
    skip(table, first->offset, first->length,
         str_format(&table->scratch, "line %" PRIu64 ": a quoted field without its end",
                    first->number));
    size_t base = table->n_held > 1 ? table->held[1].start : table->text_len;
    table->text_len -= base;
    memmove(table->text, table->text + base, table->text_len);
    table->n_held--;
    for (size_t i = 0; i < table->n_held; i++) {
        table->held[i] = table->held[i + 1];
        table->held[i].start -= base;
    }
    settle(table);
}

static void take_line(void *to, const struct text_line *text)
{
    struct csv_table *table = to;
    struct line line = {
        0, text->text.len, text->offset, text->length, text->number, has_odd_quotes(text->text)};
    if (table->failed) return;
    while (table->n_held && (table->n_held == LIMIT_CSV_RECORD_LINES ||
                             table->text_len + 1 + line.len > sizeof table->text))
        give_up_first(table);
    if (!table->n_held && !line.odd) {
        read_record(table, text->text, &line, &line, text->cut);
        return;
    }
    if (line.len > sizeof table->text) {
        skip(table, line.offset, line.length, S("a quoted field without its end"));
        return;
    }
    if (table->n_held) table->text[table->text_len++] = '\n';
    line.start = table->text_len;
    memcpy(table->text + line.start, text->text.ptr, line.len);
    table->text_len += line.len;
    table->held[table->n_held++] = line;
    if (line.odd) settle(table);
}

static void *csv_map_open(struct arena *arena, const struct reader_options *options,
                          const struct fact_sink *sink)
{
    struct csv_table *table = arena_new(arena, struct csv_table);
    table->sink = *sink;
    table->clock.zone = options->zone;
    table->clock.now_us = options->now_us;
    table->scratch = arena_open("a record of a table", LIMIT_LINE_SCRATCH, NULL);
    table->lines = text_lines_open(arena, sink, take_line, table);
    table->failed = !csv_map_parse(options->map, arena, &table->map, &table->failure);
    return table;
}

static bool csv_map_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct csv_table *table = state;
    *consumed = *want = 0;
    if (table->failure.kind != ERR_NONE) {
        skip(table, window.offset, window.data.len, str_of(table->failure.text));
        return false;
    }
    text_lines_feed(table->lines, window, consumed, want);
    if (window.last && !table->failed)
        while (table->n_held)
            give_up_first(table);
    return !table->failed;
}

static void csv_map_close(void *state)
{
    struct csv_table *table = state;
    arena_close(&table->scratch);
}

/* A table says nothing of itself; see csv_map_fits. */
static bool csv_map_recognise(bytes head)
{
    (void)head;
    return false;
}

const struct reader csv_map_reader = {
    .name = {"csv",                     3 },
    .summary = {"tables with --map (CSV)", 23},
    .overlap = OVERLAP_LINES,
    .recognise = csv_map_recognise,
    .open = csv_map_open,
    .feed = csv_map_feed,
    .close = csv_map_close,
};
