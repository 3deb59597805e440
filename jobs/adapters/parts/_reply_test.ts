import { hasCode } from "@pipeline/core";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { readParts, readText } from "./_reply.ts";
import { echo } from "./testing/pod.ts";

const PART = echo(0, 1, { questions: [{ view: "top_posts", keys: ["a"] }] });

Deno.test("readText() reads up to a limit, and cancels what exceeds it", async () => {
  let cancelled = 0;
  const response = () => {
    const chunks = ["é", "a", "b"].map((text) => new TextEncoder().encode(text));
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => void cancelled++,
    }, { highWaterMark: 0 });
    return new Response(body);
  };
  assertEquals([await readText(response(), 4), cancelled], ["éab", 0]);
  const error = await assertRejects(() => readText(response(), 3));
  assertEquals([hasCode(error, "too_large"), cancelled], [true, 1]);
  assertEquals(await readText(new Response(null), 0), "");
});

Deno.test("readParts() reads parts, with a stopped partition or without", () => {
  const stopped = { ...PART, stopped: { topic: "reddit.posts", partition: 0 } };
  const text = JSON.stringify({ parts: [PART, stopped], more: 1 });
  assertEquals(
    JSON.stringify(readParts(text, 1)),
    JSON.stringify({ parts: [PART, stopped], problems: [] }),
  );
});

Deno.test("readParts() drops a part of another form alone, and reports why", () => {
  const wrong: [part: unknown, why: string][] = [
    [null, "A part is no object"],
    [[], "A part is no object"],
    [{ ...PART, topic: "reddit.dogs" }, "A part's topic is unknown"],
    [{ ...PART, partition: "0" }, 'A part\'s "partition" is no integer from 0'],
    [{ ...PART, next_offset: 2 ** 53 }, 'A part\'s "next_offset" is no integer from 0'],
    [{ ...PART, records: -1 }, 'A part\'s "records" is no integer from 0'],
    [{ ...PART, keys: undefined }, 'A part\'s "keys" is no integer from 0'],
    [{ ...PART, stopped: true }, 'A part\'s "stopped" is no object'],
    [{ ...PART, answers: undefined }, "A part does not have one answer per question"],
    [{ ...PART, answers: [[], []] }, "A part does not have one answer per question"],
    [{ ...PART, answers: [{}] }, "A part's answer is no list"],
  ];
  for (const [part, why] of wrong) {
    assertEquals(readParts(JSON.stringify({ parts: [part, PART] }), 1), {
      parts: [PART],
      problems: [why],
    });
  }
});

Deno.test("readParts() refuses what is no list of parts", () => {
  for (const text of ["", "{", "null", "[]", "{}", '{"parts":{}}']) {
    assert(hasCode(assertThrows(() => readParts(text, 1)), "corrupt"), text);
  }
});
