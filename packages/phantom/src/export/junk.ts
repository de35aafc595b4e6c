/** Junk in exports: files that are no image of a study, one row per file. To add one, add a row. */

import { writeDicom } from '../dicom-writer.ts';
import { PHANTOM_NOTICE } from '../notice.ts';
import { Random } from '../random.ts';

export interface JunkFile {
  /** Relative to the export, with `/`. */
  readonly file: string;
  readonly what: string;
  readonly bytes: (seed: number) => Uint8Array;
}

/** 16 x 16 pixels of grey. */
const PREVIEW = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8yb' +
    'qmx5moq6T/wAALCAAQABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAABgX/xAAWEAADAAAAAAAAAAAAAAAAAAAABUH/2gAIAQEAAD8AlL4Jl8DK' +
    '+CZfD//Z',
  'base64',
);

const text = (words: string) => () => Buffer.from(words, 'latin1');
/** A signature, then noise that differs from file to file. */
const binary =
  (signature: string, length = 900) =>
  (seed: number) => {
    const random = new Random(seed, 'junk', signature, length);
    return Buffer.concat([
      Buffer.from(signature, 'latin1'),
      Buffer.from(Array.from({ length }, () => random.bits() & 255)),
    ]);
  };
const APPLE_DOUBLE = '\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ';
const OLE = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1';

export const JUNK: readonly JunkFile[] = [
  { file: 'README.txt', what: 'a text', bytes: text(`${PHANTOM_NOTICE}\r\n`) },
  { file: '.DS_Store', what: 'a folder’s view settings of macOS', bytes: binary('\0\0\0\x01Bud1') },
  { file: '__MACOSX/cd-1/._DICOMDIR', what: 'a resource fork of macOS', bytes: binary(APPLE_DOUBLE, 120) },
  { file: '__MACOSX/inbox/._IM-0001-0001.dcm', what: 'a resource fork of macOS', bytes: binary(APPLE_DOUBLE, 163) },
  { file: 'archive/._index', what: 'a resource fork of macOS', bytes: binary(APPLE_DOUBLE, 82) },
  { file: 'lost+found/#262145', what: 'a fragment that a file system check has found', bytes: binary('', 2048) },
  {
    file: '$RECYCLE.BIN/desktop.ini',
    what: 'a folder’s view settings of Windows',
    bytes: text('[.ShellClassInfo]\r\n'),
  },
  { file: '$RECYCLE.BIN/$R4T7QK2.dcm', what: 'a deleted image', bytes: deletedImage },
  { file: 'System Volume Information/WPSettings.dat', what: 'settings of Windows', bytes: binary('\x0c\0\0\0', 12) },
  { file: 'cd-1/AUTORUN.INF', what: 'starts a viewer', bytes: text('[autorun]\r\nopen=VIEWER\\VIEWER.EXE\r\n') },
  { file: 'cd-1/VIEWER/VIEWER.EXE', what: 'a viewer', bytes: binary('MZ\x90\0', 4000) },
  { file: 'cd-1/VIEWER/HELP/INDEX.HTM', what: 'a viewer’s help', bytes: text('<html><body>Help</body></html>') },
  { file: 'cd-2/README.TXT', what: 'a text', bytes: text('For viewing only.\r\n') },
  { file: 'pacs-flat/export.log', what: 'a log', bytes: text('2000-01-01 12:00:00 export begins\n') },
  { file: 'pacs-flat/2.999.0.0.0', what: 'a file without a byte', bytes: text('') },
  { file: 'pacs-flat/2.999.0.0.1', what: 'a DICOM file that ends in its meta group', bytes: cutInMeta },
  {
    file: 'pacs-flat/@eaDir/2.999.0.0.2@SynoEAStream',
    what: 'an index of a network drive',
    bytes: binary('SYNO', 200),
  },
  { file: 'archive/Thumbs.db', what: 'previews of Windows', bytes: binary(OLE, 3000) },
  { file: 'archive/preview.jpg', what: 'a preview', bytes: () => PREVIEW },
  { file: 'uids/manifest.xml', what: 'an index', bytes: text('<?xml version="1.0"?><studies/>') },
  { file: 'uids/empty.dcm', what: 'a file without a byte that is called an image', bytes: text('') },
  { file: 'workstation/thumbnails/case 1.jpeg', what: 'a preview', bytes: () => PREVIEW },
  { file: 'workstation/case 1/notes.dcm', what: 'a text that is called an image', bytes: text('not an image\n') },
  { file: 'inbox/checksums.md5', what: 'checksums', bytes: text('d41d8cd98f00b204e9800998ecf8427e  none\n') },
];

/** An MR image of a study that was deleted. */
function deletedImage(): Uint8Array {
  const [rows, columns] = [16, 16];
  return writeDicom(
    {
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
      SOPInstanceUID: '2.999.0.1.1',
      Modality: 'MR',
      SeriesDescription: 'SAG T2 FSE',
      PatientName: 'Phantom^Synthetic',
      PatientID: 'deleted',
      StudyInstanceUID: '2.999.0.1',
      SeriesInstanceUID: '2.999.0.1.0',
      InstanceNumber: 1,
      RepetitionTime: 3500,
      EchoTime: 105,
      ImagePositionPatient: [0, -100, 100],
      ImageOrientationPatient: [0, 1, 0, 0, 0, -1],
      SamplesPerPixel: 1,
      PhotometricInterpretation: 'MONOCHROME2',
      Rows: rows,
      Columns: columns,
      PixelSpacing: [10, 10],
      BitsAllocated: 16,
      BitsStored: 12,
      HighBit: 11,
      PixelRepresentation: 0,
      PixelData: new Uint8Array(2 * rows * columns),
    },
    { transferSyntax: 'explicit_little' },
  );
}

function cutInMeta(): Uint8Array {
  return deletedImage().subarray(0, 170);
}
