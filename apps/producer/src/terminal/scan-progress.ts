/** Progress of a scan on standard error: a bar on a terminal, elsewhere occasional lines. */

import type { ScanProgress } from '@spineline/shared/dataset';
import { counted } from '@spineline/shared/domain';
import cliProgress from 'cli-progress';
import { Rate } from './rate.ts';
import { err } from './style.ts';

const LINE_EVERY_SECONDS = 15;
const DRAWN_EVERY_MS = 100;

export interface ScanProgressView {
  update(progress: ScanProgress): void;
  stop(): void;
}

/** The total grows while folders are listed, which is much faster than reading headers. */
export function scanProgress(stream: NodeJS.WriteStream = process.stderr): ScanProgressView {
  const rate = new Rate();
  if (!stream.isTTY) {
    // A scan of a few seconds prints no progress, since its summary follows at once.
    let last = performance.now() / 1000;
    return {
      update({ found, read }) {
        rate.add(read);
        const now = performance.now() / 1000;
        if (now - last < LINE_EVERY_SECONDS) return;
        last = now;
        stream.write(
          `headers read: ${read.toLocaleString('en')} of ${counted(found, 'file')} so far; ${noteOf(rate)}\n`,
        );
      },
      stop: () => {},
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      format: `reading headers {bar} {value}/{total} files  ${err.faint('{note}')}`,
      hideCursor: true,
      clearOnComplete: true,
      stream,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  let drawn = 0;
  return {
    update({ found, read }) {
      const now = performance.now();
      if (now - drawn < DRAWN_EVERY_MS) return;
      drawn = now;
      rate.add(read);
      const note = noteOf(rate);
      if (!started) bar.start(found, read, { note });
      else {
        bar.setTotal(found);
        bar.update(read, { note });
      }
      started = true;
    },
    stop: () => {
      if (started) bar.stop();
    },
  };
}

function noteOf(rate: Rate): string {
  const perSecond = rate.perSecond();
  return perSecond > 0 ? `${Math.round(perSecond).toLocaleString('en')} files/s` : '';
}
