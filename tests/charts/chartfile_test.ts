import { CHART, CHARTS } from "@pipeline/tools/charts";
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";

async function yaml(path: string) {
  return parse(await Deno.readTextFile(path));
}

const chartfile = await yaml("Chartfile");

Deno.test("the Chartfile lists the charts that there are, in their versions", async () => {
  const folders = (await Array.fromAsync(Deno.readDir(chartfile.directory))).map(({ name }) =>
    name
  );
  const { requires } = chartfile;
  assertEquals(requires.map(({ chart }: { chart: string }) => chart).sort(), folders.sort());
  const umbrella = await yaml(`${CHART}/Chart.yaml`);
  assertEquals(
    umbrella.dependencies.map(({ name, version }: Record<string, string>) => ({ name, version })),
    requires.map(({ chart, version }: Record<string, string>) => ({ name: chart, version })),
  );
  for (const { chart, version } of requires) {
    const own = await yaml(`${chartfile.directory}/${chart}/Chart.yaml`);
    assertEquals([own.name, own.version], [chart, version]);
  }
});

Deno.test("a chart's image and version are the Chartfile's", async () => {
  for (const { chart, image, job } of chartfile.requires) {
    if (chart === "common") continue;
    const folder = `${chartfile.directory}/${chart}`;
    const { appVersion } = await yaml(`${folder}/Chart.yaml`);
    assertEquals((await yaml(`${folder}/values.yaml`)).image.repository, image);
    if (job === undefined) {
      assertEquals(appVersion, chartfile.servers[chart].upstream);
    } else {
      const manifest = JSON.parse(await Deno.readTextFile(`${job}/deno.json`));
      assertEquals(appVersion, manifest.version);
    }
  }
});

Deno.test("every chart but the library has values that are described", () => {
  const charts = chartfile.requires.map(({ chart }: { chart: string }) => chart);
  assertEquals(CHARTS.toSorted(), charts.filter((name: string) => name !== "common").sort());
  assert(charts.includes("common"));
});
