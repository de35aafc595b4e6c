// Loaded with --import into a measured command: writes its peak memory and CPU time to SPINELINE_TEST_USAGE_FILE.

import { readFileSync, writeFileSync } from 'node:fs';

const file = process.env.SPINELINE_TEST_USAGE_FILE;
if (file) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    writeFileSync(
      file,
      JSON.stringify({ megabytes: peakMegabytes(), cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 }),
    );
  });
}

/** On Linux the peak of getrusage includes that of the parent process; VmHWM is of this process only. */
function peakMegabytes() {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kilobytes) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
