/** Progress of `prepare` on standard error: a bar on a terminal, elsewhere occasional lines. */

import { counted } from '@spineline/shared/domain';
import type { PrepareProgress } from '@spineline/shared/prepared';
import cliProgress from 'cli-progress';
import { Rate } from './rate.ts';
import { duration, err } from './style.ts';

const LINE_EVERY_SECONDS = 15;

export interface PrepareProgressView {
  update(progress: PrepareProgress): void;
  stop(): void;
}

export function prepareProgress(stream: NodeJS.WriteStream = process.stderr): PrepareProgressView {
  const rate = new Rate();
  if (!stream.isTTY) {
    let last = Number.NEGATIVE_INFINITY;
    return {
      update(progress) {
        const note = noteOf(progress, rate);
        const now = performance.now() / 1000;
        if (now - last < LINE_EVERY_SECONDS && progress.done < progress.total) return;
        last = now;
        stream.write(`${progress.done} of ${counted(progress.total, 'study', 'studies')}${note && `; ${note}`}\n`);
      },
      stop: () => {},
    };
  }
  const bar = new cliProgress.SingleBar(
    { format: `preparing {bar} {value}/{total}  ${err.faint('{note}')}`, hideCursor: true, stream },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update(progress) {
      const note = noteOf(progress, rate);
      if (!started) bar.start(progress.total, progress.done, { note });
      else bar.update(progress.done, { note });
      started = true;
    },
    stop: () => bar.stop(),
  };
}

function noteOf({ done, total, kept, skipped }: PrepareProgress, rate: Rate): string {
  rate.add(done);
  const perSecond = rate.perSecond();
  const parts: string[] = [];
  if (perSecond > 0) parts.push(`${(perSecond * 60).toFixed(0)} studies/min`);
  if (perSecond > 0 && done < total) parts.push(`${duration((total - done) / perSecond)} left`);
  if (kept > 0) parts.push(`${kept} reused`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(', ');
}
