/**
 * Structured logs, one event a line on standard error: what happened, with run, study, stage and attempt as fields. No
 * patient data: a line carries ids of the dataset, codes and counts, never DICOM attributes.
 */

import { createRequire } from 'node:module';
import pino from 'pino';
import { NEVER_LOGGED } from '../domain/index.ts';

export type Logger = pino.Logger;

/** `auto` is pretty on a terminal and JSON elsewhere. */
export type LogFormat = 'auto' | 'json' | 'pretty';

/** @param component what the process is, such as `worker-stage1`. */
export function createLogger(component: string, level: string, format: LogFormat = 'auto'): Logger {
  const pretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  // Synchronous: the last line before the end of a process is the one that is wanted.
  const stderr = pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level,
      base: { component, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: NEVER_LOGGED.flatMap((name) => [name, `*.${name}`]),
    },
    pretty ? prettified(stderr) : stderr,
  );
}

function prettified(stderr: pino.DestinationStream): pino.DestinationStream {
  // Loaded only here: a worker in a container has no use for it.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  const prettify = prettyFactory({
    colorize: process.stderr.isTTY && process.stderr.hasColors(),
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,component',
    messageFormat: '{component} {msg}',
    singleLine: true,
    // An error is logged as its message, which is shown like any other field; taken for an Error it would be left out.
    errorLikeObjectKeys: [],
  });
  return { write: (line) => stderr.write(prettify(line)) };
}
