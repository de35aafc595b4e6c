/**
 * Progress of a run on standard error: one bar per stage on a terminal, with throughput and time left; elsewhere
 * occasional lines.
 */

import { counted, LAST_STAGE, perStage, STAGE_NAMES, STAGES } from '@spineline/shared/domain';
import type { RunLook } from '@spineline/shared/watching';
import cliProgress from 'cli-progress';
import { duration, err } from './style.ts';

const LINE_EVERY_SECONDS = 15;

/** The parts of a look that are shown. */
export type ShownLook = Pick<RunLook, 'stages' | 'scored' | 'failed' | 'left' | 'perSecond' | 'secondsLeft'>;

export interface ProgressView {
  update(look: ShownLook): void;
  stop(): void;
}

/** @param total studies of the run. */
export function progressView(total: number, stream: NodeJS.WriteStream = process.stderr): ProgressView {
  return stream.isTTY ? bars(total, stream) : lines(total, stream);
}

function bars(total: number, stream: NodeJS.WriteStream): ProgressView {
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
    update(look) {
      for (const stage of STAGE_NAMES) {
        if (stage === LAST_STAGE) shown[stage].update(look.scored + look.failed, { note: noteOf(look) });
        else shown[stage].update(look.stages[stage].done, { note: reusedNote(look.stages[stage].reused) });
      }
    },
    stop: () => multi.stop(),
  };
}

function lines(total: number, stream: NodeJS.WriteStream): ProgressView {
  let last = 0;
  return {
    update(look) {
      const now = performance.now() / 1000;
      if (now - last < LINE_EVERY_SECONDS && last > 0) return;
      last = now;
      const note = noteOf(look);
      const stages = STAGE_NAMES.map((stage) => `stage ${STAGES[stage].number} ${look.stages[stage].done}`).join(', ');
      const done = look.scored + look.failed;
      stream.write(`${done} of ${counted(total, 'study', 'studies')} (${stages})${note ? `; ${note}` : ''}\n`);
    },
    stop: () => {},
  };
}

function noteOf({ stages, failed, left, perSecond, secondsLeft }: ShownLook): string {
  const parts: string[] = [];
  if (perSecond > 0) parts.push(`${(perSecond * 60).toFixed(perSecond < 1 ? 1 : 0)} studies/min`);
  if (secondsLeft !== undefined && left > 0) parts.push(`${duration(secondsLeft)} left`);
  if (failed > 0) parts.push(`${failed} failed`);
  const reused = reusedNote(stages[LAST_STAGE].reused);
  if (reused) parts.push(reused);
  return parts.join(', ');
}

function reusedNote(count: number): string {
  return count > 0 ? `${count} reused` : '';
}
