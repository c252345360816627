/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of the SMB server and the SMB client, and NTLM's. Servers and clients are there by
 * name more often than by address, ports never but in socket addresses. */
#include "evidence/event_smb.h"

#include "evidence/event_value.h"

static bool is_true(str value)
{
    return str_equal_nocase(value, S("true")) || str_equal(value, S("1"));
}

static bool is_false(str value)
{
    return str_equal_nocase(value, S("false")) || str_equal(value, S("0"));
}

static bool server_fact(struct event_talk *talk, const str *v, struct observation *out)
{
    str computer = event_value_said(talk->event->computer);
    struct observation fact = event_talk_smb(talk, (enum outcome)talk->tells);
    bool has_client =
        event_value_address(v[CLIENT_ADDRESS], &fact.client.addr, &fact.client_port) ||
        event_value_address(v[CLIENT_NAME], &fact.client.addr, &fact.client_port);
    str name = event_value_bare(event_value_said(v[CLIENT_NAME]));
    if (!has_client) fact.client = (struct endpoint){.name = name};
    if (!computer.len || (!has_client && !name.len)) {
        event_talk_unplaced(talk, S("events of the SMB server that don't name the client"));
        return false;
    }
    fact.server = event_talk_endpoint(computer);
    fact.within = true;
    fact.is_smb = true;
    *out = fact;
    return true;
}

static void give_server_fact(struct event_talk *talk, const str *v, struct observation *fact)
{
    str computer = event_value_said(talk->event->computer),
        client = event_value_bare(event_value_said(v[CLIENT_NAME]));
    struct addr addr;
    uint16_t port;
    str user =
        event_talk_is_anonymous(v) ? (str){0} : event_talk_user(talk, v[USER_DOMAIN], v[USER_NAME]);
    str share = event_talk_share(talk, computer, v[SHARE]);
    if (event_value_address(client, &addr, &port)) client = (str){0};
    fact->users = event_talk_one(&user);
    fact->client_names = event_talk_one(&client);
    fact->server_names = event_talk_one(&computer);
    fact->shares = event_talk_one(&share);
    if (fact->outcome == OUTCOME_AUTH_FAILED) fact->shares_refused = event_talk_one(&share);
    talk->sink.observation(talk->sink.to, fact);
    if (share.len) {
        struct use use = event_talk_use(fact, share, user);
        talk->sink.use(talk->sink.to, &use);
    }
    if (!addr_is_none(fact->client.addr))
        event_talk_reached(talk, fact->client.addr, fact->client_port, fact->port);
}

void event_smb_server(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    if (is_true(v[ENCRYPTED])) fact.smb.encrypted = KNOWN_YES;
    if (is_false(v[ENCRYPTED])) fact.smb.encrypted = KNOWN_NO;
    give_server_fact(talk, v, &fact);
}

void event_smb_server_smb1(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    fact.smb.dialects = 1u << DIALECT_NT_LM_012;
    give_server_fact(talk, v, &fact);
}

void event_smb_server_anonymous(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    fact.smb.auths = 1u << AUTH_ANONYMOUS;
    give_server_fact(talk, v, &fact);
}

void event_smb_server_guest(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    fact.smb.auths = 1u << AUTH_GUEST;
    give_server_fact(talk, v, &fact);
}

/* "\\FS01\projects" and "\FS01" name the server FS01. */
static str server_name_of(const str *v)
{
    str name = event_value_bare(event_value_said(v[SERVER_NAME])), rest;
    if (!name.len && str_starts(event_value_said(v[SHARE]), S("\\")))
        name = event_value_bare(event_value_said(v[SHARE]));
    str_cut(name, '\\', &name, &rest);
    return name;
}

/* The client is the computer, by name; the server's address when the event has one. */
static bool client_fact(struct event_talk *talk, const str *v, struct observation *out)
{
    str computer = event_value_said(talk->event->computer), name = server_name_of(v);
    struct observation fact = event_talk_smb(talk, (enum outcome)talk->tells);
    uint16_t port = 0;
    if (!computer.len || (!name.len && !v[SERVER_ADDRESS].len)) {
        event_talk_unplaced(talk, S("events of the SMB client that don't name the server"));
        return false;
    }
    fact.client = event_talk_endpoint(computer);
    if (event_value_address(v[SERVER_ADDRESS], &fact.server.addr, &port)) {
        if (port && event_value_is_smb_port(port)) {
            fact.port = port;
            fact.assumed &= (uint8_t) ~(1u << ASSUMED_PORT);
        }
    } else {
        fact.server = event_talk_endpoint(name);
    }
    if (addr_is_none(fact.server.addr) && !fact.server.name.len) {
        event_talk_unplaced(talk, S("events of the SMB client that don't name the server"));
        return false;
    }
    *out = fact;
    return true;
}

static void give_client_fact(struct event_talk *talk, const str *v, struct observation *fact)
{
    str computer = event_value_said(talk->event->computer), name = server_name_of(v);
    str user =
        event_talk_is_anonymous(v) ? (str){0} : event_talk_user(talk, v[USER_DOMAIN], v[USER_NAME]);
    str share = name.len ? event_talk_share(talk, name, v[SHARE]) : (str){0};
    struct addr addr;
    uint16_t port;
    if (event_value_address(name, &addr, &port)) name = (str){0};
    fact->users = event_talk_one(&user);
    fact->client_names = event_talk_one(&computer);
    fact->server_names = event_talk_one(&name);
    fact->shares = event_talk_one(&share);
    if (fact->outcome == OUTCOME_AUTH_FAILED) fact->shares_refused = event_talk_one(&share);
    talk->sink.observation(talk->sink.to, fact);
    if (share.len) {
        struct use use = event_talk_use(fact, share, user);
        talk->sink.use(talk->sink.to, &use);
    }
}

/* 30803: why is in the status. */
void event_smb_no_connection(struct event_talk *talk, const str *v)
{
    static const struct {
        uint32_t status;
        enum outcome outcome;
    } ways[] = {
        {0xC0000236, OUTCOME_REFUSED   }, /* STATUS_CONNECTION_REFUSED */
        {0xC00000B5, OUTCOME_NO_ANSWER }, /* STATUS_IO_TIMEOUT */
        {0x00000102, OUTCOME_NO_ANSWER }, /* STATUS_TIMEOUT */
        {0xC0000102, OUTCOME_NO_ANSWER },
        {0xC000023C, OUTCOME_PROHIBITED}, /* STATUS_NETWORK_UNREACHABLE */
        {0xC000023D, OUTCOME_PROHIBITED}, /* STATUS_HOST_UNREACHABLE */
    };
    struct observation fact;
    uint32_t status = event_value_status(v[STATUS]);
    if (!client_fact(talk, v, &fact)) return;
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (ways[i].status == status) fact.outcome = ways[i].outcome;
    give_client_fact(talk, v, &fact);
}

void event_smb_disconnected(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.closes = true;
    give_client_fact(talk, v, &fact);
}

void event_smb_client(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.within = true;
    fact.is_smb = true;
    give_client_fact(talk, v, &fact);
}

void event_smb_client_guest(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.within = true;
    fact.is_smb = true;
    fact.smb.auths = 1u << AUTH_GUEST;
    give_client_fact(talk, v, &fact);
}

void event_smb_client_smb1(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.within = true;
    fact.is_smb = true;
    fact.smb.dialects = 1u << DIALECT_NT_LM_012;
    give_client_fact(talk, v, &fact);
}

/* NTLM 8001 and 4001: what the computer reached, or would have, by NTLM. */
void event_smb_ntlm(struct event_talk *talk, const str *v)
{
    str computer = event_value_said(talk->event->computer), service, host, rest;
    if (!str_cut(event_value_said(v[SERVER_NAME]), '/', &service, &host)) return;
    if (!str_equal_nocase(service, S("cifs")) || !host.len || !computer.len) return;
    str_cut(host, '/', &host, &rest);
    struct observation fact = event_talk_smb(talk, OUTCOME_NONE);
    str user = event_talk_user(talk, v[USER_DOMAIN], v[USER_NAME]);
    fact.client = event_talk_endpoint(computer);
    fact.server = event_talk_endpoint(host);
    fact.within = true;
    fact.users = event_talk_one(&user);
    fact.client_names = event_talk_one(&computer);
    if (fact.server.name.len) fact.server_names = event_talk_one(&host);
    talk->sink.observation(talk->sink.to, &fact);
}
