/** What no source of the window may contain, and what its colours must keep to. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../src");
const SOURCES = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(svelte|ts)$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));

test("there are sources to look at", () => expect(SOURCES.length).toBeGreaterThan(40));

test.each([
  ["text as HTML", /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment/],
  ["text as code", /\beval\(|new Function\(|javascript:(?!\|)/],
  ["links and pages of its own", /<a[\s>]|\shref=|window\.open|location\.(href|assign|replace)|<iframe|<img/],
  ["inline styles and handlers", /\sstyle="(?!\{)|\son[a-z]+="(?!\{)/],
  ["anything remote", /\b(src|import\()\s*=?\s*["'`]https?:/],
  ["storage, where a password could stay", /localStorage|sessionStorage|indexedDB|document\.cookie/],
])("no source holds %s", (_, forbidden) => {
  // The check of drawings names what it refuses.
  const found = SOURCES.filter(({ name, text }) => !name.endsWith("lib/svg.ts") && forbidden.test(text));
  expect(found.map(({ name }) => name)).toEqual([]);
});

/** Colours by name, light and dark. */
const TOKENS = (() => {
  const css = readFileSync(join(ROOT, "styles/tokens.css"), "utf8");
  const [light = "", dark = ""] = css.split("@media (prefers-color-scheme: dark)");
  const read = (text: string): [string, string][] =>
    [...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", color = ""]) => [name, color]);
  const first = new Map(read(light));
  return { light: first, dark: new Map([...first, ...read(dark)]) };
})();

function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const SURFACES = ["ground", "paper", "raised"];
const PAIRS: [string, string, number][] = [
  ...["ink", "ink-2", "ink-3", "good", "warn", "bad"].flatMap((ink) =>
    SURFACES.map((surface): [string, string, number] => [ink, surface, 4.5]),
  ),
  ...["good", "warn", "bad"].map((tone): [string, string, number] => [tone, `${tone}-soft`, 4.5]),
  ...["good-soft", "warn-soft", "bad-soft"].map((soft): [string, string, number] => ["ink-2", soft, 4.5]),
  ["ink-2", "pressed", 4.5],
  ["on-accent", "accent", 4.5],
  ["on-bad", "bad-strong", 4.5],
  // What marks a control off from what is around it (WCAG 1.4.11).
  ...SURFACES.map((surface): [string, string, number] => ["line-control", surface, 3]),
  ...SURFACES.map((surface): [string, string, number] => ["accent", surface, 3]),
];

test.each(PAIRS)("%s on %s has a contrast of %d : 1", (ink, surface, least) => {
  for (const [theme, colors] of Object.entries(TOKENS)) {
    const ratio = contrast(colors.get(ink) ?? "", colors.get(surface) ?? "");
    expect(ratio, `${theme}: ${ratio.toFixed(2)}`).toBeGreaterThanOrEqual(least);
  }
});
