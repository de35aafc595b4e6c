/**
 * The process that measures one candidate of `tune.ts`, so that its memory is its own, and a candidate that needs too
 * much or crashes a driver ends nothing else.
 */

import { SpinelineError } from '../domain/index.ts';
import { readBundleFolder } from '../models/index.ts';
import { prepareExecutionProvider } from './execution-provider.ts';
import { type Candidate, type LoadOptions, measureCandidate, type Speed } from './tune-load.ts';

export interface TuneRequest extends LoadOptions {
  /** Folder of the bundle. */
  readonly folder: string;
  readonly candidate: Candidate;
}

/** The speed, or why there is none. */
export type TuneAnswer = Speed | { readonly failure: string };

// Whoever asked ends this process with SIGKILL, or has ended itself.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.once('message', (request: TuneRequest) => {
  void answer(request).then((found) => process.send!(found));
});

async function answer({ folder, candidate, ...options }: TuneRequest): Promise<TuneAnswer> {
  try {
    prepareExecutionProvider(options.provider);
    return await measureCandidate(await readBundleFolder(folder), candidate, options);
  } catch (error) {
    return { failure: error instanceof SpinelineError ? (error.context.found ?? error.message) : String(error) };
  }
}
