/** The measurements that all benchmarks share: CPU time with children, and the steady state. */

import { describe, expect, it } from 'vitest';
import { measured, steadyState } from '../../../bench/table.ts';

/** Uses 0.3 s of CPU time in a child of the measured command, so that only times of children's children show it. */
const BURN = 'while (process.cpuUsage().user < 300_000);';
const PARENT = `
  const { status } = require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(BURN)}]);
  console.log('status', status);
`;

describe('measured', () => {
  it('counts the CPU time of children of children, and returns standard output', async () => {
    const { cpuSeconds, seconds, stdout } = await measured([process.execPath, '-e', PARENT]);
    expect(stdout).toBe('status 0\n');
    expect(cpuSeconds).toBeGreaterThanOrEqual(0.3);
    // Two starts of Node need far less than this.
    expect(cpuSeconds).toBeLessThan(3);
    expect(seconds).toBeGreaterThan(0.2);
  });

  it('says what a failed command printed on standard error', async () => {
    const command = [process.execPath, '-e', "console.error('no such study'); process.exit(3)"];
    await expect(measured(command)).rejects.toThrow(/exit code 3:\nno such study/);
    await expect(measured(command, { allowed: [0, 3] })).resolves.toMatchObject({ stdout: '' });
  });
});

it('steadyState separates the start-up from the studies', () => {
  const start = { seconds: 5, cpuSeconds: 8 };
  const run = (studies: number) => ({ seconds: 5 + 0.5 * studies, cpuSeconds: 8 + 0.9 * studies });
  const { cpuPerStudy, secondsPerStudy, startUp } = steadyState([2, 10], [run(2), run(10)]);
  expect(cpuPerStudy).toBeCloseTo(0.9, 12);
  expect(secondsPerStudy).toBeCloseTo(0.5, 12);
  expect(startUp.seconds).toBeCloseTo(start.seconds, 12);
  expect(startUp.cpuSeconds).toBeCloseTo(start.cpuSeconds, 12);
});
