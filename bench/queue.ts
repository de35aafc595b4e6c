/**
 * Measures `spineline enqueue` of very many studies: the whole life of the command, from a manifest to the jobs in
 * Redis. Prints seconds, CPU time and peak memory of the command, what Redis holds, and the seconds of `status` and
 * `resume --dry-run` of the same run.
 *
 *   npm run bench:queue -- [--sizes 10000,100000,1000000] [--form jsonl|csv] [--json FILE]
 *
 * Each study has three series of one file each. All studies name the same three files, so the file system's cache
 * holds them: the figures are of the command, not of a disk.
 */

import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { SERIES_DESCRIPTIONS } from '@spineline/shared/domain';
import { connectRedis } from '@spineline/shared/queue';
import { startPrivateRedis } from '../apps/producer/src/embedded/redis-server.ts';
import { EXIT } from '../apps/producer/src/exit-codes.ts';
import { printRows, progressLine, readNumbers, redisUsage, spineline, type Usage, redisVersion } from './lib-queue.ts';
import { machineLine, readOptions, writeJson } from './table.ts';

/** Limits for a million studies. */
const LIMITS = { studies: 1_000_000, seconds: 90, megabytes: 256, redisMegabytes: 64 };
const LINES_AT_ONCE = 1000;
const SERIES = Object.values(SERIES_DESCRIPTIONS).map((description, i) => ({
  series: String(i + 1),
  description,
  file: `images/${i + 1}.dcm`,
}));

interface Enqueued extends Usage {
  readonly studies: number;
  readonly redisMegabytes: number;
  readonly redisCpuSeconds: number;
  readonly statusSeconds: number;
  readonly resumeSeconds: number;
}

const HELP = `
usage: npm run bench:queue -- [OPTION ...]

Measures "spineline enqueue" of very many studies, from a manifest to the jobs in Redis.

  --sizes N,N,...      numbers of studies (default 10000,100000,1000000)
  --form jsonl|csv     form of the manifest (default jsonl)
`;

const values = readOptions('queue', HELP, {
  sizes: { type: 'string', default: '10000,100000,1000000' },
  form: { type: 'string', default: 'jsonl' },
});
const sizes = readNumbers('sizes', values.sizes);
if (values.form !== 'jsonl' && values.form !== 'csv') throw new Error(`--form ${values.form}`);

const enqueued: Enqueued[] = [];
let version = 'unknown';
for (const studies of sizes) {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
  try {
    enqueued.push(await measure(studies, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
progressLine('');
report();
await writeJson(values.json, 'queue', { redis: version, form: values.form, limits: LIMITS, enqueued });

async function measure(studies: number, folder: string): Promise<Enqueued> {
  progressLine(`${studies} studies: writing the manifest`);
  const manifest = await writeManifest(folder, studies);
  const server = await startPrivateRedis();
  const redis = connectRedis(server.url, 'bench');
  try {
    version = await redisVersion(redis);
    const before = await redisUsage(redis);
    const settings = {
      SPINELINE_STORE_URL: pathToFileURL(join(folder, 'store')).href,
      SPINELINE_REDIS_URL: server.url,
    };
    progressLine(`${studies} studies: enqueue`);
    const { stdout: _, ...usage } = await spineline(['enqueue', manifest, '--run', 'bench'], settings, folder);
    const after = await redisUsage(redis);
    progressLine(`${studies} studies: status, resume --dry-run`);
    const { seconds: statusSeconds } = await spineline(
      ['status', 'bench', '--json'],
      settings,
      folder,
      EXIT.unfinished,
    );
    const { seconds: resumeSeconds } = await spineline(['resume', 'bench', '--dry-run'], settings, folder);
    return {
      studies,
      ...usage,
      redisMegabytes: (after.bytes - before.bytes) / 2 ** 20,
      redisCpuSeconds: after.cpuSeconds - before.cpuSeconds,
      statusSeconds,
      resumeSeconds,
    };
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

/** @returns its path. */
async function writeManifest(folder: string, studies: number): Promise<string> {
  const root = join(folder, 'images');
  const path = join(folder, `manifest.${values.form}`);
  await mkdir(root);
  for (const { file } of SERIES) await writeFile(join(folder, file), 'an image');
  const linesOf = (study: string) =>
    values.form === 'jsonl'
      ? `${JSON.stringify({ study, series: SERIES.map(({ file, ...one }) => ({ ...one, files: [file] })) })}\n`
      : SERIES.map(({ series, description, file }) => `${study},${series},${description},${file}\n`).join('');
  function* text() {
    if (values.form === 'csv') yield 'study_id,series_id,series_description,location\n';
    for (let from = 0; from < studies; from += LINES_AT_ONCE) {
      const count = Math.min(LINES_AT_ONCE, studies - from);
      yield Array.from({ length: count }, (__, i) => linesOf(`S${1_000_000_000 + from + i}`)).join('');
    }
  }
  await pipeline(Readable.from(text()), createWriteStream(path));
  return path;
}

function report(): void {
  console.log(`${machineLine()}; Redis ${version}`);
  const first = enqueued[0]!;
  printRows(
    `spineline enqueue, ${values.form} manifest, three series of one file per study`,
    enqueued.map(({ studies, seconds, cpuSeconds, megabytes, redisMegabytes, redisCpuSeconds, ...after }) => ({
      studies,
      s: seconds.toFixed(1),
      'CPU s': cpuSeconds.toFixed(1),
      'CPU us per study': ((1e6 * cpuSeconds) / studies).toFixed(0),
      'peak MB': megabytes.toFixed(0),
      'Redis MB': redisMegabytes.toFixed(2),
      'Redis CPU s': redisCpuSeconds.toFixed(2),
      'status s': after.statusSeconds.toFixed(1),
      'resume --dry-run s': after.resumeSeconds.toFixed(1),
      'times the first': `x${(seconds / first.seconds).toFixed(1)} for x${(studies / first.studies).toFixed(0)}`,
    })),
  );
  const last = enqueued.at(-1)!;
  const share = last.studies / LIMITS.studies;
  const within =
    last.seconds <= LIMITS.seconds * share &&
    last.megabytes <= LIMITS.megabytes &&
    last.redisMegabytes <= LIMITS.redisMegabytes * share;
  // Start-up is most of what fewer studies take.
  const verdict = share < 1 ? 'not judged' : within ? 'within' : 'MISSED';
  const { seconds, megabytes, redisMegabytes } = LIMITS;
  console.log(
    `\npromised for ${LIMITS.studies} studies: ${seconds} s, ${megabytes} MB, ${redisMegabytes} MB in Redis; at ${last.studies}: ${verdict}`,
  );
  if (verdict === 'MISSED') process.exitCode = 1;
}
