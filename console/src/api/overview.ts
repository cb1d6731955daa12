// What went on lately, and what is running here.

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Hour = Schemas["HourCard"];
export type About = Schemas["About"];

export const overviewQuery = queryOptions({
  queryKey: ["overview"],
  queryFn: async ({ signal }) => (await send<Schemas["HourList"]>("GET", "/overview", { signal })).items,
  refetchInterval: 30_000,
});

export const aboutQuery = queryOptions({
  queryKey: ["about"],
  queryFn: ({ signal }) => send<About>("GET", "/about", { signal }),
});
