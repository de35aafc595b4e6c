/** Payloads of stage jobs, with outputs that no test reads. */

import type { Payload } from '../../queue/index.ts';
import type { StudyResult } from '../../runs/index.ts';
import { digestOf } from '../../store/index.ts';

/** A digest for outputs that are not read. */
export const DIGEST = '0123456789abcdef'.repeat(4);
const STEP = { key: DIGEST, reused: false, seconds: 0, finished: '2026-01-01T00:00:00.000Z' };

export function toStage2({ run, study, page, redo }: Payload<'stage1'>): Payload<'stage2'> {
  return { run, study, page, redo, stage1: STEP };
}

export function toStage3(payload: Payload<'stage2'>): Payload<'stage3'> {
  return { ...payload, xy: STEP, crops: STEP };
}

/** A result without targets, with stage keys that depend on the study. */
export function resultOf(run: string, study: string): StudyResult {
  const step = (name: string) => ({ ...STEP, key: digestOf({ study, name }), seconds: 1 });
  return {
    schema: 'spineline.result/1',
    run,
    study,
    notice: '',
    targets: [],
    series: [],
    flags: [],
    steps: { stage1: step('stage1'), xy: step('xy'), crops: step('crops'), stage3: step('stage3') },
    finished: STEP.finished,
  };
}
