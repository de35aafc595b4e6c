/** The summary of a run on this machine: what it claims of the files, and the lines that it gives a reader to copy. */

import { STEP_NAMES } from '@spineline/shared/domain';
import type { RunSummary } from '@spineline/shared/reports';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { printSummary } from '../src/terminal/summary-text.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const LEFT = { folder: '/out', store: 'file:///out/a%20store' };

function printed(changes: Partial<RunSummary>, left?: typeof LEFT): string {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line = '') => {
    lines.push(String(line));
  });
  printSummary(
    {
      schema: 'spineline.summary/1',
      run: 'tonight',
      notice: '',
      studies: 1,
      scored: 1,
      failed: 0,
      missing: 0,
      seconds: 1,
      steps: Object.fromEntries(STEP_NAMES.map((step) => [step, { computed: 1, reused: 0, seconds: 1 }])) as never,
      flags: {},
      classShareTargets: 0,
      classShareStudies: 0,
      failures: [],
      example: '1001',
      ...changes,
    },
    left,
  );
  return lines.join('\n');
}

describe('the summary', () => {
  it('claims rows where a study was scored, and none where none was', () => {
    expect(printed({}, LEFT)).toContain('25 rows per scored study');
    const none = printed({ scored: 0, failed: 1 }, LEFT);
    expect(none).toContain('no rows: no study was scored');
    expect(none).not.toContain('25 rows');
  });

  it('ends with whole lines to copy, that of failures only where there are some', () => {
    const show = 'npx spineline show tonight 1001 --store file:///out/a%20store';
    const failed = 'npx spineline failed tonight --store file:///out/a%20store';
    expect(printed({}, LEFT)).toMatch(new RegExp(`${show}$`));
    expect(printed({}, LEFT)).not.toContain('spineline failed');
    expect(printed({ failed: 1 }, LEFT)).toMatch(new RegExp(`${failed}\n +${show}$`));
  });

  it('of a run on a cluster speaks of no files and no store', () => {
    expect(printed({ failed: 1 })).not.toMatch(/submission\.csv|--store/);
  });
});
