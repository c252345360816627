/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_members.h"

#include "base/instant.h"
#include "base/sha256.h"
#include "reason/ring_plan.h"
#include "targets/windows_slots.h"

enum {
    GROUP_BYTES = 64, /* of a common name in AD (rangeUpper of the attribute cn) */
    HASH_BYTES = 8,   /* of a name that is cut, so that no two are one */
    REMARK_BYTES = 900,
};

str gpo_members_group(str workspace, str class_id, str ring, struct arena *arena)
{
    str whole = str_format(arena, "sallyport-%.*s-%.*s", STR_ARG(workspace), STR_ARG(class_id));
    if (ring.len)
        whole = str_format(arena, "%.*s-%.*s", STR_ARG(whole), STR_ARG(target_word(arena, ring)));
    if (whole.len <= GROUP_BYTES) return whole;
    struct sha256_digest digest = sha256_of(str_bytes(whole));
    str hash = sha256_hex(arena, &digest);
    return str_format(arena, "%.*s-%.*s", STR_ARG(str_head(whole, GROUP_BYTES - HASH_BYTES - 1)),
                      STR_ARG(str_head(hash, HASH_BYTES)));
}

static void put_remark(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    buf_format(out, "# %s: %.*s\n", label, STR_ARG(target_plain(arena, text, REMARK_BYTES)));
}

static void put_head(struct buf *out, const struct gpo_members *m, struct arena *arena)
{
    char as_of[INSTANT_TEXT];
    put_remark(out, arena, "sallyport", S("who loads this group policy object"));
    put_remark(out, arena, "GPO", m->gpo_name);
    put_remark(out, arena, "backup", m->backup_id);
    put_remark(out, arena, "organisation", m->header->organisation);
    put_remark(out, arena, "policy",
               str_format(arena, "%.*s, SHA-256 %.*s", STR_ARG(m->header->policy_source),
                          STR_ARG(m->header->policy_sha256)));
    put_remark(out, arena, "as of", instant_text(as_of, m->header->as_of_us));
    put_remark(out, arena, "not held by this dialect", m->target->residue);
    if (m->resolved && m->resolved->policy->firewall_on)
        put_remark(out, arena, "not held by this dialect",
                   S("windows: firewall: on. Only on a machine can be seen that a profile is off; "
                     "turned on for a whole class, those that are on would open to everything "
                     "else. The target powershell does it"));
    for (size_t i = 0; i < m->settings->n_others; i++)
        put_remark(out, arena, "not held by this dialect", m->settings->others[i]->asks);
}

/* A range over the border of the families is written as two. */
static void put_addresses(struct buf *out, struct prefix_set members, struct arena *arena)
{
    char text[WINDOWS_RANGE_TEXT];
    struct prefix_set parts[] = {prefix_set_v6(arena, members), prefix_set_v4(arena, members)};
    for (size_t part = 0; part < COUNT_OF(parts); part++)
        for (size_t i = 0; i < parts[part].n; i++)
            buf_format(out, "# member: %.*s\n",
                       STR_ARG(windows_slots_range(text, parts[part].ranges[i])));
}

static void put_machine(struct buf *out, str name, struct arena *arena)
{
    buf_format(out, "machine %.*s\n", STR_ARG(target_plain(arena, name, REMARK_BYTES)));
}

/* An address of the machine of that name; the class's smallest when it is not known. */
static struct addr address_of(const struct gpo_members *m, str name)
{
    for (size_t i = 0; i < m->resolved->n_machines; i++)
        if (str_equal_nocase(m->resolved->machines[i].name, name) &&
            m->resolved->machines[i].n_addrs)
            return m->resolved->machines[i].addrs[0];
    return m->host_class->members.n ? m->host_class->members.ranges[0].first : (struct addr){0};
}

static void put_rings(struct buf *out, const struct gpo_members *m, struct arena *arena)
{
    struct ring_plan plan = ring_plan_of(m->resolved, arena);
    const struct host_class *class = m->host_class;
    struct prefix_set left = class->members;
    for (size_t i = 0; i < plan.n; i++) {
        const struct ring *ring = &m->resolved->policy->rings[i];
        if (!prefix_set_overlaps(left, plan.named[i])) continue;
        str group = gpo_members_group(m->header->workspace, class->id, ring->name, arena);
        buf_format(out, "group %.*s\n", STR_ARG(group));
        for (size_t j = 0; j < class->n_machine_names; j++) {
            str name = class->machine_names[j];
            if (ring_plan_ring(&plan, address_of(m, name), name) == i)
                put_machine(out, name, arena);
        }
        if (!ring->has_percent) left = prefix_set_subtract(arena, left, plan.named[i]);
    }
}

str gpo_members_text(const struct gpo_members *m, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_head(&out, m, arena);
    put_addresses(&out, m->host_class->members, arena);
    if (m->resolved && m->resolved->policy->n_rings) {
        put_rings(&out, m, arena);
        return buf_text(&out);
    }
    str group = gpo_members_group(m->header->workspace, m->host_class->id, (str){0}, arena);
    buf_format(&out, "group %.*s\n", STR_ARG(group));
    for (size_t i = 0; i < m->host_class->n_machine_names; i++)
        put_machine(&out, m->host_class->machine_names[i], arena);
    return buf_text(&out);
}
