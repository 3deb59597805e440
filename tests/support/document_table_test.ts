import { assertEquals, assertRejects } from "@std/assert";
import { renderTable, updateTable } from "./document_table.ts";

Deno.test("updateTable() puts new rows in place and keeps the others", async () => {
  const path = await Deno.makeTempFile({ suffix: ".md" });
  try {
    await Deno.writeTextFile(path, "Before\n<!-- t -->\n\n<!-- end of t -->\nAfter\n");
    const document = new URL(`file://${path}`);
    const place = { document, mark: "t", head: ["name", "value"], order: ["a", "b"] };
    await updateTable(place, new Map([["b", [["b", "1 | 2"], ["b", "3"]]], ["x", [["x", "-"]]]]));
    const all = await updateTable(place, new Map([["a", [["a", "0"]]]]));
    assertEquals(all, renderTable(place.head, [["a", "0"], ["b", "1 | 2"], ["b", "3"]]));
    assertEquals(
      await Deno.readTextFile(path),
      `Before\n<!-- t -->\n\n${all}\n\n<!-- end of t -->\nAfter\n`,
    );
    await assertRejects(() => updateTable({ ...place, mark: "other" }, new Map()), Error, "marks");
  } finally {
    await Deno.remove(path);
  }
});
