// SPDX-License-Identifier: Apache-2.0
// Opens reports in headless Chromium and looks at them as a person, a screen reader and a firewall would.
//
// usage: node browser.mjs FOLDER       with contoso-KIND.html and hostile-KIND.html of every kind
//
// Ends with "N passed, N failed, 0 skipped"; exit status 1 when something failed.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

// The middle one is just wide enough for tables: below 1040 px their rows are cards.
const SIZES = [{ name: 'wide', width: 1280, height: 900 }, { name: 'middle', width: 1060, height: 800 },
  { name: 'narrow', width: 390, height: 844 }];
const SCHEMES = ['light', 'dark'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
// What a reader is told in so many words.
const TEXTS = ['blind', 'of 100', 'Weight', 'What to do next', 'not known counts against'];
const KINDS = ['technical', 'executive', 'exceptions', 'audit', 'client'];
// What can be printed on, in CSS pixels within the margins of the style sheet.
const PAPERS = [{ name: 'A4', width: 688, height: 1016 }, { name: 'Letter', width: 710, height: 950 }];
const SMALLEST_LETTER = 9; // pixels of text height in the picture, on the narrow screen as well
const MARKUP = ['<script>alert(1)</script>', '"><img src=x onerror=alert(2)>', '<img src=x>', '<svg>', '<script>',
  '</td>\'"', '\'><iframe src=x>.log', 'x'.repeat(60)];
const SHOTS = resolve(process.env.SCREENSHOTS ?? 'build/browser');

let passed = 0;
let failed = 0;

function test(name, faults) {
  if (faults.length === 0) {
    passed += 1;
    console.log(`ok ${name}`);
    return;
  }
  failed += 1;
  console.log(`not ok ${name}`);
  for (const fault of faults.slice(0, 10)) console.log(`    ${fault}`);
}

// A page as one reader has it: what it did while it loaded, and the page itself.
async function open(browser, file, size, scheme) {
  const context = await browser.newContext({
    viewport: { width: size.width, height: size.height }, colorScheme: scheme, reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const url = pathToFileURL(file).href;
  const did = { console: [], requests: [], dialogs: [] };
  page.on('console', (m) => did.console.push(`${m.type()}: ${m.text()}`));
  page.on('pageerror', (e) => did.console.push(`error: ${e.message}`));
  page.on('request', (r) => {
    if (r.url() !== url && !r.url().startsWith('data:')) did.requests.push(`${r.method()} ${r.url()}`);
  });
  page.on('dialog', (d) => {
    did.dialogs.push(d.message());
    d.dismiss().catch(() => {});
  });
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForTimeout(150);
  return { page, did, close: () => context.close() };
}

// ---- What can be wrong with a page; each gives a list of faults. In the page's own world:

function sideways() {
  const faults = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > window.innerWidth) {
    faults.push(`the page is ${document.documentElement.scrollWidth} px wide, the window ${window.innerWidth}`);
  }
  // What may be scrolled or is kept for screen readers does not stick out.
  const excused = (e) => {
    for (let at = e; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (['auto', 'scroll'].includes(style.overflowX) || style.clipPath !== 'none') return true;
    }
    return false;
  };
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && (box.right > width + 1 || box.left < -1) && !excused(element)) {
      faults.push(`<${element.tagName.toLowerCase()}> reaches from ${Math.round(box.left)} to ${Math.round(box.right)}: `
        + element.textContent.trim().slice(0, 60));
    }
  }
  return faults;
}

function picture(smallest) {
  const svg = document.querySelector('main .scroll svg');
  if (!svg) return ['there is no picture'];
  const faults = [];
  const box = svg.getBoundingClientRect();
  if (box.width < 200 || box.height < 100) faults.push(`the picture is ${box.width} x ${box.height} px`);
  if (!svg.getAttribute('aria-label')) faults.push('the picture has no name');
  // Cells have a title; the legend has none.
  const cells = [...svg.querySelectorAll('g > rect')].filter((r) => r.parentElement.querySelector('title'));
  if (cells.length < 10) faults.push(`the picture has ${cells.length} cells`);
  for (const kind of ['s-broken', 's-kept', 's-stopped']) {
    if (!cells.some((c) => c.classList.contains(kind))) faults.push(`no cell is ${kind}`);
  }
  const paints = (r) => {
    const style = getComputedStyle(r);
    return [style.fill, style.stroke].some((c) => c !== 'none' && c !== 'rgba(0, 0, 0, 0)');
  };
  const unpainted = cells.filter((c) => !paints(c) || c.getBoundingClientRect().width < 6).length;
  if (unpainted) faults.push(`${unpainted} cells cannot be seen`);
  const scale = box.width / svg.viewBox.baseVal.width;
  for (const text of svg.querySelectorAll('text')) {
    const height = parseFloat(getComputedStyle(text).fontSize) * scale;
    if (height < smallest) {
      faults.push(`letters of ${height.toFixed(1)} px: ${text.textContent}`);
      break;
    }
  }
  return faults;
}

// Texts of the picture that lie over each other. Slanted ones are compared along their own slant.
function collisions() {
  const faults = [];
  const upright = [...document.querySelectorAll('main .scroll svg text')]
    .filter((t) => t.textContent.trim() && !t.hasAttribute('transform'));
  const boxes = upright.map((t) => t.getBoundingClientRect());
  for (let i = 0; i < boxes.length; i += 1) {
    for (let j = i + 1; j < boxes.length; j += 1) {
      const [a, b] = [boxes[i], boxes[j]];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > 4) faults.push(`"${upright[i].textContent}" lies over "${upright[j].textContent}"`);
    }
  }
  const frame = document.querySelector('main .scroll svg')?.getBoundingClientRect();
  for (const t of document.querySelectorAll('main .scroll svg text')) {
    const box = t.getBoundingClientRect();
    if (box.right > frame.right + 1 || box.left < frame.left - 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
      faults.push(`"${t.textContent}" is cut off by the picture's edge`);
    }
  }
  return faults;
}

// Words that the lines of the page tear apart, though they would fit. Nobody reads "Se-en" or an address in two pieces.
function torn() {
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest('svg, style, code')) continue;
    for (const { 0: word, index } of node.data.matchAll(/[\p{L}\p{N}.:\\$]{2,24}(?![\p{L}\p{N}.:\\$])/gu)) {
      if (/[\p{L}\p{N}.:\\$]/u.test(node.data[index - 1] ?? '')) continue;
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = new Set([...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top))).size;
      if (lines > 1) faults.push(`"${word}" is torn over ${lines} lines: ${node.data.trim().slice(0, 40)}`);
    }
  }
  return faults;
}

// Whether the ground is as bright as the reader asked for.
function ground(scheme) {
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number);
  const bright = (r + g + b) / 3;
  return (scheme === 'dark') === (bright < 100) ? [] : [`the ground of the ${scheme} page is rgb(${r}, ${g}, ${b})`];
}

async function accessibility(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter((v) => ['serious', 'critical'].includes(v.impact))
    .flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.impact} ${v.id}: ${n.html.slice(0, 120)}: ${n.failureSummary
      .split('\n')[1]?.trim()}`));
}

async function missing(page, wanted) {
  const text = (await page.evaluate(() => document.body.innerText)).toLowerCase();
  return wanted.filter((w) => !text.includes(w.toLowerCase())).map((w) => `nowhere on the page: ${w}`);
}

// What no report holds, whatever the evidence says: all markup is the program's own.
function foreign() {
  const active = document.querySelectorAll('script, img, iframe, object, embed, form, a[href^="javascript:"], svg svg, u, a:not([href])');
  const faults = [...active].map((e) => `the page holds ${e.outerHTML.slice(0, 80)}`);
  for (const element of document.querySelectorAll('*')) {
    for (const { name } of element.attributes) if (/^on/i.test(name)) faults.push(`<${element.tagName}> has ${name}`);
  }
  return faults;
}

// On paper: tables stay tables, their heads come again on every page, no row is cut, nothing is wider than the paper, and the ground is white.
function paper(width) {
  const faults = [];
  for (const element of document.body.querySelectorAll('*')) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.right > width + 1) {
      faults.push(`<${element.tagName.toLowerCase()}> reaches to ${Math.round(box.right)} of ${width}: ${element.textContent.trim().slice(0, 60)}`);
    }
  }
  for (const row of document.querySelectorAll('tbody tr')) {
    const style = getComputedStyle(row);
    if (style.display !== 'table-row') faults.push(`a row is ${style.display}`);
    if (style.breakInside !== 'avoid') faults.push(`a row may be cut: ${style.breakInside}`);
  }
  for (const head of document.querySelectorAll('thead')) {
    if (getComputedStyle(head).display !== 'table-header-group') faults.push('the head of a table is not repeated');
  }
  if (getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)') faults.push('the paper is not white');
  return faults.slice(0, 10);
}

// Coverage stands before the grade and everything that follows from it.
function order() {
  const banner = document.querySelector('main .banner');
  const grade = document.querySelector('main .grade');
  if (!banner || !grade) return ['there is no coverage or no grade'];
  const first = banner.compareDocumentPosition(grade) & Node.DOCUMENT_POSITION_FOLLOWING;
  return first && document.querySelector('main').firstElementChild === banner ? [] : ['a conclusion stands before the coverage'];
}

async function print(browser, name, file) {
  for (const { name: format, width, height } of PAPERS) {
    for (const scheme of SCHEMES) {
      const { page, close } = await open(browser, file, { width, height }, scheme);
      await page.emulateMedia({ media: 'print', colorScheme: scheme });
      test(`${name}, ${format}, ${scheme}: prints well`, await page.evaluate(paper, width));
      if (scheme === 'light') {
        const pdf = await page.pdf({ path: join(SHOTS, `${name}-${format}.pdf`), format, preferCSSPageSize: false });
        const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0;
        const most = name.endsWith('executive') && name.startsWith('contoso') ? 2 : 1000;
        test(`${name}, ${format}: has its pages`, pages >= 1 && pages <= most ? [] : [`${pages} pages`]);
      }
      await close();
    }
  }
}

// few: one view of each width; what the pages of a kind share was seen on others.
async function look(browser, name, file, wanted, few) {
  if (!existsSync(file)) {
    test(`${name}: there is a report`, [`no ${file}`]);
    return;
  }
  const technical = name.endsWith('technical');
  for (const size of few ? [SIZES[0], SIZES.at(-1)] : SIZES) {
    for (const scheme of few ? [size.name === 'narrow' ? 'dark' : 'light'] : size.name === 'middle' ? ['light'] : SCHEMES) {
      const view = `${name}, ${size.name}, ${scheme}`;
      const { page, did, close } = await open(browser, file, size, scheme);
      const tall = await page.evaluate(() => document.documentElement.scrollHeight) > 16000;
      await page.screenshot({ path: join(SHOTS, `${name}-${size.name}-${scheme}.png`), fullPage: !tall });
      test(`${view}: does not scroll sideways`, await page.evaluate(sideways));
      test(`${view}: no word is torn`, await page.evaluate(torn));
      if (technical) {
        await page.locator('main figure').first().screenshot({ path: join(SHOTS, `${name}-${size.name}-${scheme}-picture.png`) });
        test(`${view}: the picture is there and can be read`, await page.evaluate(picture, SMALLEST_LETTER));
        test(`${view}: nothing in the picture collides`, await page.evaluate(collisions));
      }
      test(`${view}: what it is based on comes first`, await page.evaluate(order));
      test(`${view}: the ground is ${scheme}`, await page.evaluate(ground, scheme));
      test(`${view}: says what matters`, await missing(page, wanted));
      test(`${view}: only its own markup`, await page.evaluate(foreign));
      if (!few || size.name === 'wide') test(`${view}: nobody is shut out (axe)`, await accessibility(page));
      test(`${view}: the console is silent`, did.console);
      test(`${view}: asks the network for nothing`, did.requests);
      test(`${view}: no dialog`, did.dialogs);
      await close();
    }
  }
  await print(browser, name, file);
}

// Each check must see its fault on a page that has it.
async function controls(browser, folder) {
  const small = SIZES.at(-1);
  const page = (body) => `<!doctype html><html lang="en"><title>x</title><body style="background:#fff">${body}`;
  const cases = [
    ['a wide element', '<main><div style="width:800px">x</div></main>', async (p) => p.evaluate(sideways)],
    ['an element that is cut off', '<main style="overflow-x:hidden"><div style="width:800px">x</div></main>',
      async (p) => p.evaluate(sideways)],
    ['a torn word', '<main><p style="width:40px;overflow-wrap:anywhere">10.20.0.40 is torn</p></main>', async (p) => p.evaluate(torn)],
    ['no picture', '<main></main>', async (p) => p.evaluate(picture, SMALLEST_LETTER)],
    ['tiny letters', '<main><div class="scroll"><svg viewBox="0 0 2000 900"><text y="20">tiny</text></svg></div></main>',
      async (p) => (await p.evaluate(picture, SMALLEST_LETTER)).filter((f) => f.startsWith('letters'))],
    ['texts over each other', '<main><div class="scroll"><svg viewBox="0 0 300 300"><text x="5" y="20">one</text><text x="9" y="20">two</text></svg></div></main>',
      async (p) => p.evaluate(collisions)],
    ['a white page at night', '<main></main>', async (p) => p.evaluate(ground, 'dark')],
    ['grey on grey', '<main><p style="color:#aaa;background:#bbb">hard to read</p></main>', async (p) => accessibility(p)],
    ['a missing word', '<main>fine</main>', async (p) => missing(p, TEXTS)],
    ['an image', '<main><img alt="" src="data:,"></main>', async (p) => p.evaluate(foreign)],
    ['a handler', '<main><p onclick="x()">x</p></main>', async (p) => p.evaluate(foreign)],
    ['a message in the console', '<script>console.warn("x")</script>', async (_, did) => did.console],
    ['a request', '<img alt="" src="http://127.0.0.1:9/x.png">', async (_, did) => did.requests],
    ['a dialog', '<script>alert(1)</script>', async (_, did) => did.dialogs],
    ['a grade before the coverage', '<main><div class="grade">A</div><div class="banner">x</div></main>', async (p) => p.evaluate(order)],
    ['a row that may be cut', '<main><table><tbody><tr><td>x</td></tr></tbody></table></main>', async (p) => p.evaluate(paper, 700)],
    ['what is wider than the paper', '<main><div style="width:900px">x</div></main>', async (p) => p.evaluate(paper, 700)],
  ];
  for (const [name, body, check] of cases) {
    const file = join(folder, 'control.html');
    writeFileSync(file, page(body));
    const opened = await open(browser, file, small, 'light');
    const faults = await check(opened.page, opened.did);
    test(`control: ${name} is noticed`, faults.length ? [] : ['not noticed']);
    await opened.close();
  }
}

async function main([pages]) {
  if (!pages) throw new Error('usage: node browser.mjs FOLDER');
  const folder = mkdtempSync(join(tmpdir(), 'browser-'));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS,
  });
  try {
    await controls(browser, folder);
    for (const kind of KINDS) {
      const technical = kind === 'technical';
      await look(browser, `contoso-${kind}`, join(pages, `contoso-${kind}.html`), technical ? [...TEXTS, 'would break'] : TEXTS, false);
      await look(browser, `hostile-${kind}`, join(pages, `hostile-${kind}.html`), technical ? [...TEXTS, ...MARKUP] : [...TEXTS, MARKUP[0]], true);
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed, 0 skipped`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
