/**
 * A real PACS for one test file: Orthanc with its DICOMweb plugin (Debian packages orthanc and orthanc-dicomweb), on a
 * free port, with a folder of its own. It ends with the test process.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ENDED, type Leashed, startOnLeash } from './leash.ts';

export interface TestOrthanc {
  /** `http://127.0.0.1:port/dicom-web` */
  readonly url: string;
  /** `http://127.0.0.1:port`: for proxies. */
  readonly origin: string;
  /** The same as the address of a DICOMweb location. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** Stores a DICOM file. It replaces one with the same SOPInstanceUID. */
  store(file: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

export interface TestOrthancOptions {
  /** LimitFindResults: the largest number of results of a search, which Orthanc does not report. Default: no limit. */
  readonly limit?: number;
}

const PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
const USER = 'reader';
const PASSWORD = 'pass word:ü';

/** Why Orthanc cannot be started here, for `describe.skipIf`; `undefined` if it can. */
export function orthancMissing(): string | undefined {
  const found = spawnSync('sh', ['-c', 'command -v Orthanc'], { stdio: 'ignore' }).status === 0;
  if (found && existsSync(PLUGIN)) return undefined;
  return 'no Orthanc with DICOMweb: install orthanc and orthanc-dicomweb';
}

/** @throws {Error} with the server's output if it does not start. */
export async function startOrthanc(options: TestOrthancOptions = {}): Promise<TestOrthanc> {
  for (let tries = 1; ; tries++) {
    const folder = await mkdtemp(join(tmpdir(), 'spineline-orthanc-'));
    try {
      return await startOn(await freePort(), folder, options);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (tries === 5) throw error; // another process took the port
    }
  }
}

async function startOn(port: number, folder: string, options: TestOrthancOptions): Promise<TestOrthanc> {
  const configuration = join(folder, 'orthanc.json');
  await writeFile(
    configuration,
    JSON.stringify({
      Name: 'spineline test',
      HttpPort: port,
      RemoteAccessAllowed: false,
      DicomServerEnabled: false,
      StorageDirectory: folder,
      IndexDirectory: folder,
      Plugins: [PLUGIN],
      AuthenticationEnabled: true,
      RegisteredUsers: { [USER]: PASSWORD },
      KeepAlive: true,
      OverwriteInstances: true,
      LimitFindResults: options.limit ?? 0,
      DicomWeb: { Enable: true, Root: '/dicom-web/' },
    }),
  );
  const leashed = await startServer(folder, configuration);
  const origin = `http://127.0.0.1:${port}`;
  const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  return {
    url: `${origin}/dicom-web`,
    origin,
    address: `dicomweb+${origin}/dicom-web`,
    user: USER,
    password: PASSWORD,
    async store(file) {
      const answer = await fetch(`${origin}/instances`, {
        method: 'POST',
        headers: { authorization },
        body: new Uint8Array(file),
      });
      if (!answer.ok) throw new Error(`Orthanc does not take the file: HTTP ${answer.status}`);
      await answer.arrayBuffer();
    },
    stop: () => leashed.stop(),
  };
}

/** A subshell is Orthanc's parent and reports its end. */
function startServer(folder: string, configuration: string): Promise<Leashed> {
  return startOnLeash(
    `folder=$1
     { Orthanc "$2" & echo $! >"$folder/pid"; wait $!; echo ${ENDED}; } </dev/null &`,
    // Its data is not kept, and an orderly end takes three seconds.
    `kill -9 "$(cat "$folder/pid")" 2>/dev/null; wait
     rm -rf "$folder"`,
    [folder, configuration],
    /Orthanc has started/,
  );
}
