/**
 * Structured logs, one event a line on standard error: what happened, with run, study, stage and attempt as fields. No
 * patient data: a line carries ids of the dataset, codes and counts, never DICOM attributes.
 */

import pino from 'pino';

export type Logger = pino.Logger;

/** @param component what the process is, such as `worker-stage1`. */
export function createLogger(component: string, level: string): Logger {
  return pino(
    {
      level,
      base: { component, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
