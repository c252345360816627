/* SPDX-License-Identifier: Apache-2.0 */
/* Cisco ASA, PIX, FWSM and Firepower Threat Defense ("Cisco ASA Series Syslog Messages"; "Cisco
 * Secure Firewall Threat Defense Syslog Messages"): %ASA-level-number: sentence. Each number has
 * its own sentence; what is read of them are the two ends, and around them what the table below
 * says. An end is interface:address/port (real address; the mapped one stands in parentheses
 * behind it) or interface/address(port); an address may be a name that the device was told.
 */
#include "evidence/syslog.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const str marks[] = {T("%ASA-"), T("%FTD-"), T("%PIX-"), T("%FWSM-")};

/* Which end opened the connection. */
enum opener {
    OPENER_FIRST,     /* the sentence names the sender first */
    OPENER_DIRECTION, /* "inbound": the first; "outbound": the second */
    OPENER_UNKNOWN,
};

enum shape {
    SHAPE_ENDS,     /* ... <front> END <middle> END ... */
    SHAPE_ACL,      /* the verdict is a word: access-list NAME permitted tcp END -> END hit-cnt N */
    SHAPE_TEARDOWN, /* ... duration h:mm:ss bytes N */
    SHAPE_PAIRS,    /* SrcIP: a, DstIP: b, ... */
};

struct message {
    uint32_t number;
    enum shape shape;
    /* The words before the first and the second end; the protocol is a word of the sentence. */
    str front, middle;
    enum outcome outcome;
    enum opener opener;
};

#define BLOCKED OUTCOME_BLOCKED
#define ALLOWED OUTCOME_ALLOWED
static const struct message messages[] = {
    {106001, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {106006, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {106007, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {106010, SHAPE_ENDS,     T(" src "),  T(" dst "), BLOCKED,      OPENER_FIRST    },
    {106015, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_UNKNOWN  },
    {106023, SHAPE_ENDS,     T(" src "),  T(" dst "), BLOCKED,      OPENER_FIRST    },
    {106100, SHAPE_ACL,      T(""),       T("-> "),   OUTCOME_NONE, OPENER_FIRST    },
    {106102, SHAPE_ACL,      T(""),       T("-> "),   OUTCOME_NONE, OPENER_FIRST    },
    {106103, SHAPE_ACL,      T(""),       T("-> "),   OUTCOME_NONE, OPENER_FIRST    },
    {302013, SHAPE_ENDS,     T(" for "),  T(" to "),  ALLOWED,      OPENER_DIRECTION},
    {302014, SHAPE_TEARDOWN, T(" for "),  T(" to "),  ALLOWED,      OPENER_UNKNOWN  },
    {302015, SHAPE_ENDS,     T(" for "),  T(" to "),  ALLOWED,      OPENER_DIRECTION},
    {302016, SHAPE_TEARDOWN, T(" for "),  T(" to "),  ALLOWED,      OPENER_UNKNOWN  },
    {302303, SHAPE_ENDS,     T(" from "), T(" to "),  ALLOWED,      OPENER_FIRST    },
    {302304, SHAPE_TEARDOWN, T(" from "), T(" to "),  ALLOWED,      OPENER_FIRST    },
    {338002, SHAPE_ENDS,     T(" from "), T(" to "),  ALLOWED,      OPENER_FIRST    },
    {338004, SHAPE_ENDS,     T(" from "), T(" to "),  ALLOWED,      OPENER_FIRST    },
    {338006, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {338008, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {430002, SHAPE_PAIRS,    T(""),       T(""),      OUTCOME_NONE, OPENER_FIRST    },
    {430003, SHAPE_PAIRS,    T(""),       T(""),      OUTCOME_NONE, OPENER_FIRST    },
    {434002, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {710002, SHAPE_ENDS,     T(" from "), T(" to "),  ALLOWED,      OPENER_FIRST    },
    {710003, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
    {710005, SHAPE_ENDS,     T(" from "), T(" to "),  BLOCKED,      OPENER_FIRST    },
};

static const struct syslog_word verdicts[] = {
    {T("permitted"),   OUTCOME_ALLOWED},
    {T("est-allowed"), OUTCOME_ALLOWED},
    {T("denied"),      OUTCOME_BLOCKED},
};

static size_t mark_of(str message, size_t *mark_len)
{
    const char *percent = message.len ? memchr(message.ptr, '%', message.len) : NULL;
    for (; percent;
         percent = memchr(percent + 1, '%', (size_t)(message.ptr + message.len - percent) - 1)) {
        str rest = str_tail(message, (size_t)(percent - message.ptr));
        for (size_t i = 0; i < COUNT_OF(marks); i++) {
            if (!str_starts(rest, marks[i])) continue;
            *mark_len = marks[i].len;
            return (size_t)(percent - message.ptr);
        }
        if (rest.len < 2) break;
    }
    return message.len;
}

static bool cisco_asa_claims(str message)
{
    size_t mark_len = 0;
    return mark_of(message, &mark_len) < message.len;
}

/* "4-106023: " or "session-5-106100: ", also without the colon. */
static bool number_of(str *rest, uint32_t *out)
{
    size_t n = 0;
    uint64_t value = 0;
    str word;
    while (n < rest->len && rest->ptr[n] != ':' && rest->ptr[n] != ' ')
        n++;
    word = str_head(*rest, n);
    for (str head, tail; str_cut(word, '-', &head, &tail);)
        word = tail;
    if (!str_u64(word, 999999, &value)) return false;
    *out = (uint32_t)value;
    *rest = str_tail(*rest, n);
    if (rest->len && rest->ptr[0] == ':') *rest = str_tail(*rest, 1);
    return true;
}

struct end {
    struct endpoint at;
    uint16_t port;
    bool has_port;
    str user; /* "(LOCAL\alice)" behind it */
};

/* The user in the parentheses that stand directly behind an end, or behind its mapped address. */
static str user_of(str rest)
{
    for (unsigned i = 0; i < 2; i++) {
        str inside, open;
        rest = str_trim(rest);
        if (!rest.len || rest.ptr[0] != '(') break;
        if (!str_cut(str_tail(rest, 1), ')', &inside, &rest)) break;
        if (!str_cut(inside, '\\', &open, &inside)) continue;
        return str_equal(open, S("LOCAL")) ? inside : (str){open.ptr, open.len + 1 + inside.len};
    }
    return (str){0};
}

static bool name_or_address(str text, struct endpoint *out)
{
    /* An IPv6 address is whole; before any other stands the interface and a colon. */
    if (addr_parse(text, &out->addr)) return !addr_is_none(out->addr);
    str head, tail = text;
    str_cut(text, ':', &head, &tail);
    return syslog_endpoint(tail.len ? tail : text, out);
}

static size_t length_of_port(str text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] != ' ' && text.ptr[n] != '(' && text.ptr[n] != ')' &&
           text.ptr[n] != ',')
        n++;
    return n;
}

/* "inside:10.1.2.30/63016", "10.1.2.30/445"; of access lists "inside/10.1.2.16(2241)". *rest is
 * what follows. */
static bool take_end(str *rest, bool in_parens, struct end *out)
{
    struct end end = {0};
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != ' ')
        n++;
    str word = str_head(*rest, n), behind = str_tail(*rest, n);
    size_t slash = syslog_find(word, S("/"));
    str address = str_head(word, slash);
    if (slash < n) {
        str port = str_tail(*rest, slash + 1);
        if (in_parens) {
            size_t open = syslog_find(word, S("("));
            address = str_tail(str_head(word, open), slash + 1);
            port = str_tail(*rest, open + 1);
        }
        size_t port_len = length_of_port(port);
        if (!syslog_port(str_head(port, port_len), &end.port)) return false;
        end.has_port = true;
        behind = str_tail(port, port_len + (in_parens ? 1 : 0));
    }
    if (!name_or_address(address, &end.at)) return false;
    end.user = user_of(behind);
    *rest = behind;
    *out = end;
    return true;
}

/* "1:23:45" hours, minutes, seconds. */
static bool duration_of(str text, int64_t *out_us)
{
    uint64_t part[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        str head;
        bool more = str_cut(text, ':', &head, &text);
        if (more != (i < 2) || !str_u64(head, i ? 59 : 99999, &part[i])) return false;
    }
    *out_us = (int64_t)(part[0] * 3600 + part[1] * 60 + part[2]) * INSTANT_SECOND;
    return true;
}

/* The word behind the first `name`. */
static str word_behind(str text, str name)
{
    str word, rest;
    str_cut(str_tail(text, syslog_find(text, name) + name.len), ' ', &word, &rest);
    return word;
}

/* The protocol is the first word of the sentence that is one. */
static enum transport transport_of(str sentence)
{
    for (str word, rest = sentence; rest.len;) {
        str_cut(rest, ' ', &word, &rest);
        enum transport transport = syslog_transport(word);
        if (transport != TRANSPORT_NONE && word.len > 2) return transport;
    }
    return TRANSPORT_NONE;
}

static void tell(struct syslog *log, const struct message *message, str sentence,
                 const struct syslog_flow *found, const struct end *first, const struct end *second)
{
    struct syslog_flow flow = *found;
    bool swapped = message->opener == OPENER_DIRECTION &&
                   syslog_find(sentence, S(" outbound ")) < sentence.len;
    const struct end *source = swapped ? second : first, *destination = swapped ? first : second;
    flow.source = source->at;
    flow.source_port = source->port;
    flow.destination = destination->at;
    flow.destination_port = destination->port;
    flow.user = source->user;
    flow.opener = message->opener == OPENER_UNKNOWN ? SYSLOG_OPENER_UNKNOWN : SYSLOG_OPENER_SOURCE;
    syslog_tell(log, &flow);
}

/* "SrcIP: 10.10.4.7, DstIP: ..." */
static str pair_value(str text, str name)
{
    for (size_t at = 0; at < text.len;) {
        size_t found = at + syslog_find(str_tail(text, at), name);
        if (found >= text.len) break;
        str behind = str_tail(text, found + name.len);
        if ((!found || text.ptr[found - 1] == ' ' || text.ptr[found - 1] == ',') &&
            str_starts(behind, S(": "))) {
            str value = str_tail(behind, 2);
            size_t end = syslog_find(value, S(", "));
            return str_trim(str_head(value, end));
        }
        at = found + name.len;
    }
    return (str){0};
}

static uint64_t count_of(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX / 2, &value) ? value : 0;
}

/* 430002 begins a connection, 430003 ends it with its bytes. */
static void read_pairs(struct syslog *log, const struct syslog_line *line, str text, bool cut)
{
    enum syslog_time kind = line->kind, first_kind = kind;
    int64_t first_us = 0;
    str action = pair_value(text, S("AccessControlRuleAction"));
    struct syslog_flow flow = {
        .transport = syslog_transport(pair_value(text, S("Protocol"))),
        .outcome = syslog_action(SYSLOG_ANY_PRODUCT, action),
        .opener = SYSLOG_OPENER_SOURCE,
        .first_us = line->at_us,
        .last_us = line->at_us,
        .sent = count_of(pair_value(text, S("InitiatorBytes"))),
        .received = count_of(pair_value(text, S("ResponderBytes"))),
    };
    str user = pair_value(text, S("User"));
    if (!str_equal(user, S("No Authentication Required")) && !str_equal(user, S("Unknown")) &&
        !str_equal(user, S("Not Found")))
        flow.user = user;
    if (syslog_line_time(syslog_clock(log), pair_value(text, S("FirstPacketSecond")), &first_kind,
                         &first_us)) {
        kind = first_kind;
        flow.first_us = first_us;
        uint64_t seconds = count_of(pair_value(text, S("ConnectionDuration")));
        flow.last_us = first_us + (seconds < UINT32_MAX ? (int64_t)seconds * INSTANT_SECOND : 0);
    }
    syslog_record(log, (str){0}, kind, flow.last_us);
    if (flow.transport == TRANSPORT_NONE) return;
    if (!addr_parse(pair_value(text, S("SrcIP")), &flow.source.addr) ||
        !addr_parse(pair_value(text, S("DstIP")), &flow.destination.addr) ||
        !syslog_port(pair_value(text, S("SrcPort")), &flow.source_port) ||
        !syslog_port(pair_value(text, S("DstPort")), &flow.destination_port) ||
        (cut && flow.outcome == OUTCOME_NONE)) {
        syslog_skip(log, S("expected SrcIP, DstIP, SrcPort and DstPort"));
        return;
    }
    syslog_tell(log, &flow);
}

static void read_sentence(struct syslog *log, const struct syslog_line *line,
                          const struct message *message, str sentence)
{
    struct end first = {0}, second = {0};
    struct syslog_flow flow = {
        .transport = transport_of(sentence),
        .outcome = message->outcome,
        .first_us = line->at_us,
        .last_us = line->at_us,
    };
    syslog_record(log, (str){0}, line->kind, line->at_us);
    if (flow.transport == TRANSPORT_NONE) return; /* ICMP, GRE, ESP */
    str rest = sentence;
    if (message->shape == SHAPE_ACL) {
        /* access-list NAME permitted tcp [for user 'U'] END -> END */
        str word;
        for (size_t i = 0; i < 3; i++) {
            str_cut(rest, ' ', &word, &rest);
            if (i == 2) flow.outcome = syslog_outcome(verdicts, COUNT_OF(verdicts), word);
            while (rest.len && rest.ptr[0] == ' ')
                rest = str_tail(rest, 1);
        }
        str_cut(rest, ' ', &word, &rest);
        if (str_starts(rest, S("for user "))) {
            str_cut(str_tail(rest, 9), ' ', &word, &rest);
        }
    } else {
        size_t at = syslog_find(rest, message->front);
        rest = str_tail(rest, at + message->front.len);
    }
    bool in_parens = message->shape == SHAPE_ACL;
    bool good = take_end(&rest, in_parens, &first);
    if (good) {
        rest = str_tail(rest, syslog_find(rest, message->middle) + message->middle.len);
        good = take_end(&rest, in_parens, &second);
    }
    if (!good || !first.has_port || !second.has_port) {
        syslog_skip(log, S("expected two ends of the form interface:address/port"));
        return;
    }
    if (message->shape == SHAPE_ACL) {
        uint64_t hits = 0;
        if (str_u64(word_behind(rest, S("hit-cnt ")), UINT32_MAX, &hits)) flow.count = hits;
    }
    if (message->shape == SHAPE_TEARDOWN) {
        int64_t duration_us = 0;
        flow.closes = true;
        if (duration_of(word_behind(rest, S("duration ")), &duration_us))
            flow.first_us -= duration_us;
        flow.bytes = count_of(word_behind(rest, S("bytes ")));
    }
    size_t flags = syslog_find(rest, S(" flags "));
    if (flags < rest.len && flow.transport == TRANSPORT_TCP)
        flow.within = syslog_find(str_tail(rest, flags), S("SYN")) == rest.len - flags;
    tell(log, message, sentence, &flow, &first, &second);
}

static void cisco_asa_read(struct syslog *log, const struct syslog_line *line, bool cut)
{
    size_t mark_len = 0;
    uint32_t number = 0;
    size_t at = mark_of(line->message, &mark_len);
    str rest = str_tail(line->message, at + mark_len);
    if (!number_of(&rest, &number)) {
        syslog_skip(log, S("expected a message number behind %ASA-"));
        return;
    }
    rest = str_trim(rest);
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        if (messages[i].number != number) continue;
        if (messages[i].shape == SHAPE_PAIRS)
            read_pairs(log, line, rest, cut);
        else
            read_sentence(log, line, &messages[i], rest);
        return;
    }
    syslog_record(log, (str){0}, line->kind, line->at_us);
}

const struct syslog_dialect cisco_asa_dialect = {cisco_asa_claims, cisco_asa_read};

static bool cisco_asa_recognise(bytes head)
{
    return syslog_recognise(head, &cisco_asa_dialect);
}

const struct reader cisco_asa_reader =
    SYSLOG_READER("cisco-asa", "Cisco ASA and Firepower logs", cisco_asa_recognise);
