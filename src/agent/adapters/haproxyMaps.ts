/** Changes maps of a running HAProxy, and looks whether it has them then. */
import type { RuntimeMap } from "../../targets/target.ts";

/** All answers as one. */
export type Ask = (commands: readonly string[]) => Promise<string>;

/** A map that is replaced has all its lines at once, by a version of its own. */
export async function changeMaps(ask: Ask, maps: readonly RuntimeMap[]): Promise<void> {
  for (const { path, isWhole, entries } of maps) {
    if (isWhole) {
      const version = /version created: (\d+)/.exec(await ask([`prepare map ${path}`]))?.[1] ?? "none";
      const lines = entries.map(({ key, value }) => `add map @${version} ${path} ${key} ${value}`);
      await ask([...lines, `commit map @${version} ${path}`]);
    } else {
      await ask(entries.map(({ key, value }) => `set map ${path} ${key} ${value}`));
    }
  }
}

/** Null, or which map is not as it is to be. */
export async function whatMapIsWrong(ask: Ask, maps: readonly RuntimeMap[]): Promise<string | null> {
  for (const { path, isWhole, entries } of maps) {
    const found = isWhole ? await whole(ask, path) : await single(ask, path, entries);
    const wanted = entries.map(({ key, value }) => `${key} ${value}`);
    if (found.join("\n") !== wanted.join("\n")) return `${path} is not as it is to be`;
  }
  return null;
}

/** Each line begins with an address in memory. */
async function whole(ask: Ask, path: string): Promise<readonly string[]> {
  const lines = (await ask([`show map ${path}`])).split("\n");
  return lines.filter((line) => line.startsWith("0x")).map((line) => line.slice(line.indexOf(" ") + 1));
}

async function single(ask: Ask, path: string, entries: RuntimeMap["entries"]): Promise<readonly string[]> {
  const answer = await ask(entries.map(({ key }) => `get map ${path} ${key}`));
  const values = [...answer.matchAll(/\bvalue="([^"]*)"/g)].map((match) => match[1]);
  return entries.map(({ key }, index) => `${key} ${values[index]}`);
}
