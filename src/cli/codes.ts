/** Codes of problems that the command line finds before a model is there. */
import type { ErrorCodes } from "../errors/codes.ts";

/** What can be wrong with a file as such. */
export const cliCodes = {
  "DOCUMENT-SYNTAX": {
    status: 400,
    title: "No YAML",
    explanation: "The file is not well-formed YAML or JSON, or has a key twice. Line and column say where it broke.",
  },
  "DOCUMENT-EMPTY": {
    status: 400,
    title: "Nothing in the file",
    explanation: "A file with nothing in it is taken for a mistake. Write `{}` for a configuration without resources.",
  },
  "DOCUMENT-GEO-FILE": {
    status: 400,
    title: "Bad file of a geo table",
    explanation:
      "The file that `entriesFrom` of a geo table names cannot be read, or has a line that is not `cidr,label`. Its path is from the folder of the document.",
  },
  "DOCUMENT-TEXT-FILE": {
    status: 400,
    title: "A file that is named cannot be read",
    explanation:
      "A field says `file:PATH`, and that file is not there, cannot be read or is too large. The path is from the folder of the document.",
  },
} as const satisfies ErrorCodes;
