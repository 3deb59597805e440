import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MemberSets, MemberTable } from "./_members.ts";
import { Distinct, Member } from "./distinct.ts";
import { hashText } from "./hash.ts";

/** Ranges of names, for sets of many sizes, and stored forms. */
const operation = fc.record({
  set: fc.nat(2),
  from: fc.nat(150),
  count: fc.oneof(fc.nat(3), fc.nat(140)),
  stored: fc.boolean(),
});

Deno.test("MemberSets holds several sets, each like a Distinct", () => {
  fc.assert(fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
    const members = new MemberTable();
    const sets = new MemberSets(members);
    const models = [0, 1, 2].map(() => ({ set: sets.make(), distinct: new Distinct() }));
    for (const { set: of, from, count, stored } of operations) {
      const { set, distinct } = models[of]!;
      const names = Array.from({ length: count }, (_, i) => `u${from + i}`);
      if (stored) {
        const other = new Distinct();
        for (const name of names) other.add(Member.of(name));
        sets.addStored(set, `${other}`);
        distinct.addStored(`${other}`);
      } else {
        for (const name of names) {
          assertEquals(sets.add(set, members.of(name)), distinct.add(Member.of(name)));
        }
      }
      for (const { set, distinct } of models) {
        assertEquals(sets.text(set), distinct.toString());
        assertEquals(sets.count(set), distinct.count());
        assertEquals(sets.isEmpty(set), distinct.empty);
      }
    }
  }));
});

Deno.test("MemberTable gives one number to a text and to its hash", () => {
  const members = new MemberTable();
  const number = members.of("a");
  assertEquals(members.ofHash(hashText("a")), number);
  assertEquals(members.hash(number), hashText("a"));
  assert(members.of("b") !== number);
});
