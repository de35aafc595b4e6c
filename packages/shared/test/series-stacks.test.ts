/** Which images make one stack, in any order and number of images. */

import { describe, expect, it } from 'vitest';
import { sortOut } from '../series/index.ts';
import {
  AXIAL,
  CORONAL,
  GRADIENT,
  type NamedUnit,
  SAGITTAL,
  STIR,
  shuffled,
  stack,
  T1,
  T2,
  tilted,
} from './support/series-units.ts';

const sizes = (units: readonly NamedUnit[]) => sortOut(units).stacks.map(({ units: members }) => members.length);
const kinds = (units: readonly NamedUnit[]) =>
  sortOut(units).stacks.map(({ units: members, assessment }) => [
    members.length,
    assessment.kind ?? assessment.rejection,
  ]);

describe('one stack', () => {
  it.each<[string, NamedUnit[]]>([
    ['an axial series angled to five discs', blocks([-10, 0, 10, 25, 48])],
    ['an axial series from -12 to 52 degrees', blocks([-12, 0, 15, 30, 52])],
    ['two axial blocks of different size', [...tiltedBlock(-10, 3, 0), ...tiltedBlock(45, 20, 40)]],
    ['two interleaved acquisitions', stack({ facts: (i) => ({ ...T2, acquisitionNumber: 1 + (i % 2) }) })],
    ['an acquisition number a slice', stack({ facts: (i) => ({ ...T2, acquisitionNumber: i }) })],
    ['an echo time that varies from slice to slice', stack({ facts: (i) => ({ ...T2, echoTimeMs: 100 + (i % 3) }) })],
    [
      'echoes 0.02 mm apart',
      [1, 2].flatMap((echoNumber) => stack({ facts: { ...T2, echoNumber }, from: -30 + 0.02 * echoNumber })),
    ],
    ['echoes at different places', stack({ facts: (i) => ({ ...T2, echoNumber: 1 + (i % 2) }) })],
    ['dynamics at different places', stack({ facts: T2, frame: (i) => ({ temporalPosition: i }) })],
    ['an inversion time that varies', stack({ facts: (i) => ({ ...STIR, inversionTimeMs: 150 + i }) })],
    [
      'normals of both senses',
      [...stack({ facts: T2, count: 5 }), ...flipped(stack({ facts: T2, count: 5, from: 20 }))],
    ],
    [
      'slices acquired twice with nothing to tell them apart',
      [...stack({ facts: T2 }), ...stack({ facts: T2, count: 3, instance: 50 })],
    ],
    ['slices of different instance numbers that run backwards', stack({ facts: T2, step: -4, from: 30 })],
    ['images that have no series at all', stack({ facts: { ...T2, seriesInstanceUid: undefined } })],
  ])('%s', (_, units) => {
    expect(sizes(units)).toEqual([units.length]);
  });

  it('keeps images without geometry, in order, with the largest stack of their series', () => {
    const lost = stack({ count: 2, instance: 8, facts: T2, frame: { position: undefined } });
    const damaged = stack({ count: 1, instance: 3, facts: T2, frame: { orientation: [0, 0, 0, 0, 0, 0] } });
    const other = stack({ count: 2, series: '1.2.4', facts: T2, frame: { orientation: undefined } });
    const units = [
      ...stack({ facts: T2, count: 7 }),
      ...stack({ facts: T2, count: 4, orientation: AXIAL, instance: 20 }),
      ...lost,
      ...damaged,
      ...other,
    ];
    const { stacks } = sortOut(units);
    expect(stacks.map(({ units: members }) => members.length)).toEqual([10, 4, 2]);
    expect(stacks[0]!.units).toEqual(expect.arrayContaining([...lost, ...damaged]));
    const numbers = stacks[0]!.units.map(({ facts }) => facts.instanceNumber!);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(stacks[2]!.assessment).toMatchObject({ kind: undefined, rejection: 'kind_unknown' });
  });
});

describe('several stacks', () => {
  it.each<[string, NamedUnit[], unknown[]]>([
    [
      'series in one folder',
      [
        ...stack({ facts: T2, series: '1.1' }),
        ...stack({ facts: T1, series: '1.2' }),
        ...stack({ facts: T2, orientation: AXIAL, series: '1.3' }),
      ],
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t1'],
        [15, 'axial_t2'],
      ],
    ],
    [
      'the same scan under two UIDs',
      [...stack({ facts: T2, series: '1.1' }), ...stack({ facts: T2, series: '1.2' })],
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'a sagittal and an axial one of one series',
      [...stack({ facts: T2 }), ...stack({ facts: T2, orientation: AXIAL, instance: 20 })],
      [
        [15, 'sagittal_t2'],
        [15, 'axial_t2'],
      ],
    ],
    [
      'matrices',
      [...stack({ facts: T2 }), ...stack({ facts: { ...T2, rows: 512, columns: 512 }, instance: 20, count: 5 })],
      [
        [15, 'sagittal_t2'],
        [5, 'sagittal_t2'],
      ],
    ],
    [
      'rows and columns that change places',
      [...stack({ facts: { ...T2, rows: 512 } }), ...stack({ facts: { ...T2, columns: 512 }, instance: 20, count: 5 })],
      [
        [15, 'sagittal_t2'],
        [5, 'sagittal_t2'],
      ],
    ],
    [
      'two echoes, by time',
      [...stack({ facts: { ...T2, echoTimeMs: 20 } }), ...stack({ facts: { ...T2, echoTimeMs: 100 }, instance: 20 })],
      [
        [15, 'other_contrast'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'two echoes within 0.01 mm',
      [...stack({ facts: { ...T2, echoNumber: 1 } }), ...stack({ facts: { ...T2, echoNumber: 2 }, from: -29.993 })],
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'two echoes, by number',
      [...stack({ facts: { ...T2, echoNumber: 1 } }), ...stack({ facts: { ...T2, echoNumber: 2 }, instance: 20 })],
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'echoes of frames in one file',
      [...stack({ facts: T2, frame: { echoTimeMs: 80 } }), ...stack({ facts: T2, frame: { echoTimeMs: 120 } })],
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'dynamics',
      [0, 1, 2].flatMap((t) => stack({ facts: T2, frame: { temporalPosition: t }, instance: 1 + 20 * t })),
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'two echoes of three dynamics',
      [0, 1, 2, 3, 4, 5].flatMap((n) =>
        stack({
          facts: { ...T2, echoTimeMs: 80 + 10 * (n % 2) },
          frame: { temporalPosition: n >> 1 },
          instance: 1 + 20 * n,
        }),
      ),
      Array(6).fill([15, 'sagittal_t2']),
    ],
    [
      'acquisitions at the same places',
      [1, 2].flatMap((acquisitionNumber) =>
        stack({ facts: { ...T2, acquisitionNumber }, instance: 20 * acquisitionNumber }),
      ),
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'interleaved acquisitions, twice',
      [0, 1].flatMap((again) =>
        stack({ facts: (i) => ({ ...T2, acquisitionNumber: 2 * again + (i % 2) }), instance: 1 + 20 * again }),
      ),
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'in phase and water of a Dixon',
      ['IN_PHASE', 'WATER'].flatMap((value, n) =>
        stack({ facts: { ...T2, imageType: ['DERIVED', 'PRIMARY', 'DIXON', value] }, instance: 1 + 20 * n }),
      ),
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
    [
      'inversion times',
      [160, 900].flatMap((inversionTimeMs, n) =>
        stack({ facts: { ...STIR, echoTimeMs: 25, inversionTimeMs }, instance: 1 + 20 * n }),
      ),
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t1'],
      ],
    ],
    [
      'T1 and T2 that an anonymiser gave one UID, at different places',
      [...stack({ facts: T2 }), ...stack({ facts: T1, from: -28.7, instance: 20, count: 14 })],
      [
        [15, 'sagittal_t2'],
        [14, 'sagittal_t1'],
      ],
    ],
    [
      'series without UIDs, by number and description',
      [
        ...stack({ facts: { ...T2, seriesInstanceUid: undefined, seriesNumber: 3 } }),
        ...stack({ facts: { ...T2, seriesInstanceUid: undefined, seriesNumber: 4 }, from: -28.7 }),
      ],
      [
        [15, 'sagittal_t2'],
        [15, 'sagittal_t2'],
      ],
    ],
  ])('%s', (_, units, expected) => {
    expect(kinds(units)).toEqual(expected);
  });

  it('has a localizer in what one sequence made in three planes, whatever it is called', () => {
    const facts = { ...T2, seriesDescription: 'T2 HASTE' };
    const units = [SAGITTAL, AXIAL, CORONAL].flatMap((orientation, n) =>
      stack({ orientation, count: 5, instance: 1 + 5 * n, facts }),
    );
    expect(kinds(units)).toEqual(Array(3).fill([5, 'localizer']));
    // A study to which an anonymiser gave one UID has three planes of three sequences.
    const study = [T2, { ...T2, echoTimeMs: 90 }, STIR].flatMap((each, n) =>
      stack({ orientation: [SAGITTAL, AXIAL, CORONAL][n], instance: 1 + 20 * n, facts: each }),
    );
    expect(kinds(study)).toEqual([
      [15, 'sagittal_t2'],
      [15, 'axial_t2'],
      [15, 'other_plane'],
    ]);
  });
});

describe('any order of the images', () => {
  it.each<[string, NamedUnit[]]>([
    ['angled blocks, twice', [...blocks([-12, 0, 15, 30, 52]), ...blocks([-12, 0, 15, 30, 52], 100)]],
    [
      'a study in one folder',
      [
        ...stack({ facts: T2, series: '1.1' }),
        ...stack({ facts: T1, series: '1.2' }),
        ...blocks([0, 20, 45], 0, '1.3'),
        ...stack({ facts: { ...GRADIENT, seriesDescription: 'LOC' }, orientation: CORONAL, series: '1.4', count: 3 }),
        ...stack({ facts: { modality: 'OT', photometricInterpretation: 'RGB' }, series: '1.5', count: 2 }),
        ...stack({ facts: T2, series: '1.1', count: 2, instance: 40, frame: { position: undefined } }),
      ],
    ],
    [
      'echoes, dynamics and repeats',
      [0, 1, 2, 3].flatMap((n) =>
        stack({
          facts: { ...T2, echoNumber: n % 2 },
          frame: { temporalPosition: n >> 1 },
          instance: 1 + (n >> 1) * 20,
        }),
      ),
    ],
    ['one instance number for all', stack({ facts: { ...T2, instanceNumber: 1, sopInstanceUid: '1.9' } })],
  ])('gives the same: %s', (_, units) => {
    for (const options of [{}, { described: 'sagittal_t2' }, { described: 'axial_t2', trusted: true }] as const) {
      const once = sortOut(units, options);
      expect([...once.stacks, ...once.rejected].flatMap((one) => one.units)).toHaveLength(units.length);
      for (let seed = 1; seed <= 6; seed++) expect(sortOut(shuffled(units, seed), options)).toEqual(once);
      expect(sortOut(units.toReversed(), options)).toEqual(once);
    }
  });

  it('gives one stack of the same kind when a stack is sorted out again, as stage 1 does', () => {
    const again = (n: number) => (n === 0 ? { acquisitionNumber: 9 } : {});
    const units = [
      ...[80, 100].flatMap((echoTimeMs, n) => stack({ facts: { ...T2, echoTimeMs }, instance: 1 + 20 * n })),
      // One slice once more, which only its acquisition tells apart.
      ...stack({ facts: (i) => ({ ...T2, echoTimeMs: 100, ...again(i) }), count: 1, from: -30, instance: 50 }),
      ...blocks([-12, 0, 15, 30, 52], 60),
      ...stack({ facts: T1, series: '1.9' }),
      ...stack({ facts: T1, series: '1.9', instance: 30, count: 2, frame: { position: undefined } }),
    ];
    const once = sortOut(units).stacks;
    expect(once.map(({ units: members }) => members.length)).toEqual([15, 15, 1, 20, 17]);
    for (const { units: members, assessment } of once) {
      for (const options of [{}, { described: assessment.kind }]) {
        const { stacks, rejected } = sortOut(members, options);
        expect(rejected).toEqual([]);
        expect(stacks).toMatchObject([{ units: members, assessment: { kind: assessment.kind, contradictions: [] } }]);
      }
    }
  });

  it('gives every image back as it was, once', () => {
    const units = [...stack({ facts: T2 }), ...stack({ facts: { modality: 'CT' }, count: 3, series: '1.9' })];
    const { stacks, rejected } = sortOut(units);
    const back = [...stacks, ...rejected].flatMap((one) => one.units);
    expect(new Set(back)).toEqual(new Set(units));
  });

  it('has nothing to sort out of nothing', () => {
    expect(sortOut([])).toEqual({ stacks: [], rejected: [] });
    expect(sortOut([], { described: 'axial_t2' })).toEqual({ stacks: [], rejected: [] });
  });
});

it('makes something of any values, and loses no image', () => {
  const values = [undefined, NaN, Infinity, -Infinity, 0, -0, 1e-320, 1e300, -1e300, 0.5, 1, -1, 7];
  const texts = [undefined, '', ' ', 'T2', '\0', '__proto__', 'constructor', '3', 'ł'.repeat(99), 'SAG T1 LOC'];
  let state = 1;
  const pick = <T>(from: readonly T[]): T => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return from[Math.floor((state / 2 ** 32) * from.length)]!;
  };
  const vector = (length: number) => Array.from({ length }, () => pick(values) ?? 0);
  for (let round = 0; round < 150; round++) {
    const units = Array.from({ length: 12 }, () => {
      const [unit] = stack({
        count: 1,
        frame: {
          position: pick([undefined, vector(3) as never]),
          orientation: pick([undefined, SAGITTAL, AXIAL, vector(6) as never]),
          spacing: pick([undefined, vector(2) as never]),
          temporalPosition: pick(values),
        },
        facts: {
          echoTimeMs: pick(values),
          repetitionTimeMs: pick(values),
          inversionTimeMs: pick(values),
          flipAngle: pick(values),
          instanceNumber: pick(values),
          seriesInstanceUid: pick(texts),
          seriesDescription: pick(texts),
          protocolName: pick(texts),
          studyDescription: pick(texts),
          bodyPartExamined: pick(texts),
          acquisitionContrast: pick(texts),
          imageType: [pick(texts) ?? '', '', pick(texts) ?? ''],
          scanningSequence: [pick(texts) ?? 'SE'],
          photometricInterpretation: pick([undefined, '', 'MONOCHROME2', 'x']),
          modality: pick([undefined, '', 'MR', 'x']),
          rows: pick(values),
        },
      });
      return unit!;
    });
    for (const options of [{}, { described: 'axial_t2' }, { described: 'sagittal_t1', trusted: true }] as const) {
      const { stacks, rejected } = sortOut(units, options);
      const back = [...stacks, ...rejected].flatMap((one) => one.units);
      expect(back).toHaveLength(12);
      expect(new Set(back)).toEqual(new Set(units));
      for (const { assessment } of stacks) {
        expect(Object.values(assessment.preference).every(Number.isFinite)).toBe(true);
        expect((assessment.kind === undefined) !== (assessment.rejection === undefined)).toBe(true);
      }
    }
  }
});

describe('ten thousand images take about four times as long as 2,500', () => {
  const facts = (n: number) => ({ ...T2, seriesDescription: 'SAG T2', instanceNumber: n });
  const each = (unit: (n: number, count: number) => Parameters<typeof stack>[0]) => (count: number) =>
    Array.from({ length: count }, (_, n) => stack({ count: 1, ...unit(n, count) })[0]!);

  /** Processor time in seconds. */
  function secondsFor(units: NamedUnit[]): number {
    const started = process.cpuUsage();
    const { stacks } = sortOut(units);
    const { user, system } = process.cpuUsage(started);
    expect(stacks.reduce((sum, { units: members }) => sum + members.length, 0)).toBe(units.length);
    return (user + system) / 1e6;
  }

  it.each<[string, (count: number) => NamedUnit[]]>([
    ['at different places', (count) => stack({ count, step: 0.5, facts })],
    ['all at one place', (count) => stack({ count, step: 0, facts })],
    [
      'dynamics of 30 slices',
      each((n) => ({ from: n % 30, facts: facts(n), frame: { temporalPosition: Math.floor(n / 30) } })),
    ],
    [
      'an acquisition number each, at one place',
      each((n) => ({ from: 0, facts: { ...facts(n), acquisitionNumber: n } })),
    ],
    [
      'an acquisition number each, places twice',
      each((n, count) => ({ from: n % (count / 2), facts: { ...facts(n), acquisitionNumber: n } })),
    ],
    ['a plane each', each((n, count) => ({ orientation: turned(n, count), facts: facts(n) }))],
    ['a series each', each((n) => ({ series: `1.${n}`, facts: facts(n) }))],
    ['a description each', each((n) => ({ facts: { ...facts(n), seriesDescription: `SAG T2 ${n}` } }))],
  ])('%s', (_, make) => {
    const few = secondsFor(shuffled(make(2500), 7));
    // An algorithm that compares all pairs takes sixteen times as long. The rest is for a busy machine.
    expect(secondsFor(shuffled(make(10_000), 7))).toBeLessThan(8 * few + 0.2);
  });
});

/** Axial blocks of four slices, one a disc, each turned about the left-right axis. */
function blocks(degrees: readonly number[], instance = 0, series = '1.2.3'): NamedUnit[] {
  return degrees.flatMap((angle, n) => tiltedBlock(angle, 4, 30 * n, 1 + instance + 4 * n, series));
}

function tiltedBlock(degrees: number, count: number, down: number, instance = down + 1, series = '1.2.3'): NamedUnit[] {
  return stack({ orientation: tilted(degrees), count, from: -down, step: -4, instance, series, facts: T2 });
}

/** The same slices written from the other side. */
function flipped(units: readonly NamedUnit[]): NamedUnit[] {
  return units.map((unit) => ({ ...unit, frame: { ...unit.frame, orientation: [0, -1, 0, 0, 0, -1] } }));
}

/** The nth of so many orientations all over the sphere. */
function turned(n: number, count: number): [number, number, number, number, number, number] {
  const z = 1 - (2 * n + 1) / count;
  const angle = n * 2.399963;
  const r = Math.sqrt(1 - z * z);
  const normal = [r * Math.cos(angle), r * Math.sin(angle), z] as const;
  const flat = Math.hypot(normal[0], normal[1]);
  const row = [-normal[1] / flat, normal[0] / flat, 0] as const;
  const column = [-normal[2] * row[1], normal[2] * row[0], normal[0] * row[1] - normal[1] * row[0]] as const;
  return [...row, ...column];
}
