/** What part of time the window shows. */
import type { Span } from "../lib/scale";

/** A range that ends now and moves on, or one that stands still. */
export type Range = { kind: "live"; last_s: number } | ({ kind: "fixed" } & Span);

export interface Preset {
  label: string;
  last_s: number;
}

export const PRESETS: readonly Preset[] = [
  { label: "15m", last_s: 900 },
  { label: "1h", last_s: 3_600 },
  { label: "6h", last_s: 21_600 },
  { label: "24h", last_s: 86_400 },
];

/** The range as the commands take it. */
export function rangeArgs(range: Range): { from: number | null; to: number | null; last_s: number | null } {
  return range.kind === "live"
    ? { from: null, to: null, last_s: range.last_s }
    : { from: range.from, to: range.to, last_s: null };
}

/** Time shown before an incident's onset and after its end, seconds. */
const MARGIN_S = 300;

/** A range that shows an incident whole; live while it lasts and fits a preset. */
export function rangeOfIncident(onset: number, resolved: number | null, now: number): Range {
  const preset = PRESETS.find(({ last_s }) => onset > now - last_s + 60);
  if (preset && (resolved === null || preset.last_s === PRESETS[0]?.last_s)) {
    return { kind: "live", last_s: preset.last_s };
  }
  return { kind: "fixed", from: onset - MARGIN_S, to: Math.min(now, resolved ?? now) + MARGIN_S };
}
