// SPDX-License-Identifier: Apache-2.0
// Parses PowerShell scripts with the tree-sitter grammar.
//
// usage: node parse.mjs FILE...
//
// One line a file: "ok FILE" or, for each place the grammar cannot follow, "FILE:LINE:COLUMN: ...".
// Exit status 0 all parsed, 1 a file did not, 2 the work could not be done.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Language, Parser } from 'web-tree-sitter';

const GRAMMAR = new URL('node_modules/tree-sitter-powershell/tree-sitter-powershell.wasm', import.meta.url);
const SHOWN_PER_FILE = 20;

// The error and missing nodes of a tree, in the order of the text.
function faults(node) {
  if (!node.hasError && !node.isMissing) return [];
  if (node.isError || node.isMissing) return [node];
  return node.children.flatMap(faults);
}

function describe(node) {
  const at = `${node.startPosition.row + 1}:${node.startPosition.column + 1}`;
  if (node.isMissing) return `${at}: error: expected ${node.type}`;
  return `${at}: error: not PowerShell: ${JSON.stringify(node.text.slice(0, 60))}`;
}

async function main(files) {
  if (files.length === 0) throw new Error('usage: node parse.mjs FILE...');
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(await Language.load(readFileSync(fileURLToPath(GRAMMAR))));

  let rejected = 0;
  for (const file of files) {
    // Windows PowerShell reads a script with a byte order mark as the UTF-8 it is.
    const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
    const root = parser.parse(text).rootNode;
    const found = faults(root);
    if (!root.hasError && found.length === 0 && text.trim() !== '') {
      console.log(`ok ${file}`);
      continue;
    }
    rejected += 1;
    if (found.length === 0) console.log(`${file}:1:1: error: expected a script, found nothing`);
    for (const node of found.slice(0, SHOWN_PER_FILE)) console.log(`${file}:${describe(node)}`);
  }
  return rejected === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
