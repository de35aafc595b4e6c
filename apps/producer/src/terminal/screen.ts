/** A few lines at the end of the terminal output that are redrawn in place. */

import { createLogUpdate } from 'log-update';
import type { Size } from './live-view.ts';

const CLEAR = '\x1b[2J\x1b[H';

export interface Screen {
  /** @param lines returns the lines for a size. It is called again when the size of the terminal changes. */
  draw(lines: (size: Size) => readonly string[]): void;
  /** Leaves the last lines on the screen and restores the cursor. */
  close(): void;
}

/** @param stream a terminal. */
export function openScreen(stream: NodeJS.WriteStream): Screen {
  const update = createLogUpdate(stream);
  let last: ((size: Size) => readonly string[]) | undefined;
  const draw = () => {
    // The line below stays empty for the cursor.
    if (last) update(last({ columns: stream.columns, rows: stream.rows - 1 }).join('\n'));
  };
  const redraw = () => {
    // Terminals rewrap lines differently when they become narrower, so the place of the old lines is unknown: clear
    // all.
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
