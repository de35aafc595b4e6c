/**
 * What stage 1 makes of entries that hold more, less or other than one plain series: the kinds of fault, not their
 * examples.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StudyEntry } from '../dataset/index.ts';
import type { Flag, FlagCode } from '../domain/index.ts';
import { TURNS } from '../geometry/canonical-orientation.ts';
import { turnImage } from '../imaging/index.ts';
import { type IndexedStudy, indexStudy } from '../stages/index-study.ts';
import { randomNumbers, TEST_DATA } from './imaging-reference.ts';
import { plainValues } from './support/plain-pixels.ts';
import {
  axialStack,
  dicomSlice,
  type SeriesSpec,
  type SliceSpec,
  sagittalStack,
  smallStudy,
  UID_ROOT,
} from './support/small-study.ts';
import { turnPlane } from './support/turn-plane.ts';

const T2 = { series: '11', kind: 'sagittal_t2' } as const;
const AX = { series: '13', kind: 'axial_t2' } as const;
const SAMPLES = join(TEST_DATA, 'transfer-syntaxes');
/** Large enough for five levels. */
const LARGE = { PixelSpacing: [20, 20] } as const;

async function indexed(series: readonly SeriesSpec[], change = (study: StudyEntry) => study): Promise<IndexedStudy> {
  const { study, files } = smallStudy(series);
  return indexStudy(change(study), files);
}
const flagsOf = ({ index }: IndexedStudy, code: FlagCode): Flag[] => index.flags.filter((flag) => flag.code === code);
const seriesOf = ({ index }: IndexedStudy) =>
  index.series.map(({ series, kind, used, slices }) => [series, kind, used, slices.length]);

const colour = dicomSlice({
  Modality: 'OT',
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.7',
  SamplesPerPixel: 3,
  PhotometricInterpretation: 'RGB',
  BitsAllocated: 8,
  BitsStored: 8,
  HighBit: 7,
  PixelData: new Uint8Array(8 * 6 * 3),
});
const localizer = { SeriesDescription: 'LOCALIZER', SeriesInstanceUID: `${UID_ROOT}.9`, InstanceNumber: 1 };

describe('foreign images in an entry', () => {
  it.each<[string, SliceSpec, RegExp]>([
    ['a colour capture', colour, /capture|colour|Modality/],
    ['a localizer', { ...localizer, ...LARGE }, /localizer/],
    ['a CT slice', { Modality: 'CT', ...LARGE }, /Modality CT/],
    ['an ADC map', { ImageType: ['DERIVED', 'PRIMARY', 'ADC'], ...LARGE }, /ADC/],
  ])('%s that sorts first is left out and listed, whatever the entry is called', async (_, foreign, reason) => {
    for (const described of [{ series: '11' }, T2]) {
      const timing = { EchoTime: 105, RepetitionTime: 3500, ScanningSequence: 'SE', ...LARGE };
      const study = await indexed([{ ...described, slices: [foreign, ...sagittalStack(6, { more: timing })] }]);
      expect(seriesOf(study)).toEqual([['11', 'sagittal_t2', true, 6]]);
      expect(study.index.rejected).toMatchObject([{ series: '11', images: 1, reason: expect.stringMatching(reason) }]);
      expect(flagsOf(study, 'slice_rejected')).toMatchObject([{ series: '11', detail: expect.stringMatching(reason) }]);
    }
  });

  it('a report beside the images is no unreadable slice', async () => {
    const report = dicomSlice({
      Modality: 'SR',
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.11',
      Rows: undefined,
      Columns: undefined,
      PixelData: undefined,
      NumberOfFrames: undefined,
    });
    const study = await indexed([{ ...T2, slices: [report, report, ...sagittalStack(5, { more: LARGE })] }]);
    expect(flagsOf(study, 'slice_unreadable')).toEqual([]);
    expect(study.index.rejected).toMatchObject([{ series: '11', images: 2, rejection: 'capture' }]);
    expect(flagsOf(study, 'slice_rejected')).toMatchObject([{ detail: expect.stringMatching(/^2 objects: /) }]);
  });

  it('a study of which everything is foreign fails with every reason, and is not tried again', async () => {
    const ct = sagittalStack(5, { more: { Modality: 'CT', ...LARGE } });
    await expect(
      indexed([
        { ...T2, slices: ct },
        { ...AX, slices: [colour] },
      ]),
    ).rejects.toMatchObject({
      code: 'STUDY_WITHOUT_SERIES',
      kind: 'permanent',
      context: { found: expect.stringMatching(/series 11 \(5 images\): .*CT.* \| series 13 \(1 image\)/) },
    });
    const rejected = [{ series: 'k', images: 30, rejection: 'not_lumbar', reason: 'the word "knee"' }] as const;
    await expect(
      indexed([], (study) => ({ ...study, rejected: rejected as unknown as StudyEntry['rejected'] })),
    ).rejects.toMatchObject({
      code: 'STUDY_WITHOUT_SERIES',
      context: { found: 'series k (30 images): the word "knee"' },
    });
  });
});

describe('a study whose images are gone', () => {
  it('says so, and not that its localizer is no series', async () => {
    const rejected = [{ series: 'loc', images: 9, rejection: 'localizer', reason: 'the word "localizer"' }] as const;
    const gone = { code: 'FILES_MISSING', message: '21 of 21 files of the manifest are not there' } as const;
    await expect(
      indexed([{ ...T2, slices: [] }], (study) => ({
        ...study,
        series: study.series.map((one) => ({ ...one, problems: [gone] })),
        rejected: rejected as unknown as StudyEntry['rejected'],
      })),
    ).rejects.toMatchObject({ code: 'STUDY_WITHOUT_IMAGES', context: { found: gone.message } });
  });

  it('with nothing but CT is told that no manifest can overrule that', async () => {
    const ct = sagittalStack(5, { more: { Modality: 'CT', ...LARGE } });
    await expect(indexed([{ ...T2, slices: ct }])).rejects.toMatchObject({
      context: { hint: expect.stringContaining('cannot overrule') },
    });
  });
});

describe('several series in one entry', () => {
  const second = { SeriesInstanceUID: `${UID_ROOT}.6`, ...LARGE };

  it('two scans in one folder are two stacks, never one of double length', async () => {
    const again = sagittalStack(7, { fromX: -11, more: second });
    const study = await indexed([{ ...T2, slices: [...sagittalStack(6, { more: LARGE }), ...again] }]);
    expect(seriesOf(study)).toEqual([
      ['11', 'sagittal_t2', true, 7],
      ['11-2', 'sagittal_t2', false, 6],
    ]);
    expect(flagsOf(study, 'series_split')).toHaveLength(1);
    expect(flagsOf(study, 'series_not_used')).toMatchObject([
      { series: '11-2', detail: expect.stringMatching(/^series 11 was read: /) },
    ]);
  });

  it.each([
    ['echoes', { EchoTime: 20, EchoNumbers: 1 }, { EchoTime: 105, EchoNumbers: 2 }],
    ['temporal positions', { TemporalPositionIdentifier: 1 }, { TemporalPositionIdentifier: 2 }],
    ['acquisitions', { AcquisitionNumber: 1 }, { AcquisitionNumber: 2 }],
  ] as const)('%s at the same places are told apart', async (_, one, other) => {
    const slices = [one, other].flatMap((more, i) =>
      sagittalStack(5, { instances: [1, 2, 3, 4, 5].map((n) => n + 10 * i), more: { ...LARGE, ...more } as never }),
    );
    const study = await indexed([{ ...T2, slices }]);
    for (const { slices: read } of study.index.series) {
      expect(new Set(read.map(({ position }) => position[0])).size).toBe(read.length);
      expect(new Set(read.map(({ instance }) => instance > 10)).size).toBe(1);
    }
    expect(flagsOf(study, 'slice_repeated')).toEqual([]);
  });

  it('sagittal and axial stacks of one UID become a series each', async () => {
    const timing = { EchoTime: 100, RepetitionTime: 3000, ScanningSequence: 'SE', ...LARGE };
    const slices = [...sagittalStack(6, { more: timing }), ...axialStack(5, { more: timing })];
    const study = await indexed([{ series: 'both', slices }]);
    expect(seriesOf(study)).toEqual([
      ['both', 'sagittal_t2', true, 6],
      ['both-2', 'axial_t2', true, 5],
    ]);
  });
});

describe('images of several studies in one study', () => {
  it('are flagged, since nobody can tell whose severities these are', async () => {
    const mine = sagittalStack(5, { more: LARGE });
    const others = sagittalStack(5, { more: { ...LARGE, StudyInstanceUID: `${UID_ROOT}.44` } });
    const study = await indexed([
      { ...T2, slices: mine },
      { series: '12', kind: 'sagittal_t1', slices: others },
    ]);
    expect(flagsOf(study, 'study_uids_differ')).toEqual([{ code: 'study_uids_differ', detail: '2 different ones' }]);
    expect(JSON.stringify(study.index)).not.toContain(UID_ROOT);
    expect(flagsOf(await indexed([{ ...T2, slices: mine }]), 'study_uids_differ')).toEqual([]);
  });

  it('are flagged as what they are if some carry no StudyInstanceUID', async () => {
    const anonymous = sagittalStack(5, { more: { ...LARGE, StudyInstanceUID: undefined } });
    const study = await indexed([
      { ...T2, slices: sagittalStack(5, { more: LARGE }) },
      { series: '12', kind: 'sagittal_t1', slices: anonymous },
    ]);
    expect(flagsOf(study, 'study_uids_differ')).toMatchObject([{ detail: 'one, and images without one' }]);
  });
});

describe('descriptions against headers', () => {
  const t1 = { EchoTime: 11, RepetitionTime: 560, ScanningSequence: 'SE', ...LARGE };

  it('a described T2 whose timing is clearly T1 is read as T1, and flagged', async () => {
    const study = await indexed([{ ...T2, slices: sagittalStack(5, { more: t1 }) }]);
    expect(seriesOf(study)).toEqual([['11', 'sagittal_t1', true, 5]]);
    expect(flagsOf(study, 'description_contradicts_header')).toHaveLength(1);
  });

  it('a trusted description wins, and is flagged all the same', async () => {
    const study = await indexed([{ ...T2, slices: sagittalStack(5, { more: t1 }) }], (one) => ({
      ...one,
      series: one.series.map((series) => ({ ...series, trust: 'description' as const })),
    }));
    expect(seriesOf(study)).toEqual([['11', 'sagittal_t2', true, 5]]);
    expect(flagsOf(study, 'description_contradicts_header').length).toBeGreaterThan(0);
  });

  it('an axial "T2" of T1 timing is left out with the reason, and the contradiction told', async () => {
    const study = await indexed([
      { ...T2, slices: sagittalStack(5, { more: LARGE }) },
      { ...AX, slices: axialStack(5, { more: { ...t1, EchoTime: 10, RepetitionTime: 520 } }) },
    ]);
    expect(seriesOf(study)).toEqual([['11', 'sagittal_t2', true, 5]]);
    expect(flagsOf(study, 'series_kind_unknown')).toMatchObject([
      { series: '13', detail: expect.stringMatching(/axial T1/) },
    ]);
    expect(flagsOf(study, 'description_contradicts_header')).toMatchObject([{ series: '13' }]);
  });
});

describe('one odd file', () => {
  it('costs that file and is named, wherever it is cut', async () => {
    const whole = dicomSlice({ InstanceNumber: 9, ImagePositionPatient: [30, -3, 4], ...LARGE });
    for (let length = 0; length < whole.length; length += 13) {
      const study = await indexed([
        { ...T2, slices: [...sagittalStack(5, { more: LARGE }), whole.subarray(0, length)] },
      ]);
      expect(seriesOf(study)).toEqual([['11', 'sagittal_t2', true, 5]]);
      const [flag, ...more] = [...flagsOf(study, 'slice_unreadable'), ...flagsOf(study, 'slice_not_placed')];
      expect(more).toEqual([]);
      expect(JSON.stringify(flag)).toContain('6.dcm');
    }
  });

  it('of every transfer syntax costs that file and is named, wherever it is cut', async ({ skip }) => {
    skip(!existsSync(SAMPLES), 'no ../shared/data/transfer-syntaxes here');
    const random = randomNumbers(17);
    const names = readdirSync(SAMPLES).filter((name) => !name.endsWith('.json'));
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const whole = readFileSync(join(SAMPLES, name));
      const early = Array.from({ length: 15 }, () => Math.floor(random() * Math.min(2500, whole.length)));
      const anywhere = Array.from({ length: 5 }, () => Math.floor(random() * whole.length));
      for (const length of [...early, ...anywhere]) {
        const slices = [...sagittalStack(5, { more: LARGE }), whole.subarray(0, length)];
        const { index } = await indexed([{ ...T2, slices }]);
        expect(
          index.series.some((one) => one.used && one.kind === 'sagittal_t2' && one.slices.length >= 5),
          `${name}, ${length} bytes`,
        ).toBe(true);
        const named = JSON.stringify([index.flags, index.series]).includes('6.dcm') || index.rejected !== undefined;
        expect(named, `${name}, ${length} bytes`).toBe(true);
      }
    }
  });

  it('of a series without a description is named, with its reason', async () => {
    const study = await indexed([
      { ...T2, slices: sagittalStack(5, { more: LARGE }) },
      { series: '99', slices: [Buffer.from('?'.repeat(300)), dicomSlice().subarray(0, 200)] },
    ]);
    expect(flagsOf(study, 'series_unreadable')).toMatchObject([
      { series: '99', instance: '1.dcm', detail: expect.stringMatching(/^no file of it could be read; the first: \w/) },
    ]);
  });

  it('beside foreign images is not called all that there is', async () => {
    const scouts = Array.from({ length: 4 }, () => ({ ...localizer, ...LARGE }));
    const study = await indexed([
      { ...T2, slices: sagittalStack(5, { more: LARGE }) },
      { series: '98', slices: [...scouts, dicomSlice().subarray(0, 200)] },
    ]);
    expect(flagsOf(study, 'series_unreadable')).toMatchObject([
      { series: '98', detail: expect.stringMatching(/^1 file of it could not be read; the first: \w/) },
    ]);
  });

  it('repeats no free text of a header, whatever attribute it is in', async () => {
    const report = dicomSlice({ Modality: 'Doe^Jane 1960', Rows: undefined, Columns: undefined, PixelData: undefined });
    const study = await indexed([{ ...T2, slices: [report, ...sagittalStack(5, { more: LARGE })] }]);
    expect(JSON.stringify(study.index)).not.toContain('Jane');
    expect(study.index.rejected).toHaveLength(1);
  });

  it('whose padding would be every value has none, and says so', async () => {
    const all = { PixelPaddingValue: 0, PixelPaddingRangeLimit: 65535, ...LARGE };
    const study = await indexed([{ ...T2, slices: sagittalStack(5, { more: all }) }]);
    expect(study.sagittal.sagittal_t2!.every(({ image }) => image().padding === undefined)).toBe(true);
    expect(flagsOf(study, 'value_repaired')).toMatchObject([{ detail: expect.stringMatching(/every value/) }]);
  });

  it('with values against the standard is read, and flagged with an example', async () => {
    const slices = sagittalStack(5, { more: { PixelSpacing: '20,5\\20,5' } });
    const study = await indexed([{ ...T2, slices }]);
    expect(study.index.series[0]!.slices[0]!.spacing).toEqual([20.5, 20.5]);
    expect(flagsOf(study, 'value_repaired')).toMatchObject([
      { series: '11', detail: expect.stringMatching(/^5 files, such as PixelSpacing .*20,5/) },
    ]);
  });

  it('whose value cannot be used is dropped, and the value is shown', async () => {
    const slices = sagittalStack(5, { more: LARGE }).map((slice, i) =>
      i === 2 ? { ...slice, PixelSpacing: 'fine\\coarse' } : slice,
    );
    const study = await indexed([{ ...T2, slices }]);
    expect(flagsOf(study, 'slice_not_placed')).toMatchObject([
      { series: '11', instance: 3, detail: '3.dcm: no usable PixelSpacing (found "fine\\\\coarse")' },
    ]);
  });

  it('an S3 key with a stray per cent sign is a name like any other', async () => {
    const { study, files } = smallStudy([{ ...T2, slices: [...sagittalStack(5, { more: LARGE }), Buffer.from('no')] }]);
    const moved = new Map(
      [...files].map(([location, file]) => [location.replace('file:///images', 's3://b/50%_x'), file]),
    );
    const series = study.series.map((one) => ({
      ...one,
      instances: one.instances.map((instance, i) => ({
        ...instance,
        location: `${instance.location.replace('file:///images', 's3://b/50%_x')}${i === 5 ? '%' : ''}`,
      })),
    }));
    moved.set('s3://b/50%_x/1001/11/6.dcm%', Buffer.from('no'));
    const found = await indexStudy({ ...study, series }, moved);
    expect(flagsOf(found, 'slice_unreadable')).toMatchObject([{ instance: '6.dcm%' }]);
    expect(seriesOf(found)).toEqual([['11', 'sagittal_t2', true, 5]]);
  });
});

describe('stored orientation', () => {
  const upright = sagittalStack(5, { more: LARGE });

  it.each(TURNS.slice(1))('%o: pixels come upright, the index keeps what is stored', async (turn) => {
    const undo = turn.transpose ? { ...turn, flipX: turn.flipY, flipY: turn.flipX } : turn;
    const slices = upright.map((slice): SliceSpec => {
      const data = Float32Array.from({ length: 48 }, (_, i) => slice.shade + i);
      const image = turnImage({ data, height: 8, width: 6 }, undo);
      const plane = turnPlane(
        {
          rows: 8,
          columns: 6,
          position: slice.ImagePositionPatient as unknown as [number, number, number],
          orientation: [0, 1, 0, 0, 0, -1],
          spacing: [20, 20],
        },
        undo,
      );
      return {
        ...slice,
        Rows: plane.rows,
        Columns: plane.columns,
        ImagePositionPatient: [...plane.position],
        ImageOrientationPatient: [...plane.orientation],
        PixelData: new Uint8Array(Uint16Array.from(image.data).buffer),
      };
    });
    const study = await indexed([{ ...T2, slices }]);
    expect(study.index.series[0]!.slices[0]).toMatchObject({
      rows: turn.transpose ? 6 : 8,
      columns: turn.transpose ? 8 : 6,
      turn,
    });
    for (const [i, slice] of study.sagittal.sagittal_t2!.entries()) {
      const image = slice.image();
      expect([image.height, image.width]).toEqual([8, 6]);
      expect([...plainValues(image.data)]).toEqual(Array.from({ length: 48 }, (_, at) => upright[i]!.shade + at));
    }
    const odd = (Number(turn.transpose) + Number(turn.flipX) + Number(turn.flipY)) % 2 === 1;
    const code = odd ? 'orientation_mirrored' : 'orientation_turned';
    expect(study.index.flags).toEqual(
      [{ code, kind: 'sagittal_t2', series: '11', detail: '5 of 5 slices' }].concat([
        { code: 'series_kind_missing', kind: 'sagittal_t1' },
        { code: 'series_kind_missing', kind: 'axial_t2' },
      ] as never),
    );
  });
});
