/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of `explain --batch`: each is answered or refused with a sentence, and what passes in clear
 * passes secured. */
#include "reason/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy_text[] =
    "version: 1\n"
    "segments:\n"
    "  clients: {networks: [10.10.0.0/16, \"2001:db8::/32\"], trust: managed}\n"
    "  servers: {networks: [10.20.0.0/24], trust: managed, border: enforced}\n"
    "allow:\n"
    "  - {from: clients, to: servers, service: smb, except: {to: 10.20.0.9}}\n"
    "  - {from: clients, to: 10.20.0.9, service: netbios, secure: kerberos}\n"
    "perimeter: [{direction: outbound, service: smb, from: servers, to: 20.0.0.0/8}]\n";

static void answer(const struct decision *decision, str line, struct arena scratch)
{
    struct explain_scene scene = {.decision = decision};
    struct explain_words words = {0};
    struct explanation e;
    struct err err = {0};
    if (!explain_read_line(line, &words, &err) ||
        !explain_ask(&scene, &words, &scratch, &e, &err)) {
        if (!err.text[0]) abort();
        return;
    }
    if (e.answer.passes && !e.answer.passes_secured) abort();
    struct buf out = buf_in(&scratch);
    struct json json = json_to(&out);
    explain_print_json(&e, decision_resolved(decision), &scratch, &json);
    explain_print_text(&e, decision_resolved(decision), &out, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", UINT64_C(64) << 20, NULL);
    struct arena scratch = arena_open("scratch", UINT64_C(64) << 20, NULL);
    struct policy policy;
    struct resolved resolved;
    struct diagnostics found = {0};
    if (!policy_parse(S("policy.yaml"), str_of(policy_text), &arena, &policy, &found)) abort();
    if (!resolve_policy(&policy, NULL, 0, true, &arena, &resolved, &found)) abort();
    const struct decision *decision = decision_build(&resolved, NULL, &arena, scratch);
    str rest = {(const char *)data, size}, line;
    while (rest.len) {
        (void)str_cut(rest, '\n', &line, &rest);
        answer(decision, line, scratch);
    }
    arena_close(&scratch);
    arena_close(&arena);
    return 0;
}
