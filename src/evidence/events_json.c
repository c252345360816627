/* SPDX-License-Identifier: Apache-2.0 */
/* Windows events as JSON, in the shapes that collectors and scripts write:
 *
 *   - winlogbeat and other shippers of the Elastic Common Schema (nested, flattened, before 7.0)
 *   - NXLog's to_json: the event's values among those of the system, local times
 *   - evtx_dump, Chainsaw, Velociraptor: the event's XML as objects
 *   - Wazuh's alerts and archives
 *   - Get-WinEvent | ConvertTo-Json, Fluent Bit: values by their position
 *   - Log Analytics and Sentinel: SecurityEvent's columns, Event's EventData in XML
 *   - Splunk's exports: the event's XML in _raw, or fields named after the rendered text
 *
 * They differ in where things stand, not in what they are called. So two sets of paths are asked:
 * one for what the system says of every event, and, for an event of use, one for its values below
 * every place where such values are kept. Most events are of no use and end after the first.
 *
 * Times. Where a record says when its event was in UTC, that counts. NXLog writes local time
 * without a zone: --timezone says which; else the record tells itself, when it has another time
 * both in local time and in UTC (when it was received), or was received soon after.
 */
#include "base/instant.h"
#include "evidence/event_order.h"
#include "evidence/events_xml.h"
#include "evidence/json_paths.h"
#include "evidence/json_records.h"
#include "evidence/reader.h"

/* What the system says, and where; of one kind the first that is filled counts. */
#define SYSTEM(X)                                                                                  \
    X(ID, "winlog.event_id")                                                                       \
    X(ID, "Event.System.EventID")                                                                  \
    X(ID, "Event.System.EventID.#text")                                                            \
    X(ID, "Event.System.EventID.Value")                                                            \
    X(ID, "System.EventID")                                                                        \
    X(ID, "System.EventID.Value")                                                                  \
    X(ID, "System.EventID.#text")                                                                  \
    X(ID, "data.win.system.eventID")                                                               \
    X(ID, "win.system.eventID")                                                                    \
    X(ID, "event_id")                                                                              \
    X(ID, "EventID")                                                                               \
    X(ID, "EventCode")                                                                             \
    X(ID, "event.code")                                                                            \
    X(ID, "Id")                                                                                    \
    X(PROVIDER, "winlog.provider_name")                                                            \
    X(PROVIDER, "Event.System.Provider.#attributes.Name")                                          \
    X(PROVIDER, "Event.System.Provider_attributes.Name")                                           \
    X(PROVIDER, "Event.System.Provider.@Name")                                                     \
    X(PROVIDER, "Event.System.Provider.Name")                                                      \
    X(PROVIDER, "System.Provider.Name")                                                            \
    X(PROVIDER, "System.Provider.#attributes.Name")                                                \
    X(PROVIDER, "data.win.system.providerName")                                                    \
    X(PROVIDER, "win.system.providerName")                                                         \
    X(PROVIDER, "event.provider")                                                                  \
    X(PROVIDER, "source_name")                                                                     \
    X(PROVIDER, "SourceName")                                                                      \
    X(PROVIDER, "ProviderName")                                                                    \
    X(PROVIDER, "EventSourceName")                                                                 \
    X(PROVIDER, "Provider")                                                                        \
    X(PROVIDER, "Source")                                                                          \
    X(CHANNEL, "winlog.channel")                                                                   \
    X(CHANNEL, "Event.System.Channel")                                                             \
    X(CHANNEL, "System.Channel")                                                                   \
    X(CHANNEL, "data.win.system.channel")                                                          \
    X(CHANNEL, "win.system.channel")                                                               \
    X(CHANNEL, "log_name")                                                                         \
    X(CHANNEL, "Channel")                                                                          \
    X(CHANNEL, "LogName")                                                                          \
    X(CHANNEL, "EventLog")                                                                         \
    X(COMPUTER, "winlog.computer_name")                                                            \
    X(COMPUTER, "Event.System.Computer")                                                           \
    X(COMPUTER, "System.Computer")                                                                 \
    X(COMPUTER, "data.win.system.computer")                                                        \
    X(COMPUTER, "win.system.computer")                                                             \
    X(COMPUTER, "computer_name")                                                                   \
    X(COMPUTER, "Computer")                                                                        \
    X(COMPUTER, "ComputerName")                                                                    \
    X(COMPUTER, "MachineName")                                                                     \
    X(COMPUTER, "Hostname")                                                                        \
    X(RECORD, "winlog.record_id")                                                                  \
    X(RECORD, "Event.System.EventRecordID")                                                        \
    X(RECORD, "System.EventRecordID")                                                              \
    X(RECORD, "data.win.system.eventRecordID")                                                     \
    X(RECORD, "win.system.eventRecordID")                                                          \
    X(RECORD, "record_number")                                                                     \
    X(RECORD, "RecordNumber")                                                                      \
    X(RECORD, "EventRecordID")                                                                     \
    X(RECORD, "RecordId")                                                                          \
    X(TIME, "Event.System.TimeCreated.#attributes.SystemTime")                                     \
    X(TIME, "Event.System.TimeCreated_attributes.SystemTime")                                      \
    X(TIME, "Event.System.TimeCreated.@SystemTime")                                                \
    X(TIME, "Event.System.TimeCreated.SystemTime")                                                 \
    X(TIME, "System.TimeCreated.SystemTime")                                                       \
    X(TIME, "System.TimeCreated.#attributes.SystemTime")                                           \
    X(TIME, "data.win.system.systemTime")                                                          \
    X(TIME, "win.system.systemTime")                                                               \
    X(TIME, "winlog.time_created")                                                                 \
    X(TIME, "TimeCreated")                                                                         \
    X(TIME, "TimeCreated.value")                                                                   \
    X(TIME, "SystemTime")                                                                          \
    X(TIME, "EventTime")                                                                           \
    X(TIME, "TimeGenerated")                                                                       \
    X(TIME, "_time")                                                                               \
    X(RECEIVED_LOCAL, "EventReceivedTime")                                                         \
    X(STAMP, "@timestamp")                                                                         \
    X(KEYWORDS, "Event.System.Keywords")                                                           \
    X(KEYWORDS, "System.Keywords")                                                                 \
    X(KEYWORDS, "data.win.system.keywords")                                                        \
    X(KEYWORDS, "win.system.keywords")                                                             \
    X(KEYWORDS, "Keywords")                                                                        \
    X(RESULT, "event.outcome")                                                                     \
    X(RESULT, "winlog.outcome")                                                                    \
    X(RESULT, "EventType")                                                                         \
    X(RESULT, "data.win.system.severityValue")                                                     \
    X(RESULT, "KeywordsDisplayNames")                                                              \
    X(RESULT, "winlog.keywords.0")                                                                 \
    X(RESULT, "keywords.0")                                                                        \
    X(RESULT, "KeywordsDisplayNames.0")                                                            \
    X(DATA_XML, "EventData")                                                                       \
    X(RAW_XML, "_raw")                                                                             \
    X(RAW_XML, "result._raw")                                                                      \
    X(RAW_XML, "event.original")                                                                   \
    X(RAW_XML, "Xml")                                                                              \
    X(UTC_TIME, "UtcTime")

enum field {
    FIELD_ID,
    FIELD_PROVIDER,
    FIELD_CHANNEL,
    FIELD_COMPUTER,
    FIELD_RECORD,
    FIELD_TIME,
    FIELD_RECEIVED_LOCAL,
    FIELD_STAMP,
    FIELD_KEYWORDS,
    FIELD_RESULT,
    FIELD_DATA_XML,
    FIELD_RAW_XML,
    FIELD_UTC_TIME,
    FIELD_COUNT
};

static const char *const system_paths[] = {
#define X(field, path) path,
    SYSTEM(X)
#undef X
};
static const uint8_t system_fields[] = {
#define X(field, path) FIELD_##field,
    SYSTEM(X)
#undef X
};

enum { SYSTEM_PATHS = COUNT_OF(system_paths), VALUE_PATHS = 128 };

/* Where values are kept, by where the event's number was found: the first of these that begins its
 * path. The most particular place first. */
enum { PLACES = 5 };
static const struct {
    const char *system, *places[PLACES];
} keepers[] = {
    {"winlog.",   {"winlog.event_data.", "winlog.user_data."}                                  },
    {"Event.",    {"Event.EventData.", "Event.UserData.EventXML.", "Event.UserData.EventData."}},
    {"System.",   {"EventData.", "UserData.EventXML.", "UserData.EventData."}                  },
    {"data.win.", {"data.win.eventdata."}                                                      },
    {"win.",      {"win.eventdata."}                                                           },
    {"",          {"event_data.", "user_data.", "EventData.", "winlog.event_data.", ""}        },
};

/* Shippers that write these stamp an event with its own time. */
static const char *const shipper_paths[] = {"winlog.event_id", "winlog.record_id", "record_number"};
enum { SHIPPERS = COUNT_OF(shipper_paths) };

/* The paths of one list of values with one keeper; kinds of events share lists. */
struct value_paths {
    const char *const *names;
    size_t keeper, n_places;
    const struct json_paths *paths;
};

struct reading {
    struct fact_sink sink;
    const struct zone *zone;
    struct arena *arena;
    struct arena scratch; /* of one record */
    struct json_records *records;
    struct event_talk *talk;
    struct events_xml *xml;
    const struct json_paths *system;
    size_t shippers[SHIPPERS];
    uint8_t keepers[SYSTEM_PATHS]; /* of each path of a number */
    struct value_paths values[VALUE_PATHS];
    size_t n_values;
};

/* Times */

/* A time of day with a date, and what it says of its zone. */
struct moment {
    bool known, zoned; /* zoned: us is UTC; else us is that time taken as UTC */
    int64_t us;
    struct civil local;
};

static bool digits(str *text, size_t n, uint32_t *out)
{
    uint64_t value = 0;
    if (text->len < n || !str_u64(str_head(*text, n), UINT32_MAX, &value)) return false;
    *text = str_tail(*text, n);
    *out = (uint32_t)value;
    return true;
}

static bool passes(str *text, char c)
{
    if (!text->len || text->ptr[0] != c) return false;
    *text = str_tail(*text, 1);
    return true;
}

/* "Z", "+0200", "-04:00", perhaps behind a blank; empty = none. */
static bool offset_of(str text, bool *zoned, int64_t *offset_us)
{
    uint32_t hours = 0, minutes = 0;
    text = str_trim(text);
    *zoned = text.len > 0;
    *offset_us = 0;
    if (!text.len) return true;
    if (str_equal_nocase(text, S("Z")) || str_equal_nocase(text, S("UTC"))) return true;
    bool west = text.ptr[0] == '-';
    if (!west && text.ptr[0] != '+') return false;
    text = str_tail(text, 1);
    if (!digits(&text, 2, &hours)) return false;
    (void)passes(&text, ':');
    if (text.len && !digits(&text, 2, &minutes)) return false;
    if (text.len || hours > 14 || minutes > 59) return false;
    int64_t offset = (int64_t)(hours * 3600 + minutes * 60) * INSTANT_SECOND;
    *offset_us = west ? -offset : offset;
    return true;
}

/* "2020-09-22T14:53:30.858" with blank or T, fraction, zone. */
static bool iso_of(str text, struct moment *out)
{
    struct civil c = {0};
    uint32_t hour = 0, minute = 0, second = 0;
    bool zoned = false;
    int64_t offset_us = 0;
    if (text.len < 19 || !instant_parse_date(str_head(text, 10), &c)) return false;
    text = str_tail(text, 10);
    if (!passes(&text, 'T') && !passes(&text, ' ')) return false;
    if (!digits(&text, 2, &hour) || !passes(&text, ':') || !digits(&text, 2, &minute) ||
        !passes(&text, ':') || !digits(&text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    c.hour = (uint8_t)hour;
    c.minute = (uint8_t)minute;
    c.second = (uint8_t)second;
    if (passes(&text, '.') || passes(&text, ',')) {
        uint32_t unit = 100000, digit = 0;
        for (; text.len && text.ptr[0] >= '0' && text.ptr[0] <= '9'; unit /= 10) {
            (void)digits(&text, 1, &digit);
            c.microsecond += digit * unit;
        }
    }
    if (!offset_of(text, &zoned, &offset_us)) return false;
    *out = (struct moment){true, zoned, instant_from_civil(c) - offset_us, c};
    return true;
}

/* Seconds since 1970 with a fraction, or milli- or microseconds. */
static bool epoch_of(str text, struct moment *out)
{
    int64_t us = 0;
    unsigned decimals = 6;
    size_t whole = 0;
    while (whole < text.len && text.ptr[whole] >= '0' && text.ptr[whole] <= '9')
        whole++;
    if (whole == 13) decimals = 3;
    if (whole == 16) decimals = 0;
    if (whole != 9 && whole != 10 && whole != 13 && whole != 16) return false;
    if (!json_scan_scaled(text, decimals, &us)) return false;
    *out = (struct moment){.known = true, .zoned = true, .us = us};
    return true;
}

static struct moment moment_of(str text)
{
    struct moment moment = {0};
    str date = S("/Date("), number, rest;
    text = str_trim(text);
    if (str_starts(text, date)) { /* as .NET writes JSON: milliseconds, an offset for show */
        int64_t ms = 0;
        (void)str_cut(str_tail(text, date.len), ')', &number, &rest);
        (void)str_cut(number, '+', &number, &rest);
        if (json_scan_i64(number, &ms) && ms > INT64_MIN / 1000 && ms < INT64_MAX / 1000)
            moment = (struct moment){.known = true, .zoned = true, .us = ms * 1000};
        return moment;
    }
    if (!iso_of(text, &moment) && !epoch_of(text, &moment)) return (struct moment){0};
    return moment;
}

/* How far `utc` is from the same instant in local time: a multiple of a quarter of an hour. False
 * when they are further from one than `slack_us`. */
static bool zone_between(int64_t local_us, int64_t utc_us, int64_t slack_us, int64_t *out)
{
    const int64_t quarter = 900 * INSTANT_SECOND, most = 14 * 3600 * INSTANT_SECOND;
    int64_t apart = 0;
    if (!num_sub(utc_us, local_us, &apart) || apart > most + slack_us || apart < -most)
        return false;
    int64_t rest = apart % quarter;
    if (rest < 0) rest += quarter;
    int64_t back = quarter - rest; /* rounded to a second, the local time may lie behind */
    if (back <= INSTANT_SECOND)
        apart += back;
    else if (rest <= slack_us)
        apart -= rest;
    else
        return false;
    *out = apart;
    return true;
}

static bool time_of(const struct reading *r, const str *fields, bool stamp_is_own, int64_t *out_us,
                    bool *assumed)
{
    /* From writing an event to receiving it: half of what would look like another zone. */
    const int64_t soon_us = 450 * INSTANT_SECOND, at_once_us = 60 * INSTANT_SECOND;
    struct moment own = moment_of(fields[FIELD_TIME]), stamp = moment_of(fields[FIELD_STAMP]);
    struct moment received = moment_of(fields[FIELD_RECEIVED_LOCAL]);
    struct moment utc = moment_of(fields[FIELD_UTC_TIME]); /* Sysmon's own, without saying so */
    utc.zoned = true;
    int64_t offset = 0;
    *assumed = false;
    if (!own.known || (stamp_is_own && stamp.known)) own = stamp.known ? stamp : utc;
    if (!own.known) return false;
    *out_us = own.us;
    if (own.zoned) return true;
    if (r->zone) {
        *out_us = zone_to_utc(r->zone, own.local);
        return true;
    }
    bool same = received.known && !received.zoned && stamp.known && stamp.zoned &&
                zone_between(received.us, stamp.us, at_once_us, &offset);
    bool found =
        same || (stamp.known && stamp.zoned && zone_between(own.us, stamp.us, soon_us, &offset));
    if (found)
        *out_us += offset;
    else
        *assumed = true;
    return true;
}

/* Arrays of values */

struct array_reader {
    struct json_scan scan;
    struct event *event;
    struct arena *scratch;
    str values[EVENT_VALUES]; /* without a name */
    size_t n;
};

static const char hex_digits[] = "0123456789ABCDEF";

/* An array of bytes as numbers, to hexadecimal; empty when it is something else. */
static bool bytes_of(struct array_reader *a, str *out, struct err *err)
{
    enum { MOST = 64 };
    char *hex = arena_array(a->scratch, char, 2 * MOST + 1);
    size_t n = 0;
    bool good = true;
    struct json_scan_item item;
    for (;;) {
        int64_t byte = 0;
        if (!json_scan_next(&a->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) break;
        if (item.kind != JSON_SCAN_NUMBER || !json_scan_i64(item.text, &byte) || byte < 0 ||
            byte > UINT8_MAX || n == MOST) {
            good = false;
            if (!json_scan_skip(&a->scan, item, err)) return false;
            continue;
        }
        hex[2 * n] = hex_digits[byte >> 4];
        hex[2 * n + 1] = hex_digits[byte & 15];
        n++;
    }
    *out = good ? (str){hex, 2 * n} : (str){0};
    return true;
}

static bool is_scalar(enum json_scan_kind kind)
{
    return kind == JSON_SCAN_STRING || kind == JSON_SCAN_NUMBER || kind == JSON_SCAN_TRUE ||
           kind == JSON_SCAN_FALSE;
}

static str scalar_text(struct json_scan_item item)
{
    if (item.kind == JSON_SCAN_TRUE) return S("true");
    if (item.kind == JSON_SCAN_FALSE) return S("false");
    return item.text;
}

static bool is_one_of(str key, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal_nocase(key, str_of(names[i]))) return true;
    return false;
}

/* {"Value":"..."}, {"@Name":"IpAddress","#text":"..."}, {"#attributes":{"Name":...},...}; a value
 * may be an object again (a SID) or bytes. */
static bool read_element(struct array_reader *a, str *name, str *value, struct err *err)
{
    static const char *const names[] = {"Name", "@Name"};
    static const char *const values[] = {"Value", "#text", "text", "content"};
    struct json_scan_item item;
    str key = {0};
    for (unsigned depth = 1; depth;) {
        if (!json_scan_next(&a->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_KEY) key = item.text;
        if (item.kind == JSON_SCAN_OBJECT) depth++;
        if (item.kind == JSON_SCAN_OBJECT_END) depth--;
        bool is_value = is_one_of(key, values, COUNT_OF(values));
        if (item.kind == JSON_SCAN_ARRAY) {
            str hex = {0};
            if (!bytes_of(a, &hex, err)) return false;
            if (is_value && !value->len) *value = hex;
        }
        if (!is_scalar(item.kind)) continue;
        if (is_value && !value->len) *value = str_copy(a->scratch, scalar_text(item));
        if (is_one_of(key, names, COUNT_OF(names)) && !name->len)
            *name = str_copy(a->scratch, item.text);
    }
    return true;
}

static bool read_array(struct array_reader *a, struct err *err)
{
    struct json_scan_item item;
    for (;;) {
        str name = {0}, value = {0};
        if (!json_scan_next(&a->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind == JSON_SCAN_OBJECT) {
            if (!read_element(a, &name, &value, err)) return false;
        } else if (item.kind == JSON_SCAN_ARRAY) {
            if (!bytes_of(a, &value, err)) return false;
        } else if (is_scalar(item.kind)) {
            value = str_copy(a->scratch, scalar_text(item));
        }
        size_t at = name.len ? event_value_of(a->event->kind, name) : EVENT_VALUES;
        if (at < EVENT_VALUES && !a->event->values[at].len) a->event->values[at] = value;
        if (name.len) continue;
        if (a->n < EVENT_VALUES) a->values[a->n] = value;
        a->n++;
    }
}

/* Values that stand in an array, wherever it is. */
static bool read_arrays(str object, uint64_t offset, struct arena *scratch, struct event *event,
                        struct err *err)
{
    static const char *const arrays[] = {"Properties", "Data", "StringInserts", "InsertionStrings"};
    struct array_reader a = {
        .scan = json_scan_of(object, offset, scratch), .event = event, .scratch = scratch};
    struct json_scan_item item;
    a.scan.replace_invalid = true;
    bool wanted = false;
    do {
        if (!json_scan_next(&a.scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_KEY) {
            wanted = is_one_of(item.text, arrays, COUNT_OF(arrays));
        } else if (item.kind == JSON_SCAN_ARRAY && wanted && !a.n) {
            if (!read_array(&a, err)) return false;
        } else if (item.kind == JSON_SCAN_ARRAY) {
            if (!json_scan_skip(&a.scan, item, err)) return false;
        }
    } while (item.kind != JSON_SCAN_END);
    for (size_t i = 0; i < a.n && i < EVENT_VALUES; i++) {
        size_t at = event_order_value(event->kind, i, a.n);
        if (at < EVENT_VALUES && !event->values[at].len) event->values[at] = a.values[i];
    }
    return true;
}

/* Records */

/* Paths of a list of names below each place of a keeper, made when the first such event comes. */
static const struct value_paths *value_paths_of(struct reading *r, const struct event_kind *kind,
                                                size_t keeper)
{
    for (size_t i = 0; i < r->n_values; i++)
        if (r->values[i].names == kind->names && r->values[i].keeper == keeper)
            return &r->values[i];
    assert(r->n_values < VALUE_PATHS && "lists of values times keepers");
    struct value_paths made = {.names = kind->names, .keeper = keeper};
    const char **paths = arena_array(r->arena, const char *, PLACES * kind->n_names);
    for (; made.n_places < PLACES && keepers[keeper].places[made.n_places]; made.n_places++)
        for (size_t i = 0; i < kind->n_names; i++)
            paths[made.n_places * kind->n_names + i] =
                str_c(r->arena, str_format(r->arena, "%s%s", keepers[keeper].places[made.n_places],
                                           kind->names[i]));
    made.paths = json_paths_of(r->arena, paths, made.n_places * kind->n_names, true);
    r->values[r->n_values] = made;
    return &r->values[r->n_values++];
}

static bool read_values(struct reading *r, str object, uint64_t offset, const str *fields,
                        size_t keeper, struct event *event, struct err *err)
{
    const struct event_kind *kind = event->kind;
    str found[PLACES * EVENT_VALUES];
    bool any = false;
    if (!kind->n_names) return true;
    const struct value_paths *paths = value_paths_of(r, kind, keeper);
    if (!json_paths_read(paths->paths, object, offset, found, &r->scratch, err)) return false;
    for (size_t i = 0; i < kind->n_names; i++) {
        for (size_t p = 0; p < paths->n_places && !event->values[i].len; p++)
            event->values[i] = str_trim(found[p * kind->n_names + i]);
        any |= event->values[i].len > 0;
    }
    if (any) return true;
    if (str_starts(str_trim(fields[FIELD_DATA_XML]), S("<"))) {
        events_xml_values(r->xml, fields[FIELD_DATA_XML], &r->scratch, event);
        return true;
    }
    return read_arrays(object, offset, &r->scratch, event, err);
}

static enum known succeeded_of(const str *fields)
{
    enum known known = events_xml_succeeded(fields[FIELD_KEYWORDS]);
    return known == KNOWN_NOT ? events_xml_succeeded(fields[FIELD_RESULT]) : known;
}

/* Its name for people ("Microsoft Windows security auditing.") is none: the channel then says. */
static str provider_of(const str *fields)
{
    str provider = fields[FIELD_PROVIDER];
    bool is_displayed = str_starts(provider, S("Microsoft Windows ")) && fields[FIELD_CHANNEL].len;
    return is_displayed ? (str){0} : provider;
}

static void tell(struct reading *r, const struct event *event)
{
    r->sink.origin(r->sink.to, event->computer);
    r->sink.record(r->sink.to, event->at_us);
    if (event->kind) event_tell(r->talk, event);
}

static bool take_xml(struct reading *r, str text, uint64_t offset, struct err *err)
{
    struct event event;
    if (!events_xml_event(r->xml, text, offset, &r->scratch, &event, err)) return false;
    if (!event.at_us) return err_at(err, ERR_MALFORMED, offset, "expected an event with its time");
    tell(r, &event);
    return true;
}

static bool take_object(struct reading *r, str object, uint64_t offset, struct err *err)
{
    str found[SYSTEM_PATHS], fields[FIELD_COUNT] = {0};
    uint64_t id = 0, record = 0;
    bool assumed = false, own_stamp = false;
    if (!json_paths_read(r->system, object, offset, found, &r->scratch, err)) return false;
    size_t id_path = SYSTEM_PATHS;
    for (size_t i = 0; i < SYSTEM_PATHS; i++) {
        str *field = &fields[system_fields[i]];
        if (!found[i].len || field->len) continue;
        *field = str_trim(found[i]);
        if (system_fields[i] == FIELD_ID) id_path = i;
    }
    if (!str_u64(fields[FIELD_ID], UINT32_MAX, &id)) {
        if (str_starts(fields[FIELD_RAW_XML], S("<Event")))
            return take_xml(r, fields[FIELD_RAW_XML], offset, err);
        return err_at(err, ERR_MALFORMED, offset, "expected a Windows event with its number");
    }
    for (size_t i = 0; i < SHIPPERS; i++)
        own_stamp |= found[r->shippers[i]].len > 0;
    struct event event = {
        .channel = fields[FIELD_CHANNEL], .computer = fields[FIELD_COMPUTER], .offset = offset};
    if (!time_of(r, fields, own_stamp, &event.at_us, &assumed) || !event.at_us)
        return err_at(err, ERR_MALFORMED, offset, "expected an event with its time");
    if (str_u64(fields[FIELD_RECORD], UINT64_MAX, &record) && record)
        event.record = event.offset = record;
    if (assumed) event.assumed = 1u << ASSUMED_TIMEZONE;
    if (event_matters((uint32_t)id))
        event.kind = event_find(provider_of(fields), event.channel, (uint32_t)id);
    if (event.kind) {
        event.succeeded = succeeded_of(fields);
        if (!read_values(r, object, offset, fields, r->keepers[id_path], &event, err)) return false;
    }
    tell(r, &event);
    return true;
}

/* The object inside one that only holds it, as searches answer: {"_index":...,"_source":{...}},
 * {"preview":false,"result":{...}}. Empty when it is none. */
static str inner_of(str object, uint64_t offset, struct arena scratch, uint64_t *inner_offset)
{
    static const char *const holders[] = {"_source", "result"};
    struct json_scan scan = json_scan_of(object, offset, &scratch);
    struct json_scan_item item;
    struct err err;
    scan.replace_invalid = true;
    if (!json_scan_next(&scan, &item, &err) || item.kind != JSON_SCAN_OBJECT) return (str){0};
    while (json_scan_next(&scan, &item, &err) && item.kind == JSON_SCAN_KEY) {
        bool is_holder = is_one_of(item.text, holders, COUNT_OF(holders));
        if (!json_scan_next(&scan, &item, &err)) break;
        size_t begin = scan.at - 1;
        if (!json_scan_skip(&scan, item, &err)) break;
        if (!is_holder || item.kind != JSON_SCAN_OBJECT) continue;
        *inner_offset = offset + begin;
        return str_head(str_tail(object, begin), scan.at - begin);
    }
    return (str){0};
}

static bool take(void *to, str object, uint64_t offset, struct err *err)
{
    struct reading *r = to;
    arena_reset(&r->scratch);
    if (take_object(r, object, offset, err)) return true;
    struct err ignored;
    uint64_t inner_offset = 0;
    str inner = inner_of(object, offset, r->scratch, &inner_offset);
    return inner.len && take_object(r, inner, inner_offset, &ignored);
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void *events_json_open(struct arena *arena, const struct reader_options *options,
                              const struct fact_sink *sink)
{
    struct reading *r = arena_new(arena, struct reading);
    r->sink = *sink;
    r->zone = options->zone;
    r->arena = arena;
    r->talk = event_open(arena, sink);
    r->xml = events_xml_open(arena);
    r->system = json_paths_of(arena, system_paths, SYSTEM_PATHS, true);
    r->records = json_records_open(arena, sink, take, r);
    r->scratch = arena_open("one event", LIMIT_EVENT_JSON_SCRATCH, NULL);
    for (size_t i = 0; i < SYSTEM_PATHS; i++) {
        str path = str_of(system_paths[i]);
        for (size_t s = 0; s < SHIPPERS; s++)
            if (str_equal(path, str_of(shipper_paths[s]))) r->shippers[s] = i;
        while (!str_starts(path, str_of(keepers[r->keepers[i]].system)))
            r->keepers[i]++;
    }
    return r;
}

static bool events_json_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct reading *r = state;
    json_records_feed(r->records, window, consumed, want);
    return true;
}

static void events_json_close(void *state)
{
    struct reading *r = state;
    events_xml_close(r->xml);
    arena_close(&r->scratch);
}

static bool has(str text, str what)
{
    for (size_t at = 0; at < text.len; at++) {
        const char *found = memchr(text.ptr + at, what.ptr[0], text.len - at);
        if (!found) return false;
        at = (size_t)(found - text.ptr);
        if (str_starts(str_tail(text, at), what)) return true;
    }
    return false;
}

/* By keys that together only records of Windows events have. */
static bool events_json_recognise(bytes head)
{
    static const str keys[] = {
        T("\"winlog\""),
        T("\"winlog.event_id\""),
        T("\"winlog.channel\""),
        T("\"winlog.provider_name\""),
        T("\"EventID\""),
        T("\"event_id\""),
        T("\"EventRecordID\""),
        T("\"RecordNumber\""),
        T("\"record_number\""),
        T("\"ProviderGuid\""),
        T("\"provider_guid\""),
        T("\"ProviderName\""),
        T("\"ProviderId\""),
        T("\"providerName\""),
        T("\"provider_name\""),
        T("\"KeywordsDisplayNames\""),
        T("\"LogName\""),
        T("\"log_name\""),
        T("\"SourceModuleType\""),
        T("\"EventSourceName\""),
        T("\"EventCode\""),
        T("\"eventID\""),
        T("\"eventRecordID\""),
        T("\"Channel\""),
        T("\"event_data\""),
        T("\"EventData\""),
        T("\"EventReceivedTime\""),
        T("\"computer_name\""),
        T("\"MachineName\""),
        T("<Event xmlns="),
        T("\"_raw\""),
        T("\"RecordId\""),
        T("\"SourceName\""),
        T("\"UtcTime\""),
    };
    struct arena arena = arena_open("recognising", LIMIT_EVENT_JSON_SCRATCH, NULL);
    bool whole = false;
    size_t found = 0;
    str object = json_records_peek(head, &arena, &whole);
    for (size_t i = 0; object.len && i < COUNT_OF(keys); i++)
        found += has(object, keys[i]);
    arena_close(&arena);
    return found >= 2;
}

const struct reader events_json_reader = {
    .name = T("events-json"),
    .summary = T("Windows events as JSON (winlogbeat, NXLog, Get-WinEvent, Wazuh, Sentinel)"),
    .overlap = OVERLAP_LINES,
    .family = T("events"),
    .recognise = events_json_recognise,
    .open = events_json_open,
    .feed = events_json_feed,
    .close = events_json_close,
};
