/** What jsdom lacks and the window uses. */
import { configure } from "@testing-library/svelte";
import { vi } from "vitest";

// How long to wait for what must appear; only a failing test waits so long.
configure({ asyncUtilTimeout: 10_000 });

/** Size that every element has in tests, pixels. */
const [WIDTH_PX, HEIGHT_PX] = [900, 420];

for (const [name, value] of [
  ["clientWidth", WIDTH_PX],
  ["clientHeight", HEIGHT_PX],
] as const) {
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => value });
}

globalThis.ResizeObserver = class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};

window.matchMedia = vi.fn((media: string) =>
  Object.assign(new EventTarget(), { matches: false, media }),
) as never;

HTMLDialogElement.prototype.showModal = function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close = function (this: HTMLDialogElement) {
  this.open = false;
};
