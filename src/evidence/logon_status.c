/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-ERREF] 2.3.1: what session setup answers to an account, its password or the way it came. */
#include "evidence/logon_status.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const str refusals[] = {
    T("ACCESS_DENIED"),         T("ACCOUNT_DISABLED"),       T("ACCOUNT_EXPIRED"),
    T("ACCOUNT_LOCKED_OUT"),    T("ACCOUNT_RESTRICTION"),    T("DOMAIN_TRUST_INCONSISTENT"),
    T("ILL_FORMED_PASSWORD"),   T("INVALID_ACCOUNT_NAME"),   T("INVALID_LOGON_HOURS"),
    T("INVALID_LOGON_TYPE"),    T("INVALID_WORKSTATION"),    T("LOGON_FAILURE"),
    T("LOGON_NOT_GRANTED"),     T("LOGON_TYPE_NOT_GRANTED"), T("NO_LOGON_SERVERS"),
    T("NO_SUCH_DOMAIN"),        T("NO_SUCH_USER"),           T("NO_TRUST_LSA_SECRET"),
    T("NO_TRUST_SAM_ACCOUNT"),  T("NTLM_BLOCKED"),           T("PASSWORD_EXPIRED"),
    T("PASSWORD_MUST_CHANGE"),  T("PASSWORD_RESTRICTION"),   T("SMARTCARD_LOGON_REQUIRED"),
    T("TIME_DIFFERENCE_AT_DC"), T("TRUSTED_DOMAIN_FAILURE"), T("TRUSTED_RELATIONSHIP_FAILURE"),
    T("TRUST_FAILURE"),         T("WRONG_PASSWORD"),
};

static str without_prefix(str status)
{
    str prefix = S("STATUS_");
    return str_starts(status, prefix) ? str_tail(status, prefix.len) : status;
}

bool logon_status_is_refusal(str status)
{
    status = without_prefix(status);
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        if (str_equal_nocase(refusals[i], status)) return true;
    return false;
}

bool logon_status_is_success(str status)
{
    return str_equal_nocase(without_prefix(status), S("SUCCESS"));
}
