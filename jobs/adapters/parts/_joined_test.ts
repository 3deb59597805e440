import { PARTS_BOUNDS, type PartsQuestion, type PartsRequest } from "@pipeline/protocol";
import { assertEquals } from "@std/assert";
import { isWithinBounds, join, prepare } from "./_joined.ts";

function request(questions: readonly PartsQuestion[], generation = 1): PartsRequest {
  return { generation, identity: 'd"', questions };
}

function keys(...names: readonly string[]): PartsQuestion {
  return { view: "top_posts", keys: names };
}

function joined(...requests: readonly [PartsRequest, ...PartsRequest[]]) {
  const [first, ...others] = requests;
  return join([prepare(first), ...others.map(prepare)]);
}

const MANY = Array.from({ length: PARTS_BOUNDS.keys }, (_, i) => String(i));

Deno.test("join() writes a single request as it is", () => {
  const alone = request([keys("a"), { totals: { window: "1h", from: 0, to: 1 } }]);
  assertEquals(JSON.parse(joined(alone).body), alone);
  assertEquals(JSON.parse(joined(request([])).body), request([]));
});

Deno.test("join() asks equal questions once, and reports the place of each", () => {
  const { body, questions, places } = joined(
    request([keys("a"), keys("b")]),
    request([keys("b"), keys("c"), keys("a")]),
    request([]),
    request([keys("a")], 2),
  );
  assertEquals(JSON.parse(body), request([keys("a"), keys("b"), keys("c")]));
  assertEquals(questions, 3);
  assertEquals(places, [[0, 1], [1, 2, 0], [], undefined]);
});

Deno.test("join() leaves out what exceeds a bound, and takes what fits after it", () => {
  const cases: [first: PartsQuestion[], tooMuch: PartsQuestion[]][] = [
    [[keys("a")], Array.from({ length: PARTS_BOUNDS.questions }, (_, i) => keys(`b${i}`))],
    [[keys("a")], [keys(...MANY)]],
    [[keys("a")], [keys("é".repeat(PARTS_BOUNDS.body / 2 - 50))]],
  ];
  for (const [first, tooMuch] of cases) {
    assertEquals(isWithinBounds(prepare(request(tooMuch))), true);
    const { places } = joined(request(first), request(tooMuch), request([keys("c")]));
    assertEquals(places, [[0], undefined, [1]]);
  }
});

Deno.test("isWithinBounds() is about questions, keys, and bytes of the text", () => {
  const most = Array.from({ length: PARTS_BOUNDS.questions }, (_, i) => keys(`${i}`));
  const bytes = (letter: string, count: number) => request([keys(letter.repeat(count))]);
  const around = JSON.stringify(request([keys("")])).length;
  const room = PARTS_BOUNDS.body - around - 1;
  const cases: [boolean, PartsRequest][] = [
    [true, request(most)],
    [false, request([...most, keys("one more")])],
    [true, request([keys(...MANY)])],
    [false, request([keys(...MANY), keys("one more")])],
    [true, bytes("a", room)],
    [false, bytes("a", room + 2)],
    [false, bytes("é", room / 2 + 1)],
  ];
  for (const [expected, tried] of cases) assertEquals(isWithinBounds(prepare(tried)), expected);
});
