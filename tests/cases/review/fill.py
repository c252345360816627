#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills in a review's sheet as a spreadsheet would: reads a CSV, writes another.

usage: fill.py IN OUT [excel] ID:COLUMN=VALUE...

excel: semicolons, columns in another order, CRLF, a byte order mark, a column of its own.
"""
import csv
import sys

source, target, *changes = sys.argv[1:]
excel = changes[:1] == ['excel']
with open(source, encoding='utf-8-sig', newline='') as file:
    rows = list(csv.DictReader(file))
for change in changes[1:] if excel else changes:
    where, value = change.split('=', 1)
    identity, column = where.split(':')
    matched = [row for row in rows if row['id'] == identity]
    assert matched and column in matched[0], change
    for row in matched:
        row[column] = value
columns = list(rows[0])
if excel:
    columns = ['comment'] + columns[::-1]
with open(target, 'w', encoding='utf-8-sig' if excel else 'utf-8', newline='') as file:
    writer = csv.DictWriter(file, columns, restval='', delimiter=';' if excel else ',')
    writer.writeheader()
    writer.writerows(rows)
