/* SPDX-License-Identifier: Apache-2.0 */
#include "report/actions.h"

struct listing {
    const struct report *report;
    struct arena *arena;
    struct report_action *items;
    size_t n, room;
};

/* How urgent what is: what lets somebody in before what nobody watches, before what is untidy. */
enum urgency {
    URGENT_BREAK_GLASS = 100,
    URGENT_LEAK = 95,
    URGENT_CARRIED = 90,
    URGENT_NO_POLICY = 85,
    URGENT_ORPHAN = 80,
    URGENT_OVERDUE = 75,
    URGENT_SMB1 = 70,
    URGENT_BROKEN = 65,
    URGENT_ENDING = 60,
    URGENT_BLIND = 55,
    URGENT_UNENFORCED = 50,
    URGENT_HARDENING = 45,
    URGENT_UNUSED_EXCEPTION = 40,
    URGENT_NARROW = 35,
    URGENT_UNUSED_ENTRY = 30,
    URGENT_NO_LEDGER = 20,
};

static void add(struct listing *l, struct report_action action)
{
    arena_grow(l->arena, l->items, l->n, l->room);
    l->items[l->n++] = action;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* One decision each: small while they fit a morning. */
static enum report_effort effort_of(uint64_t n)
{
    return n <= 5 ? REPORT_SMALL : n <= 50 ? REPORT_MEDIUM : REPORT_LARGE;
}

/* "EX-1, EX-2, EX-3 and 4 more" of the rows that are so. */
typedef bool row_test(const struct register_row *row, const struct report *report);

static uint64_t list_rows(struct listing *l, row_test *is_so, str *out)
{
    enum { SHOWN = 5 };
    const struct exception_register *all = l->report->exceptions;
    struct buf text = buf_in(l->arena);
    uint64_t n = 0;
    for (size_t i = 0; i < all->n; i++) {
        if (!is_so(&all->rows[i], l->report)) continue;
        if (n++ >= SHOWN) continue;
        if (n > 1) buf_str(&text, S(", "));
        buf_str(&text, all->rows[i].id);
    }
    if (n > SHOWN) buf_format(&text, " and %" PRIu64 " more", n - SHOWN);
    *out = buf_text(&text);
    return n;
}

/* ---- Exceptions ---------------------------------------------------------------------------------
 */

static bool is_glass(const struct register_row *row, const struct report *report)
{
    (void)report;
    return row->break_glass && register_is_living(row);
}

static bool is_leaking(const struct register_row *row, const struct report *report)
{
    (void)report;
    return !register_is_living(row) && row->use && row->use->passed_after > 0;
}

static bool is_carried(const struct register_row *row, const struct report *report)
{
    (void)report;
    return row->carried;
}

static bool is_orphaned(const struct register_row *row, const struct report *report)
{
    (void)report;
    return row->orphaned.len > 0;
}

static bool is_overdue(const struct register_row *row, const struct report *report)
{
    (void)report;
    return row->overdue;
}

static bool is_ending(const struct register_row *row, const struct report *report)
{
    return register_is_living(row) && !row->break_glass &&
           register_days_left(row, report->as_of_us) <= 14;
}

static bool is_unused(const struct register_row *row, const struct report *report)
{
    (void)report;
    return register_is_living(row) && row->use && row->use->proposal == USE_REMOVE;
}

static bool is_wide(const struct register_row *row, const struct report *report)
{
    (void)report;
    return register_is_living(row) && row->use && row->use->proposal == USE_NARROW;
}

/* What is done about exceptions of one kind; what and why go on after the list of ids. */
static const struct exception_advice {
    row_test *is_so;
    unsigned urgency;
    const char *what, *why, *command, *each;
} advices[] = {
    {is_glass,    URGENT_BREAK_GLASS,      "Look at what was opened in an emergency",
     "break-glass is in force; it has to be reviewed the next day",                                                                     "sallyport exception review",
     "one review each"                                                                                                                                                                                     },
    {is_leaking,  URGENT_LEAK,             "Find out why ended exceptions still pass",
     "flows passed after the end: the removal has not reached every firewall",                                                          "sallyport exception due",      "each needs a look at the firewall"},
    {is_carried,  URGENT_CARRIED,          "Take ended exceptions out of the firewalls",
     "they ended, and the last compile still carries them",                                                                             "sallyport exception due",
     "one removal bundle for all"                                                                                                                                                                          },
    {is_orphaned, URGENT_ORPHAN,           "Give exceptions a new owner, or end them",
     "their owners have left",                                                                                                          "sallyport exception transfer", "one decision each"                },
    {is_overdue,  URGENT_OVERDUE,          "Review exceptions that are overdue",
     "their owners have not said whether they are still needed",                                                                        "sallyport exception review",
     "one decision each"                                                                                                                                                                                   },
    {is_ending,   URGENT_ENDING,           "Decide what follows exceptions that end within 14 days",
     "what they open will be shut then",                                                                                                "sallyport exception renew",
     "one decision each, and an approver"                                                                                                                                                                  },
    {is_unused,   URGENT_UNUSED_EXCEPTION, "Remove exceptions that nobody uses",
     "their machines show their own side, and no flow used them",                                                                       "sallyport exception revoke",
     "one command each"                                                                                                                                                                                    },
    {is_wide,     URGENT_NARROW,           "Narrow exceptions to what is used",                      "only part of them was ever used",
     "sallyport exception show",                                                                                                                                        "one request each, and an approver"},
};

static void add_exceptions(struct listing *l)
{
    for (size_t i = 0; i < COUNT_OF(advices); i++) {
        const struct exception_advice *a = &advices[i];
        str ids;
        uint64_t n = list_rows(l, a->is_so, &ids);
        if (!n) continue;
        add(l, (struct report_action){
                   .urgency = a->urgency,
                   .what = str_format(l->arena, "%s: %.*s", a->what, STR_ARG(ids)),
                   .why = str_of(a->why),
                   .command = str_of(a->command),
                   .effort = a->is_so == is_carried ? REPORT_MEDIUM : effort_of(n),
                   .effort_why = str_of(a->each),
               });
    }
}

/* ---- Policy and flows ---------------------------------------------------------------------------
 */

static void add_broken(struct listing *l)
{
    const struct cures *cures = l->report->cures;
    uint64_t broken = l->report->figures->broken;
    if (!broken || !cures) return;
    uint64_t kept = 0;
    for (size_t i = 0; i < cures->n; i++)
        kept += cures->items[i].keeps;
    str first = cures->n ? cures->items[0].entry : (str){0};
    add(l, (struct report_action){
               .urgency = URGENT_BROKEN,
               .what = str_format(l->arena,
                                  "Decide on %" PRIu64 " flow%s that work%s today and would break",
                                  broken, plural(broken), broken == 1 ? "s" : ""),
               .why = cures->n ? str_format(l->arena,
                                            "%zu change%s of the policy keep%s %" PRIu64
                                            " of them; the first: %.*s",
                                            cures->n, plural(cures->n), cures->n == 1 ? "s" : "",
                                            kept, STR_ARG(first))
                               : S("no change of the policy alone keeps them"),
               .command = S("sallyport simulate"),
               .effort = effort_of(cures->n ? cures->n : broken),
               .effort_why = S("one line of the policy each, or an owner who does without"),
           });
}

static void add_unused_entries(struct listing *l)
{
    size_t n = l->report->n_unused;
    if (!n) return;
    add(l, (struct report_action){
               .urgency = URGENT_UNUSED_ENTRY,
               .what = str_format(l->arena, "Remove %zu line%s of the policy that nobody uses", n,
                                  plural(n)),
               .why = n == 1 ? l->report->unused[0]
                             : str_format(l->arena, "%.*s; and %zu more",
                                          STR_ARG(l->report->unused[0]), n - 1),
               .command = S("sallyport check"),
               .effort = effort_of(n),
               .effort_why = S("one line each; ask before the next month's jobs"),
           });
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

static str machine_name(const struct report *report, const struct host_view *host,
                        struct arena *arena)
{
    char text[ADDR_TEXT];
    (void)report;
    if (host->host->name.len || !host->host->n_intervals) return host->host->name;
    return str_copy(arena, addr_text(text, host->host->intervals[0].addr));
}

static void add_smb1(struct listing *l)
{
    enum { SHOWN = 5 };
    const struct hosts_view *hosts = l->report->hosts;
    struct buf names = buf_in(l->arena);
    uint64_t n = l->report->figures->smb1;
    size_t shown = 0;
    if (!n) return;
    for (size_t i = 0; i < hosts->n && shown < SHOWN; i++) {
        if (!hosts->hosts[i].posture.smb1) continue;
        if (shown++) buf_str(&names, S(", "));
        buf_str(&names, machine_name(l->report, &hosts->hosts[i], l->arena));
    }
    if (n > shown) buf_format(&names, " and %" PRIu64 " more", n - shown);
    add(l,
        (struct report_action){
            .urgency = URGENT_SMB1,
            .what = str_format(l->arena, "Replace SMB 1 on %.*s", STR_ARG(buf_text(&names))),
            .why = S("SMB 1 has no protection against who stands in between, and its flaws spread "
                     "worms"),
            .command = S("sallyport hosts"),
            .effort = n <= 2 ? REPORT_MEDIUM : REPORT_LARGE,
            .effort_why = S("each is a device to update or to replace"),
        });
}

static void add_blind(struct listing *l)
{
    enum { SHOWN = 4 };
    const struct simulation *s = l->report->simulation;
    struct buf names = buf_in(l->arena);
    size_t n = s ? s->n_blind : 0;
    if (!n) return;
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        const struct blind_spot *spot = &s->blind[i];
        if (i) buf_str(&names, S(", "));
        buf_str(&names, addr_is_none(spot->addr)
                            ? spot->text
                            : view_end_text(l->arena, (struct endpoint){.addr = spot->addr}));
    }
    if (n > SHOWN) buf_format(&names, " and %zu more", n - SHOWN);
    add(l, (struct report_action){
               .urgency = URGENT_BLIND,
               .what = str_format(l->arena, "Get evidence of %.*s", STR_ARG(buf_text(&names))),
               .why = S("nothing shows their own side, so nothing about them is known to be safe"),
               .command = S("sallyport audit-plan"),
               .effort = n <= 20 ? REPORT_MEDIUM : REPORT_LARGE,
               .effort_why = S("switch on a firewall log or an audit for some days, then read it"),
           });
}

static void add_unenforced(struct listing *l)
{
    const struct figures *f = l->report->figures;
    uint64_t n = f->managed - f->enforcing;
    if (!f->has_policy || !n) return;
    add(l, (struct report_action){
               .urgency = URGENT_UNENFORCED,
               .what = str_format(l->arena, "Show that %" PRIu64 " machine%s enforce%s the policy",
                                  n, plural(n), n == 1 ? "s" : ""),
               .why = S("no log of their own was read; that the firewall is on there is assumed"),
               .command = S("sallyport simulate"),
               .effort = n <= 20 ? REPORT_MEDIUM : REPORT_LARGE,
               .effort_why = S("ring by ring: load the rules, collect the firewall's log"),
           });
}

static void add_hardening(struct listing *l)
{
    const struct figures *f = l->report->figures;
    if (!f->settings_differ) return;
    add(l, (struct report_action){
               .urgency = URGENT_HARDENING,
               .what = str_format(l->arena,
                                  "Correct %" PRIu64 " setting%s that differ%s from the "
                                  "hardening baseline",
                                  f->settings_differ, plural(f->settings_differ),
                                  f->settings_differ == 1 ? "s" : ""),
               .why = S("machines were seen, or say themselves, that they are set otherwise"),
               .command = S("sallyport audit"),
               .effort = f->settings_differ <= 20 ? REPORT_MEDIUM : REPORT_LARGE,
               .effort_why =
                   S("a group policy sets most; what it breaks is tried in mode audit first"),
           });
}

static void add_beginnings(struct listing *l)
{
    const struct figures *f = l->report->figures;
    if (!f->has_policy)
        add(l,
            (struct report_action){
                .urgency = URGENT_NO_POLICY,
                .what = S("Write a policy"),
                .why = S("without one every machine may speak SMB to every other"),
                .command = S("sallyport suggest"),
                .effort = REPORT_LARGE,
                .effort_why = S("a proposal is made from what was seen; its questions are yours"),
            });
    if (!f->has_ledger)
        add(l, (struct report_action){
                   .urgency = URGENT_NO_LEDGER,
                   .what = S("Keep exceptions in the ledger"),
                   .why = S("an exception in a file has no proof of who approved it, and when"),
                   .command = S("sallyport exception request"),
                   .effort = REPORT_SMALL,
                   .effort_why = S("one request each, and an approver"),
               });
}

/* The same urgency: in the order in which they were found. */
static void sort(struct listing *l)
{
    for (size_t i = 1; i < l->n; i++)
        for (size_t j = i; j > 0 && l->items[j - 1].urgency < l->items[j].urgency; j--) {
            struct report_action swapped = l->items[j];
            l->items[j] = l->items[j - 1];
            l->items[j - 1] = swapped;
        }
}

const struct report_action *actions_of(const struct report *report, struct arena *arena, size_t *n)
{
    struct listing listing = {.report = report, .arena = arena};
    add_beginnings(&listing);
    add_exceptions(&listing);
    add_smb1(&listing);
    add_broken(&listing);
    add_blind(&listing);
    add_unenforced(&listing);
    add_hardening(&listing);
    add_unused_entries(&listing);
    sort(&listing);
    *n = listing.n;
    return listing.items;
}
