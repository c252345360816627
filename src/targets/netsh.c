/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall by `netsh advfirewall`, for hosts without anything else: apply.cmd and
 * rollback.cmd of each host class. A rule's name here is its id: netsh knows rules by their names
 * alone, has no groups, and cannot override a block outbound, so that allow-if-secure is refused.
 * The reader is netsh_read.c; it shares nothing with this file.
 *
 * spec : netsh advfirewall firewall add rule, its help (windows-formats.md 8.1)
 */
#include "rules/universe.h"
#include "targets/netsh_read.h"
#include "targets/remarks.h"
#include "targets/windows_slots.h"

enum {
    /* A line of cmd.exe has at most 8,191 characters; 40 ranges of IPv6 at both ends are 6,400. */
    RANGES_PER_RULE = 40,
    WHY_BYTES = 300,
};

extern const struct target netsh_target;

/* A percent sign would stand for a variable, also between quotes. */
static str cmd_plain(struct arena *arena, str text, size_t most)
{
    str plain = target_plain(arena, text, most);
    char *out = arena_array(arena, char, plain.len + 1);
    for (size_t i = 0; i < plain.len; i++)
        out[i] = strchr("%^&!", plain.ptr[i]) ? '?' : plain.ptr[i];
    return (str){out, plain.len};
}

static void put_head(struct buf *out, struct arena *arena, const struct host_class *class,
                     const struct target_header *header, const char *title)
{
    buf_format(out, "@echo off\r\nrem sallyport netsh: %s\r\n", title);
    buf_format(out, "rem workspace: %.*s\r\n", STR_ARG(header->workspace));
    buf_format(out, "rem host class: %.*s\r\n", STR_ARG(cmd_plain(arena, class->id, WHY_BYTES)));
    buf_format(out, "rem policy: %.*s, SHA-256 %.*s\r\n",
               STR_ARG(cmd_plain(arena, header->policy_source, WHY_BYTES)),
               STR_ARG(header->policy_sha256));
    buf_str(out, S("setlocal\r\n"));
}

static void put_ranges(struct buf *out, const char *end, const struct range *ranges, size_t n)
{
    char text[WINDOWS_RANGE_TEXT];
    if (!n) return;
    buf_format(out, " %s=", end);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(out, ',');
        buf_str(out, windows_slots_range(text, ranges[i]));
    }
}

static void put_profiles(struct buf *out, uint8_t profiles)
{
    bool more = false;
    buf_str(out, S(" profile="));
    for (unsigned p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1u)) continue;
        if (more) buf_char(out, ',');
        buf_str(out, profile_text((enum profile)p));
        more = true;
    }
}

/* Deleting what is not there fails, which is fine; there is no gap longer than one command. */
static void put_delete(struct buf *out, str id)
{
    buf_format(out, "netsh advfirewall firewall delete rule name=\"%.*s\" >nul\r\n", STR_ARG(id));
}

static void put_slot(struct buf *out, const struct windows_slot *slot, struct arena *arena)
{
    const struct rule *rule = slot->rule;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    put_delete(out, slot->id);
    buf_format(out, "netsh advfirewall firewall add rule name=\"%.*s\" dir=%s action=%s enable=yes",
               STR_ARG(slot->id), inbound ? "in" : "out",
               rule->action == ACTION_BLOCK ? "block" : "allow");
    put_profiles(out, rule->profiles);
    buf_format(out, " protocol=%s %s=", rule->transport == TRANSPORT_TCP ? "tcp" : "udp",
               inbound ? "localport" : "remoteport");
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        buf_format(out, "%s%u", i ? "," : "", (unsigned)p.first);
        if (p.last != p.first) buf_format(out, "-%u", (unsigned)p.last);
    }
    put_ranges(out, "localip", slot->local, slot->n_local);
    put_ranges(out, "remoteip", slot->remote, slot->n_remote);
    if (rule->program.len) buf_format(out, " program=\"%.*s\"", STR_ARG(rule->program));
    buf_format(out, " description=\"%.*s\" >nul || goto failed\r\n",
               STR_ARG(cmd_plain(arena, rule->why, WHY_BYTES)));
}

static str apply_script(const struct host_class *class, struct windows_slots used,
                        struct windows_slots unused, const struct target_header *header,
                        struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_head(&out, arena, class, header, "firewall rules; run as administrator, again replaces");
    for (size_t i = 0; i < used.n; i++)
        put_slot(&out, &used.items[i], arena);
    buf_str(&out, S("rem Rules that an older artefact may have.\r\n"));
    for (size_t i = 0; i < unused.n; i++)
        put_delete(&out, unused.items[i].id);
    buf_str(&out, S("exit /b 0\r\n"
                    ":failed\r\n"
                    "rem Half of the rules is no policy.\r\n"
                    "call \"%~dp0rollback.cmd\"\r\n"
                    "exit /b 1\r\n"));
    return buf_text(&out);
}

static str rollback_script(const struct host_class *class, struct windows_slots used,
                           struct windows_slots unused, const struct target_header *header,
                           struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_head(&out, arena, class, header, "rollback; deletes the rules, run as administrator");
    for (size_t i = 0; i < used.n; i++)
        put_delete(&out, used.items[i].id);
    for (size_t i = 0; i < unused.n; i++)
        put_delete(&out, unused.items[i].id);
    buf_str(&out, S("exit /b 0\r\n"));
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        for (size_t j = 0; j < class->rules.n; j++)
            if (!target_expresses(&netsh_target, &class->rules.rules[j], err)) return false;
        struct windows_slots used = windows_slots_of(class->rules, RANGES_PER_RULE, arena);
        struct windows_slots unused =
            windows_slots_unused(bundles->resolved->policy, header->workspace, used, arena);
        struct buf members = buf_in(arena);
        remarks_head(&members, arena, header, S("the machines that run apply.cmd"));
        remarks_class(&members, arena, class);
        target_add_class_file(&files, arena, class, TARGET_FILE_RULES, S("apply.cmd"),
                              apply_script(class, used, unused, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_ROLLBACK, S("rollback.cmd"),
                              rollback_script(class, used, unused, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("members.txt"),
                              buf_text(&members));
    }
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)border_word; /* this dialect has no borders */
    return str_format(arena, "sallyport-%.*s-", STR_ARG(workspace));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const struct target netsh_target = {
    .name = T("netsh"),
    .summary = T("netsh advfirewall scripts, for hosts without anything else"),
    .engine = ENGINE_WINDOWS,
    .holds = TARGET_PROGRAM,
    .profiles = (1u << PROFILE_COUNT) - 1,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses which the documentation neither allows nor forbids as end "
          "points"),
    .cannot =
        T("allow-if-secure (netsh has no override for outbound rules), log settings, the hardening "
          "baseline and borders"),
    .load = T("`apply.cmd` as administrator, again replaces; `rollback.cmd` deletes the rules by "
              "their names. "
              "Both work offline"),
    .decides = T("any block, else any allow, else the profile's default; order does not matter, "
                 "and rules of "
                 "all stores count together"),
    .doubts = doubts_windows,
    .hosts = true,
    .emit = emit,
    .read = netsh_read,
    .read_part = netsh_read_part,
    .group = group,
    .read_rollback = netsh_read_rollback,
    .undoes = netsh_read_undoes,
    .recognise = netsh_read_recognise,
};
