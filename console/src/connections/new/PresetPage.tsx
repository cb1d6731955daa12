// A ready-made provider, by the name in the address.

import { useQuery } from "@tanstack/react-query";
import { presetsQuery } from "../../api/presets";
import { common } from "../../texts/common";
import { ButtonLink } from "../../ui/Button";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { OidcPage } from "./OidcPage";

export function PresetPage({ preset }: { preset: string }) {
  const presets = useQuery(presetsQuery);
  const known = presets.data?.others.find((other) => other.preset === preset);
  if (known) return <OidcPage preset={known} />;
  return (
    <Page title={presets.data ? common.notFound : preset}>
      <Loaded query={presets}>{() => <ButtonLink to="/connections">{common.toConnections}</ButtonLink>}</Loaded>
    </Page>
  );
}
