/** Runs written into a store by hand, without a worker: what they say is made up. */

import { SEVERITIES, SEVERITY_LABELS, type Severity, TARGETS, type Target } from '@spineline/shared/domain';
import type { RunRecord, RunStore, StudyResult, TargetResult } from '@spineline/shared/runs';

/** What is said of a target: the rest is alike everywhere. */
export type Said = Partial<Pick<TargetResult, 'severities' | 'slice' | 'axial'>>;

const DIGEST = '0'.repeat(64);
const EPOCH = new Date(0).toISOString();

export function syntheticRun(run: string, studies: number, changes: Partial<RunRecord> = {}): RunRecord {
  const pin = (name: string) => ({ name, version: '1.0.0', digest: DIGEST });
  return {
    schema: 'spineline.run/1',
    run,
    dataset: DIGEST,
    studies,
    bundles: { stage1: pin('slices'), stage2: pin('points'), stage3: pin('severities') },
    priority: 5,
    created: EPOCH,
    notice: '',
    ...changes,
  };
}

/** A result with all 25 targets in the middle of their series, 9 slices of 100 x 200 px. */
export function syntheticResult(
  run: RunRecord,
  study: string,
  said: (target: Target) => Said = () => ({}),
): StudyResult {
  const step = { key: DIGEST, reused: false, seconds: 1, finished: EPOCH };
  const place = (series: string) => ({ series, instance: 5, x: 50, y: 50 });
  const series = (name: string, kind: StudyResult['series'][number]['kind']) => ({
    series: name,
    kind,
    used: true,
    rows: 100,
    columns: 200,
    frameOfReference: 0,
    instances: [1, 2, 3, 4, 5, 6, 7, 8, 9],
  });
  return {
    schema: 'spineline.result/1',
    run: run.run,
    study,
    notice: run.notice,
    targets: TARGETS.map((target) => {
      const { name, condition, level, side, task } = target;
      return {
        name,
        condition,
        level,
        ...(side && { side }),
        severities: [0.7, 0.2, 0.1],
        slice: task === 'ss' ? null : place(task === 'scs' ? 't2' : 't1'),
        axial: place('ax'),
        confidence: null,
        classShares: false,
        ...said(target),
      };
    }),
    series: [series('t2', 'sagittal_t2'), series('t1', 'sagittal_t1'), series('ax', 'axial_t2')],
    flags: [],
    steps: { stage1: step, xy: step, crops: step, stage3: step },
    finished: EPOCH,
  };
}

export async function writeRun(runs: RunStore, run: RunRecord, results: readonly StudyResult[]): Promise<void> {
  await runs.recordRun(run);
  for (const result of results) await runs.writeResult(result);
}

/** Probabilities with most of it on one grade. */
export function mostly(grade: Severity, probability: number): [number, number, number] {
  const [a, b, c] = SEVERITIES.map((severity) => (severity === grade ? probability : (1 - probability) / 2));
  return [a!, b!, c!];
}

/** The text of a `train.csv`. @param gradeOf `undefined` leaves a label blank. */
export function labelsCsv(
  studies: readonly string[],
  gradeOf: (study: string, target: Target) => Severity | undefined,
): string {
  const cell = (grade: Severity | undefined) => (grade ? SEVERITY_LABELS[grade] : '');
  const lines = studies.map((study) => [study, ...TARGETS.map((target) => cell(gradeOf(study, target)))].join(','));
  return `${[['study_id', ...TARGETS.map(({ name }) => name)].join(','), ...lines].join('\n')}\n`;
}
