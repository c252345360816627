/* SPDX-License-Identifier: Apache-2.0 */
/* Of the Security log, and of the firewall's own: share accesses, logons, tickets, changes. */
#include "evidence/event_security.h"

#include "evidence/event_value.h"

/* Pipes have plain names; what else stands there is a file or nothing. */
static str pipe_of(str name)
{
    enum { PIPE_NAME = 256 };
    name = event_value_bare(event_value_said(name));
    if (name.len > PIPE_NAME || str_contains(name, S("\\"))) return (str){0};
    return name;
}

/* "WS01$" and "WS01$@CONTOSO.COM" are the machine WS01. */
static str machine_of(str account)
{
    str name, realm;
    str_cut(event_value_said(account), '@', &name, &realm);
    return name.len > 1 && str_ends(name, S("$")) ? str_head(name, name.len - 1) : (str){0};
}

/* Share accesses (5140, 5145): the server is the computer, by name. */
void event_security_share_access(struct event_talk *talk, const str *v)
{
    struct addr client;
    uint16_t client_port = event_value_port(v[CLIENT_PORT]);
    str computer = event_value_said(talk->event->computer);
    if (!event_value_address(v[CLIENT_ADDRESS], &client, &client_port)) {
        event_talk_unplaced(talk, S("share accesses without a client address"));
        return;
    }
    if (!computer.len) {
        event_talk_unplaced(talk, S("share accesses without the name of the server"));
        return;
    }
    bool failed = talk->event->succeeded == KNOWN_NO;
    str user =
        event_talk_is_anonymous(v) ? (str){0} : event_talk_user(talk, v[USER_DOMAIN], v[USER_NAME]);
    str share = event_talk_share(talk, computer, v[SHARE]), pipe = {0}, client_name = {0};
    if (str_ends(share, S("\\IPC$"))) pipe = pipe_of(v[RELATIVE_NAME]);

    struct observation fact = event_talk_smb(talk, failed ? OUTCOME_AUTH_FAILED : OUTCOME_ACCESSED);
    fact.client.addr = client;
    fact.client_port = client_port;
    fact.server = event_talk_endpoint(computer);
    fact.within = true;
    fact.is_smb = true;
    const struct event_talk_recalled *logon = event_talk_logon(talk, v[LOGON], false);
    if (event_talk_is_anonymous(v) || event_talk_is_guest(v)) fact.smb.auths = event_talk_auths(v);
    if (logon) {
        fact.smb.auths |= logon->auths;
        if (addr_equal(logon->client, client)) client_name = (str){logon->name, logon->name_len};
    }
    fact.users = event_talk_one(&user);
    fact.client_names = event_talk_one(&client_name);
    fact.server_names = event_talk_one(&computer);
    fact.shares = event_talk_one(&share);
    fact.pipes = event_talk_one(&pipe);
    if (failed) fact.shares_refused = event_talk_one(&share);
    talk->sink.observation(talk->sink.to, &fact);
    if (share.len) {
        struct use use = event_talk_use(&fact, share, user);
        use.pipe = pipe;
        talk->sink.use(talk->sink.to, &use);
    }
    event_talk_reached(talk, client, client_port, fact.port);
}

static bool is_network_logon(const str *v)
{
    return str_equal(v[LOGON_TYPE], S("3"));
}

/* 4624: type 3 is also WinRM, RPC and LDAP, so it is no flow; it tells how the session of later
 * share accesses was authenticated. */
void event_security_logon(struct event_talk *talk, const str *v)
{
    struct addr client = {0};
    uint16_t port = event_value_port(v[CLIENT_PORT]);
    if (!is_network_logon(v)) return;
    bool has_client = event_value_address(v[CLIENT_ADDRESS], &client, &port);
    str workstation = event_value_bare(event_value_said(v[CLIENT_NAME]));
    /* Who logs on as nobody may call himself anything; scanners say "NULL". */
    if (event_talk_is_anonymous(v)) workstation = (str){0};
    bool is_kerberos = str_equal_nocase(v[PACKAGE], S("Kerberos"));
    if (has_client) {
        event_talk_identity(talk, client, workstation, IDENTITY_NTLM);
        event_talk_identity(talk, client, machine_of(v[USER_NAME]),
                            is_kerberos ? IDENTITY_KERBEROS : IDENTITY_NTLM);
    }
    struct event_talk_recalled *logon = event_talk_logon(talk, v[LOGON], true);
    if (!logon) return;
    logon->client = client;
    logon->auths = event_talk_auths(v);
    logon->name_len = 0;
    if (!workstation.len || workstation.len > EVENT_TALK_NAME) return;
    memcpy(logon->name, workstation.ptr, workstation.len);
    logon->name_len = (uint8_t)workstation.len;
}

/* 4625: to which service, only an earlier event about the same client port can tell. */
void event_security_failed_logon(struct event_talk *talk, const str *v)
{
    struct addr client;
    uint16_t client_port = event_value_port(v[CLIENT_PORT]);
    str computer = event_value_said(talk->event->computer);
    if (!is_network_logon(v)) return;
    uint16_t reached = 0;
    if (computer.len && event_value_address(v[CLIENT_ADDRESS], &client, &client_port))
        reached = event_talk_port_reached(talk, client, client_port);
    if (!reached) {
        event_talk_unplaced(talk, S("failed network logons whose service the log does not tell"));
        return;
    }
    if (service_by_port(service_builtin, TRANSPORT_TCP, reached) == SERVICE_NONE) return;
    struct observation fact = event_talk_observation(talk, OUTCOME_AUTH_FAILED);
    str user =
        event_talk_is_anonymous(v) ? (str){0} : event_talk_user(talk, v[USER_DOMAIN], v[USER_NAME]);
    str client_name = event_value_bare(event_value_said(v[CLIENT_NAME]));
    fact.client.addr = client;
    fact.client_port = client_port;
    fact.server = event_talk_endpoint(computer);
    fact.port = reached;
    fact.within = true;
    fact.smb.auths = event_talk_auths(v);
    fact.users = event_talk_one(&user);
    fact.client_names = event_talk_one(&client_name);
    fact.server_names = event_talk_one(&computer);
    talk->sink.observation(talk->sink.to, &fact);
}

void event_security_ticket(struct event_talk *talk, const str *v)
{
    struct addr client;
    uint16_t port = 0;
    if (event_value_status(v[STATUS]) || talk->event->succeeded == KNOWN_NO) return;
    if (event_value_address(v[CLIENT_ADDRESS], &client, &port))
        event_talk_identity(talk, client, machine_of(v[USER_NAME]), IDENTITY_KERBEROS);
}

static void give_change(struct event_talk *talk, str subject, str detail, str user)
{
    str computer = event_value_said(talk->event->computer);
    talk->sink.change(talk->sink.to, &(struct change){
                                         .host = event_talk_endpoint(computer),
                                         .kind = (enum change_kind)talk->tells,
                                         .subject = subject,
                                         .detail = detail,
                                         .user = user,
                                         .at_us = talk->at_us,
                                         .offset = talk->event->offset,
                                     });
}

void event_security_share_change(struct event_talk *talk, const str *v)
{
    give_change(talk, event_talk_share(talk, event_value_said(talk->event->computer), v[SHARE]),
                event_value_said(v[SHARE_FOLDER]),
                event_talk_user(talk, v[USER_DOMAIN], v[USER_NAME]));
}

void event_security_change(struct event_talk *talk, const str *v)
{
    str subject = event_value_said(v[SUBJECT]);
    if (!subject.len) subject = talk->text;
    give_change(talk, subject, event_value_said(v[DETAIL]), event_value_said(v[USER_NAME]));
}
