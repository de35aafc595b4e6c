/**
 * The rooms of packages/shared and the order of imports: a room imports only from rooms of earlier rows. The linter
 * checks imports against this list (oxlint.config.ts), and `npm run docs` writes it into docs/architecture.md.
 */

export interface Room {
  readonly name: string;
  /** What it holds, for a newcomer who looks for a file. */
  readonly holds: string;
}

export const ROOMS: readonly (readonly Room[])[] = [
  [
    {
      name: 'domain',
      holds:
        'what all rooms share: **stages and steps**, levels, conditions, flags, error codes, time limits, the rule for patient data',
    },
  ],
  [
    { name: 'config', holds: 'every setting, with default and limits' },
    { name: 'store', holds: 'the object store (`file://`, `s3://`), its paths, stage outputs and their keys' },
    { name: 'dicom', holds: 'reading DICOM files: elements, headers, transfer syntaxes, codecs, pixels' },
    { name: 'geometry', holds: 'slices in the patient: planes, order, canonical orientation, nearest plane' },
    { name: 'imaging', holds: 'pixels as numbers: normalising, resizing, volumes, crops, `.npy`' },
  ],
  [
    { name: 'models', holds: 'model bundles: what they hold, how they are read, checked, stored and promoted' },
    { name: 'sources', holds: 'where images come from: one file or folder per scheme (`file`, `s3`, DICOMweb)' },
    { name: 'series', holds: 'which images make a series, of which kind it is, which series is preferred' },
    { name: 'telemetry', holds: 'logs, metrics, traces, health, the clock of a job' },
  ],
  [
    {
      name: 'inference',
      holds: 'running models: ONNX Runtime threads and batches, execution providers, `tune`',
    },
    { name: 'dataset', holds: 'folders, buckets, PACS queries and manifests as studies; the header scan; pages' },
  ],
  [
    {
      name: 'stages',
      holds:
        'what the pipeline computes, one file per question: level slices, axial slices, points, crop plan, severities; artefacts and stage keys',
    },
    {
      name: 'evaluation',
      holds: 'labels, the challenge’s metric, location errors, calibration, differences of two runs',
    },
  ],
  [
    { name: 'runs', holds: 'records of runs, results and failures in the store' },
    { name: 'compute', holds: 'the compute threads of a worker and their tasks' },
  ],
  [
    { name: 'queue', holds: 'BullMQ queues and job payloads, the connection to Redis, progress counts' },
    { name: 'lineage', holds: 'what made a result, what a run would compute, how long it takes, what is garbage' },
    { name: 'prepared', holds: 'labelled studies as arrays for training' },
    {
      name: 'reports',
      holds: 'what is made of results: submission and result files, summary, the diff page, pictures',
    },
  ],
  [
    { name: 'control', holds: 'enqueue, resume, retry, cancel, reprocess, which bundles a run pins' },
    { name: 'watching', holds: 'how far a run is, for the terminal, `score` and the exporter' },
    { name: 'worker', holds: 'the worker process: jobs, retries, feeding, liveness, steps' },
  ],
];
