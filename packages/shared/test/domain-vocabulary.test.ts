/** The fixed words of the field, and errors as they cross threads. */

import { describe, expect, it } from 'vitest';
import {
  BundleError,
  conditionLabel,
  errorOfRecord,
  kindOfDescription,
  kindOfError,
  LEVELS,
  levelLabel,
  recordOfError,
  rowId,
  StoreUnavailableError,
  StudyError,
  TARGETS,
  targetOfName,
} from '../domain/index.ts';

describe('targets', () => {
  it('are 25, in the alphabetical order of the submission’s rows', () => {
    const rows = TARGETS.map((target) => rowId('44036939', target));
    expect(rows).toHaveLength(25);
    expect(new Set(rows).size).toBe(25);
    expect(rows).toEqual([...rows].sort());
    expect(rows[0]).toBe('44036939_left_neural_foraminal_narrowing_l1_l2');
    expect(rows[24]).toBe('44036939_spinal_canal_stenosis_l5_s1');
  });

  it('know their task and side', () => {
    expect(targetOfName('left_subarticular_stenosis_l4_l5')).toMatchObject({
      task: 'ss',
      side: 'left',
      level: 'l4_l5',
    });
    expect(targetOfName('right_neural_foraminal_narrowing_l1_l2')).toMatchObject({ task: 'nfn', side: 'right' });
    expect(targetOfName('spinal_canal_stenosis_l1_l2')).toMatchObject({ task: 'scs', side: undefined });
    expect(targetOfName('spinal_canal_stenosis')).toBeUndefined();
  });

  it('are written as the challenge’s labels write them', () => {
    expect(LEVELS.map(levelLabel)).toEqual(['L1/L2', 'L2/L3', 'L3/L4', 'L4/L5', 'L5/S1']);
    expect(conditionLabel('left_neural_foraminal_narrowing')).toBe('Left Neural Foraminal Narrowing');
  });

  it('are on series of three kinds, by the challenge’s descriptions alone', () => {
    expect(kindOfDescription(' sagittal t2/stir ')).toBe('sagittal_t2');
    expect(kindOfDescription('Axial T2')).toBe('axial_t2');
    expect(kindOfDescription('Sag T1')).toBeUndefined();
  });
});

describe('errors', () => {
  const error = new StudyError('STUDY_UNREADABLE', 'nothing can be read', {
    study: '1',
    series: '2',
    file: '3.dcm',
    expected: 'DICOM',
    found: 'text',
    hint: 'look at the file',
  });

  it('say in one line where, what, expected, found, and what to do', () => {
    expect(error.message).toBe(
      'study 1, series 2, file 3.dcm: nothing can be read; expected DICOM; found text; look at the file',
    );
    expect(new BundleError('X', 'no bundle').message).toBe('no bundle');
    expect(error.name).toBe('StudyError');
  });

  it('cross a thread as plain data and lose nothing that decides', () => {
    const record = structuredClone(recordOfError(error));
    const back = errorOfRecord(record);
    expect(back).toMatchObject({ code: 'STUDY_UNREADABLE', kind: 'permanent', context: error.context });
    expect(back.message).toBe(error.message);
    expect(recordOfError(back)).toEqual(record);
  });

  it('are transient where nobody foresaw them', () => {
    expect(kindOfError(new TypeError('x is undefined'))).toBe('transient');
    expect(recordOfError(new TypeError('x is undefined'))).toEqual({
      code: 'UNEXPECTED',
      kind: 'transient',
      summary: 'TypeError: x is undefined',
      context: {},
    });
    expect(recordOfError('a string').summary).toBe('a string');
    expect(kindOfError(new StoreUnavailableError('no answer'))).toBe('transient');
    expect(kindOfError(error)).toBe('permanent');
  });
});
