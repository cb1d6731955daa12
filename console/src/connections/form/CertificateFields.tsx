// Where a connection's certificate comes from: a file, a pasted PEM, or Keyway, which makes one.

import { useState } from "react";
import { certificateSources, form } from "../../texts/form";
import { type FieldNote, FileField, SecretField, Select, TextArea } from "../../ui/Field";
import { type CertificateDraft, LARGEST, NO_CERTIFICATE, fromCertificateFile } from "./certificateFile";

interface CertificateFieldsProps {
  draft: CertificateDraft;
  patch: (fields: Partial<CertificateDraft>) => void;
  notes: (field: keyof CertificateDraft) => FieldNote[];
  hint?: string | undefined;
  required: boolean;
}

export function CertificateFields({ draft, patch, notes, hint, required }: CertificateFieldsProps) {
  const [wrong, setWrong] = useState<FieldNote[]>([]);
  const choose = async (file: File) => {
    if (file.size > LARGEST) {
      setWrong([{ severity: "error", message: form.certificateTooLarge }]);
      patch(NO_CERTIFICATE);
      return;
    }
    setWrong([]);
    patch(fromCertificateFile(new Uint8Array(await file.arrayBuffer())));
  };
  return (
    <>
      <FileField label={form.certificateFile} hint={form.certificateFileHint} onChoose={(file) => void choose(file)} notes={[...wrong, ...notes("certificate_pkcs12")]} />
      {draft.certificate_pkcs12 === "" ? (
        <TextArea label={form.certificate} hint={hint ?? form.certificateHint} rows={4} required={required} value={draft.certificate} onChange={(certificate) => patch({ certificate })} notes={notes("certificate")} />
      ) : (
        <SecretField label={form.certificatePassword} hint={form.certificatePasswordHint} value={draft.certificate_password} onChange={(certificate_password) => patch({ certificate_password })} notes={notes("certificate_password")} />
      )}
    </>
  );
}

/** Import a file, or have one made. */
export function CertificateSource({ make, onChange }: { make: boolean; onChange: (make: boolean) => void }) {
  return <Select label={form.certificateSource} hint={make ? form.certificateMadeHint : undefined} value={make ? "make" : "import"} options={certificateSources} onChange={(source) => onChange(source === "make")} />;
}
