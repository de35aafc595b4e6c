import { SEVERITIES, TASKS } from '@spineline/shared/domain';
import { describe, expect, it } from 'vitest';
import { Random } from '../src/random.ts';
import { drawSeverities, severityOf } from '../src/severity.ts';

const STUDIES = Array.from({ length: 3000 }, (_, index) => drawSeverities(new Random(1, index)));
const ALL = STUDIES.flat();

describe('severities of the phantom', () => {
  it("have about the challenge's class shares", () => {
    const wanted = { scs: [0.87, 0.08, 0.05], nfn: [0.77, 0.19, 0.04], ss: [0.7, 0.2, 0.1] } as const;
    for (const task of TASKS) {
      const drawn = ALL.filter(({ target }) => target.task === task);
      SEVERITIES.forEach((severity, index) => {
        const share = drawn.filter((one) => one.severity === severity).length / drawn.length;
        expect(Math.abs(share - wanted[task][index]!)).toBeLessThan(0.02);
      });
    }
  });

  it('are worst at L4/L5', () => {
    const mean = (level: string) => {
      const drawn = ALL.filter(({ target }) => target.level === level && target.task !== 'nfn');
      return drawn.reduce((sum, one) => sum + one.narrowing, 0) / drawn.length;
    };
    for (const level of ['l1_l2', 'l2_l3', 'l3_l4', 'l5_s1']) expect(mean('l4_l5')).toBeGreaterThan(mean(level));
  });

  it('follow from the narrowing, which is a share', () => {
    expect(ALL.filter(({ narrowing }) => !(narrowing >= 0 && narrowing < 1))).toEqual([]);
    expect(ALL.filter(({ narrowing, severity }) => severityOf(narrowing) !== severity)).toEqual([]);
  });

  it('go together within a patient', () => {
    const counts = STUDIES.map((study) => study.filter((one) => one.severity === 'normal_mild').length);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / counts.length;
    // 25 independent draws would have a variance of about 4.
    expect(variance).toBeGreaterThan(8);
  });
});
