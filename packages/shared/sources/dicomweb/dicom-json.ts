/**
 * Data sets in DICOM JSON (PS3.18 Annex F), as DICOMweb servers send them: values by keyword for `factsOf`, and a
 * fingerprint that changes when the instance does. Servers differ in which values they write as numbers and which as
 * strings.
 */

import { createHash } from 'node:crypto';
import { type FactSource, hexTag, type Keyword, parseNumbers, TAG, trimmed } from '../../dicom/index.ts';

/** An attribute. It has no `Value` if its value is in another place (`BulkDataURI`) or binary (`InlineBinary`). */
export interface JsonElement {
  readonly vr?: string;
  readonly Value?: readonly unknown[];
}

/** Attributes by tag, eight hexadecimal digits. */
export type JsonDataSet = Readonly<Record<string, JsonElement | undefined>>;

/** Whether parsed JSON can be a data set. */
export function isJsonDataSet(value: unknown): value is JsonDataSet {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The values of an attribute, none if it is absent or empty. @param tag such as `0020000E` */
export function jsonValues(dataSet: JsonDataSet, tag: string): readonly unknown[] {
  // Some servers write the digits of tags in lower case.
  const element = dataSet[tag] ?? dataSet[tag.toLowerCase()];
  return Array.isArray(element?.Value) ? element.Value : [];
}

/** The first value as text, without padding; `undefined` if there is none. */
export function jsonText(dataSet: JsonDataSet, tag: string): string | undefined {
  return textOf(jsonValues(dataSet, tag)[0]) || undefined;
}

/** A data set, or an item of a sequence, as a source of facts. */
export class JsonFactSource implements FactSource {
  readonly #dataSet: JsonDataSet;
  /** Cached, since every frame needs the functional groups. */
  readonly #items = new Map<Keyword, readonly JsonFactSource[]>();

  constructor(dataSet: JsonDataSet) {
    this.#dataSet = dataSet;
  }

  text(keyword: Keyword): string | undefined {
    return this.texts(keyword)[0] || undefined;
  }

  texts(keyword: Keyword): readonly string[] {
    // Some servers write several values as one string with backslashes.
    return this.#values(keyword).flatMap((value) => textOf(value).split('\\').map(trimmed));
  }

  /** Parsed by the rules for numbers in files: strings that a server passes on may have the same faults. */
  numbers(keyword: Keyword): readonly number[] | undefined {
    const values = this.#values(keyword);
    return values.length === 0 ? undefined : parseNumbers(values.map(textOf).join('\\')).values;
  }

  items(keyword: Keyword): readonly JsonFactSource[] {
    const known = this.#items.get(keyword);
    if (known) return known;
    const items = this.#values(keyword)
      .filter(isJsonDataSet)
      .map((item) => new JsonFactSource(item));
    this.#items.set(keyword, items);
    return items;
  }

  #values(keyword: Keyword): readonly unknown[] {
    return jsonValues(this.#dataSet, hexTag(TAG[keyword]));
  }
}

/** PS3.18 F.2.5: texts are strings, numbers of any VR may be strings too, and an empty value among others is null. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return trimmed(value);
  return typeof value === 'number' ? String(value) : '';
}

/** Groups that describe the image: acquisition, place and numbering, pixels, functional groups. */
const IMAGE_GROUPS = new Set(['0018', '0020', '0028', '5200']);
/** Tags of group 0008 that describe the image: SOP class and UID, type, times, modality and description. */
const IMAGE_TAGS = new Set(
  ['00080008', '00080012', '00080013', '00080016', '00080018', '00080022', '00080023', '00080032', '00080033'].concat([
    '0008002A',
    '00080060',
    '0008103E',
    '00089209',
  ]),
);
/** Counts that change when other images arrive: NumberOfPatientRelatedStudies ... NumberOfSeriesRelatedInstances. */
const COUNTS = /^002012/;

/**
 * The fingerprint of an instance, from the metadata that describes the image: UIDs, times, acquisition, geometry, pixel
 * description. Patient, order and institution are left out, since a PACS may correct them later, as are addresses and
 * counts of the server. If a server replaces pixels without changing an attribute, this is not detected: DICOMweb has
 * no means for it.
 */
export function jsonFingerprint(dataSet: JsonDataSet): string {
  const values = Object.entries(dataSet)
    .map(([tag, element]): [string, unknown] => [tag.toUpperCase(), element?.Value])
    .filter(([tag, value]) => value !== undefined && isOfImage(tag))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `json-${createHash('sha256').update(JSON.stringify(values)).digest('hex').slice(0, 32)}`;
}

function isOfImage(tag: string): boolean {
  return (IMAGE_GROUPS.has(tag.slice(0, 4)) && !COUNTS.test(tag)) || IMAGE_TAGS.has(tag);
}
