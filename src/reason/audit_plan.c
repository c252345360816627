/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/audit_plan.h"

enum {
    /* Share accesses (5140) of one connection where no use is known yet: IPC$ and a share. */
    SHARES_A_CONNECTION = 2,
    /* Bytes of one event in a log, rounded up: in a recorded log of 3,561 failed logons they take
     * 0.9 kB each. */
    EVENT_BYTES = 1000,
    /* The filtering platform logs every connection of the host, not SMB's alone: a burst. */
    BURST_DAYS = 2,
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    enum question answers;
    str events;
    bool success, failure;
} details[] = {
    [AUDIT_FILE_SHARE] = {QUESTION_SHARES,         T("5140, 5142-5144, 5168"),  true, true },
    [AUDIT_CONNECTION] = {QUESTION_CLIENTS,        T("5156"),                   true, false},
    [AUDIT_LOGON] = {QUESTION_AUTHENTICATION, T("4624, 4625"),             true, true },
    [AUDIT_SMB1] = {QUESTION_DIALECT,        T("3000 (SMBServer/Audit)"), true, false},
};
static const struct {
    str id, name, guid;
} names[] = {
#define X(name, id, text, guid) {T(id), T(text), T(guid)},
    AUDITS(X)
#undef X
};

struct audit_kind audit_kind(enum audit audit)
{
    return (struct audit_kind){
        .id = names[audit].id,
        .name = names[audit].name,
        .guid = names[audit].guid,
        .answers = details[audit].answers,
        .events = details[audit].events,
        .success = details[audit].success,
        .failure = details[audit].failure,
    };
}

static uint64_t a_day(uint64_t count, uint32_t days)
{
    return days ? (count + days - 1) / days : count;
}

static struct audit_proposal propose(struct arena *arena, enum audit audit,
                                     const struct questioned *server, struct audit_wishes wishes)
{
    uint64_t connections = a_day(server->connections, server->days);
    struct audit_proposal out = {.audit = audit, .days = wishes.days};
    str seen = str_format(arena, "%" PRIu64 " connections in %u day%s", server->connections,
                          server->days, server->days == 1 ? "" : "s");
    switch (audit) {
    case AUDIT_FILE_SHARE:
        out.events_per_day = connections * SHARES_A_CONNECTION;
        out.basis = str_format(arena, "%.*s, two shares each assumed", STR_ARG(seen));
        break;
    case AUDIT_CONNECTION:
        out.events_per_day = connections;
        out.at_least = true;
        out.basis = str_format(arena, "%.*s; every other connection of the host comes on top",
                               STR_ARG(seen));
        if (out.days > BURST_DAYS) out.days = BURST_DAYS;
        break;
    case AUDIT_LOGON:
        out.events_per_day = connections;
        out.at_least = true;
        out.basis = str_format(arena, "%.*s; logons of other services come on top", STR_ARG(seen));
        break;
    case AUDIT_SMB1:
    case AUDIT_COUNT:
        out.basis = S("one event for each SMB1 client; none when there is none");
        break;
    }
    uint64_t over_all = out.events_per_day * out.days;
    if (wishes.events_max && over_all > wishes.events_max) {
        uint64_t fit = wishes.events_max / out.events_per_day;
        out.days = fit ? (uint32_t)fit : 1;
    }
    out.kilobytes_per_day = out.events_per_day * EVENT_BYTES / 1000;
    return out;
}

static uint64_t expected(const struct audit_host *host)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < host->n; i++)
        sum += host->proposals[i].events_per_day;
    return sum;
}

static int host_order(const void *left, const void *right)
{
    const struct audit_host *a = left, *b = right;
    uint64_t x = expected(a), y = expected(b);
    if (x != y) return x > y ? -1 : 1;
    return str_compare(a->server->label, b->server->label);
}

struct audit_plan audit_plan(struct arena *arena, const struct questioned *servers, size_t n,
                             struct audit_wishes wishes)
{
    struct audit_host *hosts = arena_array(arena, struct audit_host, n ? n : 1);
    struct audit_plan plan = {.hosts = hosts};
    for (size_t i = 0; i < n; i++) {
        struct audit_proposal *proposals = arena_array(arena, struct audit_proposal, AUDIT_COUNT);
        struct audit_host host = {.server = &servers[i], .proposals = proposals};
        for (int a = 0; a < AUDIT_COUNT; a++) {
            if (!(servers[i].open >> details[a].answers & 1)) continue;
            proposals[host.n++] = propose(arena, (enum audit)a, &servers[i], wishes);
            host.audits |= 1u << a;
        }
        if (host.n)
            hosts[plan.n_hosts++] = host;
        else
            plan.n_answered++;
    }
    if (plan.n_hosts) qsort(hosts, plan.n_hosts, sizeof *hosts, host_order);
    return plan;
}
