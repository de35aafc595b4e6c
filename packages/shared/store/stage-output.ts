/**
 * Stage outputs in the store: the objects are written first, `provenance.json` last.
 *
 * The life of an output: absent -> objects written (readers still treat it as absent) -> provenance written: committed
 * -> read by every run that needs the same work -> invalidated only when it is damaged or garbage. Then the provenance
 * is deleted first, so that the output is absent and will be computed again. Writing a committed output changes
 * nothing.
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

/** What made an output: the parts of its key in readable form. */
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
   * Digests, by name, of what later steps take from the objects, if that is less than all their bytes. With them the
   * keys of a study can be computed from step to step without reading any object.
   */
  gives: z.record(z.string(), Sha256),
  /** ISO 8601, UTC. */
  created: z.iso.datetime(),
  /** `spineline` and its version. */
  software: z.string(),
  /** The worker that made it, to find a faulty machine. */
  worker: z.string(),
});
/** The commit of a stage output: what it is, what made it, and the digest of every object. */
export type Provenance = z.infer<typeof ProvenanceSchema>;

/** The stage key of an output. */
export function keyOfMade(stage: OutputName, { contract, bundle, settings, inputs }: Made): string {
  return stageKey({ stage, contract, bundle: bundle?.digest, settings, inputs });
}

export class StageOutputs {
  readonly #store: ObjectStore;
  readonly #worker: string;
  readonly #reading = new Map<string, Promise<Provenance>>();

  /** @param options.worker name of this worker for the provenance. Default: host name and process id. */
  constructor(store: ObjectStore, options: { readonly worker?: string | undefined } = {}) {
    this.#store = store;
    this.#worker = options.worker ?? `${hostname()}:${process.pid}`;
  }

  /** The provenance of an output if it is committed and fits its schema. Does not check the objects. */
  async committed(stage: OutputName, key: string): Promise<Provenance | undefined> {
    try {
      return await this.provenance(stage, key);
    } catch (error) {
      if (error instanceof ObjectNotFoundError || error instanceof ArtefactDamagedError) return undefined;
      throw error;
    }
  }

  /** Whether the output has a commit. Reads nothing. */
  async isCommitted(stage: OutputName, key: string): Promise<boolean> {
    return (await this.#store.head(stageOutputKey(stage, key, COMMIT))) !== undefined;
  }

  /** The provenance of an output if it is committed and every object exists with its size; `undefined` otherwise. */
  async find(stage: OutputName, key: string): Promise<Provenance | undefined> {
    const provenance = await this.committed(stage, key);
    return provenance && (await this.#isWhole(stage, key, provenance)) ? provenance : undefined;
  }

  /** Whether every object exists with its size. */
  async #isWhole(stage: OutputName, key: string, { objects }: Provenance): Promise<boolean> {
    const present = await Promise.all(
      Object.entries(objects).map(async ([name, { bytes }]) => {
        const found = await this.#store.head(stageOutputKey(stage, key, name));
        return found?.size === bytes;
      }),
    );
    return present.every(Boolean);
  }

  /**
   * As {@link find}, for a worker that computes the output if it is not there. A commit that is damaged or whose objects
   * are not all there is removed, so that {@link write} replaces every object.
   */
  async findWhole(stage: OutputName, key: string): Promise<Provenance | undefined> {
    const provenance = await this.provenance(stage, key).catch((error: unknown) => {
      if (error instanceof ArtefactDamagedError) return 'damaged' as const;
      if (error instanceof ObjectNotFoundError) return undefined;
      throw error;
    });
    if (provenance === undefined) return undefined;
    if (provenance !== 'damaged' && (await this.#isWhole(stage, key, provenance))) return provenance;
    await this.invalidate(stage, key);
    return undefined;
  }

  /**
   * One object of an output. Verifies its size and SHA-256.
   *
   * @param provenance the result of {@link find}, which saves reading it again.
   * @throws {ObjectNotFoundError} if the output is not committed or has no object of this name.
   * @throws {ArtefactDamagedError} if the bytes are missing or have changed: invalidate the output.
   */
  async read(
    stage: OutputName,
    key: string,
    name: string,
    provenance?: Provenance | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { objects } = provenance ?? (await this.#provenanceOfReads(stage, key));
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
   * One JSON object of an output. Verifies its digest and its schema.
   *
   * @throws {ObjectNotFoundError} as {@link read}.
   * @throws {ArtefactDamagedError} as {@link read}, and if it does not fit the schema.
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

  /** Objects of one output that are read at the same time share one read of its commit. */
  #provenanceOfReads(stage: OutputName, key: string): Promise<Provenance> {
    const path = stageOutputKey(stage, key, COMMIT);
    let reading = this.#reading.get(path);
    if (!reading) {
      reading = this.provenance(stage, key).finally(() => this.#reading.delete(path));
      this.#reading.set(path, reading);
    }
    return reading;
  }

  /** SHA-256 of every object of a committed output, by name. @throws as {@link read}. */
  async digests(stage: OutputName, key: string): Promise<Record<string, string>> {
    const { objects } = await this.provenance(stage, key);
    return Object.fromEntries(Object.entries(objects).map(([name, { sha256 }]) => [name, sha256]));
  }

  /**
   * Writes an output and commits it. If it is committed already, writes nothing: the objects of a key are
   * deterministic.
   *
   * @param made the parts that `key` was computed from.
   * @param gives see {@link Provenance}.
   * @throws {RangeError} if `key` is not the key of `made`.
   */
  async write(
    stage: OutputName,
    key: string,
    objects: Readonly<Record<string, Uint8Array>>,
    made: Made,
    gives: Readonly<Record<string, string>> = {},
  ): Promise<Provenance> {
    if (keyOfMade(stage, made) !== key) throw new RangeError(`${key} is not the stage key of this ${stage} output`);
    if (Object.hasOwn(objects, COMMIT)) throw new RangeError(`${COMMIT} is not an object of an output`);
    const committed = (await this.isCommitted(stage, key)) && (await this.find(stage, key));
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

  /** Deletes an output: its commit first, then all objects. The next run that needs it computes it again. */
  async invalidate(stage: OutputName, key: string): Promise<void> {
    await this.#store.delete(stageOutputKey(stage, key, COMMIT));
    const rest: string[] = [];
    for await (const object of this.#store.list(stageOutputFolder(stage, key))) rest.push(object.key);
    await Promise.all(rest.map((path) => this.#store.delete(path)));
  }

  /**
   * The provenance of an output. Unlike {@link committed}, it throws if there is none. Does not check the objects.
   *
   * @throws {ObjectNotFoundError} if the output is not committed.
   * @throws {ArtefactDamagedError} if its commit does not fit the schema.
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
 * Parses and validates a stored JSON artefact.
 *
 * @param path its key, for the error message
 * @throws {ArtefactDamagedError} if it is not UTF-8 JSON or does not fit the schema.
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
