/**
 * Parses a `multipart/related` answer (RFC 2046 5.1, PS3.18 8.6.1.2). It is strict where bytes could be lost, and
 * lenient where servers differ: quoted boundaries, preambles, epilogues, padding, bare line feeds, parts without
 * headers. Existing packages parse web forms only, or do not detect an answer that ends early.
 */

import { MIMEType } from 'node:util';

export interface Part {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** A view of the answer's bytes. */
  readonly body: Buffer;
}

/** Thrown when an answer is cut off or is no multipart answer. */
export class MultipartError extends Error {}

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;

/** Media type in lower case (`multipart/related`) and boundary of a `Content-Type`; `undefined` if it is invalid. */
export function contentTypeOf(header: string | undefined): { type: string; boundary: string | undefined } | undefined {
  try {
    const type = new MIMEType(header ?? '');
    return { type: type.essence, boundary: type.params.get('boundary') ?? undefined };
  } catch {
    return undefined;
  }
}

/**
 * The parts, in order.
 *
 * A boundary must be a line of its own. If a part gives its length and a boundary follows after that, anything like a
 * boundary inside the part is data.
 *
 * @throws {MultipartError} without a first or a closing boundary.
 */
export function partsOf(body: Buffer, boundary: string): Part[] {
  const find = delimiterFinder(body, Buffer.from(`--${boundary}`, 'latin1'));
  let delimiter = find(0);
  if (!delimiter) throw new MultipartError('no boundary in it');
  const parts: Part[] = [];
  while (!delimiter.closing) {
    const { headers, start } = headersAt(body, delimiter.end);
    const length = /^\d{1,15}$/.test(headers.get('content-length') ?? '') ? Number(headers.get('content-length')) : 0;
    const promised = length > 0 ? find(start + length) : undefined;
    const next: Delimiter | undefined = promised?.dataEnd === start + length ? promised : find(start);
    if (!next) throw new MultipartError('no closing boundary');
    parts.push({ headers, body: body.subarray(start, Math.max(start, next.dataEnd)) });
    delimiter = next;
  }
  return parts;
}

interface Delimiter {
  /** Where the data before it ends. The line end before a boundary belongs to the boundary. */
  readonly dataEnd: number;
  /** Where the next data begins. */
  readonly end: number;
  readonly closing: boolean;
}

/** Finds the first boundary line at or after an offset. All boundaries have the line ends of the first one. */
function delimiterFinder(body: Buffer, dash: Buffer): (from: number) => Delimiter | undefined {
  let bareLineFeeds: boolean | undefined;
  return (from) => {
    for (let at = body.indexOf(dash, from); at !== -1; at = body.indexOf(dash, at + 1)) {
      const before = lineEndBefore(at, from);
      if (before === undefined) continue;
      let end = at + dash.length;
      const closing = body[end] === DASH && body[end + 1] === DASH;
      if (closing) end += 2;
      while (body[end] === 0x20 || body[end] === 0x09) end++;
      const lineEnd = body[end] === LF ? 1 : body[end] === CR && body[end + 1] === LF ? 2 : 0;
      if (lineEnd === 0 && !(closing && end === body.length)) continue;
      bareLineFeeds ??= lineEnd === 1;
      return { dataEnd: at - before, end: end + lineEnd, closing };
    }
    return undefined;
  };

  /** Length of the line end before `at`; 0 at the start of the data; `undefined` if no line begins at `at`. */
  function lineEndBefore(at: number, from: number): number | undefined {
    if (at === 0 || (at === from && body[at - 1] === LF)) return 0;
    if (body[at - 1] !== LF) return undefined;
    if (bareLineFeeds) return 1;
    if (body[at - 2] === CR && at - 2 >= from) return 2;
    return bareLineFeeds === undefined ? 1 : undefined;
  }
}

/** The header lines from an offset to the blank line, and where the body begins. */
function headersAt(body: Buffer, from: number): { headers: Map<string, string>; start: number } {
  const headers = new Map<string, string>();
  let name: string | undefined;
  let start = from;
  for (;;) {
    const feed = body.indexOf(LF, start);
    if (feed === -1) throw new MultipartError('no end of the headers of a part');
    const line = body.toString('latin1', start, feed).replace(/\r$/, '');
    start = feed + 1;
    if (line === '') return { headers, start };
    if (/^[ \t]/.test(line) && name !== undefined) {
      headers.set(name, `${headers.get(name)} ${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) throw new MultipartError('a line among the headers of a part that is none');
    name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, line.slice(colon + 1).trim());
  }
}
