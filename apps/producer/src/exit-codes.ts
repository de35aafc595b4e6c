import { SpinelineError } from '@spineline/shared/domain';
import type { RunLook } from '@spineline/shared/watching';
import { err } from './terminal/style.ts';

/** Process exit codes of the commands. */
export const EXIT = {
  ok: 0,
  /** An unexpected error, or a server that did not answer. */
  fault: 1,
  /** The command line, the settings, the dataset or a bundle cannot be used; nothing was done. */
  usage: 2,
  /** The run is finished and some studies failed; `spineline failed RUN` says why. */
  someFailed: 3,
  /** The run is not finished. */
  unfinished: 4,
} as const;

export const EXIT_HELP = `
Exit codes:
  0  success
  1  an unexpected error, or a server that did not answer
  2  the command line, settings, dataset or bundle cannot be used; nothing was done
  3  the run is finished and some studies failed (see: spineline failed RUN)
  4  the run is not finished`;

/** The exit code for a run, from the last look at it; `undefined` if there was none. */
export function exitCodeOf(look: Pick<RunLook, 'end' | 'failed'> | undefined): number {
  if (look?.end !== 'over') return EXIT.unfinished;
  return look.failed > 0 ? EXIT.someFailed : EXIT.ok;
}

/** Prints an error on standard error. @returns the exit code. */
export function reportError(error: unknown): number {
  if (error instanceof SpinelineError) {
    console.error(`${err.bad('error')} ${err.faint(error.code)} ${error.message}`);
    return error.kind === 'transient' ? EXIT.fault : EXIT.usage;
  }
  console.error(err.bad('error'), error instanceof Error && !process.env.DEBUG ? error.message : error);
  return EXIT.fault;
}
