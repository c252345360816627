/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log server's file: header, then the message of one of the dialects below. Lines that
 * none claims (sshd, cron) are not records of a firewall and are passed over in silence.
 */
#include "evidence/syslog.h"

#include "base/hash.h"
#include "evidence/text_lines.h"

extern const struct syslog_dialect cef_dialect, cisco_asa_dialect, fortigate_dialect,
    kernel_log_dialect, leef_dialect, panos_dialect;

/* In the order of asking: those with a mark of their own first. CEF and LEEF carry other products'
 * words, so they come before those. */
static const struct syslog_dialect *const dialects[] = {
    &cef_dialect,   &leef_dialect,      &cisco_asa_dialect,
    &panos_dialect, &fortigate_dialect, &kernel_log_dialect,
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* What a log says when it leaves lines out: the kernel's rate limit, journald, rsyslog. */
static const struct {
    str text, also;
} losses[] = {
    {T("callbacks suppressed"), T("")      },
    {T("messages suppressed"),  T("")      },
    {T("kernel messages"),      T("Missed")}, /* journald */
    {T("due to rate-limiting"), T("lost")  }, /* rsyslog */
    {T("due to rate-limiting"), T("drop")  },
};

static const struct {
    str text;
    uint16_t port;
} port_words[] = {
    {T("netbios-ns"),    137 },
    {T("netbios-dgm"),   138 },
    {T("netbios-ssn"),   139 },
    {T("nbname"),        137 },
    {T("nbdatagram"),    138 },
    {T("nbsession"),     139 },
    {T("microsoft-ds"),  445 },
    {T("cifs"),          445 },
    {T("smb"),           445 },
    {T("loc-srv"),       135 },
    {T("epmap"),         135 },
    {T("msrpc"),         135 },
    {T("ssh"),           22  },
    {T("sunrpc"),        111 },
    {T("nfs"),           2049},
    {T("rdp"),           3389},
    {T("ms-wbt-server"), 3389},
};

/* What firewalls call it. Words of every product first; then those that mean something only in one
 * product's logs of sessions: FortiOS Log Reference, Traffic, field action (a session that ended,
 * however it ended, had been let through; "ip-conn" had and got no answer); PAN-OS Traffic Log
 * Fields, Action. */
static const struct syslog_word actions[] = {
    {T("allow"),             OUTCOME_ALLOWED},
    {T("allowed"),           OUTCOME_ALLOWED},
    {T("accept"),            OUTCOME_ALLOWED},
    {T("accepted"),          OUTCOME_ALLOWED},
    {T("permit"),            OUTCOME_ALLOWED},
    {T("permitted"),         OUTCOME_ALLOWED},
    {T("pass"),              OUTCOME_ALLOWED},
    {T("passed"),            OUTCOME_ALLOWED},
    {T("passthrough"),       OUTCOME_ALLOWED},
    {T("forward"),           OUTCOME_ALLOWED},
    {T("forwarded"),         OUTCOME_ALLOWED},
    {T("trust"),             OUTCOME_ALLOWED},
    {T("fastpath"),          OUTCOME_ALLOWED},
    {T("encrypt"),           OUTCOME_ALLOWED},
    {T("decrypt"),           OUTCOME_ALLOWED},
    {T("built"),             OUTCOME_ALLOWED},
    {T("deny"),              OUTCOME_BLOCKED},
    {T("denied"),            OUTCOME_BLOCKED},
    {T("drop"),              OUTCOME_BLOCKED},
    {T("dropped"),           OUTCOME_BLOCKED},
    {T("silent drop"),       OUTCOME_BLOCKED},
    {T("block"),             OUTCOME_BLOCKED},
    {T("blocked"),           OUTCOME_BLOCKED},
    {T("block with reset"),  OUTCOME_BLOCKED},
    {T("interactive block"), OUTCOME_BLOCKED},
    {T("reject"),            OUTCOME_BLOCKED},
    {T("rejected"),          OUTCOME_BLOCKED},
    {T("refuse"),            OUTCOME_BLOCKED},
    {T("refused"),           OUTCOME_BLOCKED},
    {T("discard"),           OUTCOME_BLOCKED},
    {T("discarded"),         OUTCOME_BLOCKED},
    {T("prevent"),           OUTCOME_BLOCKED},
    {T("prevented"),         OUTCOME_BLOCKED},
};
static const struct syslog_word fortinet_actions[] = {
    {T("start"),      OUTCOME_ALLOWED},
    {T("close"),      OUTCOME_ALLOWED},
    {T("timeout"),    OUTCOME_ALLOWED},
    {T("ip-conn"),    OUTCOME_ALLOWED},
    {T("dns"),        OUTCOME_ALLOWED},
    {T("client-rst"), OUTCOME_ALLOWED},
    {T("server-rst"), OUTCOME_ALLOWED},
};
static const struct syslog_word palo_alto_actions[] = {
    {T("drop-icmp"),    OUTCOME_BLOCKED},
    {T("drop icmp"),    OUTCOME_BLOCKED},
    {T("reset-both"),   OUTCOME_BLOCKED},
    {T("reset both"),   OUTCOME_BLOCKED},
    {T("reset-client"), OUTCOME_BLOCKED},
    {T("reset client"), OUTCOME_BLOCKED},
    {T("reset-server"), OUTCOME_BLOCKED},
    {T("reset server"), OUTCOME_BLOCKED},
};

struct syslog {
    struct fact_sink sink;
    struct text_lines *lines;
    struct syslog_clock clock;
    struct arena scratch;
    const struct text_line *text;
    struct syslog_line line;
    uint8_t assumed; /* by the time of the record told last */
};

struct syslog_clock *syslog_clock(struct syslog *log)
{
    return &log->clock;
}

struct arena *syslog_scratch(struct syslog *log)
{
    return &log->scratch;
}

size_t syslog_find(str s, str part)
{
    if (s.len < part.len || !part.len) return s.len;
    const char *at = s.ptr, *end = s.ptr + s.len;
    while ((size_t)(end - at) >= part.len) {
        at = memchr(at, part.ptr[0], (size_t)(end - at) - part.len + 1);
        if (!at) break;
        if (memcmp(at, part.ptr, part.len) == 0) return (size_t)(at - s.ptr);
        at++;
    }
    return s.len;
}

enum outcome syslog_outcome(const struct syslog_word *words, size_t n, str word)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal_nocase(words[i].text, word)) return words[i].outcome;
    return OUTCOME_NONE;
}

enum transport syslog_transport(str text)
{
    if (str_equal_nocase(text, S("tcp")) || str_equal(text, S("6"))) return TRANSPORT_TCP;
    if (str_equal_nocase(text, S("udp")) || str_equal(text, S("17"))) return TRANSPORT_UDP;
    return TRANSPORT_NONE;
}

enum outcome syslog_action(enum syslog_product product, str word)
{
    enum outcome outcome = syslog_outcome(actions, COUNT_OF(actions), word);
    if (outcome != OUTCOME_NONE) return outcome;
    switch (product) {
    case SYSLOG_ANY_PRODUCT:
        return OUTCOME_NONE;
    case SYSLOG_FORTINET:
        return syslog_outcome(fortinet_actions, COUNT_OF(fortinet_actions), word);
    case SYSLOG_PALO_ALTO:
        return syslog_outcome(palo_alto_actions, COUNT_OF(palo_alto_actions), word);
    }
    return OUTCOME_NONE;
}

static bool is_name_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_';
}

bool syslog_endpoint(str text, struct endpoint *out)
{
    struct endpoint end = {0};
    if (addr_parse(text, &end.addr)) {
        if (addr_is_none(end.addr)) return false;
        *out = end;
        return true;
    }
    if (!text.len || text.len > LIMIT_NAME_BYTES) return false;
    bool letters = false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_char(text.ptr[i])) return false;
        letters = letters || (text.ptr[i] >= 'A' && text.ptr[i] != '_');
    }
    if (!letters) return false; /* an address out of range, a dash */
    *out = (struct endpoint){.name = text};
    return true;
}

bool syslog_port(str text, uint16_t *out)
{
    uint64_t value = 0;
    *out = 0;
    if (str_u64(text, UINT16_MAX, &value)) {
        *out = (uint16_t)value;
        return true;
    }
    if (!text.len || (text.ptr[0] >= '0' && text.ptr[0] <= '9')) return false;
    for (size_t i = 0; i < COUNT_OF(port_words); i++)
        if (str_equal_nocase(port_words[i].text, text)) *out = port_words[i].port;
    return true;
}

bool syslog_pair(str *rest, char separator, str *key, str *value)
{
    str s = *rest;
    const char *equals = s.len ? memchr(s.ptr, '=', s.len) : NULL;
    if (!equals) return false;
    const char *start = equals;
    while (start > s.ptr && start[-1] != separator && start[-1] != ' ')
        start--;
    *key = (str){start, (size_t)(equals - start)};
    s = str_tail(s, (size_t)(equals - s.ptr) + 1);
    if (!s.len || s.ptr[0] != '"') {
        str_cut(s, separator, value, rest);
        return true;
    }
    size_t i = 1;
    while (i < s.len && s.ptr[i] != '"')
        i += s.ptr[i] == '\\' && i + 1 < s.len ? 2 : 1;
    *value = str_tail(str_head(s, i), 1);
    *rest = str_tail(s, i + 1);
    return true;
}

void syslog_skip(struct syslog *log, str reason)
{
    const struct text_line *text = log->text;
    log->sink.skip(log->sink.to, &(struct skip){text->offset, text->length,
                                                text->cut ? S("the line is cut") : reason});
}

/* Can this be one machine's own address? Not what everyone listens to; nearly all directed
 * broadcasts end in 255. */
static bool is_own(struct addr a)
{
    if (addr_is_none(a)) return false;
    if (!addr_is_v4(a)) return a.hi >> 56 != 0xFF && !(a.hi == 0 && a.lo == 1);
    uint32_t value = addr_v4_value(a);
    return value && value >> 24 != 127 && value >> 28 < 0xE && (value & 0xFF) != 0xFF;
}

void syslog_local_address(struct syslog *log, struct addr addr)
{
    /* A line that names its host needs no such hint, and a server's file has many hosts. */
    if (!log->line.host.len && is_own(addr)) log->sink.local_address(log->sink.to, addr);
}

void syslog_record(struct syslog *log, str origin, enum syslog_time kind, int64_t at_us)
{
    if (!origin.len) origin = log->line.host;
    log->sink.origin(log->sink.to, str_utf8(&log->scratch, origin)); /* also that none is said */
    log->assumed = 0;
    if (kind == SYSLOG_LOCAL) log->assumed = 1u << ASSUMED_TIMEZONE;
    if (kind == SYSLOG_UPTIME || kind == SYSLOG_NO_TIME) log->assumed = 1u << ASSUMED_CLOCK;
    bool has_date = kind == SYSLOG_LOCAL || kind == SYSLOG_INSTANT;
    log->sink.record(log->sink.to, has_date ? at_us : 0);
}

static bool is_service(enum transport transport, uint16_t port)
{
    return service_by_port(service_builtin, transport, port) != SERVICE_NONE;
}

bool syslog_concerns(const struct syslog_flow *flow)
{
    return flow->transport != TRANSPORT_NONE &&
           (is_service(flow->transport, flow->destination_port) ||
            is_service(flow->transport, flow->source_port));
}

/* The side on a service's port is the server, whatever the record calls source: answers are logged
 * too. On two such ports who opened it is the client. */
void syslog_tell(struct syslog *log, const struct syslog_flow *flow)
{
    if (!syslog_concerns(flow)) return;
    bool to_service = is_service(flow->transport, flow->destination_port);
    bool from_service = is_service(flow->transport, flow->source_port);
    bool both = to_service && from_service;
    bool answer = both ? flow->opener == SYSLOG_OPENER_DESTINATION : from_service;
    bool guessed = both && flow->opener == SYSLOG_OPENER_UNKNOWN;
    struct observation fact = {
        .client = answer ? flow->destination : flow->source,
        .server = answer ? flow->source : flow->destination,
        .transport = flow->transport,
        .client_port = answer ? flow->destination_port : flow->source_port,
        .port = answer ? flow->source_port : flow->destination_port,
        .first_us = flow->first_us < flow->last_us ? flow->first_us : flow->last_us,
        .last_us = flow->last_us,
        .count = flow->count ? flow->count : 1,
        .bytes_to_server = answer ? flow->received : flow->sent,
        .bytes_to_client = answer ? flow->sent : flow->received,
        .outcome = flow->outcome,
        .closes = flow->closes,
        .within = flow->within,
        .profile = PROFILE_UNKNOWN,
        .assumed = (uint8_t)(log->assumed | (guessed ? 1u << ASSUMED_SERVER : 0u)),
        .offset = log->text->offset,
    };
    if (flow->bytes) {
        fact.bytes_to_client = flow->bytes;
        fact.assumed |= 1u << ASSUMED_DIRECTION;
    }
    fact.client.name = str_utf8(&log->scratch, fact.client.name);
    fact.server.name = str_utf8(&log->scratch, fact.server.name);
    str user = str_utf8(&log->scratch, flow->user);
    if (user.len && !answer) fact.users = (struct names){&user, 1};
    log->sink.line_hash(log->sink.to, hash_bytes(str_bytes(log->text->text)));
    log->sink.observation(log->sink.to, &fact);
}

/* Without its end when that could be the front of a longer number or address. */
static str without_partial(str text)
{
    static const char numeric[] = "0123456789.:/ABCDEFabcdef";
    enum { SURE = 13 }; /* the letters alone may end a word: "close" */
    size_t n = text.len;
    bool is_number = false;
    for (const char *at; n; n--) {
        at = memchr(numeric, text.ptr[n - 1], sizeof numeric - 1);
        if (!at) break;
        is_number |= at < numeric + SURE;
    }
    return is_number ? str_head(text, n) : text;
}

static void tell_losses(struct syslog *log, str message)
{
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        if (syslog_find(message, losses[i].text) == message.len ||
            (losses[i].also.len && syslog_find(message, losses[i].also) == message.len))
            continue;
        char reason[160];
        str what = str_utf8(&log->scratch, str_head(message, 100));
        int n = snprintf(reason, sizeof reason, "the log says that lines are missing here: %.*s",
                         STR_ARG(what));
        log->sink.skip(log->sink.to, &(struct skip){log->text->offset, log->text->length,
                                                    str_head((str){reason, sizeof reason - 1},
                                                             n > 0 ? (size_t)n : 0)});
        return;
    }
}

static void take_line(void *to, const struct text_line *text)
{
    struct syslog *log = to;
    str whole = text->cut ? without_partial(text->text) : text->text;
    arena_reset(&log->scratch);
    log->text = text;
    syslog_line_read(&log->clock, whole, &log->line);
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        if (!dialects[i]->claims(log->line.message)) continue;
        dialects[i]->read(log, &log->line, text->cut);
        return;
    }
    tell_losses(log, log->line.message);
}

void *syslog_open(struct arena *arena, const struct reader_options *options,
                  const struct fact_sink *sink)
{
    struct syslog *log = arena_new(arena, struct syslog);
    log->sink = *sink;
    log->clock.zone = options->zone;
    log->clock.now_us = options->now_us;
    log->scratch = arena_open("a line of a log", LIMIT_LINE_SCRATCH, NULL);
    log->lines = text_lines_open(arena, sink, take_line, log);
    return log;
}

bool syslog_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct syslog *log = state;
    text_lines_feed(log->lines, window, consumed, want);
    return true;
}

void syslog_close(void *state)
{
    struct syslog *log = state;
    arena_close(&log->scratch);
}

static void syslog_adopt(void *state, const void *lead)
{
    struct syslog *log = state;
    (void)lead; /* each line stands for itself */
    text_lines_adopt(log->lines);
}

const struct reader_splits syslog_splits = {
    .may = text_lines_may_split,
    .cut = text_lines_last,
    .adopt = syslog_adopt,
};

static bool is_text(str line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.ptr[i] < 0x20 && line.ptr[i] != '\t') return false;
    return true;
}

/* A time, a host, and the colon behind the program's name; or what only syslog and dmesg write. */
static bool has_header(str line, const struct syslog_line *read)
{
    enum { HEADER_BYTES = 120 };
    if (!read->message.len || read->kind == SYSLOG_NO_TIME) return false;
    if (read->kind == SYSLOG_UPTIME || line.ptr[0] == '<') return true;
    return read->host.len && str_contains(str_head(line, HEADER_BYTES), S(": "));
}

bool syslog_recognise(bytes head, const struct syslog_dialect *dialect)
{
    char into[TEXT_LINES_HEAD_ROOM];
    struct syslog_clock clock = {0};
    struct syslog_line read;
    str rest = text_lines_head(head, into), line;
    size_t found = 0, lines = 0, broken = 0;
    for (bool whole = false; text_lines_cut(&rest, &line, &whole); lines++) {
        if (!is_text(line)) {
            broken++;
            continue;
        }
        syslog_line_read(&clock, line, &read);
        if (dialect)
            found += dialect->claims(read.message);
        else if (line.ptr[0] == '#')
            return false; /* a table of Microsoft's or of Zeek's */
        else
            found += whole && has_header(line, &read);
    }
    if (!dialect) return found >= 2 && 2 * found > lines && !broken;
    return found && 8 * broken <= lines;
}

static bool is_syslog(bytes head)
{
    return syslog_recognise(head, NULL);
}

/* The last to be asked: times at the front of lines, none of them a firewall's yet. */
const struct reader syslog_reader =
    SYSLOG_READER("syslog", "syslog files that may hold firewalls' lines", is_syslog);
