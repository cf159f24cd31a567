/**
 * Makes plain JSON data immutable: its objects. Lists are immutable by type only (`readonly`): elements of a frozen array are
 * read about eight times more slowly (docs/decisions/0013).
 */
export function deepFreeze<T>(value: T): T {
  if (Array.isArray(value)) for (const item of value) deepFreeze(item);
  else if (value !== null && typeof value === "object" && !Object.isFrozen(value)) {
    for (const item of Object.values(value)) deepFreeze(item);
    Object.freeze(value);
  }
  return value;
}
