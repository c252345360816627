/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall by MDM: SyncML (OMA DM 1.2) for the Firewall CSP and the Policy CSP,
 * one folder for each host class. rules.xml deletes every rule that an artefact of this workspace
 * may have and adds the new ones in one Atomic; rollback.xml deletes them. Settings that only some
 * builds have stand in files of their own, one Atomic for each build, since an Atomic fails whole.
 * The CSP has no fields for IPsec, so that allow-if-secure is refused. Sources: Firewall CSP,
 * Policy CSP, OMA DM protocol support (windows-formats.md 5.1, 5.3). The reader is mdm_read.c; it
 * shares nothing with this file.
 */
#include "base/instant.h"
#include "harden/baseline.h"
#include "rules/universe.h"
#include "targets/mdm_read.h"
#include "targets/windows_slots.h"

enum {
    RANGES_PER_RULE = 500, /* keeps a list below what XML readers take as one text (64 KiB) */
    NAME_BYTES = 200,
    WHY_BYTES = 900,
    LOG_KIB = 16384,
    LOG_BUILD = 22621, /* the log settings are of Windows 11 22H2 and later */
};

#define RULES_URI "./Vendor/MSFT/Firewall/MdmStore/FirewallRules/"
#define STORE_URI "./Vendor/MSFT/Firewall/MdmStore/"

extern const struct target mdm_target;

struct message {
    struct buf out;
    struct arena *arena;
    const struct target_header *header;
    unsigned command; /* number of the last one */
};

/* ---- Text ---------------------------------------------------------------------------------------
 */

static void put_escaped(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '&')
            buf_str(out, S("&amp;"));
        else if (text.ptr[i] == '<')
            buf_str(out, S("&lt;"));
        else if (text.ptr[i] == '>')
            buf_str(out, S("&gt;"));
        else
            buf_char(out, text.ptr[i]);
    }
}

/* A line of the comment; two hyphens would end it. */
static void put_remark(struct message *m, const char *label, str text)
{
    str plain = target_plain(m->arena, text, WHY_BYTES);
    if (!text.len) return;
    buf_format(&m->out, "# %s: ", label);
    for (size_t i = 0; i < plain.len; i++) {
        bool second = plain.ptr[i] == '-' && i && plain.ptr[i - 1] == '-';
        buf_char(&m->out, second ? '?' : plain.ptr[i]);
    }
    buf_char(&m->out, '\n');
}

static void put_members(struct message *m, const struct host_class *class)
{
    char text[WINDOWS_RANGE_TEXT];
    for (size_t i = 0; i < class->n_machine_names; i++)
        put_remark(m, "machine", class->machine_names[i]);
    struct prefix_set families[] = {prefix_set_v4(m->arena, class->members),
                                    prefix_set_v6(m->arena, class->members)};
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (size_t i = 0; i < families[f].n; i++)
            put_remark(m, "member", windows_slots_range(text, families[f].ranges[i]));
}

static struct message message_begin(const struct host_class *class, str title, bool members,
                                    const struct target_header *header, struct arena *arena)
{
    char as_of[INSTANT_TEXT];
    struct message m = {buf_in(arena), arena, header, 0};
    buf_str(&m.out, S("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!--\n"));
    put_remark(&m, "sallyport MDM", title);
    put_remark(&m, "workspace", header->workspace);
    put_remark(&m, "host class", class->id);
    put_remark(&m, "organisation", header->organisation);
    put_remark(&m, "policy", header->policy_source);
    put_remark(&m, "SHA-256", header->policy_sha256);
    put_remark(&m, "as of", instant_text(as_of, header->as_of_us));
    if (members) put_members(&m, class);
    buf_str(&m.out, S("-->\n<SyncML xmlns=\"SYNCML:SYNCML1.2\">\n<SyncBody>\n"));
    return m;
}

static str message_end(struct message *m)
{
    buf_str(&m->out, S("<Final/>\n</SyncBody>\n</SyncML>\n"));
    return buf_text(&m->out);
}

/* ---- Commands -----------------------------------------------------------------------------------
 */

static void put_delete(struct message *m, const char *uri, str name)
{
    buf_format(&m->out, "<Delete><CmdID>%u</CmdID><Item><Target><LocURI>%s", ++m->command, uri);
    put_escaped(&m->out, name);
    buf_str(&m->out, S("</LocURI></Target></Item></Delete>\n"));
}

static void atomic_begin(struct message *m)
{
    buf_format(&m->out, "<Atomic>\n<CmdID>%u</CmdID>\n", ++m->command);
}

static void atomic_end(struct message *m)
{
    buf_str(&m->out, S("</Atomic>\n"));
}

static void put_add(struct message *m, const char *uri, str name, const char *node,
                    const char *format, str data)
{
    buf_format(&m->out, "<Add><CmdID>%u</CmdID><Item><Target><LocURI>%s", ++m->command, uri);
    put_escaped(&m->out, name);
    buf_format(&m->out,
               "%s</LocURI></Target><Meta><Format xmlns=\"syncml:metinf\">%s</Format></Meta><Data>",
               node, format);
    put_escaped(&m->out, data);
    buf_str(&m->out, S("</Data></Item></Add>\n"));
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static str ranges_text(struct arena *arena, const struct range *ranges, size_t n)
{
    char text[WINDOWS_RANGE_TEXT];
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_char(&out, ',');
        buf_str(&out, windows_slots_range(text, ranges[i]));
    }
    return buf_text(&out);
}

static str ports_text(struct arena *arena, const struct rule *rule)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        buf_format(&out, "%s%u", i ? "," : "", (unsigned)p.first);
        if (p.last != p.first) buf_format(&out, "-%u", (unsigned)p.last);
    }
    return buf_text(&out);
}

static void put_slot(struct message *m, const struct windows_slot *slot)
{
    const struct rule *rule = slot->rule;
    struct arena *arena = m->arena;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    str name = str_format(arena, "%.*s, %.*s", STR_ARG(rule->name), STR_ARG(slot->part));
    put_add(m, RULES_URI, slot->id, "/Name", "chr", target_plain(arena, name, NAME_BYTES));
    put_add(m, RULES_URI, slot->id, "/Description", "chr",
            target_plain(arena, rule->why, WHY_BYTES));
    put_add(m, RULES_URI, slot->id, "/Enabled", "bool", S("true"));
    put_add(m, RULES_URI, slot->id, "/Direction", "chr", inbound ? S("IN") : S("OUT"));
    put_add(m, RULES_URI, slot->id, "/Action/Type", "int",
            rule->action == ACTION_BLOCK ? S("0") : S("1"));
    /* Domain 1, private 2, public 4: the bits of enum profile. */
    put_add(m, RULES_URI, slot->id, "/Profiles", "int",
            str_format(arena, "%u", (unsigned)rule->profiles));
    put_add(m, RULES_URI, slot->id, "/Protocol", "int",
            rule->transport == TRANSPORT_TCP ? S("6") : S("17"));
    put_add(m, RULES_URI, slot->id, inbound ? "/LocalPortRanges" : "/RemotePortRanges", "chr",
            ports_text(arena, rule));
    if (slot->n_local)
        put_add(m, RULES_URI, slot->id, "/LocalAddressRanges", "chr",
                ranges_text(arena, slot->local, slot->n_local));
    put_add(m, RULES_URI, slot->id, "/RemoteAddressRanges", "chr",
            ranges_text(arena, slot->remote, slot->n_remote));
    if (rule->program.len) put_add(m, RULES_URI, slot->id, "/App/FilePath", "chr", rule->program);
}

/* Deleting what is not there fails by itself, outside the Atomic, and harms nothing. */
static void put_deletes(struct message *m, struct windows_slots used, struct windows_slots unused)
{
    for (size_t i = 0; i < used.n; i++)
        put_delete(m, RULES_URI, used.items[i].id);
    for (size_t i = 0; i < unused.n; i++)
        put_delete(m, RULES_URI, unused.items[i].id);
}

static const char *const profile_nodes[PROFILE_COUNT] = {
    [PROFILE_DOMAIN] = "DomainProfile",
    [PROFILE_PRIVATE] = "PrivateProfile",
    [PROFILE_PUBLIC] = "PublicProfile",
};
static const char *const log_nodes[] = {"EnableLogDroppedPackets", "LogMaxFileSize"};

static str rules_message(const struct host_class *class, struct windows_slots used,
                         struct windows_slots unused, const struct target_header *header,
                         struct arena *arena)
{
    struct message m =
        message_begin(class, S("firewall rules; sending again replaces"), true, header, arena);
    put_deletes(&m, used, unused);
    atomic_begin(&m);
    for (size_t i = 0; i < used.n; i++)
        put_slot(&m, &used.items[i]);
    atomic_end(&m);
    return message_end(&m);
}

static str rollback_message(const struct host_class *class, struct windows_slots used,
                            struct windows_slots unused, const struct target_header *header,
                            struct arena *arena)
{
    struct message m = message_begin(class, S("rollback; deletes the rules and the log settings"),
                                     false, header, arena);
    put_deletes(&m, used, unused);
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (size_t i = 0; i < COUNT_OF(log_nodes); i++)
            put_delete(&m, STORE_URI, str_format(arena, "%s/%s", profile_nodes[p], log_nodes[i]));
    return message_end(&m);
}

/* Settings of the Firewall CSP beside the two that every class gets. Builds before LOG_BUILD lack
 * them too, so that they stand in the same Atomic. */
static bool is_more_logging(const struct harden_change *change)
{
    if (!str_starts(change->mdm_path, S(STORE_URI))) return false;
    for (size_t i = 0; i < COUNT_OF(log_nodes); i++)
        if (str_ends(change->mdm_path, str_of(log_nodes[i]))) return false;
    return true;
}

static bool is_of_policy(const struct harden_change *change)
{
    return change->mdm_path.len && !str_starts(change->mdm_path, S(STORE_URI));
}

/* One of the two, as the hardening has it. */
static void put_log(struct message *m, const struct host_class *class, size_t profile,
                    const char *node, const char *format, str data)
{
    str name = str_format(m->arena, "%s/%s", profile_nodes[profile], node);
    for (size_t i = 0; i < class->n_hardening; i++) {
        str path = class->hardening[i].mdm_path;
        if (str_starts(path, S(STORE_URI)) && str_equal(str_tail(path, S(STORE_URI).len), name))
            data = class->hardening[i].mdm_data;
    }
    put_add(m, STORE_URI, name, "", format, data);
}

static str logging_message(const struct host_class *class, const struct target_header *header,
                           struct arena *arena)
{
    str title = str_format(arena, "log of dropped packets; Windows build %d and later", LOG_BUILD);
    struct message m = message_begin(class, title, false, header, arena);
    atomic_begin(&m);
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        put_log(&m, class, p, log_nodes[0], "bool", S("true"));
        put_log(&m, class, p, log_nodes[1], "int", str_format(arena, "%d", LOG_KIB));
    }
    for (size_t i = 0; i < class->n_hardening; i++) {
        const struct harden_change *c = &class->hardening[i];
        if (!is_more_logging(c)) continue;
        put_add(&m, "", c->mdm_path, "", str_equal(c->mdm_format, S("bool")) ? "bool" : "chr",
                c->mdm_data);
    }
    atomic_end(&m);
    return message_end(&m);
}

/* ---- Hardening ----------------------------------------------------------------------------------
 */

static str hardening_message(const struct host_class *class, bool undo,
                             const struct target_header *header, struct arena *arena)
{
    struct message m = message_begin(
        class, undo ? S("rollback of the hardening") : S("hardening; one Atomic for each build"),
        false, header, arena);
    for (size_t i = 0; i < class->n_hardening; i++) {
        uint32_t build = class->hardening[i].since_build;
        bool again = false, any = false;
        for (size_t k = 0; k < i; k++)
            again = again || class->hardening[k].since_build == build;
        for (size_t k = i; k < class->n_hardening && !again; k++) {
            const struct harden_change *c = &class->hardening[k];
            if (c->since_build != build) continue;
            if (undo && (is_of_policy(c) || is_more_logging(c))) put_delete(&m, "", c->mdm_path);
            if (undo || !is_of_policy(c)) continue;
            if (!any) atomic_begin(&m);
            any = true;
            put_add(&m, "", c->mdm_path, "", str_equal(c->mdm_format, S("int")) ? "int" : "chr",
                    c->mdm_data);
        }
        if (any) atomic_end(&m);
    }
    return message_end(&m);
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static bool hardens(const struct host_class *class)
{
    for (size_t i = 0; i < class->n_hardening; i++)
        if (is_of_policy(&class->hardening[i]) || is_more_logging(&class->hardening[i]))
            return true;
    return false;
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        for (size_t j = 0; j < class->rules.n; j++)
            if (!target_expresses(&mdm_target, &class->rules.rules[j], err)) return false;
        struct windows_slots used = windows_slots_of(class->rules, RANGES_PER_RULE, arena);
        struct windows_slots unused =
            windows_slots_unused(bundles->resolved->policy, header->workspace, used, arena);
        target_add_class_file(&files, arena, class, TARGET_FILE_RULES, S("rules.xml"),
                              rules_message(class, used, unused, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_ROLLBACK, S("rollback.xml"),
                              rollback_message(class, used, unused, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("logging.xml"),
                              logging_message(class, header, arena));
        if (!hardens(class)) continue;
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("hardening.xml"),
                              hardening_message(class, false, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("hardening-rollback.xml"),
                              hardening_message(class, true, header, arena));
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

static const struct doubt own_doubts[] = {
    {T("mdm-rule-length"), 0,
     T("How long a list of addresses one node of the Firewall CSP takes. 500 ranges "
       "are written at most (about 40 KiB).")                                                   },
    {T("mdm-store-path"),  0, T("Where a device keeps rules of MDM. Verify by the ActiveStore.")},
    {{0},                  0, {0}                                                               },
};

const struct target mdm_target = {
    .name = T("mdm"),
    .summary = T("SyncML for the Firewall CSP, for any MDM server that sends it"),
    .engine = ENGINE_WINDOWS,
    .holds = TARGET_PROGRAM | TARGET_HARDENS,
    .profiles = (1u << PROFILE_COUNT) - 1,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses which the documentation neither allows nor forbids as end "
          "points"),
    .cannot = T("allow-if-secure (the Firewall CSP has no field for IPsec) and borders"),
    .load = T(
        "send rules.xml by the MDM server; logging.xml and hardening.xml to the builds they name; "
        "rollback.xml deletes the rules again"),
    .decides = T(
        "any block, else any allow, else the profile's default; rules of MDM, group policy and the "
        "machine itself count together"),
    .doubts = doubts_windows,
    .own_doubts = own_doubts,
    .hosts = true,
    .emit = emit,
    .read = mdm_read,
    .read_part = mdm_read_part,
    .settings = mdm_read_settings,
    .group = group,
    .read_rollback = mdm_read_rollback,
    .undoes = mdm_read_undoes,
    .recognise = mdm_read_recognise,
};
