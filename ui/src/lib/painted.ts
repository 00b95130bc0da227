/** Marks when the first chart was on the screen, for whoever measures the launch (`cargo xtask bench launch`). */

/** The mark's name in the page's performance timeline. */
export const FIRST_CHART = "first-chart";

let marked = false;

/** Call when a chart is in the page; sets the mark, once, after the frame in which it is painted. */
export function markFirstChart(): void {
  if (marked) return;
  marked = true;
  // The first callback runs before that frame is painted, the second after it.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark(FIRST_CHART)));
}
