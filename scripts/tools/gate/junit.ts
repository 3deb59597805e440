/** One test of a JUnit report. */
export interface TestResult {
  /** Path of the test file in the report, without a leading `./`. */
  file: string;
  /** Name of the test; a step's name follows its test's after ` > `. */
  name: string;
  /** A test that was running when the run was ended is cancelled. */
  outcome: "passed" | "failed" | "cancelled" | "skipped";
  /** First line of a failed test's error. */
  why?: string;
  /** Duration in seconds. */
  seconds: number;
}

/**
 * Parses the report that `deno test --junit-path` writes. Angle brackets and quotes within names
 * and messages are escaped there, so that every `<testcase` is an element.
 */
export function parseJunit(xml: string): TestResult[] {
  if (!xml.trimEnd().endsWith("</testsuites>")) throw new SyntaxError("The report is cut off");
  const cases = xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs);
  return Array.from(cases, ([, attributes = "", body = ""]) => {
    const outcome = outcomeOf(body);
    return {
      file: attribute(attributes, "classname").replace(/^\.\//, ""),
      name: attribute(attributes, "name"),
      outcome,
      ...(outcome === "failed" ? { why: reasonOf(body) } : {}),
      seconds: Number(attribute(attributes, "time", "0")),
    };
  });
}

/** Most characters of a reason in a list of failures. */
const LONGEST_REASON = 240;

function reasonOf(body: string): string {
  const [failure = ""] = body.match(/<(?:failure|error) [^>]*>/) ?? [];
  const [line = ""] = attribute(failure, "message", "").split("\n");
  const reason = line.replace(/^Uncaught (\(in promise\) )?/, "");
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}...` : reason;
}

function outcomeOf(body: string): TestResult["outcome"] {
  if (body.includes('<error message="Cancelled"')) return "cancelled";
  if (/<(failure|error)[ >/]/.test(body)) return "failed";
  return body.includes("<skipped") ? "skipped" : "passed";
}

function attribute(attributes: string, name: string, fallback?: string): string {
  const value = attributes.match(new RegExp(`(?:^|\\s)${name}="([^"]*)"`))?.[1] ?? fallback;
  if (value === undefined) throw new SyntaxError(`A test case of the report has no ${name}`);
  return unescape(value);
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescape(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (entity, body: string) => {
    if (!body.startsWith("#")) return ENTITIES[body] ?? entity;
    const hex = body[1]!.toLowerCase() === "x";
    return String.fromCodePoint(parseInt(body.slice(hex ? 2 : 1), hex ? 16 : 10));
  });
}
