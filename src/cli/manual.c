/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page sallyport(1) and shell completion, made from the same tables as --help. Format:
 * man(7). */
#include "cli/command.h"

/* Text with the characters that man(7) would interpret escaped. */
static void roff(struct buf *out, str text)
{
    bool line_start = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (line_start && (c == '.' || c == '\'')) buf_str(out, S("\\&"));
        if (c == '\\')
            buf_str(out, S("\\e"));
        else if (c == '-')
            buf_str(out, S("\\-"));
        else
            buf_char(out, c);
        line_start = c == '\n';
    }
}

static void roff_options(struct buf *out, const struct option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct option *o = &options[i];
        buf_str(out, S(".TP\n"));
        if (o->letter) buf_format(out, "\\fB\\-%c\\fR, ", o->letter);
        buf_str(out, S("\\fB\\-\\-"));
        roff(out, o->name);
        buf_str(out, S("\\fR"));
        if (o->value.len) buf_format(out, " \\fI%.*s\\fR", STR_ARG(o->value));
        buf_char(out, '\n');
        roff(out, o->help);
        if (o->choices.len) buf_format(out, " (%.*s)", STR_ARG(o->choices));
        if (o->fallback.len) {
            buf_str(out, S("; default "));
            roff(out, o->fallback);
        }
        buf_str(out, S(".\n"));
    }
}

static void roff_command(struct buf *out, const struct command *command)
{
    buf_str(out, S(".SS \"sallyport "));
    roff(out, command->name);
    buf_format(out, "%s%.*s\"\n", command->arguments.len ? " " : "", STR_ARG(command->arguments));
    roff(out, command->summary);
    buf_str(out, S(".\n"));
    if (command->details.len) {
        buf_str(out, S(".PP\n"));
        roff(out, command->details);
        buf_char(out, '\n');
    }
    roff_options(out, command->options, command->n_options);
    for (size_t i = 0; i < command->n_examples; i++) {
        buf_str(out, S(".PP\n"));
        roff(out, command->examples[i].purpose);
        buf_str(out, S("\n.PP\n.nf\n.RS 4\n"));
        roff(out, command->examples[i].line);
        buf_str(out, S("\n.RE\n.fi\n"));
    }
}

static void page(struct buf *out)
{
    buf_str(
        out,
        S(".TH SALLYPORT 1 \"\" \"sallyport " SALLYPORT_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nsallyport \\- find every use of SMB, and close the rest\n"
          ".SH SYNOPSIS\n.B sallyport\n.I COMMAND\n[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
          ".SH DESCRIPTION\nsallyport reads evidence (captures, firewall logs), shows who uses "
          "SMB, says what a least\\-privilege policy would break, and writes the firewall rules "
          "that enforce it, each proved equal to the policy before it is written.\n"
          ".SH COMMANDS\n"));
    for (size_t i = 0; i < n_commands; i++)
        roff_command(out, commands[i]);
    buf_str(out, S(".SH COMMON OPTIONS\n"));
    roff_options(out, command_common_options, command_n_common_options);
    buf_str(
        out,
        S(".SH EXIT STATUS\n.TP\n0\nfine\n.TP\n1\nthe answer is no: something would break, does "
          "not hold, or lacks a lifeline\n.TP\n2\nthe work could not be done\n"
          ".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nno colour, whatever the terminal can do\n"
          ".TP\n\\fBSALLYPORT_CLOCK\\fR\nan RFC 3339 instant that is taken for now, for "
          "rehearsals; what is written into the ledger meanwhile says so\n"
          ".TP\n\\fBSALLYPORT_TOKEN\\fR, \\fBSALLYPORT_TOKEN_FILE\\fR\na token that \"user "
          "login\" or \"token create\" printed, or the file that holds one: what runs with it is "
          "its user's\n"
          ".TP\n\\fBSALLYPORT_LEDGER_KEY\\fR\nthe file of the key that signs the ledger, when "
          "it is not ledger.key in the workspace\n"
          ".SH FILES\n.TP\n\\fIpolicy.yaml\\fR\nthe policy, in the workspace\n"
          ".TP\n\\fIsallyport.db\\fR\nthe workspace database\n"));
}

/* "exception" of "exception request"; a command of one word is a family of its own. */
static str family_of(const struct command *command)
{
    str family, verb;
    (void)str_cut(command->name, ' ', &family, &verb);
    return family;
}

/* The second word of commands that have two. */
static void completion_verbs(struct buf *out)
{
    buf_str(out, S("    if [ \"$COMP_CWORD\" -eq 2 ]; then\n        case ${COMP_WORDS[1]} in\n"));
    for (size_t i = 0; i < n_commands; i++) {
        str family = family_of(commands[i]);
        if (family.len == commands[i]->name.len) continue;
        bool is_first = !i || !str_equal(family, family_of(commands[i - 1]));
        bool is_last = i + 1 == n_commands || !str_equal(family, family_of(commands[i + 1]));
        if (is_first) buf_format(out, "        %.*s) COMPREPLY=($(compgen -W \"", STR_ARG(family));
        buf_format(out, "%.*s%s", STR_ARG(str_tail(commands[i]->name, family.len + 1)),
                   is_last ? "\" -- \"$word\")); return ;;\n" : " ");
    }
    buf_str(out, S("        esac\n    fi\n"));
}

static void completion(struct buf *out)
{
    buf_str(out, S("_sallyport() {\n    local word=${COMP_WORDS[COMP_CWORD]}\n"
                   "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \""));
    for (size_t i = 0; i < n_commands; i++) {
        str family = family_of(commands[i]);
        if (i && str_equal(family, family_of(commands[i - 1]))) continue;
        buf_str(out, family);
        buf_char(out, ' ');
    }
    buf_str(out, S("\" -- \"$word\"))\n        return\n    fi\n"));
    completion_verbs(out);
    buf_str(out, S("    local options\n    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n"));
    for (size_t i = 0; i < n_commands; i++) {
        bool has_verb = family_of(commands[i]).len < commands[i]->name.len;
        buf_format(out, "    \"%.*s%s) options=\"", STR_ARG(commands[i]->name),
                   has_verb ? "\"" : " \"*");
        for (size_t j = 0; j < commands[i]->n_options; j++)
            buf_format(out, "--%.*s ", STR_ARG(commands[i]->options[j].name));
        for (size_t j = 0; j < command_n_common_options; j++)
            buf_format(out, "--%.*s ", STR_ARG(command_common_options[j].name));
        buf_str(out, S("\" ;;\n"));
    }
    buf_str(out, S("    esac\n    case $word in\n    -*) COMPREPLY=($(compgen -W \"$options\" -- "
                   "\"$word\")) ;;\n    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\n"
                   "complete -F _sallyport sallyport\n"));
}

/* Every example, a line each: the tests run them. */
static void print_examples(struct buf *out)
{
    for (size_t i = 0; i < n_commands; i++)
        for (size_t j = 0; j < commands[i]->n_examples; j++) {
            buf_str(out, commands[i]->examples[j].line);
            buf_char(out, '\n');
        }
}

static int run(struct invocation *call)
{
    if (option_flag(call, S("examples"))) {
        print_examples(call->out);
        return EXIT_FINE;
    }
    if (option_flag(call, S("completion")))
        completion(call->out);
    else
        page(call->out);
    return EXIT_FINE;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct option options[] = {
    {T("examples"),   .type = OPTION_FLAG, .help = T("print only the examples, a line each")},
    {T("completion"), .type = OPTION_FLAG, .help = T("print completion for bash instead")   },
};

static const struct example examples[] = {
    {T("sallyport manual"), T("Print the manual page")},
};

const struct command manual_command = {
    .name = T("manual"),
    .summary = T("Print the manual page or shell completion"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
