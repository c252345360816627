/* SPDX-License-Identifier: Apache-2.0 */
#include "store/imports.h"

#include "store/tables.h"

static const char *const table =
    "CREATE TABLE IF NOT EXISTS import(kind BLOB NOT NULL, source BLOB NOT NULL, "
    "sha256 BLOB NOT NULL, imported_us INTEGER NOT NULL, content BLOB NOT NULL, "
    "PRIMARY KEY(kind,source)) WITHOUT ROWID;";

bool imports_put(struct store *store, const struct imports_file *file, struct err *err)
{
    bool fine = sqlite_run(store->db, "BEGIN IMMEDIATE", err) && sqlite_run(store->db, table, err);
    struct sqlite_statement *s = NULL;
    if (fine)
        s = sqlite_prepare(store->db,
                           "INSERT OR REPLACE INTO import(kind,source,sha256,imported_us,content) "
                           "VALUES(?,?,?,?,?)",
                           err);
    if (s) {
        sqlite_put_str(s, 1, file->kind);
        sqlite_put_str(s, 2, file->source);
        sqlite_put_str(s, 3, file->sha256);
        sqlite_put(s, 4, file->imported_us);
        sqlite_put_str(s, 5, file->content);
        if (sqlite_do(s, err) && sqlite_run(store->db, "COMMIT", err)) return true;
    }
    sqlite_rollback(store->db);
    return false;
}

/* A workspace in which nothing was imported has no table. */
static bool has_table(struct store *store, bool *out, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(
        store->db, "SELECT 1 FROM sqlite_schema WHERE type='table' AND name='import'", err);
    if (!s || !sqlite_step(s, out, err)) return false;
    if (*out) sqlite_reset(s);
    return true;
}

bool imports_load(struct store *store, str kind, struct arena *arena, struct imports_file **out,
                  size_t *n, struct err *err)
{
    bool has = false;
    size_t room = 0;
    *out = NULL;
    *n = 0;
    if (!has_table(store, &has, err)) return false;
    if (!has) return true;
    struct sqlite_statement *s =
        sqlite_prepare(store->db,
                       "SELECT source,sha256,imported_us,content FROM import WHERE kind=? "
                       "ORDER BY imported_us DESC,source",
                       err);
    if (!s) return false;
    sqlite_put_str(s, 1, kind);
    for (;;) {
        bool row = false;
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        arena_grow(arena, *out, *n, room);
        (*out)[(*n)++] = (struct imports_file){
            .kind = kind,
            .source = sqlite_get_str(arena, s, 0),
            .sha256 = sqlite_get_str(arena, s, 1),
            .imported_us = sqlite_get(s, 2),
            .content = sqlite_get_str(arena, s, 3),
        };
    }
}
