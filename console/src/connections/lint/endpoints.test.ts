import { describe, expect, it } from "vitest";
import type { Cloud } from "../../api/presets";
import { lintEndpoints, recognise, site, urlComplaint } from "./endpoints";

const LOGIN = "https://login.microsoftonline.com";
const clouds: Cloud[] = [
  { name: "global", authority: LOGIN, graph: "https://graph.microsoft.com", declared: false },
  { name: "sandbox", authority: "https://127.0.0.1:8443", graph: "https://127.0.0.1:8443", declared: true },
];
const of = (tenant: string, rest: string, host = LOGIN) => `${host}/${tenant}/oauth2/${rest}`;

/** Lints and applies all fixes. */
function check(authorization: string, token: string, codes: string[], fixed: { authorization: string; token: string }) {
  const lints = lintEndpoints({ authorization, token });
  expect(lints.map((lint) => lint.code)).toEqual(codes);
  const after = lints.reduce((all, lint) => ({ ...all, ...lint.fix }), { authorization, token });
  expect(after).toEqual(fixed);
  expect(lintEndpoints(after)).toEqual([]);
}

describe("typed endpoints", () => {
  const good = { authorization: of("contoso.example", "v2.0/authorize"), token: of("contoso.example", "v2.0/token") };

  it("says nothing about what is right or not Entra's", () => {
    expect(lintEndpoints(good)).toEqual([]);
    expect(lintEndpoints({ authorization: "", token: good.token })).toEqual([]);
    expect(lintEndpoints({ authorization: "https://id.contoso.example/authorize", token: "https://id.contoso.example/token" })).toEqual([]);
    expect(lintEndpoints({ authorization: "not a url", token: "" })).toEqual([]);
  });

  it("swaps swapped ones", () => {
    check(good.token, good.authorization, ["endpoint.swapped"], good);
    check(good.authorization, good.authorization, ["endpoint.swapped"], good);
    check(good.token, "", ["endpoint.swapped"], good);
  });

  it("turns v1 into v2.0", () => {
    check(of("contoso.example", "authorize"), of("contoso.example", "token"), ["endpoint.v1", "endpoint.v1"], good);
    check(good.authorization, of("contoso.example", "token"), ["endpoint.v1"], good);
  });

  it("notices two tenants", () => {
    check(good.authorization, of("fabrikam.example", "v2.0/token"), ["endpoint.two_tenants"], good);
    expect(lintEndpoints({ authorization: of("Contoso.Example", "v2.0/authorize"), token: good.token })).toEqual([]);
  });

  it("recognises known clouds and borrows Entra's rules elsewhere", () => {
    expect(recognise(good, clouds)).toMatchObject({ tenant: "contoso.example", cloud: { name: "global" } });
    expect(recognise({ authorization: "", token: of("t", "v2.0/token", "https://127.0.0.1:8443") }, clouds)).toMatchObject({ tenant: "t", cloud: { name: "sandbox" } });
    expect(recognise({ authorization: "", token: of("t", "v2.0/token", "https://127.0.0.1:9443") }, clouds)).toEqual({ tenant: "t", cloud: undefined });
    expect(recognise({ authorization: "https://id.contoso.example/authorize", token: "" }, clouds)).toBeUndefined();
  });
});

describe("URLs", () => {
  it.each([
    ["https://api.contoso.example/v1", true],
    ["http://localhost:8080/x", true],
    ["http://127.0.0.1/x", true],
    ["", true],
    ["http://api.contoso.example", false],
    ["javascript:alert(1)", false],
    ["data:text/html,x", false],
    ["file:///etc/hosts", false],
    ["https://user:pass@api.contoso.example", false],
    ["https://api.contoso.example/#part", false],
    ["https://api.contoso.example/a b", false],
    ["https:\\\\api.contoso.example", false],
    ["api.contoso.example", false],
    [`https://api.contoso.example/${"a".repeat(2048)}`, false],
  ])("%s", (url, fine) => {
    expect(urlComplaint(url) === undefined).toBe(fine);
  });

  it("compares sites", () => {
    expect(site("https://login.contoso.example/a")).toBe(site("https://api.contoso.example"));
    expect(site("https://login.contoso.example")).not.toBe(site("https://login.fabrikam.test"));
    expect(site("https://127.0.0.1:8443")).toBe("127.0.0.1");
    expect(site("nothing")).toBeUndefined();
  });
});
