/**
 * Progress of a run on standard error: on a terminal one bar per stage, with throughput and time left; elsewhere a
 * line now and then.
 */

import { LAST_STAGE, perStage, STAGE_NAMES, STAGES, counted } from '@spineline/shared/domain';
import type { Progress } from '@spineline/shared/queue';
import cliProgress from 'cli-progress';
import { duration, err } from './style.ts';

const LINE_EVERY_SECONDS = 15;

export interface ProgressView {
  update(progress: Progress): void;
  stop(): void;
}

/** @param total studies of the run. */
export function progressView(total: number, stream: NodeJS.WriteStream = process.stderr): ProgressView {
  const rate = new Rate();
  return stream.isTTY ? bars(total, stream, rate) : lines(total, stream, rate);
}

function bars(total: number, stream: NodeJS.WriteStream, rate: Rate): ProgressView {
  const multi = new cliProgress.MultiBar(
    {
      format: `{title} {bar} {value}/{total}  ${err.faint('{note}')}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 32,
      hideCursor: true,
      clearOnComplete: false,
      stream,
    },
    cliProgress.Presets.shades_classic,
  );
  const width = Math.max(...STAGE_NAMES.map((stage) => STAGES[stage].title.length));
  const shown = perStage((stage) => {
    const { number, title } = STAGES[stage];
    return multi.create(total, 0, { title: `stage ${number}  ${title.padEnd(width)}`, note: '' });
  });
  return {
    update(progress) {
      const [done, note] = noteOf(progress, total, rate);
      for (const stage of STAGE_NAMES) {
        const value = Math.min(total, stage === LAST_STAGE ? done : progress[stage]);
        shown[stage].update(value, { note: stage === LAST_STAGE ? note : reusedNote(progress[`${stage}-reused`]) });
      }
    },
    stop: () => multi.stop(),
  };
}

function lines(total: number, stream: NodeJS.WriteStream, rate: Rate): ProgressView {
  let last = 0;
  return {
    update(progress) {
      const now = performance.now() / 1000;
      if (now - last < LINE_EVERY_SECONDS && last > 0) return;
      last = now;
      const [done, note] = noteOf(progress, total, rate);
      const stages = STAGE_NAMES.map((stage) => `stage ${STAGES[stage].number} ${progress[stage]}`).join(', ');
      stream.write(`${done} of ${counted(total, 'study', 'studies')} (${stages})${note ? `; ${note}` : ''}\n`);
    },
    stop: () => {},
  };
}

/** Studies that need no more work, and what there is to say about them. */
function noteOf(progress: Progress, total: number, rate: Rate): [number, string] {
  const done = progress[LAST_STAGE] + progress.failed;
  rate.add(done);
  const perSecond = rate.perSecond();
  const parts: string[] = [];
  if (perSecond > 0) parts.push(`${(perSecond * 60).toFixed(perSecond < 1 ? 1 : 0)} studies/min`);
  if (perSecond > 0 && done < total) parts.push(`${duration((total - done) / perSecond)} left`);
  if (progress.failed > 0) parts.push(`${progress.failed} failed`);
  const reused = progress[`${LAST_STAGE}-reused`];
  if (reused > 0) parts.push(`${reused} reused`);
  return [done, parts.join(', ')];
}

function reusedNote(count: number): string {
  return count > 0 ? `${count} reused` : '';
}

/** Throughput over the last minute or so, or since the first study where that is shorter. */
export class Rate {
  readonly #windowSeconds: number;
  readonly #seen: { at: number; done: number }[] = [];

  constructor(windowSeconds = 60) {
    this.#windowSeconds = windowSeconds;
  }

  add(done: number, at = performance.now() / 1000): void {
    this.#seen.push({ at, done });
    while (this.#seen.length > 2 && this.#seen[1]!.at < at - this.#windowSeconds) this.#seen.shift();
  }

  perSecond(): number {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (!first || !last || last.at === first.at) return 0;
    return (last.done - first.done) / (last.at - first.at);
  }
}
