/* SPDX-License-Identifier: Apache-2.0 */
/* Binary XML of one chunk of a Windows event log, matched and never rendered. A record is a tree of
 * fragments, usually two: the template of <Event> with its System values, and inside one of these
 * the template of <EventData> or <UserData> with the values of the event. A template is compiled
 * when a record first names it: which value holds the EventID, the Channel, ..., and under which
 * name each value of the event stands. A record of no use costs the look at its EventID.
 *
 * All positions in binary XML count from the start of the chunk; what is compiled points into the
 * chunk and is forgotten with it.
 *
 * spec: [MS-EVEN6] 2.2.12 BinXml; "Windows XML Event Log (EVTX) format" (libyal), Binary XML
 */
#pragma once

#include "evidence/evtx_shape.h"

struct evtx_binxml; /* opaque: the templates of a chunk, the record in hand */

struct evtx_binxml *evtx_binxml_open(struct arena *arena);
/* Forgets the chunk before. chunk stays where it is until the next call. */
void evtx_binxml_chunk(struct evtx_binxml *binxml, bytes chunk, uint64_t offset);
/* The chunk is read: templates that it had first are remembered, so that records of damaged chunks
 * that have lost theirs can be read. */
void evtx_binxml_keep(struct evtx_binxml *binxml);

/* Takes a record in hand: the `size` bytes of its binary XML at `at` in the chunk.
 * fails : TRUNCATED, MALFORMED (a token that may not stand there, a template or name that is not
 *         where it should be), LIMIT (nesting, values, templates that overlap) */
MUST_USE bool evtx_binxml_record(struct evtx_binxml *binxml, size_t at, size_t size,
                                 struct err *err);
/* A value of <System>; false when the record has none. Text made of several pieces goes to out. */
bool evtx_binxml_system(const struct evtx_binxml *binxml, enum evtx_field field,
                        struct evtx_text *out, struct evtx_value *value);
/* The kind of the event in hand; NULL when it is of no use. */
const struct event_kind *evtx_binxml_kind(struct evtx_binxml *binxml, uint32_t id, str channel,
                                          struct evtx_text *out);
/* values[i] is the text of kind->names[i], in out. Fails as evtx_binxml_record does. */
MUST_USE bool evtx_binxml_values(struct evtx_binxml *binxml, const struct event_kind *kind,
                                 struct evtx_text *out, str values[EVENT_VALUES], struct err *err);
