"""The style sheet of the HTML page: light and dark, no fonts or images from anywhere.

Text has a contrast of at least 4.5 to its background in both modes, bars of at least 3 to their track.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --card: #ffffff; --line: #dce2e8; --text: #17212b; --muted: #55626f;
  --accent: #1a56c4; --families: #2563d9; --duplicates: #b96d0a; --track: #e9edf1; --quiet: #7c8996;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1418; --card: #182027; --line: #2b3640; --text: #e8edf2; --muted: #9fadba;
    --accent: #86b4ff; --families: #5b97ff; --duplicates: #e0a040; --track: #26313b; --quiet: #7f8d9a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: anywhere; -webkit-text-size-adjust: 100%;
}
main, header, footer { max-width: 70rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; }
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: clamp(1.6rem, 1.1rem + 2.4vw, 2.4rem); letter-spacing: -.02em; }
h2 { font-size: 1.3rem; letter-spacing: -.01em; margin: 2.75rem 0 .35rem; }
h3 { font-size: 1.05rem; font-weight: 650; }
p, ol, ul, dl, dd { margin: 0; padding: 0; }
ol, ul { list-style: none; }
a { color: inherit; text-decoration-color: var(--quiet); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a:hover { color: var(--accent); text-decoration-color: currentColor; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
code {
  font: .8rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; color: var(--muted);
  user-select: all; -webkit-user-select: all; cursor: copy; background: var(--track);
  border-radius: .3rem; padding: .08rem .35rem; overflow-wrap: anywhere;
}
time, td, dd { font-variant-numeric: tabular-nums; }
time { white-space: nowrap; }
.kicker {
  color: var(--accent); font-size: .8rem; font-weight: 700; letter-spacing: .09em; text-transform: uppercase;
  margin-bottom: .3rem;
}
.note { color: var(--muted); font-size: .9rem; }
.empty {
  background: var(--card); border: 1px dashed var(--quiet); border-radius: .9rem; padding: 2rem 1.25rem;
  margin-top: 1.5rem; text-align: center; font-size: 1.1rem;
}
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin-top: 1.5rem;
}
.figures div {
  display: flex; flex-direction: column-reverse; justify-content: flex-end; background: var(--card);
  border: 1px solid var(--line); border-radius: .9rem; padding: .8rem 1rem;
}
.figures dt { color: var(--muted); font-size: .85rem; }
.figures dd { font-size: 1.75rem; font-weight: 680; letter-spacing: -.02em; line-height: 1.2; }
.happened { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .9rem; }
.happened li {
  border: 1px solid var(--line); background: var(--card); border-radius: 99rem; padding: .15rem .8rem; font-size: .9rem;
}
.cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1rem; margin-top: 1rem;
}
.card, .storyline, .change {
  background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 1.1rem 1.2rem;
}
.card { display: flex; flex-direction: column; gap: .65rem; }
.card .ids { margin-top: auto; }
.bar { display: block; width: 100%; height: .6rem; border-radius: .3rem; background: var(--track); overflow: hidden; }
.bar .families, .legend .families { fill: var(--families); background: var(--families); }
.bar .duplicates, .legend .duplicates { fill: var(--duplicates); background: var(--duplicates); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin-top: .35rem; }
.legend .swatch { display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem; margin-right: .4rem; }
.facts { display: grid; grid-template-columns: repeat(3, 1fr); gap: .35rem .75rem; }
.facts div { display: flex; flex-direction: column-reverse; }
.facts dt { color: var(--muted); font-size: .78rem; }
.facts dd { font-weight: 650; line-height: 1.3; }
.ids {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .9rem; color: var(--muted); font-size: .78rem;
}
.storylines { display: grid; gap: 1rem; margin-top: 1rem; }
.storyline h3 { margin-bottom: .3rem; }
.storyline ol { margin-top: 1rem; }
.storyline ol li {
  position: relative; padding: 0 0 1rem 1.5rem; border-left: 2px solid var(--line); margin-left: .4rem;
}
.storyline ol li:last-child { padding-bottom: 0; border-left-color: transparent; }
.storyline ol li::before {
  content: ""; position: absolute; left: calc(-.4rem - 1px); top: .4rem; width: .8rem; height: .8rem;
  border-radius: 50%; background: var(--card); border: 2px solid var(--quiet);
}
.storyline ol li.changed::before { background: var(--families); border-color: var(--families); }
.storyline .title { font-weight: 600; }
.span {
  display: block; width: 100%; height: .4rem; background: var(--track); border-radius: .2rem; margin: .4rem 0 .35rem;
}
.span rect { fill: var(--quiet); }
.changed .span rect { fill: var(--families); }
.badge {
  display: inline-block; color: var(--accent); border: 1px solid currentColor; border-radius: 99rem; font-size: .72rem;
  font-weight: 650; padding: 0 .5rem; vertical-align: .1em; white-space: nowrap;
}
.changes { display: grid; gap: 1rem; margin-top: 1rem; }
table { width: 100%; border-collapse: collapse; margin-top: .5rem; }
th { text-align: left; color: var(--muted); font-size: .78rem; font-weight: 600; padding: .3rem .75rem .3rem 0; }
td { border-top: 1px solid var(--line); padding: .55rem .75rem .55rem 0; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; width: 5rem; }
.when { text-align: right; white-space: nowrap; width: 9rem; }
td .ids { margin-top: .2rem; }
td.when { color: var(--muted); font-size: .85rem; }
footer { color: var(--muted); font-size: .85rem; padding-top: 2.5rem; padding-bottom: 2.5rem; }
@media (max-width: 34rem) {
  main, header, footer { padding-left: .9rem; padding-right: .9rem; }
  header { padding-top: 1.4rem; }
  .figures { grid-template-columns: repeat(3, 1fr); gap: .5rem; }
  .figures div { padding: .6rem .7rem; }
  .figures dd { font-size: 1.3rem; }
  .figures dt { font-size: .78rem; }
  .card, .storyline, .change { padding: .9rem; }
  th, td { padding-right: .5rem; }
  .number { width: 3.5rem; }
  .when, .when time { white-space: normal; width: 4.7rem; }
}
@media print {
  :root { --page: #fff; --track: #e9edf1; }
  .card, .storyline, .figures div, tr { break-inside: avoid; }
}
"""

STYLE_SOURCE: Final = "'sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode() + "'"
"""The style sheet as a source of a content security policy: no other style applies to the page."""
