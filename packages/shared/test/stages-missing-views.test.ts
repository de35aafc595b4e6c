/**
 * Studies with too few views: the limit, and a message that says what was found, what is missing and what to do.
 */

import { describe, expect, it } from 'vitest';
import { type Flag, type Kind, StudyError, TARGETS } from '../domain/index.ts';
import { FailureRecord } from '../runs/index.ts';
import { CROP_ARRAYS, type CropsArtefact, type SeriesIndex } from '../stages/artefacts.ts';
import { targetViews } from '../stages/severities.ts';
import { assertEnoughViews } from '../stages/too-few-views.ts';

const SLICE = {
  instance: 1,
  location: 'file:///images/1/secret-name.dcm',
  frame: 0,
  sha256: 'ab',
  rows: 8,
  columns: 6,
  spacing: [1, 1] as [number, number],
  position: [0, 0, 0] as [number, number, number],
  orientation: [0, 1, 0, 0, 0, -1] as [number, number, number, number, number, number],
  frameOfReference: 0,
};
const series = (name: string, kind: Kind, slices = 15, used = true) => ({
  series: name,
  kind,
  used,
  slices: Array.from({ length: slices }, () => SLICE),
});

const WINDOW = { region: 0, x: 0, y: 0, height: 1, width: 2 };

/** Views without arrays, or single rows of them (`array/row`). */
function views(without: readonly string[] = []) {
  const arrays = CROP_ARRAYS.filter((array) => !without.includes(array)).map((array) => {
    const rows = array === 'sagittal_t2' || array === 'axial_middle' ? 5 : 10;
    const windows = Array.from({ length: rows }, (_, row) => (without.includes(`${array}/${row}`) ? null : WINDOW));
    return [array, { to: [1, 2], rows: windows }] as const;
  });
  return targetViews({ arrays: Object.fromEntries(arrays) } as unknown as CropsArtefact);
}

const ONLY_T1 = views(['sagittal_t2', 'axial_middle', 'axial_sides']);

function study(
  all: SeriesIndex['series'],
  flags: readonly Flag[] = [],
  targets = ONLY_T1,
  rejected?: SeriesIndex['rejected'],
) {
  const index: SeriesIndex = { schema: 'spineline.series-index/1', series: all, rejected, flags: [...flags] };
  return { study: '1001', index, flags, targets };
}

function refusal(...parameters: Parameters<typeof assertEnoughViews>): StudyError {
  try {
    assertEnoughViews(...parameters);
  } catch (error) {
    expect(error).toBeInstanceOf(StudyError);
    return error as StudyError;
  }
  throw new Error('the study was let pass');
}

describe('a study is refused', () => {
  /** Views of which the first `count` subarticular targets have none. */
  const lacking = (count: number) => views(Array.from({ length: count }, (_, row) => `axial_sides/${row}`));
  const t1AndT2 = [series('t1', 'sagittal_t1'), series('t2', 'sagittal_t2')];

  it.each([
    [10, 0.4, false],
    [10, 0.39, true],
    [7, 0.28, false],
    [7, 0.279, true],
    [1, 0.04, false],
    [1, 0, true],
    [0, 0, false],
  ])('or not with %i of 25 targets without any view where the share allowed is %f', (count, allowed, refused) => {
    const act = () => assertEnoughViews(study(t1AndT2, [], lacking(count)), allowed);
    if (refused) expect(act).toThrow(`${count} of 25 targets have no view`);
    else expect(act).not.toThrow();
  });

  it.each([
    ['12 of 25, by default', 12, false],
    ['13 of 25, by default', 13, true],
  ])('where more than half would be class shares: %s', (_, count, refused) => {
    const without = ['axial_middle', ...Array.from({ length: Math.min(10, count) }, (_, i) => `axial_sides/${i}`)];
    const more = Array.from({ length: count - 10 }, (_, i) => `sagittal_t2/${i}`);
    const act = () => assertEnoughViews(study(t1AndT2, [], views([...without, ...more])), 0.5);
    if (refused) expect(act).toThrow('13 of 25 targets have no view, so the study is not scored');
    else expect(act).not.toThrow();
  });

  it('never where all is allowed', () => {
    const nothing = views([...CROP_ARRAYS]);
    expect(() => assertEnoughViews(study([], [], nothing), 1)).not.toThrow();
    expect(() => assertEnoughViews(study([], [], nothing), 0.99)).toThrow('25 of 25 targets');
  });
});

describe('a refusal', () => {
  it('is permanent and says which series were read as what, what is missing, and what to do', () => {
    const error = refusal(
      study(
        [series('7', 'sagittal_t1'), series('8', 'sagittal_t1', 1, false)],
        [
          { code: 'series_kind_missing', kind: 'sagittal_t2' },
          { code: 'series_kind_missing', kind: 'axial_t2' },
        ],
      ),
      0.5,
    );
    expect([error.code, error.kind]).toEqual(['STUDY_TOO_FEW_VIEWS', 'permanent']);
    expect(error.message).toBe(
      'study 1001: 15 of 25 targets have no view, so the study is not scored; ' +
        'expected at most 12 without a view (SPINELINE_MAX_CLASS_SHARES is 0.5); ' +
        'found series 7 read as Sagittal T1 (15 slices), series 8 read as Sagittal T1 (1 slice, not used); ' +
        'missing: no usable Sagittal T2/STIR series, no usable Axial T2 series; ' +
        'to score it nevertheless, run `score` again with SPINELINE_MAX_CLASS_SHARES=1, or on a cluster raise it for ' +
        'the stage-3 workers and then run `spineline retry RUN --kind permanent`',
    );
  });

  it('says why axial series that are there show nothing', () => {
    const flags: Flag[] = [{ code: 'series_kind_missing', kind: 'sagittal_t2' }];
    const { message } = refusal(study([series('1', 'axial_t2'), series('2', 'sagittal_t1')], flags), 0.5);
    expect(message).toContain('series 1 read as Axial T2 (15 slices)');
    expect(message).toContain('without a Sagittal T2/STIR series no level can be found in the axial slices');
    const other = refusal(
      study([series('1', 'axial_t2'), series('2', 'sagittal_t2')], [{ code: 'no_axial_in_frame', kind: 'axial_t2' }]),
      0.5,
    );
    expect(other.message).toContain(
      'Axial T2: no axial series shares the frame of reference of the Sagittal T2/STIR series',
    );
    expect(other.message).not.toContain('no level can be found');
  });

  it('says what became of series that could not be read, each once, however many flags there are', () => {
    const broken: Flag[] = Array.from({ length: 12 }, (_, i) => ({
      code: 'slice_unreadable',
      kind: 'sagittal_t2',
      series: 't2',
      instance: `${i + 1}.dcm`,
      detail: 'the pixel data ends early',
    }));
    const flags: Flag[] = [
      ...broken,
      { code: 'series_unreadable', kind: 'sagittal_t2', series: 't2', detail: 'no file of it could be read' },
      { code: 'dataset_problem', detail: 'series 9 is described and has no files' },
      { code: 'members_disagree', condition: 'left_subarticular_stenosis', level: 'l1_l2' },
    ];
    const { message, context } = refusal(study([series('t1', 'sagittal_t1')], flags), 0.5);
    expect(message).toContain(
      'series t2 (Sagittal T2/STIR): no slice of this series could be read (no file of it could be read)',
    );
    expect(message).toContain('and was left out (12 times, first 1.dcm, the pixel data ends early)');
    expect(message).toContain('series 9 is described and has no files');
    expect(message).not.toContain('2.dcm');
    expect(message).not.toContain('members');
    expect(context.views!.flags).toEqual([flags[12], broken[0], flags[13]]);
  });

  it('says why images were rejected, in the place of the flags that say that some were', () => {
    const rejected = [
      { series: '3', images: 20, rejection: 'not_lumbar', reason: 'the body part is the cervical spine' },
      { series: '4', images: 1, rejection: 'localizer', reason: 'ImageType says localizer' },
      { series: '6', images: 2, rejection: 'localizer', reason: 'ImageType says localizer' },
    ];
    const flags: Flag[] = [
      { code: 'series_kind_unknown', series: '3' },
      { code: 'slice_rejected', series: '4', detail: '1 image' },
      { code: 'series_kind_unknown', series: '5' },
    ];
    const { message, context } = refusal(study([series('1', 'sagittal_t1')], flags, ONLY_T1, rejected), 0.5);
    expect(message).toContain(
      'not read: series 3 (20 images: the body part is the cervical spine), ' +
        'series 4, 6 (3 images: ImageType says localizer), series 5: this series is of no kind that is scored',
    );
    expect(message).not.toContain('series 3: this series');
    expect(message).not.toContain('series 4: these images');
    expect(context.views!.rejected).toEqual(rejected);
  });

  it('leaves out what was read: contradictions and planes are in the record alone', () => {
    const flags: Flag[] = [
      { code: 'series_kind_missing', kind: 'sagittal_t2' },
      { code: 'description_contradicts_header', series: 't1', detail: 'described as T2' },
      { code: 'orientation_oblique', series: 't1' },
      { code: 'orientation_unexpected', series: 't1' },
    ];
    const { message, context } = refusal(study([series('t1', 'sagittal_t1')], flags), 0.5);
    expect(message).toContain('; missing: no usable Sagittal T2/STIR series; to score it');
    expect(message).not.toMatch(/contradicts|degrees|planes|not read/);
    expect(context.views!.flags).toEqual(flags);
  });

  it('names four of many series and reasons, and has all of them in the record of the failure', () => {
    const many = Array.from({ length: 30 }, (_, i) => series(`s${i}`, 'sagittal_t1'));
    const flags = many.map(({ series: name }): Flag => ({ code: 'series_kind_unknown', series: name }));
    const { message, context } = refusal(study(many, flags), 0.5);
    expect(message).toContain('series s3 read as Sagittal T1 (15 slices), 26 more; missing: not known; not read: ');
    expect(message).toContain(
      'series s3: this series is of no kind that is scored, and was left out, 26 more; to score',
    );
    expect(message).not.toContain('series s4');
    expect(message.length).toBeLessThan(1000);
    const record = {
      schema: 'spineline.failure/1',
      run: 'tonight',
      study: '1001',
      stage: 'stage3',
      code: 'STUDY_TOO_FEW_VIEWS',
      kind: 'permanent',
      message,
      views: context.views,
      attempts: 1,
      failed: new Date(0).toISOString(),
    };
    const { views } = FailureRecord.parse(JSON.parse(JSON.stringify(record)));
    expect(views).toMatchObject({ targets: 25, allowed: 0.5, rejected: [] });
    expect([views!.series.length, views!.flags.length]).toEqual([30, 30]);
    const named = TARGETS.filter(({ task }) => task !== 'nfn').map(({ name }) => name);
    expect(views!.withoutView).toEqual(named);
  });

  it('of a study of which nothing is known says so, and repeats no place of a file', () => {
    const { message } = refusal(study([]), 0);
    expect(message).toContain('expected at most 0 without a view (SPINELINE_MAX_CLASS_SHARES is 0)');
    expect(message).toContain('found no series; missing: not known');
    const error = refusal(study([series('t1', 'sagittal_t1')]), 0.5);
    expect(JSON.stringify([error.message, error.context])).not.toContain('secret-name');
  });

  it('separates parts by semicolons, and no part has one inside', () => {
    const reason = 'sagittal by its planes; neither T1 nor T2';
    const rejected = [{ series: '4', images: 20, rejection: 'contrast', reason }];
    const { message } = refusal(study([series('1', 'sagittal_t1')], [], ONLY_T1, rejected), 0.5);
    expect(message).toContain('series 4 (20 images: sagittal by its planes, neither T1 nor T2)');
  });
});
