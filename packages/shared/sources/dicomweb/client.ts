/**
 * Lists what a DICOMweb server has, for building manifests: studies by query and series of a study (QIDO-RS, PS3.18
 * 10.6), and the instances of a series with their facts (WADO-RS metadata, 10.4.1.1.2). No image is fetched.
 */

import { factsOf, type InstanceFacts } from '../../dicom/index.ts';
import type { Answer, DicomWebConnection } from './connection.ts';
import {
  isJsonDataSet,
  type JsonDataSet,
  JsonFactSource,
  jsonFingerprint,
  jsonText,
  jsonValues,
} from './dicom-json.ts';
import { brokenAnswer, type DicomWebSubject, unexpectedAnswer } from './faults.ts';
import {
  type DicomWebBase,
  type DicomWebPlace,
  describePlace,
  dicomWebLocation,
  dicomWebUrl,
  isUid,
  parseDicomWebBase,
} from './location.ts';
import { contentTypeOf } from './multipart.ts';
import { parseStudyQuery } from './query.ts';
import { allResults, type SearchPage, type SearchResult } from './search.ts';

const DICOM_JSON = 'application/dicom+json';
const DEFAULT_PAGE_SIZE = 200;

const STUDY_UID = '0020000D';
const SERIES_UID = '0020000E';
const SOP_UID = '00080018';
const MODALITY = '00080060';
const SERIES_COUNT = '00201206';
const INSTANCE_COUNT = '00201209';

export interface FoundStudy {
  readonly studyUid: string;
  /**
   * NumberOfStudyRelatedSeries, if the server gives it. If {@link DicomWebClient.seriesOf} returns fewer, the server
   * left some out.
   */
  readonly series: number | undefined;
}

export interface FoundSeries {
  readonly seriesUid: string;
  /** Modality, if the server gives it (PS3.18 requires it). */
  readonly modality: string | undefined;
  /** NumberOfSeriesRelatedInstances, if the server gives it. */
  readonly instances: number | undefined;
}

export interface FoundInstance {
  readonly location: string;
  /** See `jsonFingerprint`: the same as {@link SourceReader.head} gives. */
  readonly fingerprint: string;
  readonly facts: InstanceFacts;
}

/**
 * All methods throw {@link ConfigError} for an address or query that cannot be used, and otherwise what
 * `DicomWebConnection.get` throws.
 */
export class DicomWebClient {
  readonly #connection: DicomWebConnection;
  readonly #pageSize: number;

  /** @param pageSize results to ask for per request of a search; servers may return fewer or more. */
  constructor(connection: DicomWebConnection, pageSize = DEFAULT_PAGE_SIZE) {
    this.#connection = connection;
    this.#pageSize = pageSize;
  }

  /**
   * The studies that match a query, each once, in the server's order. Only one page of results and all UIDs are in
   * memory.
   *
   * @param address `dicomweb+https://host[:port]/path`
   * @param query see `parseStudyQuery`
   */
  async *studies(address: string, query: string): AsyncGenerator<FoundStudy> {
    const base = parseDicomWebBase(address);
    const conditions = parseStudyQuery(query);
    for await (const study of this.#search(base, '/studies', conditions, STUDY_UID, 'the search for studies')) {
      yield { studyUid: study.uid, series: countOf(study.dataSet, SERIES_COUNT) };
    }
  }

  /**
   * The series of a study, in the server's order. If there is no such study, some servers return nothing and others
   * answer 404. @throws {ObjectNotFoundError} for a 404.
   */
  async seriesOf(address: string, studyUid: string): Promise<FoundSeries[]> {
    const place: DicomWebPlace = { base: parseDicomWebBase(address), study: studyUid };
    const path = `${dicomWebUrl(place).href.slice(place.base.url.length)}/series`;
    const found = await Array.fromAsync(
      this.#search(place.base, path, [], SERIES_UID, `the series of ${describePlace(place)}`),
    );
    return found.map(({ uid, dataSet }) => ({
      seriesUid: uid,
      modality: jsonText(dataSet, MODALITY),
      instances: countOf(dataSet, INSTANCE_COUNT),
    }));
  }

  /**
   * The instances of a series with their facts, in the server's order, in one request.
   *
   * @throws {ObjectNotFoundError} if there is no such series.
   */
  async instancesOf(address: string, studyUid: string, seriesUid: string): Promise<FoundInstance[]> {
    const place = { base: parseDicomWebBase(address), study: studyUid, series: seriesUid };
    const dataSets = await this.metadataOf(place);
    return dataSets.map(({ instance, dataSet }) => ({
      location: dicomWebLocation({ ...place, instance }),
      fingerprint: jsonFingerprint(dataSet),
      facts: factsOf(new JsonFactSource(dataSet)),
    }));
  }

  /**
   * The metadata of a series' instances, each once. Instances without a usable SOPInstanceUID are left out, since they
   * cannot be fetched.
   */
  async metadataOf(place: DicomWebPlace): Promise<{ instance: string; dataSet: JsonDataSet }[]> {
    const url = new URL(`${dicomWebUrl(place).href}/metadata`);
    const { dataSets } = await this.#connection.get(url, {
      accept: DICOM_JSON,
      name: `the metadata of ${describePlace(place)}`,
      compressed: true,
      take: dataSetsOf,
    });
    const byUid = new Map<string, JsonDataSet>();
    for (const dataSet of dataSets) {
      const instance = jsonText(dataSet, SOP_UID);
      if (isUid(instance)) byUid.set(instance, dataSet);
    }
    return [...byUid].map(([instance, dataSet]) => ({ instance, dataSet }));
  }

  close(): void {
    this.#connection.close();
  }

  #search(
    base: DicomWebBase,
    path: string,
    conditions: readonly (readonly [string, string])[],
    uidTag: string,
    name: string,
  ): AsyncGenerator<SearchResult> {
    const page = (limit: number, offset: number) => {
      const parameters = [...conditions, ['limit', String(limit)] as const, ['offset', String(offset)] as const];
      const query = parameters.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
      const url = new URL(`${base.url}${path}?${query}`);
      return this.#connection.get(url, { accept: DICOM_JSON, name, compressed: true, take: dataSetsOf });
    };
    return allResults({ page, uidTag, pageSize: this.#pageSize, origin: base.origin, name });
  }
}

function countOf(dataSet: JsonDataSet, tag: string): number | undefined {
  const count = Number(jsonValues(dataSet, tag)[0] ?? Number.NaN);
  return Number.isSafeInteger(count) ? count : undefined;
}

/** The data sets of an answer; 204 and an empty body mean none. */
function dataSetsOf(answer: Answer, subject: DicomWebSubject): SearchPage {
  const more = /additional results/i.test(answer.warning ?? '');
  const text = answer.body.toString('utf8').trim();
  if (answer.status === 204 || text === '') return { dataSets: [], more };
  const type = contentTypeOf(answer.contentType)?.type;
  if (type !== undefined && !type.endsWith('json')) throw unexpectedAnswer(subject, DICOM_JSON, mediaType(type));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw brokenAnswer(subject, 'JSON that cannot be read', DICOM_JSON);
  }
  const dataSets = Array.isArray(parsed) ? parsed : [parsed];
  if (!dataSets.every(isJsonDataSet)) throw unexpectedAnswer(subject, DICOM_JSON, 'JSON of another kind');
  return { dataSets, more };
}

/** A media type for a message: a known type, or its main type only. */
export function mediaType(type: string): string {
  return /^[a-z]+\/[a-z0-9.+-]{1,40}$/.test(type) ? type : 'another media type';
}
