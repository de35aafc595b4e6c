import { describe, expect, it } from 'vitest';
import { targetOfName } from '../domain/index.ts';
import type { LabelCoordinate, LocatedStudy } from '../evaluation/index.ts';
import { locationErrors } from '../evaluation/location-errors.ts';

/** Instance numbers in spatial order, reversed and with a gap. */
const sagittal = { series: 'sag', used: true, instances: [9, 8, 7, 5, 4, 3], rows: 256, columns: 1024 };
const axial = { series: 'ax', used: true, instances: [1, 2, 3, 4], rows: 512, columns: 512 };

const label = (name: string, series: string, instance: number, x = 0, y = 0, study = 'A'): LabelCoordinate => ({
  study,
  series,
  instance,
  target: targetOfName(name)!,
  x,
  y,
});
const place = (series: string, instance: number, x = 0, y = 0) => ({ series, instance, x, y });
const result = (targets: LocatedStudy['targets']): LocatedStudy => ({ study: 'A', targets, series: [sagittal, axial] });

describe('errors of location', () => {
  it('count slices of the ordered series, not instance numbers', () => {
    const { scs } = locationErrors(
      [
        label('spinal_canal_stenosis_l1_l2', 'sag', 7),
        label('spinal_canal_stenosis_l2_l3', 'sag', 7),
        label('spinal_canal_stenosis_l3_l4', 'sag', 7),
        label('spinal_canal_stenosis_l4_l5', 'sag', 9),
        label('spinal_canal_stenosis_l5_s1', 'sag', 9),
      ],
      [
        result([
          { name: 'spinal_canal_stenosis_l1_l2', slice: place('sag', 7) },
          // Across the gap: instance numbers 7 and 5 are neighbours.
          { name: 'spinal_canal_stenosis_l2_l3', slice: place('sag', 5) },
          { name: 'spinal_canal_stenosis_l3_l4', slice: place('sag', 9) },
          { name: 'spinal_canal_stenosis_l4_l5', slice: place('sag', 5) },
          { name: 'spinal_canal_stenosis_l5_s1', slice: place('sag', 3) },
        ]),
      ],
    );
    // 0, 1, 2, 3 and 5 slices
    expect(scs.slices).toEqual({
      exact: 1,
      offBy1: 1,
      offBy2: 1,
      offBy3OrMore: 2,
      otherSeries: 0,
      compared: 5,
      meanSlices: 11 / 5,
    });
    expect(scs.labels).toBe(5);
  });

  it('are in pixels of the slice and of 512 x 512, each axis scaled by its own', () => {
    const { nfn } = locationErrors(
      [
        label('left_neural_foraminal_narrowing_l1_l2', 'sag', 7, 100, 100),
        label('left_neural_foraminal_narrowing_l2_l3', 'sag', 7, 100, 100),
        label('left_neural_foraminal_narrowing_l3_l4', 'sag', 7, 100, 100),
      ],
      [
        result([
          { name: 'left_neural_foraminal_narrowing_l1_l2', slice: place('sag', 7, 106, 108) },
          { name: 'left_neural_foraminal_narrowing_l2_l3', slice: place('sag', 8, 100, 100) },
          { name: 'left_neural_foraminal_narrowing_l3_l4', slice: place('sag', 7, 100, 98) },
        ]),
      ],
    );
    // Original: 10, 0, 2. In 512-space x halves and y doubles: hypot(3, 16) = 16.278821, 0, 4.
    expect(nfn.pixels.original).toMatchObject({ count: 3, mean: 4, median: 2 });
    // numpy.percentile([0, 2, 10], 95): place 1.9 between 2 and 10
    expect(nfn.pixels.original!.p95).toBeCloseTo(9.2, 12);
    expect(nfn.pixels.in512!.median).toBe(4);
    expect(nfn.pixels.in512!.mean).toBeCloseTo((16.278821 + 4) / 3, 6);
    expect(nfn.slices).toMatchObject({ exact: 2, offBy1: 1, compared: 3 });
  });

  it('compare subarticular labels with the axial slice, all others with the sagittal one', () => {
    const both = { slice: place('sag', 7, 1, 1), axial: place('ax', 2, 5, 5) };
    const { ss, nfn } = locationErrors(
      [
        label('right_subarticular_stenosis_l1_l2', 'ax', 3, 5, 5),
        label('right_neural_foraminal_narrowing_l1_l2', 'sag', 7, 1, 1),
      ],
      [
        result([
          { name: 'right_subarticular_stenosis_l1_l2', ...both },
          { name: 'right_neural_foraminal_narrowing_l1_l2', ...both },
        ]),
      ],
    );
    expect(ss.slices).toMatchObject({ offBy1: 1, compared: 1 });
    expect(ss.pixels.original).toMatchObject({ count: 1, mean: 0 });
    expect(nfn.slices).toMatchObject({ exact: 1, compared: 1 });
  });

  it('count a target in another of the series in use as off by 3 or more, and say so', () => {
    const other = { ...axial, series: 'ax2' };
    const { ss } = locationErrors(
      [
        label('left_subarticular_stenosis_l1_l2', 'ax', 1),
        label('left_subarticular_stenosis_l2_l3', 'ax', 2),
        label('left_subarticular_stenosis_l3_l4', 'ax2', 3),
      ],
      [
        {
          ...result([
            // The same instance number, which means nothing in another series.
            { name: 'left_subarticular_stenosis_l1_l2', axial: place('ax2', 1) },
            { name: 'left_subarticular_stenosis_l2_l3', axial: place('ax', 3, 3, 4) },
            { name: 'left_subarticular_stenosis_l3_l4', axial: place('ax2', 3) },
          ]),
          series: [sagittal, axial, other],
        },
      ],
    );
    expect(ss.slices).toEqual({
      exact: 1,
      offBy1: 1,
      offBy2: 0,
      offBy3OrMore: 1,
      otherSeries: 1,
      compared: 3,
      meanSlices: 0.5,
    });
    // Pixels of two series are not comparable: 5 and 0.
    expect(ss.pixels.original).toMatchObject({ count: 2, mean: 2.5 });
  });

  it('give each member of stage 1 its own rates, over the same labels as the ensemble', () => {
    const members = (cls: number, reg: number) => [
      { member: 'cls', instance: cls },
      { member: 'reg', instance: reg },
    ];
    const { scs, nfn } = locationErrors(
      [
        label('spinal_canal_stenosis_l1_l2', 'sag', 7),
        label('spinal_canal_stenosis_l2_l3', 'sag', 7),
        label('spinal_canal_stenosis_l3_l4', 'sag', 7),
      ],
      [
        result([
          { name: 'spinal_canal_stenosis_l1_l2', slice: place('sag', 7), members: members(7, 5) },
          { name: 'spinal_canal_stenosis_l2_l3', slice: place('sag', 5), members: members(3, 7) },
          // Not known of this one.
          { name: 'spinal_canal_stenosis_l3_l4', slice: place('sag', 8) },
        ]),
      ],
    );
    expect(scs.slices).toMatchObject({ exact: 1, offBy1: 2, offBy3OrMore: 0, compared: 3 });
    // Places in the order: 7 is 2, 5 is 3, 3 is 5.
    expect(scs.members.map(({ member }) => member)).toEqual(['cls', 'reg']);
    expect(scs.members[0]).toMatchObject({ exact: 1, offBy1: 0, offBy3OrMore: 1, compared: 2, meanSlices: 1.5 });
    expect(scs.members[1]).toMatchObject({ exact: 1, offBy1: 1, offBy3OrMore: 0, compared: 2, meanSlices: 0.5 });
    expect(nfn.members).toEqual([]);
  });

  it('say what could not be compared, and why', () => {
    const unused = { series: 'sag2', used: false, instances: [1], rows: 4, columns: 4 };
    const { scs, ss, nfn } = locationErrors(
      [
        label('spinal_canal_stenosis_l1_l2', 'sag', 7, 0, 0, 'B'),
        label('spinal_canal_stenosis_l1_l2', 'sag', 7),
        label('spinal_canal_stenosis_l2_l3', 'sag', 6, 3, 4),
        label('spinal_canal_stenosis_l3_l4', 'sag2', 1),
        label('left_subarticular_stenosis_l1_l2', 'ax', 1),
        label('left_subarticular_stenosis_l2_l3', 'unread', 1),
      ],
      [
        {
          ...result([
            { name: 'spinal_canal_stenosis_l2_l3', slice: place('sag', 7) },
            { name: 'spinal_canal_stenosis_l3_l4', slice: place('sag', 7) },
            { name: 'left_subarticular_stenosis_l1_l2', slice: place('sag', 7) },
            { name: 'left_subarticular_stenosis_l2_l3', axial: place('ax', 1) },
          ]),
          series: [sagittal, axial, unused],
        },
      ],
    );
    expect(scs.notCompared).toEqual({ studyNotScored: 1, seriesNotUsed: 1, targetNotPlaced: 1, sliceNotListed: 1 });
    expect(scs.slices).toMatchObject({ compared: 0, meanSlices: undefined });
    expect(scs.pixels.original).toMatchObject({ count: 1, mean: 5 });
    expect(ss.notCompared).toEqual({ studyNotScored: 0, seriesNotUsed: 1, targetNotPlaced: 1, sliceNotListed: 0 });
    expect(ss.pixels.original).toBeUndefined();
    expect(nfn.labels).toBe(0);
  });
});
