/** Parses `--deadline`: when a run should be finished. */

import { InvalidArgumentError } from 'commander';

const UNITS_MS = { h: 3_600_000, min: 60_000 } as const;

/**
 * `07:00` is the next time at which the clock of this machine shows 07:00. `8h` and `90min` count from now. Anything
 * else is a date with a time (ISO 8601).
 */
function parseDeadline(text: string, now = new Date()): Date {
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (clock) {
    const deadline = new Date(now);
    deadline.setHours(Number(clock[1]), Number(clock[2]), 0, 0);
    if (deadline <= now) deadline.setDate(deadline.getDate() + 1);
    return deadline;
  }
  const span = /^(\d{1,4})(h|min)$/.exec(text);
  if (span) return new Date(now.getTime() + Number(span[1]) * UNITS_MS[span[2] as 'h' | 'min']);
  const deadline = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? new Date(text) : undefined;
  if (!deadline || Number.isNaN(deadline.getTime())) {
    throw new InvalidArgumentError('Expected 07:00, 8h, 90min, or 2026-11-24T07:00.');
  }
  if (deadline <= now) throw new InvalidArgumentError('This time is in the past.');
  return deadline;
}

/** The option for commands that start a run. */
export const DEADLINE_OPTION = [
  '--deadline <when>',
  'when the run should be finished, for status and alerts: 07:00, 8h, 90min, 2026-11-24T07:00',
  (text: string) => parseDeadline(text),
] as const;
