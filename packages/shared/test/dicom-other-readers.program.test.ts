/** Spineline reads every file with odd elements that pydicom or DCMTK reads. */

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { storedValues } from './support/dicom-stored.ts';
import { fileWith, VALUES } from './support/image-file.ts';
import { ODD_ELEMENTS } from './support/odd-elements.ts';
import { pythonWith } from './support/python-with.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const python = pythonWith('pydicom', 'numpy');
const dcmtk = spawnSync('dcmdump', ['--version'], { stdio: 'ignore' }).error === undefined;

describe('what pydicom or DCMTK reads', () => {
  const others = [python ? [] : ['python3 with pydicom'], dcmtk ? [] : ['dcmdump']].flat();
  it.skipIf(others.length > 0)(
    `is read${others.length ? ` (no ${others.join(', no ')} here)` : ''}`,
    { timeout: 180_000 },
    async () => {
      const folder = await temporaryFolder();
      const files = Object.entries(ODD_ELEMENTS).flatMap(([name, make], index) =>
        (['00091001', '00191001', '00181020', '00321001'] as const).map((tag) => {
          const file = path.join(folder, `${index}-${tag}.dcm`);
          writeFileSync(file, fileWith([make(tag, true)]));
          return { name: `${name} as ${tag}`, file };
        }),
      );
      const script = [
        'import sys, warnings, pydicom',
        'warnings.filterwarnings("ignore")',
        'for name in sys.argv[1:]:',
        '  try: print(",".join(str(v) for v in pydicom.dcmread(name).pixel_array.flatten()))',
        '  except Exception as error: print("-")',
      ].join('\n');
      const byPydicom = execFileSync(python!, ['-c', script, ...files.map(({ file }) => file)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).split('\n');
      const dump = spawnSync('dcmdump', ['+F', '+P', '7fe0,0010', ...files.map(({ file }) => file)], {
        encoding: 'utf8',
      });
      // A line with the name of the file comes before what is in it.
      const dumps = new Map(dump.stdout.split(/^# dcmdump .*?: /m).map((text) => [text.split('\n')[0], text]));
      let readable = 0;
      for (const [index, { name, file }] of files.entries()) {
        const byDcmtk = dumps.get(file)?.includes('OW ffff\\0002\\fed4\\0004\\7fff\\8000') ?? false;
        if (byPydicom[index] !== VALUES.join(',') && !byDcmtk) continue;
        readable += 1;
        const bytes = fileWith([ODD_ELEMENTS[name.replace(/ as \d+$/, '')]!(path.basename(file).slice(-12, -4), true)]);
        expect([...(await storedValues(bytes, 0, { file: name }))], name).toEqual(VALUES);
      }
      expect(readable).toBeGreaterThan(40);
    },
  );
});
