"""How a page looks and the little that it does: one style sheet, one script."""

from __future__ import annotations

SHADES = 10
"""In how many steps a cell of a matrix is shaded, `shade-1` to `shade-10`."""

_SHADED = "\n".join(
    f".shade-{step} {{ background: color-mix(in srgb, var(--shade) {100 * step // SHADES}%, "
    "var(--paper)); }"
    for step in range(1, SHADES + 1)
)

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --soft: #5a6068; --line: #d9dde2;
  --card: #f5f7f9; --accent: #0b5fa5; --shade: #7fb2e5; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e8eaed; --soft: #a7afb8;
  --line: #363c43; --card: #1e2327; --accent: #7ab8f0; --shade: #1f5f9f; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .75rem; padding-top: .5rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; overflow-wrap: anywhere; }
.shaded { forced-color-adjust: none; }
p { margin: .5rem 0; max-width: 48rem; overflow-wrap: anywhere; }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; padding: 0; margin: 1rem 0 0;
  list-style: none; }
.soft { color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem;
  margin: 1.25rem 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .7rem .9rem; }
.facts dt { color: var(--soft); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
figure { margin: 1rem 0; }
figure .paper { display: block; background: #fff; border: 1px solid var(--line);
  border-radius: .6rem; padding: .5rem; overflow-x: auto; }
figure img, figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figure .wide img { max-width: max(100%, 46rem); }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .35rem; }
.scroll { overflow-x: auto; margin: .75rem 0; border: 1px solid var(--line);
  border-radius: .6rem; }
.scroll.tall { max-height: 34rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; padding: .5rem .7rem; color: var(--soft); }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
td { max-width: 34rem; overflow: hidden; text-overflow: ellipsis; }
tbody tr:last-child td { border-bottom: 0; }
thead th { background: var(--card); position: sticky; top: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.wrap td { white-space: normal; overflow-wrap: anywhere; }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th button::after { content: " \\2195"; color: var(--soft); }
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
.note { color: var(--soft); font-size: .9rem; }
.named th:first-child, .named td:first-child { position: sticky; left: 0; z-index: 1;
  background: var(--paper); max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
.named thead th:first-child { background: var(--card); z-index: 2; }
.matrix table { width: auto; margin: 0 auto; }
.matrix th, .matrix td { text-align: center; padding: .3rem .45rem; font-weight: 400;
  font-variant-numeric: tabular-nums; }
.matrix thead th { writing-mode: vertical-rl; max-height: 12rem; vertical-align: bottom;
  overflow: hidden; }
.matrix thead th:first-child { writing-mode: horizontal-tb; vertical-align: middle; }
.matrix th button::after { content: none; }
.matrix th[aria-sort] button::after { content: " \\2193"; }
.matrix th[aria-sort="ascending"] button::after { content: " \\2191"; }
.matrix tbody th { text-align: left; max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
.orders button { font: inherit; font-size: .9rem; color: var(--ink); background: var(--card);
  border: 1px solid var(--line); border-radius: .4rem; padding: .25rem .6rem; cursor: pointer; }
.orders button[aria-pressed="true"] { border-color: var(--accent); color: var(--accent); }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--accent); }
footer { color: var(--soft); font-size: .85rem; padding-top: 2rem; padding-bottom: 3rem; }
@media print { :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #f5f5f5; }
  nav, .orders { display: none; } h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; } th button::after { content: none; }
  th, td { white-space: normal; padding: .2rem .35rem; font-size: .75rem; }
  .named th:first-child, .named td:first-child, thead th { position: static; }
  .shaded { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll, .scroll.tall { overflow: visible; max-height: none; border: 0; }
  figure .wide img { max-width: 100%; }
  details::details-content { content-visibility: visible; } }
"""

STYLE += _SHADED + "\n"

# Tables marked as sortable get buttons in their headers; without the script they are plain tables.
SCRIPT = """
'use strict';
const value = cell => {
  const text = cell.textContent.trim();
  const number = Number(text.replace(/[,%\\s]/g, ''));
  return text === '' ? [2, ''] : Number.isNaN(number) ? [1, text] : [0, number];
};
const compare = (a, b) => a[0] - b[0] || (a[0] === 0 ? a[1] - b[1] : a[1].localeCompare(b[1]));
for (const table of document.querySelectorAll('.sortable table')) {
  const heads = [...table.querySelectorAll('thead th')];
  heads.forEach(head => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const body = table.tBodies[0];
      const rows = [...body.rows].map(row => [value(row.cells[head.cellIndex]), row]);
      rows.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]));
      body.append(...rows.map(pair => pair[1]));
    });
  });
}
// The orders of a confusion matrix: rows and columns move together, so that right stays diagonal.
for (const orders of document.querySelectorAll('.orders')) {
  const table = orders.parentElement.querySelector('.matrix table');
  const head = [...table.tHead.rows[0].cells].slice(1);
  const body = [...table.tBodies[0].rows].map(row => [row, [...row.cells].slice(1)]);
  orders.hidden = false;
  for (const button of orders.querySelectorAll('button')) {
    button.addEventListener('click', () => {
      const order = button.dataset.order.split(' ');
      table.tHead.rows[0].append(...order.map(place => head[place]));
      for (const [row, cells] of body) row.append(...order.map(place => cells[place]));
      table.tBodies[0].append(...order.map(place => body[place][0]));
      for (const cell of table.tHead.rows[0].cells) cell.removeAttribute('aria-sort');
      for (const other of orders.querySelectorAll('button'))
        other.setAttribute('aria-pressed', other === button);
    });
  }
}
"""
