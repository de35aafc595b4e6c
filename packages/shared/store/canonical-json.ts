/**
 * JSON with exactly one text per value, so that equal values have equal digests: object members sorted by name, no
 * white space, members that are `undefined` left out (RFC 8785; its rules for numbers are those of JavaScript).
 *
 * @throws {TypeError} for values that JSON cannot hold: NaN, infinities, functions, symbols, bigints.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`no JSON for the number ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    // A dataset has millions of members, so this makes no array per member.
    let members = '';
    for (const name of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[name];
      if (member === undefined) continue;
      members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`;
    }
    return `{${members}}`;
  }
  throw new TypeError(`no JSON for a ${typeof value}`);
}
