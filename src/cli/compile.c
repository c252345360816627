/* SPDX-License-Identifier: Apache-2.0 */
/* Policy in, firewall files out (cli/compiling.h); or a folder of them, proved again. */
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/compile_record.h"
#include "cli/compiling_files.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Verifying ----------------------------------------------------------------------------------
 */

static str folder_path(struct compiling *c, const struct compiling_batch *batch,
                       const struct target_file *file)
{
    str path = manifest_path(batch->work, &c->parts[batch->part], file);
    return os_join(batch->work, c->folder, path);
}

static bool find_batch(struct compiling *c, struct compiling_batch *batch, struct err *err)
{
    struct os *os = c->call->os;
    for (size_t i = 0; i < batch->files.n; i++) {
        const struct target_file *file = &batch->files.items[i];
        if (os->kind(os->self, folder_path(c, batch, file)) != OS_FILE)
            return err_set(err, ERR_NOT_FOUND,
                           "the policy asks for %.*s, which the folder does not have",
                           STR_ARG(manifest_path(batch->work, &c->parts[batch->part], file)));
    }
    return true;
}

/* The files of the folder take the place of those just made. */
static bool verify_batch(struct compiling *c, struct compiling_batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->files.n; i++) {
        struct target_file *file = &batch->files.items[i];
        bytes content = {0};
        if (!os_read_all(c->call->os, folder_path(c, batch, file), LIMIT_ARTEFACT_BYTES,
                         batch->work, &content, err))
            return false;
        file->content = str_of_bytes(content);
    }
    return compiling_prove_batch(c, batch);
}

/* Bytes that are not those of the manifest, though they say the same. */
static bool compare_hashes(struct compiling *c, const struct manifest_file *files, size_t n,
                           struct err *err)
{
    struct invocation *call = c->call;
    struct arena work = arena_open("verify", 0, NULL);
    bool good = true;
    for (size_t i = 0; good && i < n; i++) {
        arena_reset(&work);
        str path = os_join(&work, c->folder, files[i].path);
        bytes content = {0};
        good = call->os->kind(call->os->self, path) != OS_FILE ||
               os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, &work, &content, err);
        struct sha256_digest digest = sha256_of(content);
        if (!good || str_equal(sha256_hex(&work, &digest), files[i].sha256)) continue;
        compiling_differs(c, str_format(call->arena, "%.*s was changed since it was written",
                                        STR_ARG(files[i].path)));
    }
    arena_close(&work);
    return good;
}

/* Without --target: those that the folder has. */
static void keep_targets_of(struct compiling *c, const struct manifest_file *files, size_t n)
{
    if (option_given(c->call, S("target"))) return;
    c->parts = arena_array(c->call->arena, struct manifest_part, targets_n);
    c->n_parts = 0;
    for (size_t t = 0; t < targets_n; t++) {
        bool has = false;
        for (size_t i = 0; i < n; i++) {
            str head, tail;
            has = has ||
                  (str_cut(files[i].path, '/', &head, &tail) && str_equal(head, targets[t]->name));
        }
        if (has) c->parts[c->n_parts++].target = targets[t];
    }
}

static int verify(struct compiling *c)
{
    struct invocation *call = c->call;
    struct err err = {0};
    bytes content = {0};
    struct manifest_file *files = NULL;
    size_t n = 0;
    str path = os_join(call->arena, c->folder, compiling_files_manifest);
    str begun = os_join(call->arena, c->folder, compiling_files_incomplete);
    if (call->os->kind(call->os->self, path) != OS_FILE &&
        call->os->kind(call->os->self, begun) == OS_FILE) {
        (void)err_set(&err, ERR_NOT_FOUND, "the folder is incomplete: writing it did not end well");
        err_in(&err, c->folder);
        return command_fail(call, &err);
    }
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, &err) ||
        !manifest_read(path, content, call->arena, &files, &n, &err))
        return command_fail(call, &err);
    keep_targets_of(c, files, n);
    compiling_plan(c);
    if (!compiling_fits(c, &err)) return command_fail(call, &err);
    if (!compiling_each(c, "looking", find_batch, &err)) {
        if (err.kind != ERR_NOT_FOUND) return command_fail(call, &err);
        compiling_differs(c, str_copy(call->arena, str_of(err.text)));
        return compiling_answer(c);
    }
    if (!compiling_each(c, "proving", verify_batch, &err))
        return c->n_differences ? compiling_answer(c) : command_fail(call, &err);
    if (!compare_hashes(c, files, n, &err)) return command_fail(call, &err);
    if (!c->n_differences && call->format != FORMAT_JSON) compiling_tell(c, "verified");
    return compiling_answer(c);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static bool choose_targets(struct compiling *c, struct err *err)
{
    size_t n;
    const str standard = S("powershell");
    const str *names = option_texts(c->call, S("target"), &n);
    return n ? compiling_targets(c, names, n, err) : compiling_targets(c, &standard, 1, err);
}

static int run(struct invocation *call)
{
    struct compiling c = {.call = call, .file = arena_new(call->arena, struct policy_file)};
    struct err err = {0};
    str manifest = {0};
    int status = EXIT_FAILED;
    bool verifies = option_given(call, S("verify"));
    if (verifies && option_given(call, S("output"))) {
        (void)err_set(&err, ERR_USAGE, "--verify reads its folder, --output writes one: not both");
        return command_fail(call, &err);
    }
    c.folder = option_text(call, verifies ? S("verify") : S("output"));
    if (!c.folder.len) c.folder = command_path(call, S("out"));
    if (!choose_targets(&c, &err) || !existing_read(call, &c.existing, &err))
        return command_fail(call, &err);
    if (!compiling_load(&c, &status)) return status;
    if (verifies) return verify(&c);
    compiling_plan(&c);
    if (!compiling_prove(&c, &err))
        return c.n_differences ? compiling_answer(&c) : command_fail(call, &err);
    status = compiling_files_write(&c, NULL, 0, &manifest);
    if (status != EXIT_FINE) return status;
    compile_record(&c, manifest, NULL, 0);
    if (call->format == FORMAT_JSON)
        buf_str(call->out, manifest);
    else
        compiling_tell(&c, "written to");
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("the folder to write; default out in the workspace")},
    {.name = T("target"),
     .letter = 't',
     .type = OPTION_TEXT,
     .many = true,
     .value = T("TARGET"),
     .help = T("a dialect, one of those above; default powershell; may be given again")},
    {.name = T("existing"),
     .type = OPTION_TEXT,
     .many = true,
     .value = T("[NAME=]FILE"),
     .help =
         T("rules that machines hold already, proved together with these; of all machines, or of "
           "a host class, name or address")},
    {.name = T("verify"),
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("write nothing: prove an output folder against the policy again")                                                                  },
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport compile -o out"),                                       T("Write PowerShell for every class of Windows machines")},
    {T("sallyport compile --target powershell --target nftables -o out"),
     T("Write nftables for Linux hosts and for routers at borders too")                                                            },
    {T("sallyport compile --existing clients-1=clients.reg -o tried"),
     T("Would rules that clients have already be in the way?")                                                                     },
    {T("sallyport compile --verify out"),                                 T("Do the files still say what the policy says?")        },
};

const struct command compile_command = {
    .name = T("compile"),
    .summary = T("Write the firewall rules, proved equal to the policy"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Machines with the same rules are one class. For each target DIR/<target>/ gets the files "
        "of every class\nand a rollback; DIR/RULES.md lists every rule with its reason, "
        "DIR/manifest.json says who loads what.\nBefore anything is written each file is read back "
        "by its target's own reader and compared with the\npolicy for every address, port and "
        "profile.\n\n"
        "Targets:\n"
        "  Windows Defender Firewall, for hosts:\n"
        "    powershell          scripts for this machine or into a group policy\n"
        "    gpo                 group policy backups for Import-GPO and samba-tool gpo restore\n"
        "    mdm                 SyncML for the Firewall CSP and the Policy CSP\n"
        "    intune              policies of the settings catalogue, with a script that imports "
        "them\n"
        "    reg                 .reg files with scripts that load them\n"
        "    netsh               netsh advfirewall scripts\n"
        "  Linux, macOS and BSD, for hosts; nftables and pf also for routers at borders:\n"
        "    nftables            tables of nft\n"
        "    firewalld           policies and ipsets\n"
        "    pf                  anchors\n"
        "  Firewalls at enforced borders, the internet's included:\n"
        "    cisco-ios           access lists of IOS and IOS XE\n"
        "    cisco-asa           object groups and access lists\n"
        "    juniper-srx         address sets and policies between two zones\n"
        "    fortigate           CLI scripts for FortiOS 6.4 and later\n"
        "    pan-os              set commands\n"
        "    azure-nsg           ARM templates of network security groups\n"
        "    aws-nacl            CloudFormation templates of network access control lists\n"
        "  Hosts in a cloud:\n"
        "    aws-security-group  CloudFormation templates of security groups\n"
        "What each can hold, how it is loaded and taken back: docs/targets/.\n\n"
        "Exit status: 0 written (or verified); 1 the lifeline is missing, or a file differs from "
        "the policy (with a\nwitness); 2 the policy has errors, a target can't express a rule, or "
        "the folder\ncan't be written."),
    .run = run,
};
