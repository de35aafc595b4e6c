/**
 * A run as Prometheus sees it: a real Prometheus with the repository's rules scrapes an exporter and three workers, every
 * expression of every rule and dashboard is asked, and the figures are held against the store and the CSV.
 * `SPINELINE_TEST_WATCH_STUDIES` makes the run as long as wanted.
 */

import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { STAGE_NAMES } from '@spineline/shared/domain';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectRedis } from '../../../packages/shared/queue/connection.ts';
import { startNode } from '../../../packages/shared/test/support/guarded-process.ts';
import { copyTo, phantomDataset } from '../../../packages/shared/test/support/phantoms.ts';
import { redisMissing } from '../../../packages/shared/test/support/redis-server.ts';
import { sampleOf, samplesOf } from '../../../packages/shared/test/support/samples.ts';
import { logOf } from '../../../packages/shared/test/support/worker-log.ts';
import {
  type DashboardJson,
  type PanelExpression,
  panelExpressions,
} from '../../../test/support/dashboard-expressions.ts';
import { metricNames } from '../../../test/support/promql.ts';
import { type Deployment, resultsOf, type Status, startDeployment, watchRun } from './support/deployment.ts';
import { prometheusMissing, type Series, startPrometheus, type TestPrometheus } from './support/prometheus.ts';
import type { ResultsFile } from './support/results-file.ts';
import { COMMAND, spineline, spinelineOk } from './support/spineline-command.ts';
import { startTraceCollector } from './support/trace-collector.ts';
import { type Pools, startPools } from './support/worker.ts';

const STUDIES = Number(process.env.SPINELINE_TEST_WATCH_STUDIES || 4);
/** One more has a file that is no DICOM, and fails. */
const BROKEN = '4711';
const TIMEOUT_MS = 180_000 + STUDIES * 30_000;
const LOOK_EVERY_MS = 2000;
const RUN = 'tonight';
const DASHBOARDS = fileURLToPath(new URL('../../../deploy/grafana/generated/', import.meta.url));
const missing = redisMissing() ?? prometheusMissing();

/** Alerts that may be pending or firing after such a run, and why. */
const MAY_FIRE: Readonly<Record<string, string>> = {
  SpinelineErrorRatioHigh: 'one of the studies is broken on purpose',
};

describe.skipIf(missing)(`watching a run${missing ? ` (${missing})` : ''}`, () => {
  let deployment: Deployment;
  let dataset = '';
  let pools: Pools;
  let exporter: ReturnType<typeof startNode>;
  let exporterUrl = '';
  let prometheus: TestPrometheus;
  let collector: Awaited<ReturnType<typeof startTraceCollector>>;
  let status: Status;
  let results: ResultsFile;
  /** What each expression gave when it first gave anything. */
  const answers = new Map<string, Series[]>();
  const asked: PanelExpression[] = [];
  const accounts: { stage: string; elapsed: number; slots: number; jobs: number; idle: number; phases: number }[] = [];

  beforeAll(async () => {
    deployment = await startDeployment(async (folder) => {
      dataset = join(folder, 'phantom');
      await copyTo(await phantomDataset({ studies: STUDIES, awkward: true }), dataset);
      await addBrokenStudy(dataset);
      await takeAxialAway(dataset);
    });
    const { settings, folder } = deployment;
    await limitMemory(deployment.redis.url);
    collector = await startTraceCollector();
    const traced = { ...settings, SPINELINE_TRACES_URL: collector.url };
    const withGpu = { ...traced, PATH: `${await fakeNvidiaSmi(folder)}${delimiter}${process.env.PATH}` };
    pools = await startPools(1, withGpu);
    exporter = startNode(COMMAND, ['exporter'], settings);
    const started = await logOf(exporter).when(({ msg }) => msg === 'exporter started');
    exporterUrl = String(started.health);
    prometheus = await startPrometheus({
      'spineline-worker': pools.workers.map(({ health }) => new URL(health).host),
      'spineline-exporter': [new URL(exporterUrl).host],
    });
    for (const file of (await readdir(DASHBOARDS)).sort()) {
      const dashboard = JSON.parse(await readFile(join(DASHBOARDS, file), 'utf8')) as DashboardJson;
      const variables = { run: RUN, stage: 'stage1|stage2|stage3' };
      asked.push(...panelExpressions(dashboard, variables));
    }
    asked.push(
      ...(await prometheus.rules())
        .filter(({ type }) => type === 'recording')
        .map(({ name }) => ({ panel: 'recording rule', refId: name, expr: name })),
    );

    const before = await readAccounts();
    await spinelineOk(['pause'], settings);
    await spinelineOk(['enqueue', dataset, '--run', RUN, '--deadline', '8h'], traced);
    await holdUntilSeenUnderWay();
    const over = watchRun(RUN, settings);
    let isOver = false;
    void over.then(() => {
      isOver = true;
    });
    while (!isOver) {
      await ask();
      await Promise.race([over, sleep(LOOK_EVERY_MS)]);
    }
    status = await over;
    const after = await readAccounts();
    for (const [i, { stage, at, ...sums }] of after.entries()) {
      const { jobs, idle, phases } = before[i]!;
      const since = { jobs: sums.jobs - jobs, idle: sums.idle - idle, phases: sums.phases - phases };
      accounts.push({ stage, elapsed: at - before[i]!.at, slots: sums.slots, ...since });
    }
    // Until the exporter and Prometheus have seen the end.
    await vi.waitFor(
      async () => expect(await prometheus.query(`spineline_run_studies_left{run="${RUN}"} == 0`)).toHaveLength(1),
      { timeout: 60_000, interval: 500 },
    );
    await ask();
    results = await resultsOf(RUN, folder, settings);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await prometheus?.stop();
    await pools?.stop();
    exporter?.child.kill('SIGTERM');
    await exporter?.exited;
    await collector?.stop();
    await deployment?.stop();
  });

  /**
   * Some panels need a run that gets on and is not over: on a fast machine it would be over before anybody looks. So the
   * broken study fails at stage 1 while stage 3 waits, until these panels have given something.
   */
  async function holdUntilSeenUnderWay(): Promise<void> {
    const { settings } = deployment;
    const seen = { timeout: 60_000, interval: 500 };
    const left = (studies: number) => prometheus.query(`spineline_run_studies_left{run="${RUN}"} == ${studies}`);
    await vi.waitFor(async () => expect(await left(STUDIES + 1)).toHaveLength(1), seen);
    for (const stage of ['1', '2']) await spinelineOk(['unpause', '--stage', stage], settings);
    await vi.waitFor(async () => {
      await ask();
      expect(asked.filter(({ expr }) => expr.includes('run:spineline_time_left') && !answers.has(expr))).toEqual([]);
    }, seen);
    await spinelineOk(['unpause', '--stage', '3'], settings);
  }

  /** Asks what has not given anything yet. */
  async function ask(): Promise<void> {
    for (const { expr } of asked) {
      if (answers.has(expr)) continue;
      const found = await prometheus.query(expr);
      if (found.length > 0) answers.set(expr, found);
    }
  }

  /** What each worker says it did with its time. */
  function readAccounts() {
    return Promise.all(
      pools.workers.map(async ({ stage, health }) => {
        const samples = samplesOf(await (await fetch(`${health}/metrics`)).text());
        const of = (name: string) => sampleOf(samples, name, { stage })!;
        const phases = [...samples].filter(([name]) => name.startsWith('spineline_phase_seconds_sum{'));
        return {
          stage,
          at: performance.now() / 1000,
          slots: of('spineline_job_slots'),
          jobs: of('spineline_job_seconds_sum'),
          idle: of('spineline_job_slot_idle_seconds_total'),
          phases: phases.reduce((sum, [, value]) => sum + value, 0),
        };
      }),
    );
  }

  it('scores what can be scored, and all targets are up', async () => {
    expect(status).toMatchObject({ studies: STUDIES + 1, scored: STUDIES, failed: 1, missing: 0 });
    expect([...(await prometheus.targets()).values()]).toEqual(['up', 'up', 'up', 'up']);
  });

  it('evaluates every rule, and has what the alerts look at', async () => {
    const rules = await prometheus.rules();
    expect(rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`)).toEqual(
      [],
    );
    const alerts = rules.filter(({ type }) => type === 'alerting');
    expect(alerts.length).toBeGreaterThanOrEqual(10);
    const loud = alerts.filter(({ state, name }) => state !== 'inactive' && !MAY_FIRE[name]);
    expect(loud.map(({ name, query }) => `${name}: ${query}`)).toEqual([]);
    for (const { name, query } of alerts) {
      for (const metric of metricNames(query)) {
        expect((await prometheus.query(metric)).length, `${name} looks at ${metric}`).toBeGreaterThan(0);
      }
    }
  });

  it('has the same figures as the store and the CSV', async () => {
    const one = async (expression: string) => (await prometheus.query(expression))[0]?.value;
    const { code, stdout } = await spineline(
      ['results', RUN, '--format', 'challenge', '--out', '-'],
      deployment.settings,
    );
    expect(code).toBe(3); // some failed
    const rows = stdout.trim().split('\n').length - 1;
    expect(rows).toBe(25 * STUDIES);
    expect(results.studies).toHaveLength(STUDIES);
    expect(await one('sum(spineline_studies_scored_total)')).toBe(STUDIES);
    expect(await one(`spineline_run_studies_scored{run="${RUN}"}`)).toBe(STUDIES);
    expect(await one(`spineline_run_studies_failed{run="${RUN}"}`)).toBe(1);
    expect(await one('sum(spineline_job_failures_total)')).toBe(1);
    expect(await one('sum(spineline_job_failures_total{error_code="STUDY_UNREADABLE"})')).toBe(1);
    for (const [stage, jobs] of [
      ['stage1', STUDIES + 1],
      ['stage2', STUDIES],
      ['stage3', STUDIES],
    ] as const) {
      expect(await one(`spineline_job_seconds_count{stage="${stage}"}`)).toBe(jobs);
    }
    for (const step of ['stage1', 'xy', 'crops', 'stage3']) {
      expect(await one(`spineline_steps_total{step="${step}",reused="false"}`)).toBe(STUDIES);
    }
    const shares = results.studies.flatMap(({ targets }) => targets.filter(({ classShares }) => classShares)).length;
    expect(shares).toBe(10);
    expect(await one('sum(spineline_class_share_targets_total)')).toBe(shares);
    expect(await one(`spineline_run_class_share_targets{run="${RUN}"}`)).toBe(shares);
    expect(await one(`spineline_run_class_share_studies{run="${RUN}"}`)).toBe(1);
    const flags = results.studies.reduce((sum, study) => sum + study.flags.length, 0);
    expect(await one('sum(spineline_flags_total)')).toBe(flags);
  });

  it('accounts for all time: phases for the jobs, jobs and idle slots for the run, within 5 % a worker', () => {
    expect(accounts.map(({ stage }) => stage)).toEqual(['stage1', 'stage2', 'stage3']);
    for (const { stage, elapsed, slots, jobs, idle, phases } of accounts) {
      const ratio = (jobs + idle) / (slots * elapsed);
      console.info(
        `${stage}: ${elapsed.toFixed(1)} s by ${slots} slots; jobs ${jobs.toFixed(1)} s, idle ${idle.toFixed(1)} s, ratio ${ratio.toFixed(4)}; phases ${phases.toFixed(1)} s`,
      );
      expect(jobs).toBeGreaterThan(0);
      expect(Math.abs(phases / jobs - 1)).toBeLessThan(1e-6);
      expect(Math.abs(ratio - 1)).toBeLessThan(0.05);
    }
  });

  it('has one trace a study, from being enqueued to its result', async () => {
    const processed = (stage: string, study: string) =>
      collector.spans.find(
        ({ service, name, attributes }) =>
          service === `spineline-worker-${stage}` &&
          name === `process ${stage}` &&
          attributes['bullmq.job.id'] === `${RUN}.${study}`,
      );
    for (const { study } of results.studies) {
      // Spans are sent every few seconds.
      await vi.waitFor(() => expect(STAGE_NAMES.every((stage) => processed(stage, study))).toBe(true), {
        timeout: 30_000,
      });
      const spans = STAGE_NAMES.map((stage) => processed(stage, study)!);
      const [trace, ...others] = new Set(spans.map(({ traceId }) => traceId));
      expect(others).toEqual([]);
      const names = (service: string) =>
        collector.spans.filter((span) => span.traceId === trace && span.service === service).map(({ name }) => name);
      expect(names('spineline-producer')).toContain('enqueue page');
      expect(names('spineline-worker-stage1')).toContain('unfold page');
      expect(spans[0]!.attributes['spineline.inference_seconds']).toBeGreaterThan(0);
    }
  });

  it('serves metrics that promtool finds nothing wrong with', async () => {
    for (const url of [...pools.workers.map(({ health }) => health), exporterUrl]) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const {
        status: code,
        stderr,
        error,
      } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      expect(error).toBeUndefined();
      expect([code, stderr]).toEqual([0, '']);
    }
  });

  it('has no study in any label', async () => {
    const studies = new Set([...results.studies.map(({ study }) => study), BROKEN]);
    const series = await prometheus.query('{__name__=~".+"}');
    expect(series.length).toBeGreaterThan(500);
    for (const { metric } of series) {
      for (const value of Object.values(metric)) expect(studies.has(value), JSON.stringify(metric)).toBe(false);
    }
  });

  it(
    'gives data to every expression of every dashboard panel and every recording rule',
    async () => {
      // A second run over the same studies finds every output: what was reused is asked for too.
      await spinelineOk(['enqueue', dataset, '--run', 'again'], deployment.settings);
      await watchRun('again', deployment.settings);
      await vi.waitFor(
        async () => {
          await ask();
          expect(asked.filter(({ expr }) => !answers.has(expr)).map(described)).toEqual([]);
        },
        { timeout: 30_000, interval: 500 },
      );
      expect(asked.length).toBeGreaterThan(60);
      for (const [expr, series] of answers) {
        expect(
          series.some(({ value }) => Number.isFinite(value)),
          `${expr} is a number`,
        ).toBe(true);
      }
    },
    TIMEOUT_MS,
  );
  const described = ({ panel, refId, expr }: PanelExpression) => `${panel}/${refId}: ${expr}`;

  /** A study of one series whose only file is text. */
  async function addBrokenStudy(dataset: string): Promise<void> {
    const folder = join(dataset, 'train_images', BROKEN, '1');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '1.dcm'), 'not a picture');
    const descriptions = join(dataset, 'train_series_descriptions.csv');
    const text = await readFile(descriptions, 'utf8');
    await writeFile(descriptions, `${text.trimEnd()}\n${BROKEN},1,Sagittal T2/STIR\n`);
  }

  /** The first study loses its axial series: ten of its targets have no view. */
  async function takeAxialAway(dataset: string): Promise<void> {
    const descriptions = join(dataset, 'train_series_descriptions.csv');
    const lines = (await readFile(descriptions, 'utf8')).split('\n');
    const line = lines.find((one) => one.endsWith(',Axial T2'))!;
    const [study, series] = line.split(',');
    await rm(join(dataset, 'train_images', study!, series!), { recursive: true });
    await writeFile(descriptions, lines.filter((one) => one !== line).join('\n'));
  }

  /** Redis has a limit of memory in a real deployment. */
  async function limitMemory(url: string): Promise<void> {
    const redis = connectRedis(url, 'test');
    await redis.config('SET', 'maxmemory', '1gb');
    redis.disconnect();
  }

  /** This machine has no GPU: the panels are held against a program that speaks as NVIDIA's does. @returns its folder. */
  async function fakeNvidiaSmi(folder: string): Promise<string> {
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'nvidia-smi'), '#!/bin/sh\necho "0, 42, 1024, 81559"\n');
    await chmod(join(bin, 'nvidia-smi'), 0o755);
    return bin;
  }
});
