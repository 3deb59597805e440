import { assertEquals } from "@std/assert";
import { hashBytes, hashText } from "./hash.ts";

// One for each branch of the algorithm (empty, below 4, 8 and 32 bytes, above). They agree with an
// implementation written from the specification, which tests/differential checks against Spark's
// documented value.
const KNOWN: [text: string, hash: string][] = [
  ["", "98b1582b0977e704"],
  ["a", "88e4fe59adf7b0cc"],
  ["abc", "13c1d910702770e6"],
  ["spez", "82ddb3c3ce1a938a"],
  ["u_12345", "dbdcf7cfea02b196"],
  ["t2_1a2b3c4d", "92050654b91d6068"],
  ["AskReddit", "ab9b04b6ceed3acb"],
  ["ein Ü und 🎈", "30b928cf5084c83a"],
  ["a_name_of_thirty-two_characters_", "9a069e546c878d75"],
  ["a name that is longer than one stripe of 32 bytes, and then some", "290097ad58dfa60e"],
];

for (const [text, hash] of KNOWN) {
  Deno.test(`hashText() of ${JSON.stringify(text)} is what Spark's xxhash64 gives`, () => {
    assertEquals(hashText(text), hash);
    assertEquals(hashBytes(new TextEncoder().encode(text)), hash);
  });
}
