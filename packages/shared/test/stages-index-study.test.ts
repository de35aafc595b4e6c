/**
 * The series index of a study: its slices, their order, and its flags. Edge cases of docs/pipeline.md, "Order of
 * slices" and "Which series".
 */

import type { DicomDataset } from '@spineline/phantom/dicom-writer';
import { describe, expect, it } from 'vitest';
import { type Flag, type FlagCode, pixelCount } from '../domain/index.ts';
import { SeriesIndex } from '../stages/artefacts.ts';
import { type IndexedStudy, indexStudy } from '../stages/index-study.ts';
import { plainValues } from './support/plain-pixels.ts';
import {
  AXIAL,
  axialStack,
  dicomSlice,
  OTHER_FRAME,
  PATIENT_ID,
  PATIENT_NAME,
  SAGITTAL,
  type SeriesSpec,
  sagittalStack,
  smallStudy,
  UID_ROOT,
} from './support/small-study.ts';

const T2 = { series: '11', kind: 'sagittal_t2' } as const;
const T1 = { series: '12', kind: 'sagittal_t1' } as const;
const AX = { series: '13', kind: 'axial_t2' } as const;
const PLAIN = [
  { ...T2, slices: sagittalStack(7) },
  { ...T1, slices: sagittalStack(7) },
  { ...AX, slices: axialStack(7) },
];

function indexed(series: readonly SeriesSpec[]): Promise<IndexedStudy> {
  const { study, files } = smallStudy(series);
  return indexStudy(study, files);
}
function instancesOf({ index }: IndexedStudy, name: string): number[] | undefined {
  return index.series.find(({ series }) => series === name)?.slices.map(({ instance }) => instance);
}
function flagsOf({ index }: IndexedStudy, code: FlagCode): Flag[] {
  return index.flags.filter((flag) => flag.code === code);
}
const codesOf = ({ index }: IndexedStudy) => index.flags.map(({ code }) => code);
const without = (stack: (DicomDataset & { shade: number })[], place: number, keyword: string) =>
  stack.map((slice, i) => (i === place ? { ...slice, [keyword]: undefined } : slice));

describe('a plain study', () => {
  it('is indexed without a flag but that it is small, and the index passes its own schema', async () => {
    const study = await indexed(PLAIN);
    expect(codesOf(study)).toEqual(['coverage_short', 'coverage_short']);
    expect(flagsOf(study, 'coverage_short')).toMatchObject([{ series: '11' }, { series: '12' }]);
    expect(SeriesIndex.parse(JSON.parse(JSON.stringify(study.index)))).toEqual(study.index);
    expect(study.index.series.map(({ series, kind, used }) => [series, kind, used])).toEqual([
      ['11', 'sagittal_t2', true],
      ['12', 'sagittal_t1', true],
      ['13', 'axial_t2', true],
    ]);
  });

  it('keeps pixels of the sagittal series in use, in the order of the index, and of no others', async () => {
    const { sagittal } = await indexed(PLAIN);
    expect(Object.keys(sagittal)).toEqual(['sagittal_t2', 'sagittal_t1']);
    expect(sagittal.sagittal_t2!.map(({ image }) => plainValues(image().data)[0])).toEqual([
      100, 200, 300, 400, 500, 600, 700,
    ]);
    expect(sagittal.sagittal_t2![0]!.image()).toMatchObject({ height: 8, width: 6 });
  });

  it('leaves no UID, name or id of a patient in the index', async () => {
    const text = JSON.stringify((await indexed(PLAIN)).index);
    for (const secret of [UID_ROOT, PATIENT_NAME, PATIENT_ID, '1.2.840']) expect(text).not.toContain(secret);
  });
});

describe('the order of slices', () => {
  it('is from right to left and from head to feet whichever way instance numbers run', async () => {
    const study = await indexed([
      { ...T2, slices: sagittalStack(6, { instances: [6, 5, 4, 3, 2, 1] }).reverse() },
      { ...AX, slices: axialStack(6, { instances: [12, 10, 8, 6, 4, 2] }) },
    ]);
    expect(instancesOf(study, '11')).toEqual([6, 5, 4, 3, 2, 1]);
    expect(instancesOf(study, '13')).toEqual([12, 10, 8, 6, 4, 2]);
    const [t2, axial] = study.index.series;
    const rising = t2!.slices.map(({ position }) => position[0]);
    expect(rising).toEqual([...rising].sort((a, b) => a - b));
    const falling = axial!.slices.map(({ position }) => position[2]);
    expect(falling).toEqual([...falling].sort((a, b) => b - a));
  });

  it('takes gaps in the instance numbers as they are, and flags a gap in space', async () => {
    const stack = sagittalStack(8, { instances: [1, 2, 3, 40, 41, 42, 100, 101] });
    const numbers = await indexed([{ ...T2, slices: stack }]);
    expect(instancesOf(numbers, '11')).toEqual([1, 2, 3, 40, 41, 42, 100, 101]);
    expect(flagsOf(numbers, 'slice_gap')).toEqual([]);
    const space = await indexed([{ ...T2, slices: stack.filter((_, i) => i !== 3) }]);
    expect(flagsOf(space, 'slice_gap')).toMatchObject([
      { series: '11', instance: 3, detail: '8.0 mm to the next slice, usually 4.0 mm' },
    ]);
  });

  it('keeps the lowest instance number of repeated positions and flags the others', async () => {
    const stack = sagittalStack(6, { instances: [11, 12, 13, 14, 15, 16] });
    const again = stack.slice(2, 4).map((slice, i) => ({ ...slice, InstanceNumber: 3 + 20 * i, shade: 9000 }));
    const study = await indexed([{ ...T2, slices: [...stack, ...again] }]);
    expect(instancesOf(study, '11')).toEqual([11, 12, 3, 14, 15, 16]);
    expect(flagsOf(study, 'slice_repeated').map(({ instance }) => instance)).toEqual([13, 23]);
    expect(plainValues(study.sagittal.sagittal_t2![2]!.image().data)[0]).toBe(9000);
  });

  it('follows the normal of an oblique stack, where one coordinate alone would be wrong', async () => {
    // Sagittal slices turned by 40 degrees about the head-feet axis, each shifted along its own row direction.
    const [cos, sin] = [Math.cos((40 * Math.PI) / 180), Math.sin((40 * Math.PI) / 180)];
    const shifts = [0, 30, -25, 10, 28, -30];
    const slices = shifts.map((shift, i) => ({
      InstanceNumber: i + 1,
      ImageOrientationPatient: [-sin, cos, 0, 0, 0, -1],
      ImagePositionPatient: [4 * i * cos - shift * sin, 4 * i * sin + shift * cos, 10],
      Rows: 2,
      Columns: 2,
    }));
    const study = await indexed([{ ...T2, slices: [3, 0, 5, 1, 4, 2].map((i) => slices[i]!) }]);
    expect(instancesOf(study, '11')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(flagsOf(study, 'orientation_unexpected')).toEqual([]);
  });

  it('keeps anisotropic pixels as they are: first between rows, then between columns', async () => {
    const study = await indexed([{ ...T2, slices: sagittalStack(5, { more: { PixelSpacing: [0.6, 0.9] } }) }]);
    expect(study.index.series[0]!.slices[0]).toMatchObject({ spacing: [0.6, 0.9], rows: 8, columns: 6 });
  });

  it('leaves a localizer’s plane out of a sagittal series', async () => {
    const scout = { InstanceNumber: 99, ImageOrientationPatient: [...AXIAL], ImagePositionPatient: [0, 0, 0] };
    const study = await indexed([{ ...T2, slices: [...sagittalStack(5), scout] }]);
    expect(instancesOf(study, '11')).toEqual([1, 2, 3, 4, 5]);
    expect(flagsOf(study, 'slice_rejected')).toMatchObject([
      { series: '11', detail: expect.stringMatching(/^1 image: .*axial planes beside the sagittal ones/) },
    ]);
    expect(study.index.rejected).toMatchObject([{ series: '11', images: 1, rejection: 'other_plane' }]);
  });

  it('reads a series by its planes where its description says another, and flags that', async () => {
    const study = await indexed([{ ...T2, slices: axialStack(5) }]);
    expect(study.index.series).toMatchObject([{ series: '11', kind: 'axial_t2' }]);
    expect(flagsOf(study, 'description_contradicts_header')).toMatchObject([
      { series: '11', detail: 'described as Sagittal T2/STIR, but its planes are axial' },
    ]);
  });
});

describe('several series', () => {
  it('pools axial series of different size, flagged', async () => {
    const second = axialStack(4, { fromZ: -40, more: { Rows: 4, Columns: 4 } });
    const study = await indexed([...PLAIN, { series: '14', kind: 'axial_t2', slices: second }]);
    expect(study.index.series.filter(({ kind, used }) => used && kind === 'axial_t2')).toHaveLength(2);
    expect(flagsOf(study, 'axial_series_pooled')).toMatchObject([{ detail: 'series 13 (6x8), series 14 (4x4)' }]);
    expect(flagsOf(study, 'slice_sizes_differ')).toMatchObject([{ kind: 'axial_t2' }]);
    expect(flagsOf(study, 'series_not_used')).toEqual([]);
  });

  it('flags series in other frames of reference, which it numbers in order of appearance', async () => {
    const more = { FrameOfReferenceUID: OTHER_FRAME };
    const study = await indexed([
      { ...T2, slices: sagittalStack(5) },
      { ...T1, slices: sagittalStack(5, { more }) },
      { ...AX, slices: axialStack(5, { more }) },
    ]);
    expect(study.index.series.map(({ slices }) => slices[0]!.frameOfReference)).toEqual([0, 1, 1]);
    expect(flagsOf(study, 'frame_of_reference_differs').map(({ series }) => series)).toEqual(['12', '13']);
    expect(flagsOf(study, 'no_axial_in_frame')).toHaveLength(1);
  });

  it('flags a series whose own slices are in several frames of reference', async () => {
    const more = { FrameOfReferenceUID: OTHER_FRAME };
    const slices = [...axialStack(3), ...axialStack(2, { more, fromZ: -100, instances: [4, 5] })];
    const study = await indexed([
      { ...T2, slices: sagittalStack(5) },
      { ...AX, slices },
    ]);
    const flags = flagsOf(study, 'frame_of_reference_differs');
    expect(flags.map(({ series, detail }) => [series, detail])).toEqual([
      ['13', 'its own slices are in several frames'],
    ]);
  });

  it('flags a missing frame of reference, which is the same as no other', async () => {
    const more = { FrameOfReferenceUID: undefined };
    const study = await indexed([
      { ...T2, slices: sagittalStack(5, { more }) },
      { ...T1, slices: sagittalStack(5) },
      { ...AX, slices: axialStack(5, { more }) },
    ]);
    expect(study.index.series.map(({ slices }) => slices[0]!.frameOfReference)).toEqual([null, 0, null]);
    expect(flagsOf(study, 'frame_of_reference_missing').map(({ series }) => series)).toEqual(['11', '13']);
    expect(flagsOf(study, 'no_axial_in_frame')).toHaveLength(1);
    expect(flagsOf(study, 'frame_of_reference_differs')).toEqual([]);
  });

  it('reads of two T2 series the one that shares its frame with most axial slices, though it has fewer slices', async () => {
    const study = await indexed([
      { ...T2, slices: sagittalStack(9, { more: { FrameOfReferenceUID: OTHER_FRAME } }) },
      { series: '21', kind: 'sagittal_t2', slices: sagittalStack(5) },
      { ...AX, slices: axialStack(5) },
    ]);
    expect(study.index.series.filter(({ used }) => used).map(({ series }) => series)).toEqual(['21', '13']);
    expect(flagsOf(study, 'series_not_used')).toMatchObject([
      { series: '11', detail: 'series 21 was read: it shares its frame of reference with more axial slices' },
    ]);
    expect(study.sagittal.sagittal_t2).toHaveLength(5);
  });

  it('reads of two series in one frame the one with more slices, and of equals the first by name in natural order', async () => {
    const study = await indexed([
      { series: '9', kind: 'sagittal_t2', slices: sagittalStack(5) },
      { series: '11', kind: 'sagittal_t2', slices: sagittalStack(6) },
      { series: '100', kind: 'sagittal_t1', slices: sagittalStack(5) },
      { series: '20', kind: 'sagittal_t1', slices: sagittalStack(5) },
    ]);
    expect(study.index.series.filter(({ used }) => used).map(({ series }) => series)).toEqual(['11', '20']);
  });

  it('flags the kinds that a study lacks', async () => {
    const study = await indexed([{ ...T1, slices: sagittalStack(5) }]);
    expect(flagsOf(study, 'series_kind_missing').map(({ kind }) => kind)).toEqual(['sagittal_t2', 'axial_t2']);
  });

  it('infers kinds that nobody gave, and leaves out what is of no kind', async () => {
    const described = (SeriesDescription: string) => sagittalStack(5, { more: { SeriesDescription } });
    const study = await indexed([
      { series: '1', slices: described('Sag T2 TSE') },
      { series: '2', slices: described('Sag T1 TSE') },
      { series: '3', slices: axialStack(5, { more: { SeriesDescription: 'Ax T2' } }) },
      { series: '4', slices: described('scout') },
    ]);
    expect(study.index.series.map(({ kind }) => kind)).toEqual(['sagittal_t2', 'sagittal_t1', 'axial_t2']);
    expect(flagsOf(study, 'series_kind_inferred').map(({ series }) => series)).toEqual(['1', '2', '3']);
    expect(flagsOf(study, 'series_kind_unknown').map(({ series }) => series)).toEqual(['4']);
    expect(JSON.stringify(study.index)).not.toContain('TSE');
  });

  it('reads a multi-frame file as a series, its frames in spatial order', async () => {
    const frames = [2, 0, 1, 4, 3];
    const file = dicomSlice({
      NumberOfFrames: 5,
      ImagePositionPatient: undefined,
      ImageOrientationPatient: undefined,
      PixelSpacing: undefined,
      SharedFunctionalGroupsSequence: [
        {
          PixelMeasuresSequence: [{ PixelSpacing: [1, 1] }],
          PlaneOrientationSequence: [{ ImageOrientationPatient: [...SAGITTAL] }],
        },
      ],
      PerFrameFunctionalGroupsSequence: frames.map((place) => ({
        PlanePositionSequence: [{ ImagePositionPatient: [4 * place, 0, 0] }],
      })),
    });
    const study = await indexed([{ ...T2, slices: [file] }]);
    const slices = study.index.series[0]!.slices;
    expect(slices.map(({ frame }) => frame)).toEqual([1, 2, 0, 4, 3]);
    expect(new Set(slices.map(({ location, sha256 }) => location + sha256)).size).toBe(1);
    // A frame has 48 pixels that count on.
    expect(study.sagittal.sagittal_t2!.map(({ image }) => plainValues(image().data)[0])).toEqual([
      148, 196, 100, 292, 244,
    ]);
  });
});

describe('how many slices, and of what size', () => {
  it.each([
    [1, true],
    [4, true],
    [5, false],
    [33, false],
  ])('%i slices: flagged as few is %s', async (count, few) => {
    const study = await indexed([{ ...T2, slices: sagittalStack(count) }]);
    expect(instancesOf(study, '11')).toHaveLength(count);
    expect(flagsOf(study, 'slices_few')).toHaveLength(few ? 1 : 0);
  });

  it('tells slices of different sizes apart, and reads the larger stack', async () => {
    const stack = sagittalStack(5).map((slice, i) => (i < 2 ? { ...slice, Rows: 10, Columns: 4 } : slice));
    const study = await indexed([{ ...T2, slices: stack }]);
    expect(flagsOf(study, 'series_split')).toMatchObject([{ series: '11' }]);
    expect(study.index.series.map(({ series, used, slices }) => [series, used, slices.length])).toEqual([
      ['11', true, 3],
      ['11-2', false, 2],
    ]);
    expect(flagsOf(study, 'series_not_used')).toMatchObject([{ series: '11-2' }]);
    expect(
      study.sagittal.sagittal_t2!.map(({ rows, columns, image }) => [rows, columns, pixelCount(image().data)]),
    ).toEqual(Array(3).fill([8, 6, 48]));
  });
});

describe('what cannot be read or placed', () => {
  it.each(['ImagePositionPatient', 'ImageOrientationPatient', 'PixelSpacing'])(
    'a slice without %s is dropped, not the study',
    async (keyword) => {
      const study = await indexed([{ ...T2, slices: without(sagittalStack(6), 2, keyword) }]);
      expect(instancesOf(study, '11')).toEqual([1, 2, 4, 5, 6]);
      expect(flagsOf(study, 'slice_not_placed')).toEqual([
        {
          code: 'slice_not_placed',
          kind: 'sagittal_t2',
          series: '11',
          instance: 3,
          detail: `3.dcm: no usable ${keyword}`,
        },
      ]);
    },
  );

  it('a slice with an orientation that spans no plane, or no positive spacing, is dropped', async () => {
    const stack = sagittalStack(7);
    const study = await indexed([
      {
        ...T2,
        slices: stack.map((slice, i) => {
          if (i === 1) return { ...slice, ImageOrientationPatient: [0, 1, 0, 0, 1, 0] };
          return i === 4 ? { ...slice, PixelSpacing: [0, 1] } : slice;
        }),
      },
    ]);
    expect(instancesOf(study, '11')).toEqual([1, 3, 4, 6, 7]);
    expect(flagsOf(study, 'slice_not_placed').map(({ instance }) => instance)).toEqual([2, 5]);
  });

  it('a corrupt slice is dropped with the file’s name and the reason', async () => {
    const whole = dicomSlice(sagittalStack(6)[3]);
    const cut = whole.subarray(0, whole.length - 30);
    const slices = sagittalStack(6).map((slice, i) => (i === 3 ? cut : slice));
    const study = await indexed([{ ...T2, slices }]);
    expect(instancesOf(study, '11')).toEqual([1, 2, 3, 5, 6]);
    expect(flagsOf(study, 'slice_unreadable')).toMatchObject([
      { kind: 'sagittal_t2', series: '11', instance: '4.dcm', detail: expect.stringMatching(/\w/) },
    ]);
  });

  it('a file that vanished is a slice less', async () => {
    const slices = sagittalStack(6).map((slice, i) => (i === 0 ? { missing: 'no file there' } : slice));
    const study = await indexed([{ ...T2, slices }]);
    expect(instancesOf(study, '11')).toEqual([2, 3, 4, 5, 6]);
    expect(flagsOf(study, 'slice_unreadable')).toMatchObject([
      { instance: '1.dcm', detail: 'the file could not be opened; found no file there' },
    ]);
  });

  it('a series of which nothing can be read is flagged with a reason, and the others are read', async () => {
    const study = await indexed([{ ...T2, slices: [Buffer.from('no dicom'), Buffer.alloc(0)] }, ...PLAIN.slice(1)]);
    expect(study.index.series.map(({ series }) => series)).toEqual(['12', '13']);
    expect(flagsOf(study, 'series_unreadable')).toMatchObject([
      { kind: 'sagittal_t2', series: '11', instance: '1.dcm', detail: expect.stringMatching(/\w/) },
    ]);
    expect(flagsOf(study, 'series_kind_missing')).toMatchObject([{ kind: 'sagittal_t2' }]);
  });

  it('a file without an instance number has that of its name', async () => {
    const stack = without(without(sagittalStack(5), 1, 'InstanceNumber'), 3, 'InstanceNumber');
    const study = await indexed([{ ...T2, slices: stack, names: ['1.dcm', '22.dcm', '3.dcm', '44', '5.dcm'] }]);
    expect(instancesOf(study, '11')).toEqual([1, 22, 3, 44, 5]);
  });

  it('a study without images fails as such, with what the dataset said about it', async () => {
    const { study, files } = smallStudy([]);
    const problems = [{ code: 'STUDY_FOLDER_MISSING', message: 'no folder 1001' } as const];
    await expect(indexStudy({ ...study, problems }, files)).rejects.toMatchObject({
      code: 'STUDY_WITHOUT_IMAGES',
      kind: 'permanent',
      context: { study: '1001', found: 'no folder 1001' },
    });
  });

  it('a study of which nothing can be read fails with study, series, file and reason', async () => {
    const slices = [Buffer.from('no dicom')];
    await expect(indexed([{ ...T2, slices }])).rejects.toMatchObject({
      code: 'STUDY_UNREADABLE',
      kind: 'permanent',
      context: { study: '1001', series: '11', file: '1.dcm', found: expect.stringMatching(/\w/) },
    });
    const scout = sagittalStack(5, { more: { SeriesDescription: 'scout' } });
    await expect(indexed([{ series: '4', slices: scout }])).rejects.toMatchObject({
      code: 'STUDY_WITHOUT_SERIES',
      context: { study: '1001', found: 'series 4 (5 images): the word "scout" in SeriesDescription' },
    });
  });

  it('repeats what the dataset said about a series that it read', async () => {
    const { study, files } = smallStudy(PLAIN);
    const problems = [{ code: 'FILES_MISSING', message: '2 files are not there' } as const];
    const [first, ...rest] = study.series;
    const found = await indexStudy({ ...study, series: [{ ...first!, problems }, ...rest] }, files);
    expect(codesOf(found)).toEqual(['coverage_short', 'coverage_short', 'dataset_problem']);
  });
});
