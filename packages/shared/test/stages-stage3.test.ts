/** Stage 3: the views of every target, probabilities from the members' logits, and targets that lack views. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCrops } from '../compute/compute-tasks.ts';
import { CONDITIONS, LEVELS, TARGETS } from '../domain/index.ts';
import { parseBundle } from '../models/bundle.ts';
import type { BundleOf } from '../models/index.ts';
import { CROP_ARRAYS, type CropArray, CropsArtefact, SeverityArtefact } from '../stages/artefacts.ts';
import {
  classSharesOf,
  hasView,
  meanSeverities,
  type Severities,
  severityArtefact,
  targetViews,
} from '../stages/severities.ts';

const BUNDLE = parseBundle(
  readFileSync(new URL('../../../models/demo/stage3/bundle.json', import.meta.url), 'utf8'),
  'stage3',
) as BundleOf<3>;

const EMPTY: CropsArtefact = {
  schema: 'spineline.crops/2',
  resize: { filter: 'bilinear', antialias: true },
  regions: [],
  arrays: {},
  flags: [],
};
const WINDOW = { region: 0, x: 0, y: 0, height: 1, width: 2 };
const rowsOf = (array: CropArray) => (array === 'sagittal_t2' || array === 'axial_middle' ? 5 : 10);
/** Crops with all rows, except for the arrays and single rows (`array/row`) in `without`. */
function crops(options: { without?: readonly string[] } = {}): CropsArtefact {
  const without = new Set(options.without);
  const arrays = CROP_ARRAYS.filter((array) => !without.has(array)).map((array) => {
    const rows = Array.from({ length: rowsOf(array) }, (_, row) => (without.has(`${array}/${row}`) ? null : WINDOW));
    return [array, { to: [1, 2], rows }] as const;
  });
  return CropsArtefact.parse({
    ...EMPTY,
    regions: [{ slices: 1, height: 1, width: 2 }],
    arrays: Object.fromEntries(arrays),
  });
}
const logits = (weight: number, ...values: number[]) => ({
  weight,
  output: { logits: { dims: [3], data: Float32Array.from(values) } },
});

describe('the views of a target', () => {
  it('are those of docs/pipeline.md, "Severities": SCS T2 and axial middle, NFN T1 and its side, SS its side', () => {
    const views = targetViews(crops());
    expect(views.map(({ target }) => target)).toEqual(TARGETS);
    const written = views.map(({ target, views: of }) => {
      const parts = Object.entries(of).map(([view, { array, row }]) => `${view} ${array}/${row}`);
      return `${target.name}: ${parts.join(', ')}`;
    });
    const side = { left: 0, right: 5 } as const;
    const expected = CONDITIONS.flatMap((condition) =>
      LEVELS.map((level, i) => {
        const name = `${condition}_${level}`;
        if (condition === 'spinal_canal_stenosis') return `${name}: sagittal sagittal_t2/${i}, axial axial_middle/${i}`;
        const row = side[condition.startsWith('left') ? 'left' : 'right'] + i;
        const axial = `axial axial_sides/${row}`;
        return condition.includes('foraminal') ? `${name}: sagittal sagittal_t1/${row}, ${axial}` : `${name}: ${axial}`;
      }),
    );
    expect(written).toEqual(expected);
    expect(views.every(hasView)).toBe(true);
  });

  it('are absent where a row or its whole array is, and a target without any has no view', () => {
    const views = targetViews(crops({ without: ['axial_middle', 'sagittal_t2/2', 'axial_sides/7'] }));
    const of = (name: string) => views.find(({ target }) => target.name === name)!;
    const scs = of('spinal_canal_stenosis_l3_l4');
    expect([scs.views.sagittal!.present, scs.views.axial!.present, hasView(scs)]).toEqual([false, false, false]);
    expect(hasView(of('spinal_canal_stenosis_l2_l3'))).toBe(true);
    expect(hasView(of('right_subarticular_stenosis_l3_l4'))).toBe(false);
    expect(hasView(of('right_neural_foraminal_narrowing_l3_l4'))).toBe(true);
    expect(hasView(of('left_subarticular_stenosis_l3_l4'))).toBe(true);
  });

  it('are float32 rows of the arrays, and none where the study has no such view', async () => {
    const crops: CropsArtefact = {
      ...EMPTY,
      regions: [{ slices: 1, height: 1, width: 3 }],
      arrays: { axial_sides: { to: [1, 2], rows: [null, { ...WINDOW, x: 1 }, { ...WINDOW, x: 2 }] } },
    };
    // 819, 1638 and 4095, which stand for 0.2, 0.4 and 1: 0x333, 0x666, 0xfff.
    const rows = await readCrops({ crops, bytes: Uint8Array.of(0x33, 0x63, 0x66, 0xff, 0x0f, 0) });
    expect(rows).toEqual({ axial_sides: [undefined, Float32Array.of(0.4, 1), Float32Array.of(1, 0)] });
  });
});

describe('the probabilities', () => {
  it('are the softmax of a member’s logits', () => {
    const [mild, moderate, severe] = meanSeverities([logits(1, Math.log(6), Math.log(3), Math.log(1))]);
    expect(mild).toBeCloseTo(0.6, 6);
    expect(moderate).toBeCloseTo(0.3, 6);
    expect(severe).toBeCloseTo(0.1, 6);
  });

  it('are the weighted mean of the members’ probabilities, not of their logits', () => {
    // 0.8/0.1/0.1 with weight 3 and 0.2/0.2/0.6 with weight 1: 0.65, 0.125, 0.225.
    const mean = meanSeverities([logits(3, Math.log(8), 0, 0), logits(1, Math.log(0.2), Math.log(0.2), Math.log(0.6))]);
    expect(mean[0]).toBeCloseTo(0.65, 6);
    expect(mean[1]).toBeCloseTo(0.125, 6);
    expect(mean[2]).toBeCloseTo(0.225, 6);
  });

  it('stand large logits', () => {
    expect(meanSeverities([logits(1, 900, 0, -900)])).toEqual([1, 0, 0]);
  });
});

describe('severity.json', () => {
  const scoredBut = (...names: string[]) =>
    new Map(
      TARGETS.map(({ name }) => [name, [0.7, 0.2, 0.1] as Severities] as const).filter(([n]) => !names.includes(n)),
    );

  it('has 25 targets that each sum to 1, and no flag where every view was there', () => {
    const severity = severityArtefact(BUNDLE, targetViews(crops()), scoredBut());
    expect(SeverityArtefact.parse(severity)).toEqual(severity);
    expect(Object.keys(severity.severities)).toEqual(TARGETS.map(({ name }) => name));
    expect(severity.flags).toEqual([]);
    expect(severity.classShares).toEqual([]);
  });

  it('gives a target without any view the class shares of its condition and level, flagged, and never thirds', () => {
    const views = targetViews(crops({ without: ['axial_sides', 'axial_middle', 'sagittal_t2'] }));
    const unseen = views.filter((one) => !hasView(one)).map(({ target }) => target.name);
    expect(unseen).toHaveLength(15);
    const { severities, classShares, flags } = severityArtefact(BUNDLE, views, scoredBut(...unseen));
    expect(classShares).toEqual(unseen);
    expect(flags.filter(({ code }) => code === 'class_shares_used')).toHaveLength(15);
    for (const target of TARGETS) {
      const { name, condition, level } = target;
      const [mild, moderate, severe] = severities[name]!;
      expect(mild + moderate + severe).toBeCloseTo(1, 6);
      if (unseen.includes(name)) expect(severities[name]).toEqual(classSharesOf(BUNDLE, target));
      expect([mild, moderate, severe]).not.toEqual([1 / 3, 1 / 3, 1 / 3]);
      if (!unseen.includes(name)) continue;
      BUNDLE.classShares[condition][level].forEach((share, i) => {
        expect(severities[name]![i]).toBeCloseTo(share, 6);
      });
    }
  });

  it('flags each view that was given to the model as zeros', () => {
    const views = targetViews(crops({ without: ['axial_middle', 'sagittal_t1/8'] }));
    const { flags, classShares } = severityArtefact(BUNDLE, views, scoredBut());
    expect(classShares).toEqual([]);
    expect(flags).toEqual([
      {
        code: 'view_missing',
        condition: 'right_neural_foraminal_narrowing',
        level: 'l4_l5',
        detail: 'sagittal',
      },
      ...LEVELS.map((level) => ({ code: 'view_missing', condition: 'spinal_canal_stenosis', level, detail: 'axial' })),
    ]);
  });
});
