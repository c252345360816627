/* SPDX-License-Identifier: Apache-2.0 */
#include "report/calendar.h"

#include "base/instant.h"
#include "base/sha256.h"

/* Ends the line that stands in `line`: folded at 75 octets, a blank begins what goes on. */
static void put_line(struct buf *out, str line)
{
    size_t room = 75, bad = 0;
    while (line.len > room) {
        size_t at = 0;
        for (size_t n; at < room; at += n) {
            n = str_utf8_next(str_tail(line, at), &bad);
            if (!n) n = bad;
            if (at + n > room) break;
        }
        buf_str(out, str_head(line, at));
        buf_str(out, S("\r\n "));
        line = str_tail(line, at);
        room = 74;
    }
    buf_str(out, line);
    buf_str(out, S("\r\n"));
}

/* TEXT: backslash, semicolon, comma and newline escaped; other control characters are not allowed
 * in one. */
static str escaped(str text, struct arena *arena)
{
    struct buf out = buf_in(arena);
    text = str_utf8(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\' || c == ';' || c == ',') buf_char(&out, '\\');
        if (c == '\n')
            buf_str(&out, S("\\n"));
        else if ((uint8_t)c >= 0x20 && c != 0x7F)
            buf_char(&out, c);
        else if (c == '\t')
            buf_char(&out, ' ');
    }
    return buf_text(&out);
}

static void put_text(struct buf *out, const char *name, str text, struct arena *arena)
{
    str value = escaped(text, arena);
    put_line(out, str_format(arena, "%s:%.*s", name, STR_ARG(value)));
}

static void put_instant(struct buf *out, const char *name, int64_t at_us, struct arena *arena)
{
    struct civil c = instant_to_civil(at_us);
    put_line(out, str_format(arena, "%s:%04d%02u%02uT%02u%02u%02uZ", name, c.year, c.month, c.day,
                             c.hour, c.minute, c.second));
}

static void put_alarm(struct buf *out, const char *before, str text, struct arena *arena)
{
    put_line(out, S("BEGIN:VALARM"));
    put_line(out, S("ACTION:DISPLAY"));
    put_line(out, str_format(arena, "TRIGGER:-%s", before));
    put_text(out, "DESCRIPTION", text, arena);
    put_line(out, S("END:VALARM"));
}

/* Unlike any other calendar's, and the same each time: made of the workspace's name and the id. */
static str uid_of(const struct calendar *calendar, const struct register_row *row, const char *what,
                  struct arena *arena)
{
    str whole =
        str_format(arena, "%.*s\n%.*s\n%s", STR_ARG(calendar->name), STR_ARG(row->id), what);
    struct sha256_digest digest = sha256_of(str_bytes(whole));
    return str_format(arena, "%.*s@sallyport.invalid", 32, sha256_hex(arena, &digest).ptr);
}

static str description(const struct register_row *row, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, register_scope(row, arena));
    buf_str(&out, S("\nowner: "));
    buf_str(&out, row->owner.len ? row->owner : S("nobody"));
    if (row->deputy.len) {
        buf_str(&out, S(", deputy: "));
        buf_str(&out, row->deputy);
    }
    buf_str(&out, S("\nreason: "));
    buf_str(&out, row->reason);
    if (row->ticket.len) {
        buf_str(&out, S("\nticket: "));
        buf_str(&out, row->ticket);
    }
    return buf_text(&out);
}

static void put_event(struct buf *out, const struct calendar *calendar,
                      const struct register_row *row, const char *what, int64_t at_us, str summary,
                      struct arena *arena)
{
    put_line(out, S("BEGIN:VEVENT"));
    put_line(out, str_format(arena, "UID:%.*s", STR_ARG(uid_of(calendar, row, what, arena))));
    put_instant(out, "DTSTAMP", calendar->as_of_us, arena);
    put_instant(out, "DTSTART", at_us, arena);
    put_text(out, "SUMMARY", summary, arena);
    put_text(out, "DESCRIPTION", description(row, arena), arena);
    put_line(out, S("TRANSP:TRANSPARENT"));
    put_alarm(out, "P7D", summary, arena);
    put_alarm(out, "P1D", summary, arena);
    put_line(out, S("END:VEVENT"));
}

static bool is_listed(const struct register_row *row)
{
    /* A break-glass that is over is looked at the next day. */
    return row->state == BOOK_ACTIVE || row->state == BOOK_SCHEDULED ||
           (row->break_glass && row->next_review_us);
}

/* A calendar holds one component at the least (RFC 5545 3.6): without exceptions, its time zone. */
static void put_zone(struct buf *out)
{
    static const char *const lines[] = {
        "BEGIN:VTIMEZONE",    "TZID:Etc/UTC",     "BEGIN:STANDARD", "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0000", "TZOFFSETTO:+0000", "END:STANDARD",   "END:VTIMEZONE",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        put_line(out, str_of(lines[i]));
}

static void put_row(struct buf *out, const struct calendar *calendar,
                    const struct register_row *row, struct arena scratch)
{
    struct arena *arena = &scratch;
    str who = row->owner.len ? row->owner : S("nobody");
    const char *loud = row->break_glass ? "BREAK-GLASS " : "";
    put_event(
        out, calendar, row, "end", row->expires_us,
        str_format(arena, "%sSMB exception %.*s ends (%.*s)", loud, STR_ARG(row->id), STR_ARG(who)),
        arena);
    if (row->next_review_us && (row->break_glass || row->next_review_us < row->expires_us))
        put_event(out, calendar, row, "review", row->next_review_us,
                  str_format(arena, "%sreview SMB exception %.*s (%.*s)", loud, STR_ARG(row->id),
                             STR_ARG(who)),
                  arena);
}

void calendar_write(struct buf *out, const struct calendar *calendar, struct arena scratch)
{
    struct arena *arena = &scratch;
    str title = calendar->organisation.len
                    ? str_format(arena, "SMB exceptions of %.*s", STR_ARG(calendar->organisation))
                    : S("SMB exceptions");
    put_line(out, S("BEGIN:VCALENDAR"));
    put_line(out, S("VERSION:2.0"));
    put_line(out, S("PRODID:-//sallyport//exceptions//EN"));
    put_line(out, S("CALSCALE:GREGORIAN"));
    put_line(out, S("METHOD:PUBLISH"));
    put_text(out, "X-WR-CALNAME", title, arena);
    bool any = false;
    for (size_t i = 0; i < calendar->exceptions->n; i++) {
        if (!is_listed(&calendar->exceptions->rows[i])) continue;
        put_row(out, calendar, &calendar->exceptions->rows[i], scratch);
        any = true;
    }
    if (!any) put_zone(out);
    put_line(out, S("END:VCALENDAR"));
}
