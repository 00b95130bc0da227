import { expect, test } from "vitest";

import { compact, duration, factor, milliseconds, oneLine, percent, signed } from "../src/lib/format";

test.each([
  [compact(0), "0.00"],
  [compact(3.1), "3.10"],
  [compact(48.12), "48.1"],
  [compact(812.4), "812"],
  [compact(12_400), "12.4k"],
  [compact(2_500_000), "2.5M"],
  [signed(3.1), "+3.10"],
  [signed(-0.2), "−0.20"],
  [signed(0.001), "±0"],
  [milliseconds(0.42), "0.42 ms"],
  [milliseconds(1_200), "1.20 s"],
  [factor(6.2), "×6.2"],
  [factor(31.7), "×32"],
  [percent(0.94), "94 %"],
  [percent(0.002), "<1 %"],
  [percent(0.998), ">99 %"],
  [percent(1), "100 %"],
  [percent(0), "0 %"],
  [duration(12), "12 s"],
  [duration(200), "3 min 20 s"],
  [duration(7_500), "2 h 5 min"],
  [duration(300_000), "3 d"],
  [oneLine("a\n\tb\u0000 c\u202edcba"), "a b c dcba"],
  [oneLine("x".repeat(1_000_000), 10), "xxxxxxxxx…"],
])("%s is %s", (found, expected) => expect(found).toBe(expected));
