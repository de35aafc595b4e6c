/**
 * Where everything is in the store. Only this file makes the paths that spineline reads and writes.
 *
 * ```
 * datasets/<dataset digest>.json                     the dataset's pages in order, written last: the commit
 * datasets/pages/<d[0:2]>/<page digest>.jsonl.zst    some of its studies: series, locations, fingerprints
 * runs/<run>/run.json                                what was requested
 * runs/<run>/cancelled.json                          exists while the run is cancelled
 * runs/<run>/studies/<study>.json                    the result of a study, written last: the commit
 * runs/<run>/failed/<study>.json                     why a study has no result
 * stages/<stage>/<key[0:2]>/<key>/<name>             stage outputs; provenance.json is the commit
 * models/<bundle>/<version>/<file>                   model bundles; bundle.json is the commit
 * promoted/stage<N>.json                             the bundle of a stage that new runs use, and those before it
 * ```
 */

import { ConfigError, DatasetError, SpinelineError, type OutputName, type StageNumber } from '../domain/index.ts';

export const RUNS_FOLDER = 'runs/';
const DATASETS_FOLDER = 'datasets/';
export const MODELS_FOLDER = 'models/';

/**
 * Returns `run` if it may name a run: 1 to 100 letters, digits, dots, hyphens and underscores, the first one a letter
 * or digit. Such a name works in a key, a job id, a file name and a shell.
 *
 * @throws {ConfigError} otherwise.
 */
export function checkRunName(run: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(run)) {
    throw new ConfigError(`${JSON.stringify(run.slice(0, 120))} cannot name a run`, {
      expected: '1 to 100 letters, digits, dots, hyphens and underscores, beginning with a letter or digit',
    });
  }
  return run;
}

/** `runs/<run>/` */
function runFolder(run: string): string {
  return `${RUNS_FOLDER}${checkRunName(run)}/`;
}

export function runKey(run: string): string {
  return `${runFolder(run)}run.json`;
}

export function cancelKey(run: string): string {
  return `${runFolder(run)}cancelled.json`;
}

/** `runs/<run>/studies/`: the results of a run. */
export function resultsFolder(run: string): string {
  return `${runFolder(run)}studies/`;
}

export function resultKey(run: string, study: string): string {
  return `${resultsFolder(run)}${encodeStudy(study)}.json`;
}

/** `runs/<run>/failed/` */
export function failuresFolder(run: string): string {
  return `${runFolder(run)}failed/`;
}

export function failureKey(run: string, study: string): string {
  return `${failuresFolder(run)}${encodeStudy(study)}.json`;
}

/** The study that a {@link resultKey} or {@link failureKey} is about, or `undefined` for another key. */
export function studyOfKey(key: string): string | undefined {
  const encoded = /^runs\/[^/]+\/(?:studies|failed)\/([^/]+)\.json$/.exec(key)?.[1];
  return encoded === undefined ? undefined : decodeStudy(encoded);
}

/** The record of a dataset: the digests of its pages. */
export function datasetKey(digest: string): string {
  return `${DATASETS_FOLDER}${checkDigest(digest)}.json`;
}

/** A page of studies, named by its own digest: datasets with the same studies in a row share pages. */
export function datasetPageKey(digest: string): string {
  return `${DATASETS_FOLDER}pages/${checkDigest(digest).slice(0, 2)}/${digest}.jsonl.zst`;
}

/** `models/<bundle>/<version>/` */
function bundleFolder(bundle: string, version: string): string {
  return `${MODELS_FOLDER}${checkName(bundle)}/${checkName(version)}/`;
}

export function bundleKey(bundle: string, version: string): string {
  return bundleFileKey(bundle, version, 'bundle.json');
}

export function bundleFileKey(bundle: string, version: string, file: string): string {
  return `${bundleFolder(bundle, version)}${checkName(file)}`;
}

/** The bundle that a {@link bundleKey} is of, or `undefined` for another key. */
export function bundleOfKey(key: string): { name: string; version: string } | undefined {
  const match = /^models\/([^/]+)\/([^/]+)\/bundle\.json$/.exec(key);
  return match ? { name: match[1]!, version: match[2]! } : undefined;
}

/** `promoted/stage<N>.json` */
export function promotionKey(stage: StageNumber): string {
  return `promoted/stage${stage}.json`;
}

/** `stages/<stage>/` */
export function stageFolder(stage: OutputName): string {
  return `stages/${stage}/`;
}

/** `stages/<stage>/<key[0:2]>/<key>/` */
export function stageOutputFolder(stage: OutputName, key: string): string {
  return `stages/${stage}/${checkDigest(key).slice(0, 2)}/${key}/`;
}

/** The output key in the path of one of its objects, or `undefined` for another path. */
export function outputOfKey(path: string): string | undefined {
  return /^stages\/[^/]+\/[0-9a-f]{2}\/([0-9a-f]{64})\//.exec(path)?.[1];
}

export function stageOutputKey(stage: OutputName, key: string, name: string): string {
  return `${stageOutputFolder(stage, key)}${checkName(name)}`;
}

/**
 * A study id as one segment of a key. Letters, digits, `.`, `_` and `-` stay. Every other character, and a dot at the
 * beginning, becomes one `%XX` per byte of its UTF-8. Different ids have different segments; {@link decodeStudy} is the
 * inverse.
 *
 * @throws {DatasetError} `STUDY_ID_INVALID` for an empty id, a malformed one, or one of more than 200 bytes when
 *   encoded.
 */
export function encodeStudy(study: string): string {
  if (study === '' || !study.isWellFormed()) throw invalidStudy(study, 'text that is not empty');
  const encoded = study.replace(/^\.|[^A-Za-z0-9._-]/gu, percentEncode);
  if (encoded.length > 200) throw invalidStudy(study, 'at most 200 bytes when encoded');
  return encoded;
}

/** The study id whose {@link encodeStudy} is `segment`; `undefined` if there is none. */
export function decodeStudy(segment: string): string | undefined {
  try {
    const study = decodeURIComponent(segment);
    return encodeStudy(study) === segment ? study : undefined;
  } catch {
    return undefined;
  }
}

function percentEncode(character: string): string {
  const bytes = [...Buffer.from(character)];
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function invalidStudy(study: string, expected: string): DatasetError {
  const found = JSON.stringify(study.slice(0, 50));
  return new DatasetError('STUDY_ID_INVALID', 'this cannot be a study id', { expected, found });
}

function checkDigest(digest: string): string {
  return check(/^[0-9a-f]{64}$/, digest, '64 lower-case hexadecimal digits');
}

/** A plain file or folder name. */
function checkName(name: string): string {
  return check(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/, name, 'a plain name');
}

function check(rule: RegExp, text: string, expected: string): string {
  if (rule.test(text)) return text;
  throw new SpinelineError('STORE_KEY_INVALID', 'permanent', 'no key can be made of this', {
    expected,
    found: JSON.stringify(text.slice(0, 100)),
  });
}
