/* SPDX-License-Identifier: Apache-2.0 */
/* Which audit to switch on where, for how long, and how many events to expect: the way from the
 * questions that the evidence leaves open to the evidence that answers them. The trail is chatty
 * (both procedures warn): so nothing is proposed where nothing is open, and what would fill a log
 * is proposed for fewer days.
 */
#pragma once

#include "reason/questions.h"

/* What can be switched on. Subcategories go by GUID: their names differ by language.
 *
 * spec : [MS-GPAC] 2.2.1.2 */
#define AUDITS(X)                                                                                  \
    X(FILE_SHARE, "file-share", "File Share", "{0CCE9224-69AE-11D9-BED3-505054503030}")            \
    X(CONNECTION, "filtering-platform-connection", "Filtering Platform Connection",                \
      "{0CCE9226-69AE-11D9-BED3-505054503030}")                                                    \
    X(LOGON, "logon", "Logon", "{0CCE9215-69AE-11D9-BED3-505054503030}")                           \
    X(SMB1, "smb1-access", "SMB1 access (SMB server setting AuditSmb1Access)", "")

enum audit {
#define X(name, id, text, guid) AUDIT_##name,
    AUDITS(X)
#undef X
        AUDIT_COUNT
};

/* Beside the enum's members; guid is empty for what is no audit subcategory. */
struct audit_kind {
    str id, name, guid;
    enum question answers;
    str events; /* "5140, 5142-5144, 5168" */
    bool success, failure;
};
struct audit_kind audit_kind(enum audit audit);

struct audit_proposal {
    enum audit audit;
    uint64_t events_per_day; /* 0 = can't be said */
    bool at_least;           /* the subcategory also logs what is no SMB: more will come */
    str basis;               /* where the figure comes from */
    uint32_t days;
    uint64_t kilobytes_per_day;
};

struct audit_host {
    const struct questioned *server;
    const struct audit_proposal *proposals;
    size_t n;
    uint32_t audits; /* bit set of enum audit: hosts with the same set load the same files */
};

struct audit_plan {
    const struct audit_host
        *hosts; /* with something to switch on; by expected events, most first */
    size_t n_hosts;
    size_t n_answered; /* servers of which nothing is open */
};

struct audit_wishes {
    uint32_t days;       /* to observe for */
    uint64_t events_max; /* that one subcategory may log on one host over its days */
};

struct audit_plan audit_plan(struct arena *arena, const struct questioned *servers, size_t n,
                             struct audit_wishes wishes);
