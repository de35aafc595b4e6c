/**
 * One validated, typed configuration, read once from the environment. Every option: what it is, its unit, its default,
 * and what follows from it; `describeSettings` prints the same table for `--help` and the docs.
 */

import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ConfigError } from '../domain/index.ts';

const SECOND = 1000;

/** `SPINELINE_X=` in an env file means "not set". */
const emptyIsUnset = (value: unknown) => (value === '' ? undefined : value);
const text = () => z.preprocess(emptyIsUnset, z.string().optional());
const whole = (minimum: number, maximum: number, fallback: number) =>
  z.preprocess(emptyIsUnset, z.coerce.number().int().min(minimum).max(maximum).default(fallback));
const fraction = (fallback: number) => z.preprocess(emptyIsUnset, z.coerce.number().min(0).max(1).default(fallback));
const flag = (fallback: boolean) =>
  z.preprocess(
    emptyIsUnset,
    z
      .enum(['true', 'false', '1', '0'])
      .transform((value) => value === 'true' || value === '1')
      .default(fallback),
  );
const url = (...schemes: string[]) =>
  z.preprocess(
    emptyIsUnset,
    z
      .string()
      .refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)), {
        message: `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
      })
      .optional(),
  );

const cores = availableParallelism();

/** name of the variable -> schema and what it is for. The order is the order of the printed table. */
const VARIABLES = {
  SPINELINE_REDIS_URL: [
    url('redis', 'rediss', 'unix'),
    'Redis: redis://user:password@host:6379/0, rediss:// for TLS, unix:///path for a socket',
  ],
  SPINELINE_STORE_URL: [url('s3', 'file'), 'object store: s3://bucket/prefix or file:///folder'],
  SPINELINE_QUEUE_PREFIX: [
    z.preprocess(
      emptyIsUnset,
      z
        .string()
        .regex(/^[\w{}.-]+$/)
        .default('spineline'),
    ),
    'prefix of every Redis key; put it in {braces} for Redis Cluster',
  ],
  SPINELINE_S3_ENDPOINT: [url('http', 'https'), 'endpoint of an S3-compatible server; unset for AWS'],
  SPINELINE_S3_REGION: [text(), 'S3 region; unset: AWS_REGION, else us-east-1'],
  SPINELINE_S3_ACCESS_KEY_ID: [text(), 'S3 access key; unset: the AWS SDK looks in its usual places'],
  SPINELINE_S3_SECRET_ACCESS_KEY: [text(), 'S3 secret key'],
  SPINELINE_S3_PATH_STYLE: [flag(true), 'bucket in the path rather than in the host name; most S3 servers need it'],
  SPINELINE_S3_CHECKSUMS: [
    z.preprocess(emptyIsUnset, z.enum(['WHEN_REQUIRED', 'WHEN_SUPPORTED']).default('WHEN_REQUIRED')),
    'request checksums; older S3 servers refuse the newer ones',
  ],
  SPINELINE_S3_TIMEOUT_MS: [whole(100, 600_000, 60 * SECOND), 'time for one S3 request before it is tried again'],
  SPINELINE_DICOMWEB_URL: [
    url('https', 'http', 'dicomweb+https', 'dicomweb+http'),
    'DICOMweb server that the credentials below belong to, such as https://pacs.example.org/dicom-web; they are sent nowhere else',
  ],
  SPINELINE_DICOMWEB_TOKEN: [text(), 'bearer token for it'],
  SPINELINE_DICOMWEB_USER: [text(), 'or a user for basic authentication'],
  SPINELINE_DICOMWEB_PASSWORD: [text(), 'password of that user'],
  SPINELINE_DICOMWEB_CERT: [text(), 'or, or as well, a PEM file with a client certificate'],
  SPINELINE_DICOMWEB_KEY: [text(), 'PEM file with the key of that certificate, without a passphrase'],
  SPINELINE_DICOMWEB_CA: [
    text(),
    'PEM file with the authorities that vouch for DICOMweb servers, in place of those that Node knows',
  ],
  SPINELINE_DICOMWEB_PLAIN_CREDENTIALS: [
    flag(false),
    'send token or password over plain http too, to a machine other than this one; whoever is on the way can read them',
  ],
  SPINELINE_DICOMWEB_REQUESTS: [whole(1, 256, 8), 'DICOMweb requests at once per process'],
  SPINELINE_DICOMWEB_TIMEOUT_MS: [
    whole(100, 3_600_000, 60 * SECOND),
    'silence of a DICOMweb server before its request is tried again; longer for a PACS that fetches from tape',
  ],
  SPINELINE_DICOMWEB_ATTEMPTS: [whole(1, 100, 4), 'tries of a DICOMweb request when the fault is transient'],
  SPINELINE_CONCURRENCY: [
    whole(1, 256, 3),
    'studies a worker has in hand at once: while one computes, the next are fetched and decoded',
  ],
  SPINELINE_COMPUTE_THREADS: [
    whole(1, 256, Math.max(1, cores - 1)),
    'threads a worker that decode DICOM and prepare tensors',
  ],
  SPINELINE_INFERENCE_THREADS: [
    whole(1, 64, 1),
    'threads a worker that run models; one a GPU, on CPU threads times intra-op threads should not exceed the cores',
  ],
  SPINELINE_INTRA_OP_THREADS: [whole(1, 256, 1), 'ONNX Runtime threads inside one model run (CPU)'],
  SPINELINE_EXECUTION_PROVIDER: [
    z.preprocess(emptyIsUnset, z.enum(['cpu', 'cuda', 'tensorrt', 'webgpu']).default('cpu')),
    'where models run; a worker refuses to start if it is not there',
  ],
  SPINELINE_BATCH_SIZE: [
    z.preprocess(emptyIsUnset, z.coerce.number().int().min(1).max(1024).optional()),
    'samples a model run at most; unset: 8 on a GPU, 1 on a CPU, where the demo models take up to a quarter longer a sample in batches',
  ],
  SPINELINE_BATCH_DELAY_MS: [whole(0, 60_000, 20), 'how long an idle model waits for more samples'],
  SPINELINE_LOCK_MS: [whole(1000, 3_600_000, 30 * SECOND), 'BullMQ lock of a job; renewed at half of it'],
  SPINELINE_ATTEMPTS: [whole(1, 100, 5), 'tries of a study in a stage when the fault is transient'],
  SPINELINE_BACKOFF_MS: [
    whole(1, 600_000, 2 * SECOND),
    'first wait before another try; doubles up to a minute, with jitter',
  ],
  SPINELINE_GRACE_MS: [whole(0, 3_600_000, 60 * SECOND), 'on SIGTERM: time for jobs in hand to finish'],
  SPINELINE_STALLED_MS: [
    whole(1000, 86_400_000, 300 * SECOND),
    'a worker with work waiting that has started nothing for so long, or whose Redis does not say, is not live (/livez); longer than the longest step of a study',
  ],
  SPINELINE_MAX_CLASS_SHARES: [
    fraction(0.5),
    'largest share, 0 to 1, of the 25 targets of a study that may be class shares for want of any view; a study with more is not scored and fails with STUDY_TOO_FEW_VIEWS; 1 scores every study (stage 3 reads it)',
  ],
  SPINELINE_ID_KEY: [
    z.preprocess(emptyIsUnset, z.string().min(16, 'at least 16 characters').optional()),
    'secret key of the pseudonyms that stand for UIDs where folders cannot name studies and series; the same key, the same pseudonyms; unset: a plain SHA-256, which whoever knows a UID can compute',
  ],
  SPINELINE_PAGE_STUDIES: [whole(1, 10_000, 200), 'studies a page of a dataset'],
  SPINELINE_LOW_WATER: [
    whole(1, 1_000_000, 200),
    'a page is unfolded into study jobs while fewer than this wait at its stage',
  ],
  SPINELINE_HEALTH_HOST: [
    z.preprocess(emptyIsUnset, z.string().default('127.0.0.1')),
    'address of the health and metrics endpoint',
  ],
  SPINELINE_HEALTH_PORT: [
    whole(0, 65_535, 0),
    'port of the health and metrics endpoint; 0 picks a free one and logs it',
  ],
  SPINELINE_BOARD_USER: [text(), 'user of `spineline board`; required, with the password, beyond loopback'],
  SPINELINE_BOARD_PASSWORD: [text(), 'password of `spineline board`'],
  SPINELINE_TRACES_URL: [
    url('http', 'https'),
    'OTLP/HTTP endpoint that OpenTelemetry traces are sent to, such as http://collector:4318/v1/traces; unset: no traces',
  ],
  SPINELINE_LOG_LEVEL: [
    z.preprocess(emptyIsUnset, z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info')),
    'least severe log line that is written',
  ],
  SPINELINE_LOG_FORMAT: [
    z.preprocess(emptyIsUnset, z.enum(['auto', 'json', 'pretty']).default('auto')),
    'log lines as JSON, or pretty for people; auto is pretty on a terminal and JSON elsewhere',
  ],
} as const satisfies Record<string, readonly [z.ZodType, string]>;

type Values = { [K in keyof typeof VARIABLES]: z.infer<(typeof VARIABLES)[K][0]> };

/** The whole configuration of a process. */
export interface Settings {
  readonly redisUrl: string | undefined;
  readonly storeUrl: string | undefined;
  readonly queuePrefix: string;
  readonly s3: {
    readonly endpoint: string | undefined;
    readonly region: string | undefined;
    readonly accessKeyId: string | undefined;
    readonly secretAccessKey: string | undefined;
    readonly forcePathStyle: boolean;
    readonly requestChecksumCalculation: 'WHEN_REQUIRED' | 'WHEN_SUPPORTED';
    readonly requestTimeoutMs: number;
  };
  readonly dicomweb: {
    readonly url: string | undefined;
    readonly token: string | undefined;
    readonly user: string | undefined;
    readonly password: string | undefined;
    readonly certFile: string | undefined;
    readonly keyFile: string | undefined;
    readonly caFile: string | undefined;
    readonly plainCredentials: boolean;
    readonly requests: number;
    readonly timeoutMs: number;
    readonly attempts: number;
  };
  readonly worker: {
    readonly concurrency: number;
    readonly computeThreads: number;
    readonly inferenceThreads: number;
    readonly intraOpThreads: number;
    readonly executionProvider: 'cpu' | 'cuda' | 'tensorrt' | 'webgpu';
    readonly batchSize: number;
    readonly batchDelayMs: number;
    readonly lockMs: number;
    readonly attempts: number;
    readonly backoffMs: number;
    readonly graceMs: number;
    readonly lowWater: number;
    readonly stalledMs: number;
    /** Share of a study's targets, 0 to 1. */
    readonly maxClassShares: number;
  };
  /** Secret. */
  readonly idKey: string | undefined;
  readonly pageStudies: number;
  readonly health: { readonly host: string; readonly port: number };
  readonly board: { readonly user: string | undefined; readonly password: string | undefined };
  readonly tracesUrl: string | undefined;
  readonly logLevel: Values['SPINELINE_LOG_LEVEL'];
  readonly logFormat: Values['SPINELINE_LOG_FORMAT'];
}

/**
 * Reads and validates the environment.
 *
 * @throws {ConfigError} naming every variable that does not fit, and every `SPINELINE_` variable that is unknown
 *   (`SPINELINE_TEST_...` excepted), so that a typing error is not a silent default.
 */
export function readSettings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, [schema]] of Object.entries(VARIABLES)) {
    const parsed = schema.safeParse(environment[name]);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${name}: ${parsed.error.issues[0]?.message ?? 'invalid'}`);
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith('SPINELINE_') && !name.startsWith('SPINELINE_TEST_') && !(name in VARIABLES)) {
      problems.push(`${name}: no such setting`);
    }
  }
  if (problems.length > 0) {
    throw new ConfigError(`the environment does not fit: ${problems.join('; ')}`, {
      hint: 'see docs/configuration.md for every setting',
    });
  }
  return arrange(values as Values);
}

function arrange(v: Values): Settings {
  return {
    redisUrl: v.SPINELINE_REDIS_URL,
    storeUrl: v.SPINELINE_STORE_URL,
    queuePrefix: v.SPINELINE_QUEUE_PREFIX,
    s3: {
      endpoint: v.SPINELINE_S3_ENDPOINT,
      region: v.SPINELINE_S3_REGION,
      accessKeyId: v.SPINELINE_S3_ACCESS_KEY_ID,
      secretAccessKey: v.SPINELINE_S3_SECRET_ACCESS_KEY,
      forcePathStyle: v.SPINELINE_S3_PATH_STYLE,
      requestChecksumCalculation: v.SPINELINE_S3_CHECKSUMS,
      requestTimeoutMs: v.SPINELINE_S3_TIMEOUT_MS,
    },
    dicomweb: {
      url: v.SPINELINE_DICOMWEB_URL,
      token: v.SPINELINE_DICOMWEB_TOKEN,
      user: v.SPINELINE_DICOMWEB_USER,
      password: v.SPINELINE_DICOMWEB_PASSWORD,
      certFile: v.SPINELINE_DICOMWEB_CERT,
      keyFile: v.SPINELINE_DICOMWEB_KEY,
      caFile: v.SPINELINE_DICOMWEB_CA,
      plainCredentials: v.SPINELINE_DICOMWEB_PLAIN_CREDENTIALS,
      requests: v.SPINELINE_DICOMWEB_REQUESTS,
      timeoutMs: v.SPINELINE_DICOMWEB_TIMEOUT_MS,
      attempts: v.SPINELINE_DICOMWEB_ATTEMPTS,
    },
    worker: {
      concurrency: v.SPINELINE_CONCURRENCY,
      computeThreads: v.SPINELINE_COMPUTE_THREADS,
      inferenceThreads: v.SPINELINE_INFERENCE_THREADS,
      intraOpThreads: v.SPINELINE_INTRA_OP_THREADS,
      executionProvider: v.SPINELINE_EXECUTION_PROVIDER,
      batchSize: v.SPINELINE_BATCH_SIZE ?? (v.SPINELINE_EXECUTION_PROVIDER === 'cpu' ? 1 : 8),
      batchDelayMs: v.SPINELINE_BATCH_DELAY_MS,
      lockMs: v.SPINELINE_LOCK_MS,
      attempts: v.SPINELINE_ATTEMPTS,
      backoffMs: v.SPINELINE_BACKOFF_MS,
      graceMs: v.SPINELINE_GRACE_MS,
      lowWater: v.SPINELINE_LOW_WATER,
      stalledMs: v.SPINELINE_STALLED_MS,
      maxClassShares: v.SPINELINE_MAX_CLASS_SHARES,
    },
    idKey: v.SPINELINE_ID_KEY,
    pageStudies: v.SPINELINE_PAGE_STUDIES,
    health: { host: v.SPINELINE_HEALTH_HOST, port: v.SPINELINE_HEALTH_PORT },
    board: { user: v.SPINELINE_BOARD_USER, password: v.SPINELINE_BOARD_PASSWORD },
    tracesUrl: v.SPINELINE_TRACES_URL,
    logLevel: v.SPINELINE_LOG_LEVEL,
    logFormat: v.SPINELINE_LOG_FORMAT,
  };
}

/** Name, default and meaning of every setting, for help texts and `docs/configuration.md`. */
export function describeSettings(): { name: string; fallback: string; meaning: string }[] {
  return Object.entries(VARIABLES).map(([name, [schema, meaning]]) => {
    const parsed = schema.safeParse(undefined);
    const fallback = parsed.success && parsed.data !== undefined ? String(parsed.data) : '';
    return { name, fallback, meaning };
  });
}
