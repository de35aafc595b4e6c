/** What the exit code says to a script. */
export const EXIT = {
  /** All is as asked. */
  ok: 0,
  /** A fault that nobody foresaw. */
  fault: 1,
  /** The command line, the settings, the dataset or a bundle cannot be used; nothing was done. */
  usage: 2,
  /** The run is over and some studies have no result; `spineline failed RUN` says why. */
  someFailed: 3,
  /** The run is not over. */
  unfinished: 4,
} as const;

export const EXIT_HELP = `
Exit codes:
  0  all is as asked
  1  a fault that nobody foresaw
  2  the command line, settings, dataset or bundle cannot be used; nothing was done
  3  the run is over and some studies have no result (see: spineline failed RUN)
  4  the run is not over`;
