/**
 * `spineline status --watch` as a process, against a real Redis and a store in which a test plays the workers: on a
 * terminal, through a pipe, for programs; runs that come to an end and runs that do not; a Redis that falls silent.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startFaultProxy } from '../../../packages/shared/test/support/fault-proxy.ts';
import { type Exit, startNode } from '../../../packages/shared/test/support/guarded-process.ts';
import { Happenings } from '../../../packages/shared/test/support/happenings.ts';
import { type QueueRig, queueRig } from '../../../packages/shared/test/support/queue-rig.ts';
import { redisMissing, startRedis, type TestRedis } from '../../../packages/shared/test/support/redis-server.ts';

const COMMAND = fileURLToPath(new URL('../bin/spineline.js', import.meta.url));
const STUDIES = ['s1', 's2', 's3', 's4'];
const missing = redisMissing();
/** Of util-linux: another `script` has other options. */
const pseudoTerminal = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');

describe.skipIf(missing)(`spineline status --watch${missing ? ` (${missing})` : ''}`, () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  /** A run whose studies wait at stage 1. */
  async function waitingRun(run: string): Promise<QueueRig> {
    const rig = await queueRig(redis.url);
    await rig.record(run, STUDIES);
    await rig.add(run, ...STUDIES);
    return rig;
  }

  /** The studies leave the queues, as if workers had worked them off. */
  async function finish(rig: QueueRig, run: string, scored: readonly string[], failed: readonly string[]) {
    await rig.score(run, ...scored);
    for (const study of scored) await rig.progress.add(run, study, 'stage1', 'stage2', 'stage3');
    await rig.fail(run, 'permanent', ...failed);
    for (const study of failed) await rig.progress.add(run, study, 'failed');
    await rig.queues.removeStudies(run, [...scored, ...failed]);
  }

  const settingsOf = (rig: QueueRig, url = redis.url) => ({
    SPINELINE_REDIS_URL: url,
    SPINELINE_STORE_URL: rig.storeUrl,
    SPINELINE_QUEUE_PREFIX: rig.prefix,
  });

  function start(parameters: readonly string[], settings: Readonly<Record<string, string>>) {
    const { child, exited } = startNode(COMMAND, ['status', ...parameters], settings);
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = { out: new Happenings<string>(), err: new Happenings<string>() };
    createInterface({ input: child.stdout }).on('line', (line) => lines.out.add(line));
    createInterface({ input: child.stderr }).on('line', (line) => lines.err.add(line));
    void exited.then(({ code }) => {
      const end = new Error(`ended with ${code}:\n${lines.out.all.join('\n')}\n${lines.err.all.join('\n')}`);
      for (const some of [lines.out, lines.err]) some.end(end);
    });
    return { child, exited, ...lines };
  }

  const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

  it('--json prints a line a look, and what the run came to', async () => {
    const rig = await waitingRun('tonight');
    const command = start(['tonight', '--watch', '--json'], settingsOf(rig));
    await command.out.when(() => true, 2);
    await finish(rig, 'tonight', ['s1', 's2', 's3'], ['s4']);
    expect(await command.exited).toEqual({ code: 3, signal: null });
    expect(command.err.all).toEqual([]);
    const [first, ...rest] = parsed(command.out.all);
    const [last, summary] = rest.slice(-2);
    expect(first).toMatchObject({
      schema: 'spineline.status/1',
      run: 'tonight',
      studies: 4,
      scored: 0,
      failed: 0,
      missing: 4,
      queued: 4,
      cancelled: false,
      paused: [],
      pagesWaiting: 0,
      done: { stage1: 0, stage3: 0, failed: 0 },
      queues: { stage1: { waiting: 4, active: 0, delayed: 0, failed: 0 } },
      studiesPerMinute: 0,
      secondsLeft: null,
      end: null,
    });
    for (const time of [first.at, first.listed, first.counted]) {
      expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(60_000);
    }
    expect(last).toMatchObject({
      schema: 'spineline.status/1',
      scored: 3,
      failed: 1,
      missing: 0,
      done: { stage1: 3, stage3: 3, failed: 1 },
      secondsLeft: 0,
      end: 'over',
    });
    expect(last.studiesPerMinute).toBeGreaterThan(0);
    expect(summary).toMatchObject({ schema: 'spineline.summary/1', scored: 3, failed: 1, missing: 0, queued: 0 });
  });

  it('ends when nothing is queued and studies are missing, and when the run is cancelled', async () => {
    const rig = await waitingRun('lost');
    await finish(rig, 'lost', ['s1'], []);
    await rig.queues.removeRun('lost');
    const lost = start(['lost', '--watch', '--json'], settingsOf(rig));
    expect(await lost.exited).toEqual({ code: 4, signal: null });
    expect(parsed(lost.out.all).at(-1)).toMatchObject({ scored: 1, missing: 3, queued: 0, end: 'nothing queued' });
    // Seconds in which somebody may have been about to hand over more.
    expect(lost.out.all.length).toBeGreaterThan(2);

    await rig.record('other', STUDIES);
    await rig.add('other', ...STUDIES);
    await rig.runs.cancel('other');
    const cancelled = start(['other', '--watch'], settingsOf(rig));
    expect(await cancelled.exited).toEqual({ code: 4, signal: null });
    expect(cancelled.err.all).toEqual([expect.stringContaining('0 of 4 studies')]);
    expect(cancelled.out.all[0]).toBe('run other was cancelled: 0 scored, 0 failed, 4 of 4 left');
    expect(cancelled.out.all.at(-1)).toBe('to continue it: spineline resume other');
  });

  it('looks once without --watch', async () => {
    const rig = await waitingRun('tonight');
    await finish(rig, 'tonight', ['s1'], ['s2']);
    await rig.progress.addClassShares('tonight', 's1', ['spinal_canal_stenosis_l1_l2', 'spinal_canal_stenosis_l2_l3']);
    const people = start(['tonight'], settingsOf(rig));
    expect(await people.exited).toEqual({ code: 4, signal: null });
    expect(people.out.all[0]).toBe('run tonight is not finished: 1 scored, 1 failed, 2 of 4 left');
    expect(people.out.all[1]).toBe('class shares, since no view exists: 2 of 25 targets, in 1 of 1 scored study');
    const programs = start(['tonight', '--json'], settingsOf(rig));
    expect(await programs.exited).toEqual({ code: 4, signal: null });
    expect(parsed(programs.out.all)).toMatchObject([
      {
        schema: 'spineline.status/1',
        scored: 1,
        failed: 1,
        missing: 2,
        classShares: { targets: 2, studies: 1 },
        queued: 2,
        end: null,
      },
    ]);
  });

  it('is left by Ctrl-C with the code of a run that is not over, which goes on', async () => {
    const rig = await waitingRun('tonight');
    const command = start(['tonight', '--watch'], settingsOf(rig));
    await command.err.when((line) => line.startsWith('0 of 4 studies'));
    command.child.kill('SIGINT');
    expect(await command.exited).toEqual({ code: 4, signal: null });
    expect(command.err.all.at(-1)).toBe('the run continues; watch again: spineline status tonight --watch');
    expect(command.out.all).toEqual([]);
    expect(await rig.queues.unfinished()).toBe(4);
  });

  it('is left when nobody reads any more', async () => {
    const rig = await waitingRun('tonight');
    const command = start(['tonight', '--watch', '--json'], settingsOf(rig));
    await command.out.when(() => true);
    command.child.stdout.destroy();
    expect(await command.exited).toEqual({ code: 4, signal: null });
    expect(command.err.all).toEqual([]);
  });

  it('says that Redis is silent, goes on when it answers again, and can be left meanwhile', async () => {
    const rig = await waitingRun('tonight');
    const proxy = await startFaultProxy(redis.url);
    onTestFinished(() => proxy.stop());
    const command = start(['tonight', '--watch'], settingsOf(rig, proxy.url));
    const program = start(['tonight', '--watch', '--json'], settingsOf(rig, proxy.url));
    await command.err.when((line) => line.startsWith('0 of 4 studies'));
    await program.out.when(() => true);
    await proxy.be({ kind: 'hang' });
    await command.err.when((line) =>
      /^Redis has not answered for \d+ s; the counts are from \d\d:\d\d:\d\d$/.test(line),
    );

    // A program sees it by the time of the counts, which stands still.
    const counted = (line: string) => JSON.parse(line).counted as string;
    const seen = program.out.all.length;
    await program.out.when(() => true, seen + 2);
    const last = program.out.all.slice(-2);
    expect(counted(last[0]!)).toBe(counted(last[1]!));

    const interrupted = performance.now();
    program.child.kill('SIGINT');
    expect(await program.exited).toEqual({ code: 4, signal: null });
    expect(performance.now() - interrupted).toBeLessThan(5000);

    await proxy.be({ kind: 'pass' });
    await finish(rig, 'tonight', STUDIES, []);
    expect(await command.exited).toEqual({ code: 0, signal: null });
    expect(command.out.all.join('\n')).toContain('4 studies: 4 scored, 0 failed');
  });

  describe.skipIf(!pseudoTerminal)(
    `on a terminal${pseudoTerminal ? '' : ' (there is no script of util-linux)'}`,
    () => {
      /** In a terminal of 70 columns and 24 lines. */
      function onTerminal(run: string, settings: Readonly<Record<string, string>>) {
        const line = `stty cols 70 rows 24; exec '${process.execPath}' '${COMMAND}' status ${run} --watch`;
        const bare = Object.entries(process.env).filter(
          ([name]) => !/^(SPINELINE_|NO_COLOR|FORCE_COLOR|CI)/.test(name),
        );
        const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
          env: { ...Object.fromEntries(bare), TERM: 'xterm-256color', ...settings },
        });
        onTestFinished(() => void child.kill('SIGKILL'));
        let shown = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          shown += text;
        });
        const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }) as Exit);
        return {
          shown: () => shown,
          /** Waits until a text was shown. */
          when: (text: string) =>
            expect.poll(() => stripVTControlCharacters(shown), { timeout: 20_000 }).toContain(text),
          interrupt: () => child.stdin.write('\x03'),
          exited,
        };
      }

      it('shows the live view, within its width, and gives the cursor back', async () => {
        const rig = await waitingRun('tonight');
        const terminal = onTerminal('tonight', settingsOf(rig));
        await terminal.when('0 scored  0 failed  4 of 4 studies left');
        await rig.progress.add('tonight', 's1', 'stage1');
        await rig.score('tonight', 's2');
        await rig.progress.add('tonight', 's2', 'stage1', 'stage2', 'stage3');
        await rig.fail('tonight', 'permanent', 's3');
        await rig.progress.add('tonight', 's3', 'failed');
        await terminal.when('1 scored  1 failed  2 of 4 studies left');
        await terminal.when('s3  TEST  made to fail');
        terminal.interrupt();
        expect(await terminal.exited).toEqual({ code: 4, signal: null });
        const shown = terminal.shown();
        expect(shown).toContain('\x1b[1mtonight\x1b[22m');
        const text = stripVTControlCharacters(shown);
        expect(text).toContain('tonight  waiting for workers');
        expect(text).toContain('studies wait, but no worker takes them: are workers running?');
        expect(text.trimEnd().split('\n').at(-1)).toContain('the run continues; watch again: spineline status tonight');
        expect(Math.max(...text.split(/\r?\n/).map((line) => [...line].length))).toBe(70);
        expect(shown.lastIndexOf('\x1b[?25h')).toBeGreaterThan(shown.lastIndexOf('\x1b[?25l'));
      });

      it('leaves the last view above what the run came to, and no colour where none is wanted', async () => {
        const rig = await waitingRun('tonight');
        const terminal = onTerminal('tonight', { ...settingsOf(rig), NO_COLOR: '1' });
        await terminal.when('4 of 4 studies left');
        await finish(rig, 'tonight', STUDIES, []);
        expect(await terminal.exited).toEqual({ code: 0, signal: null });
        const shown = terminal.shown();
        for (const style of ['1', '2', '31', '32', '33']) expect(shown).not.toContain(`\x1b[${style}m`);
        const text = stripVTControlCharacters(shown);
        const [view, summary] = [text.lastIndexOf('tonight  finished'), text.indexOf('4 studies: 4 scored, 0 failed')];
        expect(view).toBeGreaterThan(0);
        expect(summary).toBeGreaterThan(view);
      });
    },
  );
});
