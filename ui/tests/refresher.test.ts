import { expect, test } from "vitest";

import { Refresher } from "../src/lib/refresher";

test("requests never overlap, and those that come meanwhile are answered by one more run", async () => {
  let running = 0;
  let most = 0;
  const finish: (() => void)[] = [];
  const refresher = new Refresher(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((done) => finish.push(done));
    running -= 1;
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  };

  for (let i = 0; i < 10; i += 1) refresher.request();
  expect(finish).toHaveLength(1);
  finish[0]?.();
  await settle();
  expect(finish).toHaveLength(2);
  finish[1]?.();
  await settle();
  expect(finish).toHaveLength(2);
  expect(most).toBe(1);

  refresher.stop();
  refresher.request();
  expect(finish).toHaveLength(2);
});
