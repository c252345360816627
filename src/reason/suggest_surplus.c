/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_surplus.h"

static const char *const surplus_texts[] = {
#define X(name, text) text,
    SUGGEST_SURPLUSES(X)
#undef X
};

str suggest_surplus_text(enum suggest_surplus_kind kind)
{
    return str_of(surplus_texts[kind]);
}

struct looking {
    const struct suggest_machines *all;
    struct suggest_surplus *items;
    size_t n, room;
    struct arena *arena;
};

static void add_surplus(struct looking *l, struct suggest_surplus surplus)
{
    arena_grow(l->arena, l->items, l->n, l->room);
    l->items[l->n++] = surplus;
}

static bool is_listening(const struct host_view *view)
{
    for (size_t i = 0; view && i < view->n_listenings; i++) {
        const struct listening_view *l = &view->listenings[i];
        bool smb = l->transport == TRANSPORT_TCP && (l->port == 445 || l->port == 139);
        if (smb && l->state == LISTENING_OPEN) return true;
    }
    return false;
}

static bool *offers_of(const struct looking *l)
{
    const struct matrix_view *matrix = l->all->sources->matrix;
    bool *answers = arena_array(l->arena, bool, l->all->n + 1);
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        if (!suggest_evidence_is_smb(flow)) continue;
        size_t at = suggest_evidence_machine(l->all, flow->server, flow->last_us);
        bool answered = flow->outcomes[OUTCOME_AUTH_FAILED] || flow->outcomes[OUTCOME_ESTABLISHED];
        if (at != SIZE_MAX && answered) answers[at] = true;
    }
    return answers;
}

static void find_servers(struct looking *l)
{
    const bool *answers = offers_of(l);
    for (size_t i = 0; i < l->all->n; i++) {
        const struct suggest_machine *machine = &l->all->items[i];
        if (machine->serves || machine->is_controller) continue;
        bool listens = is_listening(machine->view);
        if (!(machine->has_own_log || listens || answers[i])) continue;
        const char *what = listens      ? "its port is open, and nobody used it"
                           : answers[i] ? "it answers, and nobody's use of it worked"
                                        : "its own log shows no use of its SMB service";
        add_surplus(l, (struct suggest_surplus){
                           .kind = SUGGEST_SURPLUS_SERVER,
                           .host = suggest_evidence_label(machine, l->arena),
                           .is_decidable = machine->has_own_log,
                           .reason = str_format(
                               l->arena, "%s; candidate to disable the Server service%s", what,
                               machine->has_own_log ? "" : ", once a log of its own says so"),
                       });
    }
}

static void find_endpoints(struct looking *l)
{
    for (size_t i = 0; i < l->all->n; i++) {
        const struct suggest_machine *machine = &l->all->items[i];
        if (!machine->is_endpoint || !machine->serves) continue;
        add_surplus(l, (struct suggest_surplus){
                           .kind = SUGGEST_SURPLUS_ENDPOINT,
                           .host = suggest_evidence_label(machine, l->arena),
                           .is_decidable = true,
                           .reason = str_format(l->arena,
                                                "a client's machine that serves SMB to %" PRIu32
                                                " machine%s",
                                                machine->serves, machine->serves == 1 ? "" : "s"),
                       });
    }
}

static str label_of(const struct looking *l, size_t machine, struct endpoint end)
{
    if (machine != SIZE_MAX) return suggest_evidence_label(&l->all->items[machine], l->arena);
    return suggest_evidence_plain(l->arena, view_end_text(l->arena, end), 64);
}

static str last_part(str path)
{
    str head, part = path;
    while (str_contains(part, S("\\")))
        (void)str_cut(part, '\\', &head, &part);
    return part;
}

static bool is_used(const struct host_view *view, str share)
{
    for (size_t i = 0; i < view->shares.n; i++)
        if (str_equal_nocase(view->shares.items[i], share)) return true;
    return false;
}

/* Shares that a log says were made, or that somebody asked for, and nobody was let use. */
static void find_shares(struct looking *l)
{
    for (size_t i = 0; i < l->all->n; i++) {
        const struct suggest_machine *machine = &l->all->items[i];
        for (size_t j = 0; j < machine->view->n_changes; j++) {
            const struct change_view *change = &machine->view->changes[j];
            str share = last_part(change->subject);
            bool gone = change->kind != CHANGE_SHARE_ADDED || is_used(machine->view, share);
            for (size_t k = j + 1; k < machine->view->n_changes && !gone; k++) {
                const struct change_view *later = &machine->view->changes[k];
                bool same = str_equal_nocase(last_part(later->subject), share);
                gone = same &&
                       (later->kind == CHANGE_SHARE_DELETED || later->kind == CHANGE_SHARE_ADDED);
            }
            if (gone) continue;
            add_surplus(l, (struct suggest_surplus){
                               .kind = SUGGEST_SURPLUS_SHARE,
                               .host = suggest_evidence_label(machine, l->arena),
                               .share = suggest_evidence_plain(l->arena, share, 80),
                               .is_decidable = machine->has_own_log,
                               .reason = S("its log says that it was shared, and nobody used it"),
                           });
        }
    }
    for (size_t i = 0; i < l->all->sources->n_shares; i++) {
        const struct share_view *share = &l->all->sources->shares[i];
        if (share->used || !share->refused || share->kind == SHARE_KIND_IPC) continue;
        size_t at = suggest_evidence_machine(l->all, share->server, share->last_us);
        add_surplus(l, (struct suggest_surplus){
                           .kind = SUGGEST_SURPLUS_SHARE,
                           .host = label_of(l, at, share->server),
                           .share = suggest_evidence_plain(l->arena, share->share, 80),
                           .is_decidable = at != SIZE_MAX && l->all->items[at].has_own_log,
                           .reason = str_format(l->arena,
                                                "asked for %" PRIu64
                                                " time%s, always refused: nobody uses it",
                                                share->refused, share->refused == 1 ? "" : "s"),
                       });
    }
}

const struct suggest_surplus *suggest_surplus(const struct suggest_machines *machines,
                                              struct arena *arena, size_t *n)
{
    struct looking l = {.all = machines, .arena = arena};
    find_servers(&l);
    find_endpoints(&l);
    find_shares(&l);
    *n = l.n;
    return l.items;
}
