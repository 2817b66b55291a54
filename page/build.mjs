// Bundles the page into services/static, with the licences of what is in it; --tests: bundles the tests into build/test,
// where all.mjs runs them in one process; --into FOLDER: writes elsewhere. The result depends on the sources and
// package-lock.json alone.
import { build } from "esbuild";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const page = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({ options: { tests: { type: "boolean" }, into: { type: "string" } } });
const common = { absWorkingDir: page, bundle: true, format: "esm", target: "es2022", jsx: "automatic", jsxImportSource: "preact", logLevel: "warning" };

if (options.tests) await bundleTests();
else await bundlePage(options.into ?? join(page, "..", "services", "static"));

async function bundlePage(folder) {
  const result = await build({
    ...common, entryPoints: { page: "src/main.tsx" }, outdir: folder, minify: true, legalComments: "none", charset: "utf8",
    metafile: true, define: { "process.env.NODE_ENV": '"production"' },
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "licences.txt"), licences(Object.keys(result.metafile.inputs)));
}

async function bundleTests() {
  rmSync(join(page, "build"), { recursive: true, force: true });
  const tests = readdirSync(join(page, "test"), { recursive: true }).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common, entryPoints: tests.map((name) => join("test", name)), outdir: "build/test", outbase: "test",
    outExtension: { ".js": ".mjs" }, platform: "node", sourcemap: "inline",
  });
  const imports = tests.map((name) => `import "./${name.replace(/\.ts$/, ".mjs")}";\n`);
  writeFileSync(join(page, "build", "test", "all.mjs"), imports.join(""));
}

// The licence of every package that a bundled file comes from.
function licences(inputs) {
  const names = new Set(inputs.map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1]).filter(Boolean));
  return [...names].sort().map((name) => {
    const folder = join(page, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
    if (!file || !existsSync(join(folder, file))) throw new Error(`${relative(page, folder)} has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}
