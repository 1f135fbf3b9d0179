/**
 * Builds app/core/static/dist: one style sheet, one icon sprite, script bundles and manifest.json.
 * Every file but the manifest carries a hash of its content in its name, so it can be cached for ever.
 * `node frontend/build.mjs [--watch]`
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import fs from "node:fs/promises";
import { watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const source = path.join(root, "frontend");
const dist = path.join(root, "app/core/static/dist");
const require = createRequire(import.meta.url);

/** What every supported browser understands; the customers' phones decide. */
const TARGET = ["chrome111", "firefox114", "safari16.4"];

const hashOf = (content) => createHash("sha256").update(content).digest("hex").slice(0, 10);

async function exists(file) {
  return fs.access(file).then(() => true, () => false);
}

/** Runs the Tailwind compiler as its own process and returns the style sheet as text. */
async function compileStyles(work) {
  const cli = path.join(path.dirname(require.resolve("@tailwindcss/cli/package.json")), "dist/index.mjs");
  const out = path.join(work, "tailwind.css");
  await new Promise((resolve, reject) => {
    const args = [cli, "--input", path.join(source, "css/app.css"), "--output", out, "--minify"];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    child.stderr.on("data", (chunk) => { log += chunk; });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(log))));
  });
  return out;
}

/** Names the templates may use; the list lives where Jinja can check it too. */
async function iconNames() {
  const text = await fs.readFile(path.join(root, "app/core/templates/ui/_icon_names.html"), "utf8");
  return [...text.matchAll(/"([a-z0-9-]+)"/g)].map((match) => match[1]);
}

/** One SVG with a <symbol> per icon, taken from lucide-static. */
async function buildSprite() {
  const folder = path.join(path.dirname(require.resolve("lucide-static/package.json")), "icons");
  const symbols = [];
  for (const name of await iconNames()) {
    const file = path.join(folder, `${name}.svg`);
    if (!(await exists(file))) throw new Error(`icon "${name}" is not in lucide-static`);
    const svg = await fs.readFile(file, "utf8");
    const body = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    const drawing = body.replace(/\s+/g, " ").trim();
    symbols.push(
      `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" `
      + `stroke-linecap="round" stroke-linejoin="round">${drawing}</symbol>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
}

/** Files that are served as they are, from frontend/static. */
async function plainFiles() {
  const folder = path.join(source, "static");
  const names = (await fs.readdir(folder)).sort();
  return Promise.all(names.map(async (name) => [name, await fs.readFile(path.join(folder, name))]));
}

/** Entry points: the bundles of the kit and every file a page builder puts into js/pages. */
async function scriptEntries() {
  const entries = { app: "js/app.js", terminal: "js/terminal.js", charts: "js/charts.js" };
  const pages = await fs.readdir(path.join(source, "js/pages"), { recursive: true });
  for (const file of pages.filter((name) => name.endsWith(".js")).sort()) {
    entries[`pages/${file.slice(0, -3)}`] = `js/pages/${file}`;
  }
  return Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, path.join(source, file)]));
}

/** Bundles scripts and the compiled style sheet; returns {public name: file below dist}. */
async function bundle(out, stylesheet) {
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: { ...(await scriptEntries()), app_css: stylesheet },
    outdir: out,
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    target: TARGET,
    charset: "utf8",
    legalComments: "none",
    metafile: true,
    nodePaths: [path.join(root, "node_modules")],
    entryNames: "[dir]/[name]-[hash]",
    chunkNames: "chunks/[name]-[hash]",
    assetNames: "fonts/[name]-[hash]",
    loader: { ".woff2": "file" },
    logLevel: "warning",
  });
  const names = {};
  for (const [file, meta] of Object.entries(result.metafile.outputs)) {
    const built = path.relative(out, path.join(root, file)).split(path.sep).join("/");
    const font = built.match(/^fonts\/(.+)-[A-Z0-9]{8}\.woff2$/);
    if (font) names[`fonts/${font[1]}.woff2`] = built;
    if (!meta.entryPoint) continue;
    if (built.endsWith(".css")) names["app.css"] = built;
    else names[built.replace(/-[A-Z0-9]{8}\.js$/, ".js")] = built;
  }
  return names;
}

async function build() {
  const started = performance.now();
  // Built beside the old folder and swapped in at the end: a running server never sees half a build.
  const fresh = `${dist}.${process.pid}`;
  const work = await fs.mkdtemp(path.join(source, ".build-"));
  try {
    await fs.rm(fresh, { recursive: true, force: true });
    await fs.mkdir(fresh, { recursive: true });
    const [stylesheet, sprite] = await Promise.all([compileStyles(work), buildSprite()]);
    const manifest = await bundle(fresh, stylesheet);
    for (const [name, content] of [["icons.svg", sprite], ...(await plainFiles())]) {
      manifest[name] = name.replace(/(\.[^.]+)$/, `-${hashOf(content)}$1`);
      await fs.writeFile(path.join(fresh, manifest[name]), content);
    }
    const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => a.localeCompare(b)));
    await fs.writeFile(path.join(fresh, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
    await fs.rm(dist, { recursive: true, force: true });
    await fs.rename(fresh, dist);
    console.log(`built ${Object.keys(sorted).length} files in ${Math.round(performance.now() - started)} ms`);
  } finally {
    await fs.rm(work, { recursive: true, force: true });
    await fs.rm(fresh, { recursive: true, force: true });
  }
}

function watchSources() {
  let timer;
  let running = Promise.resolve();
  const rebuild = (_event, file) => {
    if (file && (file.includes(".build-") || file.includes("dist"))) return;
    clearTimeout(timer);
    timer = setTimeout(() => { running = running.then(build).catch((error) => console.error(error.message)); }, 150);
  };
  for (const folder of [source, path.join(root, "app")]) watch(folder, { recursive: true }, rebuild);
  console.log("watching frontend/ and app/, stop with Ctrl-C");
}

try {
  await build();
} catch (error) {
  console.error(`front-end build failed: ${error.message}`);
  process.exitCode = 1;
}
if (process.argv.includes("--watch")) watchSources();
