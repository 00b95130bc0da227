/** What tests of the window share. */
import { fireEvent, render, screen } from "@testing-library/svelte";

import App from "../src/App.svelte";
import { fakeBackend, type FakeBackend, type FakeOptions } from "../src/backend/fake";
import type { Changed } from "../src/bindings";

/** The whole window over a fake program, whose answers `change` may change on their way. */
export function open(
  options: FakeOptions = {},
  change: (backend: FakeBackend) => FakeBackend = (same) => same,
) {
  const backend = change(fakeBackend(options));
  /** Arguments of every call of a command so far. */
  const sent = (command: string): unknown[] =>
    backend.calls.filter(([key]) => key === command).map(([, args]) => args);
  return { backend, sent, ...render(App, { backend }) };
}

export const named = (name: RegExp | string) => screen.findByRole("button", { name });
export const press = async (name: RegExp | string) => fireEvent.click(await named(name));

/** The field of a form with this label; of those in several forms the one of the sheet that is on top. */
export const field = (label: string): HTMLInputElement =>
  screen.getAllByLabelText<HTMLInputElement>(label, { selector: "input, form select" }).at(-1)!;
export const choose = (label: string) => fireEvent.click(field(label));

/** Types into the field with this label, and leaves it. */
export async function type(label: string, value: string): Promise<void> {
  await screen.findAllByLabelText(label);
  await fireEvent.input(field(label), { target: { value } });
  await fireEvent.change(field(label));
}

/** What is said of a field, where something is wrong with it. */
export function saidOf(label: string): string | null {
  const described = field(label).getAttribute("aria-describedby");
  return described === null ? null : (document.getElementById(described)?.textContent?.trim() ?? null);
}

export const changed = (topic: Changed["topic"], more: Partial<Changed> = {}): Changed => ({
  topic,
  cluster: null,
  id: null,
  rollback: null,
  deploy: null,
  ...more,
});
