/** Progress of `diff` on standard error: nothing for a short comparison, else a bar on a terminal, elsewhere lines. */

import { counted } from '@spineline/shared/domain';
import cliProgress from 'cli-progress';
import { Rate } from './rate.ts';
import { duration, err } from './style.ts';

const FIRST_AFTER_SECONDS = 3;
const LINE_EVERY_SECONDS = 15;

export interface CompareProgressView {
  /** @param done number of studies compared so far. @param total number of all studies. */
  update(done: number, total: number): void;
  stop(): void;
}

export function compareProgress(stream: NodeJS.WriteStream = process.stderr): CompareProgressView {
  const rate = new Rate();
  // The rate counts from the first study on, without the time for listing the runs.
  let next: number | undefined;
  let bar: cliProgress.SingleBar | undefined;
  const noteOf = (done: number, total: number) => {
    const perSecond = rate.perSecond();
    return perSecond > 0 && done < total ? `${duration((total - done) / perSecond)} left` : '';
  };
  return {
    update(done, total) {
      const now = performance.now() / 1000;
      if (next === undefined) {
        rate.add(done, now);
        next = now + FIRST_AFTER_SECONDS;
      }
      if (bar) bar.update(done, { note: noteOf(done, total) });
      if (now < next) return;
      rate.add(done, now);
      next = now + (stream.isTTY ? 1 : LINE_EVERY_SECONDS);
      const note = noteOf(done, total);
      if (!stream.isTTY) {
        stream.write(`${done} of ${counted(total, 'study', 'studies')} compared${note && `; ${note}`}\n`);
      } else if (!bar) {
        bar = new cliProgress.SingleBar(
          { format: `comparing {bar} {value}/{total}  ${err.faint('{note}')}`, hideCursor: true, stream },
          cliProgress.Presets.shades_classic,
        );
        bar.start(total, done, { note });
      }
    },
    stop: () => bar?.stop(),
  };
}
