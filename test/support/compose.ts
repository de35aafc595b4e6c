/** docker-compose.yml as docker-compose understands it: merged, anchors and variables filled in. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Debian's docker-compose, or the plugin of newer clients; undefined where there is neither. */
export const COMPOSE: readonly string[] | undefined = [['docker-compose'], ['docker', 'compose']].find(
  ([program, ...rest]) => spawnSync(program!, [...rest, 'version'], { stdio: 'ignore' }).status === 0,
);

/** What a user has to choose. */
export const SECRETS = {
  REDIS_PASSWORD: 'redis-password',
  S3_ACCESS_KEY_ID: 's3-key',
  S3_SECRET_ACCESS_KEY: 's3-secret',
  BOARD_PASSWORD: 'board-password',
  GRAFANA_ADMIN_PASSWORD: 'grafana-password',
} as const;

export interface Service {
  readonly image: string;
  readonly build?: { readonly target?: string; readonly args?: Readonly<Record<string, string>> };
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks: Readonly<Record<string, unknown>>;
  readonly ports?: readonly (string | { readonly host_ip?: string; readonly target: number })[];
  readonly volumes?: readonly (string | Mount)[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: {
    readonly replicas?: number;
    readonly resources?: {
      readonly limits?: { readonly cpus?: number | string; readonly memory?: string };
      readonly reservations?: { readonly devices?: readonly { readonly driver: string }[] };
    };
  };
  readonly [other: string]: unknown;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

/**
 * Runs docker-compose on the files of the repository.
 *
 * @param environment what it sees before .env.example; a `.env` that happens to be there is not read.
 */
export function compose(
  files: readonly string[],
  options: readonly string[],
  environment: Readonly<Record<string, string>>,
) {
  const [program, ...rest] = COMPOSE!;
  const { PATH = '', HOME = '' } = process.env;
  const named = files.flatMap((file) => ['-f', file]);
  return spawnSync(program!, [...rest, ...named, '--env-file', '.env.example', '--profile', 'producer', ...options], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH, HOME, ...environment },
  });
}

/** @throws {Error} if docker-compose does not accept the files. */
export function composeConfig(
  files: readonly string[],
  environment: Readonly<Record<string, string>> = SECRETS,
): ComposeFile {
  const { status, stdout, stderr } = compose(files, ['config'], environment);
  if (status !== 0) throw new Error(`docker-compose does not accept ${files.join(' and ')}:\n${stderr}`);
  return parse(stdout) as ComposeFile;
}

/** Old docker-compose writes `source:target:ro`. */
export function mountsOf({ volumes = [] }: Service): readonly Mount[] {
  return volumes.map((volume) => {
    if (typeof volume !== 'string') return volume;
    const [source = '', target = '', mode] = volume.split(':');
    return { source, target, read_only: mode === 'ro' };
  });
}

/** The addresses of the machine that ports are published on, and the ports inside. */
export function portsOf({ ports = [] }: Service): readonly { readonly address: string; readonly inside: number }[] {
  return ports.map((port) => {
    if (typeof port !== 'string') return { address: port.host_ip ?? '0.0.0.0', inside: port.target };
    const parts = port.split('/')[0]!.split(':');
    return { address: parts.length === 3 ? parts[0]! : '0.0.0.0', inside: Number(parts.at(-1)) };
  });
}
