/** Resources with secrets: these are opened when a response is encoded, and what comes of it is sent and forgotten. */
import type { Sendable } from "./encode.ts";

/** Gives the secret of a reference; throws when it cannot. */
export type Open = (reference: string) => string;

/** Which resources of a response hold something that must not be kept. */
export function namesOfSecrets(resources: readonly Sendable[]): readonly string[] {
  return resources.filter(({ opened, hollow }) => opened !== undefined && hollow !== true).map(({ name }) => name);
}

/**
 * The resources as they go over the wire. One whose secret cannot be had goes with its reference, which the node refuses as it refuses
 * any broken content: the others reach it all the same.
 */
export function openedResources(
  resources: readonly Sendable[],
  open: Open,
  onError: (error: unknown) => void,
): readonly Sendable[] {
  return resources.map((resource) => {
    if (resource.opened === undefined || resource.hollow) return resource;
    try {
      return { ...resource, bytes: resource.opened(open) };
    } catch (error) {
      onError(error);
      return resource;
    }
  });
}
