/**
 * The texts of DICOMweb: locations and what they are called, queries, multipart answers, DICOM JSON.
 */

import { describe, expect, it } from 'vitest';
import { factsOf } from '../dicom/index.ts';
import { ConfigError } from '../domain/index.ts';
import { type JsonDataSet, JsonFactSource, jsonFingerprint } from '../sources/dicomweb/dicom-json.ts';
import {
  dicomWebLocation,
  dicomWebUrl,
  parseDicomWebBase,
  parseDicomWebLocation,
} from '../sources/dicomweb/location.ts';
import { contentTypeOf, MultipartError, partsOf } from '../sources/dicomweb/multipart.ts';
import { parseStudyQuery } from '../sources/dicomweb/query.ts';
import { describeLocation, openSources } from '../sources/index.ts';

const INSTANCE = 'dicomweb+https://pacs.example:8443/dcm4chee-arc/aets/A/rs/studies/1.2/series/1.3/instances/1.4';

describe('locations', () => {
  it('name a study, a series, an instance, below any path', () => {
    const place = parseDicomWebLocation(INSTANCE);
    expect(place).toMatchObject({ study: '1.2', series: '1.3', instance: '1.4' });
    expect(place.base).toEqual({
      url: 'https://pacs.example:8443/dcm4chee-arc/aets/A/rs',
      location: 'dicomweb+https://pacs.example:8443/dcm4chee-arc/aets/A/rs',
      origin: 'https://pacs.example:8443',
    });
    expect(dicomWebLocation(place)).toBe(INSTANCE);
    expect(dicomWebUrl(place).href).toBe(INSTANCE.replace('dicomweb+', ''));
    for (const [text, found] of [
      ['DICOMWEB+HTTPS://PACS.example/studies/1.2', { study: '1.2', series: undefined }],
      ['dicomweb+http://[::1]:80/a/studies/1.2/', { study: '1.2', series: undefined }],
      ['dicomweb+http://h/studies/9/x/studies/1.2/series/3/', { study: '1.2', series: '3', instance: undefined }],
      ['dicomweb+http://h/studies/1.2/series/3/instances/', { study: '1.2', series: '3', instance: undefined }],
    ] as const) {
      expect(parseDicomWebLocation(text), text).toMatchObject(found);
    }
  });

  it('that are none are refused, and with them whatever they hold', async () => {
    const sources = openSources();
    for (const text of [
      'dicomweb+https://user:s3cret@host/studies/1.2/series/1.3/instances/1.4',
      'dicomweb+https://s3cret@host/studies/1.2/series/1.3/instances/1.4',
      'dicomweb+https://host/s3cret',
      'dicomweb+https://host/studies/s3cret',
      'dicomweb+https://host/studies/1.2/series/1.3/instances/1.4?token=s3cret',
      'dicomweb+https://host/studies/1.2/series/1.3/instances/1.4#s3cret',
      'dicomweb+https://host/studies/1.2/series/1.3/instances/1.4/frames/1',
      `dicomweb+https://host/studies/${'1'.repeat(65)}`,
      'dicomweb+https:///studies/1.2',
      'dicomweb+https://host/s3cret%2F..%2Fx/studies/1.2',
      'dicomweb+https://host/s3cret%5c/studies/1.2',
      'dicomweb+https://host:s3cret/studies/1.2',
      'dicomweb+ftp://host/studies/s3cret',
    ]) {
      for (const attempt of [
        () => sources.read(text),
        () => sources.head(text),
        () => Array.fromAsync(sources.list(text)),
      ]) {
        const error = await attempt().then(
          () => undefined,
          (caught: unknown) => caught,
        );
        expect(error, text).toBeInstanceOf(ConfigError);
        expect(String(error)).not.toContain('s3cret');
      }
    }
    await expect(sources.read('dicomweb+https://host/studies/1.2/series/1.3')).rejects.toThrow('names no instance');
    await sources.close();
  });

  it('of a server end before the studies', () => {
    expect(parseDicomWebBase('dicomweb+https://h/dicom-web//').location).toBe('dicomweb+https://h/dicom-web');
    expect(parseDicomWebBase('dicomweb+http://h').url).toBe('http://h');
    for (const text of ['https://h/x', 'dicomweb+https://h/studies', INSTANCE, 'dicomweb+https://u:p@h/x', 'h']) {
      expect(() => parseDicomWebBase(text), text).toThrow(ConfigError);
    }
  });

  it('are called by file name, or by digest where they are made of UIDs, whatever they look like', () => {
    for (const [location, name] of [
      ['file:///a/b%20c%23.dcm', 'b c#.dcm'],
      ['file:///a/100%.dcm', '100%.dcm'],
      ['s3://bucket/a/100%.dcm', '100%.dcm'],
      ['s3://bucket/a/b%20c.dcm', 'b%20c.dcm'],
      ['s3://bucket/a/%E0%A4%A', '%E0%A4%A'],
      ['s3://bucket/a/two\nlines', 'two\nlines'],
      ['file:///a/folder/', 'folder'],
      ['plain', 'plain'],
      ['', ''],
    ] as const) {
      expect(describeLocation(location)).toBe(name);
    }
    // PS3.5 9.1: up to 64 characters; B.2: 2.25. and a UUID as a number. Versions, addresses and numbers are no UIDs.
    for (const [name, shown] of [
      ['1.2.840.113619.2.176.3596.dcm', 'uid-4c4d1abc.dcm'],
      ['MR.1.2.840.113619.2.176.3596', 'MR.uid-4c4d1abc'],
      ['a 1.2.840.113619.2.176.3596 (2).dcm', 'a uid-4c4d1abc (2).dcm'],
      ['2.25.329800735698586629295641978511506172918.dcm', expect.stringMatching(/^uid-[\da-f]{8}\.dcm$/)],
      ['1.2.3.4.5.6.dcm', '1.2.3.4.5.6.dcm'],
      ['192.168.100.100', '192.168.100.100'],
      ['0000000000000001.dcm', '0000000000000001.dcm'],
    ] as const) {
      expect(describeLocation(`file:///a/${encodeURIComponent(name)}`)).toEqual(shown);
      expect(describeLocation(`s3://bucket/a/${name}`)).toEqual(shown);
    }
    expect(describeLocation('file:///a/1%2E2%2E840%2E113619%2E2%2E176%2E3596.dcm')).toBe('uid-4c4d1abc.dcm');
    expect(describeLocation(`file:///a/${'1.'.repeat(100_000)}`)).toMatch(/^uid-/);
    expect(describeLocation(INSTANCE)).toMatch(/^instance [\da-f]{8}$/);
    expect(describeLocation(INSTANCE.replace(/1\.4$/, '1.5'))).not.toBe(describeLocation(INSTANCE));
    expect(describeLocation('dicomweb+https://h/studies/1.2/series/1.3')).toMatch(/^series [\da-f]{8}$/);
    expect(describeLocation('dicomweb+https://h/studies/1.2')).toMatch(/^study [\da-f]{8}$/);
    expect(describeLocation('dicomweb+https://u:s3cret@h/s3cret')).not.toContain('s3cret');
  });
});

describe('a query', () => {
  it('is taken with keywords, tags, paths, and what belongs to a search', () => {
    expect(parseStudyQuery('StudyDate=20261101-20261127&ModalitiesInStudy=MR')).toEqual([
      ['StudyDate', '20261101-20261127'],
      ['ModalitiesInStudy', 'MR'],
    ]);
    expect(
      parseStudyQuery(
        '?PatientName=DOE%5EJ*&FuzzyMatching=true&0020000D=1.2,1.3&RequestAttributesSequence.0040A370=1&includefield=00081030,StudyID&',
      ),
    ).toEqual([
      ['PatientName', 'DOE^J*'],
      ['fuzzymatching', 'true'],
      ['0020000D', '1.2,1.3'],
      ['RequestAttributesSequence.0040A370', '1'],
      ['includefield', '00081030,StudyID'],
    ]);
    expect(parseStudyQuery('StudyDescription=A+B')).toEqual([['StudyDescription', 'A+B']]);
  });

  it.each([
    ['', 'no condition'],
    [' ', 'no condition'],
    ['?', 'no condition'],
    ['&&', 'no condition'],
    ['includefield=all', 'no condition'],
    ['fuzzymatching=true&includefield=00081030', 'no condition'],
    ['StudyDate', 'part 1 of the query cannot be read'],
    ['=20261101', 'part 1 of the query cannot be read'],
    ['StudyDate=20261101&Doe', 'part 2 of the query cannot be read'],
    ['StudyDate=', 'StudyDate has no value'],
    ['StudyDate=%20', 'StudyDate has no value'],
    ['PatientName=100%Doe', 'the value of PatientName in the query cannot be read'],
    ['StudDate=20261101', 'no attribute that studies are searched by'],
    ['studydate=20261101', 'expected StudyDate; capital letters matter'],
    ['Study Date=20261101', 'no attribute'],
    ['0008002=20261101', 'no attribute'],
    ['StudyDate=20261101&limit=10', 'limit cannot be part of the query'],
    ['offset=10&StudyDate=20261101', 'offset cannot be part of the query'],
    ['StudyDate=20261101&includefield=Doe', 'no attribute'],
  ])('"%s" is refused: %s', (query, message) => {
    expect(() => parseStudyQuery(query)).toThrow(ConfigError);
    expect(() => parseStudyQuery(query)).toThrow(message);
    expect(() => parseStudyQuery(query)).not.toThrow('Doe');
  });
});

describe('a multipart answer', () => {
  const text = (body: string, boundary = 'b') =>
    partsOf(Buffer.from(body, 'latin1'), boundary).map((part) => part.body.toString('latin1'));

  it.each([
    ['plain', '--b\r\nContent-Type: application/dicom\r\n\r\ndata\r\n--b--\r\n', ['data']],
    ['without a line end after its last boundary', '--b\r\n\r\ndata\r\n--b--', ['data']],
    ['with a first line end', '\r\n--b\r\n\r\ndata\r\n--b--', ['data']],
    [
      'with preamble and epilogue',
      'this is\r\n--bb\r\nno part\r\n--b\r\n\r\ndata\r\n--b--\r\nnor is this\r\n--b\r\n',
      ['data'],
    ],
    ['with padding after boundaries', '--b \t\r\n\r\ndata\r\n--b-- \r\n', ['data']],
    ['with bare line feeds', '--b\nContent-Type: x\n\nda\r\nta\r\n--b--\n', ['da\r\nta\r']],
    ['of several parts', '--b\r\n\r\none\r\n--b\r\nA: b\r\n\r\ntwo\r\n--b--', ['one', 'two']],
    ['with an empty part', '--b\r\nA: b\r\n\r\n\r\n--b\r\nA: b\r\n\r\n--b--', ['', '']],
    ['whose data has line ends at its ends', '--b\r\n\r\n\r\n\r\ndata\r\n\r\n\r\n--b--', ['\r\n\r\ndata\r\n\r\n']],
    [
      'whose data has boundaries within lines',
      '--b\r\n\r\nx--b\r\ny\n--b\r\nz\r\n--bc\r\n--b--x\r\n--b--',
      ['x--b\r\ny\n--b\r\nz\r\n--bc\r\n--b--x'],
    ],
    [
      'whose part has a length and a boundary inside',
      '--b\r\nContent-Length: 13\r\n\r\nda\r\n--b--\r\nta\r\n--b--',
      ['da\r\n--b--\r\nta'],
    ],
    ['whose part has a wrong length', '--b\r\nContent-Length: 2\r\n\r\ndata\r\n--b--', ['data']],
    ['whose part has a length beyond its end', '--b\r\nContent-Length: 99\r\n\r\ndata\r\n--b--', ['data']],
  ])('%s is read', (_, body, parts) => {
    expect(text(body)).toEqual(parts);
  });

  it('is read whatever bytes its parts have, also those of boundaries', () => {
    const alphabet = ['\r', '\n', '-', '--b', '\r\n--', 'b', '\0', '\xff', ' '];
    let seed = 1;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let i = 0; i < 2000; i++) {
      const data = Array.from({ length: 3 }, () =>
        Array.from({ length: random(9) }, () => alphabet[random(alphabet.length)]).join(''),
      );
      const withLength = data.map((one) => `--b\r\nContent-Length: ${one.length}\r\n\r\n${one}\r\n`).join('');
      // An empty part has no length that could be checked.
      if (data.every((one) => one !== '')) expect(text(`${withLength}--b--`)).toEqual(data);
      const longer = data.map((one) => `--b7f\r\n\r\n${one}\r\n`).join('');
      expect(text(`${longer}--b7f--`, 'b7f')).toEqual(data);
    }
  });

  it('that ends early is noticed, wherever it ends', () => {
    const whole = '--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--';
    for (let length = 0; length < whole.length; length++) {
      expect(() => text(whole.slice(0, length)), `${length} bytes`).toThrow(MultipartError);
    }
  });

  it('says its boundary quoted or not', () => {
    for (const header of [
      'multipart/related; type="application/dicom"; boundary=a-b',
      'Multipart/Related;boundary="a-b";type=application/dicom',
      'multipart/related; type=application/dicom; BOUNDARY=a-b; start="<1>"',
    ]) {
      expect(contentTypeOf(header), header).toEqual({ type: 'multipart/related', boundary: 'a-b' });
    }
    expect(contentTypeOf('multipart/related; boundary="a b:c=d"')?.boundary).toBe('a b:c=d');
    expect(contentTypeOf('application/dicom')).toEqual({ type: 'application/dicom', boundary: undefined });
    expect(contentTypeOf(undefined)).toBeUndefined();
    expect(contentTypeOf('nonsense')).toBeUndefined();
  });
});

describe('DICOM JSON', () => {
  const source = (dataSet: JsonDataSet) => new JsonFactSource(dataSet);

  it('has numbers as numbers and as texts', () => {
    const numbers = (...Value: unknown[]) => source({ '00280030': { vr: 'DS', Value } }).numbers('PixelSpacing');
    expect(numbers(0.5, 0.5)).toEqual([0.5, 0.5]);
    expect(numbers('0.5', ' 0.50 ')).toEqual([0.5, 0.5]);
    expect(numbers('0.5\\0.5')).toEqual([0.5, 0.5]);
    expect(numbers('0,5', '0,5')).toEqual([0.5, 0.5]);
    expect(numbers(1e-7, -0)).toEqual([1e-7, 0]);
    for (const values of [[], ['x', 1], [null, 1], ['NaN'], [{}], ['0x10']]) expect(numbers(...values)).toBeUndefined();
    expect(source({ '00280030': { vr: 'DS' } }).numbers('PixelSpacing')).toBeUndefined();
    expect(source({}).numbers('PixelSpacing')).toBeUndefined();
  });

  it('has texts, of one value or several, and none where values are names, binary or elsewhere', () => {
    const type = (element: object) => source({ '00080008': element }).texts('ImageType');
    expect(type({ vr: 'CS', Value: ['ORIGINAL', 'PRIMARY '] })).toEqual(['ORIGINAL', 'PRIMARY']);
    expect(type({ vr: 'CS', Value: ['ORIGINAL\\PRIMARY'] })).toEqual(['ORIGINAL', 'PRIMARY']);
    expect(type({ vr: 'CS', Value: ['A', null, 'B'] })).toEqual(['A', '', 'B']);
    expect(type({ vr: 'CS' })).toEqual([]);
    expect(type({ vr: 'OB', InlineBinary: 'AAAA' })).toEqual([]);
    expect(type({ vr: 'OB', BulkDataURI: 'http://h/bulk' })).toEqual([]);
    expect(source({ '0008103e': { vr: 'LO', Value: ['lower case'] } }).text('SeriesDescription')).toBe('lower case');
    expect(
      source({ '0008103E': { vr: 'PN', Value: [{ Alphabetic: 'Doe' }] } }).text('SeriesDescription'),
    ).toBeUndefined();
    expect(source({ '0008103E': { vr: 'LO', Value: [''] } }).text('SeriesDescription')).toBeUndefined();
    expect(source({ '0008103E': { vr: 'LO', Value: 'x' } as never }).text('SeriesDescription')).toBeUndefined();
  });

  it('has the frames of an enhanced image in its functional groups', () => {
    const position = (z: string) => ({
      '00209113': { vr: 'SQ', Value: [{ '00200032': { vr: 'DS', Value: ['1', 2, z] } }] },
    });
    const facts = factsOf(
      source({
        '00280008': { vr: 'IS', Value: ['2'] },
        '52009229': {
          vr: 'SQ',
          Value: [
            {
              '00209116': { vr: 'SQ', Value: [{ '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] } }] },
              '00289110': { vr: 'SQ', Value: [{ '00280030': { vr: 'DS', Value: [0.5, 0.25] } }] },
            },
          ],
        },
        '52009230': { vr: 'SQ', Value: [position('3'), position('4')] },
      }),
    );
    expect(facts.frames).toEqual([
      expect.objectContaining({ position: [1, 2, 3], orientation: [1, 0, 0, 0, 1, 0], spacing: [0.5, 0.25] }),
      expect.objectContaining({ position: [1, 2, 4], orientation: [1, 0, 0, 0, 1, 0], spacing: [0.5, 0.25] }),
    ]);
  });

  it('gives another fingerprint when the image is another, and the same when only its surroundings are', () => {
    const dataSet: JsonDataSet = {
      '00080018': { vr: 'UI', Value: ['1.2'] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe' }] },
      '00200032': { vr: 'DS', Value: [1, 2, 3] },
      '7FE00010': { vr: 'OW', BulkDataURI: 'http://a/bulk' } as never,
    };
    const first = jsonFingerprint(dataSet);
    for (const same of [
      { ...dataSet, '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Roe' }] } },
      { ...dataSet, '00080050': { vr: 'SH', Value: ['4711'] } },
      { ...dataSet, '00081190': { vr: 'UR', Value: ['http://b/1'] } },
      { ...dataSet, '00201209': { vr: 'IS', Value: [12] } },
      { ...dataSet, '7FE00010': { vr: 'OW', BulkDataURI: 'http://b/bulk' } as never },
      { ...dataSet, '00180081': { vr: 'DS' } },
      Object.fromEntries(Object.entries(dataSet).reverse()),
    ]) {
      expect(jsonFingerprint(same)).toBe(first);
    }
    for (const other of [
      { ...dataSet, '00080018': { vr: 'UI', Value: ['1.3'] } },
      { ...dataSet, '00200032': { vr: 'DS', Value: [1, 2, 4] } },
      { ...dataSet, '00280010': { vr: 'US', Value: [512] } },
      { ...dataSet, '00080023': { vr: 'DA', Value: ['20261127'] } },
    ]) {
      expect(jsonFingerprint(other)).not.toBe(first);
    }
    expect(first).toMatch(/^json-[\da-f]{32}$/);
  });
});
