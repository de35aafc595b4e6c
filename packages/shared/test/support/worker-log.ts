/** The log lines of a worker process as events, so that tests wait for lines and not for time. */

import { createInterface } from 'node:readline';
import type { GuardedProcess } from './guarded-process.ts';
import { Happenings } from './happenings.ts';

/** A log line of a worker. The fields depend on the event. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly pid: number;
  readonly [field: string]: unknown;
}

/** The log lines of a process. Waiting for a line fails if the process ends without it. */
export function logOf({ child, exited }: GuardedProcess): Happenings<LogLine> {
  const lines = new Happenings<LogLine>();
  const other: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (text) => {
      if (text.startsWith('{')) lines.add(JSON.parse(text) as LogLine);
      else other.push(text);
    });
  }
  void exited.then(({ code, signal }) => {
    const said = [...lines.all.map((line) => JSON.stringify(line)), ...other].slice(-20).join('\n');
    lines.end(new Error(`the worker ended (${signal ?? code}) without saying what was waited for:\n${said}`));
  });
  return lines;
}
