/* SPDX-License-Identifier: Apache-2.0 */
/* Packets logged by the Linux kernel (nf_log_syslog: nftables `log`, iptables LOG, UFW, firewalld,
 * Ubiquiti, OpenWrt). The kernel writes
 *
 *   <prefix>IN=eth0 OUT= MAC=... SRC=a DST=b LEN=60 ... PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN
 *
 * and says nothing of what became of the packet: that stands in the prefix, which is the
 * administrator's own text. So the verdict is read from words in it, and there is none when no word
 * or two words that contradict each other are found.
 */
#include "evidence/syslog.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* Whole words, without case; '_' and other signs part words. */
static const struct syslog_word words[] = {
    {T("drop"),      OUTCOME_BLOCKED},
    {T("dropped"),   OUTCOME_BLOCKED},
    {T("dropping"),  OUTCOME_BLOCKED},
    {T("drp"),       OUTCOME_BLOCKED},
    {T("deny"),      OUTCOME_BLOCKED},
    {T("denied"),    OUTCOME_BLOCKED},
    {T("block"),     OUTCOME_BLOCKED},
    {T("blocked"),   OUTCOME_BLOCKED},
    {T("blk"),       OUTCOME_BLOCKED},
    {T("reject"),    OUTCOME_BLOCKED},
    {T("rejected"),  OUTCOME_BLOCKED},
    {T("rej"),       OUTCOME_BLOCKED},
    {T("discard"),   OUTCOME_BLOCKED},
    {T("discarded"), OUTCOME_BLOCKED},
    {T("refused"),   OUTCOME_BLOCKED},
    {T("banned"),    OUTCOME_BLOCKED},
    {T("allow"),     OUTCOME_ALLOWED},
    {T("allowed"),   OUTCOME_ALLOWED},
    {T("accept"),    OUTCOME_ALLOWED},
    {T("accepted"),  OUTCOME_ALLOWED},
    {T("acc"),       OUTCOME_ALLOWED},
    {T("pass"),      OUTCOME_ALLOWED},
    {T("passed"),    OUTCOME_ALLOWED},
    {T("permit"),    OUTCOME_ALLOWED},
    {T("permitted"), OUTCOME_ALLOWED},
};

/* Ubiquiti: "[WAN_LOCAL-default-D]", "[LAN_IN-A-2000]". */
static const struct syslog_word letters[] = {
    {T("A"), OUTCOME_ALLOWED},
    {T("D"), OUTCOME_BLOCKED},
    {T("R"), OUTCOME_BLOCKED},
};

static bool is_word_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where the kernel's own text begins: "IN=" that no word runs into. */
static size_t kernel_part(str message)
{
    for (size_t at = 0; at < message.len;) {
        size_t found = at + syslog_find(str_tail(message, at), S("IN="));
        if (found >= message.len || !found || !is_word_char(message.ptr[found - 1])) return found;
        at = found + 1;
    }
    return message.len;
}

static enum outcome verdict_of_letter(str prefix)
{
    str open, inside, rest;
    if (!str_cut(prefix, '[', &open, &rest) || !str_cut(rest, ']', &inside, &rest))
        return OUTCOME_NONE;
    for (bool more = str_cut(inside, '-', &open, &inside); more;) {
        more = str_cut(inside, '-', &open, &inside);
        if (open.len != 1) continue;
        enum outcome outcome = syslog_outcome(letters, COUNT_OF(letters), open);
        if (outcome != OUTCOME_NONE) return outcome;
    }
    return OUTCOME_NONE;
}

/* Rules of this program log what they stop, with their id in front (targets/log_prefix.h); names of
 * a policy in it are no verdicts. */
static bool is_of_our_stop(str prefix)
{
    str rest = str_tail(prefix, syslog_find(prefix, S("sallyport-")));
    return syslog_find(rest, S("-block-")) < rest.len;
}

static enum outcome verdict_of(str prefix)
{
    enum outcome found = verdict_of_letter(prefix);
    if (is_of_our_stop(prefix)) return OUTCOME_BLOCKED;
    if (found != OUTCOME_NONE) return found;
    for (size_t at = 0; at < prefix.len;) {
        size_t end = at;
        while (end < prefix.len && is_word_char(prefix.ptr[end]))
            end++;
        if (end > at) {
            str word = {prefix.ptr + at, end - at};
            enum outcome outcome = syslog_outcome(words, COUNT_OF(words), word);
            if (outcome != OUTCOME_NONE && found != OUTCOME_NONE && outcome != found)
                return OUTCOME_NONE;
            if (outcome != OUTCOME_NONE) found = outcome;
        }
        at = end + 1;
    }
    return found;
}

struct packet {
    str in, out, source, destination, protocol, source_port, destination_port;
    bool has_in, has_out, syn, ack;
};

static void read_field(struct packet *packet, str field)
{
    str value = {0};
    switch (field.ptr[0]) {
    case 'I':
        if (!str_starts(field, S("IN="))) return;
        packet->in = str_tail(field, 3);
        packet->has_in = true;
        return;
    case 'O':
        if (!str_starts(field, S("OUT="))) return;
        packet->out = str_tail(field, 4);
        packet->has_out = true;
        return;
    case 'S':
        value = str_tail(field, 4);
        if (str_starts(field, S("SRC="))) packet->source = value;
        if (str_starts(field, S("SPT="))) packet->source_port = value;
        packet->syn |= str_equal(field, S("SYN"));
        return;
    case 'D':
        value = str_tail(field, 4);
        if (str_starts(field, S("DST="))) packet->destination = value;
        if (str_starts(field, S("DPT="))) packet->destination_port = value;
        return;
    case 'P':
        if (str_starts(field, S("PROTO="))) packet->protocol = str_tail(field, 6);
        return;
    case 'A':
        packet->ack |= str_equal(field, S("ACK"));
        return;
    }
}

/* Up to "[", where an ICMP error quotes the packet it is about. */
static struct packet packet_of(str text)
{
    struct packet packet = {0};
    const char *at = text.ptr, *end = text.len ? text.ptr + text.len : text.ptr;
    while (at < end) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        if (!blank) blank = end;
        if (*at == '[') break;
        if (blank > at) read_field(&packet, (str){at, (size_t)(blank - at)});
        at = blank < end ? blank + 1 : end;
    }
    return packet;
}

static bool kernel_log_claims(str message)
{
    return syslog_find(message, S("PROTO=")) < message.len &&
           (syslog_find(message, S("SRC=")) < message.len ||
            syslog_find(message, S("DPT=")) < message.len);
}

static void kernel_log_read(struct syslog *log, const struct syslog_line *line, bool cut)
{
    size_t at = kernel_part(line->message);
    struct packet packet = packet_of(str_tail(line->message, at));
    struct syslog_flow flow = {
        .first_us = line->at_us,
        .last_us = line->at_us,
        .transport = syslog_transport(packet.protocol),
    };
    if (!packet.source.len || !packet.destination.len || !packet.protocol.len) {
        syslog_skip(log, S("the line lacks its beginning: expected IN=, SRC=, DST= and PROTO="));
        return;
    }
    if (flow.transport == TRANSPORT_NONE) {
        if (!cut) syslog_record(log, (str){0}, line->kind, line->at_us);
        return;
    }
    if (!syslog_port(packet.source_port, &flow.source_port) ||
        !syslog_port(packet.destination_port, &flow.destination_port)) {
        /* Fragments have no ports: "FRAG:185". */
        if (!cut && !packet.source_port.len && !packet.destination_port.len)
            syslog_record(log, (str){0}, line->kind, line->at_us);
        else
            syslog_skip(log, S("expected a source and a destination port"));
        return;
    }
    bool concerns = syslog_concerns(&flow);
    if (!concerns && line->host.len) {
        syslog_record(log, (str){0}, line->kind, line->at_us);
        return;
    }
    if (!addr_parse(packet.source, &flow.source.addr) ||
        !addr_parse(packet.destination, &flow.destination.addr)) {
        syslog_skip(log, S("expected a source and a destination address"));
        return;
    }
    syslog_record(log, (str){0}, line->kind, line->at_us);
    bool to_self = packet.has_out && !packet.out.len && packet.in.len;
    bool from_self = packet.has_in && !packet.in.len && packet.out.len;
    if (from_self) syslog_local_address(log, flow.source.addr);
    if (to_self) syslog_local_address(log, flow.destination.addr);
    if (!concerns) return;
    if (flow.transport == TRANSPORT_TCP) {
        flow.within = !packet.syn;
        if (packet.syn) flow.opener = packet.ack ? SYSLOG_OPENER_DESTINATION : SYSLOG_OPENER_SOURCE;
    }
    flow.outcome = verdict_of(str_head(line->message, at));
    syslog_tell(log, &flow);
}

const struct syslog_dialect kernel_log_dialect = {kernel_log_claims, kernel_log_read};

static bool kernel_log_recognise(bytes head)
{
    return syslog_recognise(head, &kernel_log_dialect);
}

const struct reader kernel_log_reader = SYSLOG_READER(
    "kernel-log", "Linux packet logs (nftables, iptables, UFW, firewalld)", kernel_log_recognise);
