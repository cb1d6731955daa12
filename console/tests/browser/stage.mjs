// The stage of the browser walks: a sandbox, a Keyway that knows it as a cloud, and a browser.
//
// KEYWAY names the binary, with the console in it; CHROMIUM the browser. KEYWAY_PORT and SANDBOX_PORT are for pictures,
// on which addresses should be the same every time; otherwise any free port will do.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BINARY = process.env.KEYWAY ?? new URL("../../../target/debug/keyway", import.meta.url).pathname;
const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const READY = 20_000;

/** Starts a process and waits until its output holds a pattern; the match is given back. */
function start(name, args, env, pattern) {
  const child = spawn(BINARY, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const found = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${name} was not ready:\n${text}`)), READY);
    const read = (chunk) => {
      text += chunk;
      const match = pattern.exec(text);
      if (!match) return;
      clearTimeout(late);
      resolve(match);
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
  const sandbox = start("the sandbox", ["sandbox", "serve", "--data-dir", join(dir, "sandbox"), "--listen", `127.0.0.1:${process.env.SANDBOX_PORT ?? 0}`], {}, /ready at (https:\S+)/);
  await sandbox.found;
  const facts = JSON.parse(readFileSync(join(dir, "sandbox", "sandbox.json"), "utf8"));
  writeFileSync(join(dir, "keyway.toml"), `[[cloud]]\nname = "sandbox"\norigin = "${facts.origin}"\nca_file = "${facts.ca_file}"\n`);

  const serve = (port, pattern) => start("keyway", ["serve", "--data-dir", join(dir, "keyway"), "--config", join(dir, "keyway.toml"), "--listen", `127.0.0.1:${port}`], { KEYWAY_EGRESS_ALLOW: "loopback" }, pattern);
  let server = serve(process.env.KEYWAY_PORT ?? 0, /one-time token: (\S+)[\s\S]*keyway is ready at (\S+)/);
  const [, token, url] = await server.found;

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
      server = serve(new URL(url).port, /keyway is ready at (\S+)/);
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
  page.setDefaultTimeout(15_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && /policy|trusted/i.test(message.text())) complaints.push(message.text());
  });
  return { context, page, complaints };
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
