import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";

import App from "../src/App.svelte";
import { ApiError } from "../src/backend";
import { fakeBackend, type FakeOptions } from "../src/backend/fake";
import { incident, overview, queries } from "../src/backend/fake-data";

function open(options: FakeOptions = {}) {
  const backend = fakeBackend(options);
  return { backend, ...render(App, { backend }) };
}

const named = (name: RegExp) => screen.findByRole("button", { name });

test("an incident shows load, suspect, query, traffic and causes", async () => {
  open();
  const panel = within(await screen.findByRole("article", { name: "Incident" }));
  panel.getByText("Load ×6.2");
  panel.getByText("checkout v142", { selector: ".headline" });
  panel.getByText("checkout v142", { selector: "li .name" });
  panel.getByText("94 %");
  panel.getByText("83 %");
  panel.getByText(/^calls of the 41 other queries \+2 %/, { selector: ".traffic" });
  panel.getByText(/new query “select order_item” makes 83 %/);
  expect(panel.getByRole("img", { name: "supported" }).textContent).toBe("✓");
  expect(panel.getAllByRole("img", { name: "ruled out" }).length).toBeGreaterThan(1);
  await fireEvent.click(panel.getByRole("button", { name: "Show all 7" }));
  panel.getByText(/disk utilisation is not observed/);
});

test("the query table marks the new query and its change", async () => {
  open();
  const row = (await screen.findByText("NEW")).closest("tr");
  expect(row?.textContent).toContain("order_item");
  expect(row?.textContent).toContain("+5.86");
  const calls = screen.getByRole("button", { name: "Calls/s" });
  await fireEvent.click(calls);
  expect(calls.closest("th")?.getAttribute("aria-sort")).toBe("descending");
});

test("a query has the load chart's colour, and that of the rest when it has none of its own", async () => {
  const { container } = open();
  const swatch = (text: string) =>
    [...container.querySelectorAll<HTMLElement>("button.sql")]
      .find((button) => button.textContent?.includes(text))
      ?.querySelector("i")?.style.backgroundColor;
  await waitFor(() => expect(swatch("order_item")).toBe("rgb(210, 74, 0)"));
  expect(swatch("from review")).toBe("rgb(195, 200, 209)");
});

test("the load chart names its tallest layers and the sum", async () => {
  const { container } = open();
  await waitFor(() => expect(container.querySelector("[data-panel=load] .legend")).not.toBeNull());
  const legend = container.querySelector("[data-panel=load] .legend")?.textContent?.replace(/\s+/g, " ");
  expect(legend).toMatch(/^ ?select order_item [\d.]+ .* \+\d total [\d.]+/);
});

const KINDS = ["overview|get", "charts|draw", "queries|top", "incidents|list", "deploys|list"] as const;
test.each(KINDS)("the incident does not wait for %s", async (slow) => {
  const backend = fakeBackend();
  let waiting = 0;
  const { rerender } = render(App, {
    backend: {
      ...backend,
      call: async (domain: string, name: string, args: unknown) => {
        if (`${domain}|${name}` !== slow) return backend.call(domain, name, args);
        waiting += 1;
        // The window cannot know of an incident before the first overview or list.
        if (slow === "overview|get" && waiting === 1) return backend.call(domain, name, args);
        return new Promise(() => undefined);
      },
    },
  });
  await rerender({});
  await screen.findByRole("article", { name: "Incident" });
  for (let i = 0; i < 5; i += 1)
    backend.emit({ topic: "incident", cluster: "shop", id: "17", rollback: null, deploy: null });
  expect(waiting).toBeLessThanOrEqual(2);
});

test("three charts are drawn, with a button for every flag", async () => {
  const { container, backend } = open();
  await waitFor(() => expect(container.querySelectorAll(".drawing > svg")).toHaveLength(3));
  expect(backend.calls.find(([key]) => key === "charts|draw")?.[1]).toMatchObject({
    cluster: "shop",
    last_s: 900,
    width_px: 900,
    panel_height_px: 140,
    theme: "light",
  });
  const [flag] = screen.getAllByRole("button", {
    name: /^checkout v142: deploy succeeded at .*, before: v141, by ci\/marta$/,
  });
  if (flag) await fireEvent.click(flag);
  within(await screen.findByRole("dialog", { name: "checkout v142" })).getByText("ci/marta");
});

test("dragging zooms all charts and Escape goes back", async () => {
  const { container, backend } = open();
  const lastCharts = () =>
    backend.calls.findLast(([key]) => key === "charts|draw")?.[1] as Record<string, unknown>;
  await waitFor(() => expect(container.querySelector("[data-panel=load]")).not.toBeNull());
  const load = container.querySelector("[data-panel=load]")!;
  await fireEvent.pointerDown(load, { button: 0, clientX: 200 });
  await fireEvent.pointerMove(load, { clientX: 600 });
  expect(container.querySelectorAll(".selected")).toHaveLength(3);
  await fireEvent.pointerUp(window);
  await waitFor(() => expect(lastCharts()).toMatchObject({ last_s: null }));
  expect(Number(lastCharts()["to"])).toBeGreaterThan(Number(lastCharts()["from"]));
  screen.getByText("paused");
  await fireEvent.keyDown(window, { key: "Escape" });
  await waitFor(() => expect(lastCharts()).toMatchObject({ last_s: 900 }));
});

test("the crosshair shows the values of a chart, and moves by keyboard", async () => {
  const { container } = open();
  const charts = await screen.findByRole("application");
  await fireEvent.keyDown(charts, { key: "ArrowRight" });
  expect(container.querySelectorAll(".cross")).toHaveLength(3);
  expect(container.querySelector(".values")?.textContent).toContain("AAS");
  await fireEvent.keyDown(charts, { key: "Escape" });
  expect(container.querySelectorAll(".cross")).toHaveLength(0);
});

test("a rollback is previewed, confirmed by a second press, followed and verified", async () => {
  const { backend } = open();
  await fireEvent.click(await named(/^Roll back checkout v142/));
  const sheet = within(await screen.findByRole("dialog", { name: "Roll back checkout v142" }));
  await sheet.findByText(/checkout goes back from v142 to v141/);
  sheet.getByText(/POST https:\/\/deploy.internal/);
  const ran = () => backend.calls.filter(([key]) => key === "rollback|run");

  await fireEvent.click(sheet.getByRole("button", { name: "Hold to roll back" }));
  expect(ran()).toHaveLength(0);
  await fireEvent.click(sheet.getByRole("button", { name: "Press again to confirm" }));
  await sheet.findByText("Rollback requested");
  expect(ran()).toEqual([
    ["rollback|run", { deploy_id: "checkout-142", incident_id: "17", confirm_token: "fake-token" }],
  ]);
  backend.advanceRollback("running");
  await sheet.findByText("Rolling back");
  backend.advanceRollback("verified");
  await sheet.findByText("Rolled back, recovery verified");
  expect(sheet.queryByRole("button", { name: /Hold/ })).toBeNull();
});

test("holding the button down confirms too, letting go early does not", async () => {
  const { backend } = open();
  await fireEvent.click(await named(/^Roll back checkout v142/));
  const button = await named(/^Hold to roll back/);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const ran = () => backend.calls.filter(([key]) => key === "rollback|run").length;
  await fireEvent.pointerDown(button, { button: 0 });
  vi.advanceTimersByTime(500);
  await fireEvent.pointerLeave(button);
  vi.advanceTimersByTime(5_000);
  expect(ran()).toBe(0);
  await fireEvent.pointerDown(button, { button: 0 });
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  expect(ran()).toBe(1);
});

test("what the rollback's provider refuses is said with what to do", async () => {
  open({
    answers: {
      "rollback|preview": () => {
        throw new ApiError({
          code: "refused",
          message: "No previous version is known.",
          hint: "Name it with --previous.",
        });
      },
    },
  });
  await fireEvent.click(await named(/^Roll back checkout v142/));
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("No previous version is known.");
  expect(alert.textContent).toContain("Name it with --previous.");
});

test("a link provider opens its page instead of running anything", async () => {
  const url = "https://deploy.internal/checkout";
  const preview = {
    provider: "link",
    summary: "Opens the page.",
    requests: [],
    warnings: ["A newer deploy exists."],
    open_url: url,
    confirm_token: "t",
  };
  const { backend } = open({ answers: { "rollback|preview": () => preview } });
  await fireEvent.click(await named(/^Roll back checkout v142/));
  await screen.findByText("A newer deploy exists.");
  await fireEvent.click(await named(/^Open the deploy page/));
  expect(backend.calls).toContainEqual(["links|open", { url }]);
});

test("hostile texts stay texts", async () => {
  const evil = `<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1"> & \u0000\u202e`;
  const long = evil + "x".repeat(1_000_000);
  const view = incident();
  const { container } = open({
    answers: {
      "queries|top": () => queries(1).map((row) => ({ ...row, text: long, user: evil, database: evil })),
      "incidents|get": () => ({
        ...view,
        summary: { ...view.summary, headline: long },
        deploys: view.deploys.map((deploy) => ({
          ...deploy,
          title: deploy.deploy_id === null ? "" : long,
          previous: evil,
        })),
        queries: [{ fp: "x", text: long, share: 0.5 }],
        causes: view.causes.map((cause) => ({ ...cause, why: long })),
        traffic: evil,
        timeline: [{ t: 0, kind: evil, text: long }],
        nodes: [evil],
      }),
    },
  });
  await screen.findByRole("article", { name: "Incident" });
  const [sql] = await waitFor(() => {
    const found = container.querySelectorAll<HTMLElement>("button.sql");
    expect(found.length).toBeGreaterThan(0);
    return found;
  });
  if (sql) await fireEvent.click(sql);
  expect(container.querySelector("script, img")).toBeNull();
  expect("hacked" in window).toBe(false);
  expect(container.textContent).toContain("<script>");
  expect(container.textContent?.length).toBeLessThan(100_000);
});

test("a drawing that is not one is refused in its place, and the rest goes on", async () => {
  const { container } = open({
    answers: {
      "charts|draw": () => ({
        from: 0,
        to: 900,
        live: true,
        flags: [],
        bands: [],
        panels: [
          {
            id: "load",
            title: "Load",
            unit: "AAS",
            y_max: 1,
            marks: [],
            series: [{ key: "a", label: "a", color: "#fff", points: [] }],
            plot: { left_px: 0, top_px: 0, width_px: 10, height_px: 10 },
            svg: '<svg xmlns="http://www.w3.org/2000/svg"><script>window.hacked = 1</script></svg>',
          },
        ],
      }),
    },
  });
  await screen.findByText(/This chart was not shown: the drawing contains <script>/);
  expect(container.querySelector("script")).toBeNull();
  await screen.findByText("NEW");
});

test.each([
  ["empty", /Watch your first database/],
  ["empty", /GRANT pg_monitor TO faultline/],
  ["calm", /No open incident/],
  ["notices", /PRIMARY NOT OBSERVED/],
  ["notices", /No notification server answers/],
  ["nodata", /Nothing was observed in this range/],
  ["down", /Nothing to show/],
])("%s: %s", async (scenario, text) => {
  open({ scenario });
  expect((await screen.findAllByText(text)).length).toBeGreaterThan(0);
});

test("a lost connection is said, keeps the picture, and heals", async () => {
  let lost = false;
  const { backend } = open({
    answers: {
      "overview|get": () => {
        if (lost)
          throw new ApiError({ code: "unreachable", message: "The program cannot be reached.", hint: null });
        return overview(1, "17");
      },
    },
  });
  await screen.findByText("Load ×6.2");
  lost = true;
  backend.emit({ topic: "health", cluster: null, id: null, rollback: null, deploy: null });
  await screen.findByText("Not connected.");
  screen.getByText("Load ×6.2");
  lost = false;
  backend.emit({ topic: "health", cluster: null, id: null, rollback: null, deploy: null });
  await waitFor(() => expect(screen.queryByText("Not connected.")).toBeNull());
});

test("a cluster that was taken out of the configuration leaves nothing behind", async () => {
  let taken = false;
  const { backend } = open({
    answers: {
      "overview|get": () => {
        const view = overview(1, "17");
        return taken ? { ...view, clusters: view.clusters.slice(1) } : view;
      },
    },
  });
  await screen.findByText("Load ×6.2");
  const charts = () => backend.calls.findLast(([key]) => key === "charts|draw")?.[1];
  await waitFor(() => expect(charts()).toMatchObject({ cluster: "shop" }));
  taken = true;
  backend.emit({ topic: "configuration", cluster: null, id: null, rollback: null, deploy: null });
  await waitFor(() => expect(charts()).toMatchObject({ cluster: "billing" }));
  await waitFor(() => expect(screen.queryByText("Load ×6.2")).toBeNull());
  screen.getByText("replica-eu");
});

test("a notification's Show leads to its incident", async () => {
  const { backend } = open({ scenario: "calm" });
  await screen.findByText("No open incident");
  backend.emit({ topic: "navigate", cluster: "shop", id: "16", rollback: null, deploy: null });
  await screen.findByText(/nightly stock import/, { selector: ".headline" });
});

test("a notification's Roll back leads to the prepared sheet of that deploy", async () => {
  const { backend } = open();
  await screen.findByText(/Suspect/i);
  backend.emit({ topic: "navigate", cluster: "shop", id: "17", rollback: "checkout-142", deploy: null });
  await screen.findByRole("dialog", { name: "Roll back checkout v142" });
});

test("the self-test lists what is missing with the command that fixes it", async () => {
  open();
  await fireEvent.click(await named(/^Self-test/));
  const sheet = within(await screen.findByRole("dialog", { name: "Self-test" }));
  await sheet.findByText(/ALTER SYSTEM SET track_io_timing = on/);
  const matrix = within(sheet.getByRole("table", { name: "Self-test of every server" }));
  expect(matrix.getAllByRole("rowheader").map((cell) => cell.textContent)).toEqual([
    "shop/primary",
    "shop/replica-1",
    "shop/replica-1 (10.0.0.5:9100)",
  ]);
  const replica = matrix.getByRole("rowheader", { name: "shop/replica-1" }).closest("tr")!;
  within(replica).getByRole("img", { name: "track_io_timing warning" });
  within(replica).getByRole("img", { name: "connection ok" });
});

test("how a server is seen, what explains its load and what looking costs it", async () => {
  open();
  await fireEvent.click(await named(/^Self-test/));
  const sheet = within(await screen.findByRole("dialog", { name: "Self-test" }));
  const row = (name: string) => sheet.getAllByRole("row", { name }).at(0)!.textContent!.replace(/\s+/g, " ");
  expect(row("shop/primary by a session 98 % ≤ 3.10 ms/s, 0.31 % of a core")).toContain("by a session");
  const slowed = [...sheet.getAllByRole("row")].find((one) => one.textContent?.includes("slowed down"));
  expect(slowed?.textContent).toContain("shop/replica-1");
});

test("how much of the load is explained stands quietly beside it", async () => {
  open({ scenario: "calm" });
  await screen.findByText("97 % of it by statements");
  expect(screen.queryByText(/seen by/)).toBeNull();
});
