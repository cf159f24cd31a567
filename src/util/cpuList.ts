/** Lists of CPUs as the kernel, taskset and container runtimes write them: `0-3,8`. */

/** The numbers, as they stand there; null where a range runs backwards or a number comes twice. */
export function parseCpuList(text: string): readonly number[] | null {
  const found: number[] = [];
  for (const part of text.split(",")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    if (last < first) return null;
    for (let cpu = first; cpu <= last; cpu++) found.push(cpu);
  }
  return new Set(found).size === found.length ? found : null;
}
