import { describe, expect, it } from 'vitest';
import { distanceTo } from '../src/acquisition/stack.ts';
import { annotate } from '../src/annotator.ts';
import { labelStudy, type TargetLabel } from '../src/labels.ts';
import { planStudy, type StudyPlan } from '../src/study-plan.ts';

interface Pair {
  readonly plan: StudyPlan;
  readonly exact: TargetLabel;
  readonly put: TargetLabel;
}

const PAIRS: Pair[] = Array.from({ length: 80 }, (_, index) => planStudy(31, index, true)).flatMap((plan) => {
  const labels = labelStudy(plan);
  const put = annotate(plan, labels);
  return labels.map((exact, index) => ({ plan, exact, put: put[index]! }));
});
const SAME_SLICE = PAIRS.filter(({ exact, put }) => exact.instance === put.instance);

const stackOf = ({ plan, exact }: Pair) => plan.series.find((one) => one.id === exact.seriesId)!.stack;

describe("an annotator's labels", () => {
  it('keep their target and series, and stay in the picture', () => {
    for (const pair of PAIRS) {
      const { exact, put } = pair;
      expect([put.target, put.seriesId]).toEqual([exact.target, exact.seriesId]);
      expect(put.x).toBeGreaterThanOrEqual(0);
      expect(put.y).toBeGreaterThanOrEqual(0);
      expect(put.x).toBeLessThanOrEqual(stackOf(pair).columns - 1);
      expect(put.y).toBeLessThanOrEqual(stackOf(pair).rows - 1);
    }
  });

  it('scatter by 0.6 px along each axis around the exact point, a few by more', () => {
    for (const axis of ['x', 'y'] as const) {
      const offsets = SAME_SLICE.map(({ exact, put }) => put[axis] - exact[axis]);
      const mean = offsets.reduce((sum, offset) => sum + offset, 0) / offsets.length;
      const sizes = offsets.map(Math.abs).sort((a, b) => a - b);
      expect(Math.abs(mean)).toBeLessThan(0.05);
      // Half of a Gaussian lies within 0.674 deviations.
      expect(sizes[Math.floor(sizes.length / 2)]! / 0.674).toBeCloseTo(0.62, 1);
      const far = sizes.filter((size) => size > 2).length / sizes.length;
      expect(far).toBeGreaterThan(0.005);
      expect(far).toBeLessThan(0.03);
    }
  });

  it('lie in the neighbouring slice in three of a hundred, and never further', () => {
    const moved = PAIRS.filter(({ exact, put }) => exact.instance !== put.instance);
    expect(moved.length / PAIRS.length).toBeGreaterThan(0.018);
    expect(moved.length / PAIRS.length).toBeLessThan(0.042);
    for (const pair of moved) {
      const { planes, spacingMm } = stackOf(pair);
      const [from, to] = [pair.exact, pair.put].map((one) => planes.find(({ instance }) => instance === one.instance)!);
      expect(distanceTo(to!, from!.origin)).toBeLessThan(1.6 * spacingMm);
    }
  });

  it('share the axial slice between the two sides of a level', () => {
    const slices = new Map<string, Set<string>>();
    for (const { plan, put } of PAIRS.filter(({ exact }) => exact.target.task === 'ss')) {
      const key = `${plan.id} ${put.target.level}`;
      slices.set(key, (slices.get(key) ?? new Set()).add(`${put.seriesId} ${put.instance}`));
    }
    expect([...slices.values()].filter((one) => one.size !== 1)).toEqual([]);
  });

  it('are the same for the same study', () => {
    const { plan } = PAIRS[0]!;
    expect(annotate(plan, labelStudy(plan))).toEqual(annotate(planStudy(31, 0, true), labelStudy(plan)));
  });
});
