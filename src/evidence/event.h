/* SPDX-License-Identifier: Apache-2.0 */
/* Windows events to facts, the same for EVTX, JSON and XML: which events matter, which of their
 * values, and what each says (DESIGN.md 7; docs/evidence-events.md has the table). A reader finds
 * the kind by provider and id, fills the values it names, and tells. One struct event_talk per
 * source: it remembers logons, so that a share access finds the authentication of its session.
 */
#pragma once

#include "evidence/observation.h"

enum { EVENT_VALUES = 32 };

/* One kind of event that matters. Rows of a table in event.c. */
struct event_kind {
    str provider; /* "Microsoft-Windows-Security-Auditing" */
    uint32_t id;
    /* Names of the values, as in EventData or UserData. What is absent stays empty. */
    const char *const *names;
    size_t n_names; /* at most EVENT_VALUES */
};

/* Names compare without case. channel is asked when the provider is empty (some collectors drop
 * it). NULL: events of that id say nothing of use. */
const struct event_kind *event_find(str provider, str channel, uint32_t id);
/* Any kind of that id, for a first look. */
bool event_matters(uint32_t id);
/* Index of a value's name in the kind (without case); EVENT_VALUES = not wanted. */
size_t event_value_of(const struct event_kind *kind, str name);

struct event {
    const struct event_kind *kind;
    str channel, computer;
    uint64_t record;          /* EventRecordID; 0 = not said */
    int64_t at_us;            /* TimeCreated; 0 = not said */
    enum known succeeded;     /* Keywords: audit success, audit failure */
    uint8_t assumed;          /* by the reader: the time zone */
    str values[EVENT_VALUES]; /* per kind->names; trimmed; binary ones as hexadecimal */
    uint64_t offset;          /* record number if it has one, else byte offset in the source */
};

struct event_talk; /* opaque */
struct event_talk *event_open(struct arena *arena, const struct fact_sink *sink);
/* line_hash (the same in every format), then the facts. Before, for every event it meets, of use or
 * not, the reader itself calls sink.origin, with an empty name too, and sink.record. Allocates
 * nothing. */
void event_tell(struct event_talk *talk, const struct event *event);
