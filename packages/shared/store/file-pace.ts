/**
 * Small operations on files, at once or in Node's thread pool.
 *
 * A file system that has the answer in memory gives it in microseconds, and asking a thread of the pool takes ten times
 * as long. A dataset has millions of files to look up, and a study has some forty small objects. But a network file
 * system or a busy disk would block the process. So operations are done at once, each is timed, and after a slow one the
 * next go to the pool: at most one of every 100 can block, and only as long as one operation takes.
 */

const SLOW_MS = 0.5;
const LATER_AFTER_SLOW = 100;

export class FilePace {
  #laterLeft = 0;

  /**
   * @param now does the operation with the synchronous functions of `node:fs`.
   * @param later does the same with the asynchronous ones.
   */
  async run<T>(now: () => T, later: () => Promise<T>): Promise<T> {
    if (this.#laterLeft > 0) {
      this.#laterLeft -= 1;
      return later();
    }
    const began = performance.now();
    try {
      return now();
    } finally {
      if (performance.now() - began > SLOW_MS) this.#laterLeft = LATER_AFTER_SLOW;
    }
  }
}
