// Loaded with --import into a command that is measured: leaves its peak memory and CPU time where it was asked to.

import { writeFileSync } from 'node:fs';

const file = process.env.SPINELINE_TEST_USAGE_FILE;
if (file) {
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    writeFileSync(file, JSON.stringify({ megabytes: maxRSS / 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }));
  });
}
