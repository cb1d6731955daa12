// The stage of the browser walks: a sandbox, a Keyway that knows it as a cloud, and a browser.
//
// KEYWAY names the binary, with the console in it; CHROMIUM the browser. KEYWAY_PORT and SANDBOX_PORT are for pictures,
// on which addresses should be the same every time; otherwise any free port will do.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BINARY = process.env.KEYWAY ?? new URL("../../../target/debug/keyway", import.meta.url).pathname;
const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const READY = 60_000;

/** A port that nobody has and that no client is given, so that a server that was killed finds it free when it comes again. */
async function freePort() {
  const [first, last] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/).map(Number);
  const low = Math.max(1024, Math.floor(first / 2));
  for (let tries = 0; tries < 100; tries += 1) {
    // where clients are given nearly everything, any port has to do
    const wanted = first - low < 1000 || last < first ? 0 : low + Math.floor(Math.random() * (first - low));
    const listener = createServer();
    const port = await new Promise((resolve) => {
      listener.once("error", () => resolve(undefined));
      listener.listen(wanted, "127.0.0.1", () => resolve(listener.address().port));
    });
    await new Promise((closed) => listener.close(closed));
    if (port !== undefined) return port;
  }
  throw new Error(`no port between ${low} and ${first} is free`);
}

/** Starts a process and waits until its output holds each of the patterns, in any order; what they catch is given back. */
function start(name, args, env, ...patterns) {
  const child = spawn(BINARY, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const found = new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${name} was not ready:\n${text}`));
    }, READY);
    const read = (chunk) => {
      text += chunk;
      const matches = patterns.map((pattern) => pattern.exec(text));
      if (!matches.every(Boolean)) return;
      clearTimeout(late);
      resolve(matches.map(([, caught]) => caught));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => reject(new Error(`${name} ended with ${code}:\n${text}`)));
  });
  return { child, found };
}

/** Ends a process and waits until it is gone. */
function ended(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  return gone;
}

/** Everything running: `url` of the console, `facts` of the sandbox, `token` for the first start. */
export async function raise() {
  const dir = mkdtempSync(join(tmpdir(), "keyway-walk-"));
  const sandbox = start("the sandbox", ["sandbox", "serve", "--data-dir", join(dir, "sandbox"), "--listen", `127.0.0.1:${process.env.SANDBOX_PORT ?? 0}`], {}, /ready at (https:\S+)\s/);
  await sandbox.found;
  const facts = JSON.parse(readFileSync(join(dir, "sandbox", "sandbox.json"), "utf8"));
  writeFileSync(join(dir, "keyway.toml"), `[[cloud]]\nname = "sandbox"\norigin = "${facts.origin}"\nca_file = "${facts.ca_file}"\n`);

  const serve = (port, ...patterns) => start("keyway", ["serve", "--data-dir", join(dir, "keyway"), "--config", join(dir, "keyway.toml"), "--listen", `127.0.0.1:${port}`], { KEYWAY_EGRESS_ALLOW: "loopback" }, ...patterns);
  // what is printed in pieces is read to the ends of its lines
  const ready = /keyway is ready at (\S+)\s/;
  let server = serve(process.env.KEYWAY_PORT ?? (await freePort()), /one-time token: (\S+)\s/, ready);
  const [token, url] = await server.found;

  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  return {
    url,
    token,
    facts,
    browser,
    /** A control of the sandbox, such as `revoke`. */
    async control(path, body) {
      return viaBrowser(browser, `${facts.origin}/sandbox/${path}`, facts.control_token, body);
    },
    /** Kills the server as a power cut would. */
    async kill() {
      await ended(server.child, "SIGKILL");
    },
    /** Starts it again, at the same address on the same data. */
    async restart() {
      server = serve(new URL(url).port, ready);
      await server.found;
    },
    async lower() {
      await browser.close();
      await Promise.all([sandbox.child, server.child].map((child) => ended(child)));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The browser trusts the sandbox's certificate for the test; node would have to be restarted to. */
async function viaBrowser(browser, url, token, data) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const answer = await context.request.post(url, { headers: { authorization: `Bearer ${token}` }, data });
  await context.close();
  if (!answer.ok()) throw new Error(`${url}: ${answer.status()} ${await answer.text()}`);
}

/** A person's browser. Broken policies and page errors are collected in `complaints`. */
export async function person(stage, looks = {}) {
  const context = await stage.browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 900 }, ...looks });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && /policy|trusted/i.test(message.text())) complaints.push(message.text());
  });
  return { context, page, complaints };
}

/** The longest task of a page's main thread while something is done, in milliseconds of its own work: what else the machine does is not counted. */
export async function longestTask({ browser }, page, work) {
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline", "devtools.timeline", "toplevel"] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const main = new Set(traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = traceEvents.filter(({ name, pid, tid, tdur }) => /RunTask$/.test(name) && tdur !== undefined && main.has(`${pid} ${tid}`));
  assert.ok(tasks.length > 0, "the trace has tasks");
  return Math.max(...tasks.map(({ tdur }) => tdur)) / 1000;
}

/** What the yardstick takes on the machine that the bounds of tasks were found on, in milliseconds. */
const USUAL = 25;

/** How many times slower than usual this machine is at the moment, 1 at least: by so much tasks may take longer. */
export async function slowness(stage, page) {
  const units = [];
  for (let round = 0; round < 5; round += 1) units.push(await longestTask(stage, page, () => page.evaluate(yardstick)));
  const unit = units.sort((a, b) => a - b)[2];
  console.log(`the yardstick takes ${unit} ms, ${USUAL} ms are usual`);
  return Math.max(1, unit / USUAL);
}

/** Runs in the page: always the same work, of the kinds that a page does. */
function yardstick() {
  let words = 0;
  for (let round = 0; round < 60; round += 1) {
    const rows = Array.from({ length: 2_000 }, (_, at) => ({ at, text: `row ${at} of ${round}` }));
    words += JSON.stringify(rows.sort((a, b) => (a.text < b.text ? -1 : 1))).split(" ").length;
  }
  return words;
}

/** axe-core's serious and critical findings. It comes in through the debugger: the policy rightly refuses it. */
export async function axe(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: AXE });
  const expression = "axe.run().then(({ violations }) => JSON.stringify(violations.map(({ impact, id, nodes }) => ({ impact, id, where: nodes.map(({ target }) => target.join(' ')) }))))";
  const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  await session.detach();
  return JSON.parse(result.value).filter(({ impact }) => impact === "serious" || impact === "critical");
}
