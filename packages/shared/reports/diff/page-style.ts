/** The style sheet of the page that compares two runs. */

export const DIFF_PAGE_STYLE = `
:root {
  --paper: #fff; --ink: #1c2024; --faint: #5f6b76; --line: #d8dee4; --notice: #fff4d6; --notice-line: #c98a00;
  --more: #d9480f; --less: #1971c2; --kept: #868e96; --bar: #4c6ef5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --ink: #e4e7ea; --faint: #9aa5b0; --line: #343a41; --notice: #3a2f10; --notice-line: #e0a526;
    --more: #ff922b; --less: #4dabf7; --kept: #868e96; --bar: #748ffc;
  }
}
* { box-sizing: border-box; print-color-adjust: exact; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main, footer { max-width: 72rem; margin: 0 auto; padding: 1.25rem 1.5rem; }
footer { border-top: 1px solid var(--line); color: var(--faint); font-size: 0.875rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 0.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 0.5rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
p { margin: 0.5rem 0; max-width: 48rem; }
.lead { font-size: 1.05rem; }
.faint, small, figcaption { color: var(--faint); }
.notice {
  max-width: none; padding: 0.75rem 1rem; color: var(--ink); background: var(--notice);
  border: 1px solid var(--notice-line); border-left-width: 6px; border-radius: 4px; font-weight: 600;
}
.wide { overflow-x: auto; }
.wide td { white-space: nowrap; }
table { border-collapse: collapse; margin: 0.5rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top; }
th { font-weight: 600; }
thead th { color: var(--faint); font-size: 0.875rem; border-bottom: 1px solid var(--line); }
tbody tr + tr td { border-top: 1px solid color-mix(in srgb, var(--line) 50%, transparent); }
.number { text-align: right; }
code { font: 0.875em ui-monospace, "DejaVu Sans Mono", monospace; }
.differs { color: var(--more); }
.transitions { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem 2rem; }
.transition { width: 100%; table-layout: fixed; border-collapse: separate; border-spacing: 2px; }
.transition caption { text-align: left; font-weight: 600; }
.transition caption small { display: block; min-height: 2.6em; font-weight: 400; line-height: 1.3; }
.transition th { padding: 0.25rem; border: 0; font-size: 0.75rem; font-weight: 400; color: var(--faint); }
.transition thead th { text-align: center; }
.transition th:first-child { width: 5.5rem; text-align: left; }
.transition td {
  padding: 0.35rem 0.25rem; border: 0; border-radius: 3px; text-align: center;
  background: color-mix(in srgb, var(--tint) calc(var(--shade) * 0.7), color-mix(in srgb, var(--line) 25%, var(--paper)));
}
.transition td small { display: block; font-size: 0.75rem; color: inherit; }
.kept { --tint: var(--kept); }
.more { --tint: var(--more); }
.less { --tint: var(--less); }
.key { --tint: transparent; border-radius: 3px; padding: 0 0.4em; background: color-mix(in srgb, var(--tint) 25%, transparent); }
.key.more { --tint: var(--more); }
.key.less { --tint: var(--less); }
figure { margin: 1rem 0; }
figcaption { font-size: 0.875rem; max-width: 48rem; }
svg { display: block; width: 100%; max-width: 52rem; height: auto; font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
svg .note { fill: var(--faint); font-size: 11px; }
svg .number { font-size: 11px; font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-dasharray: 2 3; }
svg .zero { stroke: var(--faint); }
svg .bar { fill: var(--bar); }
svg .interval { fill: none; stroke-width: 2; }
svg .open { --tint: var(--faint); }
svg .a { --tint: var(--more); }
svg .b { --tint: var(--less); }
svg .interval { stroke: var(--tint); }
svg .point { fill: var(--tint); }
svg .score text { font-weight: 600; }
@media print {
  :root {
    --paper: #fff; --ink: #000; --faint: #444; --line: #bbb; --notice: #fff4d6; --notice-line: #c98a00;
    --more: #d9480f; --less: #1971c2; --kept: #868e96; --bar: #4c6ef5;
  }
  body { font-size: 10pt; }
  section { break-inside: auto; }
  figure, .transition, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; }
  .wide td { white-space: normal; }
}
`;
