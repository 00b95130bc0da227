import { afterEach, expect, test, vi } from "vitest";

import { COMMANDS } from "../src/bindings";
import { call, type ApiError } from "../src/backend";
import { fakeBackend } from "../src/backend/fake";
import { httpBackend } from "../src/backend/http";
import { tauriBackend } from "../src/backend/tauri";

const invoke = vi.hoisted(() => vi.fn());
const listen = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen }));

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetAllMocks();
});

const problem = { code: "not_found", message: "There is no incident 9.", hint: "It may have aged out." };
const failed = (promise: Promise<unknown>): Promise<ApiError> =>
  promise.then(
    () => expect.fail("it was answered"),
    (error: ApiError) => error,
  );

test("Tauri: a command is a plugin's, its arguments one object, its error ours", async () => {
  invoke.mockResolvedValueOnce({ id: "9" });
  expect(await call(tauriBackend(), "incidents|get", { id: "9" })).toEqual({ id: "9" });
  expect(invoke).toHaveBeenCalledWith("plugin:incidents|get", { args: { id: "9" } });
  invoke.mockRejectedValueOnce(problem);
  expect(await failed(call(tauriBackend(), "incidents|get", { id: "9" }))).toMatchObject(problem);
  invoke.mockRejectedValueOnce("incidents.get not allowed on window");
  expect(await failed(call(tauriBackend(), "incidents|get", { id: "9" }))).toMatchObject({
    code: "unreachable",
    message: "incidents.get not allowed on window",
  });
});

test("Tauri: events arrive until the subscription ends", async () => {
  const unlisten = vi.fn();
  const heard = vi.fn();
  listen.mockResolvedValueOnce(unlisten);
  const stop = tauriBackend().subscribe(heard);
  const [name, handler] = listen.mock.calls[0] as [string, (event: unknown) => void];
  expect(name).toBe("faultline://changed");
  const changed = { topic: "frames", cluster: "shop", id: null, rollback: null, deploy: null };
  handler({ payload: changed });
  expect(heard).toHaveBeenCalledWith(changed);
  stop();
  await vi.waitFor(() => expect(unlisten).toHaveBeenCalled());
});

test("HTTP: a command is posted, its error ours", async () => {
  const answers = [
    new Response(JSON.stringify([1]), { status: 200 }),
    new Response(JSON.stringify(problem), { status: 404 }),
    new Response("<html>", { status: 502, statusText: "Bad Gateway" }),
  ];
  const fetched = vi.fn((_url: string, _init: RequestInit) => Promise.resolve(answers.shift()));
  vi.stubGlobal("fetch", fetched);
  expect(await call(httpBackend(), "settings|health", {})).toEqual([1]);
  expect(fetched.mock.calls[0]?.[0]).toBe("/api/settings/health");
  expect(fetched.mock.calls[0]?.[1]).toMatchObject({ method: "POST", body: "{}" });
  expect(await failed(call(httpBackend(), "settings|health", {}))).toMatchObject(problem);
  expect(await failed(call(httpBackend(), "settings|health", {}))).toMatchObject({
    message: "The program answered 502 Bad Gateway.",
  });
});

test("HTTP: a server that is gone is said with what to do", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  const error = await failed(call(httpBackend(), "overview|get", {}));
  expect(error).toMatchObject({ code: "unreachable", message: "The program cannot be reached." });
  expect(error.hint).toContain("faultctl serve");
});

test("HTTP: what is not an event is passed over", () => {
  const close = vi.fn();
  const source: { onmessage?: (event: { data: string }) => void; close: () => void } = { close };
  vi.stubGlobal("EventSource", function () {
    return source;
  });
  const heard = vi.fn();
  const stop = httpBackend().subscribe(heard);
  source.onmessage?.({ data: "not JSON" });
  source.onmessage?.({ data: '{"topic":"health","cluster":null,"id":null,"rollback":null,"deploy":null}' });
  expect(heard).toHaveBeenCalledExactlyOnceWith({
    topic: "health",
    cluster: null,
    id: null,
    rollback: null,
    deploy: null,
  });
  stop();
  expect(close).toHaveBeenCalled();
});

test.each(COMMANDS)("the fake backend answers %s", async (command) => {
  const [domain, name] = command.split("|") as [string, string];
  const args = {
    cluster: "shop",
    from: 0,
    to: 1,
    last_s: 900,
    limit: 5,
    width_px: 900,
    panel_height_px: 120,
  };
  const database = { url: "postgres://faultline@10.0.0.5/shop", password: { from: "none" } };
  const more = {
    ...database,
    theme: "dark",
    confirm_token: "fake-token",
    deploy_id: "checkout-142",
    id: "17",
  };
  expect(await fakeBackend().call(domain, name, { ...args, ...more })).toBeDefined();
});
