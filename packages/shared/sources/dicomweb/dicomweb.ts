/**
 * Images on a DICOMweb server: `dicomweb+https://...`. Loaded only if a location needs it.
 *
 * Instances are fetched one by one over connections that stay open, not series by series. With 20 ms of latency that
 * takes the same time (docs/dicomweb.md), only the needed instances are fetched, and a broken answer costs one
 * instance.
 */

import { LRUCache } from 'lru-cache';
import { ConfigError, ObjectNotFoundError } from '../../domain/index.ts';
import { wholeBuffer } from '../../store/whole-buffer.ts';
import type { SourceInfo, SourceReader } from '../source-reader.ts';
import { DicomWebClient, mediaType } from './client.ts';
import { type Answer, DicomWebConnection } from './connection.ts';
import { jsonFingerprint } from './dicom-json.ts';
import { brokenAnswer, type DicomWebSubject, unexpectedAnswer } from './faults.ts';
import { type DicomWebPlace, describePlace, dicomWebLocation, dicomWebUrl, parseDicomWebLocation } from './location.ts';
import { contentTypeOf, MultipartError, type Part, partsOf } from './multipart.ts';
import type { DicomWebOptions } from './options.ts';

/** `Accept` headers for an instance (PS3.18 8.7.3.5), the best first: the stored bytes in any transfer syntax. */
const ACCEPTS = [
  'multipart/related; type="application/dicom"; transfer-syntax=*',
  'multipart/related; type="application/dicom"',
  'application/dicom',
] as const;
/** Statuses of servers that cannot give that media type; Orthanc uses 400. */
const NOT_LIKE_THAT = [400, 406, 415, 501];
/** The files of a series are looked up within a short time, so its metadata is fetched once for all of them. */
const METADATA_TTL_MS = 10_000;
const METADATA_SERIES = 256;
/** Position of the magic word (PS3.10 7.1). */
const PREAMBLE = 128;

type Fingerprints = ReadonlyMap<string, string>;

export class DicomWebSource implements SourceReader {
  readonly #connection: DicomWebConnection;
  readonly #client: DicomWebClient;
  /** By service: the index of the first of {@link ACCEPTS} that it accepts. */
  readonly #accepted = new Map<string, number>();
  readonly #fingerprints = new LRUCache<string, Promise<Fingerprints>>({ max: METADATA_SERIES, ttl: METADATA_TTL_MS });

  /** @throws {ConfigError} for credentials that cannot be used. */
  constructor(options: DicomWebOptions = {}) {
    this.#connection = new DicomWebConnection(options);
    this.#client = new DicomWebClient(this.#connection);
  }

  async read(location: string): Promise<Uint8Array<ArrayBuffer>> {
    const place = parseDicomWebLocation(location);
    if (place.instance === undefined) {
      throw new ConfigError('a DICOMweb location of an image names no instance', {
        expected: 'dicomweb+https://host/path/studies/{study}/series/{series}/instances/{instance}',
      });
    }
    const url = dicomWebUrl(place);
    for (let choice = this.#accepted.get(place.base.url) ?? 0; ; choice++) {
      const last = choice >= ACCEPTS.length - 1;
      const bytes = await this.#connection.get(url, {
        accept: ACCEPTS[choice]!,
        name: describePlace(place),
        also: last ? [] : NOT_LIKE_THAT,
        take: (answer, subject) => (NOT_LIKE_THAT.includes(answer.status) ? undefined : instanceOf(answer, subject)),
      });
      if (bytes === undefined) continue;
      this.#accepted.set(place.base.url, choice);
      return wholeBuffer(bytes);
    }
  }

  /** WADO-RS has no byte ranges: the whole instance is fetched. */
  async readStart(location: string, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.read(location)).slice(0, bytes);
  }

  /** From the metadata of the instance's series, cached for ten seconds. */
  async head(location: string): Promise<Omit<SourceInfo, 'location'> | undefined> {
    const place = parseDicomWebLocation(location);
    if (place.series === undefined || place.instance === undefined) return undefined;
    const fingerprint = (await this.#fingerprintsOf(place)).get(place.instance);
    return fingerprint === undefined ? undefined : { size: 0, fingerprint };
  }

  /** Lists a study or a series. A prefix cannot end within a UID. */
  async *list(locationPrefix: string): AsyncGenerator<SourceInfo> {
    const place = parseDicomWebLocation(locationPrefix);
    const found: SourceInfo[] = [];
    for (const series of place.series === undefined ? await this.#seriesOf(place) : [place.series]) {
      const inSeries: DicomWebPlace = { ...place, series };
      for (const [instance, fingerprint] of await this.#fingerprintsOf(inSeries)) {
        if (place.instance !== undefined && place.instance !== instance) continue;
        found.push({ location: dicomWebLocation({ ...inSeries, instance }), size: 0, fingerprint });
      }
    }
    // Locations are ASCII, so their order is the order of their bytes.
    yield* found.sort((a, b) => (a.location < b.location ? -1 : 1));
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #seriesOf({ base, study }: DicomWebPlace): Promise<string[]> {
    const series = await this.#client.seriesOf(base.location, study).catch(noneIfAbsent<never[]>([]));
    return series.map(({ seriesUid }) => seriesUid);
  }

  /** Fingerprints by SOP instance UID; empty if the series does not exist. Concurrent calls share one request. */
  #fingerprintsOf(place: DicomWebPlace): Promise<Fingerprints> {
    const series: DicomWebPlace = { ...place, instance: undefined };
    const key = dicomWebLocation(series);
    const known = this.#fingerprints.get(key);
    if (known) return known;
    const asked = this.#client
      .metadataOf(series)
      .then((all) => new Map(all.map(({ instance, dataSet }) => [instance, jsonFingerprint(dataSet)])))
      .catch(noneIfAbsent<Fingerprints>(new Map()));
    this.#fingerprints.set(key, asked);
    asked.catch(() => this.#fingerprints.delete(key)); // The next call tries again.
    return asked;
  }
}

function noneIfAbsent<T>(none: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof ObjectNotFoundError) return none;
    throw error;
  };
}

/** The DICOM file in an answer: the part of that type, or the whole body if the server sends no multipart answer. */
function instanceOf(answer: Answer, subject: DicomWebSubject): Buffer {
  const { body } = answer;
  const content = contentTypeOf(answer.contentType);
  if (content?.type.startsWith('multipart/')) {
    if (content.boundary === undefined) throw unexpectedAnswer(subject, 'a boundary', 'multipart without one');
    const part = partIn(body, content.boundary, subject);
    const promised = part.headers.get('content-length');
    if (promised !== undefined && Number(promised) > part.body.byteLength) {
      throw brokenAnswer(subject, `${part.body.byteLength} bytes`, `${promised} bytes`);
    }
    return part.body;
  }
  // Some servers give application/octet-stream or no media type.
  if (content?.type === 'application/dicom' || isDicomFile(body)) return body;
  throw unexpectedAnswer(subject, 'application/dicom', content ? mediaType(content.type) : 'no media type');
}

function partIn(body: Buffer, boundary: string, subject: DicomWebSubject): Part {
  let parts: Part[];
  try {
    parts = partsOf(body, boundary);
  } catch (error) {
    if (error instanceof MultipartError) throw brokenAnswer(subject, error.message, 'a whole multipart answer');
    throw error;
  }
  const ofType = parts.filter((part) => contentTypeOf(part.headers.get('content-type'))?.type === 'application/dicom');
  const part = ofType[0] ?? parts.find((one) => isDicomFile(one.body));
  if (!part) throw unexpectedAnswer(subject, 'application/dicom', 'an answer without such a part');
  return part;
}

function isDicomFile(bytes: Buffer): boolean {
  return bytes.toString('latin1', PREAMBLE, PREAMBLE + 4) === 'DICM';
}
