/** The lineage of a study's result as text. */

import {
  FLAG_MEANINGS,
  type Flag,
  SERIES_DESCRIPTIONS,
  SEVERITY_LABELS,
  STAGE_NAMES,
  STAGES,
  STEP_NAMES,
  stepLabel,
  counted,
  gradeOf,
} from '@spineline/shared/domain';
import type { Kept, StepLineage, StudyLineage } from '@spineline/shared/lineage';
import type { RunRecord, StudyResult, TargetResult } from '@spineline/shared/runs';
import { digestOf } from '@spineline/shared/store';
import { messageLines } from './failure-text.ts';
import { out, table } from './style.ts';

export function printLineage(lineage: StudyLineage): void {
  const { run, study, state, result, failure } = lineage;
  console.log(`${out.strong(`study ${study}`)}  ${stateInWords(lineage)}`);
  console.log(`run ${run.run}, created ${time(run.created)}, priority ${run.priority}`);
  if (run.from) console.log(`  starts from the outputs of run ${run.from.run}: studies enter at ${run.from.stage}`);
  printBundles(run);
  if (failure) {
    const { stage, code, kind, attempts } = failure;
    console.log(`\n${out.bad(code)}  ${out.faint(`${stage}, ${kind}, attempts: ${attempts}`)}`);
    for (const line of messageLines(failure)) console.log(`  ${line}`);
  }
  if (state === 'pending') {
    console.log(`\nneither scored nor failed yet; to see how far the run is: spineline status ${run.run}`);
  }
  if (lineage.steps) for (const step of STEP_NAMES) printStep(stepLabel(step), lineage.steps[step], run);
  printInput(lineage);
  if (result) {
    printChoice(result);
    printFlags(result.flags);
    printTargets(result);
  }
  if (failure?.views) printRejected(failure.views.rejected);
  if (run.notice) console.log(`\n${out.warn(run.notice)}`);
}

function stateInWords({ state, result, failure }: StudyLineage): string {
  if (result) return `${out.good('scored')} ${time(result.finished)}`;
  if (failure) return `${out.bad('failed')} ${time(failure.failed)}`;
  return out.warn(state);
}

function printBundles({ bundles }: RunRecord): void {
  const rows = STAGE_NAMES.map((stage) => {
    const { name, version, digest } = bundles[stage];
    return [String(STAGES[stage].number), `${name}@${version}`, digest];
  });
  console.log(`\n${table(['stage', 'bundle, pinned when the run was made', 'digest'], rows)}`);
}

function printStep(name: string, step: StepLineage, run: RunRecord): void {
  const { stage, key, reused, seconds, finished, state, problem, provenance, objects } = step;
  const how = reused ? 'hit: found in the store' : 'computed';
  console.log(
    `\n${out.strong(name)}  ${how}, ${seconds.toFixed(2)} s, finished ${time(finished)}${keptInWords(state)}`,
  );
  console.log(`  stages/${stage}  key ${key}`);
  if (!provenance) {
    console.log(`  ${out.bad(problem ?? 'not in the store any more')}: what made it is unknown`);
    console.log(out.faint('  a new run over the dataset makes it again'));
    return;
  }
  const { made, created, worker, software } = provenance;
  const by = made.bundle
    ? `${made.bundle.name}@${made.bundle.version} ${made.bundle.digest.slice(0, 12)}`
    : `no model; crop windows and sizes of the stage-3 bundle, settings ${digestOf(made.settings ?? null).slice(0, 12)}`;
  console.log(`  made ${time(created)} by ${worker}, ${software}, contract ${made.contract}`);
  console.log(`  with ${by}${reused && made.bundle && !isPinned(made.bundle.digest, run) ? ' (of another run)' : ''}`);
  for (const { name: object, bytes, sha256, state: kept } of objects) {
    console.log(`  ${object.padEnd(20)} ${size(bytes).padStart(9)}  ${sha256}${keptInWords(kept)}`);
  }
}

function isPinned(digest: string, { bundles }: RunRecord): boolean {
  return Object.values(bundles).some((pin) => pin.digest === digest);
}

function keptInWords(state: Kept): string {
  if (state === 'whole') return '';
  return `  ${out.bad(state === 'gone' ? 'not in the store any more' : 'DAMAGED in the store')}`;
}

function printInput({ input, result, failure }: StudyLineage): void {
  console.log(`\n${out.strong('Input')}`);
  if ('missing' in input) {
    console.log(`  ${out.bad('not known')}: ${input.missing}`);
    return;
  }
  const known = result?.series ?? failure?.views?.series;
  const read = new Map(known?.map((one) => [one.series, one.used ? `yes` : 'not used']));
  const rows = input.study.series.map(({ series, kind, description, instances }) => [
    series,
    kind ? SERIES_DESCRIPTIONS[kind] : (description ?? 'by its headers'),
    String(instances.length),
    known ? (read.get(series) ?? 'no') : '',
    digestOf(instances).slice(0, 12),
  ]);
  console.log(table(['series', 'kind', 'files', 'read', 'digest of fingerprints'], rows));
  const files = input.study.series.reduce((sum, { instances }) => sum + instances.length, 0);
  console.log(out.faint(`${counted(files, 'file')}, digest of all fingerprints ${input.digest}; --json lists them`));
  for (const { message } of [
    ...(input.study.problems ?? []),
    ...input.study.series.flatMap((one) => one.problems ?? []),
  ]) {
    console.log(out.warn(`  ${message}`));
  }
}

type Rejected = NonNullable<StudyResult['rejected']>[number];

/** Prints why each series was read as its kind, and what was not read. */
function printChoice({ series, rejected = [] }: StudyResult): void {
  const explained = series.filter(({ reasons }) => reasons !== undefined && reasons.length > 0);
  if (explained.length > 0) console.log(`\n${out.strong('Why these series')}`);
  for (const { series: name, kind, reasons } of explained) {
    console.log(`  ${name}  ${SERIES_DESCRIPTIONS[kind]}: ${out.faint(reasons!.join('; '))}`);
  }
  printRejected(rejected);
}

function printRejected(rejected: readonly Rejected[]): void {
  if (rejected.length > 0) console.log(`\n${out.strong('Not read')}`);
  for (const { series: name, images, reason } of rejected) {
    console.log(`  ${name}  ${counted(images, 'image')}: ${out.faint(reason)}`);
  }
}

function printFlags(flags: readonly Flag[]): void {
  console.log(`\n${out.strong('Flags')}${flags.length === 0 ? '  none' : ''}`);
  for (const { code, ...about } of flags) {
    const { kind, series, instance, level, condition, detail } = about;
    const where = [
      kind,
      series && `series ${series}`,
      instance !== undefined && `instance ${instance}`,
      level,
      condition,
    ];
    console.log(`  ${out.warn(code)}  ${[...where, detail].filter(Boolean).join(', ')}`);
    console.log(out.faint(`    ${FLAG_MEANINGS[code]}`));
  }
}

function printTargets({ targets }: StudyResult): void {
  console.log(`\n${out.strong('Severities')}`);
  console.log(
    table(
      ['target', 'grade', 'normal', 'moderate', 'severe', 'sagittal slice', 'x, y', 'axial slice', 'x, y'],
      targets.map((target) => [
        target.name,
        `${SEVERITY_LABELS[gradeOf(target.severities).severity]}${target.classShares ? ' (class shares)' : ''}`,
        ...target.severities.map((value) => value.toFixed(3)),
        ...place(target.slice),
        ...place(target.axial),
      ]),
    ),
  );
  console.log(out.faint('slice: series/instance number; x: column, y: row, in px of the slice'));
}

function place(slice: TargetResult['slice']): [string, string] {
  return slice ? [`${slice.series}/${slice.instance}`, `${slice.x.toFixed(1)}, ${slice.y.toFixed(1)}`] : ['-', '-'];
}

function time(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
