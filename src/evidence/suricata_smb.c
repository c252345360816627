/* SPDX-License-Identifier: Apache-2.0 */
/* Suricata decodes requests and their answers together: the dialect is the server's choice, the
 * status its answer.
 */
#include "evidence/suricata_smb.h"

#include "evidence/logon_status.h"
#include "evidence/share_path.h"
#include "wire/dcerpc.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Names of [MS-SMB2] dialects in events. 2.?? is the wildcard, no choice. */
static const struct {
    str text;
    enum dialect dialect;
} dialects[] = {
    {T("2.02"), DIALECT_2_0_2},
    {T("2.10"), DIALECT_2_1  },
    {T("3.00"), DIALECT_3_0  },
    {T("3.02"), DIALECT_3_0_2},
    {T("3.11"), DIALECT_3_1_1},
};
/* [MS-CIFS] 1.7: how the names of SMB 1 dialects begin. */
static const str smb1_dialects[] = {
    T("NT L"),  T("LANMAN"), T("DOS LANMAN"),         T("LM1.2X"), T("DOS LM1.2X"),
    T("PC "),   T("PCLAN"),  T("MICROSOFT NETWORKS"), T("XENIX"),  T("Windows for Workgroups"),
    T("Samba"),
};

bool suricata_smb_is(const struct suricata_event *event)
{
    const str *fields = event->fields;
    return str_equal(fields[SURICATA_APP_PROTO], S("smb")) || fields[SURICATA_SMB_COMMAND].ptr ||
           str_equal(fields[SURICATA_EVENT_TYPE], S("smb"));
}

/* SMB of a client that was not answered by a choice has no dialect: "unknown". Then only frames of
 * SMB 1 that a server carried out tell it. */
static uint8_t dialects_of(const struct suricata_event *event)
{
    str text = event->fields[SURICATA_SMB_DIALECT], command = event->fields[SURICATA_SMB_COMMAND];
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (str_equal(dialects[i].text, text)) return (uint8_t)(1u << dialects[i].dialect);
    for (size_t i = 0; i < COUNT_OF(smb1_dialects); i++)
        if (str_starts(text, smb1_dialects[i])) return 1u << DIALECT_NT_LM_012;
    bool carried_out = str_starts(command, S("SMB1_COMMAND_")) &&
                       !str_starts(command, S("SMB1_COMMAND_NEGOTIATE")) &&
                       logon_status_is_success(event->fields[SURICATA_SMB_STATUS]);
    return str_equal(text, S("unknown")) && carried_out ? 1u << DIALECT_NT_LM_012 : 0;
}

/* The UUID as it is written; by its name where we know one. */
static str interface_name(str uuid)
{
    struct dcerpc_interface interface = {0};
    size_t n = 0;
    for (size_t i = 0; i < uuid.len && n < 32; i++) {
        char c = uuid.ptr[i];
        unsigned digit;
        if (c == '-') continue;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return uuid;
        interface.uuid[n / 2] = (uint8_t)((unsigned)interface.uuid[n / 2] << 4 | digit);
        n++;
    }
    str name = n == 32 ? dcerpc_interface_name(&interface) : (str){0};
    return name.len ? name : uuid;
}

static void read_share(const struct suricata_event *event, struct suricata_smb *smb)
{
    const str *fields = event->fields;
    str status = fields[SURICATA_SMB_STATUS];
    /* The tree's path of IPC$ is called a named pipe; what is opened on it is a file. */
    smb->share = fields[SURICATA_SMB_SHARE];
    if (!smb->share.len && str_starts(fields[SURICATA_SMB_NAMED_PIPE], S("\\\\")))
        smb->share = fields[SURICATA_SMB_NAMED_PIPE];
    if (share_path_is_ipc(smb->share) && fields[SURICATA_SMB_FILENAME].len &&
        fields[SURICATA_SMB_FILENAME].ptr[0] != '<')
        smb->pipe = share_path_pipe(fields[SURICATA_SMB_FILENAME]);
    bool is_connect = str_contains(fields[SURICATA_SMB_COMMAND], S("_TREE_CONNECT"));
    smb->refused = is_connect && status.len && !logon_status_is_success(status);
    smb->is_printer = str_equal(fields[SURICATA_SMB_SHARE_TYPE], S("PRINT")) ||
                      str_starts(fields[SURICATA_SMB_SERVICE], S("LPT"));
}

static void read_logon(const struct suricata_event *event, struct arena *scratch,
                       struct suricata_smb *smb)
{
    const str *fields = event->fields;
    str user = fields[SURICATA_NTLM_USER], domain = fields[SURICATA_NTLM_DOMAIN];
    bool is_setup = str_contains(fields[SURICATA_SMB_COMMAND], S("_SESSION_SETUP"));
    smb->user = user;
    if (user.len && domain.len)
        smb->user = str_format(scratch, "%.*s\\%.*s", STR_ARG(domain), STR_ARG(user));
    if (is_setup && user.ptr && !user.len) smb->auths |= 1u << AUTH_ANONYMOUS;
    if (fields[SURICATA_TICKET_REALM].ptr || fields[SURICATA_TICKET_SERVICE].ptr)
        smb->auths |= 1u << AUTH_KERBEROS;
    smb->client = fields[SURICATA_NTLM_HOST];
    smb->server = fields[SURICATA_TICKET_HOST];
    smb->failed = is_setup && logon_status_is_refusal(fields[SURICATA_SMB_STATUS]);
}

static size_t read_interfaces(const struct suricata_event *event, str out[SURICATA_INTERFACES])
{
    size_t n = 0;
    for (size_t i = 0; i < SURICATA_INTERFACES; i++) {
        str uuid = event->fields[SURICATA_PIPE_UUID_0 + i];
        if (!uuid.len) uuid = event->fields[SURICATA_RPC_UUID_0 + i];
        if (uuid.len) out[n++] = interface_name(uuid);
    }
    return n;
}

struct suricata_smb suricata_smb_of(const struct suricata_event *event, struct arena *scratch)
{
    struct suricata_smb smb = {.dialects = dialects_of(event)};
    read_share(event, &smb);
    read_logon(event, scratch, &smb);
    smb.n_interfaces = read_interfaces(event, smb.interfaces);
    return smb;
}
