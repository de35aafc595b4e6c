/**
 * Decodes text in the character set that a data set names (PS3.3 C.12.1.1.2). One set is used for a whole value: escape
 * codes that switch sets within a value (ISO 2022) stay in the text. This is enough to find words in descriptions.
 */

import { TextDecoder } from 'node:util';

/** Defined terms of SpecificCharacterSet without `ISO 2022` or `ISO_`, and the label for TextDecoder. */
const LABELS: Readonly<Record<string, string>> = {
  'IR 100': 'iso-8859-1',
  'IR 101': 'iso-8859-2',
  'IR 109': 'iso-8859-3',
  'IR 110': 'iso-8859-4',
  'IR 144': 'iso-8859-5',
  'IR 127': 'iso-8859-6',
  'IR 126': 'iso-8859-7',
  'IR 138': 'iso-8859-8',
  'IR 148': 'iso-8859-9',
  'IR 203': 'iso-8859-15',
  'IR 166': 'windows-874',
  'IR 13': 'shift_jis',
  'IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

const decoders = new Map<string, TextDecoder>();

/**
 * Decodes a text.
 *
 * @param raw the bytes as Latin-1: one character per byte
 * @param charset SpecificCharacterSet, also as Latin-1. If it is absent or unknown, bytes above 127 count as UTF-8 if
 *   they are valid UTF-8, else as Latin-1.
 */
export function decodeText(raw: string, charset: string | undefined): string {
  // oxlint-disable-next-line no-control-regex -- ASCII is the same in all character sets
  if (/^[\x00-\x7f]*$/.test(raw)) return raw;
  const term = charset
    ?.split('\\')
    .map((one) => one.replace(/^ISO(_| 2022 )/, '').replace(/[\0 ]+$/, ''))
    .find((one) => one !== '');
  const label = term === undefined ? undefined : LABELS[term];
  const bytes = Buffer.from(raw, 'latin1');
  if (label !== undefined) return decoderOf(label).decode(bytes);
  const utf8 = decoderOf('utf-8').decode(bytes);
  return utf8.includes('\ufffd') ? raw : utf8;
}

function decoderOf(label: string): TextDecoder {
  let decoder = decoders.get(label);
  if (!decoder) {
    decoder = new TextDecoder(label);
    decoders.set(label, decoder);
  }
  return decoder;
}
