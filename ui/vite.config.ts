import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

/** The policy that the window runs under; `npm run preview` serves with it so that a breach shows early. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Where `faultctl serve` answers: the same commands as in the desktop program, so that every view runs in a browser. */
const serve = process.env["FAULTLINE_SERVE"] ?? "http://127.0.0.1:7788";
const proxy = { "/api": { target: serve, changeOrigin: true, headers: { Origin: serve } } };

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  clearScreen: false,
  server: { port: 5173, strictPort: true, proxy },
  preview: {
    port: 1421,
    strictPort: true,
    proxy,
    headers: { "Content-Security-Policy": contentSecurityPolicy },
  },
  // WebKitGTK 2.40 (Debian 12), WKWebView of macOS 13, WebView2.
  build: { target: ["safari16.4", "chrome111"], modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  test: {
    environment: "jsdom",
    testTimeout: 30_000,
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/setup.ts"],
  },
});
