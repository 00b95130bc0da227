/** A program that is not there: fixed data for tests and for working on the window (`?fake`, `?fake=calm`, …). */
import type { Changed, ChartRequest, Commands, IncidentView, RollbackState, RollbackView } from "../bindings";
import { setup } from "./fake-setup";
import { ApiError, type Args, type Backend, type CommandKey } from ".";
import { charts } from "./fake-charts";
import {
  CONFIG_TROUBLE,
  DEPLOYS,
  HEALTH,
  NOTIFICATIONS_MISSING,
  NOW,
  PAST_INCIDENT,
  PREVIEW,
  incident,
  longNames,
  overview,
  queries,
} from "./fake-data";

/**
 * What a fake backend shows: `incident` (default), `calm`, `empty`, `locked` (empty, with a locked keyring),
 * `misconfigured` (empty, with a configuration that cannot be read), `notices`, `long` (names as long
 * as they get), `nodata`, `down`.
 */
export interface FakeOptions {
  scenario?: string;
  /** How long an answer takes, milliseconds; 0 answers at once. */
  delayMs?: number;
  /** Answers in place of the fixed ones. */
  answers?: Partial<{ [K in CommandKey]: (args: Args<K>) => Commands[K]["answer"] }>;
}

export interface FakeBackend extends Backend {
  /** Every call so far: `domain|name` and arguments. */
  readonly calls: [string, unknown][];
  /** Tells the window that something changed. */
  emit(changed: Changed): void;
  /** Moves a rollback that was started on. */
  advanceRollback(state: RollbackState): void;
}

/** What follows a rollback that nobody moves by hand, milliseconds after the request. */
const ROLLBACK_STEPS: [number, RollbackState][] = [
  [800, "running"],
  [2_600, "succeeded"],
  [5_200, "verified"],
];
const MESSAGES: Record<RollbackState, string> = {
  requested: "Sending the request.",
  running: "The deploy service is rolling out v141, 2 of 3 instances.",
  succeeded: "v141 runs everywhere. Watching the database.",
  verified: "The query is gone and the load is back at ×1.0 after 38 s.",
  not_verified: "The load is still at ×5.9 two minutes after v141 runs everywhere.",
  failed: "The deploy service answered 409: a newer deploy is under way. Wait for it, or roll back there.",
  unknown: "No answer within 10 s. Look at the deploy service before sending again.",
};

export function fakeBackend(options: FakeOptions = {}): FakeBackend {
  const scenario = options.scenario || "incident";
  const troubled = ["incident", "notices", "long"].includes(scenario);
  const listeners = new Set<(changed: Changed) => void>();
  const calls: [string, unknown][] = [];
  let rollback: RollbackView | null = null;
  const empty = ["empty", "locked", "misconfigured"].includes(scenario);
  const recovered = (): boolean => rollback?.state === "verified";

  const { answers: setupAnswers, added } = setup(scenario, empty, emit);

  const current = (): IncidentView => {
    const view = scenario === "long" ? longNames(incident()) : incident();
    if (!recovered()) return { ...view, rollback };
    return { ...view, rollback, summary: { ...view.summary, state: "resolved", resolved: NOW } };
  };

  const answers: { [K in CommandKey]: (args: Args<K>) => Commands[K]["answer"] } = {
    "overview|get": () => {
      const view = overview(troubled && !recovered() ? 1 : 0, troubled && !recovered() ? "17" : null);
      if (empty) view.clusters = added();
      if (scenario === "notices") {
        view.notices = [NOTIFICATIONS_MISSING, CONFIG_TROUBLE];
        if (view.clusters[0]) view.clusters[0].primary_observed = "none";
      }
      return view;
    },
    "charts|draw": (args: ChartRequest) =>
      charts(
        args,
        troubled && args.cluster === "shop" ? (recovered() ? NOW - 40 : Infinity) : 0,
        scenario === "nodata",
      ),
    "queries|top": (args) =>
      queries(troubled && args.cluster === "shop" && !recovered() ? 1 : 0).slice(0, args.limit),
    "incidents|list": () => (empty ? [] : [...(troubled ? [current().summary] : []), PAST_INCIDENT.summary]),
    "incidents|get": ({ id }) => (id === PAST_INCIDENT.summary.id ? PAST_INCIDENT : current()),
    "deploys|list": ({ from, to }) =>
      DEPLOYS.filter(({ started }) => started !== null && started > from && started < to),
    "rollback|preview": () => PREVIEW,
    "rollback|run": ({ deploy_id, confirm_token }) => {
      if (confirm_token !== PREVIEW.confirm_token) {
        throw new ApiError({
          code: "refused",
          message: "The preview is out of date.",
          hint: "Look at it again.",
        });
      }
      rollback ??= {
        key: `17-${deploy_id}`,
        deploy_id,
        state: "requested",
        message: MESSAGES.requested,
        started: NOW,
        finished: null,
      };
      if (options.delayMs)
        for (const [ms, state] of ROLLBACK_STEPS) setTimeout(() => advanceRollback(state), ms);
      return rollback;
    },
    "settings|health": () => (empty ? [] : HEALTH),
    ...setupAnswers,
    "links|open": () => null,
    ...options.answers,
  };

  function emit(changed: Changed): void {
    for (const listener of listeners) listener(changed);
  }

  function advanceRollback(state: RollbackState): void {
    if (rollback === null) return;
    const ended = state !== "running" && state !== "requested";
    rollback = { ...rollback, state, message: MESSAGES[state], finished: ended ? NOW + 38 : null };
    emit({ topic: "rollback", cluster: "shop", id: rollback.key, rollback: null, deploy: null });
  }

  return {
    calls,
    emit,
    advanceRollback,
    async call(domain, name, args) {
      const key = `${domain}|${name}` as CommandKey;
      calls.push([key, args]);
      if (options.delayMs) await new Promise((done) => setTimeout(done, options.delayMs));
      if (scenario === "down")
        throw new ApiError({
          code: "unreachable",
          message: "The program cannot be reached.",
          hint: "Is it running?",
        });
      const answer = answers[key] as (args: unknown) => unknown;
      return structuredClone(answer(args));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
