/**
 * `scripts/chromium`.
 *
 * @module
 */

import { help } from "./run.ts";
import { installPackage } from "./servers/mod.ts";

const USAGE = `Usage: scripts/chromium

Prints the path of a Chromium or Chrome: $CHROME_PATH, else a browser on the PATH, else the
distribution's, installed with apt-get as root or with passwordless sudo.`;

const BROWSERS = [
  Deno.env.get("CHROME_PATH") ?? "",
  ...["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

async function findBrowser(): Promise<string | undefined> {
  // Checks the version, since some distributions have a stub that only prints how to install it.
  const script = `for browser; do
    if path=$(command -v "$browser") && "$path" --version >/dev/null 2>&1; then echo "$path" && exit; fi
  done`;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script, "sh", ...BROWSERS] })
    .output();
  return new TextDecoder().decode(stdout).trim() || undefined;
}

help(USAGE);
const browser = await findBrowser() ??
  (await installPackage("chromium") ? await findBrowser() : undefined);
if (browser === undefined) {
  console.error(
    "scripts/chromium: the browser test needs Chromium or Chrome: install one, or set CHROME_PATH",
  );
  Deno.exit(1);
}
console.log(browser);
