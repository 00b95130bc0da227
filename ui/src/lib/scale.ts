/** From time and value to places in a drawing and back. */
import type { PanelView, SeriesView } from "../bindings";

/** A range of time, Unix seconds. */
export interface Span {
  from: number;
  to: number;
}

/** The place of a time, pixels from the drawing's left edge. */
export function xOfTime(panel: PanelView, span: Span, t: number): number {
  const { left_px, width_px } = panel.plot;
  return left_px + ((t - span.from) / (span.to - span.from)) * width_px;
}

/** The time of a place, held within the range. */
export function timeOfX(panel: PanelView, span: Span, x: number): number {
  const { left_px, width_px } = panel.plot;
  const share = Math.min(1, Math.max(0, (x - left_px) / width_px));
  return span.from + share * (span.to - span.from);
}

/** The value that a series has at a time: its point nearest to it, null in a gap or far from every point. */
export function valueAt(series: SeriesView, t: number, span: Span): number | null {
  const { points } = series;
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((points[middle]?.[0] ?? Infinity) < t) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  const after = points[low];
  const nearest = before && (!after || t - before[0] < after[0] - t) ? before : after;
  if (!nearest || Math.abs(nearest[0] - t) > (span.to - span.from) / 20) return null;
  return nearest[1];
}

/** The last value that a series has; null when it has none. */
export function latest(series: SeriesView): number | null {
  return series.points.findLast(([, value]) => value !== null)?.[1] ?? null;
}

/** Shortest range that can be zoomed to, seconds. */
export const MIN_ZOOM_S = 10;

/** What dragging from one time to another selects; null when it is too short to be meant. */
export function selection(a: number, b: number): Span | null {
  const [from, to] = a < b ? [a, b] : [b, a];
  return to - from >= MIN_ZOOM_S ? { from, to } : null;
}
