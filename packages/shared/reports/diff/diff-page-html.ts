/**
 * A comparison of two runs as one HTML page that loads nothing: no script, no font, no picture. It follows the light or
 * dark mode of the screen, and is light on paper.
 */

import {
  CONDITIONS,
  type Condition,
  conditionLabel,
  SEVERITIES,
  SEVERITY_LABELS,
  TASKS,
  STAGE_NAMES,
} from '../../domain/index.ts';
import {
  type ConditionChanges,
  type GradeMove,
  METRIC_FIGURES,
  type MetricDifference,
  type PointMove,
  type SliceMove,
} from '../../evaluation/index.ts';
import { PART_NAMES, TASK_NAMES } from '../evaluation-names.ts';
import { forestPlot, moveHistogram } from './charts.ts';
import { html, Markup, type MarkupValue, NOTHING } from './markup.ts';
import { DIFF_PAGE_STYLE } from './page-style.ts';
import { type RunsDiff, targetLabel, verdictOf } from './run-diff.ts';

/**
 * @param diff with all targets that changed grade and should be listed.
 * @param top largest number of targets in each of the other lists.
 */
export function diffPage(diff: RunsDiff, top: number): string {
  const { a, b, grades, metric } = diff;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${a.run} and ${b.run}</title>
<style>${new Markup(DIFF_PAGE_STYLE)}</style>
</head>
<body>
<main>
${notices(diff)}
${header(diff)}
${metric ? metricSection(metric) : NOTHING}
${gradesSection(diff)}
${movesSection(diff, top)}
${placesSection(diff, top)}
${changedSection(grades.changed, grades.changedTargets)}
</main>
<footer>${notices(diff)}<p>Made by <code>spineline diff</code>. How each figure is counted: docs/evaluation.md, “Two runs”.</p></footer>
</body>
</html>
`;
  return page.text;
}

function notices({ notices: texts }: RunsDiff): Markup {
  return html`${texts.map((notice) => html`<p class="notice" role="note">${notice}</p>`)}`;
}

function header({ a, b, studies, bundlesDiffer, datasetsDiffer, grades }: RunsDiff): Markup {
  const pin = ({ name, version, digest }: RunsDiff['a']['bundles']['stage1']) =>
    html`${name}@${version} <code>${digest.slice(0, 12)}</code>`;
  const mark = (differs: boolean) => (differs ? html`<strong class="differs">differs</strong>` : html`same`);
  return html`<h1>${a.run} <span class="faint">and</span> ${b.run}</h1>
<p class="lead"><strong>${number(grades.changedTargets)}</strong> of ${number(grades.targets)} targets changed their most
probable grade, in ${number(grades.changedStudies)} of ${number(studies.compared)} compared studies. Differences are B - A.</p>
${table(
  ['', html`A <span class="faint">${a.run}</span>`, html`B <span class="faint">${b.run}</span>`, ''],
  [
    ...STAGE_NAMES.map((stage) => [
      html`bundle of ${stage}`,
      pin(a.bundles[stage]),
      pin(b.bundles[stage]),
      mark(bundlesDiffer.includes(stage)),
    ]),
    [
      'dataset',
      html`<code>${a.dataset.slice(0, 12)}</code>`,
      html`<code>${b.dataset.slice(0, 12)}</code>`,
      mark(datasetsDiffer),
    ],
    ['created', a.created, b.created, ''],
    [
      'studies scored',
      `${number(a.scored)} of ${number(a.studies)}`,
      `${number(b.scored)} of ${number(b.studies)}`,
      '',
    ],
    ['scored only by this run, not compared', number(studies.onlyA), number(studies.onlyB), ''],
  ],
)}`;
}

function metricSection(metric: MetricDifference): Markup {
  const { a, b, difference, resamples } = metric;
  const { rows, studies, studiesNotLabelled, studiesNotPredicted, blankLabels } = a.counts;
  const over = (figure: (typeof METRIC_FIGURES)[number]) =>
    figure === 'score'
      ? `${number(studies)} studies`
      : `${number(rows[figure])} ${figure === 'anySevereSpinal' ? 'studies' : 'targets'}`;
  return html`<section>
<h2>Score</h2>
<p>The challenge’s weighted log loss; lower is better. ${verdictOf(metric)}</p>
${table(
  ['part', 'A', 'B', 'B - A', 'over'],
  METRIC_FIGURES.map((figure) => [
    PART_NAMES[figure],
    fixed(a[figure], 4),
    fixed(b[figure], 4),
    signed(difference[figure], 4),
    over(figure),
  ]),
)}
<figure>${forestPlot(metric)}
<figcaption>B - A with 95 % percentile intervals of a paired bootstrap: ${number(resamples)} resamples of the studies, the
same for both runs. If an interval contains 0, these studies do not show which run is better. The intervals are not corrected
for multiple comparisons.</figcaption></figure>
<p class="faint">Left out: ${number(studiesNotLabelled)} compared studies without labels, ${number(studiesNotPredicted)} labelled
studies that were not scored by both, ${number(blankLabels)} blank labels.</p>
</section>`;
}

function gradesSection({ grades }: RunsDiff): Markup {
  return html`<section>
<h2>Grades</h2>
<p>Most probable grade in A (row) and in B (column): number of targets and share of the row. The shading shows the share.
<span class="key more">more severe in B</span> <span class="key less">less severe in B</span></p>
<div class="transitions">${CONDITIONS.map((condition) => transitionTable(condition, grades.conditions[condition]))}</div>
</section>`;
}

function transitionTable(condition: Condition, changes: ConditionChanges): Markup {
  const { transitions, targets, moreSevere, lessSevere, meanMove, largestMove } = changes;
  const cell = (a: number, b: number) => {
    const all = transitions[a]!.reduce((sum, count) => sum + count, 0);
    const count = transitions[a]![b]!;
    // The square root makes small shares visible.
    const shade = all === 0 ? 0 : Math.round(100 * Math.sqrt(count / all));
    const side = a === b ? 'kept' : b > a ? 'more' : 'less';
    return html`<td class="${side}" style="--shade:${shade}%">${number(count)}<small>${percent(count, all)}</small></td>`;
  };
  return html`<table class="transition">
<caption>${conditionLabel(condition)}<small>${number(moreSevere + lessSevere)} of ${number(targets)} changed: ${number(moreSevere)}
more severe, ${number(lessSevere)} less. Move: mean ${fixed(meanMove, 4)}, largest ${fixed(largestMove, 4)}.</small></caption>
<thead><tr><th scope="col">A ↓ B →</th>${SEVERITIES.map((severity) => html`<th scope="col">${SEVERITY_LABELS[severity]}</th>`)}</tr></thead>
<tbody>
${SEVERITIES.map(
  (severity, a) =>
    html`<tr><th scope="row">${SEVERITY_LABELS[severity]}</th>${SEVERITIES.map((_, b) => cell(a, b))}</tr>`,
)}
</tbody>
</table>`;
}

function movesSection({ grades }: RunsDiff, top: number): Markup {
  return html`<section>
<h2>Moves</h2>
<figure>${moveHistogram(grades.moves)}
<figcaption>${number(grades.targets)} targets by the size of their move.</figcaption></figure>
${list('Largest moves, whether the grade changed or not', moveTable(grades.largest.slice(0, top)))}
</section>`;
}

function placesSection({ places }: RunsDiff, top: number): Markup {
  const { tasks, largestSliceMoves, largestPointMoves } = places;
  return html`<section>
<h2>Slices</h2>
<p>Stage 1: distance between the slices of A and B; number of targets. For SCS and NFN the sagittal slice, for SS the axial
slice.</p>
${table(
  ['task', 'same', 'off by 1', 'off by 2', '3 or more', 'other series', 'not listed', 'only A', 'only B', 'neither'],
  TASKS.map((task) => {
    const { same, movedBy1, movedBy2, movedBy3OrMore, otherSeries, notListed, onlyA, onlyB, neither } =
      tasks[task].slices;
    const counts = [same, movedBy1, movedBy2, movedBy3OrMore, otherSeries, notListed, onlyA, onlyB, neither];
    return [TASK_NAMES[task], ...counts.map(number)];
  }),
)}
${list('Slices furthest apart', sliceTable(largestSliceMoves.slice(0, top)))}
</section>
<section>
<h2>Points</h2>
<p>Stage 2: distance between the points of A and B, in px of a 512 x 512 slice, where both runs chose the same slice.</p>
${table(
  ['task', 'compared', 'unmoved', 'median', 'mean', '95th percentile', 'not compared: in another slice'],
  TASKS.map((task) => {
    const { compared, unmoved, otherSlice, pixels } = tasks[task].points;
    const { median, mean, p95 } = pixels.in512 ?? {};
    const spread = [median, mean, p95].map((value) => fixed(value, 2));
    return [TASK_NAMES[task], number(compared), number(unmoved), ...spread, number(otherSlice)];
  }),
)}
${list('Points furthest apart', pointTable(largestPointMoves.slice(0, top)))}
</section>`;
}

function changedSection(changed: readonly GradeMove[], all: number): Markup {
  const which =
    changed.length === all
      ? 'All of them, largest move first.'
      : `The ${number(changed.length)} with the largest moves.`;
  return html`<section>
<h2>Targets that changed grade</h2>
${all === 0 ? html`<p>None.</p>` : html`<p>${number(all)} targets. ${which}</p>${moveTable(changed)}`}
</section>`;
}

function list(title: string, rows: Markup): Markup {
  return rows === NOTHING ? NOTHING : html`<h3>${title}</h3>${rows}`;
}

function moveTable(moves: readonly GradeMove[]): Markup {
  if (moves.length === 0) return NOTHING;
  const probabilities = (values: GradeMove['a']) => values.map((value) => value.toFixed(3)).join(' ');
  return table(
    ['study', 'target', 'A', 'B', 'move', 'A normal, moderate, severe', 'B normal, moderate, severe'],
    moves.map(({ study, target, a, b, gradeA, gradeB, move }) => {
      const side = gradeA === gradeB ? '' : SEVERITIES.indexOf(gradeB) > SEVERITIES.indexOf(gradeA) ? 'more' : 'less';
      const gradeOfB = html`<span class="key ${side}">${SEVERITY_LABELS[gradeB]}</span>`;
      const numbers = [move.toFixed(3), probabilities(a), probabilities(b)];
      return [study, targetLabel(target), SEVERITY_LABELS[gradeA], gradeOfB, ...numbers];
    }),
  );
}

function sliceTable(moves: readonly SliceMove[]): Markup {
  if (moves.length === 0) return NOTHING;
  return table(
    ['study', 'target', 'A series/instance', 'B series/instance', 'slices'],
    moves.map(({ study, target, a, b, slices }) => {
      const off = slices === undefined ? (a.series === b.series ? 'not listed' : 'other series') : String(slices);
      return [study, targetLabel(target), `${a.series}/${a.instance}`, `${b.series}/${b.instance}`, off];
    }),
  );
}

function pointTable(moves: readonly PointMove[]): Markup {
  if (moves.length === 0) return NOTHING;
  const point = ({ x, y }: { x: number; y: number }) => `${x.toFixed(1)}, ${y.toFixed(1)}`;
  return table(
    ['study', 'target', 'series/instance', 'A x, y', 'B x, y', 'px', 'px of 512 x 512'],
    moves.map(({ study, target, a, b, original, in512 }) => {
      const distances = [original.toFixed(1), in512.toFixed(1)];
      return [study, targetLabel(target), `${a.series}/${a.instance}`, point(a), point(b), ...distances];
    }),
  );
}

/** A table; columns of numbers are aligned right, as in the terminal. */
function table(head: readonly MarkupValue[], rows: readonly (readonly MarkupValue[])[]): Markup {
  const numeric = head.map((_, i) =>
    rows.every((row) => typeof row[i] === 'string' && /^[+-]?[\d.,]*$|^-$/.test(row[i])),
  );
  const kind = (i: number) => (numeric[i] ? html` class="number"` : NOTHING);
  return html`<div class="wide"><table>
<thead><tr>${head.map((title, i) => html`<th scope="col"${kind(i)}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map((cell, i) => html`<td${kind(i)}>${cell}</td>`)}</tr>`)}
</tbody>
</table></div>`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function fixed(value: number | undefined, digits: number): string {
  return value?.toFixed(digits) ?? '-';
}

function signed(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : `${value > 0 ? '+' : ''}${value.toFixed(digits)}`;
}

function percent(part: number, of: number): string {
  return of > 0 ? `${((100 * part) / of).toFixed(1)} %` : '-';
}
