/** What a table of hostnames has for a name: that of the name itself, else of the longest wildcard above it, else of `*`. */
export function mostSpecific<Value>(known: ReadonlyMap<string, Value>, name: string): Value | undefined {
  const own = known.get(name);
  if (own !== undefined) return own;
  const labels = name.split(".");
  for (let from = 1; from < labels.length; from++) {
    const wildcard = `*.${labels.slice(from).join(".")}`;
    if (known.has(wildcard)) return known.get(wildcard);
  }
  return known.get("*");
}
