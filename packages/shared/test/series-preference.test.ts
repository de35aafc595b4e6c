/** Which of several stacks of one kind is read, whatever order they come in. */

import { describe, expect, it } from 'vitest';
import { compareStacks, sortOut } from '../series/index.ts';
import { type Facts, STIR, type StackSpec, shuffled, stack, T1, T2 } from './support/series-units.ts';

/** The series in order of preference. */
function ranking(specs: Record<string, StackSpec>): string[] {
  const units = Object.entries(specs).flatMap(([series, spec]) => stack({ ...spec, series }));
  const orders = [1, 2, 3, 4, 5].map((seed) =>
    shuffled(sortOut(shuffled(units, seed)).stacks, seed)
      .sort(compareStacks)
      .map(({ units: members }) => members[0]!.facts.seriesInstanceUid!),
  );
  expect(new Set(orders.map(String)).size).toBe(1);
  return orders[0]!;
}

const of = (facts: Facts, more: StackSpec = {}): StackSpec => ({ facts, ...more });

describe('compareStacks', () => {
  it.each<[string, StackSpec, StackSpec]>([
    ['original before derived', of(T2), of({ ...T2, imageType: ['DERIVED', 'SECONDARY', 'OTHER'] }, { count: 30 })],
    [
      'lumbar before unknown',
      of({ ...T2, seriesDescription: 'T2 LWS' }),
      of({ ...T2, bodyPartExamined: 'SPINE' }, { count: 30 }),
    ],
    ['T1 without agent before T1 with', of(T1), of({ ...T1, contrastAgent: true }, { count: 30 })],
    [
      'T1 without agent before one whose name has it',
      of(T1),
      of({ ...T1, seriesDescription: 'T1 SAG +C' }, { count: 30 }),
    ],
    ['T1 post, German, last', of(T1), of({ ...T1, seriesDescription: 't1_tse_sag KM' }, { count: 30 })],
    ['T1 without fat saturation before T1 with', of(T1), of({ ...T1, scanOptions: ['FS'] }, { count: 30 })],
    ['T1 fs by name last', of(T1), of({ ...T1, seriesDescription: 'T1 SAG FS' }, { count: 30 })],
    ['long enough before short', of(T2), of({ ...T2, rows: 100 }, { count: 30 })],
    ['more slices before fewer', of(T2, { count: 16 }), of(T2, { count: 15 })],
    ['more slices before a plain T2', of(STIR, { count: 16 }), of(T2, { count: 15 })],
    ['plain T2 before STIR of as many slices', of(T2), of(STIR)],
    ['plain T2 before T2 fat-saturated', of(T2), of({ ...T2, seriesDescription: 'SAG T2 FATSAT' })],
    [
      'in phase before out of phase',
      of({ ...T2, imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'IN_PHASE'] }),
      of({ ...T2, imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'OUT_PHASE'] }),
    ],
    ['the lower series number of equals', of({ ...T2, seriesNumber: 2 }), of({ ...T2, seriesNumber: 3 })],
  ])('%s', (_, better, worse) => {
    expect(ranking({ '1.9': better, '1.2': worse })).toEqual(['1.9', '1.2']);
    expect(ranking({ '1.2': worse, '1.9': better })).toEqual(['1.9', '1.2']);
  });

  it('counts a slice that was acquired twice once', () => {
    const twice = [
      ...stack({ facts: T2, count: 10, series: '1.1' }),
      ...stack({ facts: T2, count: 10, instance: 30, series: '1.1' }),
    ];
    const once = stack({ facts: T2, count: 12, series: '1.2' });
    const [first] = sortOut([...twice, ...once]).stacks.sort(compareStacks);
    expect(first!.units[0]!.facts.seriesInstanceUid).toBe('1.2');
  });

  it('takes no notice of an agent that is named to say that there is none', () => {
    for (const seriesDescription of [
      'T1 SAG W/O CONTRAST',
      'T1 sag ohne KM',
      'T1 SAG SIN CONTRASTE',
      'T1 sag nativ',
      'T1 PRE',
      'T1 pre KM',
      'T1 native Gd',
    ]) {
      const { reasons } = sortOut(stack({ facts: { ...T1, seriesDescription } })).stacks[0]!.assessment;
      expect(reasons.join()).not.toMatch(/contrast agent/);
    }
  });

  it('says why a stack is preferred less', () => {
    const { assessment } = sortOut(stack({ facts: { ...T1, contrastAgent: true, scanOptions: ['FS'] } })).stacks[0]!;
    expect(assessment.reasons).toEqual(
      expect.arrayContaining(['preferred less: contrast agent', 'preferred less: fat saturation']),
    );
  });
});
