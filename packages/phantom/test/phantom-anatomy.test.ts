import { LEVELS } from '@spineline/shared/domain';
import { describe, expect, it } from 'vitest';
import { PosteriorWall } from '../src/anatomy/posterior-wall.ts';
import { Scoliosis } from '../src/anatomy/scoliosis.ts';
import { buildSpine, type Spine } from '../src/anatomy/spine.ts';
import { fromFrame, subtract } from '../src/anatomy/vector.ts';
import { labelStudy } from '../src/labels.ts';
import { Random } from '../src/random.ts';
import { planStudy } from '../src/study-plan.ts';

const DEGREE = Math.PI / 180;
const SPINES: Spine[] = Array.from({ length: 300 }, (_, index) =>
  buildSpine(new Random('spine', index), [0, 0, 0, 0, 0]),
);

const lumbar = ({ discs }: Spine) => discs.filter((disc) => disc.level !== undefined);
/** From the leftmost to the rightmost lumbar disc, at its back. */
function sway(spine: Spine): number {
  const xs = lumbar(spine).map((disc) => fromFrame(disc.frame, [0, disc.depthMm / 2, 0])[0]);
  return Math.max(...xs) - Math.min(...xs);
}

describe('the spine of the phantom', () => {
  it('is nearly straight in most, and sways by two slices and more in some', () => {
    const sways = SPINES.map(sway).sort((a, b) => a - b);
    expect(sways[150]).toBeGreaterThan(1);
    expect(sways[150]).toBeLessThan(3.5);
    expect(sways[285]).toBeGreaterThan(6);
    expect(sways.at(-1)).toBeGreaterThan(10);
    expect(sways.at(-1)).toBeLessThan(18);
  });

  it('turns its bodies towards the convex side as it sways', () => {
    const curved = new Scoliosis(10, { phase: Math.PI / 2, lengthMm: 250 }, 0, 0);
    const heights = [-60, -30, 0, 30, 50];
    const xs = heights.map((z) => curved.place([0, 0, z])[0]);
    const rotations = heights.map((z) => curved.rotationAt(z));
    const [left, right] = [xs.indexOf(Math.max(...xs)), xs.indexOf(Math.min(...xs))];
    expect(Math.max(...xs) - Math.min(...xs)).toBeGreaterThan(7);
    expect(rotations[left]! - rotations[right]!).toBeGreaterThan(5 * DEGREE);
    expect(curved.rotationAt(-150)).toBe(0);
  });

  it('keeps the lengths of what it bends', () => {
    const curved = new Scoliosis(12, { phase: 1, lengthMm: 200 }, 2 * DEGREE, 0);
    for (let z = -100; z < 100; z += 10) {
      const step = subtract(curved.place([0, 0, z + 10]), curved.place([0, 0, z]));
      expect(Math.hypot(...step)).toBeCloseTo(10, 1);
    }
  });

  it('has lordoses from flat to deep', () => {
    const tilt = (spine: Spine, name: string) => spine.vertebrae.find((one) => one.name === name)!.tilt / DEGREE;
    const lordoses = SPINES.map((spine) => tilt(spine, 'S1') - tilt(spine, 'L1'));
    expect(Math.min(...lordoses)).toBeLessThan(36);
    expect(Math.max(...lordoses)).toBeGreaterThan(60);
    expect(Math.min(...lordoses)).toBeGreaterThan(25);
    expect(Math.max(...lordoses)).toBeLessThan(75);
  });

  it('has its discs between the endplates of its vertebrae, also where it leans', () => {
    for (const spine of SPINES) {
      spine.discs.forEach((disc, index) => {
        if (disc.level === undefined) return;
        const [above, below] = [spine.vertebrae[index]!, spine.vertebrae[index + 1]!];
        const floor = fromFrame(above.frame, [0, 0, -above.heightMm / 2]);
        const roof = fromFrame(below.frame, [0, 0, below.heightMm / 2]);
        const middle = [0, 1, 2].map((axis) => (floor[axis]! + roof[axis]!) / 2 - disc.frame.origin[axis]!);
        expect(Math.hypot(...middle)).toBeLessThan(1.5);
        expect(Math.hypot(...subtract(floor, roof))).toBeCloseTo(disc.heightMm, 0);
      });
    }
  });

  it('carries the canal along: (u, v, s) of a vertebra is where its own frame has it', () => {
    for (const spine of SPINES.slice(0, 20)) {
      const wall = new PosteriorWall(spine);
      for (const { frame, depthMm, name } of spine.vertebrae.filter((one) => one.name.startsWith('L'))) {
        const behind = fromFrame(frame, [0, depthMm / 2, 0]);
        const [s] = wall.nearest(behind[1], behind[2]);
        for (const [u, v] of [
          [10, 4],
          [-10, 4],
          [0, 9],
        ] as const) {
          const own = fromFrame(frame, [u, depthMm / 2 + v, 0]);
          expect(Math.hypot(...subtract(wall.at(u, v, s), own)), name).toBeLessThan(1.2);
        }
      }
    }
  });
});

describe('the mid-canal slice', () => {
  it('differs by level: not at all in some patients, by up to three slices in others', () => {
    const counts = [0, 0, 0, 0, 0, 0];
    for (let index = 0; index < 75; index++) {
      const plan = planStudy(9, index, false);
      const { planes } = plan.series.find((one) => one.stack.kind === 'sagittal_t2')!.stack;
      const slices = labelStudy(plan)
        .filter(({ target }) => target.task === 'scs')
        .map(({ instance }) => planes.findIndex((plane) => plane.instance === instance));
      expect(slices).toHaveLength(LEVELS.length);
      counts[Math.max(...slices) - Math.min(...slices)]!++;
    }
    expect(counts[0]! + counts[1]!).toBeGreaterThan(45);
    expect(counts[2]!).toBeGreaterThan(4);
    expect(counts[3]!).toBeGreaterThan(0);
    expect(counts[4]! + counts[5]!).toBeLessThan(3);
  });
});
