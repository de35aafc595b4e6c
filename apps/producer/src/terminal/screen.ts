/** A few lines at the end of a terminal's output that are drawn again in place. */

import { createLogUpdate } from 'log-update';
import type { Size } from './live-view.ts';

const CLEAR = '\x1b[2J\x1b[H';

export interface Screen {
  /** @param lines gives what is to be seen, for a size; it is asked again when the terminal changes its size. */
  draw(lines: (size: Size) => readonly string[]): void;
  /** Leaves what was drawn last, and the cursor as it was. */
  close(): void;
}

/** @param stream a terminal. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  const update = createLogUpdate(stream);
  let last: ((size: Size) => readonly string[]) | undefined;
  const draw = () => {
    // The line below stays free: on it the cursor waits.
    if (last) update(last({ columns: stream.columns, rows: stream.rows - 1 }).join('\n'));
  };
  const redraw = () => {
    // Terminals break lines anew when they get narrower, each in its own way: where the old lines went is not known.
    update.clear();
    stream.write(CLEAR);
    draw();
  };
  stream.on('resize', redraw);
  return {
    draw(lines) {
      last = lines;
      draw();
    },
    close() {
      stream.off('resize', redraw);
      update.done();
    },
  };
}
