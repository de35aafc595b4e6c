/** The members of a bundle that answer one task, as the inference pool takes them. */

import { BundleError } from '../domain/index.ts';
import type { BundlePin, LoadedBundle } from '../models/index.ts';
import { type Bundle, membersOf, outputOf } from '../models/index.ts';
import type { Ensemble } from './inference-pool.ts';

/** @throws {BundleError} if the bytes of a member are missing. */
export function ensembleOf(bundle: Bundle, pin: BundlePin, files: LoadedBundle['files'], task: string): Ensemble {
  const members = membersOf(bundle).filter((one) => one.task === task);
  return {
    id: `${pin.digest}/${task}`,
    members: members.map(({ member: { file, sha256, kind, precision } }) => {
      const bytes = files.get(file);
      if (!bytes) throw new BundleError('BUNDLE_MEMBER_MISSING', `${pin.name}@${pin.version} lacks ${file}`);
      return { file, sha256, bytes, precision: precision ?? 'float32', output: outputOf(bundle, task, kind) };
    }),
  };
}
