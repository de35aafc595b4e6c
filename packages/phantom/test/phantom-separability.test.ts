/** That a severity can be seen: simple features of the pixels around labelled points against the true narrowing. */

import { TASKS, type Task } from '@spineline/shared/domain';
import { describe, expect, it } from 'vitest';
import { NO_ARTEFACTS } from '../src/acquisition/artefacts.ts';
import { takePicture } from '../src/acquisition/imaging.ts';
import { buildAnatomy } from '../src/anatomy/anatomy.ts';
import { labelStudy, type TargetLabel } from '../src/labels.ts';
import { Random } from '../src/random.ts';
import { severityOf } from '../src/severity.ts';
import { planStudy, type StudyPlan } from '../src/study-plan.ts';

/**
 * Half width and half height of the window in mm about the label, and the signal above which a pixel counts: fluid of
 * the sac (sagittal T2), fat of the foramen (sagittal T1) and of the recess (axial T2).
 */
const WINDOWS: Readonly<Record<Task, readonly [number, number, number]>> = {
  scs: [7, 2.5, 0.7],
  nfn: [6, 9, 0.6],
  ss: [3.2, 3, 0.25],
};

/** Mean signal above the window's limit, relative to the brightest tissue; an even coil, the usual noise. */
function brightness(plan: StudyPlan, label: TargetLabel): number {
  const { stack, encoding } = plan.series.find((one) => one.id === label.seriesId)!;
  const plane = stack.planes.find((one) => one.instance === label.instance)!;
  const scanner = { noise: 0.02, surface: 0, bandMm: undefined, drift: [0, 0] as const };
  const random = new Random('separability', plan.index, label.target.name);
  const bytes = takePicture(plan.anatomy, { stack, scanner, encoding, artefacts: NO_ARTEFACTS }, plane, random);
  const words = encoding.signed ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  const { slope, intercept } = encoding.rescale ?? { slope: 1, intercept: 0 };
  const [halfWidth, halfHeight, limit] = WINDOWS[label.target.task];
  const [betweenRows, betweenColumns] = stack.pixelSpacing;
  const [reachY, reachX] = [halfHeight / betweenRows, halfWidth / betweenColumns];
  let [sum, count] = [0, 0];
  for (let row = Math.ceil(label.y - reachY); row <= label.y + reachY; row++) {
    for (let column = Math.ceil(label.x - reachX); column <= label.x + reachX; column++, count++) {
      const signal = (words[row * stack.columns + column]! * slope + intercept) / encoding.amplitude;
      sum += Math.max(0, Math.min(0.5, signal - limit));
    }
  }
  return sum / count;
}

function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const ranks = (values: readonly number[]) => {
    const order = values.map((_, index) => index).sort((i, j) => values[i]! - values[j]!);
    return values.map((_, index) => order.indexOf(index));
  };
  const [ra, rb] = [ranks(a), ranks(b)];
  const mean = (a.length - 1) / 2;
  const product = ra.reduce((sum, rank, index) => sum + (rank - mean) * (rb[index]! - mean), 0);
  return product / ra.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
}

const isT2 = (plan: StudyPlan) => plan.series.every(({ stack }) => stack.sequence !== 'stir');
const PLANS = Array.from({ length: 40 }, (_, index) => planStudy(404, index, false)).filter(isT2);

/** The same patient with one target, at L4/L5 and on the left, narrowed and all others nearly normal. */
function narrowed(plan: StudyPlan, task: Task, narrowing: number): StudyPlan {
  const severities = plan.severities.map(({ target }) => {
    const own = target.task === task && target.level === 'l4_l5' && target.side !== 'right';
    const share = own ? narrowing : 0.1;
    return { target, narrowing: share, severity: severityOf(share) };
  });
  return { ...plan, severities, anatomy: buildAnatomy(new Random('patient'), severities) };
}

function leftOfL4(plan: StudyPlan, task: Task): TargetLabel {
  const own = ({ target }: TargetLabel) => target.task === task && target.level === 'l4_l5' && target.side !== 'right';
  return labelStudy(plan).find(own)!;
}

describe('a narrowing', () => {
  const base = narrowed(planStudy(404, 1, false), 'scs', 0.1);
  const feature = (task: Task, of: Task, narrowing: number) => {
    const plan = narrowed(base, task, narrowing);
    return brightness(plan, leftOfL4(plan, of));
  };

  it.each(TASKS)('of %s shows in its own structure, step by step', (task) => {
    const values = [0.1, 0.3, 0.5, 0.7, 0.9].map((narrowing) => feature(task, task, narrowing));
    for (let step = 1; step < values.length; step++) expect(values[step]).toBeLessThan(0.9 * values[step - 1]!);
    expect(values.at(-1)).toBeLessThan(0.4 * values[0]!);
  });

  it.each(TASKS)('of %s leaves the other structures as they are', (task) => {
    for (const other of TASKS.filter((one) => one !== task)) {
      const [before, after] = [feature(task, other, 0.1), feature(task, other, 0.9)];
      expect(Math.abs(after - before), other).toBeLessThan(0.25 * before);
    }
  });
});

describe('severities over patients', () => {
  it.each([
    ['scs', 0.85],
    ['nfn', 0.75],
    ['ss', 0.75],
  ] as const)('can be read from the pixels at L4/L5: %s', (task, least) => {
    const seen = PLANS.map((plan) => {
      const label = leftOfL4(plan, task);
      const { narrowing } = plan.severities.find(({ target }) => target === label.target)!;
      return [narrowing, brightness(plan, label)] as const;
    });
    const [truth, read] = [seen.map(([narrowing]) => narrowing), seen.map(([, bright]) => bright)];
    expect(seen.length).toBeGreaterThan(30);
    expect(-rankCorrelation(truth, read)).toBeGreaterThan(least);
  });
});
