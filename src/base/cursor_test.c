/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include "base/test.h"

static const uint8_t octets[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09};

static void numbers_have_their_order(void **state)
{
    struct cursor c = cursor_of((bytes){octets, sizeof octets}, 100);
    (void)state;
    assert_int_equal(cursor_u16le(&c, "a"), 0x0201);
    assert_int_equal(cursor_u16be(&c, "b"), 0x0304);
    assert_int_equal(cursor_u24be(&c, "c"), 0x050607);
    assert_int_equal(cursor_u8(&c, "d"), 8);
    assert_int_equal(cursor_offset(&c), 108);
    assert_int_equal(cursor_left(&c), 1);
    assert_true(cursor_ok(&c));
    c = cursor_of((bytes){octets, sizeof octets}, 0);
    assert_int_equal(cursor_u64le(&c, "e"), INT64_C(0x0807060504030201));
    c = cursor_of((bytes){octets, sizeof octets}, 0);
    assert_int_equal(cursor_u64be(&c, "f"), INT64_C(0x0102030405060708));
}

static void the_first_failure_sticks(void **state)
{
    struct cursor c = cursor_of((bytes){octets, 3}, 40);
    struct err err = {0};
    (void)state;
    assert_int_equal(cursor_u16le(&c, "first"), 0x0201);
    assert_int_equal(cursor_u32le(&c, "second"), 0);
    assert_int_equal(cursor_u8(&c, "third"), 0); /* would fit, but comes after the failure */
    assert_false(cursor_done(&c, &err));
    assert_int_equal(err.kind, ERR_TRUNCATED);
    assert_int_equal(err.offset, 42);
    assert_string_equal(err.text, "second needs 4 bytes, fewer are left");
}

static void lengths_from_input_cannot_leave(void **state)
{
    struct cursor whole = cursor_of((bytes){octets, sizeof octets}, 7), c = whole;
    (void)state;
    struct cursor inner = cursor_take(&c, 4, "inner");
    assert_int_equal(cursor_u32be(&inner, "x"), 0x01020304);
    assert_int_equal(cursor_u8(&inner, "y"), 0);
    assert_false(cursor_ok(&inner));
    assert_true(cursor_ok(&c)); /* the outer one is not harmed */
    assert_int_equal(cursor_offset(&c), 11);

    inner = cursor_take(&c, UINT64_MAX, "huge");
    assert_false(cursor_ok(&inner));
    assert_false(cursor_ok(&c));
    assert_int_equal(cursor_bytes(&c, 1, "z").len, 0);

    inner = cursor_within(&whole, 8, 1, "last");
    assert_int_equal(cursor_u8(&inner, "v"), 9);
    inner = cursor_within(&whole, 8, 2, "past");
    assert_false(cursor_ok(&inner));
    inner = cursor_within(&whole, UINT64_MAX, 1, "far");
    assert_false(cursor_ok(&inner));
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(numbers_have_their_order),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(lengths_from_input_cannot_leave),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
