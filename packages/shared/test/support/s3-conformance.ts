/**
 * The part of the conformance suite for S3: what the `s3://` store and the sources need in addition to the tests of
 * every store.
 */

import { createHash } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../../domain/index.ts';
import { openSources } from '../../sources/index.ts';
import { type ObjectStore, openStore } from '../../store/index.ts';
import type { S3Options } from '../../store/s3-options.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { TestS3 } from './s3-server.ts';
import type { S3ServerKind } from './s3-servers/server-kind.ts';

/**
 * @param server returns the running server, once tests run.
 * @param bucket returns an existing bucket.
 */
export function describeS3Server(kind: S3ServerKind, server: () => TestS3, bucket: () => string): void {
  describe('as an S3 server', () => {
    async function open(options: S3Options = {}): Promise<ObjectStore> {
      const store = await openStore(`s3://${bucket()}`, { ...server().options, createBucket: true, ...options });
      onTestFinished(() => store.close());
      return store;
    }

    it('says how to make a bucket that is not there, and makes it when asked', async () => {
      const absent = server().newBucket();
      const opening = openStore(`s3://${absent}/p`, server().options);
      await expect(opening).rejects.toThrow(ConfigError);
      await expect(opening).rejects.toThrow(`aws s3 mb s3://${absent} --endpoint-url ${server().endpoint}`);
      const stores = await Promise.all(
        Array.from({ length: 3 }, () => openStore(`s3://${absent}/p`, { ...server().options, createBucket: true })),
      );
      await stores[0]!.put('k', '1');
      expect(stores[1]!.url).toBe(`s3://${absent}/p`);
      expect((await stores[2]!.head('k'))?.size).toBe(1);
      for (const store of stores) await store.close();
    });

    it('calls wrong keys a mistake of configuration, without repeating them', async () => {
      for (const wrong of [{ secretAccessKey: 'not-the-secret' }, { accessKeyId: 'nobody' }]) {
        const opening = open(wrong);
        await expect(opening).rejects.toThrow(ConfigError);
        await expect(opening).rejects.toThrow('check the access keys');
        await expect(opening).rejects.not.toThrow('not-the-secret');
      }
    });

    it('calls a bucket that is gone a mistake of configuration, also where images are read', async () => {
      const sources = openSources({ s3: server().options });
      onTestFinished(() => sources.close());
      const absent = server().newBucket();
      await expect(sources.read(`s3://${absent}/x`)).rejects.toThrow(ConfigError);
      await expect(Array.fromAsync(sources.list(`s3://${absent}/`))).rejects.toThrow(ConfigError);
    });

    it('gives the first bytes of an object, all of a shorter one, and none of an empty one', async () => {
      const store = await open();
      const sources = openSources({ s3: server().options });
      onTestFinished(() => sources.close());
      for (const [text, start] of [
        ['0123456789', '0123'],
        ['0123', '0123'],
        ['01', '01'],
        ['', ''],
      ] as const) {
        await store.put(`start-${text.length}`, text);
        const bytes = await sources.readStart(`s3://${bucket()}/start-${text.length}`, 4);
        expect(Buffer.from(bytes).toString()).toBe(start);
      }
    });

    it('keeps a large object whole', async () => {
      const store = await open();
      const bytes = Buffer.alloc(24 * 1024 ** 2 + 1);
      for (let i = 0; i < bytes.length - 4; i += 4096) bytes.writeUInt32LE(i, i);
      await store.put('large', bytes);
      expect(Buffer.compare(await store.get('large'), bytes)).toBe(0);
      // The ETag is the MD5 on servers that tests start, and on AWS without encryption.
      const md5 = createHash('md5').update(bytes).digest('hex');
      expect(await store.head('large')).toMatchObject({ size: bytes.length, etag: md5 });
    });

    it('knows its own object when the answer to its first try was lost', async ({ skip }) => {
      skip(!kind.conditionalPuts, `no conditional PUTs on ${kind.name}`);
      const proxy = await startFaultProxy(server().endpoint);
      onTestFinished(() => proxy.stop());
      const store = await open({ endpoint: proxy.url });
      const before = proxy.connections();
      await proxy.be({ kind: 'reset', bytes: 0, times: 1 });
      expect(await store.putIfAbsent('mine', '1')).toBe(true);
      expect(proxy.connections() - before).toBe(2);
      await proxy.be({ kind: 'reset', bytes: 0, times: 1 });
      expect(await store.putIfAbsent('mine', '2')).toBe(false);
      expect(Buffer.from(await store.get('mine')).toString()).toBe('1');
    });
  });
}
