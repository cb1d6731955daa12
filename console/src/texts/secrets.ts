// Words for the live secrets of a connection's client.

export const secretKinds = [
  { value: "automatic", label: "Client secret" },
  { value: "private_key_jwt", label: "Certificate" },
] as const;

const whiches = { newest: "Newest", older: "Older" };

export const secrets = {
  title: "Secrets of the app",
  lead: "Up to two at once: the newest is tried first, the older one when the provider refuses it. So a secret is replaced without anything stopping.",
  none: "There is none yet.",
  nameOf: (which: "newest" | "older", kind: string) => `${whiches[which]}: ${kind === "certificate" ? "certificate" : "client secret"}`,
  thumbprint: "Thumbprint",
  added: "Entered",
  expires: "Expires",
  refused: "Refused since",
  download: "Download .cer",
  make: "Make a certificate in Keyway",
  made: "The certificate is made; its private key stays in Keyway. Download the .cer, upload it at the provider (in Entra: Certificates & secrets → Certificates), then test.",
  enter: "Enter another",
  enterTitle: "Enter another secret",
  enterLead: "It becomes the newest; the one that is there stays as the older one.",
  kind: "What it is",
  save: "Save and test",
  remove: "Remove",
  removeTitle: (name: string) => `Remove? ${name}`,
  removeLead: "The other one is used alone from now on, and tested at once. What was removed can't be shown or brought back; delete it at the provider too.",
};
