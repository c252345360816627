/* SPDX-License-Identifier: Apache-2.0 */
/* XML output of nmap (nmap.dtd, "-oX") and of masscan, which writes the same elements:
 *
 *   nmaprun start            when the scan began, seconds since 1970
 *     host starttime endtime when this host was scanned (older versions: only the run's start)
 *       address, hostnames   IPv4 or IPv6, and MAC; names the user gave or DNS answered
 *       ports / port         protocol, portid; state; scripts that ran against the port
 *       ports / extraports   ports not listed one by one; since 7.92 their numbers stand there
 *       hostscript / script  id and output: the texts of SMB scripts stand here
 *
 * A scan is written while it runs: what was stopped ends anywhere, and everything before is good.
 */
#include "base/instant.h"
#include "base/xml.h"
#include "evidence/port_scan.h"
#include "evidence/reader.h"
#include "evidence/text_lines.h"

struct port {
    struct listening fact;
    bool is_valid, has_state;
};

struct nmap_xml {
    struct fact_sink sink;
    struct xml *xml;
    bool ended;
    unsigned depth;
    int64_t run_us;
    /* The host that is being read. */
    bool in_host;
    int64_t host_us;
    struct addr addr;
    struct listening smb_port; /* port 0 = none is open */
    uint8_t dialects;          /* what the scripts said, and where */
    enum signing signing;
    uint64_t smb_offset;
    struct port port;
    enum listening_state extra_state;
    bool has_extra_state;
};

static str value_of(const struct xml_attribute *attributes, size_t n, str name)
{
    return str_trim(xml_attribute_of(attributes, n, name));
}

static int64_t seconds_of(const struct xml_attribute *attributes, size_t n, str name,
                          int64_t otherwise_us)
{
    uint64_t seconds = 0;
    if (!str_u64(value_of(attributes, n, name), UINT64_C(253402300799), &seconds))
        return otherwise_us;
    return (int64_t)seconds * INSTANT_SECOND;
}

static void begin_host(struct nmap_xml *scan, const struct xml_attribute *attributes, size_t n)
{
    int64_t start = seconds_of(attributes, n, S("starttime"), scan->run_us);
    scan->in_host = true;
    scan->host_us = seconds_of(attributes, n, S("endtime"), start);
    scan->addr = (struct addr){0};
    scan->smb_port = (struct listening){0};
    scan->dialects = 0;
    scan->signing = SIGNING_UNKNOWN;
    scan->smb_offset = 0;
    scan->port = (struct port){0};
}

static void tell_name(struct nmap_xml *scan, str name, enum identity_source source, uint64_t offset)
{
    struct identity identity = {
        .addr = scan->addr,
        .name = name,
        .seen_us = scan->host_us,
        .source = source,
        .offset = offset,
    };
    port_scan_tell_name(&scan->sink, &identity);
}

static void begin_port(struct nmap_xml *scan, const struct xml_attribute *attributes, size_t n,
                       uint64_t offset)
{
    uint64_t number = 0;
    bool valid = str_u64(value_of(attributes, n, S("portid")), UINT16_MAX, &number);
    scan->port = (struct port){
        .is_valid = valid && number,
        .fact =
            {
                   .server.addr = scan->addr,
                   .transport = port_scan_transport(value_of(attributes, n, S("protocol"))),
                   .port = (uint16_t)number,
                   .seen_us = scan->host_us,
                   .offset = offset,
                   },
    };
}

static void add_script(struct nmap_xml *scan, const struct xml_attribute *attributes, size_t n,
                       uint64_t offset)
{
    struct port_scan_smb smb = {0};
    port_scan_script(value_of(attributes, n, S("id")), value_of(attributes, n, S("output")), &smb);
    tell_name(scan, smb.name, smb.source, offset);
    tell_name(scan, smb.full_name, smb.source, offset);
    if (!smb.dialects && smb.signing == SIGNING_UNKNOWN) return;
    if (!scan->smb_offset) scan->smb_offset = offset;
    scan->dialects |= smb.dialects;
    if (smb.signing != SIGNING_UNKNOWN &&
        (scan->signing == SIGNING_UNKNOWN || smb.signing < scan->signing))
        scan->signing = smb.signing;
}

static void tell_range(struct nmap_xml *scan, struct listening *fact, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < service_builtin.n; i++) {
        const struct service *service = &service_builtin.services[i];
        for (size_t j = 0; j < service->n_ports && !service->mark.len; j++) {
            fact->port = service->ports[j].first;
            if (service->ports[j].transport == fact->transport && first <= fact->port &&
                fact->port <= last)
                port_scan_tell(&scan->sink, fact);
        }
    }
}

/* "1,3-4,445": of the ports that are not listed one by one, those of services. */
static void tell_extra_ports(struct nmap_xml *scan, const struct xml_attribute *attributes,
                             size_t n, uint64_t offset)
{
    struct listening fact = {
        .server.addr = scan->addr,
        .transport = port_scan_transport(value_of(attributes, n, S("proto"))),
        .state = scan->extra_state,
        .seen_us = scan->host_us,
        .offset = offset,
    };
    str rest = value_of(attributes, n, S("ports"));
    while (rest.len) {
        str part, first, last;
        uint64_t low = 0, high = 0;
        str_cut(rest, ',', &part, &rest);
        bool is_range = str_cut(part, '-', &first, &last);
        if (!str_u64(first, UINT16_MAX, &low) || !low) continue;
        if (!is_range) high = low;
        if (is_range && !str_u64(last, UINT16_MAX, &high)) continue;
        tell_range(scan, &fact, low, high);
    }
}

static void begin_element(void *to, str name, const struct xml_attribute *attributes, size_t n,
                          uint64_t offset)
{
    struct nmap_xml *scan = to;
    if (str_equal(name, S("nmaprun"))) scan->run_us = seconds_of(attributes, n, S("start"), 0);
    if (str_equal(name, S("host"))) begin_host(scan, attributes, n);
    if (!scan->in_host) return;
    if (str_equal(name, S("address")) && addr_is_none(scan->addr)) {
        if (!addr_parse(value_of(attributes, n, S("addr")), &scan->addr))
            scan->addr = (struct addr){0}; /* the MAC */
    } else if (str_equal(name, S("hostname"))) {
        tell_name(scan, value_of(attributes, n, S("name")), IDENTITY_DNS, offset);
    } else if (str_equal(name, S("port"))) {
        begin_port(scan, attributes, n, offset);
    } else if (str_equal(name, S("state")) && scan->port.is_valid) {
        scan->port.has_state =
            port_scan_state(value_of(attributes, n, S("state")), &scan->port.fact.state);
    } else if (str_equal(name, S("script"))) {
        add_script(scan, attributes, n, offset);
    } else if (str_equal(name, S("extraports"))) {
        scan->has_extra_state =
            port_scan_state(value_of(attributes, n, S("state")), &scan->extra_state);
    } else if (str_equal(name, S("extrareasons")) && scan->has_extra_state) {
        tell_extra_ports(scan, attributes, n, offset);
    }
}

/* The port that nmap runs its SMB scripts against, once per host: 445 when it is open, else 139. It
 * waits for what they say. */
static bool is_for_scripts(const struct nmap_xml *scan, const struct listening *fact)
{
    return fact->transport == TRANSPORT_TCP && fact->state == LISTENING_OPEN &&
           (fact->port == 445 || (fact->port == 139 && scan->smb_port.port != 445));
}

static void end_port(struct nmap_xml *scan)
{
    const struct listening *fact = &scan->port.fact;
    bool told = scan->port.is_valid && scan->port.has_state;
    if (told && is_for_scripts(scan, fact)) {
        if (scan->smb_port.port) port_scan_tell(&scan->sink, &scan->smb_port);
        scan->smb_port = *fact;
    } else if (told) {
        port_scan_tell(&scan->sink, fact);
    }
    scan->port = (struct port){0};
}

static void tell_smb(struct nmap_xml *scan)
{
    struct listening fact = scan->smb_port;
    if (!fact.port)
        fact = (struct listening){
            .server.addr = scan->addr,
            .transport = TRANSPORT_TCP,
            .state = LISTENING_OPEN,
            .seen_us = scan->host_us,
            .offset = scan->smb_offset,
        };
    fact.dialects = scan->dialects;
    fact.signing = scan->signing;
    if (fact.port)
        port_scan_tell(&scan->sink, &fact);
    else
        port_scan_tell_smb(&scan->sink, &fact);
}

static void end_host(struct nmap_xml *scan)
{
    if (!scan->in_host) return;
    end_port(scan);
    tell_smb(scan);
    scan->sink.record(scan->sink.to, scan->host_us);
    scan->in_host = false;
}

static void element_text(void *to, str text, bool is_cut)
{
    (void)to;
    (void)text;
    (void)is_cut;
}

static void end_element(void *to, str name)
{
    struct nmap_xml *scan = to;
    if (str_equal(name, S("port"))) end_port(scan);
    if (str_equal(name, S("extraports"))) scan->has_extra_state = false;
    if (str_equal(name, S("host"))) end_host(scan);
}

static bool nmap_xml_recognise(bytes head)
{
    char decoded[TEXT_LINES_HEAD_ROOM];
    str text = str_trim(text_lines_head(head, decoded));
    return str_starts(text, S("<")) && str_contains(text, S("<nmaprun"));
}

static void *nmap_xml_open(struct arena *arena, const struct reader_options *options,
                           const struct fact_sink *sink)
{
    struct nmap_xml *scan = arena_new(arena, struct nmap_xml);
    struct xml_handler handler = {
        .to = scan,
        .begin = begin_element,
        .text = element_text,
        .end = end_element,
    };
    (void)options; /* times are seconds since 1970 */
    scan->sink = *sink;
    scan->xml = xml_open(arena, &handler, 0);
    return scan;
}

/* What was read of a host that is cut stays. */
static bool nmap_xml_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct nmap_xml *scan = state;
    struct err err = {0};
    *want = 0;
    *consumed = window.data.len;
    if (scan->ended) return false;
    if (xml_feed(scan->xml, window.data, window.last, &err)) return true;
    scan->ended = true;
    uint64_t end = window.offset + window.data.len;
    struct skip skip = {
        .offset = err.offset < end ? err.offset : end,
        .reason = str_of(err.text),
    };
    if (err.kind == ERR_TRUNCATED)
        skip.reason = S("the scan is cut: it was stopped, or is still running");
    end_host(scan);
    scan->sink.skip(scan->sink.to, &skip);
    return false;
}

static void nmap_xml_close(void *state)
{
    struct nmap_xml *scan = state;
    xml_close(scan->xml);
}

const struct reader nmap_xml_reader = {
    .name = {"nmap-xml",                            8 },
    .summary = {"port scans: XML of nmap and masscan", 35},
    .overlap = OVERLAP_LINES,
    .family = {"port-scan",                           9 },
    .recognise = nmap_xml_recognise,
    .open = nmap_xml_open,
    .feed = nmap_xml_feed,
    .close = nmap_xml_close,
};
