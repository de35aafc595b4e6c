/**
 * DICOMweb with a real PACS, Orthanc, loaded with phantoms and, if available, real scanner files: its metadata equals
 * that of the files, it returns the same files, and each fault gives the right error.
 */

import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { generatePhantom } from '@spineline/phantom';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type InstanceFacts, readFacts } from '../dicom/index.ts';
import { ObjectNotFoundError, StoreUnavailableError } from '../domain/index.ts';
import type { DicomWebOptions } from '../sources/dicomweb/options.ts';
import { type DicomWebClient, openDicomWeb, openSources } from '../sources/index.ts';
import { makeCertificates, opensslMissing, serverTls } from './support/certificates.ts';
import { startFaultProxy } from './support/fault-proxy.ts';
import { orthancMissing, startOrthanc, type TestOrthanc } from './support/orthanc.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { startWebServer } from './support/web-server.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DATA = resolve(ROOT, process.env.SPINELINE_TEST_DATA ?? '../shared/data');
const SCANNER = join(DATA, 'scanner-phantom/test_images');
/** The date that phantoms say they were made on. */
const PHANTOMS = 'StudyDate=20000101&ModalitiesInStudy=MR';

interface Known {
  readonly bytes: Buffer;
  readonly facts: InstanceFacts;
}

/** Files by SOP instance UID. */
async function load(folder: string): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (const path of globSync('**/*.dcm', { cwd: folder })) {
    const bytes = await readFile(join(folder, path));
    const found = readFacts(bytes, { whole: true });
    if (typeof found === 'string') throw new Error(`${path}: ${found}`);
    known.set(found.facts.sopInstanceUid!, { bytes, facts: found.facts });
  }
  return known;
}

const uidsOf = (files: ReadonlyMap<string, Known>, of: (facts: InstanceFacts) => string | undefined) =>
  [...new Set([...files.values()].map(({ facts }) => of(facts)!))].sort();

const missing = orthancMissing();
describe.skipIf(missing)(missing ? `DICOMweb on Orthanc (skipped: ${missing})` : 'DICOMweb on Orthanc', () => {
  let pacs: TestOrthanc;
  let phantoms: Map<string, Known>;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spineline-dicomweb-'));
    await generatePhantom(folder, { studies: 3, seed: 31, awkward: false });
    phantoms = await load(join(folder, 'train_images'));
    pacs = await startOrthanc();
    const limit = pLimit(4);
    await Promise.all([...phantoms.values()].map(({ bytes }) => limit(() => pacs.store(bytes))));
  });
  afterAll(async () => {
    await pacs?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const options = (): DicomWebOptions => ({ url: pacs.url, user: pacs.user, password: pacs.password, attempts: 2 });

  async function client(changes: DicomWebOptions = {}): Promise<DicomWebClient> {
    const opened = await openDicomWeb({ ...options(), ...changes });
    onTestFinished(() => opened.close());
    return opened;
  }

  function sources(changes: DicomWebOptions = {}) {
    const opened = openSources({ dicomweb: { ...options(), ...changes } });
    onTestFinished(() => opened.close());
    return opened;
  }

  /** All instances of the studies that a query finds. */
  async function everything(query: string) {
    const web = await client();
    const found: (Awaited<ReturnType<DicomWebClient['instancesOf']>>[number] & { study: string; series: string })[] =
      [];
    for await (const { studyUid } of web.studies(pacs.address, query)) {
      for (const { seriesUid } of await web.seriesOf(pacs.address, studyUid)) {
        const instances = await web.instancesOf(pacs.address, studyUid, seriesUid);
        found.push(...instances.map((instance) => ({ ...instance, study: studyUid, series: seriesUid })));
      }
    }
    return found;
  }

  it.each([1, 2, 3, 200])('finds all studies of a query, %i a page', async (pageSize) => {
    const web = await client({ pageSize });
    const found = await Array.fromAsync(web.studies(pacs.address, PHANTOMS));
    expect(found.map(({ studyUid }) => studyUid).sort()).toEqual(uidsOf(phantoms, (facts) => facts.studyInstanceUid));
    for (const { studyUid, series } of found) {
      const inStudy = await web.seriesOf(pacs.address, studyUid);
      expect(inStudy).toHaveLength(series!);
      for (const { modality, instances, seriesUid } of inStudy) {
        expect(modality).toBe('MR');
        expect(instances).toBe(
          [...phantoms.values()].filter(({ facts }) => facts.seriesInstanceUid === seriesUid).length,
        );
      }
    }
  });

  it('finds what the conditions of a query let through, and nothing else', async () => {
    const web = await client();
    const [first, second] = uidsOf(phantoms, (facts) => facts.studyInstanceUid);
    for (const [query, count] of [
      ['StudyDate=19991231-20000102', 3],
      ['StudyDate=20000102-', 0],
      ['StudyDate=20990101', 0],
      ['ModalitiesInStudy=CT', 0],
      ['PatientName=phantom*&fuzzymatching=true', 3],
      ['PatientName=nobody*', 0],
      ['StudyDescription=Synthetic*&includefield=StudyDescription', 3],
      ['00080020=20000101', 3],
      [`StudyInstanceUID=${first},${second}`, 2],
    ] as const) {
      expect(await Array.fromAsync(web.studies(pacs.address, query)), query).toHaveLength(count);
    }
  });

  it('says how many series a study has where a limit of the server hides some', async () => {
    const limited = await startOrthanc({ limit: 1 });
    onTestFinished(() => limited.stop());
    const [study] = uidsOf(phantoms, (facts) => facts.studyInstanceUid);
    for (const { bytes, facts } of phantoms.values()) if (facts.studyInstanceUid === study) await limited.store(bytes);
    const web = await client({ url: limited.url });
    const [found] = await Array.fromAsync(web.studies(limited.address, PHANTOMS));
    const series = await web.seriesOf(limited.address, study!);
    expect(found!.series).toBe(3);
    expect(series.length).toBeLessThan(found!.series!);
  });

  it('says of every instance what its file says, without fetching it', async () => {
    const found = await everything(PHANTOMS);
    expect(found).toHaveLength(phantoms.size);
    for (const { facts, study, series, location } of found) {
      expect(facts).toEqual(phantoms.get(facts.sopInstanceUid!)?.facts);
      expect(facts).toMatchObject({ studyInstanceUid: study, seriesInstanceUid: series });
      expect(location).toBe(`${pacs.address}/studies/${study}/series/${series}/instances/${facts.sopInstanceUid}`);
    }
  });

  it('gives the very files that were stored', async () => {
    const reader = sources();
    for (const { location, facts } of await everything(PHANTOMS)) {
      const bytes = await reader.read(location);
      expect(phantoms.get(facts.sopInstanceUid!)!.bytes.equals(bytes)).toBe(true);
    }
  });

  it('lists a series and a study in order, with the fingerprints of the metadata and of head', async () => {
    const [study] = uidsOf(phantoms, (facts) => facts.studyInstanceUid);
    const all = await everything(`StudyInstanceUID=${study}`);
    const reader = sources();
    const prefix = `${pacs.address}/studies/${study}`;
    const expected = all
      .map(({ location, fingerprint }) => ({ location, fingerprint, size: 0 }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.location), Buffer.from(b.location)));
    expect(new Set(expected.map(({ fingerprint }) => fingerprint)).size).toBe(expected.length);
    for (const end of ['', '/']) expect(await Array.fromAsync(reader.list(prefix + end))).toEqual(expected);
    const series = `${prefix}/series/${all[0]!.series}`;
    for (const end of ['', '/', '/instances/']) {
      const listed = await Array.fromAsync(reader.list(series + end));
      expect(listed).toEqual(expected.filter(({ location }) => location.startsWith(`${series}/`)));
    }
    for (const { location, ...info } of expected.slice(0, 30)) expect(await reader.head(location)).toEqual(info);
  });

  it('knows what is not there: read throws, head is undefined, list is empty', async () => {
    const reader = sources();
    const web = await client();
    const [study] = uidsOf(phantoms, (facts) => facts.studyInstanceUid);
    const [series] = uidsOf(phantoms, (facts) => facts.seriesInstanceUid);
    for (const path of ['1.9/series/1.9', `${study}/series/1.9`, `${study}/series/${series}`]) {
      const location = `${pacs.address}/studies/${path}/instances/1.9.4711`;
      await expect(reader.read(location)).rejects.toThrow(ObjectNotFoundError);
      await expect(reader.read(location)).rejects.not.toThrow('4711');
      expect(await reader.head(location)).toBeUndefined();
    }
    expect(await Array.fromAsync(reader.list(`${pacs.address}/studies/1.9/`))).toEqual([]);
    expect(await Array.fromAsync(reader.list(`${pacs.address}/studies/${study}/series/1.9/`))).toEqual([]);
    await expect(web.instancesOf(pacs.address, study!, '1.9')).rejects.toThrow(ObjectNotFoundError);
    expect(await web.seriesOf(pacs.address, '1.9').catch((error) => error.code)).toEqual([]);
  });

  it('gives an instance another fingerprint when another takes its place', async () => {
    const own = await startOrthanc();
    onTestFinished(() => own.stop());
    const [{ bytes, facts }] = phantoms.values() as unknown as [Known];
    const location = `${own.address}/studies/${facts.studyInstanceUid}/series/${facts.seriesInstanceUid}/instances/${facts.sopInstanceUid}`;
    const fingerprint = async () => (await sources({ url: own.url }).head(location))?.fingerprint;
    await own.store(bytes);
    const first = await fingerprint();
    await own.store(bytes);
    expect(await fingerprint()).toBe(first);
    const orientation = Buffer.from('FFS ');
    const position = bytes.indexOf('HFS ');
    expect(position).toBeGreaterThan(0);
    const changed = Buffer.from(bytes);
    orientation.copy(changed, position);
    await own.store(changed);
    expect(first).toBeDefined();
    expect(await fingerprint()).not.toBe(first);
  });

  it('refuses a wrong password, and every way of asking says so', async () => {
    for (const wrong of [
      { password: 'wrong s3cret' },
      { user: 'nobody' },
      { url: undefined, user: undefined, password: undefined },
    ]) {
      const reader = sources(wrong);
      const web = await client(wrong);
      const [{ facts }] = phantoms.values() as unknown as [Known];
      const series = `${pacs.address}/studies/${facts.studyInstanceUid}/series/${facts.seriesInstanceUid}`;
      const location = `${series}/instances/${facts.sopInstanceUid}`;
      for (const attempt of [
        () => Array.fromAsync(web.studies(pacs.address, PHANTOMS)),
        () => web.seriesOf(pacs.address, facts.studyInstanceUid!),
        () => web.instancesOf(pacs.address, facts.studyInstanceUid!, facts.seriesInstanceUid!),
        () => reader.read(location),
        () => reader.head(location),
        () => Array.fromAsync(reader.list(series)),
      ]) {
        const error = await attempt().catch((caught: unknown) => caught);
        expect(error).toMatchObject({ code: 'OBJECT_ACCESS_DENIED', kind: 'permanent' });
        expect(String(error)).toContain('SPINELINE_DICOMWEB_');
        for (const secret of ['s3cret', pacs.password, facts.studyInstanceUid!])
          expect(String(error)).not.toContain(secret);
      }
    }
  });

  it('that stops in the middle of an instance is asked again, and given up when it stays so', async () => {
    const proxy = await startFaultProxy(pacs.origin);
    onTestFinished(() => proxy.stop());
    let retries = 0;
    const reader = sources({ url: `${proxy.url}/dicom-web`, timeoutMs: 500, attempts: 2, onRetry: () => retries++ });
    const [{ bytes, facts }] = phantoms.values() as unknown as [Known];
    const location = `dicomweb+${proxy.url}/dicom-web/studies/${facts.studyInstanceUid}/series/${facts.seriesInstanceUid}/instances/${facts.sopInstanceUid}`;
    for (const kind of ['stall', 'reset', 'close'] as const) {
      const before = retries;
      await proxy.be({ kind, bytes: 50_000, times: 1 });
      expect(bytes.equals(await reader.read(location)), kind).toBe(true);
      expect(retries - before, kind).toBe(1);
      await proxy.be({ kind, bytes: 50_000 });
      await expect(reader.read(location), kind).rejects.toThrow(StoreUnavailableError);
    }
    await proxy.be({
      kind: 'answer',
      text: 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      times: 1,
    });
    expect(bytes.equals(await reader.read(location))).toBe(true);
    await proxy.refuse();
    await expect(reader.read(location)).rejects.toThrow(StoreUnavailableError);
  });

  const openssl = opensslMissing();
  it.skipIf(openssl)('is read through TLS, by token and by client certificate', async () => {
    const certificates = makeCertificates(await temporaryFolder());
    const authorization = `Basic ${Buffer.from(`${pacs.user}:${pacs.password}`).toString('base64')}`;
    const gate = await startWebServer(
      (incoming, response) => {
        const certified = (incoming.socket as TLSSocket).authorized;
        if (!certified && incoming.headers.authorization !== 'Bearer t0ken') {
          response.writeHead(401).end();
          return;
        }
        const headers = { ...incoming.headers, authorization };
        httpRequest(`${pacs.origin}${incoming.url}`, { headers }, (answer) => {
          response.writeHead(answer.statusCode!, answer.headers);
          answer.pipe(response);
        }).end();
      },
      { ...serverTls(certificates), requestCert: true, rejectUnauthorized: false },
    );
    const url = `${gate.origin}/dicom-web`;
    const address = `dicomweb+${url}`;
    const [{ bytes, facts }] = phantoms.values() as unknown as [Known];
    const location = `${address}/studies/${facts.studyInstanceUid}/series/${facts.seriesInstanceUid}/instances/${facts.sopInstanceUid}`;
    const nobody = { url, caFile: certificates.ca, user: undefined, password: undefined };
    for (const credentials of [
      { token: 't0ken' },
      { certFile: certificates.clientCert, keyFile: certificates.clientKey },
    ]) {
      const web = await client({ ...nobody, ...credentials });
      expect(await Array.fromAsync(web.studies(address, PHANTOMS))).toHaveLength(3);
      expect(bytes.equals(await sources({ ...nobody, ...credentials }).read(location))).toBe(true);
    }
    for (const credentials of [{}, { token: 'another' }]) {
      const error = await sources({ ...nobody, ...credentials })
        .read(location)
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'OBJECT_ACCESS_DENIED' });
    }
  });

  const scannerMissing = !existsSync(SCANNER);
  it.skipIf(scannerMissing)('gives real scanner files as they are (skipped: without ../shared/data)', async () => {
    const files = await load(SCANNER);
    for (const { bytes } of files.values()) await pacs.store(bytes);
    const studies = uidsOf(files, (facts) => facts.studyInstanceUid);
    const found = await everything(`StudyInstanceUID=${studies.join(',')}`);
    expect(found).toHaveLength(files.size);
    const reader = sources();
    for (const { location, facts } of found) {
      const known = files.get(facts.sopInstanceUid!)!;
      expect(facts).toEqual(known.facts);
      expect(known.bytes.equals(await reader.read(location))).toBe(true);
    }
  });

  const samples = join(DATA, 'transfer-syntaxes');
  it.skipIf(!existsSync(samples))(
    'gives images in their own transfer syntax, and what enhanced ones say (skipped: without ../shared/data)',
    async () => {
      const web = await client();
      const reader = sources();
      let read = 0;
      for (const { bytes, facts } of (await load(samples)).values()) {
        // What Orthanc itself cannot store is not its to give.
        if (
          await pacs.store(bytes).then(
            () => false,
            () => true,
          )
        )
          continue;
        const location = `${pacs.address}/studies/${facts.studyInstanceUid}/series/${facts.seriesInstanceUid}/instances/${facts.sopInstanceUid}`;
        expect(bytes.equals(await reader.read(location))).toBe(true);
        const inSeries = await web.instancesOf(pacs.address, facts.studyInstanceUid!, facts.seriesInstanceUid!);
        expect(inSeries.find((one) => one.location === location)?.facts).toEqual(facts);
        read++;
      }
      expect(read).toBeGreaterThan(3);
    },
  );
});
