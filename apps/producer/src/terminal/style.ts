/** Colours, on a terminal only: `styleText` leaves them out elsewhere, and if NO_COLOR is set. */

import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

function styled(format: Format, stream: NodeJS.WriteStream) {
  return (text: string) => styleText(format, text, { stream });
}

/** For standard output. */
export const out = {
  strong: styled('bold', process.stdout),
  faint: styled('dim', process.stdout),
  good: styled('green', process.stdout),
  warn: styled('yellow', process.stdout),
  bad: styled('red', process.stdout),
};

/** For standard error. */
export const err = {
  strong: styled('bold', process.stderr),
  faint: styled('dim', process.stderr),
  good: styled('green', process.stderr),
  warn: styled('yellow', process.stderr),
  bad: styled('red', process.stderr),
};

export type Palette = typeof out;

/** Seconds as text: `42 s`, `3 min 20 s`, `5 h 10 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Rows as aligned columns, numbers aligned right. Cells must be unstyled, since styling would count as width. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], paint = out.faint): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const numeric = header.map((_, i) => rows.length > 0 && rows.every((row) => /^[\d.,%–-]*$/.test(row[i]!)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [paint(line(header)), ...rows.map(line)].join('\n');
}
