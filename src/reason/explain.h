/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the decision, with the words around it (DESIGN.md 7, `explain`): which entry,
 * which line of the policy, at which side. Reads the question's words, asks, prints; decides
 * nothing.
 */
#pragma once

#include "base/err.h"
#include "base/json_write.h"
#include "rules/decision.h"

/* The words of a question. Empty service = smb, empty profile = domain. */
struct explain_words {
    str client, server; /* address (a zone is dropped), or a host's name */
    str service;        /* name, or "tcp/445" */
    str profile;
};

/* One side as it is shown: "allow", "allow-if-secure", "block" or "not-enforced". */
struct explained_side {
    struct side_answer answer;
    str decision;
    struct flow_reason reason;
};

struct explanation {
    struct flow_question question;
    struct flow_answer answer;
    str client_name, server_name; /* as asked, when it was a name */
    str service;                  /* name when the policy has one, else "tcp/4455" */
    struct explained_side sides[SIDE_COUNT];
};

/* fails : USAGE (not four words' meaning: which word, what was expected), NOT_FOUND (a host that
 * the workspace does not know) */
MUST_USE bool explain_ask(const struct decision *decision, const struct host_lookup *hosts,
                          const struct explain_words *words, struct arena *arena,
                          struct explanation *out, struct err *err);
/* Cuts "client server [service [profile]]"; blanks or tabs separate. */
MUST_USE bool explain_read_line(str line, struct explain_words *out, struct err *err);
/* The object of `explain --json`, without a newline. */
void explain_print_json(const struct explanation *explanation, struct json *json);
/* A picture of the path: the client, each side with its verdict and reason, the server. */
void explain_print_text(const struct explanation *explanation, const struct resolved *resolved,
                        struct buf *out, bool colour);
