/** Which of several stacks of one kind is read, in any order of the stacks. */

import { describe, expect, it } from 'vitest';
import { comparePreference, sortOut, whyPreferred } from '../series/index.ts';
import { type Facts, STIR, type StackSpec, shuffled, stack, T1, T2 } from './support/series-units.ts';

/** The series in order of preference. */
function ranking(specs: Record<string, StackSpec>): string[] {
  const units = Object.entries(specs).flatMap(([series, spec]) => stack({ ...spec, series }));
  const orders = [1, 2, 3, 4, 5].map((seed) =>
    shuffled(sortOut(shuffled(units, seed)).stacks, seed)
      .sort((a, b) => comparePreference(a.assessment, b.assessment))
      .map(({ units: members }) => members[0]!.facts.seriesInstanceUid!),
  );
  expect(new Set(orders.map(String)).size).toBe(1);
  return orders[0]!;
}

const assessed = (spec: StackSpec) => sortOut(stack(spec)).stacks[0]!.assessment;

const of = (facts: Facts, more: StackSpec = {}): StackSpec => ({ facts, ...more });

const DERIVED: Facts = { imageType: ['DERIVED', 'SECONDARY', 'OTHER'] };

/** The fragment is the better one in some other trait. */
const FRAGMENTS: Record<string, [fragment: StackSpec, whole: StackSpec]> = {
  'one original slice, 15 derived ones': [of(T2, { count: 1 }), of({ ...T2, ...DERIVED })],
  'four original slices, five derived ones': [of(T2, { count: 4 }), of({ ...T2, ...DERIVED }, { count: 5 })],
  'two slices named lumbar, 15 not': [
    of({ ...T2, seriesDescription: 't2 sag LWS' }, { count: 2 }),
    of({ ...T2, seriesDescription: 't2_tse_sag' }),
  ],
  'two plain T1 slices 8 mm high, 15 with fat saturation': [
    of({ ...T1, rows: 8 }, { count: 2 }),
    of({ ...T1, scanOptions: ['FS'] }),
  ],
  'thirty short slices, 15 with contrast agent': [
    of({ ...T1, rows: 100 }, { count: 30 }),
    of({ ...T1, contrastAgent: true }),
  ],
  'a slice taken nine times, 15 out of phase': [
    of(T2, { count: 9, step: 0 }),
    of({ ...T2, imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'OUT_PHASE'] }),
  ],
  'two slices of T2, 15 of STIR': [of(T2, { count: 2 }), of(STIR)],
  'one slice of great height beside short ones, 15 with contrast agent': [
    of(
      { ...T1, rows: 100 },
      {
        count: 15,
        frame: (i) => (i === 0 ? { spacing: [3, 1] } : {}),
      },
    ),
    of({ ...T1, contrastAgent: true }),
  ],
};

describe('a fragment', () => {
  it.each(Object.entries(FRAGMENTS))('is never read instead of a whole series: %s', (_, [fragment, whole]) => {
    expect(ranking({ '1.9': whole, '1.2': fragment })).toEqual(['1.9', '1.2']);
    expect(ranking({ '1.2': whole, '1.9': fragment })).toEqual(['1.2', '1.9']);
  });

  it('is ranked by the other traits among fragments', () => {
    expect(ranking({ '1.2': of({ ...T2, ...DERIVED }, { count: 4 }), '1.9': of(T2, { count: 2 }) })).toEqual([
      '1.9',
      '1.2',
    ]);
  });
});

describe('comparePreference', () => {
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
    ['plain T2 before the water image of a Dixon', of(T2), of({ ...T2, seriesDescription: 'T2 TSE SAG DIXON W' })],
    ['plain T2 before T2 fat-saturated', of(T2), of({ ...T2, seriesDescription: 'SAG T2 FATSAT' })],
    [
      'in phase before out of phase',
      of({ ...T2, imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'IN_PHASE'] }),
      of({ ...T2, imageType: ['DERIVED', 'PRIMARY', 'DIXON', 'OUT_PHASE'] }),
    ],
  ])('%s', (_, better, worse) => {
    expect(ranking({ '1.9': better, '1.2': worse })).toEqual(['1.9', '1.2']);
    expect(ranking({ '1.2': worse, '1.9': better })).toEqual(['1.9', '1.2']);
  });

  it('tells equals apart by nothing', () => {
    const [a, b] = [T2, { ...T2, seriesNumber: 9, protocolName: 'ROUTINE' }].map((facts) => assessed(of(facts)));
    expect(comparePreference(a!, b!)).toBe(0);
    expect(comparePreference(a!, a!)).toBe(0);
  });

  it('counts a slice that was acquired twice once', () => {
    const twice = [
      ...stack({ facts: T2, count: 10, series: '1.1' }),
      ...stack({ facts: T2, count: 10, instance: 30, series: '1.1' }),
    ];
    const once = stack({ facts: T2, count: 12, series: '1.2' });
    const [first] = sortOut([...twice, ...once]).stacks.sort((a, b) => comparePreference(a.assessment, b.assessment));
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

describe('whyPreferred', () => {
  it.each<[string, StackSpec, StackSpec]>([
    ['the other one has fewer than 5 slices', of({ ...T2, ...DERIVED }), of(T2, { count: 4 })],
    ['the other one is too short for the lumbar spine', of({ ...T2, ...DERIVED }), of({ ...T2, rows: 100 })],
    ['the other one is derived from other images', of(T2), of({ ...T2, ...DERIVED }, { count: 30 })],
    [
      'the other one has fat and water out of phase',
      of({ ...T2, imageType: ['ORIGINAL', 'PRIMARY', 'DIXON', 'IN_PHASE'] }),
      of({ ...T2, imageType: ['ORIGINAL', 'PRIMARY', 'DIXON', 'OUT_PHASE'] }),
    ],
    ['its header names the lumbar spine', of({ ...T2, bodyPartExamined: 'LSPINE' }), of(T2)],
    ['the other one has contrast agent', of(T1), of({ ...T1, contrastAgent: true, scanOptions: ['FS'] })],
    ['the other one has fat saturation', of(T1), of({ ...T1, scanOptions: ['FS'] })],
    ['it has more slices', of(STIR, { count: 16 }), of(T2)],
    ['the other one is STIR or has fat saturation', of(T2), of(STIR)],
  ])('%s', (why, chosen, other) => {
    expect(whyPreferred(assessed(chosen), assessed(other))).toBe(why);
    // There is no reason for the worse one, even if it is better in other traits.
    expect(whyPreferred(assessed(other), assessed(chosen))).toBeUndefined();
  });

  it('says of two fragments which one is too short', () => {
    const [long, short] = [of(T2, { count: 3 }), of({ ...T2, rows: 100 }, { count: 4 })].map(assessed);
    expect(whyPreferred(long!, short!)).toBe('the other one is too short for the lumbar spine');
  });

  it('says nothing of equals', () => {
    expect(whyPreferred(assessed(of(T2)), assessed(of(T2)))).toBeUndefined();
  });

  it('gives a stack that is not read no preference before one that is', () => {
    const left = assessed(of({ ...T2, bodyPartExamined: 'KNEE' }));
    expect(left.kind).toBeUndefined();
    expect(comparePreference(assessed(of(T2)), left)).toBeLessThan(0);
  });
});
