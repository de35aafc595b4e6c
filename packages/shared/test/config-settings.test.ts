/** The configuration: defaults, faults named all at once, and no secret in a message. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeSettings, readSettings } from '../config/index.ts';
import { ConfigError } from '../domain/index.ts';

function refusal(environment: NodeJS.ProcessEnv): ConfigError {
  try {
    readSettings(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('the environment was taken');
}

describe('settings', () => {
  it('have defaults for everything but where Redis and the store are', () => {
    const settings = readSettings({});
    expect(settings).toMatchObject({
      redisUrl: undefined,
      storeUrl: undefined,
      queuePrefix: 'spineline',
      s3: { forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED', requestTimeoutMs: 60_000 },
      worker: { executionProvider: 'cpu', devices: [0], batchSize: 1, batchDelayMs: 20, lockMs: 30_000 },
      pageStudies: 200,
      health: { host: '127.0.0.1', port: 0 },
      logLevel: 'info',
    });
    expect(settings.worker.computeThreads).toBeGreaterThanOrEqual(1);
  });

  it('are read as what they are', () => {
    const settings = readSettings({
      SPINELINE_REDIS_URL: 'rediss://user:secret@redis.example:6380/2',
      SPINELINE_STORE_URL: 's3://bucket/prefix',
      SPINELINE_S3_PATH_STYLE: 'false',
      SPINELINE_BATCH_DELAY_MS: '0',
      SPINELINE_HEALTH_PORT: '9090',
      SPINELINE_EXECUTION_PROVIDER: 'cuda',
    });
    expect(settings).toMatchObject({
      redisUrl: 'rediss://user:secret@redis.example:6380/2',
      storeUrl: 's3://bucket/prefix',
      s3: { forcePathStyle: false },
      worker: { batchDelayMs: 0, executionProvider: 'cuda', batchSize: 8 },
      health: { port: 9090 },
    });
  });

  describe('that follow from the machine', () => {
    const GIB = 1024 ** 3;
    const on = (cores: number, gib: number, environment: NodeJS.ProcessEnv = {}) => {
      const { worker } = readSettings(environment, { cores, memory: gib * GIB });
      const { computeThreads, inferenceThreads, intraOpThreads, batchSize, concurrency } = worker;
      return { computeThreads, inferenceThreads, intraOpThreads, batchSize, concurrency };
    };

    it('use every core of a CPU, and no more models than fit into memory', () => {
      const one = { intraOpThreads: 1, batchSize: 1 };
      expect(on(2, 24)).toEqual({ ...one, computeThreads: 1, inferenceThreads: 2, concurrency: 4 });
      expect(on(16, 128)).toEqual({ ...one, computeThreads: 8, inferenceThreads: 16, concurrency: 18 });
      // Two copies of the models, eight threads each.
      expect(on(16, 4)).toMatchObject({ inferenceThreads: 2, intraOpThreads: 8 });
      expect(on(1, 0.5)).toMatchObject({ computeThreads: 1, inferenceThreads: 1, intraOpThreads: 1 });
    });

    it('share the cores and the memory between the workers of a machine', () => {
      const three = { SPINELINE_MACHINE_WORKERS: '3' };
      expect(on(2, 24, three)).toMatchObject({ inferenceThreads: 1, intraOpThreads: 1, concurrency: 3 });
      expect(on(16, 128, three)).toMatchObject({ inferenceThreads: 8, intraOpThreads: 1 });
      expect(on(16, 12, three)).toMatchObject({ inferenceThreads: 2, intraOpThreads: 4 });
    });

    it('give every GPU two threads and full batches, and the cores to preparing', () => {
      const cuda = { SPINELINE_EXECUTION_PROVIDER: 'cuda' };
      expect(on(8, 64, cuda)).toEqual({
        computeThreads: 7,
        inferenceThreads: 2,
        intraOpThreads: 1,
        batchSize: 8,
        concurrency: 16,
      });
      const two = readSettings({ ...cuda, SPINELINE_GPU_DEVICES: '1,3' }, { cores: 8, memory: GIB }).worker;
      expect(two).toMatchObject({ devices: [1, 3], inferenceThreads: 4 });
      expect(on(8, 64, { SPINELINE_EXECUTION_PROVIDER: 'webgpu' })).toMatchObject({ inferenceThreads: 1 });
    });

    it('give way to what is set, and say which were chosen and why', () => {
      const environment = { SPINELINE_INFERENCE_THREADS: '3', SPINELINE_BATCH_SIZE: '2' };
      const { worker } = readSettings(environment, { cores: 4, memory: 8 * GIB });
      expect(worker).toMatchObject({ inferenceThreads: 3, batchSize: 2 });
      expect(worker.chosen.settings).toEqual(['concurrency', 'computeThreads', 'intraOpThreads']);
      expect(worker.chosen.why).toBe(
        '4 cores, 8.0 GiB for this worker; models on the CPU: one inference thread per core, batches of 1',
      );
    });
  });

  it('take the share of class shares that is allowed as a fraction, from none to all', () => {
    const allowed = (value?: string) => readSettings({ SPINELINE_MAX_CLASS_SHARES: value }).worker.maxClassShares;
    expect([allowed(), allowed(''), allowed('0'), allowed('0.25'), allowed('1')]).toEqual([0.5, 0.5, 0, 0.25, 1]);
    for (const value of ['-0.1', '1.01', '50', '50%', 'half', '0,5', 'NaN']) {
      expect(refusal({ SPINELINE_MAX_CLASS_SHARES: value }).message, value).toContain('SPINELINE_MAX_CLASS_SHARES: ');
    }
  });

  it('that are empty are not set', () => {
    expect(readSettings({ SPINELINE_REDIS_URL: '', SPINELINE_BATCH_SIZE: '' })).toEqual(readSettings({}));
  });

  it('the key of pseudonyms is long enough to be one, and is not repeated', () => {
    expect(readSettings({ SPINELINE_ID_KEY: 'sixteen letters!' }).idKey).toBe('sixteen letters!');
    expect(readSettings({}).idKey).toBeUndefined();
    const { message } = refusal({ SPINELINE_ID_KEY: 'hunter2' });
    expect(message).toContain('SPINELINE_ID_KEY: expected at least 16 characters, found fewer');
    expect(message).not.toContain('hunter2');
  });

  it('that do not fit are named all at once', () => {
    const { message, code, kind } = refusal({
      SPINELINE_REDIS_URL: 'http://redis',
      SPINELINE_BATCH_SIZE: 'many',
      SPINELINE_GRACE_MS: '-1',
      SPINELINE_INTRA_OP_THREADS: '1.5',
      SPINELINE_S3_PATH_STYLE: 'perhaps',
      SPINELINE_EXECUTION_PROVIDER: 'gpu',
      SPINELINE_QUEUE_PREFIX: 'with space',
      SPINELINE_LOG_LEVEL: 'info',
    });
    expect([code, kind]).toEqual(['CONFIG_INVALID', 'permanent']);
    for (const name of [
      'REDIS_URL',
      'BATCH_SIZE',
      'GRACE_MS',
      'INTRA_OP_THREADS',
      'S3_PATH_STYLE',
      'EXECUTION_PROVIDER',
      'QUEUE_PREFIX',
    ]) {
      expect(message).toContain(`SPINELINE_${name}: `);
    }
    expect(message).not.toContain('SPINELINE_LOG_LEVEL');
    expect(message).toContain('expected a URL that starts with redis://, rediss:// or unix://');
    expect(message).toContain('BATCH_SIZE: expected a whole number from 1 to 1024, found text that is not a number');
    expect(message).toContain('GRACE_MS: expected a whole number from 0 to 3600000, found a smaller number');
    expect(message).toContain('THREADS: expected a whole number from 1 to 256, found a number that is not whole');
    expect(message).toContain('PROVIDER: expected cpu, cuda, tensorrt or webgpu, found something else');
    expect(message).toContain('docs/configuration.md');
  });

  it('refuse several inference threads on WebGPU, where their runs disturb each other', () => {
    const webgpu = { SPINELINE_EXECUTION_PROVIDER: 'webgpu' };
    expect(readSettings({ ...webgpu, SPINELINE_INFERENCE_THREADS: '1' }).worker.inferenceThreads).toBe(1);
    const { message } = refusal({ ...webgpu, SPINELINE_INFERENCE_THREADS: '2' });
    expect(message).toContain('SPINELINE_INFERENCE_THREADS: expected 1 on webgpu');
  });

  it('that nobody knows are refused, since a typing error must not be a silent default', () => {
    expect(refusal({ SPINELINE_BATCHSIZE: '4' }).message).toContain('SPINELINE_BATCHSIZE: no such setting');
  });

  it('of tests, and of other programs, are none of its business', () => {
    expect(readSettings({ SPINELINE_TEST_DATA: '/data', SPINELINES: '1', PATH: '/bin' })).toEqual(readSettings({}));
  });

  it('never repeat a value in a message: it may hold a password', () => {
    const { message } = refusal({
      SPINELINE_REDIS_URL: 'http://user:hunter2@redis',
      SPINELINE_STORE_URL: 'https://key:hunter2@store',
      SPINELINE_S3_ENDPOINT: 'hunter2',
      SPINELINE_S3_SECRET: 'hunter2',
      SPINELINE_S3_CHECKSUMS: 'hunter2',
      SPINELINE_LOG_LEVEL: 'hunter2',
      SPINELINE_BATCH_SIZE: 'hunter2',
      SPINELINE_QUEUE_PREFIX: 'hunter2 ',
    });
    expect(message.match(/SPINELINE_/g)).toHaveLength(8);
    expect(message).not.toContain('hunter2');
  });

  it('are described with name, default and meaning, every one of them in docs/configuration.md', () => {
    const described = describeSettings();
    expect(described.every(({ meaning }) => meaning.length > 10)).toBe(true);
    expect(described.find(({ name }) => name === 'SPINELINE_PAGE_STUDIES')).toMatchObject({ fallback: '200' });
    expect(described.find(({ name }) => name === 'SPINELINE_REDIS_URL')).toMatchObject({ fallback: '' });
    const docs = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    for (const { name } of described) expect(docs).toContain(name);
  });
});
