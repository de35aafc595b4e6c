import { LEVELS } from '@spineline/shared/domain';
import { describe, expect, it } from 'vitest';
import { NO_ARTEFACTS } from '../src/acquisition/artefacts.ts';
import { takePicture } from '../src/acquisition/imaging.ts';
import { distanceTo, pixelOf, pointOf } from '../src/acquisition/stack.ts';
import { awkwardAt } from '../src/awkward.ts';
import { labelStudy, type TargetLabel } from '../src/labels.ts';
import { Random } from '../src/random.ts';
import { planStudy, type StudyPlan } from '../src/study-plan.ts';

const SEED = 77;
const PLANS = Array.from({ length: 96 }, (_, index) => planStudy(SEED, index, true));
const PLAIN = PLANS.filter((plan) => plan.awkward === undefined);

function sliceOf(plan: StudyPlan, label: TargetLabel) {
  const series = plan.series.find((one) => one.id === label.seriesId)!;
  const plane = series.stack.planes.find((one) => one.instance === label.instance)!;
  return { series, plane };
}

/** The brightest pixel within 3 mm of a labelled point, relative to the brightest tissue; no noise, an even coil. */
function brightestNear(plan: StudyPlan, label: TargetLabel): number {
  const { series, plane } = sliceOf(plan, label);
  const { stack, encoding } = series;
  const quiet = { noise: 0, surface: 0, bandMm: undefined, drift: [0, 0] as const };
  const acquisition = { stack, scanner: quiet, encoding, artefacts: NO_ARTEFACTS };
  const bytes = takePicture(plan.anatomy, acquisition, plane, new Random('quiet'));
  const words = encoding.signed ? new Int16Array(bytes.buffer) : new Uint16Array(bytes.buffer);
  const { slope, intercept } = encoding.rescale ?? { slope: 1, intercept: 0 };
  const [betweenRows, betweenColumns] = stack.pixelSpacing;
  const [reachY, reachX] = [3 / betweenRows, 3 / betweenColumns];
  let most = 0;
  for (let row = Math.ceil(label.y - reachY); row <= label.y + reachY; row++) {
    for (let column = Math.ceil(label.x - reachX); column <= label.x + reachX; column++) {
      most = Math.max(most, words[row * stack.columns + column]! * slope + intercept);
    }
  }
  return most / encoding.amplitude;
}

describe('labels of the phantom', () => {
  it('are complete in every plain study', () => {
    for (const plan of PLAIN) expect(labelStudy(plan)).toHaveLength(25);
  });

  it('lie inside their slice, at least 5 mm from its edge', () => {
    for (const plan of PLANS) {
      for (const label of labelStudy(plan)) {
        const { stack } = sliceOf(plan, label).series;
        const [betweenRows, betweenColumns] = stack.pixelSpacing;
        for (const [at, count, spacing] of [
          [label.x, stack.columns, betweenColumns],
          [label.y, stack.rows, betweenRows],
        ] as const) {
          expect(at * spacing).toBeGreaterThan(5);
          expect((count - 1 - at) * spacing).toBeGreaterThan(5);
        }
      }
    }
  });

  it('lie within half a slice spacing of the structure in plain studies', () => {
    for (const plan of PLAIN) {
      for (const label of labelStudy(plan)) {
        const { series, plane } = sliceOf(plan, label);
        const { task, level, side } = label.target;
        const landmarks = plan.anatomy.landmarks[level];
        const structure = task === 'nfn' ? landmarks.foramen[side!] : landmarks.canal;
        // SS takes the plane nearest to the canal's point as the sagittal slice shows it, hence the allowance.
        const allowance = task === 'ss' ? 0.3 : 1e-6;
        expect(distanceTo(plane, structure)).toBeLessThanOrEqual(series.stack.spacingMm / 2 + allowance);
      }
    }
  });

  it('agree between planes: the sagittal canal point is nearest to the axial slice labelled for its level', () => {
    let checked = 0;
    for (const plan of PLANS) {
      const labels = labelStudy(plan);
      for (const level of LEVELS) {
        const canal = labels.find(({ target }) => target.task === 'scs' && target.level === level);
        const recess = labels.find(({ target }) => target.task === 'ss' && target.level === level);
        if (!canal || !recess) continue;
        const sagittal = sliceOf(plan, canal);
        const point = pointOf(sagittal.series.stack, sagittal.plane, canal.x, canal.y);
        const planes = plan.series.filter((one) => one.stack.kind === 'axial_t2').flatMap((one) => one.stack.planes);
        const least = Math.min(...planes.map((plane) => distanceTo(plane, point)));
        expect(distanceTo(sliceOf(plan, recess).plane, point)).toBeCloseTo(least, 6);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(400);
  });

  it("have the patient's left recess on the right of the picture", () => {
    for (const plan of PLAIN) {
      const recesses = labelStudy(plan).filter(({ target }) => target.task === 'ss');
      for (const level of LEVELS) {
        const left = recesses.find(({ target }) => target.level === level && target.side === 'left')!;
        const right = recesses.find(({ target }) => target.level === level && target.side === 'right')!;
        expect(left.instance).toBe(right.instance);
        expect(left.x).toBeGreaterThan(right.x);
      }
    }
  });

  it('take the lowest instance number of repeated slices', () => {
    for (const plan of PLANS.filter((one) => one.awkward === 'repeated_positions')) {
      for (const label of labelStudy(plan)) {
        const { series, plane } = sliceOf(plan, label);
        const twins = series.stack.planes.filter((one) => one.origin === plane.origin);
        expect(label.instance).toBe(Math.min(...twins.map((one) => one.instance)));
      }
    }
  });

  it('leave out what no slice shows', () => {
    const missing = { no_axial: 'ss', no_t1: 'nfn', no_t2: 'scs' } as const;
    for (const [awkward, task] of Object.entries(missing)) {
      const plan = PLANS.find((one) => one.awkward === awkward)!;
      const tasks = new Set(labelStudy(plan).map(({ target }) => target.task));
      expect(tasks).toEqual(new Set(['scs', 'nfn', 'ss'].filter((one) => one !== task)));
    }
  });

  it('point at bright fluid where the canal is normal, and at less where it is severely narrowed', () => {
    const normal: number[] = [];
    const severe: number[] = [];
    for (const plan of PLAIN) {
      for (const label of labelStudy(plan)) {
        if (label.target.task !== 'scs' || sliceOf(plan, label).series.stack.sequence !== 't2') continue;
        const { narrowing, severity } = plan.severities.find((one) => one.target === label.target)!;
        if (narrowing < 0.1 && normal.length < 15) normal.push(brightestNear(plan, label));
        if (severity === 'severe' && severe.length < 6) severe.push(brightestNear(plan, label));
      }
    }
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(normal).toHaveLength(15);
    expect(severe).toHaveLength(6);
    expect(Math.min(...normal)).toBeGreaterThan(0.75);
    expect(mean(severe)).toBeLessThan(0.75 * mean(normal));
  });

  it('really narrow: a canal loses depth with its narrowing', () => {
    for (const plan of PLANS) {
      for (const { target, narrowing, severity } of plan.severities) {
        if (target.task !== 'scs') continue;
        const { sacDepthMm } = plan.anatomy.landmarks[target.level];
        if (severity === 'severe') expect(sacDepthMm).toBeLessThan(7.5);
        if (narrowing < 0.1) expect(sacDepthMm).toBeGreaterThan(9);
      }
    }
  });
});

describe('awkward studies', () => {
  it('come at a known share, after three plain ones', () => {
    const faults = PLANS.map((_, index) => awkwardAt(index));
    expect(faults.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(faults.filter(Boolean)).toHaveLength(36);
    expect(faults.slice(0, 8)).toContain('two_axial_halves');
    expect(faults.slice(0, 8)).toContain('transfer_syntaxes');
    expect(PLANS.map((plan) => plan.awkward)).toEqual(faults);
  });

  it('have the faults that they are said to have', () => {
    const withFault = (awkward: string) => PLANS.find((plan) => plan.awkward === awkward)!;
    const kinds = (awkward: string) => withFault(awkward).series.map((one) => one.stack.kind);
    expect(kinds('no_t2')).not.toContain('sagittal_t2');
    expect(kinds('no_t1')).not.toContain('sagittal_t1');
    expect(kinds('no_axial')).not.toContain('axial_t2');
    expect(kinds('two_axial_matrices').filter((kind) => kind === 'axial_t2')).toHaveLength(2);
    expect(withFault('many_slices').series[0]!.stack.planes.length).toBeGreaterThan(32);
    expect(withFault('few_slices').series[0]!.stack.planes.length).toBeLessThan(5);
    const frames = (awkward: string) => new Set(withFault(awkward).series.map((one) => one.frameUid)).size;
    expect(frames('three_frames')).toBe(3);
    expect(frames('axial_other_frame')).toBe(2);
    expect(frames('no_axial')).toBe(1);
    expect(withFault('multi_frame').series.every((one) => one.multiFrame)).toBe(true);
  });

  it('go through every transfer syntax in three studies', () => {
    const studies = PLANS.filter((plan) => plan.awkward === 'transfer_syntaxes').slice(0, 3);
    const written = new Set(studies.flatMap((plan) => plan.series.map((one) => one.transferSyntax)));
    expect(written.size).toBe(7);
  });
});

describe('acquisitions', () => {
  const plain = PLAIN.flatMap((plan) => plan.series.map((one) => one.stack));

  it('vary as scanners do', () => {
    const some = (claim: (stack: (typeof plain)[number]) => boolean) => expect(plain.some(claim)).toBe(true);
    some((stack) => stack.pixelSpacing[0] !== stack.pixelSpacing[1]);
    some((stack) => stack.rows !== stack.columns);
    some((stack) => stack.planes[0]!.instance > stack.planes.at(-1)!.instance);
    some((stack) => stack.planes[0]!.instance < stack.planes.at(-1)!.instance);
    some((stack) => Math.min(...stack.planes.map((plane) => plane.instance)) > 1);
    for (const stack of plain) {
      const [least, most] = stack.kind === 'axial_t2' ? [10, 36] : [12, 24];
      expect(stack.planes.length).toBeGreaterThanOrEqual(least);
      expect(stack.planes.length).toBeLessThanOrEqual(most);
      expect(stack.thicknessMm).toBeGreaterThan(2.5);
      expect(stack.thicknessMm).toBeLessThanOrEqual(Math.min(5, stack.spacingMm + 0.05));
      for (const size of [stack.rows, stack.columns]) {
        expect(size).toBeGreaterThanOrEqual(256);
        expect(size).toBeLessThanOrEqual(640);
      }
    }
  });

  it('number the slices of a series without repeats', () => {
    for (const plan of PLANS) {
      for (const { stack } of plan.series) {
        expect(new Set(stack.planes.map((plane) => plane.instance)).size).toBe(stack.planes.length);
      }
    }
  });

  it('give back the pixel of a point', () => {
    const stack = plain.find((one) => one.pixelSpacing[0] !== one.pixelSpacing[1])!;
    const { x, y } = pixelOf(stack, stack.planes[0]!, pointOf(stack, stack.planes[0]!, 12.25, 200.5));
    expect(x).toBeCloseTo(12.25, 9);
    expect(y).toBeCloseTo(200.5, 9);
  });

  it('have ids that never meet', () => {
    const ids = PLANS.flatMap((plan) => [plan.id, plan.uid, ...plan.series.flatMap((one) => [one.id, one.uid])]);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
