/* SPDX-License-Identifier: Apache-2.0 */
/* The reader alone: event.c is replaced here by a listener that finds every event of use, so that
 * what is tested is which events are read, and with which values. */
#include "base/hash.h"
#include "base/input.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/test.h"
#include "evidence/event.h"
#include "evidence/event_order.h"
#include "evidence/evtx_write.h"
#include "evidence/reader.h"

extern const struct reader evtx_reader;

enum { USELESS = 9999, KINDS = 65536 };
#define STRANGER "Contoso-Stranger" /* a provider of whom nothing is known */

static const char *const names[] = {
    "SubjectDomainName",
    "SubjectUserName",
    "TargetDomainName",
    "TargetUserName",
    "IpAddress",
    "IpPort",
    "ShareName",
    "ShareLocalPath",
    "RelativeTargetName",
    "AccessMask",
    "SourceAddress",
    "SourcePort",
    "DestAddress",
    "DestPort",
    "Protocol",
    "Direction",
    "Application",
    "LogonType",
    "WorkstationName",
    "AuthenticationPackageName",
    "LmPackageName",
    "Status",
    "SubStatus",
    "SourceIp",
    "DestinationIp",
    "DestinationPort",
    "User",
    "Initiated",
    "SourceHostname",
    "DestinationHostname",
    "Image",
    "1", /* the second of three <Data> without a name */
};
static_assert(COUNT_OF(names) <= EVENT_VALUES, "values of one event");

/* Of the firewall's own channel, and of SMB's. */
static const char *const change_names[] = {
    "RuleId",
    "RuleName",
    "Origin",
    "ApplicationPath",
    "ServiceName",
    "Direction",
    "Protocol",
    "LocalPorts",
    "RemotePorts",
    "Action",
    "Profiles",
    "Flags",
    "LocalAddresses",
    "RemoteAddresses",
    "EmbeddedContext",
    "Active",
    "EdgeTraversal",
    "ModifyingUser",
    "ModifyingApplication",
    "SchemaVersion",
    "RuleStatus",
    "SettingType",
    "SettingValue",
    "ClientName",
    "ClientAddress",
    "ServerName",
    "ShareName",
    "UserName",
    "Status",
    "SessionId",
    "ConnectionType",
    "ErrorCode",
};
static_assert(COUNT_OF(change_names) <= EVENT_VALUES, "values of one event");

/* One per event id; filled once. */
static struct event_kind kinds[KINDS], change_kinds[KINDS];

struct heard_event {
    str channel, computer;
    const struct event_kind *kind;
    uint32_t id;
    uint64_t record;
    int64_t at_us;
    str values[EVENT_VALUES];
};

struct heard {
    struct arena *arena;
    struct buf text;
    bool keeps; /* events one by one, instead of text */
    size_t records, told, skips;
    uint64_t size; /* of the source */
    uint64_t digest;
    str origin;
    struct heard_event *events;
    size_t n_events, room;
};

struct event_talk {
    struct heard *heard;
};

bool event_matters(uint32_t id)
{
    return id != USELESS && id < KINDS;
}

static bool has_change_names(str channel)
{
    return str_contains(channel, S("Firewall")) || str_contains(channel, S("SMBServer")) ||
           str_contains(channel, S("SmbClient")) || str_contains(channel, S("SMBClient"));
}

const struct event_kind *event_find(str provider, str channel, uint32_t id)
{
    if (str_equal(provider, S(STRANGER))) return NULL;
    return has_change_names(channel) ? &change_kinds[id] : &kinds[id];
}

size_t event_value_of(const struct event_kind *kind, str name)
{
    for (size_t i = 0; i < kind->n_names; i++)
        if (str_equal_nocase(str_of(kind->names[i]), name)) return i;
    return EVENT_VALUES;
}

size_t event_order_value(const struct event_kind *kind, size_t position, size_t n)
{
    return n == 3 && position == 1 ? event_value_of(kind, S("1")) : EVENT_VALUES;
}

struct event_talk *event_open(struct arena *arena, const struct fact_sink *sink)
{
    struct event_talk *talk = arena_new(arena, struct event_talk);
    talk->heard = sink->to;
    return talk;
}

static void keep_event(struct heard *heard, const struct event *event)
{
    struct heard_event kept = {
        .channel = str_copy(heard->arena, event->channel),
        .computer = str_copy(heard->arena, event->computer),
        .kind = event->kind,
        .id = event->kind->id,
        .record = event->record,
        .at_us = event->at_us,
    };
    for (size_t i = 0; i < event->kind->n_names; i++)
        kept.values[i] = str_copy(heard->arena, event->values[i]);
    arena_grow(heard->arena, heard->events, heard->n_events, heard->room);
    heard->events[heard->n_events++] = kept;
}

void event_tell(struct event_talk *talk, const struct event *event)
{
    static const char *const results[] = {"?", "failed", "ok"};
    struct heard *heard = talk->heard;
    char at[INSTANT_TEXT];
    heard->told++;
    assert_int_equal(event->offset, event->record);
    assert_int_equal(event->assumed, 0);
    if (heard->keeps) {
        keep_event(heard, event);
        return;
    }
    buf_format(&heard->text, "%u %.*s on %.*s #%" PRIu64 " %.*s %s", (unsigned)event->kind->id,
               STR_ARG(event->channel), STR_ARG(event->computer), event->record,
               STR_ARG(instant_text(at, event->at_us)), results[event->succeeded]);
    for (size_t i = 0; i < event->kind->n_names; i++) {
        if (!event->values[i].len) continue;
        buf_format(&heard->text, " %s=", event->kind->names[i]);
        buf_str(&heard->text, event->values[i]);
    }
    buf_char(&heard->text, '\n');
}

static void hear_record(void *to, int64_t at_us)
{
    struct heard *heard = to;
    heard->records++;
    heard->digest = hash_join(heard->digest, (uint64_t)at_us);
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    heard->skips++;
    assert_true(fact->offset <= heard->size && fact->length <= heard->size - fact->offset);
    if (heard->keeps) return;
    buf_format(&heard->text, "skip @%" PRIu64 "+%" PRIu64 " %.*s\n", fact->offset, fact->length,
               STR_ARG(fact->reason));
}

static void hear_origin(void *to, str host)
{
    struct heard *heard = to;
    heard->origin = str_copy(heard->arena, host);
}

static struct heard listen(struct arena *arena, uint64_t size)
{
    return (struct heard){.arena = arena, .text = buf_in(arena), .size = size};
}

static struct fact_sink sink_of(struct heard *heard)
{
    struct fact_sink sink = fact_sink_none();
    sink.to = heard;
    sink.record = hear_record;
    sink.skip = hear_skip;
    sink.origin = hear_origin;
    return sink;
}

/* Reads the whole in windows of `piece` bytes more each time, each in memory of its own. */
static struct heard read_in_pieces(struct arena *arena, bytes data, size_t piece)
{
    struct heard heard = listen(arena, data.len);
    struct fact_sink sink = sink_of(&heard);
    void *state = evtx_reader.open(arena, &(struct reader_options){0}, &sink);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        uint8_t *copy = malloc(end - start + 1);
        assert_non_null(copy);
        if (end > start) memcpy(copy, data.ptr + start, end - start);
        size_t consumed = 0, want = 0;
        struct window window = {
            {copy, end - start},
            start, last
        };
        assert_true(evtx_reader.feed(state, window, &consumed, &want));
        assert_true(consumed <= end - start && (!last || consumed == end - start));
        start += consumed;
        free(copy);
    }
    evtx_reader.close(state);
    return heard;
}

/* Events of the rows. */

#define SECURITY                                                                                   \
    .provider = "Microsoft-Windows-Security-Auditing", .channel = "Security",                      \
    .computer = "FS01.contoso.com"
#define AUDIT_SUCCESS UINT64_C(0x8020000000000000)
#define AUDIT_FAILURE UINT64_C(0x8010000000000000)
#define BYTES(...)                                                                                 \
    {                                                                                              \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                     \
    }

static const struct write_event share_access = {
    SECURITY,
    .id = 5140,
    .keywords = AUDIT_SUCCESS,
    .values =
        {
                 {.name = "SubjectUserName", .text = "alice"},
                 {.name = "SubjectDomainName", .text = "CONTOSO"},
                 {.name = "IpAddress", .text = "10.10.4.7"},
                 {.name = "IpPort", .text = "49159"},
                 {.name = "ShareName", .text = "\\\\*\\projects"},
                 {.name = "AccessMask", .type = EVTX_HEX_INT32, .data = BYTES(1, 0, 0, 0)},
                 },
};

static const struct write_event useless = {
    SECURITY,
    .id = USELESS,
    .keywords = AUDIT_SUCCESS,
    .values = {{.name = "IpAddress", .text = "10.9.9.9"}},
};

#define SHARE_ACCESS(record, time)                                                                 \
    "5140 Security on FS01.contoso.com #" record " 2024-12-30T02:40:" time                         \
    ".000000Z ok SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 "             \
    "IpPort=49159 ShareName=\\\\*\\projects AccessMask=0x1\n"

static void two_events(struct event_writer *w)
{
    write_event(w, &share_access);
    write_event(w, &useless);
    write_event(w, &share_access);
}

static void event_of_strangers(struct event_writer *w)
{
    struct write_event event = share_access;
    event.provider = STRANGER;
    write_event(w, &event);
    write_event(w, &share_access);
}

static void failure(struct event_writer *w)
{
    struct write_event event = share_access;
    event.keywords = AUDIT_FAILURE;
    write_event(w, &event);
    event.keywords = 0;
    write_event(w, &event);
}

static void two_chunks(struct event_writer *w)
{
    write_event(w, &share_access);
    write_chunk_end(w);
    write_chunk(w);
    write_event(w, &share_access);
}

static void two_files(struct event_writer *w)
{
    write_event(w, &share_access);
    write_chunk_end(w);
    write_file_header(w);
    write_chunk(w);
    write_event(w, &share_access);
}

static void flat_event(struct event_writer *w)
{
    struct write_event event = share_access;
    event.flat = true;
    write_event(w, &event);
    write_event(w, &event);
}

static void bare_fragment(struct event_writer *w)
{
    struct write_event event = share_access;
    event.bare = true;
    write_event(w, &event);
}

static void no_template(struct event_writer *w)
{
    struct write_event event = share_access;
    event.without_template = true;
    write_event(w, &event);
}

static void user_data(struct event_writer *w)
{
    struct write_event event = {
        .provider = "Microsoft-Windows-SMBServer",
        .channel = "Microsoft-Windows-SMBServer/Security",
        .computer = "FS01",
        .id = 551,
        .user_data = "EventData",
        .values =
            {
                     {.name = "e:ShareName", .text = "docs"},
                     {.name = "Status", .type = EVTX_UINT32, .data = BYTES(0x6D, 0, 0, 0xC0)},
                     {.name = "ClientAddress",
                 .type = EVTX_BINARY,
                 .data = BYTES(2, 0, 1, 0xBD, 10, 0, 0, 1)},
                     },
    };
    write_event(w, &event);
}

static void unnamed_data(struct event_writer *w)
{
    struct write_event event = {
        SECURITY, .id = 1, .values = {{.text = "first"}, {.text = "second"}, {.text = "third"}}
    };
    write_event(w, &event);
}

static void literal_value(struct event_writer *w)
{
    struct write_event event = {
        SECURITY, .id = 1,
        .values = {
                   {.name = "User", .literal = "always me"},
                   {.name = "Image", .text = "x"},
                   }
    };
    write_event(w, &event);
}

/* Values of every type, one event each. */
static const struct {
    uint8_t type;
    bytes data;
    const char *expected; /* empty: the event has no such value */
} values[] = {
    {EVTX_NULL,                                {0},               ""                                              },
    {EVTX_STRING,                                     {0},                ""                                                },
    {EVTX_STRING,                                       BYTES('a',                                                       0,                                                0, 0, 0, 0), "a"},
    {EVTX_STRING,                                     BYTES(' ',                                                      0,                                                                                            'a', 0, ' ', 0), "a"},
    {                                               EVTX_STRING,                                     BYTES(0xE4,                                                     0,       0x3D, 0xD8, 0x00, 0xDE, 0xAC, 0x20),
     "\xC3\xA4\xF0\x9F\x98\x80\xE2\x82\xAC"},
    {EVTX_STRING,                                        BYTES(0x3D,                                               0xD8,                                                 'x', 0, 0x00, 0xDE), "\xEF\xBF\xBDx\xEF\xBF\xBD"},
    {EVTX_STRING,                                    BYTES('a',                                                 0,                                                                                             'b'), "a"},
    {EVTX_ANSI_STRING,   BYTES('a',                    'b',                                                          0), "ab"},
    {    EVTX_ANSI_STRING,                                     BYTES('a',                                                     0xFF,                                                 'b'),
     "a\xEF\xBF\xBD"
     "b"},
    {EVTX_INT8,                                        BYTES(0xFE),                                               "-2"                                                  },
    {                                                     EVTX_UINT8,                                     BYTES(0xFE),                                                      "254"                                                                                      },
    {EVTX_INT16,                                      BYTES(0,                                                   0x80),                                          "-32768"},
    {EVTX_UINT16,                                    BYTES(0xFF,0xFF),                                                                                                           "65535"},
    {EVTX_INT32,BYTES(0xFF,0xFF,0xFF, 0xFF), "-1"},
    {EVTX_UINT32,                                   BYTES(0,0,0, 0x80), "2147483648"},
    {EVTX_INT64,                                BYTES(0,                                                 0,                                              0, 0, 0, 0, 0, 0x80), "-9223372036854775808"},
    {EVTX_UINT64,                                 BYTES(255,                                                  255,255, 255, 255, 255, 255, 255), "18446744073709551615"},
    {EVTX_UINT32,                                    BYTES(5,                                                1),                                                                                                                                          "261"},
    { EVTX_UINT32,BYTES(1,                 2,                                                                                                                 3, 4, 5, 6, 7, 8, 9), "010203040506070809"},
    {EVTX_REAL32,                                        BYTES(0,                                                0,                                                          0xC0, 0x3F), "1.5"},
    {                                                                                        EVTX_REAL64,                                       BYTES(0,                                                       0,                                                                                                      0, 0, 0, 0, 0xE0, 0xBF), "-0.5"},
    {EVTX_BOOL,                  BYTES(1,                                   0,                                                                         0, 0), "true"},
    {EVTX_BOOL,                                     BYTES(0,                                                   0,                                                                                                                  0, 0), "false"},
    {EVTX_BOOL,                                    BYTES(1),                               "true"                                                                              },
    {                                                       EVTX_BOOL,                                      BYTES(0xFF,   0xFF,0xFF, 0xFF), "true"},
    {EVTX_BOOL,                                       BYTES(0,                                       0,0, 0, 2, 0, 0, 0), "true"},
    {EVTX_BOOL,                                       {0},                                                       ""                                                                                                    },
    {EVTX_BINARY,                              BYTES(0x0A, 0xFF), "0AFF"},
    {EVTX_GUID,
     BYTES(0x25,                                                    0x96,                                                                                          0x84, 0x54, 0x78, 0x54, 0x94, 0x49, 0xA5, 0xBA, 0x3E, 0x3B, 3, 0x28, 0xC3,
     0x0D),
     "{54849625-5478-4994-A5BA-3E3B0328C30D}"},
    {EVTX_GUID,                                       BYTES(1,                                                       2), "0102"},
    {EVTX_SIZE_T,                                   BYTES(0x1C,                                              4,                                                                                              0, 0), "0x41c"},
    {EVTX_SIZE_T,                                       BYTES(0x1C,                     4,0, 0, 1, 0, 0, 0), "0x10000041c"},
    {EVTX_HEX_INT32,                                BYTES(0xEF,      0xBE,   0, 0), "0xbeef"},
    {EVTX_HEX_INT64,                                 BYTES(0x35,                                                  0x1F,                                                                                          0x54, 0, 0, 0, 0, 0), "0x541f35"},
    {EVTX_FILETIME,                                        BYTES(0x00,                                                 0x80,0x3E, 0xD5, 0xDE, 0xB1, 0x9D, 0x01),
     "1970-01-01T00:00:00.000000Z"},
    {EVTX_FILETIME,                                   BYTES(0,                                              0,                                                                                              0, 0, 0, 0, 0, 0), ""},
    {                                                                                                                                                                                       EVTX_SYSTEMTIME,                                       BYTES(0xE8,                 7,                                                                                           12, 0, 0, 0, 29, 0, 2, 0, 40, 0, 1, 0, 250, 0),
     "2024-12-29T02:40:01.250000Z"},
    {EVTX_SYSTEMTIME,                                       BYTES(0xE8,                                                      7,                                                                                                13, 0, 0, 0, 29, 0, 2, 0, 40, 0, 1, 0, 250, 0), ""},
    {EVTX_SID,BYTES(1,2,0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0), "S-1-5-32-544"},
    {EVTX_SID,                                   BYTES(1,                                              5,                                                                                              0, 0, 0, 0, 0, 5, 32, 0, 0, 0), "010500000000000520000000"},
    {                                                                                                                     EVTX_STRING | EVTX_ARRAY,                                    BYTES('a',0,0, 0, 0, 0, 'b', 0), "a,,b"},
    {EVTX_ANSI_STRING | EVTX_ARRAY,                                    BYTES('a',                                                 0,                                                                                             'b', 0), "a,b"},
    {EVTX_UINT16 | EVTX_ARRAY,                                    BYTES(1,                                                    0,                                                                                                2, 0, 3), "1,2,3"},
    {EVTX_UINT8 | EVTX_ARRAY, {0},                  ""                                                         },
    {                                                        EVTX_SID | EVTX_ARRAY,
     BYTES(1,                                                   1,                                                                                         0, 0, 0, 0, 0, 5, 18, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 19, 0, 0, 0),
     "S-1-5-18,S-1-5-19"},
    {                                             0x7F,                                       BYTES(1,                                                      2),  "0102"},
};

static void values_have_their_text(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        arena_reset(&arena);
        struct buf file = buf_in(&arena);
        struct event_writer w = write_log(&arena, &file);
        struct write_event event = {
            SECURITY,
            .id = 1,
            .values = {{.name = "Image", .type = values[i].type, .data = values[i].data},
                       {.name = "User", .text = "after"}},
        };
        /* A null value ends the list of values, so it is written as one of another type. */
        if (!values[i].type) event.values[0].literal = "";
        write_event(&w, &event);
        write_chunk_end(&w);
        struct heard heard = read_in_pieces(&arena, str_bytes(buf_text(&file)), SIZE_MAX);
        str image = str_of(values[i].expected);
        str expected = str_format(&arena,
                                  "1 Security on FS01.contoso.com #1 "
                                  "2024-12-30T02:40:00.000000Z ? User=after%s%.*s\n",
                                  image.len ? " Image=" : "", STR_ARG(image));
        if (!str_equal(buf_text(&heard.text), expected))
            fail_msg("value %zu: expected\n%.*sfound\n%.*s", i, STR_ARG(expected),
                     STR_ARG(buf_text(&heard.text)));
    }
    arena_close(&arena);
}

/* Damage. The file header is 4096 bytes, so the chunk is at 4096 and its records at 4608. */

static void damage(struct event_writer *w, size_t at, uint64_t value, size_t n)
{
    write_at(w, at, value, n);
}

static size_t record_size(const struct event_writer *w, size_t at)
{
    return (size_t)w->chunk[at + 4] | (size_t)w->chunk[at + 5] << 8;
}

static void wrong_chunk_mark(struct event_writer *w)
{
    two_events(w);
    write_chunk_end(w);
    w->file->data[4096] = 'X';
    w->chunk = NULL;
}

static void wrong_header_sum(struct event_writer *w)
{
    two_events(w);
    write_chunk_end(w);
    w->file->data[4096 + 130] = 1;
    w->chunk = NULL;
}

static void wrong_record_sum(struct event_writer *w)
{
    two_events(w);
    write_chunk_end(w);
    w->file->data[4608 + 16] ^= 1; /* a bit of the time in the record's header */
    w->chunk = NULL;
}

static void no_sums(struct event_writer *w)
{
    two_events(w);
    write_chunk_end(w);
    memset(w->file->data + 4096 + 52, 0, 4);
    memset(w->file->data + 4096 + 124, 0, 4);
    w->chunk = NULL;
}

static void sums_not_meant(struct event_writer *w)
{
    two_events(w);
    write_chunk_end(w);
    w->file->data[4096 + 120] = 5; /* no checksum */
    w->file->data[4096 + 52] ^= 1;
    w->file->data[4096 + 124] ^= 1;
    w->chunk = NULL;
}

static void wrong_file_sum(struct event_writer *w)
{
    two_events(w);
    w->file->data[24] = 9;
}

static void torn_record(struct event_writer *w)
{
    two_events(w);
    size_t size = record_size(w, 512);
    damage(w, 512 + size - 4, 0, 4);
}

static void record_of_size_zero(struct event_writer *w)
{
    two_events(w);
    damage(w, 512 + 4, 0, 4);
}

static void second_record_lost(struct event_writer *w)
{
    two_events(w);
    size_t first = record_size(w, 512);
    memset(w->chunk + 512 + first, 0xEE, 16);
}

/* Free space that the header puts too far ahead, as archived logs have it. */
static void free_to_the_end(struct event_writer *w)
{
    two_events(w);
    w->at = WRITE_CHUNK;
}

/* A log copied while it was written: the header is of before. */
static void stale_header(struct event_writer *w)
{
    write_event(w, &share_access);
    size_t end = w->at;
    write_event(w, &share_access);
    w->at = end;
}

/* What the chunk held before it was used again. */
static void slack(struct event_writer *w)
{
    write_event(w, &share_access);
    size_t end = w->at;
    w->next_record = 40;
    write_event(w, &share_access);
    w->at = end;
}

static void unused_chunks(struct event_writer *w)
{
    write_event(w, &share_access);
    write_chunk_end(w);
    buf_repeat(w->file, 0, (size_t)3 * WRITE_CHUNK);
    write_chunk(w);
    write_chunk_end(w); /* a header, no records */
    w->chunk = NULL;
}

static void noise_between(struct event_writer *w)
{
    write_event(w, &share_access);
    write_chunk_end(w);
    buf_repeat(w->file, 'E', 1000);
    write_chunk(w);
    write_event(w, &share_access);
}

/* The second chunk has lost its header and the record that brought the templates. */
static void templates_of_another_chunk(struct event_writer *w)
{
    write_event(w, &share_access);
    write_chunk_end(w);
    write_chunk(w);
    write_event(w, &useless);
    write_event(w, &share_access);
    write_event(w, &share_access);
    size_t first = record_size(w, 512);
    memset(w->chunk, 0, 512 + first);
    buf_bytes(w->file, (bytes){w->chunk, WRITE_CHUNK});
    w->chunk = NULL;
}

/* The second chunk has lost its first 4 KiB: what is left of it stands in another place. */
static void beginning_lost(struct event_writer *w)
{
    write_event(w, &share_access);
    write_chunk_end(w);
    write_chunk(w);
    while (w->at < 4096)
        write_event(w, &useless);
    write_event(w, &share_access); /* with a template whose names are lost */
    write_event(w, &share_access);
    buf_bytes(w->file, (bytes){w->chunk + 4096, WRITE_CHUNK - 4096});
    w->chunk = NULL;
}

static void cut_then_another(struct event_writer *w)
{
    two_events(w);
    write_chunk_end(w);
    w->file->len = 4096 + 700; /* inside the first record */
    write_file_header(w);
    write_chunk(w);
    write_event(w, &share_access);
}

/* The second record points to a template that is not where it says. */
static void lost_template(struct event_writer *w)
{
    two_events(w);
    size_t second = 512 + record_size(w, 512);
    damage(w, second + 24 + 4 + 6, 0x2000, 4);
}

static void wrong_name(struct event_writer *w)
{
    two_events(w);
    for (size_t at = 512; at + 16 < w->at; at++) /* the hash of "EventID" */
        if (memcmp(w->chunk + at, "E\0v\0e\0n\0t\0I\0D\0", 14) == 0) {
            damage(w, at - 4, 0, 2);
            break;
        }
}

static void many_values(struct event_writer *w)
{
    two_events(w);
    size_t third = 512 + record_size(w, 512);
    third += record_size(w, third);
    damage(w, third + 24 + 4 + 10, 0x10000, 4);
}

static void many_elements(struct event_writer *w)
{
    write_event(w, &share_access);
    size_t start = write_record_begin(w);
    write_fragment(w);
    for (int i = 0; i < 200; i++)
        (void)write_open(w, "Event", NULL, NULL, 0, 0);
    write_record_end(w, start);
    write_event(w, &share_access);
}

static void strange_token(struct event_writer *w)
{
    size_t start = write_record_begin(w);
    write_fragment(w);
    write_u8(w, 0x1F);
    write_record_end(w, start);
    write_event(w, &share_access);
}

static void no_event(struct event_writer *w)
{
    size_t start = write_record_begin(w);
    write_fragment(w);
    write_u8(w, 0x00);
    write_record_end(w, start);
    write_event(w, &share_access);
}

/* Every token that may stand in content. */
static void all_tokens(struct event_writer *w)
{
    size_t start = write_record_begin(w);
    write_fragment(w);
    write_u8(w, 0x0A);
    write_name(w, "target");
    write_u8(w, 0x0B);
    write_number(w, 2, 2);
    write_ascii(w, "pi");
    size_t event = write_open(w, "Event", NULL, NULL, 0, 0);
    size_t system = write_open(w, "System", NULL, NULL, 0, 0);
    write_end(w, write_open(w, "Provider", "Name", "any", 0, 0));
    write_element(w, "EventID", "7", 0, 0);
    write_end(w, system);
    size_t body = write_open(w, "EventData", NULL, NULL, 0, 0);
    size_t data = write_open(w, "Data", "Name", "Image", 0, 0);
    write_text(w, "a");
    write_u8(w, 0x07); /* CDATA */
    write_number(w, 2, 2);
    write_ascii(w, "<>");
    write_u8(w, 0x08); /* character */
    write_number(w, 0x20AC, 2);
    write_u8(w, 0x09); /* entity */
    write_name(w, "amp");
    write_u8(w, 0x49);
    write_name(w, "lt");
    write_u8(w, 0x09);
    write_name(w, "strange");
    write_end(w, data);
    write_u8(w, 0x01); /* <Data/> */
    write_number(w, 0xFFFF, 2);
    write_number(w, 5, 4);
    write_name(w, "Data");
    write_u8(w, 0x03);
    write_end(w, body);
    write_end(w, event);
    write_u8(w, 0x00);
    write_record_end(w, start);
}

/* clang-format off */
static const struct {
    const char *name;
    void (*write)(struct event_writer *w);
    size_t records;
    const char *expected;
} rows[] = {
    {"events of use, and one between them", two_events, 3,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"a provider nobody knows", event_of_strangers, 2,
     SHARE_ACCESS("2", "01")},
    {"failed, and not said", failure, 2,
     "5140 Security on FS01.contoso.com #1 2024-12-30T02:40:00.000000Z failed "
     "SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 IpPort=49159 "
     "ShareName=\\\\*\\projects AccessMask=0x1\n"
     "5140 Security on FS01.contoso.com #2 2024-12-30T02:40:01.000000Z ? "
     "SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 IpPort=49159 "
     "ShareName=\\\\*\\projects AccessMask=0x1\n"},
    {"templates are of their chunk", two_chunks, 2,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("2", "01")},
    {"two files joined", two_files, 2,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("2", "01")},
    {"values in the outer template", flat_event, 2,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("2", "01")},
    {"a fragment that is elements only", bare_fragment, 1,
     "5140 Security on FS01.contoso.com #1 2024-12-30T02:40:00.000000Z ok "
     "SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 IpPort=49159 "
     "ShareName=\\\\*\\projects\n"},
    {"no template at all", no_template, 1,
     "5140 Security on FS01.contoso.com #77 2024-12-29T01:20:00.000000Z ok "
     "SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 IpPort=49159 "
     "ShareName=\\\\*\\projects\n"},
    {"user data, by its elements", user_data, 1,
     "551 Microsoft-Windows-SMBServer/Security on FS01 #1 2024-12-30T02:40:00.000000Z ? "
     "ClientAddress=020001BD0A000001 ShareName=docs Status=3221225581\n"},
    {"data without names, by position", unnamed_data, 1,
     "1 Security on FS01.contoso.com #1 2024-12-30T02:40:00.000000Z ? 1=second\n"},
    {"a literal of the template", literal_value, 1,
     "1 Security on FS01.contoso.com #1 2024-12-30T02:40:00.000000Z ? User=always me "
     "Image=x\n"},
    {"every token", all_tokens, 1,
     "7  on  #1 2024-12-30T02:40:00.000000Z ? Image=a<>\xE2\x82\xAC&<\xEF\xBF\xBD\n"},
    {"wrong mark of a chunk", wrong_chunk_mark, 3,
     "skip @4096+512 expected a chunk, found other bytes; the records in them are read\n"
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"wrong checksum of a chunk's header", wrong_header_sum, 3,
     "skip @4096+0 the checksum of a chunk's header is wrong; its records are read\n"
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"wrong checksum of the records", wrong_record_sum, 3,
     "skip @4096+0 the checksum of a chunk's records is wrong; they are read\n"
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"no checksums", no_sums, 3,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"checksums that the flags take back", sums_not_meant, 3,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"wrong checksum of the file header", wrong_file_sum, 3,
     "skip @0+0 the checksum of the log's header is wrong; the chunks are read\n"
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"free space that begins too late", free_to_the_end, 3,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("3", "02")},
    {"a header of before the last record", stale_header, 2,
     SHARE_ACCESS("1", "00")
     SHARE_ACCESS("2", "01")},
    {"old records behind the last", slack, 1,
     SHARE_ACCESS("1", "00")},
    {"unused chunks", unused_chunks, 1,
     SHARE_ACCESS("1", "00")},
    {"noise between chunks", noise_between, 2,
     SHARE_ACCESS("1", "00")
     "skip @69632+1000 expected a chunk, found other bytes\n"
     SHARE_ACCESS("2", "01")},
    {"a torn record", torn_record, 3,
     "skip @4608+1304 a record whose size is wrong\n"
     SHARE_ACCESS("3", "02")},
    {"a record of size zero", record_of_size_zero, 3,
     "skip @4608+1304 a record whose size is wrong\n"
     SHARE_ACCESS("3", "02")},
    {"a record overwritten", second_record_lost, 2,
     SHARE_ACCESS("1", "00")
     "skip @5912+280 expected a record, found other bytes\n"
     SHARE_ACCESS("3", "02")},
    {"a chunk cut short, another file behind it", cut_then_another, 2,
     "skip @4096+0 the checksum of a chunk's records is wrong; they are read\n"
     "skip @4608+188 a record whose size is wrong\n"
     SHARE_ACCESS("4", "03")},
    {"templates of another chunk", templates_of_another_chunk, 3,
     SHARE_ACCESS("1", "00")
     "skip @69632+1472 expected a chunk, found other bytes; the records in them are read\n"
     SHARE_ACCESS("3", "02")
     SHARE_ACCESS("4", "03")},
    {"the beginning of a chunk lost", beginning_lost, 3,
     SHARE_ACCESS("1", "00")
     "skip @69632+64 expected a chunk, found other bytes; the records in them are read\n"
     "5140 Security on FS01.contoso.com #17 2024-12-30T02:40:16.000000Z ok "
     "SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 IpPort=49159 "
     "ShareName=\\\\*\\projects AccessMask=0x1\n"
     "5140 Security on FS01.contoso.com #18 2024-12-30T02:40:17.000000Z ok "
     "SubjectDomainName=CONTOSO SubjectUserName=alice IpAddress=10.10.4.7 IpPort=49159 "
     "ShareName=\\\\*\\projects AccessMask=0x1\n"},
    {"a template that is elsewhere", lost_template, 3,
     SHARE_ACCESS("1", "00")
     "skip @5912+280 the template 0x10000db5 of a record is not here\n"
     SHARE_ACCESS("3", "02")},
    {"a name with another hash", wrong_name, 3,
     "skip @4608+1304 no name stands at 0x036c of the chunk\n"
     "skip @5912+280 no name stands at 0x036c of the chunk\n"
     "skip @6192+272 no name stands at 0x036c of the chunk\n"},
    {"more values than there may be", many_values, 3,
     SHARE_ACCESS("1", "00")
     "skip @6192+272 65536 values of one template\n"},
    {"elements without end", many_elements, 3,
     SHARE_ACCESS("1", "00")
     "skip @5912+2432 elements nest deeper than 64\n"
     SHARE_ACCESS("3", "02")},
    {"tokens no one knows", strange_token, 2,
     "skip @4608+40 expected an element or a template, found the token 0x1f\n"
     SHARE_ACCESS("2", "01")},
    {"a record without an event", no_event, 2,
     "skip @4608+40 a record of no event\n"
     SHARE_ACCESS("2", "01")},
};
/* clang-format on */

static bytes write_row(struct arena *arena, void (*write)(struct event_writer *w))
{
    struct buf *file = arena_new(arena, struct buf);
    *file = buf_in(arena);
    struct event_writer w = write_log(arena, file);
    write(&w);
    if (w.chunk) write_chunk_end(&w);
    return str_bytes(buf_text(file));
}

static void rows_give_their_events(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        arena_reset(&arena);
        bytes data = write_row(&arena, rows[i].write);
        static const size_t pieces[] = {SIZE_MAX, 4096, 65536, 65537};
        for (size_t p = 0; p < COUNT_OF(pieces); p++) {
            struct heard heard = read_in_pieces(&arena, data, pieces[p]);
            str found = buf_text(&heard.text);
            if (!str_equal(found, str_of(rows[i].expected)))
                fail_msg("%s: expected\n%sfound\n%.*s", rows[i].name, rows[i].expected,
                         STR_ARG(found));
            if (heard.records != rows[i].records)
                fail_msg("%s: expected %zu records, found %zu", rows[i].name, rows[i].records,
                         heard.records);
        }
    }
    arena_close(&arena);
}

/* A small log cut at every byte: no more is heard than of the whole, in order, and the same
 * whatever the windows. */
static void truncations_lose_only_the_rest(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    bytes data = write_row(&arena, two_events);
    struct heard whole = read_in_pieces(&arena, data, SIZE_MAX);
    assert_int_equal(whole.told, 2);
    size_t told = 0, records = 0;
    for (size_t n = 0; n < WRITE_HEADER + 8192; n++) {
        arena_reset(&scratch);
        struct heard heard = read_in_pieces(&scratch, (bytes){data.ptr, n}, SIZE_MAX);
        if (heard.told < told || heard.records < records) fail_msg("less at %zu bytes", n);
        if (n && n < WRITE_HEADER && !heard.skips) fail_msg("nothing is said at %zu bytes", n);
        told = heard.told, records = heard.records;
        if (n % 97) continue;
        struct heard again = read_in_pieces(&scratch, (bytes){data.ptr, n}, 1 + n % 61);
        assert_true(str_equal(buf_text(&heard.text), buf_text(&again.text)));
        assert_int_equal(heard.digest, again.digest);
    }
    assert_int_equal(told, 2);
    assert_int_equal(records, 3);
    arena_close(&scratch);
    arena_close(&arena);
}

static void heads_are_recognised(void **state)
{
    static const struct {
        str head;
        bool expected;
    } heads[] = {
        {{"ElfFile\0rest", 12}, true },
        {{"ElfChnk\0", 8},      true },
        {{"ElfFile", 7},        false},
        {{"ElfFileX", 8},       false},
        {{"", 0},               false},
        {{"<Event xmlns=", 13}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        assert_int_equal(evtx_reader.recognise(str_bytes(heads[i].head)), heads[i].expected);
}

/* A chunk found alone, as carving gives them. */
static void chunk_alone_is_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    bytes data = write_row(&arena, two_events);
    bytes chunk = {data.ptr + WRITE_HEADER, data.len - WRITE_HEADER};
    assert_true(evtx_reader.recognise(chunk));
    struct heard heard = read_in_pieces(&arena, chunk, SIZE_MAX);
    assert_int_equal(heard.told, 2);
    assert_int_equal(heard.skips, 0);
    arena_close(&arena);
}

static void the_host_is_told(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    struct buf file = buf_in(&arena);
    struct event_writer w = write_log(&arena, &file);
    write_event(&w, &useless);
    write_chunk_end(&w);
    struct heard heard = read_in_pieces(&arena, str_bytes(buf_text(&file)), SIZE_MAX);
    assert_int_equal(heard.told, 0);
    assert_true(str_equal(heard.origin, S("FS01.contoso.com")));
    arena_close(&arena);
}

/* A chunk with more text than a record can hold: one large value named many times. */
static void large_text_is_refused(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    struct buf file = buf_in(&arena);
    struct event_writer w = write_log(&arena, &file);
    size_t start = write_record_begin(&w), size = 0, last = 0;
    struct write_values large = {0};
    uint8_t *text = arena_array(&arena, uint8_t, 20000);
    memset(text, 'a', 20000);
    write_fragment(&w);
    assert_true(write_instance(&w, 0x77, &size));
    size_t event = write_open(&w, "Event", NULL, NULL, 0, 0);
    size_t system = write_open(&w, "System", NULL, NULL, 0, 0);
    write_element(&w, "EventID", "7", 0, 0);
    write_end(&w, system);
    size_t body = write_open(&w, "EventData", NULL, NULL, 0, 0);
    size_t item = write_open(&w, "Data", "Name", "Image", 0, 0);
    for (int i = 0; i < 40; i++)
        write_substitution(&w, 0, EVTX_STRING);
    write_end(&w, item);
    write_end(&w, body);
    write_end(&w, event);
    write_definition_end(&w, size);
    write_value_add(&large, (struct write_value){
                                .type = EVTX_STRING, .data = {text, 20000}
    });
    write_values_out(&w, &large, &last);
    write_record_end(&w, start);
    write_event(&w, &share_access);
    write_chunk_end(&w);
    struct heard heard = read_in_pieces(&arena, str_bytes(buf_text(&file)), SIZE_MAX);
    assert_int_equal(heard.records, 2);
    assert_int_equal(heard.told, 1);
    assert_int_equal(heard.skips, 1);
    arena_close(&arena);
}

/* Elements without templates fill the tables of a chunk: they are emptied, and all is read. */
static void tables_are_emptied(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    struct buf file = buf_in(&arena);
    struct event_writer w = write_log(&arena, &file);
    size_t n = 0;
    for (; w.at < WRITE_CHUNK - 2048; n++) {
        struct write_event event = {SECURITY, .id = 1, .without_template = true};
        event.values[0] = (struct write_value){.name = "Image", .text = "x"};
        for (size_t i = 1; i < 20; i++)
            event.values[i] = (struct write_value){.name = "User", .text = "y"};
        write_event(&w, &event);
    }
    write_chunk_end(&w);
    struct heard heard = read_in_pieces(&arena, str_bytes(buf_text(&file)), SIZE_MAX);
    assert_int_equal(heard.records, n);
    assert_int_equal(heard.told, n);
    assert_int_equal(heard.skips, 0);
    arena_close(&arena);
}

/* The corpus: every count and every event that another tool found. */

struct truth {
    struct arena *arena;
    const char *file;
    bool weaker; /* the truth's tool: more may be found */
    size_t counts, events;
};

static uint64_t count_of(const struct heard *heard, str channel, uint64_t id)
{
    uint64_t n = 0;
    for (size_t i = 0; i < heard->n_events; i++)
        n += heard->events[i].id == id && str_equal(heard->events[i].channel, channel);
    return n;
}

static str value_of(const struct heard_event *event, const char *name)
{
    size_t i = event_value_of(event->kind, str_of(name));
    return i < EVENT_VALUES ? event->values[i] : (str){0};
}

static str first_of(const struct heard_event *event, const char *a, const char *b)
{
    str value = value_of(event, a);
    return value.len || !b ? value : value_of(event, b);
}

/* How the truth writes an account. */
static str account_of(struct arena *arena, const struct heard_event *event)
{
    bool logon = event->id == 4624 || event->id == 4625;
    str domain = value_of(event, logon ? "TargetDomainName" : "SubjectDomainName");
    str user = value_of(event, logon ? "TargetUserName" : "SubjectUserName");
    if (event->id == 3) return value_of(event, "User");
    if (event->id >= 5150) return (str){0};
    if (!domain.len || str_equal(domain, S("-"))) return user;
    return str_format(arena, "%.*s\\%.*s", STR_ARG(domain), STR_ARG(user));
}

/* The truth prints hexadecimal numbers with leading zeros. */
static uint64_t number_of(struct arena *arena, str text)
{
    return strtoull(str_c(arena, text), NULL, 0);
}

static str direction_of(const struct heard_event *event)
{
    str direction = value_of(event, "Direction");
    if (str_equal(direction, S("%%14592"))) return S("inbound");
    return str_equal(direction, S("%%14593")) ? S("outbound") : direction;
}

/* The last column of the truth. */
static str detail_of(struct arena *arena, const struct heard_event *event)
{
#define V(name) STR_ARG(value_of(event, name))
    switch (event->id) {
    case 5140:
    case 5145:
        return str_format(arena, "local=%.*s rel=%.*s access=0x%08" PRIx64, V("ShareLocalPath"),
                          V("RelativeTargetName"), number_of(arena, value_of(event, "AccessMask")));
    case 5142:
    case 5143:
    case 5144:
        return str_format(arena, "local=%.*s", V("ShareLocalPath"));
    case 4624:
        return str_format(arena, "type=%.*s wks=%.*s pkg=%.*s lm=%.*s", V("LogonType"),
                          V("WorkstationName"), V("AuthenticationPackageName"), V("LmPackageName"));
    case 4625:
        return str_format(
            arena, "type=%.*s wks=%.*s pkg=%.*s lm=%.*s status=0x%08" PRIx64 " sub=0x%08" PRIx64,
            V("LogonType"), V("WorkstationName"), V("AuthenticationPackageName"),
            V("LmPackageName"), number_of(arena, value_of(event, "Status")),
            number_of(arena, value_of(event, "SubStatus")));
    case 3:
        return str_format(arena, "initiated=%.*s srchost=%.*s dsthost=%.*s image=%.*s",
                          V("Initiated"), V("SourceHostname"), V("DestinationHostname"),
                          V("Image"));
    default:
        return str_format(arena, "direction=%.*s app=%.*s", STR_ARG(direction_of(event)),
                          V("Application"));
    }
#undef V
}

/* "name=value; name=value": every value that is listened to is the same. */
static bool same_pairs(const struct heard_event *event, str pairs)
{
    while (pairs.len) {
        str pair, name, value;
        const char *end = strstr(pairs.ptr, "; ");
        size_t n = end && end < pairs.ptr + pairs.len ? (size_t)(end - pairs.ptr) : pairs.len;
        pair = str_head(pairs, n);
        pairs = str_tail(pairs, n + 2);
        if (!str_cut(pair, '=', &name, &value)) return false;
        size_t i = event_value_of(event->kind, name);
        if (i < EVENT_VALUES && !str_equal(event->values[i], value)) return false;
    }
    return true;
}

/* Events of which the truth has a row. */
static bool has_row(const struct heard_event *event)
{
    if (has_change_names(event->channel)) return true;
    if (str_equal(event->channel, S("Microsoft-Windows-Sysmon/Operational"))) return event->id == 3;
    if (!str_equal(event->channel, S("Security"))) return false;
    if (event->id == 4624) return str_equal(value_of(event, "LogonType"), S("3"));
    return event->id == 4625 || event->id == 5140 || (event->id >= 5142 && event->id <= 5145) ||
           event->id == 5152 || event->id == 5156 || event->id == 5157;
}

static bool same_event(struct arena *arena, const struct heard_event *event, const str c[14])
{
    int64_t at_us = 0;
    assert_true(instant_parse(c[4], &at_us));
    if (has_change_names(event->channel))
        return event->at_us == at_us && str_equal(event->computer, c[5]) &&
               same_pairs(event, c[13]);
    return event->at_us == at_us && str_equal(event->computer, c[5]) &&
           str_equal(first_of(event, "IpAddress", event->id == 3 ? "SourceIp" : "SourceAddress"),
                     c[6]) &&
           str_equal(first_of(event, "IpPort", "SourcePort"), c[7]) &&
           str_equal(first_of(event, "DestAddress", "DestinationIp"), c[8]) &&
           str_equal(first_of(event, "DestPort", "DestinationPort"), c[9]) &&
           str_equal(value_of(event, "Protocol"), c[10]) &&
           str_equal(account_of(arena, event), c[11]) &&
           str_equal(value_of(event, "ShareName"), c[12]) &&
           str_equal(detail_of(arena, event), c[13]);
}

static size_t split_row(str line, str columns[14])
{
    size_t n = 0;
    for (bool more = true; more && n < 14; n++)
        more = str_cut(line, '\t', &columns[n], &line);
    return n;
}

static void compare(struct truth *truth, str text, const struct heard *heard)
{
    struct arena scratch = arena_open("scratch", 0, NULL);
    str line, c[14] = {0};
    uint64_t expected = 0, id = 0, record = 0;
    size_t at = 0, rows_seen = 0, rows_heard = 0;
    while (text.len) {
        str_cut(text, '\n', &line, &text);
        memset(c, 0, sizeof c);
        size_t n = split_row(line, c);
        if (str_equal(c[0], S("count")) && str_u64(c[2], UINT32_MAX, &id)) {
            assert_true(str_u64(c[3], UINT32_MAX, &expected));
            uint64_t found = count_of(heard, c[1], id);
            if (found != expected && !(truth->weaker && found > expected))
                fail_msg("%s: event %u: expected %u, found %u", truth->file, (unsigned)id,
                         (unsigned)expected, (unsigned)found);
            truth->counts += expected;
        }
        if (!str_equal(c[0], S("event")) || !str_u64(c[1], UINT64_MAX, &record)) continue;
        assert_int_equal(n, 14);
        assert_true(str_u64(c[3], UINT32_MAX, &id));
        while (at < heard->n_events &&
               (heard->events[at].record != record || heard->events[at].id != id ||
                !str_equal(heard->events[at].channel, c[2])))
            at++;
        if (at == heard->n_events)
            fail_msg("%s: record %u is not found", truth->file, (unsigned)record);
        arena_reset(&scratch);
        if (!same_event(&scratch, &heard->events[at], c))
            fail_msg("%s: record %u: expected\n%.*s\nfound %.*s", truth->file, (unsigned)record,
                     STR_ARG(line), STR_ARG(detail_of(&scratch, &heard->events[at])));
        rows_seen++;
    }
    for (size_t i = 0; i < heard->n_events; i++)
        rows_heard += has_row(&heard->events[i]);
    if (rows_heard != rows_seen)
        fail_msg("%s: expected %zu events, found %zu", truth->file, rows_seen, rows_heard);
    truth->events += rows_seen;
    arena_close(&scratch);
}

static bool read_file(void *to, struct input *input)
{
    struct truth *truth = to;
    struct os os = os_posix();
    struct err err;
    struct window window = {0};
    size_t want = LIMIT_RECOGNISE_BYTES;
    bytes text;
    if (!str_ends(input_source(input), S(".evtx"))) return true;
    struct arena arena = arena_open("file", 0, NULL);
    str expected = str_format(&arena, "%.*s.expected.tsv", STR_ARG(input_source(input)));
    truth->file = str_c(&arena, input_source(input));
    if (!os_read_all(&os, expected, LIMIT_RECORD_BYTES, &arena, &text, &err))
        fail_msg("%s: %s", err.source, err.text);
    /* libevtx says what stopped it (a token it doesn't know, events that give no XML), but not that
     * it left out what a chunk without its mark has. */
    truth->weaker = str_contains(str_of_bytes(text), S("\n# note:")) ||
                    str_ends(input_source(input), S("/sample_with_a_bad_chunk_magic.evtx"));
    struct heard heard = listen(&arena, UINT64_MAX);
    heard.keeps = true;
    struct fact_sink sink = sink_of(&heard);
    assert_true(input_next(input, want, &window, &err));
    assert_true(evtx_reader.recognise(window.data));
    void *reading = evtx_reader.open(&arena, &(struct reader_options){0}, &sink);
    for (size_t consumed = 0;;) {
        assert_true(evtx_reader.feed(reading, window, &consumed, &want));
        input_take(input, consumed);
        if (window.last) break;
        assert_true(input_next(input, want, &window, &err));
    }
    evtx_reader.close(reading);
    compare(truth, str_of_bytes(text), &heard);
    arena_close(&arena);
    return true;
}

static void no_problem(void *to, str source, const struct err *err)
{
    (void)to;
    fail_msg("%.*s: %s", STR_ARG(source), err->text);
}

static void corpus_events_are_found(void **state)
{
    const char *corpus = test_corpus();
    struct os os = os_posix();
    struct err err = {0};
    (void)state;
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct truth truth = {.arena = &arena};
    str path = str_format(&arena, "%s/evtx", corpus);
    if (!input_walk(&os, path, scratch, read_file, no_problem, &truth, &err))
        fail_msg("%s: %s", err.source, err.text);
    assert_true(truth.counts > 0 && truth.events > 0);
    print_message("%zu records and %zu events as the truth has them\n", truth.counts, truth.events);
    arena_close(&scratch);
    arena_close(&arena);
}

static int fill_kinds(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < KINDS; id++) {
        kinds[id] = (struct event_kind){.id = id, .names = names, .n_names = COUNT_OF(names)};
        change_kinds[id] =
            (struct event_kind){.id = id, .names = change_names, .n_names = COUNT_OF(change_names)};
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_events),
        cmocka_unit_test(values_have_their_text),
        cmocka_unit_test(truncations_lose_only_the_rest),
        cmocka_unit_test(heads_are_recognised),
        cmocka_unit_test(chunk_alone_is_read),
        cmocka_unit_test(the_host_is_told),
        cmocka_unit_test(large_text_is_refused),
        cmocka_unit_test(tables_are_emptied),
        cmocka_unit_test(corpus_events_are_found),
    };
    return cmocka_run_group_tests(tests, fill_kinds, NULL);
}
