/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/hardened.h"

#include "base/map.h"

/* Groups of these roles say what their members are; the last one of a machine's is the weightiest.
 * A cluster's nodes serve each other whatever the entries say. */
static const struct {
    enum role role;
    enum harden_kind kind;
} roles[] = {
    {ROLE_CLUSTER,           HARDEN_KIND_MEMBER_SERVER    },
    {ROLE_PRINT_SERVER,      HARDEN_KIND_PRINT_SERVER     },
    {ROLE_FILE_SERVER,       HARDEN_KIND_FILE_SERVER      },
    {ROLE_DOMAIN_CONTROLLER, HARDEN_KIND_DOMAIN_CONTROLLER},
};

/* Of a machine that is of several kinds, the weightiest counts. */
static unsigned weight_of(enum harden_kind kind)
{
    for (unsigned i = 0; i < COUNT_OF(roles); i++)
        if (roles[i].kind == kind) return i + 1;
    return 0;
}

bool hardened_is_on(const struct policy *policy)
{
    return policy->hardening_baseline.len && !str_equal(policy->hardening_mode, S("off"));
}

struct hardened hardened_both(struct hardened a, struct hardened b)
{
    return (struct hardened){
        weight_of(b.kind) > weight_of(a.kind) ? b.kind : a.kind,
        a.overrides | b.overrides,
    };
}

static bool carries_smb(const struct service *service)
{
    enum { SMB = 445, NETBIOS_SESSION = 139 };
    for (size_t i = 0; i < service->n_ports; i++) {
        const struct service_port *port = &service->ports[i];
        if (port->transport != TRANSPORT_TCP) continue;
        if (port->first <= SMB && SMB <= port->last) return true;
        if (port->first <= NETBIOS_SESSION && NETBIOS_SESSION <= port->last) return true;
    }
    return false;
}

/* Who may be reached by SMB is a server. What nothing governs may be. */
static void find_servers(const struct decision *decision, struct hardened *out, struct arena *arena,
                         struct arena scratch)
{
    const struct policy *policy = decision_resolved(decision)->policy;
    uint32_t n = atoms_count(decision_atoms(decision));
    for (size_t i = 0; i < policy->services.n; i++) {
        if (!carries_smb(&policy->services.services[i])) continue;
        bool governed = decision_governs(decision, (int)i);
        struct intent_rows rows = {0};
        if (governed)
            rows = decision_intent_rows(decision, (int)i, DIRECTION_INBOUND, arena, scratch);
        for (uint32_t c = 0; c < n; c++)
            if (!governed || rows.either[c]) out[c].kind = HARDEN_KIND_MEMBER_SERVER;
    }
}

static struct class_set classes_of(const struct decision *decision, const struct selectors *who,
                                   struct arena *arena)
{
    const struct resolved *r = decision_resolved(decision);
    const struct atoms *atoms = decision_atoms(decision);
    struct class_set out = {0};
    for (size_t i = 0; i < who->n; i++) {
        const struct selector *s = &who->items[i];
        assert((s->kind == SELECT_SEGMENT || s->kind == SELECT_GROUP) && "policy/hardening reads");
        struct prefix_set set =
            s->kind == SELECT_GROUP ? r->groups[s->index] : r->places.segments[s->index];
        out = class_set_unite(arena, out, atoms_classes(atoms, set, arena));
    }
    return out;
}

static void find_overrides(const struct decision *decision, struct hardened *out,
                           struct arena scratch)
{
    const struct resolved *r = decision_resolved(decision);
    uint64_t living = hardening_living(r->policy, r->as_of_us);
    uint32_t n = atoms_count(decision_atoms(decision));
    for (size_t i = 0; i < r->policy->n_overrides; i++) {
        const struct harden_override *o = &r->policy->overrides[i];
        struct arena inner = scratch;
        if (!(living >> i & 1)) continue;
        struct class_set who = o->machines.given ? classes_of(decision, &o->machines, &inner)
                                                 : class_set_all(&inner, n);
        for (size_t k = 0; k < who.n; k++)
            for (uint32_t c = who.runs[k].first; c <= who.runs[k].last; c++)
                out[c].overrides |= (uint64_t)1 << i;
    }
}

/* Where one machine has a server's role, others that no line names are taken as servers too:
 * turning off the Server service of an application's host would be worse than leaving that of a
 * desktop on.
 */
static void find_neighbours(const struct decision *decision, const bool *has_role,
                            struct hardened *out, struct arena scratch)
{
    const struct resolved *r = decision_resolved(decision);
    for (size_t i = 0; i < r->policy->n_segments; i++) {
        struct arena inner = scratch;
        struct class_set own =
            atoms_classes(decision_atoms(decision), r->places.segments[i], &inner);
        bool any = false;
        for (uint32_t c = class_set_next(own, 0); c != UINT32_MAX && !any;
             c = class_set_next(own, c + 1))
            any = has_role[c];
        for (uint32_t c = class_set_next(own, 0); c != UINT32_MAX && any;
             c = class_set_next(own, c + 1))
            if (out[c].kind == HARDEN_KIND_WORKSTATION) out[c].kind = HARDEN_KIND_MEMBER_SERVER;
    }
}

const struct hardened *hardened_classes(const struct decision *decision, struct arena *arena,
                                        struct arena scratch)
{
    const struct resolved *r = decision_resolved(decision);
    struct hardened *out =
        arena_array(arena, struct hardened, atoms_count(decision_atoms(decision)));
    struct arena work = arena_open("hardened", 0, NULL);
    bool *has_role = arena_array(&work, bool, atoms_count(decision_atoms(decision)));
    find_servers(decision, out, &work, scratch);
    for (size_t k = 0; k < COUNT_OF(roles); k++)
        for (size_t i = 0; i < r->policy->n_groups; i++) {
            struct arena inner = scratch;
            if (r->policy->groups[i].role != roles[k].role) continue;
            struct class_set members =
                atoms_classes(decision_atoms(decision), r->groups[i], &inner);
            for (size_t m = 0; m < members.n; m++)
                for (uint32_t c = members.runs[m].first; c <= members.runs[m].last; c++) {
                    out[c].kind = roles[k].kind;
                    has_role[c] = true;
                }
        }
    find_neighbours(decision, has_role, out, scratch);
    find_overrides(decision, out, scratch);
    arena_close(&work);
    return out;
}

/* ---- By address ---------------------------------------------------------------------------------
 */

struct hardened_ends {
    const struct atoms *atoms;
    const struct hardened *classes;
    struct map of_machines; /* addresses of machines that have several, to an index */
    const struct hardened *machines;
};

const struct hardened_ends *hardened_ends_of(const struct decision *decision, struct arena *arena,
                                             struct arena scratch)
{
    const struct resolved *r = decision_resolved(decision);
    struct hardened_ends *ends = arena_new(arena, struct hardened_ends);
    struct hardened *machines = arena_array(arena, struct hardened, r->n_machines + 1);
    ends->atoms = decision_atoms(decision);
    ends->classes = hardened_classes(decision, arena, scratch);
    for (size_t i = 0; i < r->n_machines; i++) {
        const struct machine *machine = &r->machines[i];
        for (size_t j = 0; j < machine->n_addrs; j++) {
            struct addr a = machine->addrs[j];
            struct hardened one = ends->classes[atoms_class(ends->atoms, a)];
            machines[i] = j ? hardened_both(machines[i], one) : one;
            (void)map_put(&ends->of_machines, arena, (str){(const char *)&a, sizeof a}, i, NULL);
        }
    }
    ends->machines = machines;
    return ends;
}

struct hardened hardened_at(const struct hardened_ends *ends, struct addr a)
{
    const uint64_t *machine = map_find(&ends->of_machines, (str){(const char *)&a, sizeof a});
    return machine ? ends->machines[*machine] : ends->classes[atoms_class(ends->atoms, a)];
}
