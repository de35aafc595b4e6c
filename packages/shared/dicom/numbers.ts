/**
 * Numbers written as text (VR DS and IS, PS3.5 6.2). Two common faults are repaired and reported: a comma instead of
 * the decimal point, and a backslash after the last value.
 */

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** What a numeric text means. */
interface NumberText {
  /** `undefined` if a value is no finite number, or if there is none. */
  readonly values: readonly number[] | undefined;
  /** `decimal commas`, `a trailing backslash`; empty if the text follows the standard. */
  readonly repairs: readonly string[];
}

/** Reads numbers that are separated by backslashes. */
export function parseNumbers(text: string): NumberText {
  const parts = text.split('\\').map(trimmed);
  const repairs: string[] = [];
  const written = parts.length;
  while (parts.length > 1 && parts.at(-1) === '') parts.pop();
  if (parts.some((part) => part.includes(','))) repairs.push('decimal commas');
  if (parts.length < written) repairs.push('a trailing backslash');
  const values = parts.map(parseNumber);
  return values.every(Number.isFinite) ? { values, repairs } : { values: undefined, repairs: [] };
}

function parseNumber(part: string): number {
  const comma = part.indexOf(',');
  // Only without a decimal point: the meaning of `1,234.5` is not certain.
  const mended = comma >= 0 && !part.includes('.') ? part.replace(',', '.') : part;
  // Adding 0 turns -0 into 0.
  return NUMBER.test(mended) ? Number(mended) + 0 : Number.NaN;
}

/** A value without padding: surrounding spaces, and a NUL with everything after it, are removed. */
export function trimmed(value: string): string {
  const nul = value.indexOf('\0');
  return (nul < 0 ? value : value.slice(0, nul)).trim();
}

const LONGEST_SHOWN = 64;

/** A value as the file has it, for messages: at most 64 characters, control characters escaped. */
export function shown(value: string): string {
  const padding = /[\0 ]+$/;
  const clean = value.replace(padding, '');
  const cut = clean.length > LONGEST_SHOWN ? `${clean.slice(0, LONGEST_SHOWN)}...` : clean;
  // oxlint-disable-next-line no-control-regex -- control characters are what this replaces
  return cut.replace(/[\u0000-\u001f\u007f-\u009f]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
