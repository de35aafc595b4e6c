/**
 * A measured process of `floor-runs.ts`. It makes the sessions, runs each model once, says that it is ready, waits for
 * the word to go, and then does nothing but model runs, one after the other, each on one thread.
 */

import '../packages/shared/inference/no-telemetry.ts';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mulberry32 } from '@spineline/shared/evaluation';
import * as ort from 'onnxruntime-node';
import { sessionOptions } from '../packages/shared/inference/session-options.ts';
import { type FloorAnswer, type FloorRequest, modelName } from './floor-runs.ts';

const SEED = 5;
const ON_CPU = { executionProvider: 'cpu', deviceId: 0, intraOpThreads: 1 };

const [request] = (await once(process, 'message')) as [FloorRequest];
const random = mulberry32(SEED);
const models: { name: string; session: ort.InferenceSession; feeds: Record<string, ort.Tensor>[] }[] = [];
for (const model of request.models) {
  const options = sessionOptions(ON_CPU, 'float32', statSync(model.file).size);
  const session = await ort.InferenceSession.create(model.file, options);
  const feeds = model.batches.map((batch) =>
    Object.fromEntries(Object.entries(model.inputs).map(([name, dims]) => [name, tensorOf([batch, ...dims])])),
  );
  await session.run(feeds[0]!);
  models.push({ name: modelName(model), session, feeds });
}

process.send!({ ready: true } satisfies FloorAnswer);
await once(process, 'message');
const byModel: Record<string, number> = {};
const cpu = process.cpuUsage();
const started = performance.now();
for (let study = 0; study < request.studies; study++) {
  for (const { name, session, feeds } of models) {
    const begun = performance.now();
    for (const feed of feeds) await session.run(feed);
    byModel[name] = (byModel[name] ?? 0) + (performance.now() - begun) / 1000;
  }
}
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.send!({ seconds, cpuSeconds: (user + system) / 1e6, byModel } satisfies FloorAnswer);

/** Values in [0, 1), as those of normalised pixels. How long a run takes does not depend on them. */
function tensorOf(dims: readonly number[]): ort.Tensor {
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  for (let i = 0; i < data.length; i++) data[i] = random();
  return new ort.Tensor('float32', data, dims);
}
