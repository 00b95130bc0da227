import { mount } from "svelte";

import App from "./App.svelte";
import { pickBackend } from "./backend";
import "./styles/tokens.css";
import "./styles/base.css";

const target = document.getElementById("app");
if (target === null) throw new Error("the page has no #app element");

const backend = await pickBackend();
mount(App, { target, props: { backend } });
