import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { ConfigError } from '../domain/index.ts';

/**
 * Reads study ids from a file, one per line; blank lines and lines that begin with `#` are left out.
 *
 * @param file a path, or `-` for standard input.
 * @throws {ConfigError} if the file cannot be read or names no study.
 */
export async function readStudyList(file: string): Promise<Set<string>> {
  const content = await (file === '-' ? text(process.stdin) : readFile(file, 'utf8')).catch((cause: unknown) => {
    throw new ConfigError(`${file} cannot be read`, { expected: 'one study id per line' }, { cause });
  });
  const lines = content.split(/\r?\n/).map((line) => line.trim());
  const studies = new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
  if (studies.size === 0) throw new ConfigError(`${file} names no study`, { expected: 'one study id per line' });
  return studies;
}
