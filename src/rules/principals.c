/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/principals.h"

#include "base/limits.h"
#include "base/map.h"
#include "policy/authorised.h"

/* What an entry names, as far as it matters here. */
struct named {
    str sids, lack;
    bool by_certificate;
};

struct naming {
    const struct decision *decision;
    const struct resolved *resolved;
    struct named *sets; /* the different ones */
    size_t n_sets, room;
    size_t *set_of; /* per entry; SIZE_MAX = it is plain */
    struct arena *arena, *scratch;
};

static void find_sets(struct naming *n)
{
    const struct resolved *r = n->resolved;
    struct map known = {0};
    n->set_of = arena_array(n->scratch, size_t, r->n_entries + 1);
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        n->set_of[i] = SIZE_MAX;
        if (e->secure == SECURE_NONE || e->secure == SECURE_UNSET) continue;
        struct named set = {e->principals, e->principals_lack, false};
        if (e->secure == SECURE_CERTIFICATE) {
            set = (struct named){
                .lack = str_format(n->arena,
                                   "%.*s asks for certificates, but a policy has no key for their "
                                   "authority: expected secure: kerberos",
                                   STR_ARG(resolve_entry_where(r, e, n->scratch))),
                .by_certificate = true,
            };
        }
        if (n->n_sets >= LIMIT_COMPUTER_SETS)
            set = (struct named){.lack = S("entries name more different computers than fit")};
        bool fresh = false;
        str key = str_format(n->scratch, "%.*s\n%.*s", STR_ARG(set.sids), STR_ARG(set.lack));
        n->set_of[i] = (size_t)*map_put(&known, n->scratch, key, n->n_sets, &fresh);
        if (!fresh) continue;
        arena_grow(n->scratch, n->sets, n->n_sets, n->room);
        n->sets[n->n_sets++] = set;
    }
}

/* Computers of one principal, and the sets that name them. */
struct draft_principal {
    struct named named;
    bool *in; /* per set */
};

struct drafts {
    struct draft_principal *items;
    size_t n, room;
    struct map known; /* which sets, to the place */
};

static void add_draft(const struct naming *n, struct drafts *drafts, const bool *in,
                      struct named named)
{
    bool fresh = false;
    str key = {(const char *)in, n->n_sets * sizeof *in};
    size_t at = (size_t)*map_put(&drafts->known, n->scratch, key, drafts->n, &fresh);
    if (!fresh) {
        struct named *all = &drafts->items[at].named;
        all->sids = authorised_union(all->sids, named.sids, n->arena);
        return;
    }
    bool *copy = arena_array(n->scratch, bool, n->n_sets);
    memcpy(copy, in, n->n_sets * sizeof *in);
    arena_grow(n->scratch, drafts->items, drafts->n, drafts->room);
    drafts->items[drafts->n++] = (struct draft_principal){named, copy};
}

/* Each SID by the sets that name it; a set whose SIDs nobody knows is a principal by itself. */
static struct drafts find_drafts(const struct naming *n)
{
    struct drafts drafts = {0};
    struct map sids = {0};
    for (size_t i = 0; i < n->n_sets; i++) {
        str rest = n->sets[i].sids, sid;
        bool *in = arena_array(n->scratch, bool, n->n_sets);
        in[i] = true;
        if (!rest.len) add_draft(n, &drafts, in, n->sets[i]);
        while (rest.len) {
            bool fresh = false;
            (void)str_cut(rest, ' ', &sid, &rest);
            (void)map_put(&sids, n->scratch, sid, 0, &fresh);
            if (!fresh) continue;
            for (size_t k = i; k < n->n_sets; k++) {
                str others = n->sets[k].sids, other;
                in[k] = false;
                while (others.len && !in[k]) {
                    (void)str_cut(others, ' ', &other, &others);
                    in[k] = str_equal(other, sid);
                }
            }
            add_draft(n, &drafts, in, (struct named){.sids = sid});
        }
    }
    return drafts;
}

/* The policy as if it had no entries but those that name the principal. */
static void find_rows(const struct naming *n, const bool *in, struct principal *out)
{
    const struct policy *policy = n->resolved->policy;
    struct resolved *part = arena_new(n->arena, struct resolved);
    struct resolved_entry *entries =
        arena_array(n->arena, struct resolved_entry, n->resolved->n_entries);
    *part = *n->resolved;
    part->entries = entries;
    part->n_entries = 0;
    part->n_perimeter = 0;
    for (size_t i = 0; i < n->resolved->n_entries; i++)
        if (n->set_of[i] != SIZE_MAX && in[n->set_of[i]])
            entries[part->n_entries++] = n->resolved->entries[i];
    const struct decision *decision =
        decision_build(part, decision_atoms(n->decision), n->arena, *n->scratch);
    struct intent_rows *rows = arena_array(n->arena, struct intent_rows, 2 * policy->services.n);
    for (size_t s = 0; s < policy->services.n; s++) {
        if (!policy->governed[s]) continue;
        rows[2 * s] =
            decision_intent_rows(decision, (int)s, DIRECTION_INBOUND, n->arena, *n->scratch);
        rows[2 * s + 1] =
            decision_intent_rows(decision, (int)s, DIRECTION_OUTBOUND, n->arena, *n->scratch);
    }
    out->rows = rows;
}

struct principals principals_of(const struct decision *decision, struct arena *arena,
                                struct arena scratch)
{
    struct naming n = {
        .decision = decision,
        .resolved = decision_resolved(decision),
        .arena = arena,
        .scratch = &scratch,
    };
    find_sets(&n);
    struct drafts drafts = find_drafts(&n);
    struct principal *items = arena_array(arena, struct principal, drafts.n + 1);
    for (size_t i = 0; i < drafts.n; i++) {
        const struct named *named = &drafts.items[i].named;
        items[i] = (struct principal){
            .sids = named->sids,
            .lack = named->lack,
            .by_certificate = named->by_certificate,
        };
        if (drafts.n > 1) find_rows(&n, drafts.items[i].in, &items[i]);
    }
    return (struct principals){items, drafts.n};
}

static const struct intent_rows *rows_of(const struct principal *principal, int service,
                                         enum direction direction)
{
    return &principal->rows[2 * (size_t)service + (direction == DIRECTION_OUTBOUND)];
}

uint32_t principals_row(const struct principal *principal, int service, enum direction direction,
                        uint32_t own)
{
    return principal->rows ? rows_of(principal, service, direction)->either[own] : 0;
}

struct prefix_set principals_peers(const struct principal *principal, const struct atoms *atoms,
                                   int service, enum direction direction, uint32_t own,
                                   struct prefix_set secure, struct arena *arena)
{
    if (!principal->rows) return secure;
    const struct intent_rows *rows = rows_of(principal, service, direction);
    struct class_set row = class_sets_get(&rows->sets, rows->either[own]);
    return prefix_set_intersect(arena, secure, atoms_addresses(atoms, row, arena));
}
