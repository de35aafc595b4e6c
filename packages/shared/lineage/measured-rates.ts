/**
 * How fast a run went, step by step: the number of studies whose output was computed, divided by the time during which
 * at least one of them was being worked on. Idle time of workers does not count; several workers in parallel raise the
 * rate.
 */

import { mapInOrder } from '../dataset/index.ts';
import { STEP_NAMES, type Step, perStep } from '../domain/index.ts';
import type { RunRecord, RunStore, StepRecord } from '../runs/index.ts';

/** Studies to read, from the beginning of the dataset: they are scored in a row, and this number is enough. */
const STUDIES_LOOKED_AT = 600;
/** A rate over this many studies is as good as one over more. */
const ENOUGH_STUDIES = 100;
/** Largest number of runs to search for rates. */
const RUNS_LOOKED_AT = 10;
const LOOKUPS_AT_ONCE = 48;

/** How fast a step went. */
export interface RateOf {
  /** Studies per second. */
  readonly perSecond: number;
  /** Number of studies that it was measured over. */
  readonly studies: number;
  /** The run that it was measured in. */
  readonly run: string;
}

export type MeasuredRates = Readonly<Partial<Record<Step, RateOf>>>;

/**
 * The rates of some steps: each from the newest run that computed the step for enough studies, or else from the run
 * that computed it for the most. A run that only replaced a few damaged outputs says little about throughput.
 *
 * @param prefer a run to search first.
 */
export async function findRates(runs: RunStore, steps: readonly Step[], prefer?: RunRecord): Promise<MeasuredRates> {
  const rates: Partial<Record<Step, RateOf>> = {};
  const lacking = () => steps.some((step) => (rates[step]?.studies ?? 0) < ENOUGH_STUDIES);
  if (!lacking()) return rates;
  const others: RunRecord[] = [];
  for await (const name of runs.names()) others.push(await runs.readRun(name));
  others.sort((a, b) => b.created.localeCompare(a.created));
  for (const run of [...(prefer ? [prefer] : []), ...others].slice(0, RUNS_LOOKED_AT)) {
    if (!lacking()) break;
    const measured = await measureRates(run, runs);
    for (const step of steps) {
      const [found, before] = [measured[step], rates[step]?.studies ?? 0];
      if (found && before < ENOUGH_STUDIES && found.studies > before) rates[step] = found;
    }
  }
  return rates;
}

/** Rates over the first studies of a run. A step that computed nothing has no rate. */
export async function measureRates(run: RunRecord, runs: RunStore): Promise<MeasuredRates> {
  const spans = perStep((): [number, number][] => []);
  const { pages } = await runs.readDataset(run.dataset);
  let looked = 0;
  for (const page of pages) {
    if (looked >= STUDIES_LOOKED_AT) break;
    const studies = await runs.readPage(page);
    looked += studies.length;
    for await (const steps of mapInOrder(studies, LOOKUPS_AT_ONCE, ({ study }) => runs.findSteps(run.run, study))) {
      for (const step of STEP_NAMES) if (steps && !steps[step].reused) spans[step].push(spanOf(steps[step]));
    }
  }
  const measured = STEP_NAMES.filter((step) => spans[step].length > 0).map((step) => {
    const studies = spans[step].length;
    return [step, { perSecond: studies / Math.max(0.001, covered(spans[step])), studies, run: run.run }] as const;
  });
  return Object.fromEntries(measured);
}

function spanOf({ finished, seconds }: StepRecord): [number, number] {
  const end = Date.parse(finished) / 1000;
  return [end - seconds, end];
}

/** The length of the union of time spans. */
export function covered(spans: readonly (readonly [number, number])[]): number {
  let length = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [start, end] of [...spans].sort(([a], [b]) => a - b)) {
    if (end <= until) continue;
    length += end - Math.max(start, until);
    until = end;
  }
  return length;
}
