// A file with a certificate and its private key: PEM, which is text, or PKCS#12, which travels as base64 with its password.

/** The server's limit for a PKCS#12 file, in bytes; a PEM of that size is a mistake too. */
export const LARGEST = 64 * 1024;

export interface CertificateDraft {
  certificate: string;
  /** A PKCS#12 file in base64. */
  certificate_pkcs12: string;
  certificate_password: string;
}

export const NO_CERTIFICATE: CertificateDraft = { certificate: "", certificate_pkcs12: "", certificate_password: "" };

/** The fields that a chosen file fills in; a password typed for another file goes. */
export function fromCertificateFile(bytes: Uint8Array): CertificateDraft {
  if (isPkcs12(bytes)) return { ...NO_CERTIFICATE, certificate_pkcs12: base64(bytes) };
  return { ...NO_CERTIFICATE, certificate: new TextDecoder().decode(bytes) };
}

/** What is sent of them: a file or a text, and a password only with the file that it opens. */
export function certificateFields({ certificate, certificate_pkcs12, certificate_password }: CertificateDraft): Partial<CertificateDraft> {
  if (certificate_pkcs12 === "") return certificate.trim() === "" ? {} : { certificate: certificate.trim() };
  return certificate_password === "" ? { certificate_pkcs12 } : { certificate_pkcs12, certificate_password };
}

/** A SEQUENCE whose length takes more than one byte: what no text begins with. */
function isPkcs12(bytes: Uint8Array): boolean {
  return bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x80;
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
