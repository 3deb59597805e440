import { assertEquals } from "@std/assert";
import { nearest, suggestion } from "./nearest.ts";

Deno.test("nearest() finds the word with the fewest changes", () => {
  const words = ["kafka.brokers", "kafka.clientId", "port"];
  assertEquals(nearest("kafak.brokers", words), "kafka.brokers");
  assertEquals(nearest("kafka.clientid", words), "kafka.clientId");
  assertEquals(nearest("prot", words), "port");
  assertEquals(nearest("completely-else", words), undefined);
  assertEquals(nearest("x".repeat(10_000), words), undefined);
});

Deno.test("suggestion() lists the known words when none is close", () => {
  assertEquals(suggestion("prot", ["port"]), '; did you mean "port"?');
  assertEquals(suggestion("elsewhere", ["port", "rate"]), "; known: port, rate");
  assertEquals(suggestion("elsewhere", []), "");
});
