/**
 * The only door between the window and the program. Every call names a command of the table in `bindings.ts`; who
 * answers (Tauri, the loopback server, fixed data) is picked once at start.
 */
import type { ApiErrorView, Changed, Commands } from "../bindings";

export type CommandKey = keyof Commands;
export type Args<K extends CommandKey> = Commands[K]["args"];
export type Answer<K extends CommandKey> = Commands[K]["answer"];

export interface Backend {
  /** Runs a command. Rejects with an `ApiError`. */
  call(domain: string, name: string, args: unknown): Promise<unknown>;
  /** Calls `listener` whenever something changed, until the returned function is called. */
  subscribe(listener: (changed: Changed) => void): () => void;
}

/** Why a command was not carried out, in words for the user. */
export class ApiError extends Error {
  readonly code: string;
  readonly hint: string | null;

  constructor(view: ApiErrorView) {
    super(view.message);
    this.name = "ApiError";
    this.code = view.code;
    this.hint = view.hint;
  }

  /** Whatever was thrown, as an `ApiError`. */
  static from(cause: unknown): ApiError {
    if (cause instanceof ApiError) return cause;
    if (isApiErrorView(cause)) return new ApiError(cause);
    const message = cause instanceof Error ? cause.message : String(cause);
    return new ApiError({ code: "unreachable", message, hint: null });
  }
}

function isApiErrorView(value: unknown): value is ApiErrorView {
  if (typeof value !== "object" || value === null) return false;
  const { code, message } = value as Partial<ApiErrorView>;
  return typeof code === "string" && typeof message === "string";
}

/** Calls a command with its types. */
export async function call<K extends CommandKey>(
  backend: Backend,
  key: K,
  args: Args<K>,
): Promise<Answer<K>> {
  const [domain, name] = key.split("|") as [string, string];
  try {
    return (await backend.call(domain, name, args)) as Answer<K>;
  } catch (cause) {
    throw ApiError.from(cause);
  }
}

/** Tauri where the page runs in it, fixed data where asked for, else the server that served the page. */
export async function pickBackend(): Promise<Backend> {
  if ("__TAURI_INTERNALS__" in window) return (await import("./tauri")).tauriBackend();
  const scenario = new URLSearchParams(window.location.search).get("fake");
  if (scenario !== null) return (await import("./fake")).fakeBackend({ scenario, delayMs: 60 });
  return (await import("./http")).httpBackend();
}
