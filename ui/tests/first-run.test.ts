import { fireEvent, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test } from "vitest";

import { ApiError } from "../src/backend";
import type { FakeOptions } from "../src/backend/fake";
import type { HealthRowView } from "../src/bindings";
import { changed, choose, field, named, open, press, saidOf, type } from "./helpers";

const ADDRESS = "postgres://faultline@10.0.0.5:5432/shop";
const CANARY = "canary-5fb1e9";

async function filled(options: FakeOptions = {}, password = CANARY) {
  const window = open({ scenario: "empty", ...options });
  await type("Cluster", "shop");
  await type("Name", "replica-1");
  await type("Address", ADDRESS);
  if (password) await type("Password", password);
  return window;
}

const refuse =
  (code: string, message: string, hint: string | null = null) =>
  (): never => {
    throw new ApiError({ code, message, hint });
  };

test("the form has its fields, buttons and defaults", async () => {
  open({ scenario: "empty" });
  await screen.findByText("Watch your first database");
  expect(field("Environment").value).toBe("production");
  expect(field("Password")).toMatchObject({ type: "password", autocomplete: "off" });
  expect([...screen.getByLabelText<HTMLSelectElement>("Engine").options].map(({ value }) => value)).toEqual([
    "postgres",
    "mysql",
    "mariadb",
  ]);
  const group = within(screen.getByRole("group", { name: "Keep the password" }));
  const choices = group.getAllByRole<HTMLInputElement>("radio");
  expect(choices.map(({ labels, checked }) => [labels?.[0]?.textContent?.trim(), checked])).toEqual([
    ["In the keyring", true],
    ["For this run only", false],
    ["In an environment variable", false],
    ["No password", false],
  ]);
  for (const name of ["Test connection", "Save and watch", "Settings"]) await named(name);
  screen.getByText(/GRANT pg_monitor TO faultline/);
});

test.each<[string, string | null, unknown]>([
  ["In the keyring", null, { from: "typed", secret: CANARY }],
  ["For this run only", null, { from: "typed", secret: CANARY }],
  ["In an environment variable", "SHOP_PASSWORD", { from: "reference", reference: "env:SHOP_PASSWORD" }],
  ["In an environment variable", "$SHOP_PASSWORD", { from: "reference", reference: "env:SHOP_PASSWORD" }],
  ["No password", null, { from: "none" }],
])("a test with the password %s (%s) sends it so", async (choice, variable, password) => {
  const { sent } = await filled();
  await choose(choice);
  if (variable) await type("Variable", variable);
  await press("Test connection");
  await screen.findByText("It can be watched; 2 things are missing.");
  expect(sent("databases|test")).toEqual([{ engine: "postgres", url: ADDRESS, password }]);
  expect(sent("secrets|set")).toEqual([]);
  expect(sent("databases|add")).toEqual([]);
});

test("a test shows what is missing with the SQL that grants it", async () => {
  await filled();
  await press("Test connection");
  const result = within(await screen.findByRole("region", { name: "Test result" }));
  expect(result.getAllByRole("img").map((dot) => dot.getAttribute("aria-label"))).toEqual([
    "error",
    "warning",
    "ok",
    "ok",
    "ok",
    "ok",
  ]);
  expect(result.getByText(/^GRANT pg_monitor TO "faultline";/).tagName).toBe("PRE");
  result.getByRole("button", { name: 'Copy: GRANT pg_monitor TO "faultline";' });
});

const row = (aspect: string, message: string, hint: string | null): HealthRowView => ({
  target: "",
  aspect,
  level: "error",
  message,
  hint,
});
test.each<[string, HealthRowView]>([
  ["Password", row("connection", 'the server refused the password of "faultline"', "enter the right one")],
  ["Password", row("secret", "the keyring has no such entry", "set it")],
  ["Address", row("connection", "10.0.0.5:5432 did not answer within 2 s", "check host and port")],
  ["Address", row("connection", 'there is no database "shp"', "CREATE DATABASE shp;")],
])("what is wrong is said at the field %s: %o", async (label, wrong) => {
  await filled({ answers: { "databases|test": () => ({ reachable: false, rows: [wrong] }) } });
  await press("Test connection");
  await screen.findByText("It cannot be watched like this.");
  const said = saidOf(label)?.toLowerCase();
  for (const part of [wrong.message, wrong.hint ?? ""]) expect(said).toContain(part.toLowerCase());
  expect(document.activeElement).toBe(field(label));
  expect(screen.getAllByText(wrong.message, { ignore: false, exact: false })).toHaveLength(1);
  await type(label, "x");
  expect(saidOf(label)).toBeNull();
  expect(screen.queryByText("It cannot be watched like this.")).toBeNull();
});

test.each<[string, string, string | null, unknown[]]>([
  [
    "In the keyring",
    "keyring:shop-replica-1",
    null,
    [{ name: "shop-replica-1", secret: CANARY, keep: "keyring" }],
  ],
  [
    "For this run only",
    "keyring:shop-replica-1",
    null,
    [{ name: "shop-replica-1", secret: CANARY, keep: "this_run" }],
  ],
  ["In an environment variable", "env:SHOP_PASSWORD", "SHOP_PASSWORD", []],
])(
  "saved %s, the configuration names %s and the window shows the cluster",
  async (choice, password, variable, kept) => {
    const { sent, backend, container } = await filled();
    await choose(choice);
    if (variable) await type("Variable", variable);
    await press("Save and watch");
    await screen.findByRole("combobox", { name: "Cluster" });
    expect(sent("secrets|set")).toEqual(kept);
    const added = {
      cluster: "shop",
      environment: "production",
      node: "replica-1",
      engine: "postgres",
      url: ADDRESS,
    };
    expect(sent("databases|add")).toEqual([{ ...added, password }]);
    const others = backend.calls.filter(([key]) => key !== "secrets|set");
    expect(JSON.stringify(others)).not.toContain(CANARY);
    expect(container.innerHTML).not.toContain(CANARY);
  },
);

test("without a password none is kept", async () => {
  const { sent } = await filled({}, "");
  await choose("No password");
  await press("Save and watch");
  await waitFor(() => expect(sent("databases|add")).toMatchObject([{ password: null }]));
  expect(sent("secrets|set")).toEqual([]);
});

test.each(["locked", "no_service", "timed_out", "missing", "failed"])(
  "a keyring that is %s is said at the password, with a way on: this run",
  async (code) => {
    let keyring = 0;
    const { sent } = await filled({
      answers: {
        "secrets|set": ({ keep }) => {
          if (keep === "keyring" && (keyring += 1)) refuse(code, "The keyring says no.", "Say please.")();
          return { reference: "keyring:shop-replica-1", used_by: [], state: "this_run", message: null };
        },
      },
    });
    await press("Save and watch");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("The keyring says no.");
    expect(alert.textContent).toContain("Say please.");
    expect(sent("databases|add")).toEqual([]);
    await press("Use it for this run only");
    await waitFor(() =>
      expect(sent("databases|add")).toMatchObject([{ password: "keyring:shop-replica-1" }]),
    );
    expect(sent("secrets|set")).toHaveLength(2);
    expect(keyring).toBe(1);
  },
);

test("a locked keyring can be gone around by a variable, and the password is forgotten", async () => {
  const { sent } = await filled({ scenario: "locked" });
  await press("Save and watch");
  await press("Use an environment variable");
  await waitFor(() => expect(document.activeElement).toBe(field("Variable")));
  expect(field("In an environment variable").checked).toBe(true);
  await type("Variable", "SHOP_PASSWORD");
  await press("Save and watch");
  await waitFor(() => expect(sent("databases|add")).toMatchObject([{ password: "env:SHOP_PASSWORD" }]));
});

test("what no other keeping goes around offers none", async () => {
  await filled({ answers: { "secrets|set": refuse("bad_length", "A secret has at most 4096 bytes.") } });
  await press("Save and watch");
  await screen.findByText(/at most 4096 bytes/);
  expect(screen.queryByRole("button", { name: "Use it for this run only" })).toBeNull();
});

test("a password in the address is moved to where it belongs", async () => {
  const { sent } = await filled({}, "");
  await type("Address", "postgres://faultline:p%40ss@10.0.0.5:5432/shop");
  expect(field("Address").value).toBe(ADDRESS);
  expect(field("Password").value).toBe("p@ss");
  expect(saidOf("Password")).toBe("Moved here from the address.");
  await press("Save and watch");
  await waitFor(() => expect(sent("databases|add")).toMatchObject([{ url: ADDRESS }]));
  expect(sent("secrets|set")).toMatchObject([{ secret: "p@ss" }]);
});

test.each<[string, string, string]>([
  [
    "Address",
    "bad_request",
    "this is no address (relative URL without a base); write postgres://user@host/database",
  ],
  ["Password", "locked", "the keyring is locked"],
])("a refusal is said at the field %s where it is about it: %s", async (label, code, message) => {
  const { sent } = await filled({ answers: { "databases|test": refuse(code, message) } });
  await press("Test connection");
  await waitFor(() => expect(saidOf(label)?.toLowerCase()).toContain(message.toLowerCase()));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(sent("databases|test")).toHaveLength(1);
});

test("any other refusal is said below the form", async () => {
  await filled({ answers: { "databases|test": refuse("internal", "the engine has stopped") } });
  await press("Test connection");
  expect((await screen.findByRole("alert")).textContent).toContain("The engine has stopped");
});

test("the address says which engine it is", async () => {
  await filled();
  await type("Address", "mysql://faultline@10.0.0.5:3306/shop");
  expect(screen.getByLabelText<HTMLSelectElement>("Engine").value).toBe("mysql");
});

test("what is missing is said at its field before anything is sent", async () => {
  const { sent } = open({ scenario: "empty" });
  await screen.findByText("Watch your first database");
  await type("Environment", "");
  await press("Save and watch");
  for (const label of ["Cluster", "Environment", "Name", "Address", "Password"])
    await waitFor(() => expect(saidOf(label), label).not.toBeNull());
  expect(document.activeElement).toBe(field("Cluster"));
  for (const command of ["databases|test", "databases|list", "secrets|set", "databases|add"])
    expect(sent(command)).toEqual([]);
});

test.each([
  ["Cluster", "a/b"],
  ["Name", "x".repeat(101)],
])("%s does not take %s", async (label, value) => {
  const { sent } = await filled();
  await type(label, value);
  await press("Save and watch");
  await waitFor(() => expect(saidOf(label)).toMatch(/at most 100 characters/));
  expect(sent("secrets|set")).toEqual([]);
});

const other = {
  cluster: "shop",
  environment: "production",
  engine: "postgres" as const,
  url: ADDRESS,
};
test("a name that is taken does not overwrite the other's password", async () => {
  const taken = { ...other, node: "replica-1", password: "keyring:shop-replica-1" };
  const { sent } = await filled({ answers: { "databases|list": () => [taken] } });
  await press("Save and watch");
  await waitFor(() => expect(saidOf("Name")).toBe("There is a database of this name in shop already."));
  expect(sent("secrets|set")).toEqual([]);
});

test("an entry of the keyring that another database uses is left alone", async () => {
  const taken = { ...other, cluster: "shop-replica", node: "1", password: "keyring:shop-replica-1" };
  const { sent } = await filled({ answers: { "databases|list": () => [taken] } });
  await press("Save and watch");
  await waitFor(() =>
    expect(sent("databases|add")).toMatchObject([{ password: "keyring:shop-replica-1-2" }]),
  );
  expect(sent("secrets|set")).toMatchObject([{ name: "shop-replica-1-2" }]);
});

test("a password that was kept is forgotten though the database was refused, and not kept twice", async () => {
  let refused = false;
  const { sent } = await filled({
    answers: {
      "databases|add": () => {
        if (!refused && (refused = true))
          refuse("refused", "The file cannot be written.", "Mend its permissions.")();
        return null;
      },
    },
  });
  await press("Save and watch");
  expect((await screen.findByRole("alert")).textContent).toContain("The file cannot be written.");
  expect(field("Password").value).toBe("");
  await press("Test connection");
  await screen.findByText("It can be watched; 2 things are missing.");
  expect(sent("databases|test")).toMatchObject([
    { password: { from: "reference", reference: "keyring:shop-replica-1" } },
  ]);
  await press("Save and watch");
  await waitFor(() => expect(sent("databases|add")).toHaveLength(2));
  expect(sent("secrets|set")).toHaveLength(1);
});

test("an answer to what is no longer typed is passed over", async () => {
  let answer: (() => void) | undefined;
  const { backend } = await filled();
  const ask = backend.call.bind(backend);
  backend.call = async (domain, name, args) => {
    if (name === "test") await new Promise<void>((done) => (answer = done));
    return ask(domain, name, args);
  };
  await press("Test connection");
  await screen.findByText("Testing…");
  await type("Address", "postgres://faultline@10.0.0.6:5432/shop");
  await waitFor(() => expect(screen.queryByText("Testing…")).toBeNull());
  answer?.();
  await new Promise((done) => setTimeout(done, 0));
  expect(screen.queryByRole("region", { name: "Test result" })).toBeNull();
});

test("Enter saves", async () => {
  const { sent } = await filled();
  await fireEvent.submit(screen.getByRole("form", { name: "Add a database" }));
  await waitFor(() => expect(sent("databases|add")).toHaveLength(1));
});

test("a configuration that cannot be read is said with file, line and key, until it is mended", async () => {
  let trouble: string | null =
    '/home/ada/config.toml:14:12: cluster[1].node[2].engine: "postgress" is no engine;\nwrite postgres';
  const settings = {
    config_file: "/home/ada/config.toml",
    data_folder: "/d",
    log_folder: null,
    close_to_tray: true,
    tray: true,
    autostart: null,
  };
  const { backend } = open({
    scenario: "empty",
    answers: { "settings|get": () => ({ ...settings, config_trouble: trouble }) },
  });
  const said = (await screen.findByRole("alert")).textContent;
  for (const part of [
    "/home/ada/config.toml",
    "14, column 12",
    "cluster[1].node[2].engine",
    "write postgres",
  ])
    expect(said).toContain(part);
  expect(screen.queryByText("Watch your first database")).toBeNull();
  trouble = null;
  backend.emit(changed("configuration"));
  await screen.findByText("Watch your first database");
});

test.each([
  "the configuration /etc/f.toml has more than 1048576 bytes; is this the right file?",
  "config.toml:3:5: TOML parse error\n  |\n3 | foo = \n  |     ^",
])("a trouble without a key is said whole: %s", async (config_trouble) => {
  const settings = { config_file: "/c", data_folder: "/d", log_folder: null, tray: null, autostart: null };
  open({
    scenario: "empty",
    answers: { "settings|get": () => ({ ...settings, close_to_tray: false, config_trouble }) },
  });
  const words = config_trouble.split(/[\s:|]+/).filter((word) => /^[a-z]+$/i.test(word));
  const said = (await screen.findByRole("alert")).textContent;
  for (const word of words.filter((word) => word !== "config")) expect(said).toContain(word);
});
