import { assertEquals, assertThrows } from "@std/assert";
import {
  admitRecord,
  BATCH_PART,
  canonicalJson,
  encodeRecord,
  parseRecord,
  RecordError,
  topicOf,
  TOPICS,
  type ViewSettings,
  ViewState,
} from "@pipeline/core";
import fc from "fast-check";
import { documentsText } from "./_answers.ts";
import { anyRecord, anyRetention, anyValues, APPENDED } from "./_logs.ts";
import { assertBroken, assertHolds } from "./_property.ts";

const encoder = new TextEncoder();

const SETTINGS: ViewSettings = { userWindows: ["1h", "1d"], maxFuture: 86_400_000 };

/** All that can be seen of a state, in bytes. */
function seen(state: ViewState): unknown {
  return {
    documents: documentsText(state.documents(BATCH_PART)),
    announcements: [...state.announcements()].map((a) => canonicalJson(a)).sort(),
    counts: state.counts,
    keys: state.keys,
  };
}

/** The reason for which a record is refused. */
function refusal(fold: () => void): string | undefined {
  try {
    fold();
  } catch (error) {
    if (error instanceof RecordError) return error.message;
    throw error;
  }
}

Deno.test("ViewState folds values of a log as it folds the records that they are admitted as", () => {
  const appended = fc.constantFrom(APPENDED, APPENDED - 30 * 86_400_000);
  assertHolds(
    fc.property(anyValues, anyRetention, appended, (values, retained, timestamp) => {
      const [bytes, records] = [1, 2].map(() => new ViewState(SETTINGS, { retained }));
      for (const { topic, value } of values) {
        const { maxFuture } = SETTINGS;
        assertEquals(
          refusal(() => bytes!.admit(topic, { value, timestamp })),
          refusal(() => records!.add(admitRecord(topic, value, timestamp, { maxFuture }))),
        );
      }
      assertEquals(seen(bytes!), seen(records!));
    }),
    500,
  );
});

Deno.test("ViewState.addBytes() refuses what parseRecord() refuses, and stays as it was", () => {
  assertHolds(fc.property(anyValues, (values) => {
    const [bytes, records] = [1, 2].map(() => new ViewState(SETTINGS));
    for (const { topic, value } of values) {
      assertEquals(
        refusal(() => bytes!.addBytes(topic, value)),
        refusal(() => records!.add(parseRecord(topic, value))),
      );
    }
    assertEquals(seen(bytes!), seen(records!));
  }));
});

/** Folds the lines of each topic at once. `damage` breaks the rule on purpose. */
function linesLaw(damage: (lines: string[]) => string[] = (lines) => lines) {
  return fc.property(fc.array(anyRecord, { maxLength: 30 }), fc.boolean(), (records, spaced) => {
    const [lines, one] = [new ViewState(SETTINGS), new ViewState(SETTINGS)];
    for (const record of records) one.add(record);
    for (const topic of TOPICS) {
      const ofTopic = damage(
        records.filter((record) => topicOf(record) === topic).map(encodeRecord)
          .map((line, i) => spaced && i % 2 === 0 ? line.replace("{", "{ ") : line),
      );
      const text = ofTopic.map((line) => `${line}\n`).join("");
      assertEquals(lines.addLines(topic, encoder.encode(text)), ofTopic.length);
    }
    assertEquals(seen(lines), seen(one));
  });
}

Deno.test("ViewState.addLines() folds each line as a record of its own", () => {
  assertHolds(linesLaw());
});

Deno.test("ViewState.addLines() would differ if a line were passed over", () => {
  assertBroken(linesLaw((lines) => lines.slice(1)));
});

Deno.test("ViewState.addLines() refuses several records in a line, and half of one", () => {
  assertHolds(fc.property(anyRecord, fc.constantFrom("", ",", ", ", "\r"), (record, between) => {
    const line = encodeRecord(record);
    const fold = (text: string) =>
      new ViewState(SETTINGS).addLines(topicOf(record), encoder.encode(text));
    assertThrows(() => fold(`${line}${between}${line}\n`), RecordError, "not JSON");
    assertThrows(() => fold(`${line}\n${line.slice(0, -1)}\n`), RecordError, "not JSON");
    assertThrows(() => fold(`${line}\n\n`), RecordError, "not JSON");
    assertThrows(() => fold(`${line}\n${line}`), RangeError, "line feed");
  }));
});
