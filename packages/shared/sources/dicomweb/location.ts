/**
 * Places on a DICOMweb server as locations: `dicomweb+https://host[:port]/path/studies/{study}/series/{series}/
 * instances/{instance}` (PS3.18 10.4.1.1), `dicomweb+http://` where the network is trusted. A location never holds
 * credentials, and UIDs of it are never shown: messages call an instance by eight digits of a digest.
 */

import { createHash } from 'node:crypto';
import { ConfigError } from '../../domain/index.ts';

const SCHEMES = { 'dicomweb+https:': 'https:', 'dicomweb+http:': 'http:' } as const;
const EXPECTED = 'dicomweb+https://host[:port]/path/studies/{study}/series/{series}/instances/{instance}';
const EXPECTED_BASE = 'dicomweb+https://host[:port]/path, without anything after it';

/** A server's DICOMweb service: what the locations on it begin with. */
export interface DicomWebBase {
  /** `https://host[:port]/path`, without a slash at its end. */
  readonly url: string;
  /** The same as it stands in locations: `dicomweb+https://host[:port]/path`. */
  readonly location: string;
  /** `https://host[:port]`: for messages. */
  readonly origin: string;
}

/** A place on a server; a study where there is no series, a series where there is no instance. */
export interface DicomWebPlace {
  readonly base: DicomWebBase;
  readonly study: string;
  readonly series?: string | undefined;
  readonly instance?: string | undefined;
}

/** Whether a location is one of these. */
export function isDicomWeb(location: string): boolean {
  return /^dicomweb\+https?:\/\//i.test(location);
}

/**
 * The service that a base location names.
 *
 * @throws {ConfigError} for another scheme, credentials, a query, or a path that goes on to a study.
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
 * @throws {ConfigError} for anything else; the location is not repeated, as it may hold a secret.
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

/** The URL of a place, such as of what WADO-RS retrieves. */
export function dicomWebUrl(place: DicomWebPlace): URL {
  return new URL(`${place.base.url}${pathOfPlace(place)}`);
}

/** Whether a text can be a UID in a path: digits and dots, as PS3.5 9.1 has it, without asking for more. */
export function isUid(text: unknown): text is string {
  return typeof text === 'string' && /^\d[\d.]{0,63}$/.test(text);
}

/** What a place is called in messages and logs: `instance 3f2a91c0`. The digest is that of the innermost UID. */
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

/** The location as a URL that is fetched. WHATWG reads hosts and dots as it should only for http and https. */
function urlOf(location: string, expected: string): URL {
  const scheme = /^[a-z+]+:/i.exec(location)?.[0].toLowerCase();
  const known = scheme !== undefined && scheme in SCHEMES ? SCHEMES[scheme as keyof typeof SCHEMES] : undefined;
  if (known === undefined) throw new ConfigError('a DICOMweb address has another scheme', { expected });
  const text = known + location.slice(scheme!.length);
  if (!/^https?:\/\/[^/]/.test(text) || !URL.canParse(text)) {
    throw new ConfigError('a DICOMweb address cannot be read', { expected });
  }
  const url = new URL(text);
  // What one server takes for a slash another takes for a letter: no base path may hide a way out of itself.
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
