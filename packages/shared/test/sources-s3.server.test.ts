/**
 * DICOM files in an object store: read, looked up and listed by full location, with fingerprints that notice a change.
 */

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ObjectNotFoundError } from '../domain/index.ts';
import { openSources } from '../sources/index.ts';
import { openStore } from '../store/index.ts';
import { S3_START_TIMEOUT_MS, s3Missing, startS3, type TestS3 } from './support/s3-server.ts';

const missing = await s3Missing();
describe.skipIf(missing)(missing ? `sources on s3:// (skipped: ${missing})` : 'sources on s3://', () => {
  let server: TestS3;
  beforeAll(async () => {
    server = await startS3();
  }, S3_START_TIMEOUT_MS);
  afterAll(() => server?.stop());

  it('reads, looks up and lists objects of any bucket by their location', async () => {
    const sources = openSources({ s3: server.options });
    onTestFinished(() => sources.close());
    for (const bucket of [server.newBucket(), server.newBucket()]) {
      const store = await openStore(`s3://${bucket}`, { ...server.options, createBucket: true });
      onTestFinished(() => store.close());
      for (const key of ['s/1/10.dcm', 's/1/9.dcm', 's/2/a b%20+.dcm']) await store.put(key, key);

      const locations: string[] = [];
      for await (const { location, size, fingerprint } of sources.list(`s3://${bucket}/s/`)) {
        locations.push(location);
        expect(await sources.head(location)).toEqual({ size, fingerprint });
        expect(location).toBe(`s3://${bucket}/${Buffer.from(await sources.read(location))}`);
      }
      expect(locations).toHaveLength(3);
      await expect(sources.read(`s3://${bucket}/absent`)).rejects.toThrow(ObjectNotFoundError);
      await expect(sources.read(`s3://${bucket}`)).rejects.toThrow(ObjectNotFoundError);
      expect(await sources.head(`s3://${bucket}/absent`)).toBeUndefined();

      const location = `s3://${bucket}/s/1/9.dcm`;
      const before = await sources.head(location);
      await store.put('s/1/9.dcm', 'S/1/9.DCM');
      const after = await sources.head(location);
      expect(after?.size).toBe(before?.size);
      expect(after?.fingerprint).not.toBe(before?.fingerprint);
    }
  });
});
