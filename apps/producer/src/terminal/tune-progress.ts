/** Progress of `tune` on standard error: a bar on a terminal, elsewhere a line per candidate. */

import type { TuneProgress } from '@spineline/shared/inference';
import cliProgress from 'cli-progress';
import { err } from './style.ts';

export interface TuneProgressView {
  update(progress: TuneProgress): void;
  stop(): void;
}

export function tuneProgress(stream: NodeJS.WriteStream = process.stderr): TuneProgressView {
  if (!stream.isTTY) {
    return {
      update: (progress) => stream.write(`${progress.done + 1} of ${progress.total}: ${noteOf(progress)}\n`),
      stop: () => {},
    };
  }
  const bar = new cliProgress.SingleBar(
    { format: `measuring {bar} {value}/{total}  ${err.faint('{note}')}`, hideCursor: true, stream },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update(progress) {
      const note = noteOf(progress);
      if (started) bar.update(progress.done, { note });
      else bar.start(progress.total, progress.done, { note });
      started = true;
    },
    stop: () => bar.stop(),
  };
}

function noteOf({ candidate: { inferenceThreads, intraOpThreads, batchSize } }: TuneProgress): string {
  return `inference threads ${inferenceThreads}, intra-op threads ${intraOpThreads}, batch size ${batchSize}`;
}
