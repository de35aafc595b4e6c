/**
 * The `spineline` command in the process of the test: for what a command does and says. A process for each costs half a
 * second of a core; where the process is what is tested, there is `spineline-command.ts`.
 */

import { format } from 'node:util';
import { SpinelineError } from '@spineline/shared/domain';
import { type Command, CommanderError } from 'commander';
import { vi } from 'vitest';
import { EXIT, reportError } from '../../src/exit-codes.ts';
import { SpinelineCommand } from '../../src/spineline-command.ts';
import type { Finished } from './spineline-command.ts';

/** Commands whose file has another name. */
const FILES: Readonly<Record<string, string>> = { unpause: 'pause' };

/** Commands share the process's environment and output: one runs at a time. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs one command to its end.
 *
 * @param settings of the environment; no other setting of spineline is there.
 * @throws what nobody foresaw, where the process would end with 1.
 */
export function spineline(
  parameters: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const finished = last.then(() => run(parameters, settings));
  last = finished.catch(() => {});
  return finished;
}

async function run(parameters: readonly string[], settings: Readonly<Record<string, string>>): Promise<Finished> {
  const said = { stdout: '', stderr: '' };
  const to = (stream: keyof typeof said) => (text: string | Uint8Array) => {
    said[stream] += typeof text === 'string' ? text : Buffer.from(text).toString();
    return true;
  };
  const line =
    (stream: keyof typeof said) =>
    (...values: unknown[]) =>
      void to(stream)(`${format(...values)}\n`);
  const program = new SpinelineCommand('spineline')
    .exitOverride()
    .configureOutput({ writeOut: to('stdout'), writeErr: to('stderr') });
  await addCommand(program, parameters[0]!);
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(line('stdout')),
    vi.spyOn(console, 'error').mockImplementation(line('stderr')),
    vi.spyOn(process.stdout, 'write').mockImplementation(to('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(to('stderr')),
  ];
  const environment = process.env;
  const bare = Object.entries(environment).filter(([name]) => !name.startsWith('SPINELINE_'));
  process.env = { ...Object.fromEntries(bare), NO_COLOR: '1', ...settings };
  process.exitCode = undefined;
  try {
    await program.parseAsync([...parameters], { from: 'user' });
    return { code: Number(process.exitCode ?? EXIT.ok), ...said };
  } catch (error) {
    if (error instanceof CommanderError) return { code: error.exitCode === 0 ? EXIT.ok : EXIT.usage, ...said };
    if (!(error instanceof SpinelineError)) throw error;
    const code = reportError(error);
    return { code, ...said };
  } finally {
    process.exitCode = undefined;
    process.env = environment;
    for (const spy of spies) spy.mockRestore();
  }
}

/** As {@link spineline}, for a step that a test needs. @throws {Error} with the output on another exit code than 0. */
export async function spinelineOk(
  parameters: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const finished = await spineline(parameters, settings);
  if (finished.code === EXIT.ok) return finished;
  const { code, stdout, stderr } = finished;
  throw new Error(`spineline ${parameters.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
}

/** Each file of `src/commands` has a function that adds its command, such as `addShow`. */
async function addCommand(program: Command, name: string): Promise<void> {
  const module: Record<string, unknown> = await import(`../../src/commands/${FILES[name] ?? name}.ts`);
  const found = Object.entries(module).find(([exported]) => /^add[A-Z]/.test(exported));
  if (!found) throw new Error(`src/commands has no command ${name}`);
  (found[1] as (program: Command) => void)(program);
}
