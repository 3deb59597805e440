import { assert, assertEquals, assertMatch } from "@std/assert";
import { unpackImage, writeImage } from "../../scripts/tools/images/image.ts";

const CONFIG = { user: "65532:65532", entrypoint: ["/job"], env: { A: "1" }, labels: { l: "x" } };

/** A folder with a program, a link and a folder, made at some time. */
async function files(folder: string, time: number): Promise<string> {
  await Deno.mkdir(`${folder}/etc`, { recursive: true });
  await Deno.writeTextFile(`${folder}/job`, "#!\n", { mode: 0o755 });
  await Deno.writeTextFile(`${folder}/etc/passwd`, "nonroot\n", { mode: 0o644 });
  await Deno.symlink("etc", `${folder}/link`);
  for (const path of ["job", "etc"]) await Deno.utime(`${folder}/${path}`, time, time);
  return folder;
}

Deno.test("writeImage() writes the same bytes whenever and wherever", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (name: string, time: number) => {
      const layers = [{ folder: await files(`${folder}/${name}`, time), owner: 1000 }];
      const options = { reference: "r/job:1", layers, config: CONFIG };
      const id = await writeImage(`${folder}/${name}.tar`, options);
      return [id, await Deno.readFile(`${folder}/${name}.tar`)] as const;
    };
    const [[id, bytes], again] = [await write("a", 1_000_000), await write("b", 2_000_000)];
    assertMatch(id, /^sha256:[0-9a-f]{64}$/);
    assert(id === again[0] && bytes.length === again[1].length);
    assert(bytes.every((byte, i) => byte === again[1][i]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("writeImage() writes what engines load, and unpackImage() reads it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [lower, upper] = [await files(`${folder}/lower`, 0), `${folder}/upper/etc`];
    await Deno.mkdir(upper, { recursive: true });
    await Deno.writeTextFile(`${upper}/passwd`, "somebody\n");
    const id = await writeImage(`${folder}/image.tar`, {
      reference: "r/job:1",
      layers: [{ folder: lower }, { folder: `${folder}/upper` }],
      config: CONFIG,
    });
    const list = new Deno.Command("tar", {
      args: ["-xOf", "image.tar", "manifest.json"],
      cwd: folder,
    });
    const [manifest] = JSON.parse(new TextDecoder().decode((await list.output()).stdout));
    assertEquals(manifest.Config, `${id.slice("sha256:".length)}.json`);
    assertEquals([manifest.RepoTags, manifest.Layers.length], [["r/job:1"], 2]);

    await Deno.mkdir(`${folder}/root`);
    const env = await unpackImage(`${folder}/image.tar`, `${folder}/root`);
    assertEquals(env.A, "1");
    assertEquals(await Deno.readTextFile(`${folder}/root/link/passwd`), "somebody\n");
    assertEquals((await Deno.stat(`${folder}/root/job`)).mode! & 0o777, 0o755);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
