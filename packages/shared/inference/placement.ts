/** Where the nodes of a model run. ONNX Runtime says it only in the profile of a session. */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { Placement } from './inference-protocol.ts';

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string; readonly node_index?: string };
}

/**
 * Ends the profile of a session that has run, counts the nodes in it, each once, and removes the file.
 *
 * @param prefix the path that the session was given as `profileFilePrefix`.
 * @param provider name of the execution provider that was asked for.
 * @throws {Error} if ONNX Runtime wrote no profile.
 */
export function readPlacement(session: InferenceSession, prefix: string, provider: string): Placement {
  session.endProfiling();
  // ONNX Runtime adds the time to the name.
  const file = readdirSync(dirname(prefix)).find((name) => name.startsWith(basename(prefix)));
  if (!file) throw new Error('ONNX Runtime wrote no profile, so that nobody knows where the nodes of the model run');
  const path = join(dirname(prefix), file);
  const events = JSON.parse(readFileSync(path, 'utf8')) as ProfileEvent[];
  rmSync(path);
  const nodes = new Map<string, { at: string; operator: string }>();
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || !args?.provider) continue;
    nodes.set(`${args.node_index} ${name}`, { at: args.provider, operator: args.op_name ?? 'unknown' });
  }
  let there = 0;
  const elsewhere: Record<string, number> = {};
  for (const { at, operator } of nodes.values()) {
    if (at.toLowerCase() === `${provider}executionprovider`) there += 1;
    else elsewhere[operator] = (elsewhere[operator] ?? 0) + 1;
  }
  return { there, elsewhere };
}
