/** The program in the same process, over Tauri's IPC: one plugin a command domain. */
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

import { CHANGED_EVENT, type Changed } from "../bindings";
import type { Backend } from ".";

export function tauriBackend(): Backend {
  return {
    call: (domain, name, args) => invoke(`plugin:${domain}|${name}`, { args }),
    subscribe(listener) {
      const stop = listen<Changed>(CHANGED_EVENT, (event) => listener(event.payload));
      stop.catch((cause: unknown) => console.error("no events from the program:", cause));
      return () => void stop.then((unlisten) => unlisten());
    },
  };
}
