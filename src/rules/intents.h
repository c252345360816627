/* SPDX-License-Identifier: Apache-2.0 */
/* Who may use one service, over address classes: the union of entries (clients × servers), kept so
 * that a pair is answered in a few memory loads and whole rows are made when somebody asks.
 *
 * Entries with equal ends at one side become one. Those that name few classes at both ends, such as
 * an exception of one host to another, are pairs in a hash; what is left speaks of groups, and
 * classes that no group tells apart are one part: a table of parts answers for all of them. So 10^5
 * exceptions beside 512 groups cost 10^5 slots and 512 × 512 cells, not 10^5 rows of 10^5 classes.
 */
#pragma once

#include "rules/class_set.h"

/* What an entry says in classes: its ends are numbers in a table of sets. plain: in clear too; else
 * only when authenticated. */
struct spoken {
    uint32_t clients, servers;
    bool plain;
};

/* In order: more is allowed with each. */
enum intent_level { INTENTS_NONE, INTENTS_IF_SECURE, INTENTS_ALLOW };

struct intents;

/* ends: may grow, and must live as long as the result */
struct intents *intents_build(struct class_sets *ends, const struct spoken *entries, size_t n,
                              uint32_t n_classes, struct arena *arena, struct arena scratch);
enum intent_level intents_ask(const struct intents *intents, uint32_t client, uint32_t server);
/* Server classes of one kind have equal rows of clients. Kinds are below intents_kinds. */
uint32_t intents_kind(const struct intents *intents, uint32_t server);
uint32_t intents_kinds(const struct intents *intents);
/* Nobody has an intent towards servers of that kind. */
bool intents_is_nobody(const struct intents *intents, uint32_t kind);
/* No entry asks for security: to be allowed if secure is to be allowed. */
bool intents_all_plain(const struct intents *intents);
/* Which clients have that level or a higher one towards servers of a kind. */
struct class_set intents_clients(const struct intents *intents, uint32_t kind,
                                 enum intent_level level, struct arena *arena);

/* All rows, for each class at one end the classes at the other end: numbers in sets. */
void intents_rows(const struct intents *intents, bool own_is_server, struct class_sets *sets,
                  uint32_t *allow, uint32_t *either, struct arena *arena, struct arena scratch);

/* Pairs of classes at once: out[i] is the level of pairs[i]. Faster than one by one, since the
 * memory of many is fetched while one waits. */
struct class_pair {
    uint32_t client, server;
};
void intents_ask_many(const struct intents *intents, const struct class_pair *pairs, size_t n,
                      uint8_t *out);
/* Bytes of the tables that questions touch. */
uint64_t intents_table_bytes(const struct intents *intents);
