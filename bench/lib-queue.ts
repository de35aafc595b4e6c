/** What the benchmarks of the queue share besides table.ts: figures of processes and of Redis, commands as processes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generatePhantom } from '@spineline/phantom';
import type { Redis } from 'ioredis';
import { printTable } from './table.ts';

/** Use of a process from its start to its end. */
export interface Usage {
  readonly seconds: number;
  /** User and system time. */
  readonly cpuSeconds: number;
  /** Peak resident memory. */
  readonly megabytes: number;
}

/** The version of a Redis server. */
export async function redisVersion(redis: Redis): Promise<string> {
  return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown';
}

/** Runs a `spineline` command in a process of its own. @throws {Error} if it does not end with `exitCode`. */
export async function spineline(
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
  folder: string,
  exitCode = 0,
): Promise<Usage & { readonly stdout: string }> {
  const usageFile = join(folder, 'usage.json');
  const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
  const hook = new URL('report-usage.mjs', import.meta.url).href;
  const started = performance.now();
  // By its own first line, which gives Node its options.
  const child = spawn(program, parameters, {
    env: {
      ...process.env,
      ...environment,
      NODE_OPTIONS: `--import ${hook}`,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
      SPINELINE_TEST_USAGE_FILE: usageFile,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const [code] = await once(child, 'close');
  if (code !== exitCode) throw new Error(`spineline ${parameters.join(' ')} ended with ${code}`);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, stdout, ...JSON.parse(await readFile(usageFile, 'utf8')) };
}

/** Bytes that Redis holds, and the CPU time that it has used. */
export async function redisUsage(redis: Redis): Promise<{ bytes: number; cpuSeconds: number }> {
  const memory = await redis.info('memory');
  const cpu = await redis.info('cpu');
  const number = (text: string, name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1]);
  return {
    bytes: number(memory, 'used_memory'),
    cpuSeconds: number(cpu, 'used_cpu_user') + number(cpu, 'used_cpu_sys'),
  };
}

/** Resident memory of a process in MB; Linux only. */
export function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Whole numbers from 1, separated by commas. */
export function readNumbers(name: string, text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.some((number) => !Number.isInteger(number) || number < 1)) throw new Error(`--${name} ${text}`);
  return numbers;
}

type Row = Readonly<Record<string, string | number>>;

/** Prints rows with the same columns as a table. */
export function printRows(title: string, rows: readonly Row[]): void {
  const columns = Object.keys(rows[0] ?? {});
  printTable(
    title,
    columns,
    rows.map((row) => columns.map((column) => String(row[column]))),
  );
}

const SAY_EVERY_MS = 30_000;
let said = Number.NEGATIVE_INFINITY;

/** A line on standard error: on a terminal it replaces the one before it, elsewhere there is one per half minute. */
export function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else if (text !== '' && performance.now() - said > SAY_EVERY_MS) {
    said = performance.now();
    console.error(text);
  }
}

/** Scores one phantom study with the demo bundles. @returns where its outputs are. */
export async function makeTemplate(folder: string): Promise<{ storeUrl: string; run: string; study: string }> {
  await generatePhantom(join(folder, 'phantom'), { studies: 1, seed: 77, awkward: false });
  const out = join(folder, 'template');
  await spineline(['score', join(folder, 'phantom'), '--out', out, '--run', 'template', '--json'], {}, folder);
  const [result] = await readdir(join(out, 'store', 'runs', 'template', 'studies'));
  return { storeUrl: pathToFileURL(join(out, 'store')).href, run: 'template', study: basename(result!, '.json') };
}
