/** The metrics and the health endpoint of a worker, read over HTTP as Prometheus reads them. */

import { describe, expect, it, onTestFinished } from 'vitest';
import { FLAG_MEANINGS } from '../domain/index.ts';
import { type Health, startHealthServer, WorkerMetrics } from '../telemetry/index.ts';

/** Samples of the text format, `name{labels}` to value; a line that does not parse is an error. */
function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue;
    const match = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (!match) throw new Error(`not a sample: ${line}`);
    samples.set(match[1]!, match[2] === '+Inf' ? Infinity : Number(match[2]));
  }
  return samples;
}
const samplesOf = async (metrics: WorkerMetrics) => parseMetrics(await metrics.registry.metrics());

async function serve(metrics: WorkerMetrics, health: () => Health): Promise<string> {
  const server = await startHealthServer({ host: '127.0.0.1', port: 0 }, metrics.registry, health);
  onTestFinished(() => server.close());
  return server.url;
}

describe('the metrics of a worker', () => {
  it.each([
    ['stage1', ['stage1']],
    ['stage2', ['xy', 'crops']],
    ['stage3', ['stage3']],
  ])('of %s start at zero, not absent', async (stage, steps) => {
    const samples = await samplesOf(new WorkerMetrics(stage));
    for (const outcome of ['scored', 'handed_over', 'retried', 'failed']) {
      expect(samples.get(`spineline_jobs_total{stage="${stage}",outcome="${outcome}"}`)).toBe(0);
    }
    for (const code of Object.keys(FLAG_MEANINGS)) expect(samples.get(`spineline_flags_total{code="${code}"}`)).toBe(0);
    for (const step of steps) {
      expect(samples.get(`spineline_steps_total{step="${step}",reused="true"}`)).toBe(0);
      expect(samples.get(`spineline_steps_total{step="${step}",reused="false"}`)).toBe(0);
    }
    expect(samples.get(`spineline_samples_total{stage="${stage}"}`)).toBe(0);
    expect(samples.get(`spineline_jobs_in_progress{stage="${stage}"}`)).toBe(0);
  });

  it('count what happened', async () => {
    const metrics = new WorkerMetrics('stage3');
    metrics.job('scored');
    metrics.job('scored');
    metrics.inHand(1);
    metrics.inHand(1);
    metrics.inHand(-1);
    metrics.step('stage3', true);
    metrics.flag('view_missing');
    metrics.batch(3);
    metrics.batch(8);
    const samples = await samplesOf(metrics);
    expect(samples.get('spineline_jobs_total{stage="stage3",outcome="scored"}')).toBe(2);
    expect(samples.get('spineline_jobs_in_progress{stage="stage3"}')).toBe(1);
    expect(samples.get('spineline_steps_total{step="stage3",reused="true"}')).toBe(1);
    expect(samples.get('spineline_flags_total{code="view_missing"}')).toBe(1);
    expect(samples.get('spineline_samples_total{stage="stage3"}')).toBe(11);
    expect(samples.get('spineline_batch_samples_count{stage="stage3"}')).toBe(2);
    expect(samples.get('spineline_batch_samples_bucket{le="4",stage="stage3"}')).toBe(1);
  });

  it('time a phase whether it succeeds or fails, and pass its result on', async () => {
    const metrics = new WorkerMetrics('stage1');
    expect(await metrics.time('fetch', async () => 7)).toBe(7);
    await expect(metrics.time('fetch', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect((await samplesOf(metrics)).get('spineline_phase_seconds_count{stage="stage1",phase="fetch"}')).toBe(2);
  });

  it('have labels of bounded size: ever more work makes no more series', async () => {
    const metrics = new WorkerMetrics('stage1');
    const work = async () => {
      for (const outcome of ['scored', 'handed_over', 'retried', 'failed'] as const) metrics.job(outcome);
      for (const phase of ['fetch', 'prepare', 'inference', 'write'] as const)
        await metrics.time(phase, async () => {});
      for (const code of Object.keys(FLAG_MEANINGS)) metrics.flag(code as keyof typeof FLAG_MEANINGS);
      metrics.step('stage1', true);
      metrics.batch(5);
    };
    const own = async () => [...(await samplesOf(metrics)).keys()].filter((name) => name.startsWith('spineline_'));
    await work();
    const once = await own();
    for (let i = 0; i < 20; i++) await work();
    expect(await own()).toEqual(once);
    expect(once.length).toBeLessThan(150);
    const labels = new Set(once.flatMap((name) => [...name.matchAll(/(\w+)="/g)].map(([, label]) => label)));
    expect([...labels].sort()).toEqual(['code', 'le', 'outcome', 'phase', 'reused', 'stage', 'step']);
  });
});

describe('the health endpoint', () => {
  it('says that it lives, and whether it is ready with what it knows of itself', async () => {
    let ready = false;
    const url = await serve(new WorkerMetrics('stage1'), () => ({ ready, redis: ready ? 'ready' : 'connecting' }));
    const live = await fetch(`${url}/livez`);
    expect([live.status, await live.text()]).toEqual([200, 'ok\n']);
    const before = await fetch(`${url}/readyz`);
    expect([before.status, await before.json()]).toEqual([503, { ready: false, redis: 'connecting' }]);
    ready = true;
    const after = await fetch(`${url}/readyz?verbose`);
    expect([after.status, await after.json()]).toEqual([200, { ready: true, redis: 'ready' }]);
    expect(after.headers.get('cache-control')).toBe('no-store');
  });

  it('gives the metrics in the format that Prometheus reads, the process’ own among them', async () => {
    const metrics = new WorkerMetrics('stage2');
    const url = await serve(metrics, () => ({ ready: true }));
    metrics.job('failed');
    const reply = await fetch(`${url}/metrics`);
    expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const samples = parseMetrics(await reply.text());
    expect(samples.get('spineline_jobs_total{stage="stage2",outcome="failed"}')).toBe(1);
    expect(samples.has('process_resident_memory_bytes')).toBe(true);
  });

  it('says what there is to whoever asks for something else', async () => {
    const url = await serve(new WorkerMetrics('stage1'), () => ({ ready: true }));
    const reply = await fetch(`${url}/admin`);
    expect(reply.status).toBe(404);
    expect(await reply.text()).toContain('/metrics');
  });

  it('answers with an error, and goes on, where its own state cannot be read', async () => {
    const url = await serve(new WorkerMetrics('stage1'), () => {
      throw new Error('no state');
    });
    expect((await fetch(`${url}/readyz`)).status).toBe(500);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('cannot listen where somebody else does', async () => {
    const metrics = new WorkerMetrics('stage1');
    const port = Number(new URL(await serve(metrics, () => ({ ready: true }))).port);
    await expect(
      startHealthServer({ host: '127.0.0.1', port }, metrics.registry, () => ({ ready: true })),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
