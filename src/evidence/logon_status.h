/* SPDX-License-Identifier: Apache-2.0 */
/* NTSTATUS by name, as tools that decode packets print it: "STATUS_LOGON_FAILURE",
 * "LOGON_FAILURE".
 */
#pragma once

#include "base/str.h"

/* Does the status of a session setup say that the account was not let in? A server short of
 * memory, for one, says something else. */
bool logon_status_is_refusal(str status);
bool logon_status_is_success(str status);
