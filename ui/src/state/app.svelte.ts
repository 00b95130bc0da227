/**
 * What the window shows and how it stays fresh. One object; components read it and call its methods. It asks the
 * backend again every second while live and whenever the backend says that something changed. Every part is asked for
 * and shown by itself, so that none waits for a slower one.
 */
import { ApiError, call, type Backend } from "../backend";
import type {
  Changed,
  ChartsView,
  ClusterView,
  DeployView,
  IncidentSummary,
  IncidentView,
  Overview,
  QueryRow,
  SettingsView,
  Theme,
} from "../bindings";
import { Refresher } from "../lib/refresher";
import type { Span } from "../lib/scale";
import { rangeArgs, rangeOfIncident, type Range } from "./range";

/** How often a live window asks for new charts, milliseconds. */
const CHARTS_EVERY_MS = 1_000;
/** Of so many chart rounds one asks for everything else too. */
const ROUNDS_PER_DETAIL = 2;
/** Rows of the query table. */
const MAX_QUERIES = 40;
/** Incidents in the rail. */
const MAX_INCIDENTS = 50;
/** How long a resolved incident stays in the panel, seconds. */
const RESOLVED_STAYS_S = 900;
/** Deploys listed while all is calm reach back this far, seconds. */
const RECENT_DEPLOYS_S = 86_400;

/** What the right-hand panel shows: the open incident if there is one, or one that was chosen. */
type Focus = { kind: "now" } | { kind: "incident"; id: string };

/** Sections of the settings. */
export type SettingsSection = "databases" | "secrets" | "program" | "health" | "diagnostics";

export type Overlay =
  | { kind: "none" }
  | { kind: "health" }
  | { kind: "settings"; section: SettingsSection }
  | { kind: "deploy"; deployId: string }
  | { kind: "rollback"; deployId: string; incidentId: string | null };

/** Parts of the window: each is asked for, shown and fails on its own. */
type Part = "overview" | "charts" | "queries" | "incidents" | "incident" | "deploys" | "settings";

/** The load chart's key for the queries that it adds up. */
const OTHER_KEY = "other";

export class AppState {
  readonly backend: Backend;

  overview = $state.raw<Overview | null>(null);
  charts = $state.raw<ChartsView | null>(null);
  queries = $state.raw<QueryRow[] | null>(null);
  incidents = $state.raw<IncidentSummary[]>([]);
  incident = $state.raw<IncidentView | null>(null);
  deploys = $state.raw<DeployView[]>([]);
  settings = $state.raw<SettingsView | null>(null);
  errors = $state<Partial<Record<Part, ApiError>>>({});

  clusterName = $state<string | null>(null);
  range = $state.raw<Range>({ kind: "live", last_s: 900 });
  focus = $state.raw<Focus>({ kind: "now" });
  overlay = $state.raw<Overlay>({ kind: "none" });
  theme = $state<Theme>("dark");
  size = $state.raw({ width_px: 0, panel_height_px: 0 });

  readonly cluster: ClusterView | null = $derived(
    this.overview?.clusters.find((cluster) => cluster.name === this.clusterName) ?? null,
  );
  /** The incident that the panel is about; one that was just resolved stays, so that its recovery can be read. */
  readonly incidentId: string | null = $derived(
    this.focus.kind === "incident" ? this.focus.id : (this.cluster?.open_incident ?? this.#justResolved()),
  );
  /** The load chart's colours by fingerprint. */
  readonly #colors: ReadonlyMap<string, string> = $derived(
    new Map(
      this.charts?.panels.find(({ id }) => id === "load")?.series.map(({ key, color }) => [key, color]) ?? [],
    ),
  );

  /** Ranges to come back to with Esc. */
  #zoomedFrom: Range[] = [];
  #rounds = 0;
  #stopped = false;
  /** The incident that was last asked for. */
  #incidentAsked: string | null = null;
  readonly #refreshers: Record<Part, Refresher> = {
    overview: new Refresher(() => this.#refreshOverview()),
    charts: new Refresher(() => this.#refreshCharts()),
    queries: new Refresher(() => this.#refreshQueries()),
    incidents: new Refresher(() => this.#refreshIncidents()),
    incident: new Refresher(() => this.#refreshIncident()),
    deploys: new Refresher(() => this.#refreshDeploys()),
    settings: new Refresher(() => this.#refreshSettings()),
  };

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Begins to watch; the returned function ends it. */
  start(): () => void {
    const unsubscribe = this.backend.subscribe((changed) => this.#onChanged(changed));
    const timer = setInterval(() => this.#tick(), CHARTS_EVERY_MS);
    this.refresh();
    return () => {
      this.#stopped = true;
      unsubscribe();
      clearInterval(timer);
      for (const refresher of Object.values(this.#refreshers)) refresher.stop();
    };
  }

  /** Asks for everything anew. */
  refresh(): void {
    this.#request("charts");
    this.#request("settings");
    this.#requestDetails();
  }

  /** The colour that a query has in the load chart: its own, or that of those that are added up. */
  colorOf(fp: string): string | null {
    return this.#colors.get(fp) ?? this.#colors.get(OTHER_KEY) ?? null;
  }

  get now(): number {
    return this.overview?.now ?? 0;
  }

  selectCluster(name: string): void {
    this.clusterName = name;
    this.charts = this.queries = this.incident = null;
    this.focus = { kind: "now" };
    this.refresh();
  }

  showLast(last_s: number): void {
    this.#zoomedFrom = [];
    this.#show({ kind: "live", last_s });
  }

  zoom(span: Span): void {
    this.#zoomedFrom.push(this.range);
    this.#show({ kind: "fixed", ...span });
  }

  get canZoomOut(): boolean {
    return this.range.kind === "fixed";
  }

  /** Back to the range before the last zoom. */
  zoomOut(): void {
    this.#show(this.#zoomedFrom.pop() ?? { kind: "live", last_s: 900 });
  }

  showNow(): void {
    this.focus = { kind: "now" };
    if (this.incident?.summary.id !== this.incidentId) this.incident = null;
    if (this.range.kind === "fixed") this.showLast(900);
    this.refresh();
  }

  showIncident(id: string): void {
    this.focus = { kind: "incident", id };
    if (this.incident?.summary.id !== id) this.incident = null;
    const summary = this.incidents.find((incident) => incident.id === id);
    if (summary) {
      if (summary.cluster !== this.clusterName) {
        this.clusterName = summary.cluster;
        this.charts = this.queries = null;
      }
      this.#zoomedFrom = [];
      this.range = rangeOfIncident(summary.onset, summary.resolved, this.now);
    }
    this.refresh();
  }

  /** Tells how large a panel is drawn, CSS pixels. */
  resize(width_px: number, panel_height_px: number): void {
    if (width_px === this.size.width_px && panel_height_px === this.size.panel_height_px) return;
    this.size = { width_px, panel_height_px };
    this.#request("charts");
  }

  setTheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    this.refresh();
  }

  #justResolved(): string | null {
    const latest = this.incidents.find(({ cluster }) => cluster === this.clusterName);
    // A list that still calls it open is only older than the overview.
    const since = latest?.resolved == null ? 0 : this.now - latest.resolved;
    return latest && since < RESOLVED_STAYS_S ? latest.id : null;
  }

  #show(range: Range): void {
    this.range = range;
    this.refresh();
  }

  #tick(): void {
    if (document.hidden) return;
    this.#rounds += 1;
    if (this.range.kind === "live") this.#request("charts");
    if (this.#rounds % ROUNDS_PER_DETAIL === 0) this.#requestDetails();
  }

  #onChanged(changed: Changed): void {
    switch (changed.topic) {
      // Frames come every second from every node; the clock above asks as often as the eye can use.
      case "frames":
        return;
      case "navigate":
        return this.#navigate(changed);
      case "configuration":
        return this.refresh();
      default:
        this.#request("charts");
        this.#requestDetails();
    }
  }

  /** Shows what a notification or a link leads to. It never acts. */
  #navigate({ id, rollback, deploy }: Changed): void {
    this.overlay = { kind: "none" };
    if (id !== null) void this.#toIncident(id);
    if (rollback !== null) this.overlay = { kind: "rollback", deployId: rollback, incidentId: id };
    else if (deploy !== null) this.overlay = { kind: "deploy", deployId: deploy };
    else if (id === null) this.showNow();
  }

  /** Shows an incident at once, and its range as soon as the list knows it. */
  async #toIncident(id: string): Promise<void> {
    this.showIncident(id);
    if (this.incidents.some((incident) => incident.id === id)) return;
    await this.#refreshIncidents();
    if (this.focus.kind === "incident" && this.focus.id === id) this.showIncident(id);
  }

  #request(part: Part): void {
    this.#refreshers[part].request();
  }

  #requestDetails(): void {
    for (const part of ["overview", "incidents", "incident", "queries", "deploys"] as const)
      this.#request(part);
  }

  /** Asks for the incident when another one came into focus. */
  #followFocus(): void {
    if (this.incidentId !== this.#incidentAsked) this.#request("incident");
  }

  async #refreshCharts(): Promise<void> {
    const { clusterName: cluster, size, range, theme } = this;
    if (this.#stopped || cluster === null || size.width_px < 80 || size.panel_height_px < 60) return;
    await this.#guard("charts", async () => {
      const utc_offset_s = -new Date().getTimezoneOffset() * 60;
      const request = { cluster, ...rangeArgs(range), ...size, theme, group: "query" as const, utc_offset_s };
      const charts = await call(this.backend, "charts|draw", request);
      if (cluster === this.clusterName && range === this.range) this.charts = charts;
    });
  }

  async #refreshOverview(): Promise<void> {
    await this.#guard("overview", async () => {
      const first = this.overview === null;
      this.overview = await call(this.backend, "overview|get", {});
      const names = this.overview.clusters.map((cluster) => cluster.name);
      if (this.clusterName === null || !names.includes(this.clusterName)) {
        const troubled = this.overview.clusters.find((cluster) => cluster.open_incident !== null);
        this.clusterName = troubled?.name ?? names[0] ?? null;
        // What was drawn of a cluster that was taken out is not the next one's.
        this.charts = this.queries = null;
        this.#request("charts");
        this.#request("queries");
      }
      if (first) this.#request("deploys");
    });
    this.#followFocus();
  }

  async #refreshIncidents(): Promise<void> {
    await this.#guard("incidents", async () => {
      this.incidents = await call(this.backend, "incidents|list", { cluster: null, limit: MAX_INCIDENTS });
    });
    this.#followFocus();
  }

  async #refreshQueries(): Promise<void> {
    const { clusterName: cluster, range } = this;
    if (cluster === null) return;
    await this.#guard("queries", async () => {
      const request = { cluster, ...rangeArgs(range), limit: MAX_QUERIES };
      const queries = await call(this.backend, "queries|top", request);
      if (cluster === this.clusterName && range === this.range) this.queries = queries;
    });
  }

  async #refreshDeploys(): Promise<void> {
    if (this.overview === null) return;
    await this.#guard("deploys", async () => {
      const request = { from: this.now - RECENT_DEPLOYS_S, to: this.now };
      this.deploys = await call(this.backend, "deploys|list", request);
    });
  }

  async #refreshSettings(): Promise<void> {
    await this.#guard("settings", async () => {
      this.settings = await call(this.backend, "settings|get", {});
    });
  }

  async #refreshIncident(): Promise<void> {
    const id = this.incidentId;
    this.#incidentAsked = id;
    if (id === null) {
      this.incident = null;
      delete this.errors.incident;
      return;
    }
    await this.#guard("incident", async () => {
      const incident = await call(this.backend, "incidents|get", { id });
      if (!this.#stopped && id === this.incidentId) this.incident = incident;
    });
    this.#followFocus();
  }

  async #guard(part: Part, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      delete this.errors[part];
    } catch (cause) {
      this.errors[part] = ApiError.from(cause);
    }
  }
}
