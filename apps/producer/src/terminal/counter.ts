/** A count on standard error that is updated in place, on a terminal only. */

const EVERY_MS = 100;

/** @param total shown with the count, if it is known. */
export function counter(
  what: string,
  total?: number,
  stream: NodeJS.WriteStream = process.stderr,
): { update(count: number): void; stop(): void } {
  let last = 0;
  return {
    update: (count) => {
      const now = performance.now();
      if (!stream.isTTY || now - last < EVERY_MS) return;
      last = now;
      stream.write(`\r${what}: ${count.toLocaleString('en')}${total ? ` of ${total.toLocaleString('en')}` : ''}\x1b[K`);
    },
    stop: () => {
      if (stream.isTTY) stream.write('\r\x1b[K');
    },
  };
}
