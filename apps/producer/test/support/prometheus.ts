/** A real Prometheus with the configuration of the repository: its rules, its jobs, and the targets that a test gives. */

import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort } from '../../../../packages/shared/test/support/free-port.ts';
import { ENDED, startOnLeash } from '../../../../packages/shared/test/support/leash.ts';

const FOLDER = fileURLToPath(new URL('../../../../deploy/prometheus/', import.meta.url));

/** Why no Prometheus can be started here; `undefined` when one can. */
export function prometheusMissing(): string | undefined {
  const found = spawnSync('prometheus', ['--version'], { stdio: 'ignore' });
  return found.status === 0 ? undefined : 'prometheus is not installed (Debian: apt-get install prometheus)';
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Rule {
  readonly type: 'recording' | 'alerting';
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
}

export interface TestPrometheus {
  readonly url: string;
  /** An instant query. @throws {Error} with what Prometheus says against it. */
  query(expression: string): Promise<Series[]>;
  rules(): Promise<Rule[]>;
  /** `job instance` to health of every target. */
  targets(): Promise<Map<string, string>>;
  stop(): Promise<void>;
}

interface ScrapeConfig {
  readonly job_name: string;
  readonly [field: string]: unknown;
}

/** @param targets `host:port` by job; jobs of the configuration that have none here are left out. */
export async function startPrometheus(targets: Readonly<Record<string, readonly string[]>>): Promise<TestPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'spineline-prometheus-'));
  const configured = parse(await readFile(join(FOLDER, 'prometheus.yml'), 'utf8')) as {
    rule_files: string[];
    scrape_configs: ScrapeConfig[];
  };
  const jobs = configured.scrape_configs.filter(({ job_name }) => targets[job_name]);
  const config = {
    ...configured,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: configured.rule_files.map((pattern) => join(FOLDER, pattern)),
    scrape_configs: jobs.map(({ dns_sd_configs, ...job }) => ({
      ...job,
      static_configs: [{ targets: targets[job.job_name] }],
    })),
  };
  await writeFile(join(folder, 'prometheus.yml'), stringify(config));
  const port = await freePort();
  const { stop } = await startOnLeash(
    `folder=$1; shift
     { prometheus "$@" & echo $! >"$folder/pid"; wait $!; echo ${ENDED}; } </dev/null &`,
    `kill "$(cat "$folder/pid")" 2>/dev/null; wait; rm -rf "$folder"`,
    [
      folder,
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    /Server is ready to receive web requests/,
  );
  const url = `http://127.0.0.1:${port}`;
  const ask = async <T>(path: string): Promise<T> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}`)).json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${decodeURIComponent(path)}`);
    return answer.data;
  };
  return {
    url,
    async query(expression) {
      const { result, resultType } = await ask<{ resultType: string; result: unknown }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      if (resultType === 'scalar') return [{ metric: {}, value: Number((result as [number, string])[1]) }];
      return (result as { metric: Record<string, string>; value: [number, string] }[]).map(({ metric, value }) => ({
        metric,
        value: Number(value[1]),
      }));
    },
    async rules() {
      const { groups } = await ask<{ groups: { rules: Rule[] }[] }>('rules');
      return groups.flatMap(({ rules }) => rules);
    },
    async targets() {
      const { activeTargets } = await ask<{ activeTargets: { labels: Record<string, string>; health: string }[] }>(
        'targets',
      );
      return new Map(activeTargets.map(({ labels, health }) => [`${labels.job} ${labels.instance}`, health]));
    },
    stop: () => stop(),
  };
}
