/** Texts from outside stay texts, wherever they are shown. */
import { fireEvent, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ApiError } from "../src/backend";
import type { FakeBackend, FakeOptions } from "../src/backend/fake";
import { COMMANDS } from "../src/bindings";
import { changed, named, open, press, type } from "./helpers";

const TEXTS: [string, string][] = [
  ["an image with a handler", `<img src=x onerror="window.hacked=1">`],
  ["a script", `</script></title></style><script>window.hacked=1</script>`],
  ["attributes", `" onmouseover="window.hacked=1" style="x:y" x='`],
  ["templates", `{@html "<b onclick=1>"} {window.hacked=1} \${window.hacked=1} &lt;img&gt;`],
  [
    "directions and control characters",
    `\u202egpj.exe\u202c \u2066x\u2069 \u0000\u0007\u001b[31m\u0085\u2028 \r\n z`,
  ],
  ["ten thousand characters", `<svg onload=window.hacked=1>${"<x>".repeat(3_400)}`],
  ["an address that is a program", `javascript:window.hacked=1//https://deploy.internal/`],
];

/** Keys whose texts come from outside; the others are our own words, ids, drawings and times. */
const OUTSIDE = new Set(
  (
    "name node environment message hint title text why headline cause service version previous actor traffic " +
    "nodes used_by url config_trouble config_file data_folder log_folder warnings requests provider summary user " +
    "database target cluster label reference password"
  ).split(" "),
);

/** The answer with a hostile text behind every text from outside, so that what is alike stays alike. */
function poison(value: unknown, evil: string, key = ""): unknown {
  if (typeof value === "string") return OUTSIDE.has(key) ? `${value} ${evil}` : value;
  if (Array.isArray(value)) return value.map((item) => poison(item, evil, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, evil, name)]));
}

/** What was poisoned before as the program knows it. */
function cleaned(value: unknown, evil: string): unknown {
  if (typeof value === "string") return value.replace(` ${evil}`, "");
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleaned(item, evil)]));
}

/** A program all of whose texts from outside are hostile. */
const hostile =
  (evil: string) =>
  (backend: FakeBackend): FakeBackend => ({
    ...backend,
    call: async (domain, name, args) => poison(await backend.call(domain, name, cleaned(args, evil)), evil),
  });

/** Everything that the window is made of. */
const OURS = new Set(
  (
    "div span p b h1 h2 h3 ul ol li dl dt dd table thead tbody tr th td colgroup col button select option input label fieldset legend " +
    "form textarea details summary pre code kbd i header footer main nav aside article section dialog meter time strong " +
    "svg g path rect line polyline polygon text tspan"
  ).split(" "),
);
/** Characters that turn text around or do not print. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
/** Longest page, characters: every text from outside is cut somewhere. */
const MAX_TEXT = 150_000;

function checkPage(where: string): void {
  const text = document.body.textContent ?? "";
  expect(text.length, where).toBeLessThan(MAX_TEXT);
  expect(UNSEEN.exec(text)?.[0], where).toBeUndefined();
  for (const element of document.body.querySelectorAll("*")) {
    expect(OURS, `${where}: <${element.localName}>`).toContain(element.localName);
    for (const { name, value } of element.attributes) {
      expect(name, where).not.toMatch(/^on|^(href|src|srcdoc|action|formaction)$/i);
      // What an option stands for is sent back as it came.
      if (name !== "value") expect(UNSEEN.exec(value)?.[0], `${where}: ${name}`).toBeUndefined();
    }
  }
  expect("hacked" in window, where).toBe(false);
}

const opened = vi.fn();
beforeEach(() => void vi.stubGlobal("open", opened));
afterEach(() => {
  expect(opened).not.toHaveBeenCalled();
  vi.unstubAllGlobals();
  Reflect.deleteProperty(window, "hacked");
});

test.each(TEXTS)("%s in every answer, in the whole window", async (_, evil) => {
  const { backend, sent } = open({ scenario: "notices" }, hostile(evil));
  await screen.findByRole("article", { name: "Incident" });
  await screen.findByText("NEW");
  await fireEvent.click(document.querySelector("button.sql")!);
  await press(/^Show all/);
  await fireEvent.keyDown(await screen.findByRole("application"), { key: "ArrowRight" });
  checkPage("the page");

  await press("Self-test");
  await screen.findByText(/ALTER SYSTEM/);
  checkPage("the self-test");
  await press("Close");

  await fireEvent.click(document.querySelector(".main")!);
  await screen.findByText(/What will be sent/);
  checkPage("the rollback");

  backend.emit(changed("navigate", { deploy: "checkout-142" }));
  await press("Open its page");
  checkPage("the deploy");
  expect(sent("links|open")).toHaveLength(1);

  backend.emit(changed("navigate", { id: "17" }));
  await press("Settings");
  const tab = async (name: string, seen: RegExp): Promise<void> => {
    await fireEvent.click(screen.getByRole("tab", { name }));
    await screen.findAllByText(seen);
    checkPage(name);
  };
  await tab("Databases", /Password in/);
  await tab("Secrets", /^Needed by/);
  await tab("Program", /config\.toml/);
  await tab("Self-test", /ALTER SYSTEM/);
  await tab("Diagnostics", /as plain text/);
  await press("Copy diagnostics");
  await screen.findByRole("textbox", { name: "Diagnostics" });
  checkPage("Diagnostics, shown");
});

test.each(TEXTS)("%s in what a connection test finds and what is refused", async (_, evil) => {
  const refusal = new ApiError({ code: "locked", message: `No. ${evil}`, hint: `Do. ${evil}` });
  const answers: FakeOptions["answers"] = {
    "secrets|set": () => {
      throw refusal;
    },
  };
  open({ scenario: "empty", answers }, hostile(evil));
  await type("Cluster", "shop");
  await type("Name", "replica-1");
  await type("Address", "postgres://faultline@h/shop");
  await type("Password", "wrong");
  await press("Test connection");
  await screen.findByText(/the server refused the password/i);
  checkPage("the wrong password");
  await type("Password", "right");
  await press("Test connection");
  await screen.findByText(/^It can be watched/);
  checkPage("the test");
  await press("Save and watch");
  await named("Use it for this run only");
  checkPage("the refusal");
});

test.each(TEXTS)("%s in a configuration that cannot be read", async (_, evil) => {
  open({ scenario: "misconfigured" }, hostile(evil));
  await screen.findByText("The configuration cannot be read");
  checkPage("the trouble");
});

test.each(TEXTS)("%s in every refusal", async (_, evil) => {
  const refuse = (): never => {
    throw new ApiError({ code: "internal", message: `No. ${evil}`, hint: `Do. ${evil}` });
  };
  open({ answers: Object.fromEntries(COMMANDS.map((command) => [command, refuse])) });
  await screen.findByText(/Nothing to show/);
  checkPage("nothing");
  await press("Settings");
  for (const name of ["Databases", "Secrets", "Program", "Self-test"]) {
    await fireEvent.click(screen.getByRole("tab", { name }));
    await waitFor(() => expect(screen.getByRole("tabpanel").textContent).toContain("No."));
    checkPage(name);
  }
  await fireEvent.click(screen.getByRole("tab", { name: "Diagnostics" }));
  await press("Copy diagnostics");
  await screen.findByText(/could not be read/);
  checkPage("Diagnostics");
});
