/**
 * Decides which requests carry credentials: only those to the server in the settings, below its path. A location, a
 * redirect or an answer cannot change that. No message repeats a credential.
 */

import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../../domain/index.ts';
import type { DicomWebOptions } from './options.ts';

export interface DicomWebAccess {
  /** The `Authorization` header of a request; `undefined` if it must have none. */
  authorization(url: URL): string | undefined;
  /** Whether the URL belongs to the home server, which may see the client certificate. */
  isHome(url: URL): boolean;
  /** TLS options for connections to the home server, or to any other server. */
  tls(home: boolean): SecureContextOptions;
  /** Which credentials were sent, or why none were: the hint for a refused request. */
  hint(url: URL): string;
}

/**
 * Checks the credentials and reads their files.
 *
 * @throws {ConfigError} naming the setting: only one of a pair, two kinds of credentials, credentials without a server
 *   or over plain http, or a file that cannot be used.
 */
export function dicomWebAccess(options: DicomWebOptions): DicomWebAccess {
  const { token, user, password, certFile, keyFile, caFile } = options;
  both('SPINELINE_DICOMWEB_USER', user, 'SPINELINE_DICOMWEB_PASSWORD', password);
  both('SPINELINE_DICOMWEB_CERT', certFile, 'SPINELINE_DICOMWEB_KEY', keyFile);
  if (token !== undefined && user !== undefined) {
    throw new ConfigError('both a token and a user are set for DICOMweb', {
      expected: 'SPINELINE_DICOMWEB_TOKEN, or SPINELINE_DICOMWEB_USER and SPINELINE_DICOMWEB_PASSWORD',
    });
  }
  const header = headerOf(token, user, password);
  const home = options.url === undefined ? undefined : homeOf(options.url);
  if (header !== undefined || certFile !== undefined) checkHome(home, header, certFile, options.plainCredentials);
  const authorities: SecureContextOptions = caFile === undefined ? {} : { ca: pem('SPINELINE_DICOMWEB_CA', caFile) };
  const certificate: SecureContextOptions =
    certFile === undefined || keyFile === undefined
      ? {}
      : { cert: pem('SPINELINE_DICOMWEB_CERT', certFile), key: pem('SPINELINE_DICOMWEB_KEY', keyFile) };
  checkPem(authorities, 'SPINELINE_DICOMWEB_CA');
  checkPem(certificate, 'SPINELINE_DICOMWEB_CERT and SPINELINE_DICOMWEB_KEY');

  const isHome = (url: URL) =>
    home !== undefined && url.origin === home.origin && `${url.pathname}/`.startsWith(home.pathname);
  return {
    authorization: (url) => (isHome(url) ? header : undefined),
    isHome,
    tls: (toHome) => (toHome ? { ...authorities, ...certificate } : authorities),
    hint(url) {
      const inUse = [
        token !== undefined && 'SPINELINE_DICOMWEB_TOKEN',
        user !== undefined && 'SPINELINE_DICOMWEB_USER and SPINELINE_DICOMWEB_PASSWORD',
        certFile !== undefined && 'SPINELINE_DICOMWEB_CERT and SPINELINE_DICOMWEB_KEY',
      ].filter((name) => name !== false);
      if (inUse.length === 0) {
        return 'no credentials are set: SPINELINE_DICOMWEB_URL with SPINELINE_DICOMWEB_TOKEN, _USER and _PASSWORD, or _CERT and _KEY';
      }
      if (!isHome(url)) return 'credentials are sent only to the server and path of SPINELINE_DICOMWEB_URL';
      return `check ${inUse.join(', ')}, and what this user may read`;
    },
  };
}

function both(one: string, first: unknown, other: string, second: unknown): void {
  if ((first === undefined) === (second === undefined)) return;
  throw new ConfigError(`${first === undefined ? other : one} is set without ${first === undefined ? one : other}`, {
    expected: `both ${one} and ${other}, or neither`,
  });
}

function headerOf(token?: string, user?: string, password?: string): string | undefined {
  if (token !== undefined) {
    if (/^[\x21-\x7e]+$/.test(token)) return `Bearer ${token}`;
    throw new ConfigError('SPINELINE_DICOMWEB_TOKEN cannot be sent', { expected: 'printable ASCII without blanks' });
  }
  if (user === undefined || password === undefined) return undefined;
  if (user.includes(':')) {
    throw new ConfigError('SPINELINE_DICOMWEB_USER cannot be sent', { expected: 'a name without a colon' });
  }
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** The home server. Its path ends in a slash, so that `/pacs` does not match `/pacs-of-others`. */
function homeOf(text: string): URL {
  const bare = text.replace(/^dicomweb\+/i, '');
  const expected = 'https://host[:port]/path';
  if (!/^https?:\/\//i.test(bare) || !URL.canParse(bare)) {
    throw new ConfigError('SPINELINE_DICOMWEB_URL cannot be used', { expected });
  }
  const url = new URL(bare);
  if (url.username || url.password || url.search || url.hash) {
    throw new ConfigError('SPINELINE_DICOMWEB_URL holds more than a server and a path', {
      expected,
      hint: 'credentials have settings of their own',
    });
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/`;
  return url;
}

function checkHome(home: URL | undefined, header?: string, certFile?: string, plainCredentials = false): void {
  if (home === undefined) {
    throw new ConfigError('credentials are set for DICOMweb, but not the server that they belong to', {
      expected: 'SPINELINE_DICOMWEB_URL, such as https://pacs.example.org/dicom-web',
    });
  }
  if (home.protocol === 'https:') return;
  if (certFile !== undefined) {
    throw new ConfigError('a client certificate needs TLS', { expected: 'https:// in SPINELINE_DICOMWEB_URL' });
  }
  if (header !== undefined && !plainCredentials && !isLoopback(home.hostname)) {
    throw new ConfigError('credentials for DICOMweb would cross the network in plain text', {
      expected: 'https:// in SPINELINE_DICOMWEB_URL',
      hint: 'set SPINELINE_DICOMWEB_PLAIN_CREDENTIALS=true if the network is trusted',
    });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function pem(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const found = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
    throw new ConfigError(
      `the file that ${setting} names cannot be read`,
      { expected: 'a PEM file', found },
      { cause },
    );
  }
}

function checkPem(files: SecureContextOptions, settings: string): void {
  if (files.ca instanceof Buffer && !files.ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new ConfigError(`${settings} names no certificate`, {
      expected: 'a PEM file with -----BEGIN CERTIFICATE-----',
    });
  }
  try {
    createSecureContext(files);
  } catch (cause) {
    // OpenSSL's error codes contain nothing of the file.
    const found = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
    throw new ConfigError(
      `${settings} cannot be used`,
      { expected: 'PEM files that belong together, the key without a passphrase', found },
      { cause },
    );
  }
}
