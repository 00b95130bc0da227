/** Charts of the fake backend, drawn roughly as the program draws them. */
import type {
  ChartRequest,
  ChartsView,
  MarkView,
  PanelView,
  PlotArea,
  QueryRow,
  SeriesView,
} from "../bindings";
import { DEPLOYS, GUILTY, NOW, ONSET, queries } from "./fake-data";

/** Points of a series. */
const POINTS = 240;
const INKS = {
  light: {
    paper: "#ffffff",
    strong: "#1f2430",
    soft: "#6b7280",
    grid: "#eceef2",
    chip: "#f4f5f8",
    flag: "#4f5bd5",
  },
  dark: {
    paper: "#14161b",
    strong: "#e6e8ee",
    soft: "#8b93a3",
    grid: "#23262e",
    chip: "#22252e",
    flag: "#8f9bff",
  },
} as const;

/** Colours of the load's layers by fingerprint; the queries without one are added up as "other". */
export const COLORS: ReadonlyMap<string, string> = new Map([
  ["other", "#c3c8d1"],
  [GUILTY, "#d24a00"],
  ["a1", "#0082da"],
  ["a2", "#eda51b"],
  ["a3", "#4cc9b0"],
  ["a4", "#a0256f"],
  ["a5", "#217243"],
]);

type Inks = (typeof INKS)["light" | "dark"];

/** How far into the trouble a moment is, 0–1. */
export function troubleAt(t: number, ends: number): number {
  const up = 1 / (1 + Math.exp(-(t - ONSET - 12) / 5));
  const down = 1 / (1 + Math.exp((t - ends) / 8));
  return up * down;
}

/** A repeatable wobble around 1. */
const wobble = (t: number, seed: number): number =>
  1 +
  0.09 * Math.sin(t / 11 + seed) +
  0.06 * Math.sin(t / 3.7 + seed * 2.3) +
  0.05 * Math.sin(t / 1.3 + seed * 5.1);

export function charts(request: ChartRequest, troubleEnds: number, empty: boolean): ChartsView {
  const live = request.last_s !== null;
  const to = live ? NOW : (request.to ?? NOW);
  const from = live ? NOW - (request.last_s ?? 900) : (request.from ?? NOW - 900);
  const flags = DEPLOYS.filter(({ finished }) => finished !== null && finished > from && finished < to).map(
    (deploy) => ({
      deploy_id: deploy.id,
      at: deploy.finished ?? 0,
      started: deploy.started,
      title: deploy.title,
      kind: deploy.kind,
      status: deploy.status,
    }),
  );
  const times = Array.from({ length: POINTS }, (_, i) => from + ((to - from) * i) / (POINTS - 1));
  const line = (key: string, label: string, color: string, value: (t: number) => number): SeriesView => ({
    key,
    label,
    color,
    points: times.map((t) => [t, t > NOW ? null : value(t)]),
  });
  const trouble = (t: number): number => troubleAt(t, troubleEnds);
  const rows = queries(1);
  const loadOf = (row: QueryRow, t: number, seed: number): number =>
    row.load_aas * (row.fp === GUILTY ? trouble(t) : 0.78 + 0.22 * trouble(t)) * wobble(t, seed);
  const load = [...COLORS].flatMap(([key, color], i) => {
    const parts = rows.filter(({ fp }) => (COLORS.has(fp) ? fp : "other") === key);
    const sum = (t: number): number => parts.reduce((all, row) => all + loadOf(row, t, i), 0);
    return parts.length === 0 ? [] : [line(key, key === "other" ? key : (parts[0]?.text ?? ""), color, sum)];
  });
  const latency = [
    line("primary", "primary", "#4f86f7", (t) => (4.1 + 15.8 * trouble(t)) * wobble(t, 1)),
    line("replica-1", "replica-1", "#2fa58e", (t) => (3.1 + 0.7 * trouble(t)) * wobble(t, 4)),
  ];
  const calls = [
    line("calls", "calls", "#4f86f7", (t) => (2_020 + 1_900 * trouble(t)) * wobble(t, 2)),
    line("requests", "requests at the edge", "#e8a317", (t) => 640 * wobble(t, 7)),
  ];
  const draw = (id: PanelView["id"], title: string, unit: string, series: SeriesView[]): PanelView =>
    drawPanel(id, title, unit, empty ? [] : series, request, { from, to }, flags);
  return {
    from,
    to,
    live,
    flags,
    bands: [],
    panels: [
      draw("latency", "Latency", "ms", latency),
      draw("load", "Load by query", "AAS", load),
      draw("calls", "Calls", "/s", calls),
    ],
  };
}

function drawPanel(
  id: PanelView["id"],
  title: string,
  unit: string,
  series: SeriesView[],
  request: ChartRequest,
  { from, to }: { from: number; to: number },
  flags: ChartsView["flags"],
): PanelView {
  const { width_px: w, panel_height_px: h } = request;
  const ink = INKS[request.theme];
  const top = id === "latency" ? 40 : 24;
  const plot: PlotArea = {
    left_px: 52,
    top_px: top,
    width_px: w - 66,
    height_px: Math.max(20, h - top - 18),
  };
  const stacked = id === "load";
  const sums = (series[0]?.points ?? []).map((_, i) =>
    series.reduce((sum, s) => sum + (s.points[i]?.[1] ?? 0), 0),
  );
  const peak = stacked
    ? Math.max(1, ...sums)
    : Math.max(1, ...series.flatMap((s) => s.points.map(([, v]) => v ?? 0)));
  const y_max = peak * 1.12;
  const x = (t: number): number => plot.left_px + ((t - from) / (to - from)) * plot.width_px;
  const y = (v: number): number => plot.top_px + plot.height_px * (1 - v / y_max);
  const marks: MarkView[] = flags.map((flag) => ({
    deploy_id: flag.deploy_id,
    x_px: x(flag.at),
    label:
      id === "latency"
        ? { left_px: x(flag.at) + 3, top_px: 21, width_px: flag.title.length * 6.6 + 16, height_px: 16 }
        : null,
  }));
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="DejaVu Sans, sans-serif">`,
    `<rect width="${w}" height="${h}" fill="${ink.paper}"/>`,
    `<text x="12" y="15" font-size="11.5" font-weight="600" fill="${ink.strong}">${title} <tspan fill="${ink.soft}" font-weight="400">${unit}</tspan></text>`,
    grid(plot, y_max, y, ink),
    stacked ? areas(series, x, y) : lines(series, x, y),
    ...marks.map((mark, i) => flagShape(mark, flags[i]?.title ?? "", plot, ink)),
    "</svg>",
  ].join("");
  return { id, title, unit, svg, plot, y_max, series, marks };
}

function grid(plot: PlotArea, yMax: number, y: (v: number) => number, ink: Inks): string {
  return [0, 0.33, 0.66]
    .map((share) => {
      const at = y(yMax * share).toFixed(1);
      const label = (yMax * share).toFixed(yMax < 20 ? 1 : 0);
      return (
        `<line x1="${plot.left_px}" x2="${plot.left_px + plot.width_px}" y1="${at}" y2="${at}" stroke="${ink.grid}"/>` +
        `<text x="${plot.left_px - 6}" y="${Number(at) + 3}" font-size="9.5" text-anchor="end" fill="${ink.soft}">${label}</text>`
      );
    })
    .join("");
}

function lines(series: SeriesView[], x: (t: number) => number, y: (v: number) => number): string {
  return series
    .map(({ color, points }) => {
      const path = points
        .filter(([, v]) => v !== null)
        .map(([t, v]) => `${x(t).toFixed(1)},${y(v ?? 0).toFixed(1)}`);
      return `<polyline fill="none" stroke="${color}" stroke-width="1.5" points="${path.join(" ")}"/>`;
    })
    .join("");
}

function areas(series: SeriesView[], x: (t: number) => number, y: (v: number) => number): string {
  const base = (series[0]?.points ?? []).map(() => 0);
  return series
    .map(({ color, points }) => {
      const lower = points.map(([t], i) => `${x(t).toFixed(1)},${y(base[i] ?? 0).toFixed(1)}`).reverse();
      points.forEach(([, v], i) => (base[i] = (base[i] ?? 0) + (v ?? 0)));
      const upper = points.map(([t], i) => `${x(t).toFixed(1)},${y(base[i] ?? 0).toFixed(1)}`);
      return `<polygon fill="${color}" fill-opacity="0.85" points="${[...upper, ...lower].join(" ")}"/>`;
    })
    .join("");
}

function flagShape(mark: MarkView, title: string, plot: PlotArea, ink: Inks): string {
  const line = `<line x1="${mark.x_px}" x2="${mark.x_px}" y1="${mark.label?.top_px ?? plot.top_px}" y2="${plot.top_px + plot.height_px}" stroke="${ink.flag}" stroke-dasharray="3 3"/>`;
  if (mark.label === null) return line;
  const { left_px, top_px, width_px, height_px } = mark.label;
  return (
    `${line}<rect x="${left_px}" y="${top_px}" width="${width_px}" height="${height_px}" rx="3" fill="${ink.chip}"/>` +
    `<text x="${left_px + 5}" y="${top_px + 11.5}" font-size="10.5" fill="${ink.flag}">⚑ ${escape(title)}</text>`
  );
}

const escape = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
