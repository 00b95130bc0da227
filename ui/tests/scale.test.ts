import { expect, test } from "vitest";

import type { PanelView, SeriesView } from "../src/bindings";
import { latest, selection, timeOfX, valueAt, xOfTime } from "../src/lib/scale";
import { rangeOfIncident } from "../src/state/range";

const panel = { plot: { left_px: 50, top_px: 0, width_px: 200, height_px: 10 } } as PanelView;
const span = { from: 1_000, to: 1_100 };
const series = {
  points: [
    [1_000, 1],
    [1_010, 2],
    [1_020, null],
    [1_090, 4],
  ],
} as SeriesView;

test.each([
  [1_000, 50],
  [1_050, 150],
  [1_100, 250],
])("time %d is at %d", (t, x) => {
  expect(xOfTime(panel, span, t)).toBe(x);
  expect(timeOfX(panel, span, x)).toBe(t);
});

test.each([
  [-20, 1_000],
  [999, 1_100],
])("place %d is held to %d", (x, t) => expect(timeOfX(panel, span, x)).toBe(t));

test.each([
  [1_001, 1],
  [1_009, 2],
  [1_019, null],
  [1_050, null],
  [1_094, 4],
])("the value at %d is %s", (t, value) => expect(valueAt(series, t, span)).toBe(value));

test("the latest value is the last that was observed", () => {
  expect(
    latest({
      points: [
        [1, 5],
        [2, null],
      ],
    } as unknown as SeriesView),
  ).toBe(5);
  expect(latest({ points: [[2, null]] } as unknown as SeriesView)).toBeNull();
});

test("a selection has an order and a least length", () => {
  expect(selection(1_050, 1_010)).toEqual({ from: 1_010, to: 1_050 });
  expect(selection(1_050, 1_052)).toBeNull();
});

test.each([
  [9_800, null, { kind: "live", last_s: 900 }],
  [7_000, null, { kind: "live", last_s: 3_600 }],
  [7_000, 7_500, { kind: "fixed", from: 6_700, to: 7_800 }],
] as const)("an incident from %d to %s is shown whole", (onset, resolved, range) => {
  expect(rangeOfIncident(onset, resolved, 10_000)).toEqual(range);
});
