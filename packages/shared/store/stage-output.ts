/**
 * Stage outputs in the store: objects first, `provenance.json` last.
 *
 * An output's life: absent -> objects written (still absent to every reader) -> provenance written: committed -> found and
 * read by whoever needs the same work -> invalidated only when damaged, provenance first, so that it is absent again and
 * is computed anew. Writing again what is committed changes nothing.
 */

import { hostname } from 'node:os';
import { z } from 'zod';
import { ArtefactDamagedError, ObjectNotFoundError, OUTPUT_NAMES, type OutputName } from '../domain/index.ts';
import packageManifest from '../package.json' with { type: 'json' };
import { stageOutputFolder, stageOutputKey } from './layout.ts';
import type { ObjectStore } from './object-store.ts';
import { digestBytes, stageKey } from './stage-keys.ts';

const COMMIT = 'provenance.json';
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What made an output: the parts of its key, readable. */
const Made = z.strictObject({
  contract: z.number().int().nonnegative(),
  bundle: z.strictObject({ digest: Sha256, name: z.string(), version: z.string() }).optional(),
  settings: z.unknown().optional(),
  inputs: z.unknown(),
});
export type Made = z.infer<typeof Made>;

const ProvenanceSchema = z.strictObject({
  schema: z.literal('spineline.provenance/2'),
  stage: z.enum(OUTPUT_NAMES),
  key: Sha256,
  made: Made,
  objects: z.record(z.string(), z.strictObject({ sha256: Sha256, bytes: z.number().int().nonnegative() })),
  /**
   * Digests of what later steps take from the objects, by name, where that is less than their bytes. With them the keys
   * of a study can be followed from step to step without reading any object.
   */
  gives: z.record(z.string(), Sha256),
  /** ISO 8601, UTC. */
  created: z.iso.datetime(),
  /** `spineline` and its version. */
  software: z.string(),
  /** Which worker; for tracing a bad machine. */
  worker: z.string(),
});
/** The commit of a stage output: what it is, what made it, and the digest of every object. */
export type Provenance = z.infer<typeof ProvenanceSchema>;

/** The key of an output, from what made it. */
export function keyOfMade(stage: OutputName, { contract, bundle, settings, inputs }: Made): string {
  return stageKey({ stage, contract, bundle: bundle?.digest, settings, inputs });
}

export class StageOutputs {
  readonly #store: ObjectStore;
  readonly #worker: string;

  /** @param options.worker name of this worker in provenance; default host name and process id. */
  constructor(store: ObjectStore, options: { readonly worker?: string | undefined } = {}) {
    this.#store = store;
    this.#worker = options.worker ?? `${hostname()}:${process.pid}`;
  }

  /** The output's provenance if it is committed and fits its schema; its objects are not looked at. */
  async committed(stage: OutputName, key: string): Promise<Provenance | undefined> {
    try {
      return await this.provenance(stage, key);
    } catch (error) {
      if (error instanceof ObjectNotFoundError || error instanceof ArtefactDamagedError) return undefined;
      throw error;
    }
  }

  /** Whether there is a commit; nothing is read. */
  async isCommitted(stage: OutputName, key: string): Promise<boolean> {
    return (await this.#store.head(stageOutputKey(stage, key, COMMIT))) !== undefined;
  }

  /** The output's provenance if it is committed and every object is there with its size; `undefined` otherwise. */
  async find(stage: OutputName, key: string): Promise<Provenance | undefined> {
    const provenance = await this.committed(stage, key);
    if (!provenance) return undefined;
    const present = await Promise.all(
      Object.entries(provenance.objects).map(async ([name, { bytes }]) => {
        const found = await this.#store.head(stageOutputKey(stage, key, name));
        return found?.size === bytes;
      }),
    );
    return present.every(Boolean) ? provenance : undefined;
  }

  /**
   * One object of an output, its size and SHA-256 verified.
   *
   * @param provenance what {@link find} gave, to save reading it again.
   * @throws {ObjectNotFoundError} when the output is not committed or has no object of this name.
   * @throws {ArtefactDamagedError} when the bytes are gone or are not those that were written: invalidate it.
   */
  async read(
    stage: OutputName,
    key: string,
    name: string,
    provenance?: Provenance | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { objects } = provenance ?? (await this.provenance(stage, key));
    const path = stageOutputKey(stage, key, name);
    const promised = Object.hasOwn(objects, name) ? objects[name] : undefined;
    if (!promised) throw new ObjectNotFoundError(path);
    const bytes = await this.#store.get(path).catch((cause: unknown) => {
      if (!(cause instanceof ObjectNotFoundError)) throw cause;
      throw damaged(path, `${promised.bytes} bytes`, 'no object', cause);
    });
    if (bytes.byteLength !== promised.bytes) {
      throw damaged(path, `${promised.bytes} bytes`, `${bytes.byteLength} bytes`);
    }
    const sha256 = digestBytes(bytes);
    if (sha256 !== promised.sha256) throw damaged(path, `SHA-256 ${promised.sha256}`, sha256);
    return bytes;
  }

  /**
   * One JSON object of an output, digest and schema verified.
   *
   * @throws {ObjectNotFoundError} as {@link read}.
   * @throws {ArtefactDamagedError} as {@link read}, and when it does not fit the schema.
   */
  async readJson<T>(
    stage: OutputName,
    key: string,
    name: string,
    schema: z.ZodType<T>,
    provenance?: Provenance | undefined,
  ): Promise<T> {
    const bytes = await this.read(stage, key, name, provenance);
    return parseArtefact(bytes, schema, stageOutputKey(stage, key, name));
  }

  /** SHA-256 of every object of a committed output, by name. @throws as {@link read}. */
  async digests(stage: OutputName, key: string): Promise<Record<string, string>> {
    const { objects } = await this.provenance(stage, key);
    return Object.fromEntries(Object.entries(objects).map(([name, { sha256 }]) => [name, sha256]));
  }

  /**
   * Writes an output and commits it. When it is committed already, by this worker before it died or by another one, that
   * commit stands and nothing is written: the objects of a key are deterministic.
   *
   * @param made must be what the key was made of.
   * @param gives see {@link Provenance}.
   * @throws {RangeError} when it is not.
   */
  async write(
    stage: OutputName,
    key: string,
    objects: Readonly<Record<string, Uint8Array>>,
    made: Made,
    gives: Readonly<Record<string, string>> = {},
  ): Promise<Provenance> {
    if (keyOfMade(stage, made) !== key) throw new RangeError(`${stage} output ${key} was not made of what is said`);
    if (Object.hasOwn(objects, COMMIT)) throw new RangeError(`${COMMIT} is not an object of an output`);
    const committed = await this.find(stage, key);
    if (committed) return committed;

    const described: Record<string, { sha256: string; bytes: number }> = {};
    for (const name of Object.keys(objects).sort()) {
      const bytes = objects[name]!;
      described[name] = { sha256: digestBytes(bytes), bytes: bytes.byteLength };
    }
    await Promise.all(
      Object.entries(objects).map(([name, bytes]) => this.#store.put(stageOutputKey(stage, key, name), bytes)),
    );
    const provenance = ProvenanceSchema.parse({
      schema: 'spineline.provenance/2',
      stage,
      key,
      made,
      objects: described,
      gives,
      created: new Date().toISOString(),
      software: `spineline ${packageManifest.version}`,
      worker: this.#worker,
    });
    const text = `${JSON.stringify(provenance, null, 2)}\n`;
    await this.#store.put(stageOutputKey(stage, key, COMMIT), text, { contentType: 'application/json' });
    return provenance;
  }

  /** Makes an output absent: its commit first, then all objects. The work behind its key is done again when needed. */
  async invalidate(stage: OutputName, key: string): Promise<void> {
    await this.#store.delete(stageOutputKey(stage, key, COMMIT));
    const rest: string[] = [];
    for await (const object of this.#store.list(stageOutputFolder(stage, key))) rest.push(object.key);
    await Promise.all(rest.map((path) => this.#store.delete(path)));
  }

  /**
   * The output's provenance, for whoever wants to know what is wrong with it; its objects are not looked at.
   *
   * @throws {ObjectNotFoundError} when the output is not committed.
   * @throws {ArtefactDamagedError} when its commit does not fit the schema.
   */
  async provenance(stage: OutputName, key: string): Promise<Provenance> {
    const path = stageOutputKey(stage, key, COMMIT);
    const provenance = parseArtefact(await this.#store.get(path), ProvenanceSchema, path);
    if (provenance.stage !== stage || provenance.key !== key) {
      throw damaged(path, `${stage} ${key}`, `${provenance.stage} ${provenance.key}`);
    }
    return provenance;
  }
}

/**
 * A stored JSON artefact, validated.
 *
 * @param path its key, for the error
 * @throws {ArtefactDamagedError} when it is not UTF-8 JSON or does not fit.
 */
export function parseArtefact<T>(bytes: Uint8Array, schema: z.ZodType<T>, path: string): T {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(path, 'JSON', 'something else', cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw damaged(
      path,
      'what its schema says',
      z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, ' '),
      parsed.error,
    );
  }
  return parsed.data;
}

function damaged(path: string, expected: string, found: string, cause?: unknown): ArtefactDamagedError {
  return new ArtefactDamagedError(path, { expected, found }, { cause });
}
