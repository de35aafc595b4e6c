// Loaded with --import into a command that is measured: writes its peak memory and CPU time to the file that was asked for.

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

/** On Linux getrusage's peak is at least that of the process that started this one; VmHWM is this program's own. */
function peakMegabytes() {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kilobytes) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
