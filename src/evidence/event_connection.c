/* SPDX-License-Identifier: Apache-2.0 */
/* Connections between two addresses, one of them the computer's: the Windows Filtering Platform and
 * Sysmon. */
#include "evidence/event_connection.h"

#include "base/instant.h"
#include "evidence/event_value.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum side { SIDE_UNKNOWN, SIDE_SOURCE, SIDE_DESTINATION };

struct sides {
    struct addr source, destination;
    uint16_t source_port, destination_port;
    enum transport transport;
};

static enum transport transport_of(str value)
{
    static const struct {
        str text;
        enum transport transport;
    } protocols[] = {
        {T("6"),   TRANSPORT_TCP},
        {T("17"),  TRANSPORT_UDP},
        {T("tcp"), TRANSPORT_TCP},
        {T("udp"), TRANSPORT_UDP},
    };
    for (size_t i = 0; i < COUNT_OF(protocols); i++)
        if (str_equal_nocase(protocols[i].text, value)) return protocols[i].transport;
    return TRANSPORT_NONE;
}

static bool sides_of(const str *v, struct sides *out)
{
    struct sides s = {
        .source_port = event_value_port(v[SOURCE_PORT]),
        .destination_port = event_value_port(v[DESTINATION_PORT]),
        .transport = transport_of(v[PROTOCOL]),
    };
    uint16_t ignored = 0;
    if (s.transport == TRANSPORT_NONE) return false;
    if (!event_value_address(v[SOURCE_ADDRESS], &s.source, &ignored)) return false;
    if (!event_value_address(v[DESTINATION_ADDRESS], &s.destination, &ignored)) return false;
    *out = s;
    return true;
}

/* The side on a service's port is the server, whatever the event calls source: builds of Windows
 * differ in that. On two such ports: what is said to many is said to servers; then the hint, taken
 * from the event's direction; else it is a guess. */
static enum side server_of(const struct sides *s, enum side hint, bool *is_guess)
{
    bool source = service_by_port(service_builtin, s->transport, s->source_port) != SERVICE_NONE;
    bool destination =
        service_by_port(service_builtin, s->transport, s->destination_port) != SERVICE_NONE;
    *is_guess = false;
    if (!source && !destination) return SIDE_UNKNOWN;
    if (source != destination) return source ? SIDE_SOURCE : SIDE_DESTINATION;
    if (event_value_is_to_many(s->source) != event_value_is_to_many(s->destination))
        return event_value_is_to_many(s->source) ? SIDE_SOURCE : SIDE_DESTINATION;
    if (hint != SIDE_UNKNOWN) return hint;
    *is_guess = true;
    return SIDE_SOURCE; /* as the events' documentation has it: the source is the local side */
}

static struct observation connection_of(const struct event_talk *talk, const struct sides *s,
                                        enum side server, bool is_guess, enum outcome outcome)
{
    struct observation fact = event_talk_observation(talk, outcome);
    bool turned = server == SIDE_SOURCE;
    fact.client.addr = turned ? s->destination : s->source;
    fact.client_port = turned ? s->destination_port : s->source_port;
    fact.server.addr = turned ? s->source : s->destination;
    fact.port = turned ? s->source_port : s->destination_port;
    fact.transport = s->transport;
    if (is_guess) fact.assumed |= 1u << ASSUMED_SERVER;
    return fact;
}

static bool is_inbound(str direction)
{
    return str_equal(direction, S("%%14592")) || str_equal_nocase(direction, S("Inbound"));
}

static bool is_outbound(str direction)
{
    return str_equal(direction, S("%%14593")) || str_equal_nocase(direction, S("Outbound"));
}

/* 5156 and 5157, on connections: of an outbound one the source is the computer's own side; of an
 * inbound one the side that was reached, which some builds call source and others destination. */
void event_connection_filtered(struct event_talk *talk, const str *v)
{
    struct sides s;
    bool is_guess = false, inbound = is_inbound(v[DIRECTION]), outbound = is_outbound(v[DIRECTION]);
    if (!sides_of(v, &s)) return;
    enum side server = server_of(&s, outbound ? SIDE_DESTINATION : SIDE_UNKNOWN, &is_guess);
    if (server == SIDE_UNKNOWN) return;
    struct observation fact = connection_of(talk, &s, server, is_guess, (enum outcome)talk->tells);
    talk->sink.observation(talk->sink.to, &fact);
    if (outbound) event_talk_local(talk, s.source);
    if (!inbound || is_guess || s.transport != TRANSPORT_TCP) return;
    event_talk_local(talk, fact.server.addr);
    if (fact.outcome == OUTCOME_ALLOWED)
        event_talk_reached(talk, fact.client.addr, fact.client_port, fact.port);
}

/* 5152, on packets: the source sent it. */
void event_connection_dropped(struct event_talk *talk, const str *v)
{
    struct sides s;
    bool is_guess = false;
    if (!sides_of(v, &s)) return;
    enum side server = server_of(&s, SIDE_DESTINATION, &is_guess);
    if (server == SIDE_UNKNOWN) return;
    struct observation fact = connection_of(talk, &s, server, is_guess, (enum outcome)talk->tells);
    talk->sink.observation(talk->sink.to, &fact);
    if (is_inbound(v[DIRECTION])) event_talk_local(talk, s.destination);
    if (is_outbound(v[DIRECTION])) event_talk_local(talk, s.source);
}

/* "2020-09-22 18:53:31.668", always UTC. */
static bool utc_of(str value, int64_t *out)
{
    char text[INSTANT_TEXT];
    if (!value.len || value.len >= sizeof text) return false;
    memcpy(text, value.ptr, value.len);
    text[value.len] = 'Z';
    return instant_parse((str){text, value.len + 1}, out);
}

/* When Sysmon's event began: UtcTime comes from a clock of the tracing that drifts from the
 * system's by seconds (by days, when that was set since boot), in both directions. Events are
 * written a second or two after the connection, so UtcTime counts within that reach of it. */
static void tell_sysmon_time(struct event_talk *talk, str utc)
{
    enum { BEHIND_US = 1500000 };
    int64_t at_us = 0, written_us = talk->at_us;
    if (!utc_of(utc, &at_us)) return;
    if (!(talk->assumed & 1u << ASSUMED_TIMEZONE)) {
        if (at_us > written_us) at_us = written_us;
        if (at_us < written_us - BEHIND_US) at_us = written_us - BEHIND_US;
    }
    talk->at_us = at_us;
    talk->assumed &= (uint8_t) ~(1u << ASSUMED_TIMEZONE);
}

/* Which side of an accepted connection is the computer's own, by the names given. */
static enum side named_side(const struct event_talk *talk, const str *v)
{
    str computer = talk->event->computer, host, domain;
    str_cut(computer, '.', &host, &domain);
    bool source =
        str_equal_nocase(v[SOURCE_NAME], computer) || str_equal_nocase(v[SOURCE_NAME], host);
    bool destination = str_equal_nocase(v[DESTINATION_NAME], computer) ||
                       str_equal_nocase(v[DESTINATION_NAME], host);
    if (source == destination || !computer.len) return SIDE_UNKNOWN;
    return source ? SIDE_SOURCE : SIDE_DESTINATION;
}

/* Sysmon 3. Initiated: the source is the computer's own side and the client. Else the computer
 * accepted it, and source may be either side. */
void event_connection_sysmon(struct event_talk *talk, const str *v)
{
    struct sides s;
    bool is_guess = false, initiated = str_equal_nocase(v[INITIATED], S("true"));
    tell_sysmon_time(talk, v[UTC_TIME]);
    if (!sides_of(v, &s)) return;
    enum side server = server_of(&s, initiated ? SIDE_DESTINATION : named_side(talk, v), &is_guess);
    if (server == SIDE_UNKNOWN) return;
    struct observation fact = connection_of(talk, &s, server, is_guess, OUTCOME_ESTABLISHED);
    enum side own = initiated ? SIDE_SOURCE : server;
    bool own_known = initiated || (s.transport == TRANSPORT_TCP && !is_guess);
    str user = {0};
    if (initiated && server == SIDE_DESTINATION && !str_equal_nocase(v[IMAGE], S("System")))
        user = event_talk_user(talk, (str){0}, v[USER_NAME]);
    /* Services go by the machine's account. */
    if (str_starts(user, S("NT AUTHORITY\\"))) user = (str){0};
    fact.users = event_talk_one(&user);
    talk->sink.observation(talk->sink.to, &fact);
    if (!own_known) return;
    event_talk_local(talk, own == SIDE_SOURCE ? s.source : s.destination);
    /* The other side's name is what a reverse look-up gave. */
    event_talk_identity(talk, own == SIDE_SOURCE ? s.destination : s.source,
                        v[own == SIDE_SOURCE ? DESTINATION_NAME : SOURCE_NAME], IDENTITY_DNS);
    if (own == server && s.transport == TRANSPORT_TCP)
        event_talk_reached(talk, fact.client.addr, fact.client_port, fact.port);
}
