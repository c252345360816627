/* SPDX-License-Identifier: Apache-2.0 */
/* Files that say what a firewall is told to do, not what was done: policies, exports,
 * configurations. They are no evidence of use, yet they lie beside it; so they are told apart from
 * what is unknown.
 */
#pragma once

#include "base/str.h"

/* What the head (its first LIMIT_RECOGNISE_BYTES) begins, by content, with an article: "a Windows
 * Firewall policy (.wfw, a registry hive)". Empty: none of them. To be asked only when no reader
 * recognises the head. */
str firewall_export_name(bytes head);
