/**
 * Measures the floor: what the model runs of a study cost with bare onnxruntime-node. See bench/README.md.
 *
 *   npm run bench:floor -- [--studies 4] [--bundles demo|full|DIR] [--processes CORES] [--batch 1]
 */

import { availableParallelism } from 'node:os';
import { STAGE_NAMES } from '@spineline/shared/domain';
import { measureFloor } from './floor-runs.ts';
import { bundlesFolder, figure, machineLine, printTable, readOptions, wholeNumber, writeJson } from './table.ts';

const HELP = `
usage: npm run bench:floor -- [OPTION ...]

Runs the models of complete studies with bare onnxruntime-node and nothing else, one thread per run.

  --studies N          studies per process (default 4)
  --bundles WHICH      demo (default), full (full width, random weights) or a folder with stage1, stage2, stage3
  --processes N        processes at a time (default: the number of cores)
  --batch N            largest batch (default 1, as on a CPU)
`;

const options = readOptions('floor', HELP, {
  studies: { type: 'string', default: '4' },
  bundles: { type: 'string', default: 'demo' },
  processes: { type: 'string', default: String(availableParallelism()) },
  batch: { type: 'string', default: '1' },
});
const floor = await measureFloor({
  models: await bundlesFolder(options.bundles),
  studies: wholeNumber('studies', options.studies),
  processes: wholeNumber('processes', options.processes),
  batchSize: wholeNumber('batch', options.batch),
});

console.log(machineLine());
for (const stage of STAGE_NAMES) {
  printTable(
    stage,
    ['model', 'ms per run'],
    Object.entries(floor.stages[stage].msPerRun).map(([model, ms]) => [model, figure(ms)]),
  );
}
const row = (name: string, runs: number, cpu: number, seconds: number) => [
  name,
  String(runs),
  figure(cpu),
  `${((100 * cpu) / floor.cpuPerStudy).toFixed(0)} %`,
  figure(60 / seconds),
];
printTable(
  `the floor, ${options.bundles} bundles, ${floor.processes} processes`,
  ['stage', 'runs per study', 'CPU s per study', 'share', 'studies per minute'],
  [
    ...STAGE_NAMES.map((stage) => {
      const { runs, cpuPerStudy, secondsPerStudy } = floor.stages[stage];
      return row(stage, runs, cpuPerStudy, secondsPerStudy);
    }),
    row(
      'all',
      STAGE_NAMES.reduce((sum, stage) => sum + floor.stages[stage].runs, 0),
      floor.cpuPerStudy,
      floor.secondsPerStudy,
    ),
  ],
);
await writeJson(options.json, 'floor', { bundles: options.bundles, floor });
