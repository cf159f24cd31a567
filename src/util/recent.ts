/** What was asked for lately, by text, in bounded memory. */

export interface Recent<Value> {
  get(key: string): Value | undefined;
  /** `bytes`: about what key and value take. */
  set(key: string, value: Value, bytes: number): void;
}

/**
 * Keeps about `maxBytes`: what was asked for since the younger half began, and what was before. So a list that is longer than the
 * memory, walked over and over, costs what does not fit and not all of it.
 */
export function createRecent<Value>(maxBytes: number): Recent<Value> {
  interface Entry {
    readonly value: Value;
    readonly bytes: number;
  }
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let youngBytes = 0;
  const put = (key: string, entry: Entry): void => {
    if (youngBytes + entry.bytes > maxBytes / 2) {
      old = young;
      young = new Map();
      youngBytes = 0;
    }
    young.set(key, entry);
    youngBytes += entry.bytes;
  };
  return {
    get(key) {
      const found = young.get(key);
      if (found !== undefined) return found.value;
      const older = old.get(key);
      if (older === undefined) return undefined;
      old.delete(key);
      put(key, older);
      return older.value;
    },
    set(key, value, bytes) {
      if (!young.has(key)) put(key, { value, bytes });
    },
  };
}
