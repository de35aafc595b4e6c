/**
 * Text in the character set that a data set names (PS3.3 C.12.1.1.2), as far as one set does for a whole value; codes that
 * switch sets inside a value (ISO 2022) are left in it. Descriptions are words to tell series apart by, and no more.
 */

import { TextDecoder } from 'node:util';

/** Defined terms of SpecificCharacterSet, without `ISO 2022` or `ISO_`, and the label that TextDecoder knows. */
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
 * Text that was read one character a byte, in its real characters.
 *
 * @param charset SpecificCharacterSet, read likewise. Without one, or with one that is not known, bytes above 127 are
 *   taken for UTF-8 where they are valid UTF-8, and for Latin-1 otherwise.
 */
export function decodeText(raw: string, charset: string | undefined): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is the same in all sets
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
