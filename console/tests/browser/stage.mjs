// The stage of the browser walks: a sandbox, a Keyway that knows it as a cloud, and a browser.
//
// KEYWAY names the binary. Until the console is embedded in it, a front serves dist/ under the policy that
// the binary must set, and passes everything else on; KEYWAY_CONSOLE=embedded leaves the front out.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";

const BINARY = process.env.KEYWAY ?? new URL("../../../target/release/keyway", import.meta.url).pathname;
const DIST = new URL("../../dist", import.meta.url).pathname;
const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
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

function front(server) {
  const page = (response, path) => response.writeHead(200, { "content-type": TYPES[extname(path)], "content-security-policy": POLICY, "x-content-type-options": "nosniff" }).end(readFileSync(join(DIST, path)));
  return createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const ours = !/^\/(api|oauth|proxy|healthz|readyz|metrics)(\/|$)/.test(pathname);
    if (ours) return page(response, extname(pathname) && existsSync(join(DIST, pathname)) ? pathname : "/index.html");
    const passed = httpRequest(`${server()}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => response.writeHead(502).end());
    request.pipe(passed);
  });
}

/** Everything running: `url` of the console, `facts` of the sandbox, `token` for the first start. */
export async function raise() {
  const dir = mkdtempSync(join(tmpdir(), "keyway-walk-"));
  const children = [];
  const sandbox = start("the sandbox", ["sandbox", "serve", "--data-dir", join(dir, "sandbox"), "--listen", "127.0.0.1:0"], {}, /ready at (https:\S+)/);
  children.push(sandbox.child);
  await sandbox.found;
  const facts = JSON.parse(readFileSync(join(dir, "sandbox", "sandbox.json"), "utf8"));
  writeFileSync(join(dir, "keyway.toml"), `[[cloud]]\nname = "sandbox"\norigin = "${facts.origin}"\nca_file = "${facts.ca_file}"\n`);

  let address = "";
  const before = process.env.KEYWAY_CONSOLE === "embedded" ? undefined : front(() => address);
  if (before) await new Promise((ready) => before.listen(0, "127.0.0.1", ready));
  const args = ["serve", "--data-dir", join(dir, "keyway"), "--config", join(dir, "keyway.toml"), "--listen", "127.0.0.1:0"];
  if (before) args.push("--public-url", `http://localhost:${before.address().port}`);
  const server = start("keyway", args, { KEYWAY_EGRESS_ALLOW: "loopback" }, /listening on (127\.0\.0\.1:\d+)[\s\S]*one-time token: (\S+)\n|one-time token: (\S+)[\s\S]*listening on (127\.0\.0\.1:\d+)/);
  children.push(server.child);
  const [, listening, token, otherToken, otherListening] = await server.found;
  address = `http://${listening ?? otherListening}`;
  const port = before ? before.address().port : new URL(address).port;

  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  return {
    url: `http://localhost:${port}`,
    token: token ?? otherToken,
    facts,
    browser,
    /** A control of the sandbox, such as `revoke`. */
    async control(path, body) {
      return viaBrowser(browser, `${facts.origin}/sandbox/${path}`, facts.control_token, body);
    },
    async lower() {
      await browser.close();
      before?.close();
      for (const child of children) child.kill();
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
