/** The `spineline` command as a user runs it: a process of its own, with its output and exit code. */

import { fileURLToPath } from 'node:url';
import { startNode } from '../../../../packages/shared/test/support/guarded-process.ts';

/** Path of the command, for who starts it otherwise. */
export const COMMAND = fileURLToPath(new URL('../../bin/spineline.js', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. @param settings of the environment, besides what every process needs. */
export async function spineline(
  parameters: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const { child, exited } = startNode(COMMAND, parameters, settings);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const { code } = await exited;
  return { code, stdout, stderr };
}

/** As {@link spineline}, for a step that a test needs. @throws {Error} with the output on another exit code than 0. */
export async function spinelineOk(
  parameters: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const finished = await spineline(parameters, settings);
  if (finished.code !== 0) {
    const { code, stdout, stderr } = finished;
    throw new Error(`spineline ${parameters.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  }
  return finished;
}

/** Plain phantom studies of 3 series each, 50 to 80 files. */
export async function makePhantom(folder: string, studies: number, seed: number): Promise<void> {
  await spinelineOk(['phantom', folder, '--studies', String(studies), '--seed', String(seed), '--no-awkward']);
}
