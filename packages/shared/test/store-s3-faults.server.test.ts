/**
 * A bad network between the `s3://` store and a real server: never short bytes, never for ever, always an error that
 * says whether to try again.
 */

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, ObjectNotFoundError, StoreUnavailableError } from '../domain/index.ts';
import { openSources } from '../sources/index.ts';
import { type ObjectStore, openStore } from '../store/index.ts';
import type { S3Options } from '../store/s3-options.ts';
import { type FaultProxy, startFaultProxy } from './support/fault-proxy.ts';
import { freePort } from './support/free-port.ts';
import { S3_START_TIMEOUT_MS, s3Missing, startS3, type TestS3 } from './support/s3-server.ts';

const missing = await s3Missing();
const BYTES = Uint8Array.from({ length: 500_000 }, (_, i) => i % 251);
/** Enough for the real server on a busy machine, short enough to wait for. */
const TIMEOUT_MS = 1500;

describe.skipIf(missing)(missing ? `s3:// faults (skipped: ${missing})` : 's3:// faults', () => {
  let server: TestS3;
  let bucket: string;

  beforeAll(async () => {
    server = await startS3();
    bucket = server.newBucket();
    const store = await openStore(`s3://${bucket}`, { ...server.options, createBucket: true });
    await store.put('object', BYTES);
    await store.close();
  }, S3_START_TIMEOUT_MS);
  afterAll(() => server?.stop());

  /** A store behind a proxy that still behaves. */
  async function proxied(options: S3Options = {}): Promise<{ store: ObjectStore; proxy: FaultProxy; all: S3Options }> {
    const proxy = await startFaultProxy(server.endpoint);
    onTestFinished(() => proxy.stop());
    const all = { ...server.options, endpoint: proxy.url, maxAttempts: 1, requestTimeoutMs: TIMEOUT_MS, ...options };
    const store = await openStore(`s3://${bucket}`, all);
    onTestFinished(() => store.close());
    return { store, proxy, all };
  }

  it('is unavailable while nobody listens, and well again afterwards', async () => {
    const { store, proxy, all } = await proxied();
    await proxy.refuse();
    await expect(store.get('object')).rejects.toThrow(StoreUnavailableError);
    await expect(store.get('object')).rejects.toThrow('ECONNREFUSED');
    await expect(store.put('new', '1')).rejects.toThrow(StoreUnavailableError);
    await expect(store.head('object')).rejects.toThrow(StoreUnavailableError);
    await expect(store.delete('object')).rejects.toThrow(StoreUnavailableError);
    await expect(Array.fromAsync(store.list(''))).rejects.toThrow(StoreUnavailableError);
    await expect(openStore(`s3://${bucket}`, all)).rejects.toThrow(StoreUnavailableError);
    await proxy.listen();
    expect(isWhole(await store.get('object'))).toBe(true);
  });

  it('gives up on a server that accepts and is silent', async () => {
    const { store, proxy } = await proxied({ requestTimeoutMs: 300 });
    await proxy.be({ kind: 'hang' });
    await expect(store.get('object')).rejects.toThrow(StoreUnavailableError);
    await expect(store.get('object')).rejects.toThrow('TimeoutError');
    await expect(store.put('new', BYTES)).rejects.toThrow(StoreUnavailableError);
    await expect(Array.fromAsync(store.list(''))).rejects.toThrow(StoreUnavailableError);
  });

  it('gives up on an answer that stops in the middle', async () => {
    const { store, proxy } = await proxied({ requestTimeoutMs: 300 });
    await proxy.be({ kind: 'stall', bytes: 100_000 });
    await expect(store.get('object')).rejects.toThrow(StoreUnavailableError);
  });

  for (const kind of ['reset', 'close'] as const) {
    it(`never returns short bytes when the answer ends early by ${kind}`, async () => {
      const { store, proxy } = await proxied();
      for (const bytes of [0, 1, 50, 400, 100_000, 499_000]) {
        await proxy.be({ kind, bytes });
        await expect(store.get('object'), `after ${bytes} bytes`).rejects.toThrow(StoreUnavailableError);
      }
      await proxy.be({ kind, bytes: 300 });
      await expect(Array.fromAsync(store.list(''))).rejects.toThrow(StoreUnavailableError);
    });
  }

  it('tries again, and has the whole object, when the network recovers in time', async () => {
    const { store, proxy } = await proxied({ maxAttempts: 3 });
    for (const fault of [
      { kind: 'reset', bytes: 100_000, times: 2 },
      { kind: 'close', bytes: 10_000, times: 1 },
      { kind: 'hang', times: 1 },
      { kind: 'answer', text: answer('503 Slow Down', 'SlowDown'), times: 2 },
      { kind: 'answer', text: answer('500 Internal Server Error', 'InternalError'), times: 1 },
      { kind: 'answer', text: answer('429 Too Many Requests', 'TooManyRequests'), times: 1 },
    ] as const) {
      const before = proxy.connections();
      await proxy.be(fault);
      expect(isWhole(await store.get('object')), fault.kind).toBe(true);
      expect(proxy.connections() - before).toBe(fault.times + 1);
    }
    await proxy.be({ kind: 'reset', bytes: 0, times: 2 });
    await store.put('retried', BYTES);
    expect(isWhole(await store.get('retried'))).toBe(true);
  });

  it('stops trying after the attempts that it was given', async () => {
    const { store, proxy } = await proxied({ maxAttempts: 2 });
    await proxy.be({ kind: 'answer', text: answer('503 Slow Down', 'SlowDown') });
    const before = proxy.connections();
    await expect(store.get('object')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      kind: 'transient',
      context: { found: 'SlowDown (HTTP 503)' },
    });
    expect(proxy.connections() - before).toBe(2);
  });

  it('does not try again what the server refuses', async () => {
    const { store, proxy } = await proxied({ maxAttempts: 3 });
    await proxy.be({ kind: 'answer', text: answer('403 Forbidden', 'AccessDenied') });
    const before = proxy.connections();
    await expect(store.get('object')).rejects.toMatchObject({ code: 'OBJECT_ACCESS_DENIED', kind: 'permanent' });
    expect(proxy.connections() - before).toBe(1);
  });

  it('leaves no socket behind on absent objects and broken answers', async () => {
    const { store, proxy } = await proxied({ maxSockets: 2, maxAttempts: 1 });
    for (let i = 0; i < 6; i++) {
      await expect(store.get('absent')).rejects.toThrow(ObjectNotFoundError);
      await proxy.be({ kind: 'reset', bytes: 1000, times: 1 });
      await expect(store.get('object')).rejects.toThrow(StoreUnavailableError);
    }
    await proxy.be({ kind: 'pass' });
    const all = await Promise.all(Array.from({ length: 10 }, () => store.get('object')));
    expect(all.every((bytes) => bytes.byteLength === BYTES.byteLength)).toBe(true);
  });

  it('reads DICOM sources under the same rules', async () => {
    const { proxy, all } = await proxied();
    const sources = openSources({ s3: all });
    onTestFinished(() => sources.close());
    expect(isWhole(await sources.read(`s3://${bucket}/object`))).toBe(true);
    await expect(sources.read(`s3://${bucket}/absent`)).rejects.toThrow(ObjectNotFoundError);
    await expect(sources.read(`s3://${server.newBucket()}/x`)).rejects.toThrow(ConfigError);
    await proxy.be({ kind: 'reset', bytes: 1000 });
    await expect(sources.read(`s3://${bucket}/object`)).rejects.toThrow(StoreUnavailableError);
  });
});

it('refuses options that cannot be meant', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  for (const options of [
    { endpoint, accessKeyId: 'id' },
    { endpoint: 'not a URL', accessKeyId: 'id', secretAccessKey: 'secret' },
    { endpoint: 'http://user:secret@127.0.0.1:1', accessKeyId: 'id', secretAccessKey: 'secret' },
  ]) {
    await expect(openStore('s3://bucket', options)).rejects.toThrow(ConfigError);
    await expect(openStore('s3://bucket', options)).rejects.not.toThrow('secret@');
  }
  await expect(openStore('s3://key:secret@bucket/x', { endpoint })).rejects.not.toThrow('secret');
});

/** Not `toEqual`, which takes seconds over half a million elements. */
function isWhole(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, BYTES) === 0;
}

function answer(status: string, code: string): string {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as a test asked</Message></Error>`;
  const headers = ['Content-Type: application/xml', `Content-Length: ${body.length}`, 'Connection: close'];
  return `HTTP/1.1 ${status}\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}
