/**
 * The description of a series against its header: which one counts, and that every contradiction is reported. The rule
 * is docs/decisions/0020-descriptions-and-headers.md.
 */

import { describe, expect, it } from 'vitest';
import { KINDS, type Kind } from '../domain/index.ts';
import { sortOut } from '../series/index.ts';
import {
  AXIAL,
  CORONAL,
  type Facts,
  GRADIENT,
  type NamedUnit,
  type Orientation,
  SAGITTAL,
  STIR,
  stack,
  T1,
  T2,
} from './support/series-units.ts';

const assess = (described: Kind, facts: Facts, orientation: Orientation = SAGITTAL, trusted = false) =>
  sortOut(stack({ facts, orientation }), { described, trusted }).stacks[0]!.assessment;

const UNCLEAR: Facts = { echoTimeMs: 81, repetitionTimeMs: 1000, scanningSequence: ['SE'] };
const PLANAR: Facts = { echoTimeMs: 35, repetitionTimeMs: 1000, scanningSequence: ['EP', 'GR'] };
const emptied: Facts = {
  sopClassUid: undefined,
  modality: undefined,
  imageType: [],
  photometricInterpretation: undefined,
};

describe('a description that the header bears out', () => {
  it.each<[Kind, string, Facts, Orientation]>([
    ['sagittal_t2', 'T2', T2, SAGITTAL],
    ['sagittal_t2', 'STIR', STIR, SAGITTAL],
    ['sagittal_t1', 'T1', T1, SAGITTAL],
    ['axial_t2', 'T2', T2, AXIAL],
    ['axial_t2', 'a single shot of long echo and short repetition time', UNCLEAR, AXIAL],
    [
      'sagittal_t2',
      'a STIR of which the inversion was taken away',
      { echoTimeMs: 45, repetitionTimeMs: 4000 },
      SAGITTAL,
    ],
    ...KINDS.map((kind): [Kind, string, Facts, Orientation] => [
      kind,
      'nothing',
      emptied,
      kind === 'axial_t2' ? AXIAL : SAGITTAL,
    ]),
  ])('%s over %s is read without a contradiction', (described, _, facts, orientation) => {
    expect(assess(described, facts, orientation)).toMatchObject({
      kind: described,
      rejection: undefined,
      contradictions: [],
    });
  });

  it('is a reason', () => {
    expect(assess('sagittal_t1', emptied).reasons).toEqual(['sagittal by its planes', 'described as Sagittal T1']);
    expect(assess('sagittal_t1', T1).reasons).toContain('T1: EchoTime 11 ms, RepetitionTime 560 ms');
  });
});

describe('a description that the header contradicts', () => {
  it.each<[string, Kind, Facts, Orientation, string, RegExp]>([
    // Clear timing wins.
    [
      'T1 that is T2',
      'sagittal_t1',
      T2,
      SAGITTAL,
      'sagittal_t2',
      /described as Sagittal T1, but EchoTime 105 ms.* is T2/,
    ],
    ['T1 that is STIR', 'sagittal_t1', STIR, SAGITTAL, 'sagittal_t2', /InversionTime 160 ms is T2/],
    ['T2 that is T1', 'sagittal_t2', T1, SAGITTAL, 'sagittal_t1', /described as Sagittal T2\/STIR, but .* is T1/],
    [
      'an axial T2 with TE 10 and TR 520',
      'axial_t2',
      { ...T1, echoTimeMs: 10, repetitionTimeMs: 520 },
      AXIAL,
      'other_plane',
      /described as Axial T2, but EchoTime 10 ms, RepetitionTime 520 ms is T1/,
    ],
    // The plane is the geometry's.
    [
      'axial that is sagittal',
      'axial_t2',
      T2,
      SAGITTAL,
      'sagittal_t2',
      /described as Axial T2, but its planes are sagittal/,
    ],
    ['sagittal that is axial', 'sagittal_t2', T2, AXIAL, 'axial_t2', /its planes are axial/],
    ['sagittal that is axial, of unknown timing', 'sagittal_t2', emptied, AXIAL, 'axial_t2', /its planes are axial/],
    ['sagittal T1 that is axial', 'sagittal_t1', T1, AXIAL, 'other_plane', /its planes are axial/],
    ['sagittal that is coronal', 'sagittal_t2', T2, CORONAL, 'other_plane', /its planes are coronal/],
    // Contradictions by unclear timing are reported.
    [
      'T1 with TE 81 and TR 1000',
      'sagittal_t1',
      UNCLEAR,
      SAGITTAL,
      'sagittal_t1',
      /EchoTime 81 ms, RepetitionTime 1000 ms is unusual for T1/,
    ],
    [
      'T2 of proton density',
      'sagittal_t2',
      { echoTimeMs: 30, repetitionTimeMs: 3000 },
      SAGITTAL,
      'sagittal_t2',
      /EchoTime 30 ms.* neither T1 nor T2/,
    ],
    ['T2 of a gradient echo', 'axial_t2', GRADIENT, AXIAL, 'axial_t2', /ScanningSequence GR.* neither T1 nor T2/],
    ['T2 of an echo-planar one', 'axial_t2', PLANAR, AXIAL, 'axial_t2', /ScanningSequence EP\\GR.* neither T1 nor T2/],
    ['T1 of likely T2', 'sagittal_t1', { echoTimeMs: 65, repetitionTimeMs: 1600 }, SAGITTAL, 'sagittal_t1', /means T2/],
    [
      'T2 that AcquisitionContrast says is T1',
      'sagittal_t2',
      { acquisitionContrast: 'T1' },
      SAGITTAL,
      'sagittal_t2',
      /AcquisitionContrast T1 means T1/,
    ],
    // Contradictions by words are reported.
    [
      'T2 that is named T1',
      'sagittal_t2',
      { seriesDescription: 'SAG T1' },
      SAGITTAL,
      'sagittal_t2',
      /the word "t1" in SeriesDescription means T1/,
    ],
    [
      'T2 that is named T1 and is T2',
      'sagittal_t2',
      { ...T2, seriesDescription: 'SAG T1' },
      SAGITTAL,
      'sagittal_t2',
      /the word "t1"/,
    ],
    [
      'T2 that is named diffusion',
      'sagittal_t2',
      { ...T2, seriesDescription: 'DWI' },
      SAGITTAL,
      'sagittal_t2',
      /the word "dwi"/,
    ],
    [
      'a localizer',
      'sagittal_t2',
      { ...T2, seriesDescription: 'loc' },
      SAGITTAL,
      'sagittal_t2',
      /the word "loc" in SeriesDescription means a localizer/,
    ],
    [
      'ImageType LOCALIZER',
      'sagittal_t2',
      { ...T2, imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] },
      SAGITTAL,
      'sagittal_t2',
      /ImageType LOCALIZER means a localizer/,
    ],
    [
      'ImageType MPR',
      'axial_t2',
      { ...T2, imageType: ['DERIVED', 'SECONDARY', 'MPR'] },
      AXIAL,
      'axial_t2',
      /ImageType MPR means images derived/,
    ],
    [
      'a brain',
      'sagittal_t1',
      { ...T1, bodyPartExamined: 'BRAIN' },
      SAGITTAL,
      'sagittal_t1',
      /the word "brain" in BodyPartExamined means another part/,
    ],
    [
      'a name of another plane',
      'sagittal_t2',
      { ...T2, seriesDescription: 'COR T2' },
      SAGITTAL,
      'sagittal_t2',
      /planes are sagittal, but the word "cor"/,
    ],
  ])('%s', (_, described, facts, orientation, expected, told) => {
    const { kind, rejection, contradictions } = assess(described, facts, orientation);
    expect(kind ?? rejection).toBe(expected);
    expect(
      contradictions.some((one) => told.test(one)),
      contradictions.join('; '),
    ).toBe(true);
  });

  it('says that an axial T1 is not read', () => {
    expect(assess('axial_t2', T1, AXIAL).reasons[0]).toBe('axial T1: of axial series only T2 is read');
  });

  it('is followed where there is no geometry, and where the planes are oblique to all', () => {
    expect(assess('sagittal_t2', T2, [0, 0, 0, 0, 0, 0]).kind).toBe('sagittal_t2');
    expect(assess('sagittal_t2', T2, [0.8, -0.6, 0, 0.36, 0.48, -0.8]).kind).toBe('sagittal_t2');
  });

  it.each<[string, Facts]>([
    ['Modality CT', { modality: 'CT' }],
    ['RGB', { photometricInterpretation: 'RGB' }],
    ['a capture', { sopClassUid: '1.2.840.10008.5.1.4.1.1.7' }],
  ])('never makes slices of %s, trusted or not', (_, facts) => {
    for (const trusted of [false, true]) {
      const { stacks, rejected } = sortOut(stack({ facts: { ...T2, ...facts } }), {
        described: 'sagittal_t2',
        trusted,
      });
      expect(stacks).toEqual([]);
      expect(rejected.map(({ units }) => units.length)).toEqual([15]);
    }
  });
});

describe('a description that a person trusts against the header', () => {
  it.each<[Kind, Facts, Orientation]>([
    ['sagittal_t1', T2, SAGITTAL],
    ['axial_t2', T1, AXIAL],
    ['sagittal_t2', { ...GRADIENT, seriesDescription: 'LOC', bodyPartExamined: 'KNEE' }, SAGITTAL],
    ['sagittal_t2', T2, CORONAL],
    ['axial_t2', T2, SAGITTAL],
    ['axial_t2', { ...T2, imageType: ['DERIVED', 'SECONDARY', 'MPR'] }, AXIAL],
  ])('%s is read, and told (%#)', (described, facts, orientation) => {
    const { kind, contradictions, reasons } = assess(described, facts, orientation, true);
    expect(kind).toBe(described);
    expect(contradictions.length).toBeGreaterThan(0);
    expect(reasons[0]).toMatch(/trusted against the header$/);
  });

  it('speaks of the images in its plane', () => {
    const units = [
      ...stack({ facts: { ...GRADIENT, seriesDescription: 'LOC' }, count: 5 }),
      ...stack({ facts: { ...GRADIENT, seriesDescription: 'LOC' }, count: 5, orientation: AXIAL, instance: 10 }),
    ];
    expect(kinds(units, 'sagittal_t2', true)).toEqual([
      [5, 'sagittal_t2'],
      [5, 'localizer'],
    ]);
  });
});

describe('a described entry that holds more than what is described', () => {
  const localizer = (more: Facts = { ...GRADIENT, seriesDescription: 'LOCALIZER' }) =>
    [SAGITTAL, AXIAL, CORONAL].flatMap((orientation, n) =>
      stack({ orientation, count: 1, instance: n, series: '1.0', facts: more }),
    );

  it('leaves out a localizer, by its words or by its planes', () => {
    const slices = stack({ facts: T2, series: '1.5' });
    const { stacks, rejected } = sortOut([...localizer(), ...slices], { described: 'sagittal_t2' });
    expect(stacks).toHaveLength(1);
    expect(stacks[0]).toMatchObject({ units: slices, assessment: { kind: 'sagittal_t2', contradictions: [] } });
    expect(rejected).toMatchObject([{ rejection: 'localizer', reason: 'the word "localizer" in SeriesDescription' }]);
    expect(kinds([...localizer(T2), ...slices], 'sagittal_t2')).toEqual([
      ...Array(3).fill([1, 'localizer']),
      [15, 'sagittal_t2'],
    ]);
    expect(kinds([...localizer(GRADIENT), ...slices], 'sagittal_t2').map(([, kind]) => kind)).not.toContain('axial_t2');
  });

  it.each<[string, Facts]>([
    ['a gradient echo', GRADIENT],
    ['diffusion', { ...T2, seriesDescription: 'DWI' }],
    ['a cervical spine', { ...T2, seriesDescription: 'SAG T2 HWS' }],
    ['a proton density', { seriesDescription: 'SAG PD' }],
  ])('leaves out %s beside it', (_, facts) => {
    const units = [...stack({ facts: T2, series: '1.1' }), ...stack({ facts, series: '1.2', count: 20 })];
    const [first, second] = kinds(units, 'sagittal_t2');
    expect(first).toEqual([15, 'sagittal_t2']);
    expect(second![1]).toMatch(/other_contrast|not_lumbar/);
    // Without other stacks it is the described one.
    expect(kinds(stack({ facts }), 'sagittal_t2')).toEqual([[15, 'sagittal_t2']]);
  });

  it('reads another series in the folder as what it is, and tells', () => {
    const units = [
      ...stack({ facts: T2, series: '1.1' }),
      ...stack({ facts: T1, series: '1.2' }),
      ...stack({ facts: T2, series: '1.3', orientation: AXIAL }),
    ];
    const { stacks } = sortOut(units, { described: 'sagittal_t2' });
    expect(stacks.map(({ assessment }) => assessment.kind)).toEqual(['sagittal_t2', 'sagittal_t1', 'axial_t2']);
    expect(stacks.map(({ assessment }) => assessment.contradictions.length)).toEqual([0, 1, 1]);
  });

  it('reads all stacks of its plane where headers say nothing', () => {
    const units = [1, 2].flatMap((n) => stack({ facts: emptied, series: `1.${n}`, orientation: AXIAL }));
    expect(kinds(units, 'axial_t2')).toEqual([
      [15, 'axial_t2'],
      [15, 'axial_t2'],
    ]);
  });
});

it('never repeats a free text, a UID or a name', () => {
  const secret: Facts = {
    seriesDescription: 'Doe John LOC SAG T1',
    protocolName: 'Doe John',
    studyDescription: 'Doe John MRI KNEE',
    bodyPartExamined: 'KNEE DOE',
    modality: 'MR',
    scanningSequence: ['SE', 'DOE'],
    imageType: ['DERIVED', 'SECONDARY', 'DOE'],
    acquisitionContrast: 'DOE',
  };
  for (const more of [
    {},
    { modality: 'DOE JOHN' },
    { photometricInterpretation: 'doe^john' },
    { sopClassUid: '1.9.DOE' },
  ]) {
    for (const options of [{}, ...KINDS.flatMap((described) => [{ described }, { described, trusted: true }])]) {
      const { stacks, rejected } = sortOut(stack({ facts: { ...T2, ...secret, ...more } }), options);
      const told = JSON.stringify([
        stacks.map((one) => one.assessment),
        rejected.map((one) => [one.rejection, one.reason]),
      ]);
      expect(told).not.toMatch(/doe|john|1\.2\.3/i);
    }
  }
});

function kinds(units: readonly NamedUnit[], described: Kind, trusted = false) {
  return sortOut(units, { described, trusted }).stacks.map(({ units: members, assessment }) => [
    members.length,
    assessment.kind ?? assessment.rejection,
  ]) as [number, string][];
}
