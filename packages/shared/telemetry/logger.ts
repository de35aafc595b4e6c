/**
 * Structured logs on standard error, one event per line: what happened, with run, study, stage and attempt as fields.
 * No patient data: a line holds ids of the dataset, codes and counts, never DICOM attributes.
 */

import { createRequire } from 'node:module';
import pino from 'pino';
import { NEVER_LOGGED } from '../domain/index.ts';

export type Logger = pino.Logger;

/** `auto` is pretty on a terminal and JSON elsewhere. */
export type LogFormat = 'auto' | 'json' | 'pretty';

/** @param component name of the process, such as `worker-stage1`. */
export function createLogger(component: string, level: string, format: LogFormat = 'auto'): Logger {
  const pretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  // Synchronous, so that the last line before a process ends is not lost.
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
  // Loaded only here: a worker in a container does not need it.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  const prettify = prettyFactory({
    colorize: process.stderr.isTTY && process.stderr.hasColors(),
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,component',
    messageFormat: '{component} {msg}',
    singleLine: true,
    // We log an error as its message, a text. Without this, pino-pretty takes the field for an Error and leaves it out.
    errorLikeObjectKeys: [],
  });
  return { write: (line) => stderr.write(prettify(line)) };
}
