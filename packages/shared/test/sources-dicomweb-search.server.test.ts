/** Searches on servers that page as the standard says, or in one of the ways in which they do not. */

import { describe, expect, it, onTestFinished } from 'vitest';
import { openDicomWeb } from '../sources/index.ts';
import { startWebServer, type WebAnswer } from './support/web-server.ts';

const UID = (i: number) => `1.2.826.0.1.4711.${i}`;
const study = (i: number) => ({ '0020000D': { vr: 'UI', Value: [UID(i)] }, '00201206': { vr: 'IS', Value: ['3'] } });
const json = (body: unknown, headers = {}) => ({
  status: 200,
  headers: { 'content-type': 'application/dicom+json', ...headers },
  body: JSON.stringify(body),
});

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/**
 * The UIDs that a search finds on a server with `total` studies that pages in its own way, and the requests that took.
 */
async function search(total: number, pageSize: number, page: (all: object[], limit: number, offset: number) => Reply) {
  const all = Array.from({ length: total }, (_, i) => study(i + 1));
  const answer: WebAnswer = (request, response) => {
    const { searchParams } = new URL(request.url!, 'http://x');
    const { status, headers, body } = page(all, Number(searchParams.get('limit')), Number(searchParams.get('offset')));
    response.writeHead(status, headers).end(body);
  };
  const server = await startWebServer(answer);
  const web = await openDicomWeb({ pageSize, attempts: 1, timeoutMs: 10_000 });
  onTestFinished(() => web.close());
  const found: string[] = [];
  let error: unknown;
  try {
    for await (const one of web.studies(`dicomweb+${server.origin}/rs`, 'StudyDate=20261101-')) {
      expect(one.series).toBe(3);
      found.push(one.studyUid);
    }
  } catch (caught) {
    error = caught;
  }
  expect(server.asked.every(({ path }) => path.startsWith('/rs/studies?StudyDate=20261101-&limit='))).toBe(true);
  return { found, error, asked: server.asked.length };
}

const none: Reply = { status: 204, headers: {} };
const MORE = { warning: '299 x: "There are additional results that can be requested"' };

const servers: Record<string, (all: object[], limit: number, offset: number) => Reply> = {
  'that pages as it should': (all, limit, offset) => json(all.slice(offset, offset + limit)),
  'that answers 204 for nothing': (all, limit, offset) =>
    offset < all.length ? json(all.slice(offset, offset + limit)) : none,
  'that says when there is more': (all, limit, offset) =>
    json(all.slice(offset, offset + limit), offset + limit < all.length ? MORE : {}),
  'that gives two at most': (all, limit, offset) => json(all.slice(offset, offset + Math.min(limit, 2))),
  'that ignores limit': (all, _, offset) => json(all.slice(offset)),
  'that ignores limit and offset': (all) => json(all),
  'that ignores offset': (all, limit) => json(all.slice(0, limit)),
  'that counts offset within limit': (all, limit, offset) => json(all.slice(0, limit).slice(offset)),
  'whose studies move while they are listed': (all, limit, offset) =>
    json(all.slice(Math.max(0, offset - 1), Math.max(0, offset - 1) + limit)),
};

describe.each(Object.entries(servers))('a server %s', (_, page) => {
  it.each([0, 1, 2, 3, 4, 5, 8, 9, 24])('gives all of its %i studies, each once', async (total) => {
    for (const pageSize of [3, 4, 200]) {
      const { found, error, asked } = await search(total, pageSize, page);
      expect(error).toBeUndefined();
      expect(found).toEqual(Array.from({ length: total }, (_, i) => UID(i + 1)));
      expect(asked).toBeLessThanOrEqual(total + 4);
    }
  });
});

it('a server that repeats itself and says that there is more is an error, not the end', async () => {
  const { found, error } = await search(9, 3, (all, limit) => json(all.slice(0, Math.min(limit, 3)), MORE));
  expect(found).toHaveLength(3);
  expect(error).toMatchObject({ code: 'STORE_REQUEST_REFUSED', kind: 'permanent' });
  expect(String(error)).toContain('only in part');
});

it.each([
  ['413 for too many', { status: 413, headers: {} }, 'STORE_REQUEST_REFUSED', 'fewer studies'],
  ['400', { status: 400, headers: {} }, 'STORE_REQUEST_REFUSED', 'HTTP 400'],
  [
    'a page for people',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' },
    'STORE_REQUEST_REFUSED',
    'log in',
  ],
  [
    'XML',
    { status: 200, headers: { 'content-type': 'application/dicom+xml' }, body: '<x/>' },
    'STORE_REQUEST_REFUSED',
    'application/dicom+json',
  ],
  ['JSON of another kind', json(['x']), 'STORE_REQUEST_REFUSED', 'another kind'],
  ['JSON that is cut off', { ...json([]), body: '[{"0020000D"' }, 'STORE_UNAVAILABLE', 'cannot be read'],
  [
    'too much of something else',
    { ...json([]), headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
    'STORE_UNAVAILABLE',
    'decompressed',
  ],
] as const)('a server that answers %s gives an error', async (_, reply, code, words) => {
  const { error } = await search(1, 3, () => reply);
  expect(error).toMatchObject({ code });
  expect(String(error)).toContain(words);
  expect(String(error)).not.toContain('4711');
});

it('a single object, another media type, and results without a UID are made the best of', async () => {
  const single = await search(1, 3, (all, _, offset) => (offset === 0 ? json(all[0]) : none));
  expect(single.found).toEqual([UID(1)]);
  const plain = await search(2, 3, (all, _, offset) => ({
    ...json(all.slice(offset)),
    headers: { 'content-type': 'application/json; charset=utf-8' },
  }));
  expect(plain.found).toHaveLength(2);
  const odd = [{}, { '0020000D': { vr: 'UI', Value: ['../../x'] } }, study(7)];
  expect((await search(3, 9, (_, __, offset) => json(odd.slice(offset)))).found).toEqual([UID(7)]);
});
