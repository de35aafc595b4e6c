/**
 * The charts of the page that compares two runs, as inline SVG: a forest plot of differences and a histogram of moves.
 */

import { METRIC_FIGURES, type MetricDifference, MOVE_EDGES } from '../../evaluation/index.ts';
import { PART_NAMES } from '../evaluation-names.ts';
import { html, type Markup, NOTHING } from './markup.ts';

/** Width in units of the drawing, which the page scales to its own width. */
const WIDTH = 720;

const FOREST = { left: 150, right: 190, row: 30, top: 34, bottom: 30 };

/**
 * The differences B - A with their intervals, one row per part of the metric. Left of 0, B is better.
 *
 * Parts without a difference have no row.
 */
export function forestPlot({ difference, interval }: MetricDifference): Markup {
  const rows = METRIC_FIGURES.filter((figure) => difference[figure] !== undefined);
  const values = rows.flatMap((figure) => [difference[figure]!, ...(interval[figure] ?? [])]);
  const ticks = ticksOver(Math.min(0, ...values), Math.max(0, ...values));
  const [low, high] = [ticks[0]!, ticks.at(-1)!];
  const x = (value: number) =>
    round(FOREST.left + ((value - low) / (high - low)) * (WIDTH - FOREST.left - FOREST.right));
  const bottom = FOREST.top + rows.length * FOREST.row;
  const digits = digitsOf(ticks[1]! - ticks[0]!);
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + FOREST.bottom}" role="img" aria-label="Difference of the metric, B - A, with 95 % intervals">
<text class="note" x="${round(x(0) - 8)}" y="16" text-anchor="end">${low < 0 ? '← B better' : ''}</text>
<text class="note" x="${round(x(0) + 8)}" y="16">${high > 0 ? 'A better →' : ''}</text>
${ticks.map(
  (tick) => html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${FOREST.top - 8}" y2="${bottom}"/>
<text class="note" x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tick.toFixed(digits)}</text>`,
)}
<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="${FOREST.top - 8}" y2="${bottom}"/>
${rows.map((figure, i) => {
  const y = FOREST.top + (i + 0.5) * FOREST.row;
  const ends = interval[figure];
  const side = !ends || (ends[0] <= 0 && ends[1] >= 0) ? 'open' : ends[1] < 0 ? 'b' : 'a';
  const numbers = ends
    ? `${signed(difference[figure]!)}  [${signed(ends[0])}, ${signed(ends[1])}]`
    : signed(difference[figure]!);
  return html`<g class="${side}${figure === 'score' ? ' score' : ''}">
<text x="${FOREST.left - 14}" y="${y + 4}" text-anchor="end">${PART_NAMES[figure]}</text>
${ends ? html`<path class="interval" d="M${x(ends[0])} ${y}H${x(ends[1])}M${x(ends[0])} ${y - 5}v10M${x(ends[1])} ${y - 5}v10"/>` : NOTHING}
<path class="point" d="M${round(x(difference[figure]!) - 5)} ${y}l5 -5l5 5l-5 5z"/>
<text class="number" x="${WIDTH}" y="${y + 4}" text-anchor="end">${numbers}</text>
</g>`;
})}
</svg>`;
}

const HISTOGRAM = { height: 150, top: 22, bottom: 42 };

/** Number of targets by the size of their move, one bar per bin of `MOVE_EDGES`. */
export function moveHistogram(moves: readonly number[]): Markup {
  const most = Math.max(1, ...moves);
  const step = WIDTH / moves.length;
  const base = HISTOGRAM.top + HISTOGRAM.height;
  return html`<svg viewBox="0 0 ${WIDTH} ${base + HISTOGRAM.bottom}" role="img" aria-label="Number of targets by the size of their move">
<line class="zero" x1="0" x2="${WIDTH}" y1="${base}" y2="${base}"/>
${moves.map((count, i) => {
  // A bin that is not empty gets a visible bar.
  const height = count === 0 ? 0 : Math.max(1.5, (count / most) * HISTOGRAM.height);
  const middle = round((i + 0.5) * step);
  const label = i === 0 ? 'none' : `≤ ${MOVE_EDGES[i]}`;
  return html`<g><rect class="bar" x="${round(i * step + step * 0.12)}" y="${round(base - height)}" width="${round(step * 0.76)}" height="${round(height)}"/>
<text class="number" x="${middle}" y="${round(base - height - 6)}" text-anchor="middle">${count.toLocaleString('en')}</text>
<text class="note" x="${middle}" y="${base + 16}" text-anchor="middle">${label}</text></g>`;
})}
<text class="note" x="${WIDTH / 2}" y="${base + 36}" text-anchor="middle">move: largest change among the three probabilities of a target (upper limit of each bar)</text>
</svg>`;
}

/** Three to eight tick values that cover a range: multiples of 1, 2 or 5 times a power of ten, including 0. */
function ticksOver(low: number, high: number): number[] {
  const range = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(range / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => range / candidate <= 6)!;
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  const shown = first === last ? [first - 1, first, first + 1] : wholeNumbers(first, last);
  return shown.map((place) => place * step);
}

function wholeNumbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Number of decimals needed to distinguish ticks of this step. */
function digitsOf(step: number): number {
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${value.toFixed(4)}`;
}

/** Rounds coordinates to hundredths, which is enough for any screen. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
