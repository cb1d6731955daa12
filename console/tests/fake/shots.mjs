// Looks at every page of the console at 1280 and 390 pixels, light and dark: pictures to shots/, axe-core on
// each, and whether the policy was broken or anything hostile ran. Uses the fake server; not a product test.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const out = new URL("../../shots/", import.meta.url).pathname;
mkdirSync(out, { recursive: true });
const only = process.argv[2];
const servers = [];

async function fake(port, ...modes) {
  const child = spawn(process.execPath, [new URL("server.mjs", import.meta.url).pathname, String(port), ...modes], { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(child);
  await new Promise((ready) => child.stdout.once("data", ready));
  return `http://localhost:${port}`;
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
let bad = 0;
const complain = (text) => {
  bad += 1;
  console.log(`BAD ${text}`);
};

async function visit(looks, work) {
  const context = await browser.newContext({ viewport: { width: looks.width, height: 900 }, colorScheme: looks.scheme, bypassCSP: false });
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[0-9]/.test(message.text())) complain(`${looks.width} ${looks.scheme} ${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complain(`${page.url()}: ${error.message}`));
  const shot = async (name) => {
    await page.waitForLoadState("networkidle");
    const label = `${name}-${looks.width}-${looks.scheme}`;
    await page.screenshot({ path: `${out}${label}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 0) complain(`${label}: ${wide} pixels wider than the window`);
    if (await page.evaluate(() => "__pwned" in window)) complain(`${label}: something hostile ran`);
    const axe = await context.newCDPSession(page).then(async (session) => {
      // through the debugger: the page's own policy would rightly refuse it
      await session.send("Runtime.evaluate", { expression: AXE });
      const { result } = await session.send("Runtime.evaluate", { expression: "axe.run().then((r) => JSON.stringify(r.violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).slice(0, 3)])))", awaitPromise: true, returnByValue: true });
      return JSON.parse(result.value);
    });
    for (const [impact, id, nodes] of axe) if (impact !== "minor") complain(`${label}: axe ${impact} ${id} ${nodes.join(" | ")}`);
  };
  try {
    await work(page, shot);
  } catch (error) {
    complain(`${looks.width} ${looks.scheme}: ${error.message}`);
    await page.screenshot({ path: `${out}failed-${looks.width}-${looks.scheme}.png` });
  }
  await context.close();
}

async function signIn(page, origin, who) {
  await page.goto(origin);
  await page.getByLabel("User name").fill(who);
  await page.getByLabel("Password").fill("fake password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Connections", exact: true }).waitFor();
}

const full = await fake(8891);
const fresh = await fake(8892, "fresh");
const empty = await fake(8893, "empty");
const looksList = [
  { width: 1280, scheme: "light" },
  { width: 390, scheme: "dark" },
  { width: 1280, scheme: "dark" },
  { width: 390, scheme: "light" },
];

for (const looks of looksList) {
  await visit(looks, async (page, shot) => {
    await page.goto(fresh);
    await page.waitForLoadState("networkidle");
    await shot("setup");
  });
  await visit(looks, async (page, shot) => {
    await page.goto(full);
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await shot("sign-in-refused");
    await signIn(page, full, "admin");
    await shot("list");
    for (const name of ["graph", "graph-app", "graph-wrong-secret", "graph-no-roles", "graph-new", "graph-scope", "hostile"]) {
      await page.goto(`${full}/connections/${name}`);
      await page.getByRole("heading", { name, exact: true }).waitFor();
      if (name === "hostile" || name === "graph-wrong-secret") for (const summary of await page.locator("details > summary").all()) await summary.click();
      if (name === "graph") {
        await page.getByRole("button", { name: "GET" }).click();
        await page.getByRole("cell", { name: "person1@contoso.example" }).first().waitFor();
      }
      await shot(`detail-${name}`);
    }
    await page.goto(`${full}/connections/graph`);
    await page.getByRole("button", { name: "Delete" }).click();
    await shot("delete");
    await page.goto(`${full}/connections/graph/change`);
    await page.getByLabel("Client ID").fill("another-client-id");
    await shot("change");
    await page.goto(`${full}/connections/new`);
    await shot("new");
    await page.goto(`${full}/connections/new/api-connector`);
    await page.getByLabel("Name", { exact: true }).fill("billing-two");
    await page.keyboard.press("Tab");
    await page.getByText("con_billingtwo").waitFor();
    await shot("connector-first");
    await page.getByLabel("Access Token Path").fill("https://127.0.0.1:8443/contoso.example/oauth2/v2.0/authorize");
    await page.getByLabel("Authorize Path").fill("https://127.0.0.1:8443/contoso.example/oauth2/v2.0/token");
    await page.getByLabel("Client Secret").fill("0f9a3c1e-1111-2222-3333-444455556666");
    await page.getByLabel("Scope", { exact: true }).fill("user.raed.all,group.read.all");
    await shot("connector-lints");
    await page.goto(`${full}/connections/new/microsoft-graph?cloud=sandbox`);
    await shot("graph-form");
    await page.getByText("The app itself (app-only)").click();
    await page.getByLabel("Search permissions").fill("user read");
    await page.getByText("User.Read.All").first().click();
    await shot("graph-form-app");
    await page.goto(`${full}/explorer?connection=graph&path=/v1.0/users`);
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByRole("cell", { name: "person1@contoso.example" }).first().waitFor();
    await shot("explorer");
    await page.getByRole("tab", { name: "Tree" }).click();
    await shot("explorer-tree");
    await page.goto(`${full}/audit`);
    await shot("audit");
    await page.goto(`${full}/keys`);
    await page.getByRole("button", { name: "New API key" }).click();
    await page.getByLabel("Name").fill(`key-${looks.width}-${looks.scheme}`);
    await shot("key-new");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("kw_fake").waitFor();
    await shot("key-created");
    await page.getByRole("button", { name: "I have copied it" }).click();
    await shot("keys");
    await page.goto(`${full}/users`);
    await shot("users");
    await page.goto(`${full}/nowhere`);
    await shot("missing");
    if (looks.width === 390) {
      await page.getByRole("button", { name: "Menu" }).click();
      await shot("menu");
    }
  });
  await visit(looks, async (page, shot) => {
    await signIn(page, empty, "admin");
    await shot("empty");
  });
  await visit(looks, async (page, shot) => {
    await signIn(page, full, "viewer");
    await shot("viewer-list");
    await page.goto(`${full}/connections/graph`);
    await page.getByRole("heading", { name: "graph", exact: true }).waitFor();
    await shot("viewer-detail");
    await page.goto(`${full}/keys`);
    await shot("viewer-keys");
  });
  if (only === "one") break;
}

await browser.close();
for (const child of servers) child.kill();
console.log(bad === 0 ? "all fine" : `${bad} complaints`);
process.exitCode = bad === 0 ? 0 : 1;
