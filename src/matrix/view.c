/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/view.h"

#include "base/instant.h"

static str no_segment(void *to, struct endpoint end)
{
    (void)to, (void)end;
    return (str){0};
}

static str builtin_service(void *to, enum transport transport, uint16_t port)
{
    int at = service_by_port(service_builtin, transport, port);
    (void)to;
    return at == SERVICE_NONE ? (str){0} : service_builtin.services[at].name;
}

static bool governed_without_policy(void *to, enum transport transport, uint16_t port)
{
    str name = builtin_service(to, transport, port);
    return str_equal(name, S("smb")) || str_equal(name, S("netbios"));
}

const struct view_labels view_labels_default = {
    .segment = no_segment,
    .service = builtin_service,
    .governed = governed_without_policy,
};

int view_compare_ends(struct endpoint a, struct endpoint b)
{
    bool a_named = addr_is_none(a.addr), b_named = addr_is_none(b.addr);
    if (a_named != b_named) return a_named ? 1 : -1;
    return a_named ? str_compare(a.name, b.name) : addr_compare(a.addr, b.addr);
}

int view_compare_flows(const struct matrix_flow *a, const struct matrix_flow *b)
{
    int by_client = view_compare_ends(a->client, b->client);
    if (by_client) return by_client;
    int by_server = view_compare_ends(a->server, b->server);
    if (by_server) return by_server;
    if (a->port != b->port) return a->port < b->port ? -1 : 1;
    return a->transport < b->transport ? -1 : a->transport > b->transport;
}

bool view_flow_worked(const struct matrix_flow *flow)
{
    return flow->outcomes[OUTCOME_ESTABLISHED] || flow->outcomes[OUTCOME_ALLOWED] ||
           flow->outcomes[OUTCOME_ACCESSED];
}

str view_end_text(struct arena *arena, struct endpoint end)
{
    char text[ADDR_TEXT];
    return addr_is_none(end.addr) ? end.name : str_copy(arena, addr_text(text, end.addr));
}

str view_end_label(struct arena *arena, struct endpoint end, struct names names)
{
    str text = view_end_text(arena, end);
    if (!names.n || addr_is_none(end.addr)) return text;
    return str_format(arena, "%.*s (%.*s)", STR_ARG(text), STR_ARG(names.items[0]));
}

static str port_text(struct arena *arena, enum transport transport, uint16_t port)
{
    return str_format(arena, "%.*s/%u", STR_ARG(service_transport_text(transport)), port);
}

static const str smb_quic = {"smb-quic", 8};

/* No service has UDP 443 by its port alone, since the web is there; what readers keep of it is SMB
 * by its content. */
static str service_of(const struct view_labels *labels, enum transport transport, uint16_t port)
{
    enum { PORT_QUIC = 443 };
    str name = labels->service(labels->to, transport, port);
    return !name.len && transport == TRANSPORT_UDP && port == PORT_QUIC ? smb_quic : name;
}

str view_service_text(struct arena *arena, const struct view_labels *labels,
                      enum transport transport, uint16_t port)
{
    str name = service_of(labels, transport, port);
    if (!name.len) return port_text(arena, transport, port);
    if (str_equal(name, smb_quic)) return name;
    /* A service's datagrams are other conversations than its streams. */
    return transport == TRANSPORT_UDP ? port_text(arena, transport, port) : name;
}

str view_outcomes_text(struct arena *arena, const struct matrix_flow *flow)
{
    struct buf out = buf_in(arena);
    for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
        if (!flow->outcomes[i]) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, outcome_text((enum outcome)i));
        buf_char(&out, ' ');
        buf_u64(&out, flow->outcomes[i]);
    }
    return buf_text(&out);
}

str view_dialects_text(struct arena *arena, uint8_t dialects)
{
    struct buf out = buf_in(arena);
    for (int i = 0; i < DIALECT_COUNT; i++) {
        if (!(dialects >> i & 1)) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, dialect_text((enum dialect)i));
    }
    return buf_text(&out);
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_end(struct json *json, str key, struct endpoint end)
{
    json_key(json, key);
    if (addr_is_none(end.addr))
        json_str(json, end.name);
    else
        json_addr(json, end.addr);
}

static void print_bits(struct json *json, str key, unsigned bits, str (*text)(unsigned value))
{
    json_key(json, key);
    json_array(json);
    for (unsigned i = 0; bits >> i; i++)
        if (bits >> i & 1) json_str(json, text(i));
    json_array_end(json);
}

static str dialect_at(unsigned value)
{
    return value < DIALECT_COUNT ? dialect_text((enum dialect)value) : (str){0};
}

static str auth_at(unsigned value)
{
    return value < AUTH_COUNT ? auth_text((enum auth)value) : (str){0};
}

static str cipher_at(unsigned value)
{
    return value < CIPHER_COUNT ? cipher_text((enum cipher)value) : (str){0};
}

static str assumption_at(unsigned value)
{
    return value < ASSUMED_COUNT ? assumption_text((enum assumption)value) : (str){0};
}

static void print_names(struct json *json, str key, struct names names)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < names.n; i++)
        json_str(json, names.items[i]);
    json_array_end(json);
}

static void print_outcomes(struct json *json, const struct matrix_flow *flow)
{
    json_key(json, S("outcomes"));
    json_object(json);
    for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++)
        json_member_u64(json, outcome_text((enum outcome)i), flow->outcomes[i]);
    json_object_end(json);
}

static void print_known(struct json *json, str key, enum known known)
{
    if (known == KNOWN_NOT)
        json_member_null(json, key);
    else
        json_member_bool(json, key, known == KNOWN_YES);
}

static void print_evidence(struct json *json, const struct matrix_flow *flow)
{
    json_key(json, S("evidence"));
    json_array(json);
    for (size_t i = 0; i < flow->n_evidence; i++) {
        json_object(json);
        json_member_str(json, S("source"), flow->evidence[i].source);
        json_member_u64(json, S("offset"), flow->evidence[i].offset);
        json_member_str(json, S("reader"), flow->evidence[i].reader);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_instant(struct json *json, str key, int64_t at_us, bool is_timeless)
{
    json_key(json, key);
    if (is_timeless)
        json_null(json);
    else
        json_instant(json, at_us);
}

/* Of the service: its name, else "tcp/4455". */
static void print_service(struct json *json, const struct matrix_flow *flow,
                          const struct view_labels *labels)
{
    str name = service_of(labels, flow->transport, flow->port);
    char text[16];
    str transport = service_transport_text(flow->transport);
    int n = snprintf(text, sizeof text, "%.*s/%u", STR_ARG(transport), flow->port);
    json_member_str(json, S("service"), name.len ? name : (str){text, (size_t)n});
}

void view_flow_members(struct json *json, const struct matrix_flow *flow,
                       const struct view_labels *labels)
{
    print_end(json, S("client"), flow->client);
    print_end(json, S("server"), flow->server);
    json_member_str(json, S("transport"), service_transport_text(flow->transport));
    json_member_u64(json, S("port"), flow->port);
    print_service(json, flow, labels);
    json_member_bool(json, S("governed"),
                     labels->governed(labels->to, flow->transport, flow->port));
    json_member_str_or_null(json, S("client_segment"), labels->segment(labels->to, flow->client));
    json_member_str_or_null(json, S("server_segment"), labels->segment(labels->to, flow->server));
    print_outcomes(json, flow);
    json_member_u64(json, S("connections"), flow->connections);
    json_member_bool(json, S("connections_exact"), flow->connections_exact);
    print_instant(json, S("first_seen"), flow->first_us, flow->is_timeless);
    print_instant(json, S("last_seen"), flow->last_us, flow->is_timeless);
    json_member_u64(json, S("bytes_to_server"), flow->bytes_to_server);
    json_member_u64(json, S("bytes_to_client"), flow->bytes_to_client);
    print_bits(json, S("dialects"), flow->dialects, dialect_at);
    json_key(json, S("signing"));
    json_object(json);
    json_member_str_or_null(json, S("client"), signing_text(flow->client_signing));
    json_member_str_or_null(json, S("server"), signing_text(flow->server_signing));
    json_object_end(json);
    print_known(json, S("encrypted"), flow->encrypted);
    print_bits(json, S("ciphers"), flow->ciphers, cipher_at);
    json_key(json, S("compression"));
    json_object(json);
    print_known(json, S("offered"), flow->compression_offered);
    print_known(json, S("used"), flow->compressed);
    json_object_end(json);
    print_bits(json, S("auth"), flow->auths, auth_at);
    print_names(json, S("users"), flow->users);
    print_names(json, S("client_names"), flow->client_names);
    print_names(json, S("server_names"), flow->server_names);
    print_names(json, S("shares"), flow->shares);
    print_names(json, S("shares_refused"), flow->shares_refused);
    print_names(json, S("pipes"), flow->pipes);
    print_names(json, S("interfaces"), flow->interfaces);
    print_bits(json, S("assumed"), flow->assumed, assumption_at);
    print_names(json, S("conflicts"), flow->conflicts);
    print_evidence(json, flow);
}

static void print_skips(struct json *json, const struct matrix_view *view)
{
    json_key(json, S("skipped"));
    json_array(json);
    for (size_t i = 0; i < view->n_skips; i++) {
        const struct source_skip *skip = &view->skips[i];
        json_object(json);
        json_member_str(json, S("source"), skip->source);
        json_member_u64(json, S("offset"), skip->offset);
        if (skip->length)
            json_member_u64(json, S("length"), skip->length);
        else
            json_member_null(json, S("length"));
        json_member_str(json, S("reason"), skip->reason);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_coverage(struct json *json, const struct matrix_view *view)
{
    json_key(json, S("coverage"));
    json_array(json);
    for (size_t i = 0; i < view->n_coverage; i++) {
        const struct coverage *c = &view->coverage[i];
        json_object(json);
        json_member_str(json, S("source"), c->source);
        json_member_str_or_null(json, S("origin"), c->origin);
        const int64_t times[] = {c->from_us, c->to_us};
        const str keys[] = {S("from"), S("to")};
        for (size_t t = 0; t < COUNT_OF(times); t++) {
            json_key(json, keys[t]);
            if (c->has_times)
                json_instant(json, times[t]);
            else
                json_null(json);
        }
        json_member_u64(json, S("records"), c->records);
        json_member_u64(json, S("facts"), c->facts);
        json_key(json, S("unplaced"));
        json_array(json);
        for (size_t u = 0; u < c->n_unplaced; u++) {
            json_object(json);
            json_member_str(json, S("what"), c->unplaced[u].what);
            json_member_u64(json, S("count"), c->unplaced[u].count);
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

void view_print_json(const struct matrix_view *view, const struct view_labels *labels,
                     struct buf *out)
{
    struct json json = json_to(out);
    json_object(&json);
    json_key(&json, S("flows"));
    json_array(&json);
    for (size_t i = 0; i < view->n_flows; i++) {
        json_object(&json);
        view_flow_members(&json, &view->flows[i], labels);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_member_u64(&json, S("hosts"), view->n_hosts);
    print_skips(&json, view);
    print_coverage(&json, view);
    json_object_end(&json);
    buf_char(out, '\n');
}
