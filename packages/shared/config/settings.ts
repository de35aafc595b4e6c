/**
 * The settings of a process: read from the environment once, validated and typed. The table in docs/configuration.md is
 * made from this file (`describeSettings`).
 */

import { z } from 'zod';
import { ConfigError, TIME_LIMITS_MS } from '../domain/index.ts';
import { type Fit, fitMachine, type Machine, shareOf, thisMachine } from './fit-machine.ts';

const SECOND = 1000;

/** `SPINELINE_X=` in an env file means "not set". */
const emptyIsUnset = (value: unknown) => (value === '' ? undefined : value);
const text = () => z.preprocess(emptyIsUnset, z.string().optional());
// `describe` says which values are allowed, for the docs and for the message about a value that is not.
const wholeNumber = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);
const whole = (minimum: number, maximum: number, fallback: number) =>
  z
    .preprocess(emptyIsUnset, wholeNumber(minimum, maximum).default(fallback))
    .describe(`a whole number from ${minimum} to ${maximum}`);
const optionalWhole = (minimum: number, maximum: number) =>
  z
    .preprocess(emptyIsUnset, wholeNumber(minimum, maximum).optional())
    .describe(`a whole number from ${minimum} to ${maximum}`);
const fraction = (fallback: number) =>
  z.preprocess(emptyIsUnset, z.coerce.number().min(0).max(1).default(fallback)).describe('a number from 0 to 1');
const choice = <const Choice extends string>(choices: readonly Choice[], fallback: Choice) =>
  z.preprocess(emptyIsUnset, z.enum(choices).default(fallback as never)).describe(alternatives(choices));
const flag = (fallback: boolean) =>
  z
    .preprocess(
      emptyIsUnset,
      z
        .enum(['true', 'false', '1', '0'])
        .transform((value) => value === 'true' || value === '1')
        .default(fallback),
    )
    .describe('true or false');
const url = (...schemes: string[]) => {
  const starts = schemes.map((scheme) => `${scheme}://`);
  return z
    .preprocess(
      emptyIsUnset,
      z
        .string()
        .refine((value) => starts.some((start) => value.startsWith(start)))
        .optional(),
    )
    .describe(`a URL that starts with ${alternatives(starts)}`);
};

/** `a, b or c`. */
function alternatives(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** name of the variable -> schema and what it is for. The order is the order of the printed table. */
const VARIABLES = {
  SPINELINE_REDIS_URL: [
    url('redis', 'rediss', 'unix'),
    'Redis server: redis://user:password@host:6379/0, rediss:// for TLS, unix:///path for a socket.',
  ],
  SPINELINE_STORE_URL: [url('s3', 'file'), 'Object store: s3://bucket/prefix or file:///folder.'],
  SPINELINE_QUEUE_PREFIX: [
    z
      .preprocess(
        emptyIsUnset,
        z
          .string()
          .regex(/^[\w{}.-]+$/)
          .default('spineline'),
      )
      .describe('letters, digits, _ . - { }'),
    'Prefix of every Redis key. Put it in {braces} for Redis Cluster.',
  ],
  SPINELINE_S3_ENDPOINT: [url('http', 'https'), 'Endpoint of an S3-compatible server. Leave it unset for AWS.'],
  SPINELINE_S3_REGION: [text(), 'S3 region. Default: AWS_REGION, else us-east-1.'],
  SPINELINE_S3_ACCESS_KEY_ID: [text(), 'S3 access key. Default: what the AWS SDK finds in its usual places.'],
  SPINELINE_S3_SECRET_ACCESS_KEY: [text(), 'S3 secret key.'],
  SPINELINE_S3_PATH_STYLE: [
    flag(true),
    'Put the bucket into the path of the URL, not into the host name. Most S3 servers need this.',
  ],
  SPINELINE_S3_CHECKSUMS: [
    choice(['WHEN_REQUIRED', 'WHEN_SUPPORTED'], 'WHEN_REQUIRED'),
    'When S3 requests carry a checksum. Older S3 servers refuse the checksums of WHEN_SUPPORTED.',
  ],
  SPINELINE_S3_TIMEOUT_MS: [
    whole(100, 600_000, TIME_LIMITS_MS.s3),
    'How long an S3 server may be silent before its request is retried, in ms.',
  ],
  SPINELINE_DICOMWEB_URL: [
    url('https', 'http', 'dicomweb+https', 'dicomweb+http'),
    'DICOMweb server that the credentials below are for, such as https://pacs.example.org/dicom-web. No other server gets them.',
  ],
  SPINELINE_DICOMWEB_TOKEN: [text(), 'Bearer token for that server.'],
  SPINELINE_DICOMWEB_USER: [text(), 'User name for basic authentication, in place of a token.'],
  SPINELINE_DICOMWEB_PASSWORD: [text(), 'Password of that user.'],
  SPINELINE_DICOMWEB_CERT: [text(), 'PEM file with a client certificate, alone or together with a token or a user.'],
  SPINELINE_DICOMWEB_KEY: [text(), 'PEM file with the private key of that certificate, without a passphrase.'],
  SPINELINE_DICOMWEB_CA: [
    text(),
    'PEM file with the certificate authorities to trust for DICOMweb servers, in place of those that Node trusts.',
  ],
  SPINELINE_DICOMWEB_PLAIN_CREDENTIALS: [
    flag(false),
    'Send the token or password over plain http to another machine too. Anyone on the network path can read it.',
  ],
  SPINELINE_DICOMWEB_REQUESTS: [whole(1, 256, 8), 'DICOMweb requests per process at a time.'],
  SPINELINE_DICOMWEB_TIMEOUT_MS: [
    whole(100, 3_600_000, TIME_LIMITS_MS.dicomweb),
    'How long a DICOMweb server may be silent before its request is retried, in ms. Raise it for a PACS that fetches from tape.',
  ],
  SPINELINE_DICOMWEB_ATTEMPTS: [whole(1, 100, 4), 'Attempts per DICOMweb request when the fault is transient.'],
  SPINELINE_EXECUTION_PROVIDER: [
    choice(['cpu', 'cuda', 'tensorrt', 'webgpu'], 'cpu'),
    'Where models run. A worker does not start if the provider is not available, or cannot run a model.',
  ],
  SPINELINE_GPU_DEVICES: [
    z
      .preprocess(
        emptyIsUnset,
        z
          .string()
          .regex(/^\d{1,3}(,\d{1,3})*$/)
          .default('0'),
      )
      .describe('numbers of GPUs, separated by commas'),
    'GPUs of a worker on CUDA or TensorRT, such as 0,1. Its inference threads share them evenly.',
  ],
  SPINELINE_MACHINE_WORKERS: [
    whole(1, 64, 1),
    'Workers that share this machine and its memory. `spineline score` and `npm start` set 3. The next five settings follow from it where they are not set.',
  ],
  SPINELINE_CONCURRENCY: [
    optionalWhole(1, 256),
    'Studies per worker at a time: while one is computed, the next are fetched and decoded. Default: inference threads + 2 on a CPU; at least 16 on a GPU.',
  ],
  SPINELINE_COMPUTE_THREADS: [
    optionalWhole(1, 256),
    'Threads per worker that decode DICOM and prepare tensors. Default: half of the cores on a CPU, cores - 1 on a GPU.',
  ],
  SPINELINE_INFERENCE_THREADS: [
    optionalWhole(1, 64),
    'Threads per worker that run models, each with its own copy of them. Default on a CPU: one per core, or half as many where workers share the machine, and at most one per 2 GiB of memory; on CUDA and TensorRT: two per GPU, so that one copies its batch while the other computes.',
  ],
  SPINELINE_INTRA_OP_THREADS: [
    optionalWhole(1, 256),
    'ONNX Runtime threads per model run, on a CPU. Default: the cores divided by the inference threads.',
  ],
  SPINELINE_BATCH_SIZE: [
    optionalWhole(1, 1024),
    'Largest batch, in samples. Default: 8 on a GPU, 1 on a CPU, where batches make the demo models up to a quarter slower per sample.',
  ],
  SPINELINE_TF32: [
    flag(true),
    'On CUDA and TensorRT: let float32 models compute in TF32, which keeps 10 bits of the fraction. false sets NVIDIA_TF32_OVERRIDE=0.',
  ],
  SPINELINE_TENSORRT_CACHE: [
    text(),
    'Folder for the engines that TensorRT builds. Building takes minutes, so use a folder that outlives the worker. Unset: engines are built at each start.',
  ],
  SPINELINE_TENSORRT_FLOAT16: [flag(false), 'Let TensorRT compute float32 models in float16.'],
  SPINELINE_BATCH_DELAY_MS: [whole(0, 60_000, 20), 'How long an idle model waits for its batch to fill, in ms.'],
  SPINELINE_LOCK_MS: [
    whole(1000, 3_600_000, TIME_LIMITS_MS.jobLock),
    'How long the BullMQ lock of a job lasts, in ms. It is renewed after half of that.',
  ],
  SPINELINE_ATTEMPTS: [whole(1, 100, 5), 'Attempts per study and stage when the fault is transient.'],
  SPINELINE_BACKOFF_MS: [
    whole(1, 600_000, 2 * SECOND),
    'Wait before the first retry, in ms. It doubles with each retry, up to a minute, with jitter.',
  ],
  SPINELINE_GRACE_MS: [
    whole(0, 3_600_000, TIME_LIMITS_MS.grace),
    'How long the jobs of a worker may still run after SIGTERM, in ms.',
  ],
  SPINELINE_STALLED_MS: [
    whole(1000, 86_400_000, TIME_LIMITS_MS.stalled),
    'A worker is not live (/livez) after this long without progress while work waits or Redis is silent, in ms. Set it above your longest step.',
  ],
  SPINELINE_MAX_CLASS_SHARES: [
    fraction(0.5),
    'Largest share of the 25 targets of a study that may get class shares because no view of them exists. A study with more fails with STUDY_TOO_FEW_VIEWS; 1 scores every study. Stage 3 reads it.',
  ],
  SPINELINE_ID_KEY: [
    z.preprocess(emptyIsUnset, z.string().min(16).optional()).describe('at least 16 characters'),
    'Secret key for the pseudonyms that replace UIDs where folders do not name studies and series. The same key gives the same pseudonyms. Default: a plain SHA-256, which anyone who knows a UID can compute.',
  ],
  SPINELINE_PAGE_STUDIES: [whole(1, 10_000, 200), 'Studies per page of a dataset.'],
  SPINELINE_LOW_WATER: [
    whole(1, 1_000_000, 200),
    'A worker unfolds the next page into study jobs while fewer jobs than this wait at its stage.',
  ],
  SPINELINE_HEALTH_HOST: [
    z.preprocess(emptyIsUnset, z.string().default('127.0.0.1')),
    'Address on which health and metrics are served.',
  ],
  SPINELINE_HEALTH_PORT: [
    whole(0, 65_535, 0),
    'Port on which health and metrics are served. 0 picks a free port; the log says which.',
  ],
  SPINELINE_BOARD_USER: [
    text(),
    'User name for `spineline board`. Required, with the password, unless the board listens on this machine only.',
  ],
  SPINELINE_BOARD_PASSWORD: [text(), 'Password for `spineline board`.'],
  SPINELINE_TRACES_URL: [
    url('http', 'https'),
    'OTLP/HTTP endpoint for OpenTelemetry traces, such as http://collector:4318/v1/traces. Unset: no traces.',
  ],
  SPINELINE_LOG_LEVEL: [
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info'),
    'Lowest level of log lines to write.',
  ],
  SPINELINE_LOG_FORMAT: [
    choice(['auto', 'json', 'pretty'], 'auto'),
    'Format of log lines: JSON, or pretty for people. auto is pretty on a terminal and JSON elsewhere.',
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
  readonly worker: Fit & {
    /** What of `Fit` was chosen, not set, and why. */
    readonly chosen: { readonly settings: readonly (keyof Fit)[]; readonly why: string };
    /** What this worker may use of the machine. */
    readonly machine: Machine;
    readonly executionProvider: 'cpu' | 'cuda' | 'tensorrt' | 'webgpu';
    readonly devices: readonly number[];
    readonly tf32: boolean;
    readonly tensorrt: { readonly cache: string | undefined; readonly float16: boolean };
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
  /** Secret: the key of pseudonyms. */
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
 * @param machine what the settings that are not set are fitted to.
 * @throws {ConfigError} that names every setting whose value is not allowed, and every `SPINELINE_` variable that is no
 *   setting (except `SPINELINE_TEST_...`), so that a typing error does not silently leave a default in place.
 */
export function readSettings(environment: NodeJS.ProcessEnv = process.env, machine = thisMachine()): Settings {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, [schema]] of Object.entries(VARIABLES)) {
    const parsed = schema.safeParse(environment[name], { reportInput: true });
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`${name}: expected ${schema.description}, found ${found(parsed.error.issues[0]!)}`);
  }
  for (const name of Object.keys(environment)) {
    if (name.startsWith('SPINELINE_') && !name.startsWith('SPINELINE_TEST_') && !(name in VARIABLES)) {
      problems.push(`${name}: no such setting`);
    }
  }
  const threads = values.SPINELINE_INFERENCE_THREADS as number | undefined;
  if (values.SPINELINE_EXECUTION_PROVIDER === 'webgpu' && threads !== undefined && threads > 1) {
    // Seen with ONNX Runtime 1.30: runs of two threads at the same time fail ("Command encoding already finished").
    problems.push('SPINELINE_INFERENCE_THREADS: expected 1 on webgpu, found a larger number');
  }
  if (problems.length > 0) {
    throw new ConfigError(`these settings cannot be used: ${problems.join('; ')}`, {
      hint: 'see docs/configuration.md for every setting',
    });
  }
  return arrange(values as Values, machine);
}

/** What is wrong with a value, without the value: it may hold a password. */
function found({ code, input }: z.core.$ZodIssue): string {
  if (code === 'too_small') return typeof input === 'string' ? 'fewer' : 'a smaller number';
  if (code === 'too_big') return 'a larger number';
  if (typeof input !== 'number') return 'something else';
  return Number.isNaN(input) ? 'text that is not a number' : 'a number that is not whole';
}

/** The settings that `fitMachine` chooses, by variable. */
const FITTED = {
  concurrency: 'SPINELINE_CONCURRENCY',
  computeThreads: 'SPINELINE_COMPUTE_THREADS',
  inferenceThreads: 'SPINELINE_INFERENCE_THREADS',
  intraOpThreads: 'SPINELINE_INTRA_OP_THREADS',
  batchSize: 'SPINELINE_BATCH_SIZE',
} as const satisfies Record<keyof Fit, keyof Values>;

function fit(v: Values, machine: Machine): Fit & Pick<Settings['worker'], 'devices' | 'chosen' | 'machine'> {
  const devices = v.SPINELINE_GPU_DEVICES.split(',').map(Number);
  const use = {
    provider: v.SPINELINE_EXECUTION_PROVIDER,
    devices: devices.length,
    workers: v.SPINELINE_MACHINE_WORKERS,
  };
  const { why, ...fitted } = fitMachine(machine, use);
  const chosen: (keyof Fit)[] = [];
  const values = { ...fitted };
  for (const [name, variable] of Object.entries(FITTED) as [keyof Fit, (typeof FITTED)[keyof Fit]][]) {
    const set = v[variable];
    if (set === undefined) chosen.push(name);
    else values[name] = set;
  }
  return { ...values, devices, chosen: { settings: chosen, why }, machine: shareOf(machine, use.workers) };
}

function arrange(v: Values, machine: Machine): Settings {
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
      ...fit(v, machine),
      executionProvider: v.SPINELINE_EXECUTION_PROVIDER,
      tf32: v.SPINELINE_TF32,
      tensorrt: { cache: v.SPINELINE_TENSORRT_CACHE, float16: v.SPINELINE_TENSORRT_FLOAT16 },
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

/** Name, default, allowed values and meaning of every setting, for `docs/configuration.md`. */
export function describeSettings(): { name: string; fallback: string; allowed: string; meaning: string }[] {
  return Object.entries(VARIABLES).map(([name, [schema, meaning]]) => {
    const parsed = schema.safeParse(undefined);
    const fallback = parsed.success && parsed.data !== undefined ? String(parsed.data) : '';
    return { name, fallback, allowed: schema.description ?? '', meaning };
  });
}
