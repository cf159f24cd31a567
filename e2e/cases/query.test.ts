/** Rules told apart by query parameters: names and values as they were sent, the first of a repeated one. */
import { conditionCases } from "../harness/conditions.ts";

conditionCases({
  field: "query",
  host: "query.e2e.example",
  rules: {
    exact: { query: [{ name: "v", exact: "1" }] },
    odd: { query: [{ name: "odd", exact: `a=b;"$x'\\%20{` }] },
    regex: { query: [{ name: "v", regex: "[a-c]+" }] },
    both: {
      query: [
        { name: "v", exact: "2" },
        { name: "w", present: true },
      ],
    },
    present: { query: [{ name: "flag", present: true }] },
    absent: {
      query: [
        { name: "v", absent: true },
        { name: "keep", exact: "yes" },
      ],
    },
  },
  rows: [
    { path: "/?v=1", taker: "exact" },
    { path: "/?a&v=1&b", taker: "exact" },
    { path: "/?v=1&v=9", taker: "exact" },
    { path: "/?v=9&v=1", taker: "none" },
    { path: "/?V=1", taker: "none" },
    { path: "/?xv=1", taker: "none" },
    { path: "/?v=%31", taker: "none" },
    { path: "/?v=1x", taker: "none" },
    { path: `/?odd=a=b;"$x'\\%20{`, taker: "odd" },
    { path: "/?odd=a", taker: "none" },
    { path: "/?v=abc", taker: "regex" },
    { path: "/?v=abcd", taker: "none" },
    { path: "/?v=", taker: "none" },
    { path: "/?v=2", taker: "none" },
    { path: "/?v=2&w", taker: "both" },
    { path: "/?w=&v=2", taker: "both" },
    { path: "/?flag", taker: "present" },
    { path: "/?flag=", taker: "present" },
    { path: "/?flag=0", taker: "present" },
    { path: "/?flags", taker: "none" },
    { path: "/?keep=yes", taker: "absent" },
    { path: "/?keep=yes&v", taker: "none" },
    { path: "/", taker: "none" },
    { path: "/??v=1", taker: "none" },
    { path: "/?x?v=1&v=1", taker: "exact" },
  ],
});
