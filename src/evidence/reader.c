/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/reader.h"

#define READER(stem) extern const struct reader stem##_reader;
#include "evidence/readers.def"
#undef READER

const struct reader *const readers[] = {
#define READER(stem) &stem##_reader,
#include "evidence/readers.def"
#undef READER
};
const size_t n_readers = COUNT_OF(readers);

const struct reader *reader_recognise(bytes head)
{
    for (size_t i = 0; i < n_readers; i++)
        if (readers[i]->recognise(head)) return readers[i];
    return NULL;
}
