// New Connection: what to call, API Connector or a preset.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { presetsQuery } from "../../api/presets";
import { start } from "../../texts/form";
import { Page } from "../../ui/Page";

export function StartPage() {
  const presets = useQuery(presetsQuery);
  const sandboxes = presets.data?.clouds.filter((cloud) => cloud.declared) ?? [];
  return (
    <Page title={start.title} lead={start.lead}>
      <ul className="doors">
        <Door to="/connections/new/api-connector" title={start.connector} lead={start.connectorLead} />
        <Door to="/connections/new/microsoft-graph" title={start.graph} lead={start.graphLead} />
        <Door to="/connections/new/openid-connect" title={start.oidc} lead={start.oidcLead} />
        {presets.data?.others.map(({ preset, title, asks }) => (
          <Door key={preset} to={`/connections/new/preset/${preset}`} title={title} lead={asks.includes("issuer") ? start.issuerLead : start.knownLead} />
        ))}
        {sandboxes.map((cloud) => (
          <Door key={cloud.name} to={`/connections/new/microsoft-graph?cloud=${encodeURIComponent(cloud.name)}`} title={start.sandbox(cloud.name)} lead={start.sandboxLead} />
        ))}
      </ul>
    </Page>
  );
}

export function Door({ to, title, lead }: { to: string; title: string; lead: string }) {
  return (
    <li>
      <Link href={to} className="door">
        <span className="strong">{title}</span>
        <span className="muted">{lead}</span>
      </Link>
    </li>
  );
}
