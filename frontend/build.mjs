// Bundles src/ and styles/ into ../app/static/dist and writes version.txt, the cache key that the page templates append to both addresses.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "app", "static", "dist");
const watch = process.argv.includes("--watch");

await rm(out, { recursive: true, force: true });
if (process.argv.includes("--clean")) process.exit(0);
await mkdir(out, { recursive: true });

const stampVersion = {
  name: "stamp-version",
  setup(build) {
    build.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const hash = createHash("sha256");
      for (const name of (await readdir(out)).sort()) {
        if (/\.(js|css)$/.test(name)) hash.update(await readFile(join(out, name)));
      }
      await writeFile(join(out, "version.txt"), hash.digest("hex").slice(0, 12) + "\n");
    });
  },
};

const context = await esbuild.context({
  absWorkingDir: here,
  entryPoints: { app: "src/app.ts", theme: "src/theme.ts", grid: "src/grid/main.ts", style: "styles/style.css", "grid-page": "styles/grid.css" },
  outdir: out,
  bundle: true,
  format: "iife",
  // Offices run older Chromium derivatives: nesting and newer syntax are lowered to these.
  target: ["chrome87", "edge88", "firefox91", "safari14.1"],
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  legalComments: "none",
  logLevel: "info",
  plugins: [stampVersion],
});

if (watch) {
  await context.watch();
} else {
  await context.rebuild();
  await context.dispose();
}
