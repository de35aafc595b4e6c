/** Metrics of requests to the object store and to the DICOM sources. */

import { Counter, Histogram, type Registry } from 'prom-client';
import { STORE_OPERATIONS, STORE_OUTCOMES, type StoreObserver } from '../store/index.ts';

const TARGETS = ['store', 'source'] as const;
export type StoreTarget = (typeof TARGETS)[number];

export class StoreMetrics {
  readonly #requests: Counter<'target' | 'operation' | 'outcome'>;
  readonly #seconds: Histogram<'target' | 'operation'>;
  readonly #bytes: Counter<'target' | 'direction'>;
  readonly #retries: Counter<'target'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'spineline_store_requests_total',
      help: 'Requests to the object store (target store) and for DICOM files (target source); outcome absent is no error',
      labelNames: ['target', 'operation', 'outcome'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'spineline_store_request_seconds',
      help: 'Time per request, including its retries',
      labelNames: ['target', 'operation'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    });
    this.#bytes = new Counter({
      name: 'spineline_store_bytes_total',
      help: 'Bytes read and written',
      labelNames: ['target', 'direction'],
      registers,
    });
    this.#retries = new Counter({
      name: 'spineline_store_retries_total',
      help: 'Retries of S3 and DICOMweb requests after a transient fault',
      labelNames: ['target'],
      registers,
    });
    for (const target of TARGETS) {
      for (const operation of STORE_OPERATIONS) {
        for (const outcome of STORE_OUTCOMES) this.#requests.inc({ target, operation, outcome }, 0);
        this.#seconds.zero({ target, operation });
      }
      for (const direction of ['read', 'written']) this.#bytes.inc({ target, direction }, 0);
      this.#retries.inc({ target }, 0);
    }
  }

  observer(target: StoreTarget): StoreObserver {
    return {
      request: (operation, outcome, seconds) => {
        this.#requests.inc({ target, operation, outcome });
        this.#seconds.observe({ target, operation }, seconds);
      },
      read: (bytes) => this.#bytes.inc({ target, direction: 'read' }, bytes),
      written: (bytes) => this.#bytes.inc({ target, direction: 'written' }, bytes),
    };
  }

  retry(target: StoreTarget): void {
    this.#retries.inc({ target });
  }
}
