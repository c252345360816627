/* SPDX-License-Identifier: Apache-2.0 */
/* IBM QRadar Log Event Extended Format, "LEEF overview":
 *
 *   LEEF:1.0|vendor|product|version|event id|key=value<tab>key=value...
 *   LEEF:2.0|vendor|product|version|event id|delimiter|key=value...
 *
 * The delimiter of 2.0 is one character, or its number as x09 or 0x09; it may be left out. Observed
 * besides: PAN-OS parts attributes by '|', and rsyslog writes a tab as #011.
 */
#include "evidence/siem_event.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* The predefined attributes, and those of products. */
static const struct siem_name names[] = {
    {T("src"),           SIEM_SOURCE          },
    {T("srcPort"),       SIEM_SOURCE_PORT     },
    {T("dst"),           SIEM_DESTINATION     },
    {T("dstPort"),       SIEM_DESTINATION_PORT},
    {T("proto"),         SIEM_PROTOCOL        },
    {T("action"),        SIEM_ACTION          },
    {T("act"),           SIEM_ACTION          },
    {T("Action"),        SIEM_ACTION          },
    {T("devTime"),       SIEM_AT              },
    {T("ElapsedTime"),   SIEM_DURATION        },
    {T("duration"),      SIEM_DURATION        },
    {T("srcBytes"),      SIEM_SENT            },
    {T("dstBytes"),      SIEM_RECEIVED        },
    {T("usrName"),       SIEM_USER            },
    {T("DeviceName"),    SIEM_DEVICE          },
    {T("devname"),       SIEM_DEVICE          },
    {T("dvchost"),       SIEM_DEVICE          },
    {T("identHostName"), SIEM_DEVICE          },
};

enum { HEADER_FIELDS = 5 };

/* Where "LEEF:<digit>" begins, or the length. */
static size_t mark_of(str message)
{
    const char *bar = message.len ? memchr(message.ptr, '|', message.len) : NULL;
    if (!bar) return message.len;
    size_t at = syslog_find(str_head(message, (size_t)(bar - message.ptr)), S("LEEF:"));
    bool found = at + 5 < message.len && message.ptr + at < bar && message.ptr[at + 5] >= '0' &&
                 message.ptr[at + 5] <= '9';
    return found ? at : message.len;
}

static bool leef_claims(str message)
{
    return mark_of(message) < message.len;
}

/* "x09", "0x7C" */
static bool hexadecimal(str text, char *out)
{
    unsigned value = 0;
    if (text.len && text.ptr[0] == '0') text = str_tail(text, 1);
    if (text.len < 2 || text.len > 5 || (text.ptr[0] != 'x' && text.ptr[0] != 'X')) return false;
    for (size_t i = 1; i < text.len; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = memchr(digits, text.ptr[i], sizeof digits - 1);
        if (!at) return false;
        value = value * 16 + (unsigned)(at - digits) % 16;
    }
    if (!value || value > 0x7F) return false;
    *out = (char)value;
    return true;
}

/* What parts the attributes; *rest loses the delimiter field of 2.0. */
static str delimiter_of(str version, str *rest, char *one)
{
    str field, behind;
    if (str_starts(version, S("2")) && str_cut(*rest, '|', &field, &behind) &&
        !str_contains(field, S("="))) {
        *rest = behind;
        if (field.len == 1 || hexadecimal(field, one)) {
            if (field.len == 1) *one = field.ptr[0];
            return (str){one, 1};
        }
    }
    if (syslog_find(*rest, S("\t")) < rest->len) return S("\t");
    if (syslog_find(*rest, S("#011")) < rest->len) return S("#011");
    if (syslog_find(*rest, S("|")) < rest->len) return S("|");
    return S(" ");
}

static void leef_read(struct syslog *log, const struct syslog_line *line, bool cut)
{
    str rest = str_tail(line->message, mark_of(line->message) + 5), fields[HEADER_FIELDS];
    for (size_t i = 0; i < HEADER_FIELDS; i++) {
        if (str_cut(rest, '|', &fields[i], &rest)) continue;
        syslog_skip(log, S("expected five header fields of LEEF"));
        return;
    }
    char one = 0;
    struct siem_event event = {.product = siem_event_product(fields[1])};
    str delimiter = delimiter_of(fields[0], &rest, &one);
    while (rest.len) {
        size_t end = syslog_find(rest, delimiter);
        str key, value;
        if (str_cut(str_head(rest, end), '=', &key, &value))
            siem_event_put(&event, names, COUNT_OF(names), str_trim(key), value);
        rest = str_tail(rest, end + delimiter.len);
    }
    siem_event_tell(log, line, cut, &event);
}

const struct syslog_dialect leef_dialect = {leef_claims, leef_read};

static bool leef_recognise(bytes head)
{
    return syslog_recognise(head, &leef_dialect);
}

const struct reader leef_reader =
    SYSLOG_READER("leef", "QRadar Log Event Extended Format", leef_recognise);
