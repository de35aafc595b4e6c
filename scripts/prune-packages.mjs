// Removes from node_modules what this machine cannot run: ONNX Runtime for other platforms (240 MB), and OpenTelemetry's
// builds for browsers' bundlers (12 MB). npm runs it after each installation. Plain JavaScript, for any Node from 18 on.

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../node_modules', import.meta.url));
const remove = (path) => rmSync(path, { recursive: true, force: true });
const names = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

const runtime = `${packages}/onnxruntime-node/bin/napi-v6`;
for (const platform of names(runtime)) {
  for (const processor of names(`${runtime}/${platform}`)) {
    const isThisMachine = platform === process.platform && processor === process.arch;
    if (!isThisMachine) remove(`${runtime}/${platform}/${processor}`);
  }
}

for (const name of names(`${packages}/@opentelemetry`)) {
  for (const build of ['esm', 'esnext']) remove(`${packages}/@opentelemetry/${name}/build/${build}`);
}
