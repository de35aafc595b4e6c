/** From members' answers in slices of stage 1's volume to slices of the series. */

import { describe, expect, it } from 'vitest';
import { TARGETS } from '../domain/index.ts';
import { membersOfStudy } from '../reports/member-slices.ts';
import type { FoundSlice, ZArtefact } from '../stages/index.ts';

const DEPTH = 32;

type Members = FoundSlice['members'];
const found = (members: Members): FoundSlice => ({ index: 0, instance: 1, confidence: 1, members, point: null });
const five = (members: Members) => Array.from({ length: 5 }, () => found(members));

function study(members: Members, slices: number) {
  const z: ZArtefact = {
    schema: 'spineline.z/1',
    scs: { series: 't2', levels: five(members) },
    nfn: null,
    axial: [null, null, null, null, null],
    flags: [],
  };
  // Instance numbers run against the order.
  const instances = Array.from({ length: slices }, (_, i) => 100 - i);
  const common = { used: true, rows: 4, columns: 4, frameOfReference: 0 };
  const result = {
    series: [{ series: 't2', kind: 'sagittal_t2' as const, instances, ...common }],
    targets: TARGETS.map(({ name }) => ({ name })) as never,
  };
  return membersOfStudy(z, result, DEPTH);
}
const answers = (members: Members, slices: number) =>
  study(members, slices)
    .get('spinal_canal_stenosis_l1_l2')!
    .map(({ member, instance }) => [member, 100 - instance]);

describe('the slices of members', () => {
  it('are rounded half up and kept inside the series', () => {
    const members: Members = [
      { kind: 'cls', z: 7 },
      { kind: 'reg', z: 7.5 },
    ];
    expect(answers(members, 15)).toEqual([
      ['cls', 7],
      ['reg', 8],
    ]);
    expect(answers([{ kind: 'reg', z: 20.2 }], 15)).toEqual([['reg', 14]]);
    expect(answers([{ kind: 'reg', z: -0.7 }], 15)).toEqual([['reg', 0]]);
  });

  it('go through the choice of slices where the series has more than the volume', () => {
    // 40 slices in 32: position 12 is slice floor(12.5 * 40 / 32) = 15, position 31 is floor(31.5 * 1.25) = 39.
    const members: Members = [
      { kind: 'cls', z: 12 },
      { kind: 'reg', z: 31.4 },
    ];
    expect(answers(members, 40)).toEqual([
      ['cls', 15],
      ['reg', 39],
    ]);
  });

  it('are numbered where there are several of a kind', () => {
    const members: Members = [
      { kind: 'cls', z: 1 },
      { kind: 'cls', z: 2 },
      { kind: 'reg', z: 3 },
    ];
    expect(answers(members, 15)).toEqual([
      ['cls 1', 1],
      ['cls 2', 2],
      ['reg', 3],
    ]);
  });

  it('are known of targets only whose series stage 1 read', () => {
    const names = [...study([{ kind: 'cls', z: 1 }], 15).keys()];
    expect(names).toEqual(TARGETS.filter(({ task }) => task === 'scs').map(({ name }) => name));
  });
});
