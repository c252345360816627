/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "cli/leavers.h"
#include "cli/members.h"
#include "cli/workspace.h"
#include "store/imports.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* A group, as it came out. */
struct told_group {
    const struct membership_group *group;
    size_t n_computers, n_without_address;
    str missing; /* a nested group that no file lists */
};

struct told {
    struct membership members; /* of these files and of what the workspace had */
    struct told_group *groups; /* those of these files */
    size_t n;
};

/* Whether the workspace, or the file itself, knows an address of a computer. */
static bool has_address(const struct host_lookup *hosts, const struct membership_member *computer,
                        int64_t as_of_us, struct arena scratch)
{
    size_t n = 0;
    if (computer->n_addrs) return true;
    str name = computer->dns.len ? computer->dns : computer->name;
    (void)hosts->host(hosts->to, name, as_of_us, &scratch, &n);
    return n > 0;
}

static void tell(struct invocation *call, const struct host_lookup *hosts, struct told *told,
                 size_t n_files)
{
    told->groups = arena_array(call->arena, struct told_group, told->members.n + 1);
    for (size_t i = 0; i < told->members.n; i++) {
        const struct membership_group *group = &told->members.groups[i];
        struct told_group *out = &told->groups[told->n];
        struct arena scratch = call->scratch; /* groups that hold each other have as many each */
        if (group->file >= n_files) continue;
        *out = (struct told_group){.group = group};
        const struct membership_member **computers =
            membership_computers(&told->members, group, &scratch, &out->n_computers, &out->missing);
        for (size_t k = 0; k < out->n_computers; k++)
            out->n_without_address += !has_address(hosts, computers[k], call->as_of_us, scratch);
        told->n++;
    }
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

static void json_files(struct json *json, const struct imports_file *files, size_t n)
{
    json_key(json, S("files"));
    json_array(json);
    for (size_t i = 0; i < n; i++) {
        json_object(json);
        json_member_str(json, S("source"), files[i].source);
        json_member_str(json, S("sha256"), files[i].sha256);
        json_key(json, S("imported"));
        json_instant(json, files[i].imported_us);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_json(struct invocation *call, const struct told *told,
                       const struct imports_file *files, size_t n_files)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_files(&json, files, n_files);
    json_key(&json, S("groups"));
    json_array(&json);
    for (size_t i = 0; i < told->n; i++) {
        const struct told_group *group = &told->groups[i];
        json_object(&json);
        json_member_str(&json, S("name"), group->group->name);
        json_member_str_or_null(&json, S("sid"), group->group->sid);
        json_member_u64(&json, S("computers"), group->n_computers);
        json_member_u64(&json, S("without_address"), group->n_without_address);
        json_member_str_or_null(&json, S("missing_group"), group->missing);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static struct table table_of_groups(struct invocation *call, const struct told *told)
{
    static const struct table_column columns[] = {
        {{"group", 5},            ALIGN_LEFT,  40},
        {{"sid", 3},              ALIGN_LEFT,  0 },
        {{"computers", 9},        ALIGN_RIGHT, 0 },
        {{"without address", 15}, ALIGN_RIGHT, 0 },
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < told->n; i++) {
        const struct told_group *group = &told->groups[i];
        table_add(&table, group->group->name);
        table_add(&table, group->group->sid);
        table_add(&table, str_format(call->arena, "%zu", group->n_computers));
        table_add(&table, str_format(call->arena, "%zu", group->n_without_address));
    }
    return table;
}

static void print_text(struct invocation *call, const struct told *told, size_t n_files)
{
    struct table table = table_of_groups(call, told);
    table_print_text(&table, call->out, call->colour);
    buf_format(call->out, "%zu %s, %zu %s kept in the workspace\n", n_files,
               n_files == 1 ? "file" : "files", told->n, told->n == 1 ? "group" : "groups");
    for (size_t i = 0; i < told->n; i++) {
        if (!told->groups[i].missing.len) continue;
        table_tone(call->talk, S("warning: "), TONE_WARN, call->talk_colour);
        buf_format(call->talk,
                   "the group \"%.*s\" holds the group \"%.*s\", which no file lists: who is in it "
                   "is not known\n",
                   STR_ARG(told->groups[i].group->name), STR_ARG(told->groups[i].missing));
    }
}

/* ---- Importing ----------------------------------------------------------------------------------
 */

static int source_order(const void *left, const void *right)
{
    const struct imports_file *const *a = left, *const *b = right;
    return str_compare((*a)->source, (*b)->source);
}

/* Everything is checked before anything is kept. Files of one import are read in the order in which
 * store/imports gives them back: of a group that two of them list, the same one counts. */
static bool read_files(struct invocation *call, struct imports_file *files, size_t n,
                       struct told *told, struct err *err)
{
    struct imports_file **order = arena_array(call->arena, struct imports_file *, n);
    for (size_t i = 0; i < n; i++) {
        files[i].source = call->arguments[i + 1];
        order[i] = &files[i];
    }
    qsort(order, n, sizeof *order, source_order);
    for (size_t i = 0; i < n; i++) {
        struct imports_file *file = order[i];
        file->kind = MEMBERS_KIND;
        file->imported_us = call->now_us;
        if (!members_read(call, file->source, file->imported_us, &told->members, &file->content,
                          err))
            return false;
        struct sha256_digest digest = sha256_of(str_bytes(file->content));
        file->sha256 = sha256_hex(call->arena, &digest);
    }
    return true;
}

static bool keep_files(struct invocation *call, const struct imports_file *files, size_t n,
                       struct err *err)
{
    struct store *store = NULL;
    bool fine = store_open(call->os, workspace_database(call), STORE_WAL, false, &store, err);
    if (!fine) return false;
    for (size_t i = 0; i < n && fine; i++)
        fine = imports_put(store, &files[i], err);
    store_close(store);
    return fine;
}

/* ---- People -------------------------------------------------------------------------------------
 */

static void print_people(struct invocation *call, const struct people_directory *directory,
                         const struct imports_file *files, size_t n)
{
    size_t n_disabled = 0;
    for (size_t i = 0; i < directory->n; i++)
        n_disabled += directory->items[i].disabled;
    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_files(&json, files, n);
        json_member_u64(&json, S("people"), directory->n);
        json_member_u64(&json, S("disabled"), n_disabled);
        json_member_u64(&json, S("passed"), directory->n_passed);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return;
    }
    buf_format(call->out,
               "%zu %s, %zu %s of the directory kept in the workspace, %zu of them disabled\n", n,
               n == 1 ? "file" : "files", directory->n, directory->n == 1 ? "person" : "people",
               n_disabled);
    if (directory->n_passed)
        buf_format(call->out, "%zu %s no people and passed over\n", directory->n_passed,
                   directory->n_passed == 1 ? "record is" : "records are");
}

/* Everything is checked before anything is kept. */
static int run_people(struct invocation *call, struct imports_file *files, size_t n)
{
    struct people_directory directory = {0};
    struct err err = {0};
    for (size_t i = 0; i < n; i++) {
        bytes content = {0};
        str source = call->arguments[i + 1];
        if (!os_read_all(call->os, source, LIMIT_MEMBERSHIP_BYTES, call->arena, &content, &err))
            return command_fail(call, &err);
        struct sha256_digest digest = sha256_of(content);
        files[i] = (struct imports_file){
            .kind = LEAVERS_KIND,
            .source = source,
            .sha256 = sha256_hex(call->arena, &digest),
            .content = str_of_bytes(content),
            .imported_us = call->now_us,
        };
        if (!people_directory_add(&directory, files[i].content, true, call->now_us, call->arena,
                                  &err)) {
            err_in(&err, source);
            return command_fail(call, &err);
        }
    }
    if (!keep_files(call, files, n, &err)) return command_fail(call, &err);
    print_people(call, &directory, files, n);
    return EXIT_FINE;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct told told = {0};
    struct workspace workspace;
    size_t n = call->n_arguments - 1;
    struct imports_file *files = arena_array(call->arena, struct imports_file, n);
    if (str_equal(call->arguments[0], S("people"))) return run_people(call, files, n);
    if (!str_equal(call->arguments[0], S("ad"))) {
        (void)err_set(&err, ERR_UNSUPPORTED,
                      "expected \"ad\" or \"people\" behind import, found \"%.*s\"",
                      STR_ARG(call->arguments[0]));
        return command_fail(call, &err);
    }
    if (!read_files(call, files, n, &told, &err)) return command_fail(call, &err);
    if (!keep_files(call, files, n, &err)) return command_fail(call, &err);
    /* Nested groups may be in a file of another day. */
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    bool loaded = members_load(call, workspace.store, &told.members);
    const struct host_lookup *hosts = workspace_lookup(call, &workspace);
    store_close(workspace.store);
    if (!loaded) return EXIT_FAILED;
    tell(call, hosts, &told, n);
    switch (call->format) {
    case FORMAT_JSON:
        print_json(call, &told, files, n);
        break;
    case FORMAT_CSV: {
        struct table table = table_of_groups(call, &told);
        table_print_csv(&table, call->out);
        break;
    }
    case FORMAT_TEXT:
        print_text(call, &told, n);
        break;
    }
    return EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport import ad groups.json"),
     T("Keep who is in which group of the directory, for `ad-group:` and `computers:`.")         },
    {T("sallyport import ad \"Admin PCs.csv\" --json"),
     T("One group as Export-Csv writes it; the file's name is the group's.")                     },
    {T("sallyport import people users.csv"),
     T("Keep who is in the directory and enabled, so that exceptions of who has left are found.")},
};

const struct command import_command = {
    .name = T("import"),
    .summary = T("Keep lists that other systems export: groups of the directory, its people"),
    .arguments = T("ad|people FILE..."),
    .least_arguments = 2,
    .most_arguments = SIZE_MAX,
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("A file of \"ad\" is JSON, "
          "{\"groups\":[{\"name\",\"sid\",\"members\":[{\"name\",\"dns\",\"sid\","
          "\"dn\",\"class\",\"addresses\"}]}]}, or CSV with a line per member: columns group, "
          "groupsid, name, dnshostname, sid, distinguishedname, objectclass and addresses, as far "
          "as they are there. A CSV without the column group is about the group that the file is "
          "called like. Members of class group are expanded; users are no machines, and passed "
          "over there. A newer file "
          "takes the place of an older one of the same path, and of what an older one says of the "
          "same group. Nothing is kept unless every file can be read.\n\nFiles of \"people\" list "
          "everybody of the directory, as Get-ADUser -Filter * -Properties mail with Export-Csv or "
          "ConvertTo-Json writes them: samaccountname, userprincipalname, mail, name, enabled (or "
          "useraccountcontrol), distinguishedname. Give all of them at once: what one import says "
          "takes the place of all that earlier ones said, so that who is missing has left."),
    .run = run,
};
