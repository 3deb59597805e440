import { assertEquals, assertStringIncludes } from "@std/assert";

const PROGRAM = new URL("../../scripts/tools/gate/shellcheck.ts", import.meta.url).pathname;

Deno.test("shellcheck finds what is wrong with scripts of bash and of sh, and nothing else", async () => {
  const folder = await Deno.makeTempDir();
  const check = async () => {
    const args = ["run", "--allow-all", "--no-check", PROGRAM];
    const options = { args, cwd: folder, stdin: "null" } as const;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  try {
    await new Deno.Command("git", { args: ["init", "--quiet"], cwd: folder }).output();
    await Deno.mkdir(`${folder}/scripts/tools`, { recursive: true });
    await Deno.writeTextFile(`${folder}/scripts/a`, '#!/usr/bin/env bash\ncd / && echo "$1"\n');
    await Deno.writeTextFile(`${folder}/scripts/tools/a.ts`, "echo $1\n");
    assertEquals(await check(), { code: 0, text: "" });
    await Deno.writeTextFile(`${folder}/scripts/b`, "#!/usr/bin/env bash\necho $1\n");
    const bash = await check();
    assertEquals(bash.code, 1);
    assertStringIncludes(bash.text, "In scripts/b line 2:");
    await Deno.remove(`${folder}/scripts/b`);
    await Deno.writeTextFile(`${folder}/start.sh`, '# no bash\n[[ "$1" ]]\n');
    const sh = await check();
    assertEquals(sh.code, 1);
    assertStringIncludes(sh.text, "In POSIX sh, [[ ]] is undefined");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
