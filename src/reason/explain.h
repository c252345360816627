/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the decision, with the words around it (DESIGN.md 7, `explain`): which entry,
 * which line of the policy, at which side. Reads the question's words, asks, prints; decides
 * nothing.
 */
#pragma once

#include "base/err.h"
#include "base/json_write.h"
#include "reason/own_rules.h"
#include "reason/remedies.h"
#include "rules/entry_index.h"

/* What the questions of one run share. */
struct explain_scene {
    const struct decision *decision;
    const struct host_lookup *hosts; /* NULL = names are not known */
    const struct entry_index *index; /* NULL = every entry is asked each time */
    const struct ring_plan *plan;    /* NULL = every machine has the policy; else those of */
    size_t ring;                     /* this ring and the ones before it */
};

/* The words of a question. Empty service = smb, empty profile = domain. */
struct explain_words {
    str client, server; /* address (a zone is dropped), or a host's name */
    str service;        /* name, or "tcp/445" */
    str profile;
};

/* One side as it is shown: "allow", "allow-if-secure", "block", "not-enforced" or "undecidable". */
struct explained_side {
    struct side_answer answer;
    str decision;
    struct flow_reason reason;
    struct own_rule rule; /* of explain_more */
};

struct explanation {
    struct flow_question question;
    struct flow_answer answer;
    struct prefix_set
        deployed; /* those of the two ends that have the policy, when a ring is asked */
    struct range ends[2];
    str client_name, server_name; /* as asked, when it was a name */
    str service;                  /* name when the policy has one, else "tcp/4455" */
    str ring;                     /* empty = all are deployed */
    struct explained_side sides[SIDE_COUNT];
    const struct exception *exception; /* that decides the intent, if one does */
    /* What the intent, or who has the policy, hangs on: "group X", whose members are not known. */
    str undecidable;
    bool is_open; /* whether it passes hangs on them, too */
    /* Of explain_more. */
    bool has_more;
    struct flow_answer profiles[PROFILE_COUNT];
    bool profile_is_open[PROFILE_COUNT];
    struct remedies changes;
};

/* Of the four kinds of answers, the one a person wants first. */
enum explain_kind { EXPLAIN_NOT_APPLICABLE, EXPLAIN_PASSES, EXPLAIN_STOPS, EXPLAIN_UNDECIDABLE };
enum explain_kind explain_kind(const struct explanation *explanation);

/* out : stays where it is (its question points into it)
 * fails : USAGE (not four words' meaning: which word, what was expected), NOT_FOUND (a host that
 * the workspace does not know) */
MUST_USE bool explain_ask(const struct explain_scene *scene, const struct explain_words *words,
                          struct arena *arena, struct explanation *out, struct err *err);
/* Adds what takes longer: the rules as they are loaded, the other profiles, and what would change
 * the answer.
 *
 * workspace : its name, part of rule ids */
void explain_more(const struct explain_scene *scene, str workspace, struct explanation *explanation,
                  struct arena *arena, struct arena scratch);
/* Cuts "client server [service [profile]]"; blanks or tabs separate. */
MUST_USE bool explain_read_line(str line, struct explain_words *out, struct err *err);
/* The object of `explain --json`, without a newline. */
void explain_print_json(const struct explanation *explanation, const struct resolved *resolved,
                        struct arena *arena, struct json *json);
/* A picture of the path: the client, each side with its verdict and reason, the server. */
void explain_print_text(const struct explanation *explanation, const struct resolved *resolved,
                        struct buf *out, bool colour);
