import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` sends the API's calls: a running `keyway serve`, or the fake API of the tests.
const api = process.env["KEYWAY_SERVER"] ?? "http://localhost:8800";
// Keyway knows its own origin only; the development server speaks for its pages.
const forward = { target: api, changeOrigin: true, headers: { origin: api } };

export default defineConfig({
  plugins: [react()],
  build: {
    // the server embeds this folder, or the placeholder beside it
    outDir: "embed/dist",
    // light-dark() and nesting as they are written
    target: ["chrome123", "firefox121", "safari17.5"],
    // the policy has no data: URLs
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    port: 5173,
    strictPort: true,
    // the list of Graph's permissions lives in crates/oauth: one fact, one place
    fs: { allow: [".."] },
    proxy: { "/api": forward, "/oauth": forward },
  },
  test: { include: ["src/**/*.test.ts", "tests/*.test.ts"], environment: "node" },
});
