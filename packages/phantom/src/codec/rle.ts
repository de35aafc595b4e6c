/** RLE Lossless for 16-bit pixels: two byte planes, each row compressed with PackBits. Source: DICOM PS3.5 annex G. */

/**
 * @param pixels little-endian 16-bit words, row by row.
 * @param columns row length in pixels: runs do not cross rows (G.3.1).
 */
export function encodeRle(pixels: Uint8Array, columns: number): Uint8Array {
  // The most significant byte plane comes first (G.2).
  const segments = [1, 0].map((plane) => packPlane(pixels, plane, columns));
  const header = Buffer.alloc(64);
  header.writeUInt32LE(segments.length, 0);
  let offset = 64;
  segments.forEach((segment, index) => {
    header.writeUInt32LE(offset, 4 + 4 * index);
    offset += segment.length;
  });
  return Buffer.concat([header, ...segments]);
}

function packPlane(pixels: Uint8Array, plane: number, columns: number): Buffer {
  const count = pixels.length / 2;
  // The worst case of PackBits: one more byte per 128.
  const out = Buffer.alloc(count + Math.ceil(count / columns) * Math.ceil(columns / 128 + 1) + 2);
  let length = 0;
  for (let start = 0; start < count; start += columns) {
    const end = start + columns;
    let at = start;
    while (at < end) {
      let run = 1;
      while (at + run < end && run < 128 && pixels[2 * (at + run) + plane] === pixels[2 * at + plane]) run++;
      if (run > 2) {
        out[length++] = 257 - run;
        out[length++] = pixels[2 * at + plane]!;
        at += run;
        continue;
      }
      let literal = 0;
      while (at + literal < end && literal < 128) {
        const p = at + literal;
        const same =
          p + 2 < end &&
          pixels[2 * p + plane] === pixels[2 * p + 2 + plane] &&
          pixels[2 * p + plane] === pixels[2 * p + 4 + plane];
        if (same) break;
        literal++;
      }
      out[length++] = literal - 1;
      for (let k = 0; k < literal; k++) out[length++] = pixels[2 * (at + k) + plane]!;
      at += literal;
    }
  }
  if (length % 2) length++;
  return out.subarray(0, length);
}
