/**
 * Measures what a second inference thread per worker gains: scores phantom studies with one and with two, and prints
 * studies per minute, their ratio, and where the time of each stage goes. Compare the ratios within one run; the
 * figures themselves depend on the machine and its other work.
 *
 *   npm run bench -- [--studies 8]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generatePhantom } from '@spineline/phantom';
import { STAGE_NAMES } from '@spineline/shared/domain';
import { PHASES } from '@spineline/shared/telemetry';

const THREADS = [1, 2];
const SEED = 77;
const LOOK_EVERY_MS = 400;

/** Seconds by stage and phase, summed over jobs; jobs of one worker overlap. */
type PhaseSeconds = Map<string, number>;

interface Outcome {
  readonly threads: number;
  readonly studiesPerMinute: number;
  readonly phases: PhaseSeconds;
}

const { values } = parseArgs({ options: { studies: { type: 'string', default: '8' } } });
const studies = Number(values.studies);
const folder = await mkdtemp(join(tmpdir(), 'spineline-bench-'));
try {
  console.log(
    `${cpus()[0]?.model ?? 'CPU'}, ${availableParallelism()} cores, ${studies} phantom studies, demo bundles`,
  );
  const dataset = join(folder, 'phantom');
  await generatePhantom(dataset, { studies, seed: SEED, awkward: false });
  const outcomes: Outcome[] = [];
  for (const threads of THREADS) outcomes.push(await score(dataset, join(folder, `threads-${threads}`), threads));
  report(outcomes);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function score(dataset: string, out: string, threads: number): Promise<Outcome> {
  const program = fileURLToPath(new URL('../apps/producer/bin/spineline.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'score', dataset, '--out', out, '--json'], {
    env: { ...process.env, SPINELINE_INFERENCE_THREADS: String(threads) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const closed = once(child, 'close');
  const ended = closed.then(() => true);
  const phases: PhaseSeconds = new Map();
  // The workers end with the command, so the last metrics read before that count.
  while (!(await Promise.race([ended, sleep(LOOK_EVERY_MS, false)]))) await readPhases(out, phases);
  const [code] = await closed;
  if (code !== 0) throw new Error(`spineline score ended with exit code ${code}`);
  const { scored, seconds } = JSON.parse(printed) as { scored: number; seconds: number };
  return { threads, studiesPerMinute: (scored / seconds) * 60, phases };
}

/** Reads the phases from the metrics of every worker that answers. The log of a worker has the address. */
async function readPhases(out: string, phases: PhaseSeconds): Promise<void> {
  for (const stage of STAGE_NAMES) {
    const log = await readFile(join(out, 'logs', `${stage}.log`), 'utf8').catch(() => '');
    const address = /"health":"([^"]+)"/.exec(log)?.[1];
    const answer = address && (await fetch(`${address}/metrics`).catch(() => undefined));
    if (!answer) continue;
    for (const phase of PHASES) {
      const line = new RegExp(`^spineline_phase_seconds_sum\\{stage="${stage}",phase="${phase}"\\} (\\S+)$`, 'm');
      const found = line.exec(await answer.clone().text())?.[1];
      if (found) phases.set(`${stage} ${phase}`, Number(found));
    }
  }
}

function report(outcomes: readonly Outcome[]): void {
  const first = outcomes[0]!;
  for (const { threads, studiesPerMinute, phases } of outcomes) {
    const ratio = studiesPerMinute / first.studiesPerMinute;
    console.log(
      `\ninference threads per worker: ${threads}   ${studiesPerMinute.toFixed(1)} studies/min   ratio ${ratio.toFixed(2)}`,
    );
    for (const stage of STAGE_NAMES) {
      const seconds = PHASES.map((phase) => phases.get(`${stage} ${phase}`) ?? 0);
      const sum = seconds.reduce((a, b) => a + b, 0) || 1;
      const shares = PHASES.map((phase, i) => `${phase} ${((100 * seconds[i]!) / sum).toFixed(0)} %`);
      console.log(`  ${stage}  ${shares.join('  ')}`);
    }
  }
}
