/**
 * DICOMweb servers that are slow, busy, broken, odd or not who they should be: small real servers that answer so.
 */

import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ObjectNotFoundError, SpinelineError, StoreUnavailableError } from '../domain/index.ts';
import type { DicomWebOptions } from '../sources/dicomweb/options.ts';
import { openSources, type SourceReader } from '../sources/index.ts';
import { startWebServer, type WebServer } from './support/web-server.ts';

const STUDY = '1.2.826.0.1.4711.1';
const SERIES = '1.2.826.0.1.4711.2';
const INSTANCE = '1.2.826.0.1.4711.3';
const PATH = `/studies/${STUDY}/series/${SERIES}/instances/${INSTANCE}`;
const NAME = `instance ${createHash('sha256').update(INSTANCE).digest('hex').slice(0, 8)}`;
/** Enough of a DICOM file to be taken for one, and bytes that would hurt a parser of texts. */
const FILE = Buffer.concat([
  Buffer.alloc(128),
  Buffer.from('DICM\r\n--b\r\n\0\xff\r\n--', 'latin1'),
  Buffer.alloc(5000, 7),
]);
const HEAD = '--b7\r\nContent-Type: application/dicom\r\n\r\n';
const MULTIPART = Buffer.concat([Buffer.from(HEAD), FILE, Buffer.from('\r\n--b7--\r\n')]);
const MULTIPART_TYPE = 'multipart/related; type="application/dicom"; boundary=b7';

function give(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': MULTIPART_TYPE, 'content-length': MULTIPART.byteLength });
  response.end(MULTIPART);
}

function open(options: DicomWebOptions = {}): SourceReader {
  const sources = openSources({ dicomweb: { timeoutMs: 10_000, ...options } });
  onTestFinished(() => sources.close());
  return sources;
}

const locationOn = (server: WebServer, base = '/dicom-web') => `dicomweb+${server.origin}${base}${PATH}`;

/** What a failing read throws; no message of any may hold a UID. */
async function failureOf(attempt: Promise<unknown>): Promise<SpinelineError> {
  const error = await attempt.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(SpinelineError);
  expect((error as SpinelineError).message).not.toContain('4711');
  expect(JSON.stringify((error as SpinelineError).context)).not.toContain('4711');
  return error as SpinelineError;
}

describe('an instance', () => {
  it.each([
    ['multipart, its boundary unquoted', MULTIPART_TYPE, MULTIPART],
    ['multipart, its boundary quoted', 'multipart/related;boundary="b7";type=application/dicom', MULTIPART],
    [
      'multipart with preamble and epilogue',
      MULTIPART_TYPE,
      Buffer.concat([Buffer.from('hello\r\n'), MULTIPART, FILE]),
    ],
    ['a bare body', 'application/dicom', FILE],
    ['a bare body of no special type', 'application/octet-stream', FILE],
    ['a bare body without a type', undefined, FILE],
  ])('is read whole from %s', async (_, type, body) => {
    const server = await startWebServer((__, response) => {
      if (type !== undefined) response.setHeader('content-type', type);
      response.end(body);
    });
    const bytes = await open().read(locationOn(server));
    expect(Buffer.from(bytes).equals(FILE)).toBe(true);
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
    expect(server.asked[0]?.path).toBe(`/dicom-web${PATH}`);
    expect(server.asked[0]?.headers.accept).toContain('transfer-syntax=*');
    expect(Buffer.from(await open().readStart(locationOn(server), 132)).equals(FILE.subarray(0, 132))).toBe(true);
  });

  it.each([
    [406, 'multipart/related; type="application/dicom"'],
    [400, 'application/dicom'],
    [415, 'application/dicom'],
  ])('is asked for in another way where a server answers %i, and from then on at once', async (status, way) => {
    const server = await startWebServer((request, response) => {
      if (request.headers.accept === way) give(response);
      else response.writeHead(status).end();
    });
    const sources = open();
    expect(await sources.read(locationOn(server))).toHaveLength(FILE.byteLength);
    const before = server.asked.length;
    expect(before).toBeGreaterThan(1);
    await sources.read(locationOn(server));
    expect(server.asked).toHaveLength(before + 1);
  });

  it.each([
    ['a page to log in', 200, 'text/html', '<html>', 'STORE_REQUEST_REFUSED'],
    ['another type', 200, 'application/json', '[]', 'STORE_REQUEST_REFUSED'],
    ['multipart without a boundary', 200, 'multipart/related', '', 'STORE_REQUEST_REFUSED'],
    [
      'parts of other types',
      200,
      MULTIPART_TYPE,
      '--b7\r\nContent-Type: text/plain\r\n\r\nx\r\n--b7--',
      'STORE_REQUEST_REFUSED',
    ],
    ['400 to all that is asked', 400, 'text/plain', '', 'STORE_REQUEST_REFUSED'],
    ['401', 401, 'text/plain', '', 'OBJECT_ACCESS_DENIED'],
    ['403', 403, 'text/plain', '', 'OBJECT_ACCESS_DENIED'],
    ['404', 404, 'text/plain', '', 'OBJECT_NOT_FOUND'],
    ['410', 410, 'text/plain', '', 'OBJECT_NOT_FOUND'],
  ])('that is answered with %s fails for good', async (_, status, type, body, code) => {
    const server = await startWebServer((__, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    const error = await failureOf(open().read(locationOn(server)));
    expect(error).toMatchObject({ code, kind: 'permanent' });
    expect(error.message).toContain(server.origin);
    expect(error.message).toContain(NAME);
    expect(server.asked.length).toBe(status === 400 ? 3 : 1);
    if (status === 404) expect(error).toBeInstanceOf(ObjectNotFoundError);
    if (status === 200 && type === 'text/html') expect(error.message).toContain('log in');
  });

  it('is read after a server was busy, and somebody is told of every other try', async () => {
    const server = await startWebServer((_, response, place) => {
      if (place <= 3) response.writeHead([503, 429, 500][place - 1]!).end();
      else give(response);
    });
    let retries = 0;
    const sources = open({ onRetry: () => retries++ });
    expect(await sources.read(locationOn(server))).toHaveLength(FILE.byteLength);
    expect(retries).toBe(3);
    expect(server.asked).toHaveLength(4);
  });

  it('of a server that stays busy is given up after the tries that were asked for, as a transient fault', async () => {
    const server = await startWebServer((_, response) => response.writeHead(503).end());
    const error = await failureOf(open({ attempts: 2 }).read(locationOn(server)));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error.message).toBe(`${server.origin} failed on ${NAME}; found HTTP 503`);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])('is asked for again no sooner than Retry-After says in %s', async (_, header) => {
    const times: number[] = [];
    const server = await startWebServer((__, response, place) => {
      times.push(performance.now());
      if (place === 1) response.writeHead(503, { 'retry-after': header() }).end();
      else give(response);
    });
    await open().read(locationOn(server));
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(990);
  });

  /** Ways in which an answer can stop in the middle; each is followed by a whole answer. */
  const cuts: Record<string, (response: ServerResponse) => unknown> = {
    'in the middle of its Content-Length': (response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE, 'content-length': MULTIPART.byteLength });
      response.write(MULTIPART.subarray(0, 3000), () => response.destroy());
    },
    'in the middle of a chunk': (response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE });
      response.write(MULTIPART.subarray(0, 3000), () => response.destroy());
    },
    'of a bare body': (response) => {
      response.writeHead(200, { 'content-type': 'application/dicom', 'content-length': FILE.byteLength });
      response.write(FILE.subarray(0, 3000), () => response.destroy());
    },
    'before its closing boundary, though HTTP calls it whole': (response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE }).end(MULTIPART.subarray(0, 3000));
    },
    'before it began': (response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE }).end();
    },
    'within a part that says how long it is': (response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE });
      const head = `--b7\r\nContent-Type: application/dicom\r\nContent-Length: ${FILE.byteLength}\r\n\r\n`;
      response.end(Buffer.concat([Buffer.from(head), FILE.subarray(0, 3000), Buffer.from('\r\n--b7--')]));
    },
    'by closing the connection': (response) => response.destroy(),
    'by falling silent before the first byte': () => {},
    'by falling silent in the middle': (response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE, 'content-length': MULTIPART.byteLength });
      response.write(MULTIPART.subarray(0, 3000));
    },
  };
  it.each(Object.entries(cuts))('whose answer stops %s is asked for again', async (_, cut) => {
    const server = await startWebServer((__, response, place) => (place === 1 ? cut(response) : give(response)));
    const bytes = await open({ timeoutMs: 300 }).read(locationOn(server));
    expect(Buffer.from(bytes).equals(FILE)).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  it.each(Object.entries(cuts))('whose answer always stops %s is a transient fault', async (_, cut) => {
    const server = await startWebServer((__, response) => cut(response));
    const error = await failureOf(open({ timeoutMs: 200, attempts: 2 }).read(locationOn(server)));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error.message).toContain(NAME);
    expect(server.asked).toHaveLength(2);
  });

  it('that comes slowly, but comes, is waited for', async () => {
    const server = await startWebServer(async (_, response) => {
      response.writeHead(200, { 'content-type': MULTIPART_TYPE });
      const step = Math.ceil(MULTIPART.byteLength / 8);
      for (let at = 0; at < MULTIPART.byteLength; at += step) {
        response.write(MULTIPART.subarray(at, at + step));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      response.end();
    });
    // Eight times 100 ms in all, never half a second of silence.
    expect(await open({ timeoutMs: 500, attempts: 1 }).read(locationOn(server))).toHaveLength(FILE.byteLength);
  });

  it('of a server that is not there is a transient fault', async () => {
    const server = await startWebServer(() => {});
    await server.stop();
    const error = await failureOf(open({ attempts: 2 }).read(locationOn(server)));
    expect(error).toBeInstanceOf(StoreUnavailableError);
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('waits its turn: no more requests at once than were allowed', async () => {
    let inFlight = 0;
    let most = 0;
    let letGo = false;
    const held: ServerResponse[] = [];
    const server = await startWebServer((request, response) => {
      if (request.url?.startsWith('/other')) return give(response);
      most = Math.max(most, ++inFlight);
      response.on('finish', () => inFlight--);
      if (letGo) return give(response);
      held.push(response);
    });
    const sources = open({ requests: 3 });
    const reading = Promise.all(Array.from({ length: 12 }, () => sources.read(locationOn(server))));
    await expect.poll(() => held.length).toBe(3);
    // While these are served one after the other, a fourth request would have come.
    const others = open();
    for (let i = 0; i < 10; i++) await others.read(locationOn(server, '/other'));
    letGo = true;
    for (const response of held) give(response);
    await reading;
    expect(most).toBe(3);
    expect(server.asked).toHaveLength(22);
  });

  it('being waited for ends when the sources are closed', async () => {
    const server = await startWebServer(() => {});
    const sources = open({ attempts: 5 });
    const reading = failureOf(sources.read(locationOn(server)));
    await expect.poll(() => server.asked.length).toBe(1);
    await sources.close();
    expect(await reading).toBeInstanceOf(StoreUnavailableError);
    expect(server.asked).toHaveLength(1);
  });
});

describe('a redirect', () => {
  it('within the server is followed', async () => {
    const server = await startWebServer((request, response) => {
      if (request.url?.startsWith('/new')) give(response);
      else response.writeHead(307, { location: `/new${request.url}` }).end();
    });
    expect(await open().read(locationOn(server))).toHaveLength(FILE.byteLength);
    expect(server.asked).toHaveLength(2);
  });

  it('in a circle ends', async () => {
    const server = await startWebServer((request, response) => {
      response.writeHead(302, { location: request.url }).end();
    });
    expect(await failureOf(open().read(locationOn(server)))).toMatchObject({ code: 'STORE_REQUEST_REFUSED' });
    expect(server.asked.length).toBeLessThan(10);
  });

  it.each([
    ['another server', (other: WebServer) => `${other.origin}/x`],
    ['another server, by credentials in its address', (other: WebServer) => other.origin.replace('//', '//a:b@')],
    ['no address at all', () => 'http://'],
  ])('to %s is not followed', async (_, target) => {
    const other = await startWebServer((__, response) => give(response));
    const server = await startWebServer((__, response) => {
      response.writeHead(302, { location: target(other) }).end();
    });
    const sources = open({ url: `${server.origin}/dicom-web`, token: 's3cret' });
    const error = await failureOf(sources.read(locationOn(server)));
    expect(error).toMatchObject({ code: 'STORE_REQUEST_REFUSED', kind: 'permanent' });
    expect(error.message).toContain('redirect');
    expect(other.asked).toHaveLength(0);
  });
});

it('heads of the instances of a series cost one request together, and again when that failed', async () => {
  const server = await startWebServer((_, response, place) => {
    if (place === 1) response.writeHead(400).end();
    else {
      const instance = (uid: string) => ({ '00080018': { vr: 'UI', Value: [uid] } });
      response.writeHead(200, { 'content-type': 'application/dicom+json' });
      response.end(JSON.stringify([instance(INSTANCE), instance(`${INSTANCE}.1`)]));
    }
  });
  const sources = open();
  await failureOf(sources.head(locationOn(server)));
  const heads = await Promise.all(['', '.1', '.2'].map((suffix) => sources.head(`${locationOn(server)}${suffix}`)));
  expect(heads.map((head) => head !== undefined)).toEqual([true, true, false]);
  expect(heads[0]?.fingerprint).not.toBe(heads[1]?.fingerprint);
  expect(server.asked).toHaveLength(2);
  expect(server.asked[1]?.path).toBe(`/dicom-web/studies/${STUDY}/series/${SERIES}/metadata`);
});

it('connections stay open from one instance to the next', async () => {
  const ports = new Set<number | undefined>();
  const server = await startWebServer((request, response) => {
    ports.add(request.socket.remotePort);
    give(response);
  });
  const sources = open();
  for (let i = 0; i < 5; i++) await sources.read(locationOn(server));
  expect(ports.size).toBe(1);
});
