/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/leavers.h"

#include "cli/members.h"
#include "cli/workspace.h"
#include "store/imports.h"

/* The directory is what the last import said, all its files together; older lists of people are of
 * no use: somebody who is missing in the new one would be found in them. */
static bool add_files(struct invocation *call, const struct imports_file *files, size_t n,
                      bool is_whole, struct people_directory *out, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (is_whole && files[i].imported_us != files[0].imported_us) break;
        if (!people_directory_add(out, files[i].content, is_whole, files[i].imported_us,
                                  call->arena, err))
            return err_in(err, files[i].source);
    }
    return true;
}

static bool load_directory(struct invocation *call, struct people_directory *out, struct err *err)
{
    struct store *store = NULL;
    struct imports_file *people = NULL, *groups = NULL;
    size_t n_people = 0, n_groups = 0;
    if (!store_open(call->os, workspace_database(call), STORE_WAL, true, &store, err)) return false;
    bool fine = imports_load(store, LEAVERS_KIND, call->arena, &people, &n_people, err) &&
                imports_load(store, MEMBERS_KIND, call->arena, &groups, &n_groups, err);
    store_close(store);
    return fine && add_files(call, people, n_people, true, out, err) &&
           add_files(call, groups, n_groups, false, out, err);
}

bool leavers_load(struct invocation *call, struct ledger *ledger, struct leavers *out)
{
    struct err err = {0};
    bool fine = true;
    *out = (struct leavers){0};
    if (call->os->kind(call->os->self, workspace_database(call)) == OS_FILE)
        fine = load_directory(call, &out->directory, &err);
    fine = fine && (!ledger || people_read(ledger, INT64_MAX, call->arena, &out->people, &err));
    if (!fine) (void)command_fail(call, &err);
    return fine;
}

bool leavers_known(const struct leavers *leavers)
{
    return leavers->directory.n > 0 || leavers->people.n > 0;
}

/* The name, or an account of the user it is of. */
static enum people_answer ask(const struct leavers *leavers, const struct person *user, str owner,
                              struct arena scratch, str *said)
{
    const struct directory_person *person = NULL;
    enum people_answer answer = people_directory_ask(&leavers->directory, owner, scratch, &person);
    *said = owner;
    for (size_t i = 0; user && i < user->n_accounts; i++) {
        if (answer == PEOPLE_THERE || answer == PEOPLE_DISABLED) break;
        answer = people_directory_ask(&leavers->directory, user->accounts[i], scratch, &person);
        *said = user->accounts[i];
    }
    return answer;
}

bool leavers_has_left(const struct leavers *leavers, str owner, struct arena *arena, str *why)
{
    const struct person *user = people_of_account(&leavers->people, owner, *arena);
    str said = owner;
    *why = (str){0};
    if (user && user->disabled) {
        *why =
            str_format(arena, "%.*s is disabled as a user of this workspace", STR_ARG(user->name));
        return true;
    }
    enum people_answer answer = ask(leavers, user, owner, *arena, &said);
    if (user && answer != PEOPLE_DISABLED) return false;
    return people_directory_has_left(&leavers->directory, said, arena, why);
}
