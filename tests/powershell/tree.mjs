// SPDX-License-Identifier: Apache-2.0
// The syntax tree of PowerShell scripts, as a grammar that is not ours sees it.
//
// usage: node tree.mjs FILE...
//
// One JSON array a file and line: [kind, line, children] of a named node, [kind, line, text] of one
// without children, and plain strings for operators and punctuation between them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Language, Parser } from 'web-tree-sitter';

const GRAMMAR = new URL('node_modules/tree-sitter-powershell/tree-sitter-powershell.wasm', import.meta.url);

function plain(node) {
  if (!node.isNamed) return node.text;
  const line = node.startPosition.row + 1;
  if (node.childCount === 0) return [node.type, line, node.text];
  return [node.type, line, node.children.filter((child) => child.type !== 'comment').map(plain), node.text];
}

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(readFileSync(fileURLToPath(GRAMMAR))));
for (const file of process.argv.slice(2)) {
  const root = parser.parse(readFileSync(file, 'utf8')).rootNode;
  if (root.hasError) throw new Error(`${file}: not PowerShell`);
  console.log(JSON.stringify(plain(root)));
}
