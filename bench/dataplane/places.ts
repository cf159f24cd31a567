/** Where things are. */
import { join } from "node:path";

/** The repository. */
export const root = join(import.meta.dirname, "../..");
/** The hand-written files. */
export const expertFolder = join(root, "bench/expert");
/** The model that they are written for. */
export const modelFile = join(import.meta.dirname, "model.yaml");
/** The built program: the bench asks it as a user does. */
export const program = join(root, "dist/main.js");
/** Reports, not in Git. */
export const reports = join(root, ".trimtab/reports");
