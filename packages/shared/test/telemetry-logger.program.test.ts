/** Log lines, as a process writes them: JSON, pretty on a terminal, and nothing of a patient. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../config/index.ts';

const LOGGER = new URL('../telemetry/logger.ts', import.meta.url).href;
const pseudoTerminal = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');

/** What a worker would say, the last line just before its end. @param format as source text. */
const program = (format: string) => `
  const { createLogger } = await import('${LOGGER}');
  const log = createLogger('worker-stage1', 'info', ${format}).child({ run: 'tonight', study: '1001', attempt: 1 });
  log.debug('not said');
  log.info({ next: 'stage2', reused: false }, 'study done');
  log.error({ code: 'DICOM_TRUNCATED', error: 'line 1\\nline 2', header: { PatientName: 'Doe^Jane' }, PatientID: 'MRN-4711' }, 'study failed');
  process.exit(3);`;

const environment = { ...process.env, NO_COLOR: '1' };

function logOf(format: string): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program(format)], {
    encoding: 'utf8',
    env: environment,
  });
  expect(status, stderr).toBe(3);
  expect(stdout).toBe('');
  return stderr.trimEnd().split('\n');
}

describe('a log line', () => {
  it.each(["'json'", "'auto'", 'undefined'])('is one event as JSON with format %s and no terminal', (format) => {
    const lines = logOf(format);
    expect(lines).toHaveLength(2);
    const [done, failed] = lines.map((line) => JSON.parse(line));
    expect(done).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      component: 'worker-stage1',
      pid: expect.any(Number),
      run: 'tonight',
      study: '1001',
      attempt: 1,
      next: 'stage2',
      reused: false,
      msg: 'study done',
    });
    expect(failed).toMatchObject({ level: 'error', code: 'DICOM_TRUNCATED', error: 'line 1\nline 2' });
  });

  it('is for people when that is asked for, and as complete', () => {
    const [done, failed, ...more] = logOf("'pretty'");
    expect(done).toMatch(
      /^\[\d\d:\d\d:\d\d\] INFO: worker-stage1 study done \{"run":"tonight","study":"1001","attempt":1,"next":"stage2","reused":false\}$/,
    );
    expect(failed).toContain('ERROR: worker-stage1 study failed');
    expect(failed).toContain('"code":"DICOM_TRUNCATED","error":"line 1\\nline 2"');
    expect(more).toEqual([]);
  });

  it.skipIf(!pseudoTerminal)('is for people on a terminal (skipped without script of util-linux)', () => {
    const command = `'${process.execPath}' --input-type=module --eval "$PROGRAM"`;
    const run = (format: string) =>
      spawnSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
        encoding: 'utf8',
        input: '',
        env: { ...environment, PROGRAM: program(format) },
      });
    const auto = run("'auto'");
    expect(auto.status).toBe(3);
    expect(auto.stdout).toContain('INFO: worker-stage1 study done');
    expect(auto.stdout).not.toContain('\x1b['); // NO_COLOR
    expect(JSON.parse(run("'json'").stdout.split('\n')[0]!)).toMatchObject({ msg: 'study done' });
  });

  it.each(["'json'", "'pretty'"])('never has attributes of DICOM files, even if somebody logs them: %s', (format) => {
    const text = logOf(format).join('\n');
    expect(text).toContain('[Redacted]');
    expect(text).not.toMatch(/Doe|Jane|MRN-4711/);
  });

  it('has the format of the settings', () => {
    expect(readSettings({}).logFormat).toBe('auto');
    expect(readSettings({ SPINELINE_LOG_FORMAT: 'pretty' }).logFormat).toBe('pretty');
    expect(() => readSettings({ SPINELINE_LOG_FORMAT: 'xml' })).toThrow('SPINELINE_LOG_FORMAT');
  });
});
