import { describe, expect, it } from "vitest";
import { stepOf } from "./step";
import { type Request, asCli, asCurl, base64Of, callOf, emptyRequest, isComplete, shellWord } from "./request";

const request = (fields: Partial<Request>): Request => ({ ...emptyRequest("graph", "/v1.0/users"), ...fields });

describe("a request", () => {
  it("is sent with what was filled in alone", () => {
    expect(callOf(request({ query: [["$top", "5"], ["", "x"]] }))).toEqual({ method: "GET", path: "/v1.0/users", query: [["$top", "5"]] });
    expect(callOf(request({ method: "POST", bodyKind: "json", body: "[1, null]" }))).toMatchObject({ body: [1, null] });
    expect(callOf(request({ bodyKind: "json", body: "null" }))).toHaveProperty("body", null);
    expect(callOf(request({ bodyKind: "json", body: "{" }))).toBeUndefined();
    expect(callOf(request({ bodyKind: "form", form: [["a", "b"], ["", ""]] }))).toMatchObject({ form: [["a", "b"]] });
  });

  it("becomes commands that a shell takes as they are", () => {
    const odd = request({ method: "POST", path: "/v1.0/users?$filter=startsWith(displayName,'A')", query: [["$top", "5"]], headers: [["ConsistencyLevel", "eventual"]], bodyKind: "json", body: `{"a":"it's"}` });
    expect(asCli(odd)).toBe(`keyway call graph POST '/v1.0/users?$filter=startsWith(displayName,'\\''A'\\'')' -q '$top=5' -H ConsistencyLevel:eventual -d '{"a":"it'\\''s"}'`);
    expect(asCurl(odd, "http://localhost:8800")).toBe(
      `curl -sS -X POST -H "Authorization: Bearer $KEYWAY_API_KEY" -H 'ConsistencyLevel: eventual' -H 'Content-Type: application/json' --data-raw '{"a":"it'\\''s"}' 'http://localhost:8800/proxy/graph/v1.0/users?$filter=startsWith(displayName,'\\''A'\\'')&%24top=5'`,
    );
  });

  it("goes through the pass-through by path, also for a whole URL", () => {
    expect(asCurl(request({ path: "https://graph.microsoft.com/v1.0/users?$top=1" }), "https://keyway.contoso.example/")).toContain("'https://keyway.contoso.example/proxy/graph/v1.0/users?$top=1'");
  });

  it("takes the bytes of a file", () => {
    const waiting = request({ method: "PUT", bodyKind: "bytes" });
    expect(callOf(waiting)).toBeUndefined();
    expect(isComplete(waiting)).toBe(false);
    const bytes = Uint8Array.from({ length: 10_000 }, (_, at) => at % 256);
    const filled = { ...waiting, file: { name: "photo of it's.png", size: bytes.length, base64: base64Of(bytes) } };
    expect(callOf(filled)).toMatchObject({ bytes: Buffer.from(bytes).toString("base64") });
    expect(asCurl(filled, "http://localhost:8800")).toContain(`-H 'Content-Type: application/octet-stream' --data-binary '@photo of it'\\''s.png'`);
    expect(asCli(filled)).toBe(`keyway call graph PUT /v1.0/users --upload 'photo of it'\\''s.png'`);
    for (const bodyKind of ["form", "text"] as const) expect(asCli({ ...filled, bodyKind })).toBeUndefined();
  });

  it("sends fields and a file as one form", () => {
    const form = request({ method: "POST", bodyKind: "multipart", form: [["title", "a b"], ["", ""]], file: { name: "a.pdf", size: 1, base64: "AA==" } });
    expect(isComplete(form)).toBe(true);
    expect(callOf(form)?.multipart).toEqual([{ name: "title", text: "a b" }, { name: "file", filename: "a.pdf", bytes: "AA==" }]);
    expect(asCli(form)).toBe("keyway call graph POST /v1.0/users -F 'title=a b' -F file=@a.pdf");
    expect(asCurl(form, "http://localhost:8800")).toContain("--form-string 'title=a b' -F file=@a.pdf");
    expect(asCli({ ...form, form: [["title", "@a"]] })).toBeUndefined();
  });

  it("is a step, unless its body is none of JSON's", () => {
    const body = { method: "POST", query: [["$top", "5"], ["", "x"]] as [string, string][], bodyKind: "json" as const, body: '{"a": 1}' };
    expect(stepOf(request(body), "oauth")).toEqual({ connection: "graph", type: "oauth", with: { method: "post", endpoint: "/v1.0/users", query: { $top: "5" }, body: { a: 1 } } });
    expect(stepOf(request({ follow: true, headers: [["A", "b"]] }), "basic")?.with).toEqual({ method: "get", endpoint: "/v1.0/users", headers: { A: "b" }, redirect: true });
    for (const bodyKind of ["form", "text", "bytes"] as const) expect(stepOf(request({ bodyKind }), "oauth")).toBeUndefined();
    expect(stepOf(request({ bodyKind: "json", body: "{" }), "oauth")).toBeUndefined();
  });

  it("quotes words", () => {
    expect(shellWord("a b; rm -rf $HOME")).toBe("'a b; rm -rf $HOME'");
    expect(shellWord("")).toBe("''");
    expect(shellWord("/users")).toBe("/users");
  });
});
