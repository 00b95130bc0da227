/** The program as a loopback server that served this page. */
import type { ApiErrorView, Changed } from "../bindings";
import { ApiError, type Backend } from ".";

/** Longest time to wait for an answer, milliseconds: longer than the program's own deadline, which says more. */
const CALL_DEADLINE_MS = 35_000;

export function httpBackend(): Backend {
  return { call, subscribe };
}

async function call(domain: string, name: string, args: unknown): Promise<unknown> {
  const response = await fetch(`/api/${domain}/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(args),
    signal: AbortSignal.timeout(CALL_DEADLINE_MS),
  }).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const message = `The program answered ${response.status} ${response.statusText}.`;
  throw ApiError.from(body ?? ({ code: "bad_answer", message, hint: null } satisfies ApiErrorView));
}

function unreachable(cause: unknown): ApiError {
  const timedOut = cause instanceof DOMException && cause.name === "TimeoutError";
  return new ApiError({
    code: "unreachable",
    message: timedOut ? "The program did not answer in time." : "The program cannot be reached.",
    hint: "Is `faultctl serve` still running? The window goes on trying.",
  });
}

function subscribe(listener: (changed: Changed) => void): () => void {
  const events = new EventSource("/api/events");
  events.onmessage = (event: MessageEvent<string>) => {
    const changed = parse(event.data);
    if (changed !== null) listener(changed);
  };
  return () => events.close();
}

function parse(data: string): Changed | null {
  try {
    return JSON.parse(data) as Changed;
  } catch {
    console.error("the program sent an event that is not JSON:", data.slice(0, 200));
    return null;
  }
}
