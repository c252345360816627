/* SPDX-License-Identifier: Apache-2.0 */
/* Text logs of firewalls, as syslog files hold them: what their readers share. Each reader is a
 * dialect (kernel_log.c, cisco_asa.c, ...) that recognises its own lines; but a file of a log
 * server holds lines of many, so all of them feed each line to whichever dialect claims it, and
 * differ only in what they recognise a file by.
 */
#pragma once

#include "evidence/reader.h"
#include "evidence/syslog_line.h"

/* Who opened the connection, as far as the record tells. */
enum syslog_opener {
    SYSLOG_OPENER_UNKNOWN,
    SYSLOG_OPENER_SOURCE,
    SYSLOG_OPENER_DESTINATION,
};

/* One record about packets between two ends. */
struct syslog_flow {
    struct endpoint source, destination;
    enum transport transport;
    uint16_t source_port, destination_port;
    enum syslog_opener opener;
    enum outcome outcome;
    bool closes, within;
    int64_t first_us, last_us;
    uint64_t count;          /* 0 = 1 */
    uint64_t sent, received; /* by the source */
    /* Bytes of both directions in one sum: they stand as bytes to the client, the direction is
     * assumed. */
    uint64_t bytes;
    str user; /* of the source, as the firewall knows it; empty = not said */
};

/* A word of a product for what it did. OUTCOME_NONE: it does not tell. */
struct syslog_word {
    str text;
    enum outcome outcome;
};

struct syslog; /* opaque */

struct syslog_dialect {
    /* Asked for every line, so cheap; a line belongs to the first that says yes. */
    bool (*claims)(str message);
    /* Tells syslog_record, then whatever the record says. cut: the line's end may be missing; its
     * last word is not shown when it could be the beginning of a longer number. */
    void (*read)(struct syslog *log, const struct syslog_line *line, bool cut);
};

/* A record was met. origin: the device as the record names it, empty = as the header does. kind and
 * at_us: of the record's own time, else of the header's (line->kind, line->at_us). */
void syslog_record(struct syslog *log, str origin, enum syslog_time kind, int64_t at_us);
/* Of the record told last. Flows on ports of no service are passed over. */
void syslog_tell(struct syslog *log, const struct syslog_flow *flow);
/* Does one of its ports belong to a service? */
bool syslog_concerns(const struct syslog_flow *flow);
void syslog_skip(struct syslog *log, str reason);
void syslog_local_address(struct syslog *log, struct addr addr);
struct syslog_clock *syslog_clock(struct syslog *log);
struct arena *syslog_scratch(struct syslog *log); /* emptied before every line */

/* Whose words for what was done are read. */
enum syslog_product { SYSLOG_ANY_PRODUCT, SYSLOG_FORTINET, SYSLOG_PALO_ALTO };
/* "accept", "Reset-Both": OUTCOME_NONE when the word does not tell, or is not known. */
enum outcome syslog_action(enum syslog_product product, str word);
/* The outcome of a word, without case; OUTCOME_NONE also when it is not in the table. */
enum outcome syslog_outcome(const struct syslog_word *words, size_t n, str word);
/* "tcp", "UDP", "6" */
enum transport syslog_transport(str text);
/* An address, else a name made of letters, digits, '.', '-', '_'. */
MUST_USE bool syslog_endpoint(str text, struct endpoint *out);
/* A number, or a name of a port that a service has ("microsoft-ds"); other names give 0, which no
 * service has. */
MUST_USE bool syslog_port(str text, uint16_t *out);
/* Index of the first part in s, or s.len. */
size_t syslog_find(str s, str part);

/* key=value key="value with \" blanks" ...: the next pair. */
MUST_USE bool syslog_pair(str *rest, char separator, str *key, str *value);

/* For `const struct reader`. */
void *syslog_open(struct arena *arena, const struct reader_options *options,
                  const struct fact_sink *sink);
bool syslog_feed(void *state, struct window window, size_t *consumed, size_t *want);
void syslog_close(void *state);
extern const struct reader_splits syslog_splits;
/* Does the head have a line that this dialect claims, and no more than a few that are no text? */
bool syslog_recognise(bytes head, const struct syslog_dialect *dialect);
#define SYSLOG_READER(dialect_name, dialect_summary, recognise_head)                               \
    {                                                                                              \
        .name = {dialect_name, sizeof(dialect_name) - 1},                                          \
        .summary = {dialect_summary, sizeof(dialect_summary) - 1}, .overlap = OVERLAP_LINES,       \
        .splits = &syslog_splits, .family = {"syslog", 6}, .recognise = (recognise_head),          \
        .open = syslog_open, .feed = syslog_feed, .close = syslog_close,                           \
    }
