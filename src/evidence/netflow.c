/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/netflow.h"

#include "base/instant.h"
#include "base/limits.h"
#include "base/map.h"
#include "evidence/netflow_record.h"
#include "evidence/sflow.h"

enum {
    SET_HEADER = 4,
    V9_TEMPLATES = 0,
    V9_OPTIONS = 1,
    IPFIX_TEMPLATES = 2,
    IPFIX_OPTIONS = 3,
    FIRST_DATA_SET = 256,
    FIELD = 4, /* bytes of a field in a template of NetFlow 9 */
    /* Sequence numbers: a datagram this much late was overtaken; a larger step back, or one ahead
     * that nobody would believe, is an exporter that started anew. */
    LATE_MOST = 10000,
    LOST_MOST = 10000000,
};

/* What one exporter's observation domain (source, engine, sub-agent) said of itself. */
struct domain {
    struct addr exporter;
    unsigned version;
    uint32_t id, vantage;
    bool is_sampled;
    uint64_t boot_ms;
    bool has_sequence;
    uint32_t next_sequence;
    uint64_t lost, lost_at; /* and the offset of the first gap */
};

/* A set of data whose template was not seen yet: read when it comes. */
struct netflow_waiting {
    struct netflow_waiting *next;
    struct netflow_datagram datagram; /* without its data */
    struct netflow_record_clock clock;
    bytes body;
    uint64_t offset;
};

struct netflow {
    struct fact_sink sink;
    struct arena *arena;
    struct flow_pairs *pairs;
    struct map domain_numbers, template_numbers;
    struct domain *domains;
    size_t n_domains, domains_room;
    struct netflow_template *templates; /* LIMIT_NETFLOW_TEMPLATES */
    size_t n_templates;
    uint64_t waiting_bytes; /* all that ever waited */
    /* For which there was no room: */
    uint64_t lost_datagrams, lost_templates;
};

/* One datagram in hand. */
struct export
{
    struct netflow *netflow;
    const struct netflow_datagram *datagram;
    struct domain *domain;
    struct netflow_record_clock clock;
    unsigned version;
    uint8_t assumed;
    uint64_t units; /* what its sequence number counts: flows, records or datagrams */
    bool units_unknown;
};

static void skip(const struct export *e, uint64_t offset, uint64_t length, const char *format, ...)
    FORMAT_PRINTF(4, 5);
static void skip(const struct export *e, uint64_t offset, uint64_t length, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n < 0) return;
    struct skip fact = {
        .offset = e->datagram->in_capture ? e->datagram->offset : offset,
        .length = e->datagram->in_capture ? 0 : length,
        .reason = {text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1},
    };
    e->netflow->sink.skip(e->netflow->sink.to, &fact);
}

/* ---- Exporters ---------------------------------------------------------------------------------
 */

static uint32_t vantage_of(struct netflow *netflow, struct addr exporter)
{
    char text[ADDR_TEXT];
    if (addr_is_none(exporter)) return 0;
    return flow_pairs_vantage(netflow->pairs, addr_text(text, exporter));
}

/* NULL when there is no room for another. */
static struct domain *domain_of(struct netflow *netflow, struct addr exporter, unsigned version,
                                uint32_t id)
{
    uint8_t key[22];
    addr_to_bytes(exporter, key);
    for (unsigned i = 0; i < 4; i++)
        key[16 + i] = (uint8_t)(id >> (8 * i));
    key[20] = (uint8_t)version;
    key[21] = 0;
    str text = str_of_bytes((bytes){key, sizeof key});
    const uint64_t *known = map_find(&netflow->domain_numbers, text);
    if (known) return &netflow->domains[*known];
    if (netflow->n_domains == LIMIT_NETFLOW_DOMAINS) {
        netflow->lost_datagrams++;
        return NULL;
    }
    map_put(&netflow->domain_numbers, netflow->arena, text, netflow->n_domains, NULL);
    arena_grow(netflow->arena, netflow->domains, netflow->n_domains, netflow->domains_room);
    struct domain *domain = &netflow->domains[netflow->n_domains++];
    *domain = (struct domain){
        .exporter = exporter,
        .version = version,
        .id = id,
        .vantage = vantage_of(netflow, exporter),
    };
    return domain;
}

static struct netflow_template *template_of(struct export *e, uint16_t id)
{
    struct netflow *netflow = e->netflow;
    uint64_t number = (uint64_t)(e->domain - netflow->domains) << 16 | id;
    uint8_t key[8];
    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(number >> (8 * i));
    str text = str_of_bytes((bytes){key, sizeof key});
    const uint64_t *known = map_find(&netflow->template_numbers, text);
    if (known) return &netflow->templates[*known];
    if (netflow->n_templates == LIMIT_NETFLOW_TEMPLATES) {
        netflow->lost_templates++;
        return NULL;
    }
    map_put(&netflow->template_numbers, netflow->arena, text, netflow->n_templates, NULL);
    struct netflow_template *fresh = &netflow->templates[netflow->n_templates++];
    fresh->domain = (uint32_t)(e->domain - netflow->domains);
    fresh->id = id;
    return fresh;
}

/* sequence: as the datagram says it, before its own units. */
static void count_sequence(struct export *e, uint32_t sequence)
{
    struct domain *domain = e->domain;
    if (domain->has_sequence && sequence != domain->next_sequence) {
        uint32_t ahead = netflow_record_steps(domain->next_sequence, sequence);
        uint32_t back = netflow_record_steps(sequence, domain->next_sequence);
        if (ahead <= LOST_MOST) {
            if (!domain->lost) domain->lost_at = e->datagram->offset;
            domain->lost += ahead;
        } else if (back <= LATE_MOST) {
            domain->lost -= domain->lost < e->units ? domain->lost : e->units;
            return;
        }
    }
    domain->has_sequence = !e->units_unknown;
    domain->next_sequence = (uint32_t)((uint64_t)sequence + e->units);
}

/* ---- Flows -------------------------------------------------------------------------------------
 */

static void tell(struct export *e, struct flow_record *record, struct addr exporter)
{
    struct netflow *netflow = e->netflow;
    if (e->datagram->in_capture) record->offset = e->datagram->offset;
    record->vantage = addr_is_none(exporter) ? e->domain->vantage : vantage_of(netflow, exporter);
    record->assumed = e->assumed;
    if (e->domain->is_sampled) record->is_sampled = true;
    netflow->sink.record(netflow->sink.to, record->last_us);
    if (addr_is_none(record->from) || addr_is_none(record->to)) return;
    flow_pairs_add(netflow->pairs, record);
}

/* A record on ports of no service, told without being read. */
static bool is_of_no_use(struct export *e, const struct netflow_template *t, const uint8_t *record)
{
    uint64_t key[3];
    if (!netflow_template_key(t, record, key)) return false;
    if ((key[0] == TRANSPORT_TCP || key[0] == TRANSPORT_UDP) &&
        flow_pairs_keeps(e->netflow->pairs, (enum transport)key[0], (uint16_t)key[1],
                         (uint16_t)key[2]))
        return false;
    e->netflow->sink.record(e->netflow->sink.to, e->clock.exported_us);
    return true;
}

static void read_options(struct export *e, const struct netflow_values *v)
{
    struct domain *domain = e->domain;
    if (netflow_template_number(v, NETFLOW_SAMPLING) > 1 ||
        netflow_template_number(v, NETFLOW_SAMPLING_SPACE))
        domain->is_sampled = true;
    if (netflow_template_number(v, NETFLOW_BOOT_MS))
        domain->boot_ms = netflow_template_number(v, NETFLOW_BOOT_MS);
    e->clock.boot_ms = domain->boot_ms;
}

static void read_records(struct export *e, const struct netflow_template *t, struct cursor *c)
{
    uint64_t start = cursor_offset(c);
    bytes whole = cursor_bytes(c, cursor_left(c), "set.records"), rest = whole;
    struct netflow_values v;
    /* What is shorter than any record is padding. */
    while (rest.len >= t->least) {
        uint64_t offset = start + (whole.len - rest.len);
        if (e->version == NETFLOW_IPFIX) e->units++;
        if (!t->is_options && is_of_no_use(e, t, rest.ptr)) {
            rest.ptr += t->least;
            rest.len -= t->least;
            continue;
        }
        if (!netflow_template_apply(t, &rest, &v)) {
            skip(e, offset, rest.len, "the set of template %u ends inside a record", t->id);
            return;
        }
        if (t->is_options) {
            read_options(e, &v);
            continue;
        }
        struct flow_record record;
        struct addr exporter;
        netflow_record_flow(t, &v, &e->clock, &record, &exporter);
        record.offset = offset;
        tell(e, &record, exporter);
    }
}

/* ---- Sets --------------------------------------------------------------------------------------
 */

/* Exporters send templates every few minutes, whenever a capture may begin. Only data of a template
 * that was never known waits: after a withdrawal the next may be another. */
static void wait_for(struct export *e, struct netflow_template *t, const struct cursor *body)
{
    struct netflow *netflow = e->netflow;
    size_t n = cursor_left(body);
    if (!t->missed_sets++) {
        t->missed_at = cursor_offset(body);
        t->missed_length = n;
    }
    t->missed_bytes += n;
    uint64_t bytes_needed = n + sizeof(struct netflow_waiting);
    if (t->room || bytes_needed > LIMIT_NETFLOW_WAITING_BYTES - netflow->waiting_bytes) return;
    netflow->waiting_bytes += bytes_needed;
    struct netflow_waiting *waiting = arena_new(netflow->arena, struct netflow_waiting);
    uint8_t *copy = arena_array(netflow->arena, uint8_t, n);
    if (n) memcpy(copy, body->ptr, n);
    *waiting = (struct netflow_waiting){
        .datagram = *e->datagram,
        .clock = e->clock,
        .body = {copy, n},
        .offset = cursor_offset(body),
    };
    waiting->datagram.data = (bytes){0};
    if (t->last_waiting)
        t->last_waiting->next = waiting;
    else
        t->waiting = waiting;
    t->last_waiting = waiting;
}

/* The template came. What found no room stays missed. */
static void read_waiting(struct export *e, struct netflow_template *t)
{
    struct netflow_waiting *waiting = t->waiting;
    t->waiting = t->last_waiting = NULL;
    for (; waiting; waiting = waiting->next) {
        struct export then = {
            .netflow = e->netflow,
            .datagram = &waiting->datagram,
            .domain = e->domain,
            .clock = waiting->clock,
            .version = e->version,
        };
        struct cursor body = cursor_of(waiting->body, waiting->offset);
        then.clock.boot_ms = e->domain->boot_ms;
        t->missed_sets--;
        t->missed_bytes -= waiting->body.len;
        read_records(&then, t, &body);
    }
}

static void withdraw(struct export *e, uint16_t id)
{
    for (size_t i = 0; i < e->netflow->n_templates; i++) {
        struct netflow_template *t = &e->netflow->templates[i];
        bool all = id == IPFIX_TEMPLATES || id == IPFIX_OPTIONS;
        if (&e->netflow->domains[t->domain] != e->domain) continue;
        if (all ? t->is_options == (id == IPFIX_OPTIONS) : t->id == id) t->is_known = false;
    }
}

static void read_templates(struct export *e, struct cursor *c, bool is_options)
{
    while (cursor_left(c) >= SET_HEADER) {
        uint64_t start = cursor_offset(c);
        uint16_t id = cursor_u16be(c, "template.id");
        uint64_t n_fields = cursor_u16be(c, "template.fields");
        if (id == 0 && n_fields == 0) return; /* padding */
        if (e->version == NETFLOW_IPFIX && n_fields == 0) {
            withdraw(e, id);
            continue;
        }
        if (is_options) {
            uint16_t second = cursor_u16be(c, "template.options");
            /* NetFlow 9 says bytes of scope and bytes of options, IPFIX fields and of these scopes.
             */
            if (e->version == NETFLOW_V9) n_fields = (n_fields + second) / FIELD;
        }
        if (id < FIRST_DATA_SET) {
            skip(e, start, cursor_left(c), "template %u: numbers begin at %d", id, FIRST_DATA_SET);
            return;
        }
        struct netflow_template ignored = {0}, *t = template_of(e, id);
        struct arena scratch = *e->netflow->arena;
        bool is_usable = netflow_template_read(c, e->version, (size_t)n_fields, is_options,
                                               t ? e->netflow->arena : &scratch, t ? t : &ignored);
        if (is_usable && t) read_waiting(e, t);
        if (!is_usable)
            skip(e, start, cursor_offset(c) - start,
                 cursor_ok(c) ? "template %u can't be used: its records are empty, longer than a "
                                "set, or of more than %d fields"
                              : "template %u ends inside a field",
                 id, LIMIT_NETFLOW_STEPS);
        if (!cursor_ok(c)) return;
    }
}

static void read_set(struct export *e, uint16_t id, struct cursor *body)
{
    bool is_v9 = e->version == NETFLOW_V9;
    if (id == (is_v9 ? V9_TEMPLATES : IPFIX_TEMPLATES)) {
        read_templates(e, body, false);
    } else if (id == (is_v9 ? V9_OPTIONS : IPFIX_OPTIONS)) {
        read_templates(e, body, true);
    } else if (id >= FIRST_DATA_SET) {
        struct netflow_template *t = template_of(e, id);
        if (t && t->is_known) {
            read_records(e, t, body);
            return;
        }
        e->units_unknown = true;
        if (!t) return;
        wait_for(e, t, body);
    } else {
        skip(e, cursor_offset(body), cursor_left(body), "set %u is of no known kind", id);
    }
}

static void read_sets(struct export *e, struct cursor *c)
{
    while (cursor_left(c) >= SET_HEADER) {
        uint64_t start = cursor_offset(c);
        uint16_t id = cursor_u16be(c, "set.id");
        uint16_t length = cursor_u16be(c, "set.length");
        if (id == 0 && length == 0) return; /* padding */
        if (length < SET_HEADER) {
            skip(e, start, SET_HEADER + cursor_left(c), "a set of %u bytes", length);
            return;
        }
        size_t left = cursor_left(c), size = (size_t)length - SET_HEADER;
        if (size > left)
            skip(e, start, SET_HEADER + left, "the datagram ends inside a set of %u bytes", length);
        struct cursor body = cursor_take(c, size < left ? size : left, "set.body");
        read_set(e, id, &body);
    }
}

/* ---- Datagrams ---------------------------------------------------------------------------------
 */

static int64_t unix_us(uint32_t seconds)
{
    return (int64_t)seconds * INSTANT_SECOND;
}

static bool begin(struct export *e, unsigned version, uint32_t domain)
{
    e->version = version;
    e->domain = domain_of(e->netflow, e->datagram->exporter, version, domain);
    return e->domain;
}

static void read_fixed(struct export *e, struct cursor *c, const struct netflow_cut_form *form)
{
    uint64_t start = cursor_offset(c);
    cursor_skip(c, 2, "netflow.version");
    uint16_t count = cursor_u16be(c, "netflow.count");
    e->clock.uptime_ms = cursor_u32be(c, "netflow.uptime");
    uint32_t seconds = cursor_u32be(c, "netflow.seconds");
    uint32_t nanoseconds = cursor_u32be(c, "netflow.nanoseconds");
    uint32_t sequence = form->has_sequence ? cursor_u32be(c, "netflow.sequence") : 0;
    /* Version 5: engine type and number, sampling; 7: nothing. */
    uint32_t engine = form->has_sequence ? cursor_u32be(c, "netflow.engine") : 0;
    uint32_t interval = form->version == 5 ? engine & 0x3FFF : 0;
    if (!cursor_ok(c)) return;
    if (!begin(e, form->version, form->version == 5 ? engine >> 16 : 0)) return;
    e->clock.has_uptime = true;
    e->clock.exported_us = unix_us(seconds) + nanoseconds / 1000;
    e->units = count;
    if (form->has_sequence) count_sequence(e, sequence);
    for (unsigned i = 0; i < count; i++) {
        struct cursor r = cursor_take(c, form->record, "netflow.record");
        if (!cursor_ok(c)) {
            skip(e, start, c->offset - start, "%u of %u records are missing", count - i, count);
            return;
        }
        struct flow_record record = {.offset = cursor_offset(&r)};
        const uint8_t *at = r.ptr;
        record.from = addr_v4(cursor_u32be(&r, "record.from"));
        record.to = addr_v4(cursor_u32be(&r, "record.to"));
        cursor_skip(&r, 4 + 2 + 2, "record.interfaces");
        record.packets = cursor_u32be(&r, "record.packets");
        record.bytes = cursor_u32be(&r, "record.octets");
        uint32_t first = cursor_u32be(&r, "record.first");
        uint32_t last = cursor_u32be(&r, "record.last");
        record.from_port = cursor_u16be(&r, "record.from_port");
        record.to_port = cursor_u16be(&r, "record.to_port");
        uint8_t protocol = at[form->protocol_at];
        if (protocol == TRANSPORT_TCP || protocol == TRANSPORT_UDP)
            record.transport = (enum transport)protocol;
        record.flags = at[form->flags_at];
        record.flags_known = record.flags != 0;
        record.first_us = netflow_record_uptime(&e->clock, first);
        record.last_us = netflow_record_uptime(&e->clock, last);
        if (record.last_us < record.first_us) record.last_us = record.first_us;
        record.is_sampled = interval > 1;
        tell(e, &record, (struct addr){0});
    }
}

static void read_v9(struct export *e, struct cursor *c)
{
    cursor_skip(c, 2 + 2, "netflow.version");
    e->clock.uptime_ms = cursor_u32be(c, "netflow.uptime");
    uint32_t seconds = cursor_u32be(c, "netflow.seconds");
    uint32_t sequence = cursor_u32be(c, "netflow.sequence");
    uint32_t source = cursor_u32be(c, "netflow.source");
    if (!cursor_ok(c) || !begin(e, NETFLOW_V9, source)) return;
    e->clock.has_uptime = true;
    e->clock.exported_us = unix_us(seconds);
    e->units = 1;
    count_sequence(e, sequence);
    e->clock.boot_ms = e->domain->boot_ms;
    read_sets(e, c);
}

static void read_ipfix(struct export *e, struct cursor *c)
{
    uint64_t start = cursor_offset(c);
    cursor_skip(c, 2, "ipfix.version");
    uint16_t length = cursor_u16be(c, "ipfix.length");
    uint32_t seconds = cursor_u32be(c, "ipfix.seconds");
    uint32_t sequence = cursor_u32be(c, "ipfix.sequence");
    uint32_t domain = cursor_u32be(c, "ipfix.domain");
    if (!cursor_ok(c) || !begin(e, NETFLOW_IPFIX, domain)) return;
    e->clock.exported_us = unix_us(seconds);
    e->clock.boot_ms = e->domain->boot_ms;
    size_t header = (size_t)(cursor_offset(c) - start);
    size_t size = length > header ? length - header : 0, left = cursor_left(c);
    struct cursor sets = cursor_take(c, size < left ? size : left, "ipfix.sets");
    read_sets(e, &sets);
    count_sequence(e, sequence);
}

static void tell_packet(void *to, const struct sflow_packet *packet)
{
    struct export *e = to;
    struct flow_record record = {
        .from = packet->from,
        .to = packet->to,
        .from_port = packet->from_port,
        .to_port = packet->to_port,
        .transport = packet->transport,
        .first_us = e->clock.exported_us,
        .last_us = e->clock.exported_us,
        .bytes = packet->bytes,
        .packets = 1,
        .flags = packet->flags,
        .flags_known = packet->flags != 0,
        .is_sampled = packet->rate > 1,
        .verdict = packet->is_denied ? FLOW_BLOCKED : FLOW_NO_VERDICT,
        .offset = e->datagram->offset,
    };
    tell(e, &record, (struct addr){0});
}

static void read_sflow(struct export *e, struct cursor *c)
{
    uint64_t start = cursor_offset(c);
    struct sflow_header header;
    if (!sflow_header_read(c, &header)) {
        skip(e, start, e->datagram->data.len, "the head of an sFlow datagram is damaged");
        return;
    }
    if (!begin(e, NETFLOW_SFLOW, header.sub_agent)) return;
    /* It says itself who it is: senders may be relays. */
    e->domain->vantage = vantage_of(e->netflow, header.agent);
    e->clock.exported_us = e->datagram->received_us;
    if (!e->clock.exported_us) {
        e->clock.exported_us = (int64_t)header.uptime_ms * 1000;
        e->assumed = 1u << ASSUMED_CLOCK;
    }
    e->units = 1;
    count_sequence(e, header.sequence);
    for (uint32_t i = 0; i < header.n_samples; i++) {
        uint64_t at = cursor_offset(c);
        size_t left = cursor_left(c);
        if (sflow_sample_read(c, tell_packet, e)) continue;
        skip(e, at, left, "the datagram ends inside a sample");
        return;
    }
}

void netflow_datagram(struct netflow *netflow, const struct netflow_datagram *datagram)
{
    struct export e = {.netflow = netflow, .datagram = datagram};
    struct cursor peek = cursor_of(datagram->data, datagram->offset), c = peek;
    uint16_t version = cursor_u16be(&peek, "netflow.version");
    const struct netflow_cut_form *form = netflow_cut_form(version);
    if (form)
        read_fixed(&e, &c, form);
    else if (version == NETFLOW_V9)
        read_v9(&e, &c);
    else if (version == NETFLOW_IPFIX)
        read_ipfix(&e, &c);
    else
        read_sflow(&e, &c);
}

struct netflow *netflow_open(struct arena *arena, const struct fact_sink *sink)
{
    struct netflow *netflow = arena_new(arena, struct netflow);
    netflow->sink = *sink;
    netflow->arena = arena;
    netflow->templates = arena_array(arena, struct netflow_template, LIMIT_NETFLOW_TEMPLATES);
    netflow->pairs = flow_pairs_open(arena, sink);
    flow_pairs_join_vantages(netflow->pairs);
    return netflow;
}

static void report(struct netflow *netflow, uint64_t offset, uint64_t length, str reason)
{
    struct skip fact = {.offset = offset, .length = length, .reason = reason};
    netflow->sink.skip(netflow->sink.to, &fact);
}

/* "exporter 10.0.0.1, source 3", or "source 3" when nothing tells who it was. */
static str name_of(const struct domain *domain, struct arena *arena)
{
    char text[ADDR_TEXT];
    if (addr_is_none(domain->exporter)) return str_format(arena, "source %" PRIu32, domain->id);
    return str_format(arena, "exporter %.*s, source %" PRIu32,
                      STR_ARG(addr_text(text, domain->exporter)), domain->id);
}

static void report_missed(struct netflow *netflow, const struct netflow_template *t)
{
    struct arena scratch = *netflow->arena;
    if (!t->missed_sets) return;
    str name = name_of(&netflow->domains[t->domain], &scratch);
    report(netflow, t->missed_at, t->missed_length,
           str_format(&scratch,
                      "%.*s: %" PRIu64 " sets of data (%" PRIu64 " bytes) came before their "
                      "template %u and are not read",
                      STR_ARG(name), t->missed_sets, t->missed_bytes, t->id));
}

static void report_lost(struct netflow *netflow, const struct domain *domain)
{
    struct arena scratch = *netflow->arena;
    if (!domain->lost) return;
    bool counts_datagrams = domain->version == NETFLOW_V9 || domain->version == NETFLOW_SFLOW;
    str name = name_of(domain, &scratch);
    report(netflow, domain->lost_at, 0,
           str_format(&scratch, "%.*s: %" PRIu64 " %s never arrived: its numbers have gaps",
                      STR_ARG(name), domain->lost, counts_datagrams ? "datagrams" : "flows"));
}

void netflow_close(struct netflow *netflow)
{
    struct arena scratch = *netflow->arena;
    flow_pairs_close(netflow->pairs);
    for (size_t i = 0; i < netflow->n_templates; i++)
        report_missed(netflow, &netflow->templates[i]);
    for (size_t i = 0; i < netflow->n_domains; i++)
        report_lost(netflow, &netflow->domains[i]);
    if (netflow->lost_datagrams)
        report(netflow, 0, 0,
               str_format(&scratch, "%" PRIu64 " datagrams of more than %d exporters are not read",
                          netflow->lost_datagrams, LIMIT_NETFLOW_DOMAINS));
    if (netflow->lost_templates)
        report(netflow, 0, 0,
               str_format(&scratch, "%" PRIu64 " sets of more than %d templates are not read",
                          netflow->lost_templates, LIMIT_NETFLOW_TEMPLATES));
}

uint64_t netflow_memory(const struct netflow *netflow)
{
    return flow_pairs_memory(netflow->pairs);
}
