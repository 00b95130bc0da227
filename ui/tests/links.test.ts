/** Where notifications and `faultline://` links lead: they show, and never act. */
import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";

import { DEPLOYS, NOW } from "../src/backend/fake-data";
import type { Changed, DeployView } from "../src/bindings";
import { changed, named, open, press } from "./helpers";

const DAY_S = 86_400;
const OLD: DeployView = {
  ...DEPLOYS[0]!,
  id: "billing-9",
  title: "billing v9",
  started: NOW - 20 * DAY_S,
  finished: NOW - 20 * DAY_S,
};

const ACTING = [
  "rollback|run",
  "databases|add",
  "databases|remove",
  "secrets|set",
  "settings|change",
  "links|open",
];

test.each<[string, Partial<Changed>, string, string[]]>([
  ["a recent deploy", { deploy: "search-88" }, "search 88", ["ci/jonas"]],
  ["a deploy of three weeks ago", { deploy: "billing-9" }, "billing v9", ["ci/marta"]],
  ["no known deploy", { deploy: "nowhere" }, "nowhere", ["No such deploy is known"]],
  ["a deploy of an incident", { id: "16", deploy: "search-88" }, "search 88", ["ci/jonas"]],
  [
    "a rollback",
    { id: "17", rollback: "checkout-142" },
    "Roll back checkout v142",
    ["goes back from v142 to v141"],
  ],
])("a link to %s leads there", async (_, to, title, texts) => {
  const { backend, sent } = open({
    answers: {
      "deploys|list": ({ from, to }) =>
        [...DEPLOYS, OLD].filter(({ started }) => (started ?? 0) > from && (started ?? 0) < to),
    },
  });
  await screen.findByText(/Suspect/i);
  backend.emit(changed("navigate", to));
  const sheet = await screen.findByRole("dialog", { name: title });
  for (const text of texts) await waitFor(() => expect(sheet.textContent).toContain(text));
  for (const command of ACTING) expect(sent(command)).toEqual([]);
  if (to.deploy === "nowhere") expect(within(sheet).queryByRole("button", { name: "Roll back…" })).toBeNull();
  // The program answers no more than 32 days at once.
  for (const { from, to } of sent("deploys|list") as { from: number; to: number }[])
    expect(to - from).toBeLessThanOrEqual(32 * DAY_S);
});

test("a link leads away from a sheet that is open", async () => {
  const { backend } = open();
  await press("Settings");
  await screen.findByRole("dialog", { name: "Settings" });
  backend.emit(changed("navigate", { deploy: "search-88" }));
  await screen.findByRole("dialog", { name: "search 88" });
  backend.emit(changed("navigate", { deploy: "flags-7" }));
  within(await screen.findByRole("dialog", { name: "flags 7" })).getByText("ops");
  backend.emit(changed("navigate", { cluster: "shop", id: "16" }));
  await screen.findByText(/nightly stock import/, { selector: ".headline" });
  expect(screen.queryByRole("dialog")).toBeNull();
});

test("a link that comes before the first overview leads there too", async () => {
  const { backend } = open();
  backend.emit(changed("navigate", { deploy: "search-88" }));
  await screen.findByRole("dialog", { name: "search 88" });
});

test.each([
  "https://deploy.internal/services/search/88",
  // The program opens https addresses of known hosts alone, and says so; the window opens nothing by itself.
  "javascript:alert(1)",
  "file:///etc/passwd",
])("a deploy's page %s is opened by the program or not at all", async (url) => {
  const opened = vi.spyOn(window, "open").mockReturnValue(null);
  const { backend, sent, container } = open({
    answers: { "deploys|list": () => DEPLOYS.map((deploy) => ({ ...deploy, url })) },
  });
  await screen.findByText(/Suspect/i);
  backend.emit(changed("navigate", { deploy: "search-88" }));
  await fireEvent.click(await named("Open its page"));
  expect(sent("links|open")).toEqual([{ url }]);
  expect(opened).not.toHaveBeenCalled();
  expect(container.querySelector("a, [href]")).toBeNull();
  opened.mockRestore();
});
