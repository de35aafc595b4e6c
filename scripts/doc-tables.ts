/**
 * Generates the tables of the docs from the code, such as settings, flags and metrics. `npm run docs` writes them
 * between their markers; a test checks that they are up to date.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeSettings } from '@spineline/shared/config';
import { FLAG_MEANINGS, FIRST_STAGE } from '@spineline/shared/domain';
import { registerGpuMetrics, StoreMetrics, WorkerMetrics } from '@spineline/shared/telemetry';
import type { Registry } from 'prom-client';
import { ExporterMetrics } from '../apps/producer/src/exporter/exporter-metrics.ts';
import { ROOMS } from './rooms.ts';

export interface DocTable {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Text between `<!-- name -->` and `<!-- /name -->`. */
  readonly name: string;
  readonly table: string;
}

export function docTables(): DocTable[] {
  return [
    { file: 'docs/architecture.md', name: 'rooms', table: roomTable() },
    { file: 'docs/configuration.md', name: 'settings', table: settingsTable() },
    { file: 'docs/results.md', name: 'flags', table: flagTable() },
    { file: 'docs/metrics.md', name: 'worker', table: metricTable(workerRegistry()) },
    { file: 'docs/metrics.md', name: 'exporter', table: metricTable(exporterRegistry()) },
  ];
}

function roomTable(): string {
  const rows = ROOMS.flatMap((row, i) => row.map(({ name, holds }) => [String(i + 1), `\`${name}/\``, holds]));
  return markdownTable(['row', 'room', 'what it holds'], rows);
}

function settingsTable(): string {
  const rows = describeSettings().map(({ name, fallback, allowed, meaning }) => {
    const value = fallback && `\`${fallback}\``;
    return [`\`${name}\``, meaning, value, allowed];
  });
  return markdownTable(['variable', 'what it is for', 'default', 'allowed values'], rows);
}

/** All metrics of a worker that spineline defines. */
function workerRegistry(): Registry {
  const { registry } = new WorkerMetrics(FIRST_STAGE);
  new StoreMetrics(registry);
  registerGpuMetrics(registry, async () => []);
  return registry;
}

/** All metrics of the exporter, except those of its store, which are the same as in a worker. */
function exporterRegistry(): Registry {
  return new ExporterMetrics(undefined as never, undefined as never).registry;
}

function metricTable(registry: Registry): string {
  const rows = registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('spineline_'))
    .map(({ name, help, type, ...metric }) => {
      const { labelNames = [] } = metric as { labelNames?: readonly string[] };
      return [`\`${name}\``, String(type), labelNames.map((label) => `\`${label}\``).join(' '), help];
    });
  return markdownTable(['series', 'type', 'labels', 'what it is'], rows);
}

function flagTable(): string {
  const rows = Object.entries(FLAG_MEANINGS).map(([code, meaning]) => [`\`${code}\``, meaning]);
  return markdownTable(['flag', 'what it means'], rows);
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The text with a table between its markers. @throws {Error} if the markers are not there. */
export function withTable(text: string, { file, name, table }: DocTable): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from < 0 || to < from) throw new Error(`${file} has no ${open} ... ${close}`);
  return `${text.slice(0, from)}${open}\n${table}\n${text.slice(to)}`;
}

if (import.meta.main) {
  for (const table of docTables()) {
    const path = fileURLToPath(new URL(`../${table.file}`, import.meta.url));
    await writeFile(path, withTable(await readFile(path, 'utf8'), table));
  }
}
