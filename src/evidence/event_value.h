/* SPDX-License-Identifier: Apache-2.0 */
/* Values of Windows events as they are written in EventData: numbers, ports, addresses, names.
 * Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/str.h"

/* The name that a value says; empty for "-" and "(NULL)"; cut at LIMIT_NAME_BYTES. */
str event_value_said(str value);
/* "\\FS01" without what stands in front. */
str event_value_bare(str value);
/* Hexadecimal with 0x, or decimal; false when it is none. */
bool event_value_number(str value, uint64_t *out);
/* An NTSTATUS; 0 when it is none. */
uint32_t event_value_status(str value);
/* 0 when it is none. */
uint16_t event_value_port(str value);
bool event_value_is_smb_port(uint16_t port);
/* An address with or without zone, port and slashes, or a SOCKADDR in hexadecimal; false when it is
 * none, or unspecified. The port stays as it is when there is none. */
bool event_value_address(str value, struct addr *addr, uint16_t *port);
/* A multicast or broadcast address. */
bool event_value_is_to_many(struct addr a);
/* Can it be one host's own, as others see it? */
bool event_value_is_own(struct addr a);
