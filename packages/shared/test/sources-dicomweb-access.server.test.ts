/**
 * Who gets to see which credentials of a DICOMweb server: over TLS and without, at home, elsewhere and on the way.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { readSettings } from '../config/index.ts';
import { ConfigError, SpinelineError } from '../domain/index.ts';
import type { DicomWebOptions } from '../sources/dicomweb/options.ts';
import { openSources } from '../sources/index.ts';
import { makeCertificates, opensslMissing, serverTls, type TestCertificates } from './support/certificates.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { startWebServer, type WebAnswer, type WebServer } from './support/web-server.ts';

const FILE = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]);
const SECRET = 's3cret-4711';
const BASIC = `Basic ${Buffer.from(`reader:${SECRET}`).toString('base64')}`;

const giveAll: WebAnswer = (_, response) => response.writeHead(200, { 'content-type': 'application/dicom' }).end(FILE);
const refuseAll: WebAnswer = (_, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end();

function locationOn(server: WebServer, base = '/pacs'): string {
  return `dicomweb+${server.origin}${base}/studies/1.2/series/1.3/instances/1.4`;
}

/** The `Authorization` that a read sends, or its error. */
async function read(location: string, options: DicomWebOptions): Promise<unknown> {
  const sources = openSources({ dicomweb: { attempts: 1, timeoutMs: 10_000, ...options } });
  onTestFinished(() => sources.close());
  return sources.read(location).then(
    () => 'read',
    (error: unknown) => {
      expect(error).toBeInstanceOf(SpinelineError);
      expect(String(error)).not.toContain(SECRET);
      return error;
    },
  );
}

describe('credentials', () => {
  const kinds: [string, DicomWebOptions, string][] = [
    ['a token', { token: SECRET }, `Bearer ${SECRET}`],
    ['user and password', { user: 'reader', password: SECRET }, BASIC],
    ['a password with a colon, letters of all kinds', { user: 'ü', password: 'a:ß' }, 'Basic w7w6YTrDnw=='],
  ];
  it.each(kinds)('as %s go to the server that the settings name', async (_, credentials, header) => {
    const server = await startWebServer(giveAll);
    for (const url of [`${server.origin}/pacs`, `${server.origin}/pacs//`, `dicomweb+${server.origin}`]) {
      expect(await read(locationOn(server), { url, ...credentials })).toBe('read');
    }
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([header, header, header]);
  });

  it.each(kinds)('as %s go nowhere else: not to another server, nor beside the path', async (_, credentials) => {
    const home = await startWebServer(giveAll);
    const other = await startWebServer(giveAll);
    const options = { url: `${home.origin}/pacs`, ...credentials };
    expect(await read(locationOn(other), options)).toBe('read');
    for (const base of ['', '/pacs2', '/other/pacs', '/PACS', '/pacs/../other', '/pacs/%2e%2e/other', '/pacs/..']) {
      expect(await read(locationOn(home, base), options), base).toBe('read');
    }
    // The same machine by another name, or by another scheme, is another server.
    expect(await read(locationOn(home).replace('127.0.0.1', 'localhost'), options)).not.toBeInstanceOf(ConfigError);
    for (const { headers } of [...home.asked, ...other.asked]) expect(headers.authorization).toBeUndefined();
    expect(other.asked).toHaveLength(1);
    expect(home.asked.length).toBeGreaterThanOrEqual(7);
  });

  it('do not follow a redirect out of the path', async () => {
    const home = await startWebServer((request, response, place) => {
      if (request.url?.startsWith('/elsewhere')) giveAll(request, response, place);
      else response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await read(locationOn(home), { url: `${home.origin}/pacs`, token: SECRET })).toBe('read');
    expect(home.asked.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${SECRET}`, undefined]);
  });

  it('that a server refuses are a permanent fault that names the settings to look at', async () => {
    const server = await startWebServer(refuseAll);
    const url = `${server.origin}/pacs`;
    for (const [options, hint] of [
      [{ url, token: SECRET }, 'check SPINELINE_DICOMWEB_TOKEN'],
      [{ url, user: 'reader', password: SECRET }, 'check SPINELINE_DICOMWEB_USER and SPINELINE_DICOMWEB_PASSWORD'],
      [{ url: `${server.origin}/other`, token: SECRET }, 'only to the server and path of SPINELINE_DICOMWEB_URL'],
      [{}, 'no credentials are set'],
    ] as const) {
      const error = await read(locationOn(server), options);
      expect(error).toMatchObject({ code: 'OBJECT_ACCESS_DENIED', kind: 'permanent' });
      expect(String(error)).toContain(hint);
    }
    expect(server.asked).toHaveLength(4); // each once
  });

  it('that cannot be used are refused before anything is read, without being repeated', async () => {
    const folder = await temporaryFolder();
    const noPem = join(folder, 'no.pem');
    await writeFile(noPem, SECRET);
    const url = 'https://pacs.example/dicom-web';
    for (const [options, message] of [
      [{ url, user: 'reader' }, 'SPINELINE_DICOMWEB_USER is set without SPINELINE_DICOMWEB_PASSWORD'],
      [{ url, password: SECRET }, 'SPINELINE_DICOMWEB_PASSWORD is set without SPINELINE_DICOMWEB_USER'],
      [{ url, certFile: noPem }, 'SPINELINE_DICOMWEB_CERT is set without SPINELINE_DICOMWEB_KEY'],
      [{ url, keyFile: noPem }, 'SPINELINE_DICOMWEB_KEY is set without SPINELINE_DICOMWEB_CERT'],
      [{ url, token: SECRET, user: 'reader', password: SECRET }, 'both a token and a user'],
      [{ url, token: `${SECRET}\r\nX: y` }, 'SPINELINE_DICOMWEB_TOKEN cannot be sent'],
      [{ url, user: 'a:b', password: SECRET }, 'SPINELINE_DICOMWEB_USER cannot be sent'],
      [{ token: SECRET }, 'expected SPINELINE_DICOMWEB_URL'],
      [{ url: `https://reader:${SECRET}@pacs.example/`, token: SECRET }, 'SPINELINE_DICOMWEB_URL holds more'],
      [{ url: `https://pacs.example/?token=${SECRET}` }, 'SPINELINE_DICOMWEB_URL holds more'],
      [{ url: 'ftp://pacs.example' }, 'SPINELINE_DICOMWEB_URL cannot be used'],
      [{ url: 'http://pacs.example', token: SECRET }, 'in plain text'],
      [{ url: 'http://127.0.0.1.example', token: SECRET }, 'in plain text'],
      [{ url: 'http://10.0.0.1', user: 'reader', password: SECRET }, 'in plain text'],
      [{ url: 'http://127.0.0.1', certFile: noPem, keyFile: noPem }, 'needs TLS'],
      [{ url, certFile: noPem, keyFile: noPem }, 'SPINELINE_DICOMWEB_CERT and SPINELINE_DICOMWEB_KEY cannot be used'],
      [{ caFile: noPem }, 'SPINELINE_DICOMWEB_CA names no certificate'],
      [{ caFile: join(folder, 'absent.pem') }, 'SPINELINE_DICOMWEB_CA names cannot be read'],
    ] as const) {
      expect(() => openSources({ dicomweb: options }), message).toThrow(ConfigError);
      expect(() => openSources({ dicomweb: options })).toThrow(message);
      expect(() => openSources({ dicomweb: options })).not.toThrow(SECRET);
    }
    for (const url of ['http://localhost:8042', 'http://127.0.0.1', 'http://127.1.2.3/x', 'http://[::1]:8042']) {
      expect(() => openSources({ dicomweb: { url, token: SECRET } }), url).not.toThrow();
    }
    expect(() =>
      openSources({ dicomweb: { url: 'http://10.0.0.1', token: SECRET, plainCredentials: true } }),
    ).not.toThrow();
  });

  it('come from settings, which no message repeats', () => {
    const { dicomweb } = readSettings({
      SPINELINE_DICOMWEB_URL: 'https://pacs.example/dicom-web',
      SPINELINE_DICOMWEB_USER: 'reader',
      SPINELINE_DICOMWEB_PASSWORD: SECRET,
      SPINELINE_DICOMWEB_REQUESTS: '3',
    });
    expect(dicomweb).toMatchObject({
      url: 'https://pacs.example/dicom-web',
      user: 'reader',
      password: SECRET,
      plainCredentials: false,
      requests: 3,
      timeoutMs: 60_000,
      attempts: 4,
    });
    expect(() => readSettings({ SPINELINE_DICOMWEB_URL: SECRET })).toThrow('SPINELINE_DICOMWEB_URL');
    expect(() => readSettings({ SPINELINE_DICOMWEB_URL: SECRET })).not.toThrow(SECRET);
  });
});

const missing = opensslMissing();
describe.skipIf(missing)(missing ? `TLS (skipped: ${missing})` : 'TLS', () => {
  let certificates: TestCertificates;
  let strangers: TestCertificates;
  beforeAll(async () => {
    const folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'spineline-tls-'))));
    [certificates, strangers] = folders.map((folder) => makeCertificates(folder)) as [
      TestCertificates,
      TestCertificates,
    ];
    return () => Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
  });

  it('is trusted by the authority that the settings name, and by it alone', async () => {
    const server = await startWebServer(giveAll, serverTls(certificates));
    const url = `${server.origin}/pacs`;
    expect(await read(locationOn(server), { url, token: SECRET, caFile: certificates.ca })).toBe('read');
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
    for (const caFile of [undefined, strangers.ca]) {
      const error = await read(locationOn(server), { url, token: SECRET, caFile });
      expect(error).toMatchObject({ code: 'CONFIG_INVALID', kind: 'permanent' });
      expect(String(error)).toContain('SPINELINE_DICOMWEB_CA');
    }
    const byName = locationOn(server).replace('127.0.0.1', 'localhost');
    const error = await read(byName, { caFile: certificates.ca });
    expect(String(error)).toContain('cannot be trusted');
    expect(server.asked).toHaveLength(1);
  });

  it('shows a client certificate to the server that the settings name', async () => {
    const server = await startWebServer(giveAll, serverTls(certificates, true));
    const { ca: caFile, clientCert: certFile, clientKey: keyFile } = certificates;
    expect(await read(locationOn(server), { url: server.origin, caFile, certFile, keyFile })).toBe('read');
  });

  it('shows it to no other server, nor beside the path', async () => {
    const seen: boolean[] = [];
    const server = await startWebServer(
      (request, response, place) => {
        const socket = request.socket as TLSSocket;
        seen.push(Object.keys(socket.getPeerCertificate()).length > 0);
        giveAll(request, response, place);
      },
      { ...serverTls(certificates), requestCert: true, rejectUnauthorized: false },
    );
    const { ca: caFile, clientCert: certFile, clientKey: keyFile } = certificates;
    const credentials = { caFile, certFile, keyFile };
    expect(await read(locationOn(server), { url: 'https://pacs.example', ...credentials })).toBe('read');
    expect(await read(locationOn(server), { url: `${server.origin}/other`, ...credentials })).toBe('read');
    expect(await read(locationOn(server), { url: `${server.origin}/pacs`, ...credentials })).toBe('read');
    expect(seen).toEqual([false, false, true]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'by %s without the certificate that a server wants is access denied',
    async (version) => {
      const tls = { ...serverTls(certificates, true), minVersion: version, maxVersion: version };
      const server = await startWebServer(giveAll, tls);
      const error = await read(locationOn(server), { caFile: certificates.ca });
      expect(error).toMatchObject({ code: 'OBJECT_ACCESS_DENIED', kind: 'permanent' });
      expect(String(error)).toContain('_CERT and _KEY');
      expect(server.asked).toHaveLength(0);
    },
  );

  it('with the certificate of a stranger reads nothing', async () => {
    const server = await startWebServer(giveAll, serverTls(certificates, true));
    const { clientCert: certFile, clientKey: keyFile } = strangers;
    const error = await read(locationOn(server), { url: server.origin, caFile: certificates.ca, certFile, keyFile });
    // Node's server hangs up without a reason; others send an alert.
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(server.asked).toHaveLength(0);
  });

  it('to a server without it is a fault of the settings', async () => {
    const server = await startWebServer(giveAll);
    const error = await read(locationOn(server).replace('+http:', '+https:'), {});
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(error)).toContain('does not speak TLS');
  });

  it('is not a certificate with the key of another', () => {
    const { ca: caFile, clientCert: certFile } = certificates;
    const keyFile = strangers.clientKey;
    expect(() => openSources({ dicomweb: { url: 'https://pacs.example', caFile, certFile, keyFile } })).toThrow(
      'cannot be used',
    );
  });
});
