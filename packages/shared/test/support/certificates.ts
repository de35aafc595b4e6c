/**
 * Certificates for one test, made by OpenSSL and valid for a day: an authority, and certificates signed by it for a
 * server on 127.0.0.1 and a client.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface TestCertificates {
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

/** Why certificates cannot be made here, for `describe.skipIf`. */
export function opensslMissing(): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v openssl'], { stdio: 'ignore' }).status === 0;
  return found ? undefined : 'openssl is not installed';
}

export function makeCertificates(folder: string): TestCertificates {
  const path = (name: string) => join(folder, name);
  const make = (name: string, ...words: string[]) =>
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
        ...[
          '-subj',
          `/CN=spineline test ${name}`,
          '-keyout',
          path(`${name}.key`),
          '-out',
          path(`${name}.pem`),
          ...words,
        ],
      ],
      { stdio: 'pipe' },
    );
  make('ca');
  const signed = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-addext', 'basicConstraints=critical,CA:FALSE'];
  make('server', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1');
  make('client', ...signed);
  return {
    ca: path('ca.pem'),
    serverCert: path('server.pem'),
    serverKey: path('server.key'),
    clientCert: path('client.pem'),
    clientKey: path('client.key'),
  };
}

/** TLS options of a server. With `asksForClients` it refuses clients without a certificate. */
export function serverTls(certificates: TestCertificates, asksForClients = false) {
  return {
    cert: readFileSync(certificates.serverCert),
    key: readFileSync(certificates.serverKey),
    ca: readFileSync(certificates.ca),
    requestCert: asksForClients,
    rejectUnauthorized: asksForClients,
  };
}
