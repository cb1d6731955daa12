import { describe, expect, it } from "vitest";
import { changesOf, draftOf } from "../change/changes";
import type { Card } from "../../api/connections";
import { fieldsOf } from "./body";
import { certificateFields, fromCertificateFile } from "./certificateFile";
import { EMPTY_DRAFT } from "./draft";
import { emptyGraphDraft, graphConnection } from "./graphDraft";

const PFX = new Uint8Array([0x30, 0x82, 0x09, 0xcf, 0x02, 0x01, 0x03, 0xff]);

describe("a certificate's file", () => {
  it("is PKCS#12 by how it begins, and PEM otherwise", () => {
    expect(fromCertificateFile(PFX)).toEqual({ certificate: "", certificate_pkcs12: "MIIJzwIBA/8=", certificate_password: "" });
    const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    expect(fromCertificateFile(new TextEncoder().encode(pem))).toEqual({ certificate: pem, certificate_pkcs12: "", certificate_password: "" });
    expect(fromCertificateFile(new TextEncoder().encode("0 is text")).certificate).toBe("0 is text");
    expect(fromCertificateFile(new Uint8Array()).certificate).toBe("");
  });

  it("is sent alone, with its password if it has one", () => {
    const file = { certificate: "left over", certificate_pkcs12: "MIIJ", certificate_password: "" };
    expect(certificateFields(file)).toEqual({ certificate_pkcs12: "MIIJ" });
    expect(certificateFields({ ...file, certificate_password: "fake " })).toEqual({ certificate_pkcs12: "MIIJ", certificate_password: "fake " });
    expect(certificateFields({ certificate: " pem \n", certificate_pkcs12: "", certificate_password: "of no file" })).toEqual({ certificate: "pem" });
    expect(certificateFields({ certificate: " ", certificate_pkcs12: "", certificate_password: "" })).toEqual({});
  });

  it("goes the same way from every form", () => {
    const file = { client_authentication: "private_key_jwt", certificate_pkcs12: "MIIJ", certificate_password: "fake" } as const;
    const sent = { client_authentication: "private_key_jwt", certificate_pkcs12: "MIIJ", certificate_password: "fake" };
    expect(fieldsOf({ ...EMPTY_DRAFT, ...file })).toMatchObject(sent);
    expect(graphConnection({ ...emptyGraphDraft("global"), ...file })).toMatchObject(sent);
    const card = { name: "graph", type: "oauth", grant: "client_credentials", client_authentication: "private_key_jwt", header_names: [], origins: [] } as unknown as Card;
    expect(changesOf(card, { ...draftOf(card), ...file })).toEqual({ certificate_pkcs12: "MIIJ", certificate_password: "fake" });
  });

  it("is left out where one is made", () => {
    const made = { client_authentication: "private_key_jwt", certificate: "left over", make_certificate: true } as const;
    for (const body of [fieldsOf({ ...EMPTY_DRAFT, ...made }), graphConnection({ ...emptyGraphDraft("global"), ...made })]) {
      expect(body).not.toHaveProperty("certificate");
      expect(body).toMatchObject({ client_authentication: "private_key_jwt", prove: false });
      expect(body).not.toHaveProperty("make_certificate");
    }
  });
});
