// Which Node runs spineline. Its programs are TypeScript, which Node runs from 22.18 on. Under an older Node, a Node 24
// runs them that `npm run setup` installs below scripts/node. Plain JavaScript, for any Node from 18 on.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the Node that `npm run setup` installs. */
export const PACKAGED_NODE = fileURLToPath(
  new URL(`node/node_modules/node-${process.platform}-${process.arch}`, import.meta.url),
);

/** Path of a Node that runs TypeScript; undefined if there is none. */
export function suitableNode() {
  if (process.features.typescript) return process.execPath;
  const packaged = `${PACKAGED_NODE}/bin/node`;
  return existsSync(packaged) ? packaged : undefined;
}

/** The environment in which `node` is that Node, also for the programs that it starts. */
export function environmentOf(node) {
  const { PATH = '' } = process.env;
  return { ...process.env, PATH: node === process.execPath ? PATH : `${dirname(node)}${delimiter}${PATH}` };
}

/** Runs a program under a Node that runs TypeScript. Passes signals on, and ends as the program ends. */
export function runUnderSuitableNode(program, parameters) {
  const node = suitableNode();
  if (!node) {
    console.error(`spineline needs Node 22.18 or newer, and this is ${process.versions.node}: run \`npm run setup\``);
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
