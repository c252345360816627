/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/port_scan.h"

#include "base/hash.h"
#include "base/limits.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    str text;
    enum listening_state state;
} states[] = {
    {T("open"),            LISTENING_OPEN    },
    {T("closed"),          LISTENING_CLOSED  },
    {T("filtered"),        LISTENING_FILTERED},
    {T("open|filtered"),   LISTENING_FILTERED},
    {T("closed|filtered"), LISTENING_FILTERED},
};

bool port_scan_state(str text, enum listening_state *out)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (!str_equal(states[i].text, text)) continue;
        *out = states[i].state;
        return true;
    }
    return false;
}

enum transport port_scan_transport(str text)
{
    if (str_equal_nocase(text, S("tcp"))) return TRANSPORT_TCP;
    return str_equal_nocase(text, S("udp")) ? TRANSPORT_UDP : TRANSPORT_NONE;
}

/* The same finding of one time is the same record in every output format of the scanner. */
static void tell(const struct fact_sink *sink, const struct listening *fact)
{
    uint64_t hash =
        hash_join(addr_hash(fact->server.addr), (uint64_t)fact->transport << 16 | fact->port);
    hash = hash_join(hash, (uint64_t)fact->seen_us);
    hash = hash_join(hash,
                     (uint64_t)fact->state << 16 | (uint64_t)fact->signing << 8 | fact->dialects);
    sink->line_hash(sink->to, hash);
    sink->listening(sink->to, fact);
}

bool port_scan_tell(const struct fact_sink *sink, const struct listening *fact)
{
    if (addr_is_none(fact->server.addr)) return false;
    if (service_by_port(service_builtin, fact->transport, fact->port) == SERVICE_NONE) return false;
    tell(sink, fact);
    return true;
}

void port_scan_tell_smb(const struct fact_sink *sink, const struct listening *fact)
{
    if (addr_is_none(fact->server.addr)) return;
    if (fact->dialects || fact->signing != SIGNING_UNKNOWN) tell(sink, fact);
}

void port_scan_tell_name(const struct fact_sink *sink, const struct identity *identity)
{
    struct identity fact = *identity;
    for (size_t i = 0; i + 4 <= fact.name.len; i++)
        if (memcmp(fact.name.ptr + i, "\\x00", 4) == 0) fact.name.len = i;
    fact.name = str_trim(fact.name);
    if (!fact.name.len || fact.name.len > LIMIT_NAME_BYTES || addr_is_none(fact.addr)) return;
    if (str_equal_nocase(fact.name, S("localhost"))) return;
    sink->identity(sink->to, &fact);
}

/* ---- Texts of nmap's scripts ----------------------------------------------------------------- */

static const struct {
    str digits;
    enum dialect dialect;
} dialects[] = {
    {T("202"), DIALECT_2_0_2},
    {T("210"), DIALECT_2_1  },
    {T("21"),  DIALECT_2_1  },
    {T("300"), DIALECT_3_0  },
    {T("30"),  DIALECT_3_0  },
    {T("302"), DIALECT_3_0_2},
    {T("311"), DIALECT_3_1_1},
};

/* "202", "2.02", "2:0:2" and "2.0.2" by the version of the script; SMB1 by its name. */
static uint8_t dialect_of(str word)
{
    char digits[4];
    size_t n = 0;
    if (str_starts(word, S("NT LM 0.12"))) return 1u << DIALECT_NT_LM_012;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (c == '.' || c == ':') continue;
        if (c < '0' || c > '9' || n == sizeof digits) return 0;
        digits[n++] = c;
    }
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (str_equal(dialects[i].digits, (str){digits, n}))
            return (uint8_t)(1u << dialects[i].dialect);
    return 0;
}

static void weaken(enum signing *signing, enum signing said)
{
    if (*signing == SIGNING_UNKNOWN || said < *signing) *signing = said;
}

/* smb-protocols: dialects, a line each, under a heading. smb2-capabilities: headings of dialects
 * that the server took, capabilities below them. */
static void read_dialect(str line, struct port_scan_smb *smb)
{
    smb->dialects |= dialect_of(line);
}

/* smb2-security-mode: "Message signing enabled and required", "... enabled but not required",
 * "... is disabled and not required!" */
static void read_smb2_signing(str line, struct port_scan_smb *smb)
{
    if (!str_starts(line, S("Message signing"))) return;
    if (str_contains(line, S("disabled")))
        weaken(&smb->signing, SIGNING_DISABLED);
    else if (str_contains(line, S("not required")))
        weaken(&smb->signing, SIGNING_ENABLED);
    else if (str_contains(line, S("required")))
        weaken(&smb->signing, SIGNING_REQUIRED);
}

static bool value_of(str line, str key, str *value)
{
    if (!str_starts(line, key)) return false;
    *value = str_trim(str_tail(line, key.len));
    return true;
}

/* smb-security-mode, of SMB1: "message_signing: disabled (dangerous, but default)" */
static void read_smb1_signing(str line, struct port_scan_smb *smb)
{
    str value;
    if (!value_of(line, S("message_signing:"), &value)) return;
    if (str_starts(value, S("disabled"))) weaken(&smb->signing, SIGNING_DISABLED);
    if (str_starts(value, S("supported"))) weaken(&smb->signing, SIGNING_ENABLED);
    if (str_starts(value, S("required"))) weaken(&smb->signing, SIGNING_REQUIRED);
}

static void read_names(str line, struct port_scan_smb *smb)
{
    str value;
    if (value_of(line, S("NetBIOS computer name:"), &value)) smb->name = value;
    if (value_of(line, S("FQDN:"), &value)) smb->full_name = value;
}

/* "NetBIOS name: FS01, NetBIOS user: <unknown>, NetBIOS MAC: ..." */
static void read_nbstat(str line, struct port_scan_smb *smb)
{
    str value, rest;
    if (!value_of(line, S("NetBIOS name:"), &value)) return;
    str_cut(value, ',', &value, &rest);
    if (!str_starts(value, S("<"))) smb->name = value;
}

/* rdp-ntlm-info, ms-sql-ntlm-info and their kin */
static void read_ntlm(str line, struct port_scan_smb *smb)
{
    str value;
    if (value_of(line, S("NetBIOS_Computer_Name:"), &value)) smb->name = value;
    if (value_of(line, S("DNS_Computer_Name:"), &value)) smb->full_name = value;
}

static const struct {
    str id;
    void (*read)(str line, struct port_scan_smb *smb);
    enum identity_source source;
} scripts[] = {
    {T("smb-protocols"),      read_dialect,      IDENTITY_NTLM},
    {T("smb2-capabilities"),  read_dialect,      IDENTITY_NTLM},
    {T("smb2-security-mode"), read_smb2_signing, IDENTITY_NTLM},
    {T("smb-security-mode"),  read_smb1_signing, IDENTITY_NTLM},
    {T("smb-os-discovery"),   read_names,        IDENTITY_NTLM},
    {T("nbstat"),             read_nbstat,       IDENTITY_NBSS},
    {T("rdp-ntlm-info"),      read_ntlm,         IDENTITY_NTLM},
    {T("ms-sql-ntlm-info"),   read_ntlm,         IDENTITY_NTLM},
    {T("http-ntlm-info"),     read_ntlm,         IDENTITY_NTLM},
};

void port_scan_script(str id, str output, struct port_scan_smb *smb)
{
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        if (!str_equal(scripts[i].id, id)) continue;
        smb->source = scripts[i].source;
        while (output.len) {
            str line;
            str_cut(output, '\n', &line, &output);
            scripts[i].read(str_trim(line), smb);
        }
        return;
    }
}
