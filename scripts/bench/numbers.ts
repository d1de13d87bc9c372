/** Figures out of samples. */

/** @param part 0 to 1, such as 0.99; nearest rank. */
export function percentile(samples: number[], part: number): number {
  if (samples.length === 0) throw new Error('no sample was taken');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] as number;
}

export const mean = (samples: number[]): number => samples.reduce((sum, one) => sum + one, 0) / samples.length;

/** Time of the system's monotonic clock, the same in every process of the machine. Milliseconds. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Time on a core that `work` took, collectors included: other programs do not disturb it. Milliseconds. */
export async function cpuTimed(work: () => void | Promise<void>): Promise<number> {
  const from = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1_000;
}
