import { type Browser, chromium } from "playwright-core";

/**
 * Starts a headless browser: the one that `CHROME_PATH` names (scripts/test sets it), else the one
 * that scripts/chromium finds or installs. There is no way to skip: without a browser it throws.
 */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: Deno.env.get("CHROME_PATH") ?? await findBrowser(),
    // As root, and in containers with a small /dev/shm, Chromium starts only like this.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}

async function findBrowser(): Promise<string> {
  const script = new URL("../../scripts/chromium", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(script, { stderr: "inherit" }).output();
  if (!success) throw new Error("There is no Chromium for the browser test");
  return new TextDecoder().decode(stdout).trim();
}
