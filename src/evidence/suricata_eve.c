/* SPDX-License-Identifier: Apache-2.0 */
/* Suricata's events, eve.json: one JSON object an event, on a line each, in an array or printed
 * over many lines; AWS Network Firewall puts the same objects into another's "event". What says
 * something of a flow on a service's port is read (docs/evidence-suricata.md): flow and netflow
 * records, the protocol events of SMB, DCERPC and Kerberos, alerts and drops.
 */
#include "base/hash.h"
#include "evidence/glance.h"
#include "evidence/json_records.h"
#include "evidence/reader.h"
#include "evidence/suricata_event.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const char *const paths[] = {
#define X(name, text) text,
    SURICATA_FIELDS(X)
#undef X
};
static const char *const paths_wrapped[] = {
#define X(name, text) "event." text,
    SURICATA_FIELDS(X)
#undef X
        "firewall_name",
};
enum { FIREWALL_NAME = SURICATA_FIELD_COUNT, VALUES };

struct suricata {
    struct fact_sink sink;
    struct arena scratch; /* of one event; of its own, since sinks may add to the reader's arena */
    struct json_records *records;
    struct json_paths *paths, *paths_wrapped;
    struct suricata_talk *talk;
    bool begun;
};

/* Both ports, of the keys that end in "src_port" and "dest_port", wherever they stand. */
static bool find_ports(str object, uint16_t ports[2])
{
    const char *p = object.ptr, *end = object.ptr + object.len;
    bool found[2] = {false, false};
    uint64_t port = 0;
    while (!(found[0] && found[1])) {
        p = memchr(p, '_', (size_t)(end - p));
        if (!p) return false;
        size_t left = (size_t)(end - p), before = (size_t)(p - object.ptr);
        if (left > 7 && before >= 5 && memcmp(p, "_port\"", 6) == 0) {
            size_t which = memcmp(p - 4, "dest", 4) == 0;
            if (!which && memcmp(p - 4, "\"src", 4) != 0) return false;
            if (!str_u64(glance_number((str){p + 6, left - 6}), UINT16_MAX, &port)) return false;
            ports[which] = (uint16_t)port;
            found[which] = true;
        }
        p++;
    }
    return true;
}

/* The value of "timestamp", which comes first in events as Suricata writes them. */
static str find_time(str object)
{
    str key = S("{\"timestamp\":\"");
    if (!str_starts(object, key)) return (str){0};
    str rest = str_head(str_tail(object, key.len), 40), value;
    return str_cut(rest, '"', &value, &rest) ? value : (str){0};
}

/* Most events are of other ports. What is not certain is read whole. */
static bool pass_by(const struct suricata *s, str object)
{
    uint16_t ports[2];
    str time = find_time(object);
    return time.len && find_ports(object, ports) && !glance_mentions_smb(object) &&
           suricata_event_passes(s->talk, ports, time);
}

static bool take_object(void *to, str object, uint64_t offset, struct err *err)
{
    struct suricata *s = to;
    struct arena scratch = s->scratch;
    struct suricata_event event = {.offset = offset};
    str values[VALUES];
    if (s->begun && pass_by(s, object)) return true;
    s->begun = true; /* the first event is read whole: it names the sensor, if any does */
    if (!json_paths_read(s->paths, object, offset, event.fields, &scratch, err)) return false;
    if (!event.fields[SURICATA_EVENT_TYPE].len) {
        if (!json_paths_read(s->paths_wrapped, object, offset, values, &scratch, err)) return false;
        memcpy(event.fields, values, sizeof event.fields);
        if (values[FIREWALL_NAME].len) event.fields[SURICATA_HOST] = values[FIREWALL_NAME];
    }
    event.hash = hash_bytes(str_bytes(object));
    return suricata_event_tell(s->talk, &event, scratch, err);
}

static void *suricata_open(struct arena *arena, const struct reader_options *options,
                           const struct fact_sink *sink)
{
    struct suricata *s = arena_new(arena, struct suricata);
    s->sink = *sink;
    s->scratch = arena_open("an event of Suricata", 0, NULL);
    s->records = json_records_open(arena, &s->sink, take_object, s);
    s->paths = json_paths_of(arena, paths, COUNT_OF(paths), false);
    s->paths_wrapped = json_paths_of(arena, paths_wrapped, COUNT_OF(paths_wrapped), false);
    s->talk = suricata_event_open(arena, &s->sink, options->zone);
    return s;
}

static bool suricata_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct suricata *s = state;
    json_records_feed(s->records, window, consumed, want);
    return true;
}

static void suricata_close(void *state)
{
    struct suricata *s = state;
    suricata_event_close(s->talk);
    arena_close(&s->scratch);
}

/* Events of netflow come in halves, and one waits for the other: no cut with such in sight. */
static size_t suricata_cut(bytes data)
{
    str text = str_of_bytes(data), word = S("\"netflow\"");
    for (const char *at = text.ptr, *end = at + text.len; at < end; at++) {
        at = memchr(at, 'w', (size_t)(end - at)); /* rarer than the others */
        if (!at) break;
        size_t before = (size_t)(at - text.ptr);
        if (before + 2 >= word.len && str_starts(str_tail(text, before + 2 - word.len), word))
            return 0;
    }
    return json_records_last(data);
}

static void suricata_adopt(void *state, const void *lead)
{
    struct suricata *s = state;
    (void)lead;
    s->begun = true;
    json_records_adopt(s->records);
}

static const struct reader_splits suricata_splits = {
    .may = json_records_may_split,
    .cut = suricata_cut,
    .adopt = suricata_adopt,
};

/* An event has a type and a time; one of traffic its ends, the first of a file may be of another
 * kind (stats). */
static bool suricata_recognise(bytes head)
{
    struct arena arena = arena_open("a head", 1 << 20, NULL);
    bool whole;
    str object = json_records_peek(head, &arena, &whole);
    bool ours = str_contains(object, S("\"event_type\"")) &&
                str_contains(object, S("\"timestamp\"")) &&
                (str_contains(object, S("\"src_ip\"")) || str_contains(object, S("\"flow_id\"")) ||
                 str_contains(object, S("\"stats\"")));
    arena_close(&arena);
    return ours;
}

const struct reader suricata_eve_reader = {
    .name = T("suricata-eve"),
    .summary = T("Suricata events (eve.json)"),
    .overlap = OVERLAP_LINES,
    .tells_connections = true, /* a flow's two records (flow, netflow) have the same start */
    .splits = &suricata_splits,
    .recognise = suricata_recognise,
    .open = suricata_open,
    .feed = suricata_feed,
    .close = suricata_close,
};
