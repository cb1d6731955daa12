// The console's entry.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Problem } from "../api/problem";
import "../ui/styles/tokens.css";
import "../ui/styles/base.css";
import "../ui/styles/controls.css";
import "../ui/styles/layout.css";
import "../ui/styles/data.css";
import "../ui/styles/flows.css";
import { App } from "./App";
import { Broken } from "./Broken";
import { applyTheme, storedTheme } from "./theme";

applyTheme(storedTheme());

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // a problem that the server named will be the same a moment later
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.document.status >= 400 && error.document.status < 500),
    },
    mutations: { retry: false },
  },
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Broken>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </Broken>
  </StrictMode>,
);
