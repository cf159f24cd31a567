/** Rules told apart by cookies: names and values as they were sent, the first of a repeated one. */
import { conditionCases } from "../harness/conditions.ts";

const cookie = (line: string, taker: string) => ({ headers: [["Cookie", line]] as const, taker });

conditionCases({
  field: "cookies",
  host: "cookies.e2e.example",
  rules: {
    exact: { cookies: [{ name: "c", exact: "1" }] },
    odd: { cookies: [{ name: "odd", exact: "a=b&$x'%20{}" }] },
    regex: { cookies: [{ name: "c", regex: "a.*z" }] },
    both: {
      cookies: [
        { name: "c", exact: "2" },
        { name: "d", present: true },
      ],
    },
    present: { cookies: [{ name: "flag", present: true }] },
    absent: {
      cookies: [
        { name: "c", absent: true },
        { name: "keep", exact: "yes" },
      ],
    },
  },
  rows: [
    cookie("c=1", "exact"),
    cookie("a=b; c=1; d=e", "exact"),
    cookie("a=b;c=1", "exact"),
    cookie("c=1; c=9", "exact"),
    cookie("c=9; c=1", "none"),
    cookie("C=1", "none"),
    cookie("xc=1", "none"),
    cookie("x=c=1", "none"),
    cookie("c=1x", "none"),
    cookie('c="1"', "none"),
    cookie("odd=a=b&$x'%20{}", "odd"),
    cookie("odd=a", "none"),
    cookie("c=abcz", "regex"),
    cookie("c=az", "regex"),
    cookie("c=a; d=z", "none"),
    cookie("c=", "none"),
    cookie("c=2", "none"),
    cookie("c=2; d=x", "both"),
    cookie("d=x; c=2", "both"),
    cookie("flag=0", "present"),
    cookie("flag=", "none"),
    cookie("flag", "none"),
    cookie("flags=1", "none"),
    cookie("keep=yes", "absent"),
    cookie("keep=yes; c=", "absent"),
    cookie("keep=yes; c=7", "none"),
    { taker: "none" },
  ],
});
