// The clouds and redirect URIs that are known before anything is saved.

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import type { components } from "./schema";

export type Cloud = components["schemas"]["Cloud"];
export type Preset = components["schemas"]["Preset"];
export type Permission = components["schemas"]["PermissionCard"];
export type Discovered = components["schemas"]["Discovered"];

export interface Presets {
  publicUrl: string;
  /** What Microsoft Graph connections on known clouds share. */
  graphRedirectUri: string;
  clouds: Cloud[];
  /** The other ready-made providers. */
  others: Preset[];
}

export const presetsQuery = queryOptions({
  queryKey: ["presets"],
  queryFn: async ({ signal }): Promise<Presets> => {
    const list = await send<components["schemas"]["PresetList"]>("GET", "/presets", { signal });
    const graph = list.items.find((item) => item.preset === "microsoft-graph");
    return {
      publicUrl: list.public_url,
      graphRedirectUri: graph?.redirect_uri ?? "",
      clouds: graph?.clouds.map(withoutSlash) ?? [],
      others: list.items.filter((item) => item !== graph),
    };
  },
  staleTime: Infinity,
});

/** Permissions of Microsoft Graph: ids, who may consent, and what they allow. */
export const permissionsQuery = queryOptions({
  queryKey: ["presets", "microsoft-graph", "permissions"],
  queryFn: async ({ signal }): Promise<Permission[]> => {
    const list = await send<components["schemas"]["PermissionList"]>("GET", "/presets/microsoft-graph/permissions", { signal });
    return list.items;
  },
  staleTime: Infinity,
});

/** Paths and scopes are put behind it. */
function withoutSlash(cloud: Cloud): Cloud {
  return { ...cloud, graph: cloud.graph.replace(/\/$/, "") };
}

/** What stands behind an address: an issuer's, or any address of an API. Nothing is stored. */
export function discover(url: string, ca_certificate: string): Promise<Discovered> {
  return send("POST", "/discovery", { body: ca_certificate === "" ? { url } : { url, ca_certificate } });
}
