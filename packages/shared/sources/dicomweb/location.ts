/**
 * Locations on a DICOMweb server:
 * `dicomweb+https://host[:port]/path/studies/{study}/series/{series}/instances/{instance}` (PS3.18 10.4.1.1), or
 * `dicomweb+http://` in a trusted network. A location never holds credentials. Its UIDs are never shown: messages name
 * an instance by eight digits of a digest.
 */

import { createHash } from 'node:crypto';
import { ConfigError } from '../../domain/index.ts';

const SCHEMES = { 'dicomweb+https:': 'https:', 'dicomweb+http:': 'http:' } as const;
const EXPECTED = 'dicomweb+https://host[:port]/path/studies/{study}/series/{series}/instances/{instance}';
const EXPECTED_BASE = 'dicomweb+https://host[:port]/path, without anything after it';

/** A DICOMweb service: the start of all locations on it. */
export interface DicomWebBase {
  /** `https://host[:port]/path`, without a final slash. */
  readonly url: string;
  /** The same in the form of locations: `dicomweb+https://host[:port]/path`. */
  readonly location: string;
  /** For messages: `https://host[:port]`. */
  readonly origin: string;
}

/** A study, series or instance on a server. Without `series` it is a study, without `instance` a series. */
export interface DicomWebPlace {
  readonly base: DicomWebBase;
  readonly study: string;
  readonly series?: string | undefined;
  readonly instance?: string | undefined;
}

/** Whether a location is on a DICOMweb server. */
export function isDicomWeb(location: string): boolean {
  return /^dicomweb\+https?:\/\//i.test(location);
}

/**
 * The service that a base location names.
 *
 * @throws {ConfigError} for another scheme, credentials, a query, or a path with a study.
 */
export function parseDicomWebBase(location: string): DicomWebBase {
  const url = urlOf(location, EXPECTED_BASE);
  const path = url.pathname.replace(/\/+$/, '');
  if (/\/studies(\/|$)/.test(path)) {
    throw new ConfigError('a DICOMweb address goes on to its studies', { expected: EXPECTED_BASE });
  }
  return baseOf(url, path);
}

/**
 * The study, series or instance that a location names.
 *
 * @throws {ConfigError} for any other location. The message does not repeat it, since it may hold a secret.
 */
export function parseDicomWebLocation(location: string): DicomWebPlace {
  const url = urlOf(location, EXPECTED);
  const parts =
    /^(.*)\/studies\/([\d.]{1,64})(?:\/series\/([\d.]{1,64})(?:\/instances(?:\/([\d.]{1,64}))?)?)?\/?$/.exec(
      url.pathname,
    );
  if (!parts) throw new ConfigError('a DICOMweb location names no study', { expected: EXPECTED });
  const [, path, study, series, instance] = parts;
  return { base: baseOf(url, path!.replace(/\/+$/, '')), study: study!, series, instance };
}

/** The location of a place. */
export function dicomWebLocation(place: DicomWebPlace): string {
  return `${place.base.location}${pathOfPlace(place)}`;
}

/** The URL of a place, as WADO-RS retrieves it. */
export function dicomWebUrl(place: DicomWebPlace): URL {
  return new URL(`${place.base.url}${pathOfPlace(place)}`);
}

/** Whether a text can be a UID in a path: digits and dots (PS3.5 9.1). Other rules for UIDs are not checked. */
export function isUid(text: unknown): text is string {
  return typeof text === 'string' && /^\d[\d.]{0,63}$/.test(text);
}

/** Names a place in messages and logs: `instance 3f2a91c0`. The digest is that of the innermost UID. */
export function describePlace({ study, series, instance }: DicomWebPlace): string {
  if (instance !== undefined) return `instance ${shortDigest(instance)}`;
  return series === undefined ? `study ${shortDigest(study)}` : `series ${shortDigest(series)}`;
}

function shortDigest(uid: string): string {
  return createHash('sha256').update(uid).digest('hex').slice(0, 8);
}

function pathOfPlace({ study, series, instance }: DicomWebPlace): string {
  const inStudy = series === undefined ? '' : `/series/${series}`;
  return `/studies/${study}${inStudy}${instance === undefined ? '' : `/instances/${instance}`}`;
}

function baseOf(url: URL, path: string): DicomWebBase {
  return { url: `${url.origin}${path}`, location: `dicomweb+${url.origin}${path}`, origin: url.origin };
}

/** The http or https URL of a location. URL parsers normalise hosts and dots only for these schemes (WHATWG URL). */
function urlOf(location: string, expected: string): URL {
  const scheme = /^[a-z+]+:/i.exec(location)?.[0].toLowerCase();
  const known = scheme !== undefined && scheme in SCHEMES ? SCHEMES[scheme as keyof typeof SCHEMES] : undefined;
  if (known === undefined) throw new ConfigError('a DICOMweb address has another scheme', { expected });
  const text = known + location.slice(scheme!.length);
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) {
    throw new ConfigError('a DICOMweb address cannot be read', { expected });
  }
  const url = new URL(text);
  // Servers differ in how they decode slashes and dots, so an encoded path could lead out of the base path.
  if (/%(2e|2f|5c|00)/i.test(url.pathname)) {
    throw new ConfigError('a DICOMweb address has encoded dots or slashes in its path', { expected });
  }
  if (url.username || url.password) {
    throw new ConfigError('a DICOMweb address holds credentials', {
      expected,
      hint: 'set SPINELINE_DICOMWEB_TOKEN, or SPINELINE_DICOMWEB_USER and SPINELINE_DICOMWEB_PASSWORD instead',
    });
  }
  if (url.search || url.hash || text.includes('?') || text.includes('#')) {
    throw new ConfigError('a DICOMweb address goes on after its path', { expected });
  }
  return url;
}
