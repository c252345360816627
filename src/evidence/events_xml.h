/* SPDX-License-Identifier: Apache-2.0 */
/* One Windows event as XML text to a struct event: of a file of them, or inside a record of another
 * format (Splunk's _raw, Log Analytics' EventData).
 */
#pragma once

#include "base/err.h"
#include "evidence/event.h"

struct events_xml; /* opaque */
/* Lives in the arena, must be closed. */
struct events_xml *events_xml_open(struct arena *arena);
/* text: "<Event>...</Event>". Values are in scratch. out->kind is NULL when the event says nothing
 * of use; the rest is filled all the same.
 * fails: as xml_feed; MALFORMED (no event id) */
MUST_USE bool events_xml_event(struct events_xml *xml, str text, uint64_t offset,
                               struct arena *scratch, struct event *out, struct err *err);
/* text: "<EventData>...</EventData>" or "<UserData>", also inside another element. Fills those
 * values of out->kind that are empty. What can't be read stays empty. */
void events_xml_values(struct events_xml *xml, str text, struct arena *scratch, struct event *out);
void events_xml_close(struct events_xml *xml);

/* Of Keywords as a number, hexadecimal or decimal with or without its sign; or of words. */
enum known events_xml_succeeded(str keywords);
