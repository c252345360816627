/* SPDX-License-Identifier: Apache-2.0 */
/* A large Security log for tools/bench: share accesses, logons, connections and much that is of no
 * use, in the proportions of a file server that audits all of it.
 *
 * usage: evtx_log FILE EVENTS
 */
#include <stdio.h>
#include <stdlib.h>

#include "evidence/evtx_write.h"

enum { LAST_RECORD = 44 }; /* place in a chunk's header */

static const char security[] = "Microsoft-Windows-Security-Auditing";

/* What a log of the server is made of: events per hundred and 28. */
struct part {
    uint32_t id;
    unsigned share;
};
static const struct part parts[] = {
    {5145, 40},
    {5156, 30},
    {4634, 20},
    {4624, 16},
    {5140, 8 },
    {4672, 8 },
    {4688, 4 },
    {5158, 2 },
};

struct texts {
    char client[24], port[8], logon[24], file[32];
};

static uint32_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static struct write_value text(const char *name, const char *value)
{
    return (struct write_value){.name = name, .text = value};
}

static void add(struct write_event *event, size_t *n, const char *name, const char *value)
{
    event->values[(*n)++] = text(name, value);
}

static struct write_event make(uint32_t id, const struct texts *t)
{
    struct write_event event = {
        .provider = security,
        .channel = "Security",
        .computer = "FS01.contoso.com",
        .id = id,
        .keywords = UINT64_C(0x8020000000000000),
    };
    size_t n = 0;
    bool is_share = id == 5140 || id == 5145;
    if (id == 5156) {
        add(&event, &n, "ProcessID", "4");
        add(&event, &n, "Application", "System");
        add(&event, &n, "Direction", "%%14592");
        add(&event, &n, "SourceAddress", "10.20.0.21");
        add(&event, &n, "SourcePort", "445");
        add(&event, &n, "DestAddress", t->client);
        add(&event, &n, "DestPort", t->port);
        add(&event, &n, "Protocol", "6");
        return event;
    }
    add(&event, &n, "SubjectUserSid", "S-1-5-21-1-2-3-1104");
    add(&event, &n, "SubjectUserName", "alice");
    add(&event, &n, "SubjectDomainName", "CONTOSO");
    add(&event, &n, "SubjectLogonId", t->logon);
    if (is_share) {
        add(&event, &n, "ObjectType", "File");
        add(&event, &n, "IpAddress", t->client);
        add(&event, &n, "IpPort", t->port);
        add(&event, &n, "ShareName", "\\\\*\\projects");
        add(&event, &n, "ShareLocalPath", "\\??\\D:\\projects");
        if (id == 5145) add(&event, &n, "RelativeTargetName", t->file);
        add(&event, &n, "AccessMask", "0x120089");
        return event;
    }
    add(&event, &n, "TargetUserName", "alice");
    add(&event, &n, "TargetDomainName", "CONTOSO");
    add(&event, &n, "TargetLogonId", t->logon);
    add(&event, &n, "LogonType", "3");
    if (id != 4624) return event;
    add(&event, &n, "LogonProcessName", "Kerberos");
    add(&event, &n, "AuthenticationPackageName", "Kerberos");
    add(&event, &n, "WorkstationName", "-");
    add(&event, &n, "IpAddress", t->client);
    add(&event, &n, "IpPort", t->port);
    return event;
}

static uint32_t choose(uint64_t *state)
{
    unsigned at = next(state) % 128, sum = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        sum += parts[i].share;
        if (at < sum) return parts[i].id;
    }
    return parts[0].id;
}

/* The file's header as Windows leaves it when the log is closed: other readers believe its counts.
 */
static void close_header(struct event_writer *w)
{
    uint8_t *header = (uint8_t *)w->file->data;
    uint64_t chunks = (w->file->len - WRITE_HEADER) / WRITE_CHUNK;
    const struct {
        size_t at, bytes;
        uint64_t value;
    } fields[] = {
        {16, 8, chunks - 1    },
        {24, 8, w->next_record},
        {42, 2, chunks        },
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        for (size_t b = 0; b < fields[i].bytes; b++)
            header[fields[i].at + b] = (uint8_t)(fields[i].value >> (8 * b) & 0xFF);
    uint32_t sum = evtx_crc_add(w->crc, 0, (bytes){header, 120});
    for (size_t b = 0; b < 4; b++)
        header[124 + b] = (uint8_t)(sum >> (8 * b) & 0xFF);
}

/* One file; everything stays in memory until it is written. */
static bool write_all(struct arena *arena, uint64_t events, struct buf *file)
{
    enum { FULL = WRITE_CHUNK - 3000 };
    struct event_writer w = write_log(arena, file);
    uint64_t state = 445;
    for (uint64_t i = 0; i < events; i++) {
        struct texts t;
        uint32_t id = choose(&state), client = next(&state) % 2000, session = next(&state) % 8;
        if (w.at > FULL) {
            write_chunk_end(&w);
            write_chunk(&w);
        }
        snprintf(t.client, sizeof t.client, "10.10.%u.%u", client / 200, client % 200 + 1);
        snprintf(t.port, sizeof t.port, "%u", 49152 + (client * 8 + session) % 16000);
        snprintf(t.logon, sizeof t.logon, "0x%x", 0x10000 + client * 8 + session);
        snprintf(t.file, sizeof t.file, "reports\\%u.xlsx", next(&state) % 5000);
        struct write_event event = make(id, &t);
        write_at(&w, LAST_RECORD, w.at, 4);
        write_event(&w, &event);
        w.filetime -= 10000000 - 400000; /* 25 events a second */
    }
    write_chunk_end(&w);
    close_header(&w);
    return true;
}

int main(int argc, char **argv)
{
    struct arena arena = arena_open("an event log", UINT64_C(16) << 30, NULL);
    struct buf content = buf_in(&arena);
    uint64_t events = 0;
    if (argc != 3 || !str_u64(str_of(argv[2]), UINT32_MAX, &events)) {
        fputs("usage: evtx_log FILE EVENTS\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[1], "wb");
    if (!file || !write_all(&arena, events, &content)) {
        perror(argv[1]);
        return 2;
    }
    bool fine = fwrite(content.data, 1, content.len, file) == content.len;
    if (fclose(file) != 0 || !fine) {
        perror(argv[1]);
        return 2;
    }
    arena_close(&arena);
    return 0;
}
