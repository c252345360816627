/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "base/instant.h"

#define COMMAND(name) extern const struct command name##_command;
#include "cli/commands.def"
#undef COMMAND

const struct command *const commands[] = {
#define COMMAND(name) &name##_command,
#include "cli/commands.def"
#undef COMMAND
};
const size_t n_commands = COUNT_OF(commands);

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const struct option command_common_options[] = {
    {T("workspace"),             'C',              OPTION_TEXT,                 .value = T("DIR"),                                             .fallback = T("."),
     .help = T("the workspace")},
    {T("format"), 0,                 OPTION_CHOICE,                                  .value = T("FORMAT"),                                                                                              .fallback = T("text"),
     .choices = T("text|json|csv"), .help = T("how results are printed")},
    {T("json"),      0, OPTION_FLAG,                                             .help = T("short for --format json")                                                                     },
    {T("as-of"),                  0,                            OPTION_INSTANT,                                            .value = T("TIME"),
     .help = T("the time to answer for (RFC 3339; a date is its midnight, in the zone of the "
               "policy); default now")},
    {T("help"),                 'h',               OPTION_FLAG, .help = T("print this help")},
};
const size_t command_n_common_options = COUNT_OF(command_common_options);

static const struct option *find_option(const struct command *command, str name, char letter)
{
    for (size_t i = 0; i < command->n_options + command_n_common_options; i++) {
        const struct option *option = i < command->n_options
                                          ? &command->options[i]
                                          : &command_common_options[i - command->n_options];
        if (name.len ? str_equal(option->name, name) : option->letter == letter) return option;
    }
    return NULL;
}

static const struct given_option *find_given(const struct invocation *call, str name)
{
    assert(find_option(call->command, name, 0) && "the command's table has the option");
    for (size_t i = call->n_given; i > 0; i--)
        if (str_equal(call->given[i - 1].option->name, name)) return &call->given[i - 1];
    return NULL;
}

bool option_exists(const struct invocation *call, str name)
{
    return find_option(call->command, name, 0) != NULL;
}

bool option_flag(const struct invocation *call, str name)
{
    return find_given(call, name) != NULL;
}

bool option_given(const struct invocation *call, str name)
{
    return find_given(call, name) != NULL;
}

str option_text(const struct invocation *call, str name)
{
    const struct given_option *given = find_given(call, name);
    return given ? given->text : find_option(call->command, name, 0)->fallback;
}

int64_t option_instant(const struct invocation *call, str name)
{
    const struct given_option *given = find_given(call, name);
    assert(given && "an instant has no default");
    return given->instant_us;
}

uint64_t option_count(const struct invocation *call, str name)
{
    const struct given_option *given = find_given(call, name);
    uint64_t value = 0;
    if (given) return given->count;
    if (!str_u64(find_option(call->command, name, 0)->fallback, UINT64_MAX, &value)) return 0;
    return value;
}

str *option_texts(const struct invocation *call, str name, size_t *n)
{
    str *texts = arena_array(call->arena, str, call->n_given + 1);
    assert(find_option(call->command, name, 0));
    *n = 0;
    for (size_t i = 0; i < call->n_given; i++)
        if (str_equal(call->given[i].option->name, name)) texts[(*n)++] = call->given[i].text;
    return texts;
}

str command_suggest(struct arena *arena, str word, const str *candidates, size_t n)
{
    size_t best = SIZE_MAX;
    unsigned least = 1 + (unsigned)(word.len < 64 ? word.len : 64) / 3;
    for (size_t i = 0; i < n; i++) {
        unsigned distance = str_distance(word, candidates[i]);
        if (distance > least || (distance == least && best != SIZE_MAX)) continue;
        best = i;
        least = distance;
    }
    if (best == SIZE_MAX) return (str){0};
    return str_format(arena, ", did you mean \"%.*s\"?", STR_ARG(candidates[best]));
}

str command_path(struct invocation *call, str name)
{
    return os_join(call->arena, call->workspace, name);
}

int command_fail(struct invocation *call, const struct err *err)
{
    struct buf text = buf_in(call->arena);
    err_print(err, &text);
    table_tone(call->talk, S("sallyport: "), TONE_DIM, call->talk_colour);
    table_tone(call->talk, buf_text(&text), TONE_BAD, call->talk_colour);
    buf_char(call->talk, '\n');
    return EXIT_FAILED;
}

void command_progress(struct invocation *call, str what, uint64_t done, uint64_t total)
{
    enum { BAR = 24 };
    if (!call->progress) return;
    size_t full = total ? (size_t)((double)done / (double)total * BAR) : 0;
    if (full > BAR) full = BAR;
    buf_str(call->talk, S("\r\033[K["));
    buf_repeat(call->talk, '#', full);
    buf_repeat(call->talk, '.', BAR - full);
    buf_str(call->talk, S("] "));
    if (total) buf_format(call->talk, "%3u %% ", (unsigned)((double)done * 100 / (double)total));
    buf_str(call->talk, str_head(what, 40));
    (void)buf_flush(call->talk);
}

void command_progress_end(struct invocation *call)
{
    if (call->progress) buf_str(call->talk, S("\r\033[K"));
}

/* ---- Help ---------------------------------------------------------------------------------------
 */

static void print_options(struct buf *out, struct arena *arena, const struct option *options,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct option *o = &options[i];
        char letter[] = {'-', o->letter, ',', ' ', 0};
        str left = str_format(arena, "  %s--%.*s%s%.*s", o->letter ? letter : "    ",
                              STR_ARG(o->name), o->value.len ? " " : "", STR_ARG(o->value));
        buf_str(out, left);
        buf_repeat(out, ' ', left.len < 32 ? 32 - left.len : 1);
        buf_str(out, o->help);
        if (o->choices.len) buf_format(out, " (%.*s)", STR_ARG(o->choices));
        if (o->fallback.len) buf_format(out, " [%.*s]", STR_ARG(o->fallback));
        buf_char(out, '\n');
    }
}

static void print_command_help(const struct command *command, struct buf *out, struct arena *arena)
{
    buf_format(out, "%.*s\n\nUsage: sallyport %.*s [OPTION...]", STR_ARG(command->summary),
               STR_ARG(command->name));
    if (command->arguments.len) buf_format(out, " %.*s", STR_ARG(command->arguments));
    buf_str(out, S("\n"));
    if (command->details.len) {
        buf_char(out, '\n');
        buf_str(out, command->details);
        buf_char(out, '\n');
    }
    if (command->n_options) {
        buf_str(out, S("\nOptions:\n"));
        print_options(out, arena, command->options, command->n_options);
    }
    buf_str(out, S("\nCommon options:\n"));
    for (size_t i = 0; i < command_n_common_options; i++) {
        const struct option *o = &command_common_options[i];
        /* A command may have its own row for a common option. */
        if (find_option(command, o->name, 0) == o) print_options(out, arena, o, 1);
    }
    if (command->n_examples) buf_str(out, S("\nExamples:\n"));
    for (size_t i = 0; i < command->n_examples; i++)
        buf_format(out, "  %.*s\n      %.*s\n", STR_ARG(command->examples[i].line),
                   STR_ARG(command->examples[i].purpose));
}

static void print_help(struct buf *out)
{
    buf_str(
        out,
        S("sallyport finds every use of SMB, keeps the few paths that are needed, proves what a "
          "block would\nbreak before it is made, and writes the block for every firewall that "
          "must hold it.\n\nUsage: sallyport COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n"));
    for (size_t i = 0; i < n_commands; i++) {
        buf_format(out, "  %-19.*s ", STR_ARG(commands[i]->name));
        buf_str(out, commands[i]->summary);
        buf_char(out, '\n');
    }
    buf_str(out, S("\n\"sallyport COMMAND --help\" tells more.\n"
                   "Exit status: 0 fine; 1 the answer is no; 2 could not do the work.\n"));
}

/* ---- Parsing ------------------------------------------------------------------------------------
 */

static bool in_choices(str choices, str word)
{
    while (choices.len) {
        str head;
        (void)str_cut(choices, '|', &head, &choices);
        if (str_equal(head, word)) return true;
    }
    return false;
}

static bool parse_instant(str text, int64_t *out_us)
{
    struct civil date;
    if (!instant_parse_date(text, &date)) return instant_parse(text, out_us);
    *out_us = instant_from_civil(date);
    return true;
}

static bool parse_value(struct given_option *given, struct err *err)
{
    const struct option *o = given->option;
    switch (o->type) {
    case OPTION_FLAG:
    case OPTION_TEXT:
        return true;
    case OPTION_COUNT:
        if (str_u64(given->text, o->high, &given->count) && given->count >= o->low) return true;
        return err_set(err, ERR_USAGE,
                       "--%.*s takes a number from %" PRIu64 " to %" PRIu64 ", not \"%.*s\"",
                       STR_ARG(o->name), o->low, o->high, STR_ARG(given->text));
    case OPTION_INSTANT:
        if (parse_instant(given->text, &given->instant_us)) return true;
        return err_set(err, ERR_USAGE,
                       "--%.*s takes a date or an RFC 3339 instant such as 2026-11-21T08:00:00Z, "
                       "not \"%.*s\"",
                       STR_ARG(o->name), STR_ARG(given->text));
    case OPTION_CHOICE:
        if (in_choices(o->choices, given->text)) return true;
        return err_set(err, ERR_USAGE, "--%.*s takes one of %.*s, not \"%.*s\"", STR_ARG(o->name),
                       STR_ARG(o->choices), STR_ARG(given->text));
    }
    return false;
}

/* One option word (and its value, which may be the next word). */
static bool parse_option(struct invocation *call, struct given_option *given, const str *words,
                         size_t n_words, size_t *at, struct err *err)
{
    str word = words[*at], name = {0}, value = {0};
    bool is_long = str_starts(word, S("--")), has_value = false;
    if (is_long) has_value = str_cut(str_tail(word, 2), '=', &name, &value);
    const struct option *option = find_option(call->command, name, is_long ? 0 : word.ptr[1]);
    if (!option) {
        size_t n = call->command->n_options + command_n_common_options;
        str *names = arena_array(call->arena, str, n);
        for (size_t i = 0; i < n; i++)
            names[i] = i < call->command->n_options
                           ? call->command->options[i].name
                           : command_common_options[i - call->command->n_options].name;
        str hint = is_long ? command_suggest(call->arena, name, names, n) : (str){0};
        return err_set(err, ERR_USAGE, "%.*s has no option \"%.*s\"%.*s",
                       STR_ARG(call->command->name), STR_ARG(word), STR_ARG(hint));
    }
    *given = (struct given_option){.option = option};
    if (option->type == OPTION_FLAG) {
        if (has_value || (!is_long && word.len > 2))
            return err_set(err, ERR_USAGE, "--%.*s takes no value", STR_ARG(option->name));
        return true;
    }
    if (!is_long && word.len > 2) {
        has_value = true;
        value = str_tail(word, 2);
    }
    if (!has_value) {
        if (*at + 1 >= n_words)
            return err_set(err, ERR_USAGE, "--%.*s needs a value (%.*s)", STR_ARG(option->name),
                           STR_ARG(option->value));
        value = words[++*at];
    }
    given->text = value;
    return parse_value(given, err);
}

static bool parse_words(struct invocation *call, const str *words, size_t n_words, struct err *err)
{
    struct given_option *given = arena_array(call->arena, struct given_option, n_words + 1);
    str *arguments = arena_array(call->arena, str, n_words + 1);
    bool only_arguments = false;
    call->given = given;
    call->arguments = arguments;
    for (size_t i = 0; i < n_words; i++) {
        str word = words[i];
        bool is_option = !only_arguments && word.len > 1 && word.ptr[0] == '-';
        if (is_option && str_equal(word, S("--"))) {
            only_arguments = true;
            continue;
        }
        if (!is_option) {
            arguments[call->n_arguments++] = word;
            continue;
        }
        if (!parse_option(call, &given[call->n_given], words, n_words, &i, err)) return false;
        const struct option *option = given[call->n_given++].option;
        for (size_t j = 0; j + 1 < call->n_given; j++)
            if (given[j].option == option && !option->many && option->type != OPTION_FLAG)
                return err_set(err, ERR_USAGE, "--%.*s is given twice", STR_ARG(option->name));
    }
    return true;
}

static bool check_arguments(const struct invocation *call, struct err *err)
{
    const struct command *c = call->command;
    if (call->n_arguments < c->least_arguments)
        return err_set(err, ERR_USAGE, "%.*s needs %.*s", STR_ARG(c->name), STR_ARG(c->arguments));
    if (call->n_arguments > c->most_arguments)
        return err_set(err, ERR_USAGE, "%.*s takes no argument \"%.*s\"", STR_ARG(c->name),
                       STR_ARG(call->arguments[c->most_arguments]));
    return true;
}

static const struct command *find_command(str name)
{
    for (size_t i = 0; i < n_commands; i++)
        if (str_equal(commands[i]->name, name)) return commands[i];
    return NULL;
}

/* The verbs of a family ("exception") as candidates for one that does not exist. */
static bool is_of_family(const struct command *command, str family)
{
    return str_starts(command->name, family) && command->name.len > family.len &&
           command->name.ptr[family.len] == ' ';
}

static bool family_exists(str family)
{
    for (size_t i = 0; i < n_commands; i++)
        if (is_of_family(commands[i], family)) return true;
    return false;
}

/* A command of one word, or of two: "report", "exception request". *n_used: how many words name it.
 */
static const struct command *find_command_of(struct arena *arena, const str *words, size_t n,
                                             size_t *n_used)
{
    const struct command *found = NULL;
    *n_used = 1;
    if (n > 1) {
        str both = str_format(arena, "%.*s %.*s", STR_ARG(words[0]), STR_ARG(words[1]));
        found = find_command(both);
    }
    if (found)
        *n_used = 2;
    else if (n)
        found = find_command(words[0]);
    return found;
}

static void print_family(struct buf *out, str family)
{
    buf_format(out, "Usage: sallyport %.*s VERB [OPTION...]\n\nVerbs:\n", STR_ARG(family));
    for (size_t i = 0; i < n_commands; i++) {
        if (!is_of_family(commands[i], family)) continue;
        buf_format(out, "  %-12.*s", STR_ARG(str_tail(commands[i]->name, family.len + 1)));
        buf_str(out, commands[i]->summary);
        buf_char(out, '\n');
    }
    buf_format(out, "\"sallyport %.*s VERB --help\" tells more.\n", STR_ARG(family));
}

static bool no_such_command(struct arena *arena, str word, struct err *err)
{
    str names[COUNT_OF(commands)];
    for (size_t i = 0; i < n_commands; i++)
        names[i] = commands[i]->name;
    str hint = command_suggest(arena, word, names, n_commands);
    return err_set(err, ERR_USAGE, "there is no command \"%.*s\"%.*s (see \"sallyport --help\")",
                   STR_ARG(word), STR_ARG(hint));
}

/* "-C DIR COMMAND ..." as git has it: the command's name comes first, both words of it, the option
 * after it. */
static const str *command_first(struct arena *arena, const str *words, size_t n)
{
    enum { MOVED = 2 };
    if (n < 3 || !str_equal(words[0], S("-C"))) return words;
    str *turned = arena_array(arena, str, n);
    size_t n_name = 1;
    (void)find_command_of(arena, words + MOVED, n - MOVED, &n_name);
    for (size_t i = 0; i < n_name; i++)
        turned[i] = words[MOVED + i];
    for (size_t i = 0; i < MOVED; i++)
        turned[n_name + i] = words[i];
    for (size_t i = n_name + MOVED; i < n; i++)
        turned[i] = words[i];
    return turned;
}

/* The name of a family without one of its verbs. */
static int run_family(struct invocation *call, const str *words, size_t n_words)
{
    struct err err = {0};
    bool asks = n_words < 2 || str_equal(words[1], S("--help")) || str_equal(words[1], S("-h"));
    if (asks) {
        print_family(n_words < 2 ? call->talk : call->out, words[0]);
        return n_words < 2 ? EXIT_FAILED : EXIT_FINE;
    }
    no_such_command(call->arena,
                    str_format(call->arena, "%.*s %.*s", STR_ARG(words[0]), STR_ARG(words[1])),
                    &err);
    return command_fail(call, &err);
}

static int run(struct invocation *call, const str *words, size_t n_words)
{
    struct err err = {0};
    words = command_first(call->arena, words, n_words);
    bool wants_help = n_words && (str_equal(words[0], S("--help")) ||
                                  str_equal(words[0], S("-h")) || str_equal(words[0], S("help")));
    if (wants_help && n_words == 1) {
        print_help(call->out);
        return EXIT_FINE;
    }
    if (!n_words) {
        print_help(call->talk);
        return EXIT_FAILED;
    }
    if (str_equal(words[0], S("--version"))) {
        call->command = find_command(S("version"));
        return call->command->run(call);
    }
    if (wants_help) {
        words++;
        n_words--;
    }
    size_t n_used = 0;
    call->command = find_command_of(call->arena, words, n_words, &n_used);
    if (!call->command && family_exists(words[0])) return run_family(call, words, n_words);
    if (!call->command) {
        no_such_command(call->arena, words[0], &err);
        return command_fail(call, &err);
    }
    if (wants_help) {
        print_command_help(call->command, call->out, call->arena);
        return EXIT_FINE;
    }
    if (!parse_words(call, words + n_used, n_words - n_used, &err)) return command_fail(call, &err);
    if (option_flag(call, S("help"))) {
        print_command_help(call->command, call->out, call->arena);
        return EXIT_FINE;
    }
    if (!check_arguments(call, &err)) return command_fail(call, &err);

    str format = option_flag(call, S("json")) ? S("json") : option_text(call, S("format"));
    call->format = str_equal(format, S("json"))  ? FORMAT_JSON
                   : str_equal(format, S("csv")) ? FORMAT_CSV
                                                 : FORMAT_TEXT;
    call->workspace = option_text(call, S("workspace"));
    const struct given_option *as_of = find_given(call, S("as-of"));
    if (as_of) {
        struct civil date;
        call->as_of_us = as_of->instant_us;
        call->as_of_is_date = instant_parse_date(as_of->text, &date);
    }
    return call->command->run(call);
}

/* SALLYPORT_CLOCK: what time it is, for rehearsals; an RFC 3339 instant. What is written into the
 * ledger meanwhile says that it was set. */
static bool clock_is_set(struct os *os, struct arena *arena, int64_t *out_us)
{
    str text = os->environment(os->self, S("SALLYPORT_CLOCK"), arena);
    return text.len && instant_parse(text, out_us);
}

int command_main(struct os *os, const str *words, size_t n_words)
{
    enum { OUT_ROOM = 64 << 10 };
    struct arena arena = arena_open("job", 0, NULL);
    struct arena scratch = arena_open("scratch", 0, NULL);
    struct buf out = buf_to(&arena, OUT_ROOM, os_sink_out, os);
    struct buf talk = buf_to(&arena, OUT_ROOM, os_sink_err, os);
    bool no_color = os->environment(os->self, S("NO_COLOR"), &arena).len > 0 ||
                    str_equal(os->environment(os->self, S("TERM"), &arena), S("dumb"));
    bool talk_terminal = os->is_terminal(os->self, OS_ERR);
    int64_t now = os->now_us(os->self), set_us = 0;
    bool is_set = clock_is_set(os, &arena, &set_us);
    if (is_set) now = set_us;
    struct invocation call = {
        .os = os,
        .arena = &arena,
        .scratch = scratch,
        .out = &out,
        .talk = &talk,
        .colour = !no_color && os->is_terminal(os->self, OS_OUT),
        .talk_colour = !no_color && talk_terminal,
        .progress = talk_terminal,
        .as_of_us = now,
        .now_us = now,
        .clock_is_set = is_set,
    };
    int status = run(&call, words, n_words);
    bool wrote = buf_flush(&out);
    (void)buf_flush(&talk);
    arena_close(&scratch);
    arena_close(&arena);
    /* Results that did not arrive are not results (a full disk behind a redirection). */
    return wrote || status != EXIT_FINE ? status : EXIT_FAILED;
}
