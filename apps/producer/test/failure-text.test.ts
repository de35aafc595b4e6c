import { describe, expect, it } from 'vitest';
import { messageLines } from '../src/terminal/failure-text.ts';

describe('the message of a failure', () => {
  it('is one line', () => {
    const message = 'study 1: it is broken; expected 2; found 3';
    expect(messageLines({ code: 'DICOM_TRUNCATED', message })).toEqual([message]);
  });

  it('has a line for each part if the study has too few views', () => {
    const message =
      '20 of 25 targets have no view; expected at most 12; found series 1 (5 slices); missing: T1; do this';
    expect(messageLines({ code: 'STUDY_TOO_FEW_VIEWS', message })).toEqual([
      '20 of 25 targets have no view',
      'expected: at most 12',
      'found: series 1 (5 slices)',
      'missing: T1',
      'do this',
    ]);
  });
});
