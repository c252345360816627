/* SPDX-License-Identifier: Apache-2.0 */
/* ArcSight Common Event Format, "Implementing ArcSight CEF" revision 26:
 *
 *   CEF:0|vendor|product|version|class id|name|severity|key=value key=value with blanks key=...
 *
 * In the header '|' and '\' are escaped by '\'; in the extension '=', '\' and newlines. A value
 * ends where a blank, a key and '=' follow.
 */
#include "evidence/siem_event.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
/* Short and long names of the specification's dictionary, and those of products. */
static const struct siem_name names[] = {
    {T("src"),                 SIEM_SOURCE          },
    {T("sourceAddress"),       SIEM_SOURCE          },
    {T("c6a2"),                SIEM_SOURCE_V6       },
    {T("shost"),               SIEM_SOURCE_NAME     },
    {T("sourceHostName"),      SIEM_SOURCE_NAME     },
    {T("spt"),                 SIEM_SOURCE_PORT     },
    {T("sourcePort"),          SIEM_SOURCE_PORT     },
    {T("dst"),                 SIEM_DESTINATION     },
    {T("destinationAddress"),  SIEM_DESTINATION     },
    {T("c6a3"),                SIEM_DESTINATION_V6  },
    {T("dhost"),               SIEM_DESTINATION_NAME},
    {T("destinationHostName"), SIEM_DESTINATION_NAME},
    {T("dpt"),                 SIEM_DESTINATION_PORT},
    {T("destinationPort"),     SIEM_DESTINATION_PORT},
    {T("proto"),               SIEM_PROTOCOL        },
    {T("transportProtocol"),   SIEM_PROTOCOL        },
    {T("act"),                 SIEM_ACTION          },
    {T("deviceAction"),        SIEM_ACTION          },
    {T("outcome"),             SIEM_OUTCOME         },
    {T("eventOutcome"),        SIEM_OUTCOME         },
    {T("rt"),                  SIEM_AT              },
    {T("deviceReceiptTime"),   SIEM_AT              },
    {T("start"),               SIEM_START           },
    {T("startTime"),           SIEM_START           },
    {T("end"),                 SIEM_END             },
    {T("endTime"),             SIEM_END             },
    {T("FTNTFGTduration"),     SIEM_DURATION        },
    {T("cnt"),                 SIEM_COUNT           },
    {T("baseEventCount"),      SIEM_COUNT           },
    {T("suser"),               SIEM_USER            },
    {T("sourceUserName"),      SIEM_USER            },
    {T("dvchost"),             SIEM_DEVICE          },
    {T("deviceHostName"),      SIEM_DEVICE          },
    {T("dvc"),                 SIEM_DEVICE_ADDRESS  },
    {T("deviceAddress"),       SIEM_DEVICE_ADDRESS  },
    {T("origin"),              SIEM_DEVICE_ADDRESS  }, /* Check Point's gateway */
};
/* The dictionary: "in" flows from source to destination. FortiOS Log Reference, CEF: the other way
 * round, in=rcvdbyte. */
static const struct siem_name bytes_names[] = {
    {T("in"),       SIEM_SENT    },
    {T("bytesIn"),  SIEM_SENT    },
    {T("out"),      SIEM_RECEIVED},
    {T("bytesOut"), SIEM_RECEIVED},
};
static const struct siem_name fortinet_bytes_names[] = {
    {T("in"),  SIEM_RECEIVED},
    {T("out"), SIEM_SENT    },
};

enum { HEADER_FIELDS = 7 };

/* Where "CEF:<digit>" begins, or the length. */
static size_t mark_of(str message)
{
    const char *bar = message.len ? memchr(message.ptr, '|', message.len) : NULL;
    if (!bar) return message.len;
    str front = str_head(message, (size_t)(bar - message.ptr));
    size_t at = syslog_find(front, S("CEF:"));
    str version = str_trim(str_tail(front, at + 4)); /* FortiOS writes "CEF: 0" */
    return version.len && version.ptr[0] >= '0' && version.ptr[0] <= '9' ? at : message.len;
}

static bool cef_claims(str message)
{
    return mark_of(message) < message.len;
}

/* The next field of the header; escaped bars do not end it. */
static bool header_field(str *rest, str *field)
{
    for (size_t i = 0; i < rest->len; i++) {
        if (rest->ptr[i] == '\\') {
            i++;
        } else if (rest->ptr[i] == '|') {
            *field = str_head(*rest, i);
            *rest = str_tail(*rest, i + 1);
            return true;
        }
    }
    return false;
}

static bool is_key_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-' || c == '[' || c == ']';
}

/* The next '=' that has a key before it: from a blank or the start. Its place, and the key's. */
static bool next_key(str s, size_t from, size_t *key_at, size_t *equals_at)
{
    for (size_t at = from; at < s.len;) {
        const char *found = memchr(s.ptr + at, '=', s.len - at);
        if (!found) return false;
        size_t equals = (size_t)(found - s.ptr), start = equals;
        while (start > from && is_key_char(s.ptr[start - 1]))
            start--;
        if (start < equals && (start == 0 || s.ptr[start - 1] == ' ')) {
            *key_at = start;
            *equals_at = equals;
            return true;
        }
        at = equals + 1;
    }
    return false;
}

static str unescape(struct arena *arena, str text)
{
    if (!text.len || !memchr(text.ptr, '\\', text.len)) return text;
    char *out = arena_array(arena, char, text.len);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len) i++;
        out[n++] = text.ptr[i];
    }
    return (str){out, n};
}

static void cef_read(struct syslog *log, const struct syslog_line *line, bool cut)
{
    str rest = str_tail(line->message, mark_of(line->message)), fields[HEADER_FIELDS];
    for (size_t i = 0; i < HEADER_FIELDS; i++) {
        if (header_field(&rest, &fields[i])) continue;
        syslog_skip(log, S("expected seven header fields of CEF"));
        return;
    }
    struct siem_event event = {.product = siem_event_product(fields[1])};
    bool fortinet = event.product == SYSLOG_FORTINET;
    size_t key_at = 0, equals = 0;
    bool more = next_key(rest, 0, &key_at, &equals);
    while (more) {
        str key = {rest.ptr + key_at, equals - key_at};
        size_t value_at = equals + 1;
        more = next_key(rest, value_at, &key_at, &equals);
        str value = str_tail(more ? str_head(rest, key_at) : rest, value_at);
        siem_event_put(&event, names, COUNT_OF(names), key, value);
        if (fortinet)
            siem_event_put(&event, fortinet_bytes_names, COUNT_OF(fortinet_bytes_names), key,
                           value);
        else
            siem_event_put(&event, bytes_names, COUNT_OF(bytes_names), key, value);
    }
    event.values[SIEM_USER] = unescape(syslog_scratch(log), event.values[SIEM_USER]);
    siem_event_tell(log, line, cut, &event);
}

const struct syslog_dialect cef_dialect = {cef_claims, cef_read};

static bool cef_recognise(bytes head)
{
    return syslog_recognise(head, &cef_dialect);
}

const struct reader cef_reader =
    SYSLOG_READER("cef", "ArcSight Common Event Format", cef_recognise);
