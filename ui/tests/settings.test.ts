import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { afterEach, expect, test, vi } from "vitest";

import { ApiError } from "../src/backend";
import type { FakeOptions } from "../src/backend/fake";
import type { SecretState, SettingsView } from "../src/bindings";
import { changed, choose, field, named, open, press, type } from "./helpers";

afterEach(() => Reflect.deleteProperty(navigator, "clipboard"));

const sheet = () => screen.findByRole("dialog", { name: "Settings" });

async function section(name: string, options: FakeOptions = {}) {
  const window = open(options);
  await press("Settings");
  await fireEvent.click(within(await sheet()).getByRole("tab", { name }));
  return window;
}

test("the comma key opens the settings, Esc closes them, and a field keeps its commas", async () => {
  open();
  const cluster = await screen.findByRole("combobox", { name: "Cluster" });
  await fireEvent.keyDown(cluster, { key: "," });
  expect(screen.queryByRole("dialog")).toBeNull();
  await fireEvent.keyDown(window, { key: "," });
  await fireEvent(await sheet(), new Event("cancel", { cancelable: true }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

test("an empty window has settings too", async () => {
  open({ scenario: "misconfigured" });
  await press("Settings");
  await sheet();
  await screen.findByText("No database is watched yet.");
});

test("the sections are tabs that the arrow keys go through", async () => {
  await section("Databases");
  const tabs = screen.getAllByRole("tab").map(({ textContent }) => textContent);
  expect(tabs).toEqual(["Databases", "Secrets", "Program", "Self-test", "Diagnostics"]);
  const chosen = () => screen.getByRole("tab", { selected: true });
  for (const [key, next] of [
    ["ArrowDown", "Secrets"],
    ["ArrowUp", "Databases"],
    ["ArrowUp", "Diagnostics"],
    ["ArrowDown", "Databases"],
  ] as const) {
    await fireEvent.keyDown(chosen(), { key });
    expect(chosen().textContent).toBe(next);
    expect(document.activeElement).toBe(chosen());
    expect(screen.getByRole("tabpanel").getAttribute("aria-labelledby")).toBe(chosen().id);
  }
});

test("a database is removed by a second press alone", async () => {
  const { sent } = await section("Databases");
  const remove = await named("Remove shop/replica-1");
  await fireEvent.click(remove, { detail: 1 });
  await fireEvent.click(remove, { detail: 2 });
  await fireEvent.blur(remove);
  expect(remove.textContent).toBe("Remove");
  await fireEvent.click(remove, { detail: 1 });
  expect(sent("databases|remove")).toEqual([]);
  await fireEvent.click(await named("Press again to remove shop/replica-1"), { detail: 1 });
  await screen.findByText(/^shop\/replica-1 is no longer watched\./);
  expect(sent("databases|remove")).toEqual([{ cluster: "shop", node: "replica-1" }]);
  expect(screen.queryByRole("button", { name: "Remove shop/replica-1" })).toBeNull();
});

test("another database of the cluster takes a name, an address and a password", async () => {
  const { sent } = await section("Databases");
  for (const name of ["replica-2", "replica-3"]) {
    await press("Add a database");
    expect([field("Cluster").value, field("Environment").value, field("Name").value]).toEqual([
      "shop",
      "production",
      "",
    ]);
    await type("Name", name);
    await type("Address", "postgres://faultline@10.0.0.6:5432/shop");
    await type("Password", "geheim");
    await press("Save and watch");
    await screen.findByText(`shop/${name} is saved and watched.`);
    await named(`Remove shop/${name}`);
  }
  expect(sent("databases|add")).toMatchObject([{ node: "replica-2" }, { node: "replica-3" }]);
});

test("Esc leaves the form before it leaves the settings", async () => {
  await section("Databases");
  await press("Add a database");
  await fireEvent(await sheet(), new Event("cancel", { cancelable: true }));
  expect(screen.queryByLabelText("Address")).toBeNull();
  await sheet();
});

test("what is not removed is said", async () => {
  const answers = {
    "databases|remove": () => {
      throw new ApiError({ code: "refused", message: "The file cannot be written.", hint: "Check it." });
    },
  };
  await section("Databases", { answers });
  await press("Remove shop/primary");
  await press("Press again to remove shop/primary");
  expect((await screen.findByRole("alert")).textContent).toMatch(
    /primary was not removed.*cannot be written/,
  );
  await named("Remove shop/primary");
});

test.each<[SecretState, string, string]>([
  ["stored", "in the keyring", "good"],
  ["this_run", "for this run only", "good"],
  ["variable", "in the environment", "good"],
  ["missing", "missing", "bad"],
  ["locked", "keyring locked", "warn"],
  ["no_service", "no keyring", "warn"],
  ["timed_out", "keyring silent", "warn"],
  ["failed", "failed", "bad"],
])("a secret that is %s is said to be %s", async (state, word, tone) => {
  const secret = { reference: "keyring:a", used_by: ["shop/a", "webhook"], state, message: "Do this." };
  await section("Secrets", { answers: { "secrets|list": () => [secret] } });
  const panel = within(await screen.findByRole("tabpanel"));
  expect((await panel.findByRole("img", { name: word })).className).toContain(tone);
  panel.getByText("Needed by shop/a, webhook");
  panel.getByText("Do this.");
});

test("a secret is set, tested and deleted, and never shown", async () => {
  const { sent, container } = await section("Secrets");
  await press("Set keyring:shop-primary");
  await waitFor(() => expect(document.activeElement).toBe(field("New value")));
  expect(field("New value")).toMatchObject({ type: "password", autocomplete: "off", value: "" });
  await type("New value", "canary-77");
  await choose("For this run only");
  await press("Save");
  await screen.findByText("Kept.");
  expect(sent("secrets|set")).toEqual([{ name: "shop-primary", secret: "canary-77", keep: "this_run" }]);
  expect(screen.queryByLabelText("New value")).toBeNull();
  expect(container.innerHTML).not.toContain("canary-77");
  await screen.findByRole("img", { name: "for this run only" });

  await press("Test keyring:shop-primary");
  await screen.findByText("Tested.");
  expect(sent("secrets|test")).toEqual([{ reference: "keyring:shop-primary" }]);

  await press("Delete keyring:shop-primary");
  expect(sent("secrets|delete")).toEqual([]);
  await press("Press again to delete keyring:shop-primary");
  await screen.findByText("Deleted.");
  expect(sent("secrets|delete")).toEqual([{ name: "shop-primary" }]);
});

test("a variable can be tested, and neither set nor deleted", async () => {
  await section("Secrets");
  await named("Test env:BILLING_PASSWORD");
  for (const name of ["Set env:BILLING_PASSWORD", "Delete env:BILLING_PASSWORD"])
    expect(screen.queryByRole("button", { name })).toBeNull();
});

test("a locked keyring is said where the secret was set, and the value stays typed", async () => {
  await section("Secrets", { scenario: "locked", answers: { "secrets|list": () => [LOCKED] } });
  await press("Set keyring:a");
  await type("New value", "geheim");
  await press("Save");
  expect((await screen.findByRole("alert")).textContent).toContain("The keyring is locked.");
  expect(field("New value").value).toBe("geheim");
  await choose("For this run only");
  await press("Save");
  await screen.findByText("Kept.");
});
const LOCKED = { reference: "keyring:a", used_by: [], state: "locked" as const, message: null };

const SETTINGS: SettingsView = {
  config_file: "/home/ada/.config/faultline/config.toml",
  data_folder: "/data",
  log_folder: null,
  config_trouble: null,
  close_to_tray: true,
  tray: true,
  autostart: false,
};
const TRAY = "Go on watching in the tray when the window is closed";
const AUTOSTART = "Start with the session";

test.each<[string, Partial<SettingsView>, string, RegExp | null]>([
  ["there is a tray", {}, TRAY, null],
  ["there is no tray", { tray: false }, TRAY, /This desktop shows no tray/],
  ["it is no desktop program", { tray: null }, TRAY, /Only the desktop program/],
  ["it can start with the session", {}, AUTOSTART, null],
  ["it cannot start with the session", { autostart: null }, AUTOSTART, /cannot be set here/],
])("when %s", async (_, settings, label, reason) => {
  await section("Program", { answers: { "settings|get": () => ({ ...SETTINGS, ...settings }) } });
  const box = await screen.findByLabelText<HTMLInputElement>(label);
  expect(box.disabled).toBe(reason !== null);
  const described = document.getElementById(box.getAttribute("aria-describedby") ?? "")?.textContent;
  if (reason) expect(described).toMatch(reason);
  else expect(described).toBeUndefined();
  screen.getByText("/home/ada/.config/faultline/config.toml");
  screen.getByText("None are written.");
});

test.each([
  [TRAY, { close_to_tray: false, autostart: null }],
  [AUTOSTART, { close_to_tray: null, autostart: true }],
])("%s is changed alone", async (label, request) => {
  const { sent } = await section("Program");
  await fireEvent.click(await screen.findByLabelText(label));
  await waitFor(() => expect(sent("settings|change")).toEqual([request]));
});

test("a change that is refused does not look done", async () => {
  const answers = {
    "settings|change": () => {
      throw new ApiError({ code: "internal", message: "The session's folder is read-only.", hint: null });
    },
  };
  await section("Program", { answers });
  const box = await screen.findByLabelText<HTMLInputElement>(AUTOSTART);
  await fireEvent.click(box);
  expect((await screen.findByRole("alert")).textContent).toContain("read-only");
  await waitFor(() => expect(box.checked).toBe(false));
});

test("the self-test stands in the settings too", async () => {
  await section("Self-test");
  await screen.findByText(/ALTER SYSTEM SET track_io_timing = on/);
});

test("diagnostics are copied", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText } });
  await section("Diagnostics");
  await press("Copy diagnostics");
  await screen.findByText("Copied");
  expect(writeText).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("configuration, masked"));
  expect(screen.queryByRole("textbox", { name: "Diagnostics" })).toBeNull();
});

test("diagnostics are copied within the press, as a webview wants it", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText } });
  const { sent } = await section("Diagnostics");
  await waitFor(() => expect(sent("diagnostics|get")).toHaveLength(1));
  await press("Show");
  await screen.findByRole("textbox", { name: "Diagnostics" });
  (await named("Copy diagnostics")).click();
  expect(writeText).toHaveBeenCalledOnce();
});

test.each<[string, unknown]>([
  ["refused", { writeText: () => Promise.reject(new Error("NotAllowedError")) }],
  ["absent", undefined],
])("diagnostics are there to be copied by hand when the clipboard is %s", async (_, value) => {
  Object.defineProperty(navigator, "clipboard", { configurable: true, value });
  await section("Diagnostics");
  await press("Copy diagnostics");
  const box = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "Diagnostics" });
  expect(box.readOnly).toBe(true);
  expect(document.activeElement).toBe(box);
  expect([box.selectionStart, box.selectionEnd]).toEqual([0, box.value.length]);
  expect(box.value).toContain("configuration, masked");
  screen.getByText(/press Ctrl\+C/);
  await press("Hide");
  expect(screen.queryByRole("textbox", { name: "Diagnostics" })).toBeNull();
  await press("Show");
  await screen.findByRole("textbox", { name: "Diagnostics" });
});

test.each<[string, string]>([
  ["Databases", "databases|list"],
  ["Secrets", "secrets|list"],
  ["Program", "settings|get"],
  ["Self-test", "settings|health"],
])("%s are read again when the configuration changed", async (name, command) => {
  const { backend, sent } = await section(name);
  await waitFor(() => expect(sent(command).length).toBeGreaterThan(0));
  const before = sent(command).length;
  backend.emit(changed("configuration"));
  await waitFor(() => expect(sent(command).length).toBeGreaterThan(before));
});

test.each<[string, "databases|list" | "secrets|list" | "settings|health"]>([
  ["Databases", "databases|list"],
  ["Secrets", "secrets|list"],
  ["Self-test", "settings|health"],
])("%s that cannot be read can be tried again", async (name, command) => {
  let broken = true;
  const answers = {
    [command]: () => {
      if (broken) throw new ApiError({ code: "internal", message: "The file is gone.", hint: null });
      return [];
    },
  };
  await section(name, { answers });
  expect((await screen.findByRole("alert")).textContent).toContain("The file is gone.");
  broken = false;
  await press("Try again");
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
});
