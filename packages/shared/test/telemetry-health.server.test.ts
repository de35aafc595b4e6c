/** The health endpoint of a worker, and its metrics, read over HTTP as Prometheus reads them. */

import { describe, expect, it, onTestFinished } from 'vitest';
import type { Health } from '../telemetry/health.ts';
import { startHealthServer, WorkerMetrics } from '../telemetry/index.ts';
import { samplesOf as parseSamples } from './support/samples.ts';

async function serve(metrics: WorkerMetrics, health: () => Health): Promise<string> {
  const server = await startHealthServer({ host: '127.0.0.1', port: 0 }, metrics.registry, health);
  onTestFinished(() => server.close());
  return server.url;
}

describe('the health endpoint', () => {
  it('says that it lives, and whether it is ready with what it knows of itself', async () => {
    let ready = false;
    let live = true;
    const state = () => ({ live, ready, redis: ready ? 'ready' : 'connecting' });
    const url = await serve(new WorkerMetrics('stage1'), state);
    const alive = await fetch(`${url}/livez`);
    expect([alive.status, await alive.json()]).toEqual([200, { live: true, ready: false, redis: 'connecting' }]);
    live = false;
    expect((await fetch(`${url}/livez`)).status).toBe(503);
    const before = await fetch(`${url}/readyz`);
    expect([before.status, await before.json()]).toEqual([503, { live: false, ready: false, redis: 'connecting' }]);
    ready = true;
    const after = await fetch(`${url}/readyz?verbose`);
    expect([after.status, await after.json()]).toEqual([200, { live: false, ready: true, redis: 'ready' }]);
    expect(after.headers.get('cache-control')).toBe('no-store');
  });

  it('gives the metrics in the format that Prometheus reads, the process’ own among them', async () => {
    const metrics = new WorkerMetrics('stage2');
    const url = await serve(metrics, () => ({ live: true, ready: true }));
    metrics.job('failed');
    const reply = await fetch(`${url}/metrics`);
    expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const samples = parseSamples(await reply.text());
    expect(samples.get('spineline_jobs_total{stage="stage2",outcome="failed"}')).toBe(1);
    expect(samples.has('process_resident_memory_bytes{stage="stage2"}')).toBe(true);
  });

  it('says what there is to whoever asks for something else', async () => {
    const url = await serve(new WorkerMetrics('stage1'), () => ({ live: true, ready: true }));
    const reply = await fetch(`${url}/admin`);
    expect(reply.status).toBe(404);
    expect(await reply.text()).toContain('/metrics');
  });

  it('answers with an error, and goes on, where its own state cannot be read', async () => {
    const url = await serve(new WorkerMetrics('stage1'), () => {
      throw new Error('no state');
    });
    expect((await fetch(`${url}/readyz`)).status).toBe(500);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it('cannot listen where somebody else does', async () => {
    const metrics = new WorkerMetrics('stage1');
    const port = Number(new URL(await serve(metrics, () => ({ live: true, ready: true }))).port);
    await expect(
      startHealthServer({ host: '127.0.0.1', port }, metrics.registry, () => ({ live: true, ready: true })),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
