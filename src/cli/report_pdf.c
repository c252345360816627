/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_pdf.h"

enum { MOST_MS = 120000, MOST_DEPTH = 12 };

/* Names under which the browser is installed; the first that runs is taken. */
static const str browsers[] = {
    {"chromium",         8 },
    {"chromium-browser", 16},
    {"google-chrome",    13},
    {"msedge",           6 },
};

static bool is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("/._-~", c));
}

/* file:///srv/report.html; a path of its own is made absolute by its working folder. */
static str url_of(struct invocation *call, str path)
{
    static const char digits[] = "0123456789ABCDEF";
    struct buf out = buf_in(call->arena);
    if (!str_starts(path, S("/")))
        path = os_join(call->arena, call->os->environment(call->os->self, S("PWD"), call->arena),
                       path);
    buf_str(&out, S("file://"));
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = (uint8_t)path.ptr[i];
        if (is_safe(path.ptr[i])) {
            buf_char(&out, path.ptr[i]);
            continue;
        }
        buf_char(&out, '%');
        buf_char(&out, digits[c >> 4]);
        buf_char(&out, digits[c & 15]);
    }
    return buf_text(&out);
}

/* Everything in a folder that this program had made; a link is removed, never followed. */
static void remove_tree(struct invocation *call, str path, unsigned depth)
{
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    bool is_folder = !call->os->is_link(call->os->self, path) &&
                     call->os->kind(call->os->self, path) == OS_DIRECTORY;
    if (is_folder && depth && call->os->list(call->os->self, path, call->arena, &names, &n, &err))
        for (size_t i = 0; i < n; i++)
            remove_tree(call, os_join(call->arena, path, names[i]), depth - 1);
    (void)call->os->remove(call->os->self, path, &err);
}

static bool print_with(struct invocation *call, str browser, str profile, str html, str pdf,
                       int *exit_status, struct err *err)
{
    const str words[] = {
        browser,
        S("--headless"),
        S("--disable-gpu"),
        S("--no-sandbox"), /* the page is our own, without script; root has no sandbox anyway */
        S("--no-first-run"),
        S("--no-pdf-header-footer"),
        S("--disable-background-networking"),
        S("--disable-component-update"),
        S("--disable-sync"),
        S("--disable-extensions"),
        S("--proxy-server=127.0.0.1:9"), /* nobody answers there */
        S("--host-resolver-rules=MAP * ~NOTFOUND"),
        str_format(call->arena, "--user-data-dir=%.*s", STR_ARG(profile)),
        str_format(call->arena, "--print-to-pdf=%.*s", STR_ARG(pdf)),
        url_of(call, html),
    };
    return call->os->run_program(call->os->self, words, COUNT_OF(words), MOST_MS, exit_status, err);
}

bool report_pdf(struct invocation *call, str html, str pdf, struct err *err)
{
    str profile = str_format(call->arena, "%.*s.profile-%016" PRIx64, STR_ARG(pdf),
                             call->os->monotonic_us(call->os->self));
    struct err ignored = {0};
    if (call->os->kind(call->os->self, pdf) != OS_MISSING &&
        !call->os->remove(call->os->self, pdf, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(browsers); i++) {
        int exit_status = 0;
        struct err failure = {0};
        bool ran = print_with(call, browsers[i], profile, html, pdf, &exit_status, &failure);
        remove_tree(call, profile, MOST_DEPTH);
        if (!ran) continue;
        if (exit_status == 0 && call->os->kind(call->os->self, pdf) == OS_FILE) return true;
        (void)ignored;
        return err_set(err, ERR_IO, "%.*s ended with %d and wrote no PDF", STR_ARG(browsers[i]),
                       exit_status);
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no browser that prints a PDF: looked for chromium, chromium-browser, "
                   "google-chrome, msedge; the page %.*s is written and prints from any browser",
                   STR_ARG(html));
}
