/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of decision, one row each, as stories: what is tried, by whom, and what comes of it. */
#include "ledger/exception_book.h"

#include <unistd.h>

#include "base/instant.h"
#include "base/json_scan.h"
#include "base/test.h"
#include "ledger/entry_text.h"
#include "ledger/exception_rules.h"

static const int64_t START_US = INT64_C(1795348800) * 1000000; /* noon of 2026-11-22 */

/* ---- Telling a story ----------------------------------------------------------------------------
 */

struct story {
    struct arena *arena;
    struct exception_reader *reader;
    uint64_t n;
    int64_t at_us;
    uint64_t last_request;
};

/* "alice": logged in, account srv. "~root": the account root alone; with "!" behind: by a clock
 * that was set. */
static struct actor actor_of(struct story *s, str word)
{
    struct actor by = {.account = S("srv"), .machine = S("m"), .token = S("T-1")};
    by.authenticated = !str_starts(word, S("~"));
    by.clock_is_set = str_ends(word, S("!"));
    if (by.clock_is_set) word = str_head(word, word.len - 1);
    by.person = by.authenticated ? word : str_tail(word, 1);
    if (!by.authenticated) {
        by.account = by.person;
        by.token = (str){0};
    }
    (void)s;
    return by;
}

static str value_of(str words, const char *key, const char *fallback)
{
    str word, name, value;
    while (words.len) {
        (void)str_cut(words, ' ', &word, &words);
        bool has_value = str_cut(word, '=', &name, &value);
        if (str_equal(name, str_of(key))) return has_value ? value : S("yes");
    }
    return str_of(fallback);
}

static uint64_t number_of(str words, const char *key, uint64_t fallback)
{
    uint64_t number = 0;
    return str_u64(value_of(words, key, ""), UINT32_MAX, &number) ? number : fallback;
}

static const struct {
    const char *verb;
    enum ledger_kind kind;
} verbs[] = {
    {"policy",   LEDGER_POLICY     },
    {"request",  LEDGER_REQUESTED  },
    {"renew",    LEDGER_AMENDMENT  },
    {"narrow",   LEDGER_AMENDMENT  },
    {"approve",  LEDGER_APPROVED   },
    {"reject",   LEDGER_REJECTED   },
    {"revoke",   LEDGER_REVOKED    },
    {"transfer", LEDGER_TRANSFERRED},
    {"review",   LEDGER_REVIEWED   },
};

static void fill_end(struct story *s, struct exception_entry *e, str args)
{
    char text[INSTANT_TEXT];
    uint64_t hours = number_of(args, "life", 30 * 24);
    if (str_equal(value_of(args, "end", "yes"), S("none"))) return;
    e->expires_us = s->at_us + (int64_t)hours * 3600 * INSTANT_SECOND;
    e->has_expires_at = true;
    e->expires = str_copy(s->arena, instant_text(text, e->expires_us));
    e->expires = value_of(args, "end", str_c(s->arena, e->expires));
}

static void fill_governance(struct exception_entry *e, str args)
{
    const uint64_t day_s = 86400;
    e->sha256 = S("00");
    e->governance.approvers = number_of(args, "approvers", 1);
    e->governance.approvers_at_risk = number_of(args, "at-risk", 2);
    e->governance.maximum_life_s = number_of(args, "most", 90) * day_s;
    e->governance.review_s = number_of(args, "review", 30) * day_s;
    e->governance.require_login = value_of(args, "login", "").len > 0;
}

static struct exception_entry entry_of(struct story *s, str by, str verb, str id, str args)
{
    static const str risks[] = {
        {"many pairs", 10},
        {"guests",     6 }
    };
    struct exception_entry e = {.subject = id, .governance = governance_default()};
    size_t kind = 0;
    while (kind < COUNT_OF(verbs) && !str_equal(str_of(verbs[kind].verb), verb))
        kind++;
    assert_true(kind < COUNT_OF(verbs));
    e.kind = verbs[kind].kind;
    e.number = s->n;
    e.time_us = s->at_us;
    e.by = actor_of(s, by);
    e.reason = value_of(args, "reason", "because");
    e.owner = value_of(args, "owner", e.kind == LEDGER_REQUESTED ? "olga" : "");
    e.deputy = value_of(args, "deputy", "");
    e.scope = S("{\"from\":[\"clients\"],\"to\":[\"files\"],\"service\":[\"smb\"]}");
    if (str_equal(verb, S("renew"))) e.scope = (str){0};
    e.scope = value_of(args, "scope", str_c(s->arena, e.scope));
    if (str_equal(e.scope, S("none"))) e.scope = (str){0};
    e.ask = str_equal(verb, S("renew")) ? S("renewal") : S("narrowing");
    e.break_glass = value_of(args, "glass", "").len > 0;
    e.review_days = number_of(args, "days", 30);
    e.n_risks = (size_t)number_of(args, "risks", 0);
    e.risks = risks;
    e.needed = number_of(args, "needed", 1);
    e.request = number_of(args, "entry", s->last_request);
    e.decision = value_of(args, "decision", "keep");
    if (!str_equal(verb, S("narrow"))) fill_end(s, &e, args);
    if (e.kind == LEDGER_POLICY) fill_governance(&e, args);
    return e;
}

static struct ledger_entry written(struct arena *arena, const struct exception_entry *e)
{
    struct buf body = buf_in(arena);
    struct entry_text text = {
        .number = e->number,
        .time_us = e->time_us,
        .kind = ledger_kind_text(e->kind),
        .subject = e->subject,
        .actor = actor_json(&e->by, arena),
        .data = exception_entry_data(e, arena),
    };
    entry_text_write(&text, &body);
    return (struct ledger_entry){
        .number = e->number,
        .time_us = e->time_us,
        .kind = e->kind,
        .subject = e->subject,
        .body = buf_text(&body),
    };
}

/* "+HOURS WHO VERB ID ARGS...", one a line. */
static void tell(struct story *s, str step)
{
    str hours, by, verb, id, args;
    uint64_t passed = 0;
    (void)str_cut(step, ' ', &hours, &args);
    (void)str_cut(args, ' ', &by, &args);
    (void)str_cut(args, ' ', &verb, &args);
    (void)str_cut(args, ' ', &id, &args);
    assert_true(str_u64(str_tail(hours, 1), UINT32_MAX, &passed));
    s->at_us += (int64_t)passed * 3600 * INSTANT_SECOND;
    struct exception_entry e = entry_of(s, by, verb, id, args);
    if (e.kind == LEDGER_REQUESTED || e.kind == LEDGER_AMENDMENT) s->last_request = s->n;
    struct ledger_entry entry = written(s->arena, &e);
    s->n++;
    struct ledger_visit visit = exception_book_visit(s->reader);
    assert_true(visit.entry(visit.to, &entry));
}

static struct exception_book book_of(struct story *s, const char *steps)
{
    struct exception_book book;
    str rest = str_of(steps), step;
    *s = (struct story){
        .arena = s->arena, .reader = exception_book_start(INT64_MAX, s->arena), .at_us = START_US};
    while (rest.len) {
        (void)str_cut(rest, '\n', &step, &rest);
        if (step.len) tell(s, step);
    }
    exception_book_end(s->reader, s->at_us, &book);
    return book;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* expected: the state of EX-1 in the end, "*" behind it when it opens something; empty = there is
 * none. fault: "ENTRY part of the sentence" of the only one; NULL = none. */
static const struct {
    const char *steps, *expected, *fault;
} rules[] = {
    {"+0 olga request EX-1\n+1 bob approve EX-1\n",                                             "active*",  NULL                                                 },
    {"+0 olga request EX-1\n",                                                                  "pending",  NULL                                                 },
 /* Approver and requester. */
    {"+0 ann request EX-1\n+1 ann approve EX-1\n",                                              "pending",
     "1 ann requested it and can't approve it"                                                                                                                   },
    {"+0 ann request EX-1\n+1 ANN@contoso.com approve EX-1\n",                                  "pending",  "1 requested it"                                     },
    {"+0 ~root request EX-1\n+1 ~root approve EX-1\n",                                          "pending",  "1 root requested it"                                },
    {"+0 ~srv request EX-1\n+1 bob approve EX-1\n",                                             "pending",  "1 same system account, srv"                         },
    {"+0 ann request EX-1\n+1 ~srv approve EX-1\n",                                             "pending",  "1 same system account, srv"                         },
    {"+0 ~root request EX-1\n+1 bob approve EX-1\n",                                            "active*",  NULL                                                 },
 /* Approver, owner, deputy. */
    {"+0 ann request EX-1\n+1 olga approve EX-1\n",                                             "pending",  "1 olga owns it"                                     },
    {"+0 ann request EX-1\n+1 CONTOSO\\Olga approve EX-1\n",                                    "pending",  "1 owns it"                                          },
    {"+0 ann request EX-1 deputy=dan\n+1 dan approve EX-1\n",                                   "pending",
     "1 dan is the owner's deputy"                                                                                                                               },
    {"+0 ann request EX-1\n+1 ann transfer EX-1 owner=bob\n+1 bob approve EX-1\n",              "pending",
     "2 bob owns it"                                                                                                                                             },
 /* Enough approvers, and each once. */
    {"+0 ann request EX-1 risks=1 needed=2\n+1 bob approve EX-1 needed=2\n",                    "pending",  NULL                                                 },
    {"+0 ann request EX-1 risks=1 needed=2\n+1 bob approve EX-1 needed=2\n+1 carl approve EX-1 "
     "needed=2\n",                                                                         "active*",  NULL                                                 },
    {"+0 ann request EX-1 risks=1 needed=2\n+1 bob approve EX-1 needed=2\n+1 Bob approve EX-1 "
     "needed=2\n",                                                                         "pending",  "2 bob has approved it already"                      },
    {"+0 ann request EX-1 risks=1 needed=2\n+1 bob approve EX-1 needed=2\n+1 ~srv approve EX-1 "
     "needed=2\n",                                                                         "pending",  "2 same system account"                              },
    {"+0 ann request EX-1 risks=1 needed=1\n",                                                  "",
     "0 it would need 1 approvals; the policy asks for 2"                                                                                                        },
    {"+0 ann request EX-1 needed=0\n",                                                          "",         "0 it would need 0"                                  },
    {"+0 ann request EX-1 needed=17\n",                                                         "",         "0 it would need 17"                                 },
    {"+0 ann request EX-1 risks=1 needed=2\n+1 bob approve EX-1 needed=1\n",                    "pending",
     "1 1 approvals are needed, but it is 2"                                                                                                                     },
    {"+0 ann policy -\n+0 ann request EX-1\n+0 ann policy - approvers=2\n+1 bob approve EX-1 "
     "needed=1\n",                                                                         "pending",  "3 it is 2"                                          },
 /* A policy that became stricter counts; one that became milder does not. */
    {"+0 ann request EX-1\n+1 bob approve EX-1 needed=2\n",                                     "pending",  NULL                                                 },
    {"+0 ann policy - approvers=2\n+0 ann request EX-1 needed=2\n+0 ann policy -\n+1 bob approve "
     "EX-1 needed=1\n",                                                                    "pending",  "3 it is 2"                                          },
    {"+0 ann policy - approvers=0\n+0 ann request EX-1\n",                                      "pending",  "0 no policy can ask"                                },
    {"+0 ann policy - most=9000\n+0 ann request EX-1 life=2161\n+0 ann policy -\n+1 bob approve "
     "EX-1\n",                                                                             "pending",  "3 by the policy of now the latest end is 2027-02-20"},
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+0 ann policy - most=9000\n+1 ann renew "
     "EX-1 life=2161\n+0 ann policy -\n+1 carl approve EX-1\n",                            "active*",  "5 by the policy of now the latest end is 2027-02-20"},
    {"+0 ann request EX-1 life=2160\n+1 bob approve EX-1\n+0 ann policy - most=10\n+1 ann narrow "
     "EX-1\n+1 carl approve EX-1\n",                                                       "active*",  NULL                                                 },
 /* What is approved. */
    {"+0 ann request EX-1\n+1 bob approve EX-1 entry=7\n",                                      "pending",  "1 entry 0, not entry 7"                             },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 carl approve EX-1\n",                        "active*",
     "2 nothing of EX-1 waits for approval"                                                                                                                      },
    {"+0 ann request EX-1\n+1 bob approve EX-9\n",                                              "pending",  "1 there is no exception \"EX-9\""                   },
    {"+0 ann request EX-1\n+721 bob approve EX-1\n",                                            "lapsed",   "1 ended before enough people"                       },
    {"+0 ann request EX-1\n+720 bob approve EX-1\n",                                            "lapsed",   "1 waits for approval"                               },
 /* An end, and not too far. */
    {"+0 ann request EX-1 end=none\n",                                                          "",         "0 an end is missing"                                },
    {"+0 ann request EX-1 life=0\n",                                                            "",         "0 which is past"                                    },
    {"+0 ann request EX-1 life=2161\n",                                                         "",         "0 longer than 90d; the latest end is 2027-02-20"    },
    {"+0 ann request EX-1 life=2160\n+1 bob approve EX-1\n",                                    "active*",  NULL                                                 },
    {"+0 ann policy - most=10\n+0 ann request EX-1\n",                                          "",         "1 longer than 10d"                                  },
    {"+0 ann request EX-1 end=2026-12-25\n",                                                    "",         "0 is not the instant beside it"                     },
    {"+0 ann request EX-1 end=2026-12-21\n+1 bob approve EX-1\n",                               "active*",  NULL                                                 },
    {"+0 ann request EX-1 end=soon\n",                                                          "",         "0 is not the instant"                               },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+23 ann review EX-1\n",                 "expired",  NULL                                                 },
 /* Owner, reason, scope, review. */
    {"+0 ann request EX-1 owner=\n",                                                            "",         "0 the owner is missing"                             },
    {"+0 ann request EX-1 owner=\tolga\n",                                                      "",         "0 the owner has to be one line"                     },
    {"+0 ann request EX-1 owner=\xC2\xA0\n",                                                    "",         "0 the owner has characters that can't be seen"      },
    {"+0 ann request EX-1 owner=bob\xE2\x80\x8B\n",                                             "",         "0 can't be seen"                                    },
    {"+0 ann request EX-1 deputy=x\xE2\x80\xAEy\n",                                             "",         "0 can't be seen"                                    },
    {"+0 ann request EX-1 owner=\xEF\xBC\xA2OB\n+1 bob approve EX-1\n",                         "pending",  "1 bob owns it"                                      },
    {"+0 ann request EX-1 owner=\xE2\x80\xA8olga\n",                                            "",         "0 the owner has to be one line"                     },
    {"+0 ann request EX-1 deputy=OLGA\n",                                                       "",         "0 can't be the deputy of themself"                  },
    {"+0 ann request EX-1 reason=\n",                                                           "",         "0 the reason is missing"                            },
    {"+0 ann request EX-1 scope=none\n",                                                        "",         "0 what it opens is missing"                         },
    {"+0 ann request EX-1 scope={\"from\":[],\"to\":[\"x\"],\"service\":[\"smb\"]}\n",          "",
     "0 each need something"                                                                                                                                     },
    {"+0 ann request EX-1 scope={\"from\":[\"x\"],\"owner\":\"y\"}\n",                          "",         "0 expected from, to"                                },
    {"+0 ann request EX-1 days=31\n",                                                           "",         "0 looked at every 31 days"                          },
    {"+0 ann request EX-1 days=0\n",                                                            "",         "0 looked at every 0 days"                           },
 /* Ids. */
    {"+0 ann request EX-2\n",                                                                   "",         "0 is not the next id, EX-1"                         },
    {"+0 ann request EX-1\n+0 ann request EX-1\n",                                              "pending",  "1 is not the next id, EX-2"                         },
    {"+0 ann request EX-1 reason=\n+0 ann request EX-1\n",                                      "",         NULL                                                 },
    {"+0 ann request EX-01\n",                                                                  "",         "0 is not the next id"                               },
 /* Renewals. */
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+1 ann renew EX-1 life=48\n",           "active*",
     NULL                                                                                                                                                        },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+1 ann renew EX-1 life=48\n+23 ann review "
     "EX-1\n",                                                                             "expired",  NULL                                                 },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+1 ann renew EX-1 life=48\n+1 carl approve "
     "EX-1\n+23 ann review EX-1\n",                                                        "active*",  NULL                                                 },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+1 carl renew EX-1 life=48\n+1 carl "
     "approve EX-1\n",                                                                     "active*",  "3 carl requested it"                                },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+48 ann renew EX-1 life=48\n+1 carl "
     "approve EX-1\n",                                                                     "active*",  NULL                                                 },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+48 ann renew EX-1 life=2161\n",        "expired",
     "2 longer than 90d"                                                                                                                                         },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 ann renew EX-1 life=2160\n",                 "active*",  NULL                                                 },
    {"+0 ann request EX-1\n+1 ann renew EX-1\n",                                                "pending",
     "1 is not approved yet and can't be renewed"                                                                                                                },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 olga revoke EX-1\n+1 ann renew EX-1\n",
     "revoked",                                                                                             "3 was revoked and can't be renewed"                 },
    {"+0 ann request EX-1\n+1 bob reject EX-1\n+1 ann renew EX-1\n",                            "rejected",
     "2 was rejected and can't be renewed"                                                                                                                       },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 ann renew EX-1\n+1 dan renew EX-1\n",        "active*",
     "3 ann has asked for a renewal already (entry 2)"                                                                                                           },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 ann renew EX-1\n+1 ann renew EX-1\n+1 carl "
     "approve EX-1 entry=2\n",                                                             "active*",  "4 entry 3, not entry 2"                             },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 ann renew EX-1 "
     "scope={\"from\":[\"a\"],\"to\":[\"b\"],\"service\":[\"smb\"]}\n",                    "active*",  "2 a renewal changes the end, not the scope"         },
 /* Narrowing. */
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 ann narrow EX-1\n+1 carl approve EX-1\n",
     "active*",                                                                                             NULL                                                 },
    {"+0 ann request EX-1\n+1 ann narrow EX-1\n",                                               "pending",  "1 only one that is in force"                        },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+24 ann narrow EX-1\n",                 "expired",
     "2 only one that is in force"                                                                                                                               },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+1 ann narrow EX-1\n+22 carl approve "
     "EX-1\n",                                                                             "expired",  "3 waits for approval"                               },
 /* Breaking the glass. */
    {"+0 ann request EX-1 glass life=8 risks=2\n+1 bob approve EX-1\n",                         "active*",  NULL                                                 },
    {"+0 ann request EX-1 glass life=9\n",                                                      "",         "0 longer than 8h"                                   },
    {"+0 ann request EX-1 glass life=8 needed=2\n",                                             "",         "0 asks for 1"                                       },
    {"+0 ann request EX-1 glass life=8\n+1 ann approve EX-1\n",                                 "pending",  "1 ann requested it"                                 },
    {"+0 ann request EX-1 glass life=8\n+1 bob approve EX-1\n+1 ann renew EX-1 life=2\n",       "active*",
     "2 made with --break-glass"                                                                                                                                 },
 /* Rejecting, revoking. */
    {"+0 ann request EX-1\n+1 ann reject EX-1\n",                                               "pending",
     "1 ann requested it and can't reject it"                                                                                                                    },
    {"+0 ann request EX-1\n+1 bob reject EX-1 reason=\n",                                       "pending",  "1 the reason is missing"                            },
    {"+0 ann request EX-1\n+1 bob reject EX-1\n+1 carl approve EX-1\n",                         "rejected",
     "2 waits for approval"                                                                                                                                      },
    {"+0 ann request EX-1\n+1 ann revoke EX-1\n+1 carl approve EX-1\n",                         "revoked",
     "2 waits for approval"                                                                                                                                      },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 olga revoke EX-1\n",                         "revoked",  NULL                                                 },
    {"+0 ann request EX-1\n+1 ann revoke EX-1\n+1 ann revoke EX-1\n",                           "revoked",
     "2 there is nothing to revoke"                                                                                                                              },
    {"+0 ann request EX-1 life=24\n+1 bob approve EX-1\n+24 ann revoke EX-1\n",                 "expired",
     "2 there is nothing to revoke"                                                                                                                              },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 ann renew EX-1\n+1 carl reject EX-1\n",
     "active*",                                                                                             NULL                                                 },
 /* Transfers. */
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 olga transfer EX-1 owner=bob\n",             "active*",
     "2 bob approved it and can't own it"                                                                                                                        },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 olga transfer EX-1 owner=carl deputy=Bob\n",
     "active*",                                                                                             "2 Bob approved it"                                  },
    {"+0 ann request EX-1 risks=1 needed=2\n+1 bob approve EX-1 needed=2\n+1 olga transfer EX-1 "
     "owner=bob\n",                                                                        "pending",  "2 bob approved it"                                  },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 olga transfer EX-1 owner=carl\n",            "active*",
     NULL                                                                                                                                                        },
    {"+0 ann request EX-1\n+1 olga revoke EX-1\n+1 olga transfer EX-1 owner=carl\n",            "revoked",
     "2 there is nothing to own"                                                                                                                                 },
    {"+0 ann request EX-1\n+1 bob approve EX-1\n+1 olga transfer EX-1 owner=\n",                "active*",
     "2 the owner is missing"                                                                                                                                    },
 /* Who has to have logged in. */
    {"+0 ann policy - login\n+0 ann request EX-1\n+1 ~root approve EX-1\n",                     "pending",
     "2 root has not logged in"                                                                                                                                  },
    {"+0 ann policy - login\n+0 ~root request EX-1\n",                                          "",         "1 root has not logged in"                           },
    {"+0 ann policy - login\n+0 ann request EX-1\n+1 bob! approve EX-1\n",                      "pending",
     "2 the clock was set"                                                                                                                                       },
    {"+0 ann request EX-1\n+1 ~root! approve EX-1\n",                                           "active*",  NULL                                                 },
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct story s = {.arena = &arena};
        struct exception_book book = book_of(&s, rules[i].steps);
        const struct book_exception *e = exception_book_find(&book, S("EX-1"));
        str have = {0}, number = {0}, part = {0};
        if (e)
            have = str_format(&arena, "%.*s%s", STR_ARG(exception_book_state_text(e->state)),
                              exception_book_opens(e) ? "*" : "");
        if (!str_equal(have, str_of(rules[i].expected)))
            fail_msg("%s\nexpected %s, found %.*s (%s)", rules[i].steps, rules[i].expected,
                     STR_ARG(have), book.n_faults ? str_c(&arena, book.faults[0].text) : "fine");
        if (!rules[i].fault) {
            /* Of the rows without a fault one has two requests of one id. */
            assert_true(book.n_faults_all == 0 || !e);
            arena_close(&arena);
            continue;
        }
        (void)str_cut(str_of(rules[i].fault), ' ', &number, &part);
        str text = book.n_faults ? book.faults[0].text : (str){0};
        str entry = str_format(&arena, "%" PRIu64, book.n_faults ? book.faults[0].entry : 0);
        if (book.n_faults != 1 || !str_equal(entry, number) || !str_contains(text, part))
            fail_msg("%s\nexpected %s, found %.*s %.*s (%zu)", rules[i].steps, rules[i].fault,
                     STR_ARG(entry), STR_ARG(text), book.n_faults);
        arena_close(&arena);
    }
}

/* Texts that no word of a story can have. */
static void test_texts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = {.arena = &arena, .at_us = START_US};
    const struct governance governance = governance_default();
    struct buf person = buf_in(&arena), reason = buf_in(&arena);
    (void)state;
    buf_repeat(&person, 'x', LIMIT_PERSON_BYTES);
    buf_repeat(&reason, 'x', LIMIT_REASON_BYTES);
    const str longest = buf_text(&person), longest_reason = buf_text(&reason);
    const str longer = str_format(&arena, "%.*sx", STR_ARG(longest));
    const str longer_reason = str_format(&arena, "%.*sx", STR_ARG(longest_reason));
    const struct {
        size_t at;
        str text;
        const char *why; /* part of the sentence; NULL = it is fine */
    } rows[] = {
        {offsetof(struct exception_entry, owner),   longest,                  NULL                     },
        {offsetof(struct exception_entry, owner),   longer,                   "at most 256"            },
        {offsetof(struct exception_entry, owner),   S(" olga"),               "blanks before or behind"},
        {offsetof(struct exception_entry, owner),   S("olga "),               "blanks before or behind"},
        {offsetof(struct exception_entry, owner),   S(" "),                   "is missing"             },
        {offsetof(struct exception_entry, reason),  longest_reason,           NULL                     },
        {offsetof(struct exception_entry, reason),  longer_reason,            "at most 4096"           },
        {offsetof(struct exception_entry, reason),  S("two\nlines"),          "one line"               },
        {offsetof(struct exception_entry, reason),  S("\xC2\x85"),            "one line"               },
        {offsetof(struct exception_entry, reason),  S("\xEF\xBB\xBF"),        "one line"               },
        {offsetof(struct exception_entry, reason),  S("\xFF"),                "one line"               },
        {offsetof(struct exception_entry, reason),  S("\xC3\xA4"),            NULL                     },
        {offsetof(struct exception_entry, ticket),  S("\x1B[31m"),            "the ticket"             },
        {offsetof(struct exception_entry, control), S("\x7F"),                "the control"            },
        {offsetof(struct exception_entry, scope),
         S("{\"from\":[\"a\\u2028\"],\"to\":[\"b\"],\"service\":[\"smb\"]}"),
         "an item of its scope"                                                                        },
        {offsetof(struct exception_entry, scope),   S("[]"),                  "its scope"              },
        {offsetof(struct exception_entry, starts),  S("2026-11-30"),          "its start"              },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct exception_entry e = entry_of(&s, S("ann"), S("request"), S("EX-1"), (str){0});
        *(str *)(void *)((char *)&e + rows[i].at) = rows[i].text;
        str why = exception_rules_refuse(NULL, &e, 0, &governance, &arena);
        bool fits = rows[i].why ? str_contains(why, str_of(rows[i].why)) : !why.len;
        if (!fits) fail_msg("row %zu: %.*s", i, STR_ARG(why));
    }
    arena_close(&arena);
}

/* What the options of no command make. */
static void test_odd_amendments(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = {.arena = &arena};
    struct exception_book book = book_of(&s, "+0 ann request EX-1\n+1 bob approve EX-1\n");
    const struct book_exception *e = exception_book_find(&book, S("EX-1"));
    const struct governance governance = governance_default();
    (void)state;
    struct exception_entry entry = entry_of(&s, S("ann"), S("narrow"), S("EX-1"), (str){0});
    assert_int_equal(exception_rules_refuse(e, &entry, 1, &governance, &arena).len, 0);
    entry.has_expires_at = true;
    entry.expires_us = e->expires_us + 1;
    str why = exception_rules_refuse(e, &entry, 1, &governance, &arena);
    assert_true(str_contains(why, S("changes the scope, not the end")));
    entry.ask = S("widening");
    why = exception_rules_refuse(e, &entry, 1, &governance, &arena);
    assert_true(str_contains(why, S("\"widening\" is nothing to ask for")));
    /* Zero stands for never. */
    entry.time_us = 0;
    why = exception_rules_refuse(e, &entry, 1, &governance, &arena);
    assert_true(str_contains(why, S("it is of 1970-01-01")));
    arena_close(&arena);
}

/* Of an entry cut off anywhere nothing is kept. */
static void test_truncations(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = {.arena = &arena, .at_us = START_US};
    struct exception_entry e = entry_of(&s, S("ann"), S("request"), S("EX-1"), (str){0});
    struct ledger_entry whole = written(&arena, &e);
    (void)state;
    for (size_t n = 0; n <= whole.body.len; n++) {
        struct exception_reader *reader = exception_book_start(INT64_MAX, &arena);
        struct ledger_visit visit = exception_book_visit(reader);
        struct exception_book book;
        struct ledger_entry cut = whole;
        cut.body = str_head(whole.body, n);
        assert_true(visit.entry(visit.to, &cut));
        exception_book_end(reader, START_US, &book);
        assert_int_equal(book.n, n == whole.body.len);
        assert_int_equal(book.n_faults, n != whole.body.len);
        assert_int_equal(book.last_id, 1);
    }
    arena_close(&arena);
}

/* The file says of every time what the book says. */
static void test_file(void **state)
{
    static const char renewed[] = "+0 ann request EX-1 life=4\n+1 bob approve EX-1\n"
                                  "+9 ann renew EX-1 life=9\n+1 carl approve EX-1\n";
    static const char *const stories[] = {
        "+0 ann request EX-1 life=48\n+1 bob approve EX-1\n",
        "+0 ann request EX-1 life=48\n+1 bob approve EX-1\n+9 ann revoke EX-1\n",
        renewed,
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(stories); i++) {
        struct story s = {.arena = &arena};
        struct exception_book book = book_of(&s, stories[i]);
        str file = exception_book_file(&book, &arena);
        bool left_out[] = {true};
        assert_true(exception_book_is_in_file(&book.items[0]));
        assert_true(str_starts(file, S("{\"exceptions\":[{\"id\":\"EX-1\",\"owner\":\"olga\"")));
        assert_true(str_contains(file, S(",\"from\":[\"clients\"],\"to\":[\"files\"]")));
        assert_true(str_equal(exception_book_file_without(&book, left_out, &arena),
                              S("{\"exceptions\":[]}\n")));
    }
    arena_close(&arena);
}

/* What was revoked under a clock that ran ahead is not open until then. */
static void test_clock_ahead(void **state)
{
    static const char steps[] =
        "+0 ann request EX-1 life=48\n+1 bob approve EX-1\n+9 ann revoke EX-1\n";
    const int64_t earlier_us = START_US + 2 * 3600 * INSTANT_SECOND;
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = {.arena = &arena};
    struct exception_book book = book_of(&s, steps);
    (void)state;
    exception_book_end(s.reader, earlier_us, &book);
    assert_int_equal(book.items[0].state, BOOK_REVOKED);
    assert_false(exception_book_opens(&book.items[0]));
    assert_true(str_contains(exception_book_file(&book, &arena),
                             S("\"expires\":\"2026-11-22T14:00:00Z\"")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_texts),
        cmocka_unit_test(test_odd_amendments), cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_file),           cmocka_unit_test(test_clock_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
