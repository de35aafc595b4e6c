// Which Node runs spineline: 24 or newer, which runs TypeScript and has Float16Array (docs/decisions/0026-node-24.md).
// Under an older Node, a Node 24 runs it that `npm run setup` installs below scripts/node. Plain JavaScript, for any Node from 18 on.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the Node that `npm run setup` installs. */
export const PACKAGED_NODE = fileURLToPath(
  new URL(`node/node_modules/node-${process.platform}-${process.arch}`, import.meta.url),
);

/** Whether the Node of this process runs spineline. */
export const IS_SUITABLE = Boolean(process.features.typescript) && 'Float16Array' in globalThis;

/** Path of a Node that runs spineline; undefined if there is none. */
export function suitableNode() {
  if (IS_SUITABLE) return process.execPath;
  const packaged = `${PACKAGED_NODE}/bin/node`;
  return existsSync(packaged) ? packaged : undefined;
}

/** The environment in which `node` is that Node, also for the programs that it starts. */
export function environmentOf(node) {
  const { PATH = '' } = process.env;
  return { ...process.env, PATH: node === process.execPath ? PATH : `${dirname(node)}${delimiter}${PATH}` };
}

/** Runs a program under a Node that runs spineline. Passes signals on, and ends as the program ends. */
export function runUnderSuitableNode(program, parameters) {
  const node = suitableNode();
  if (!node) {
    console.error(`spineline needs Node 24 or newer, and this is ${process.versions.node}: run \`npm run setup\``);
    process.exit(2);
  }
  const child = spawn(node, [program, ...parameters], { stdio: 'inherit', env: environmentOf(node) });
  // A terminal sends these to the child too, since both are in one process group. Twice would mean "at once".
  const fromTerminal = hasTerminal() ? ['SIGINT', 'SIGQUIT', 'SIGHUP'] : [];
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGTERM']) {
    process.on(signal, () => fromTerminal.includes(signal) || child.kill(signal));
  }
  child.on('error', (error) => {
    console.error(`${node} cannot be started: ${error.message}`);
    process.exit(2);
  });
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.exitCode = 128 + constants.signals[signal];
    process.kill(process.pid, signal);
  });
}

function hasTerminal() {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
