/**
 * Texts inside a PNG file, which image viewers show as metadata: a `tEXt` chunk if Latin-1 can encode the text, else an
 * `iTXt` chunk.
 *
 * Source: PNG (Third Edition), 11.3.3, "Textual information".
 */

import { crc32 } from 'node:zlib';

/** Texts by keyword of the standard: `Title`, `Disclaimer`, `Software`, ... */
export type PngTexts = Readonly<Record<string, string>>;

/** The signature and then the header chunk, which must be first: length, type, 13 bytes, CRC. */
const HEADER_END = 8 + 4 + 4 + 13 + 4;

/** The same PNG file with texts. Leaves out empty texts. */
export function withTexts(png: Buffer, texts: PngTexts): Buffer {
  const chunks = Object.entries(texts)
    .filter(([, text]) => text !== '')
    .map(([keyword, text]) => textChunk(keyword, text));
  return Buffer.concat([png.subarray(0, HEADER_END), ...chunks, png.subarray(HEADER_END)]);
}

function textChunk(keyword: string, text: string): Buffer {
  const latin1 = [...text].every((character) => character.codePointAt(0)! <= 0xff);
  // iTXt: not compressed, no language, no translated keyword.
  return latin1
    ? chunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'))
    : chunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')]));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), 4 + body.length);
  return framed;
}
