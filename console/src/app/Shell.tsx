// The frame around every page: navigation, who is signed in, colours, signing out.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, useLocation } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { type Me, type Role, may, meQuery, signOut } from "../api/session";
import { common, shell } from "../texts/common";
import { Button } from "../ui/Button";
import { Select } from "../ui/Field";
import { Icon, type IconName, Mark } from "../ui/Icon";
import { ProblemView } from "../ui/ProblemView";
import { leave } from "../ui/leaving";
import { nextShown } from "../ui/renamed";
import { rememberTheme, storedTheme } from "./theme";

const LINKS: readonly { to: string; label: string; icon: IconName; role: Role }[] = [
  { to: "/", label: shell.home, icon: "home", role: "viewer" },
  { to: "/flows", label: shell.flows, icon: "flow", role: "viewer" },
  { to: "/runs", label: shell.runs, icon: "play", role: "viewer" },
  { to: "/approvals", label: shell.approvals, icon: "question", role: "viewer" },
  { to: "/tables", label: shell.tables, icon: "grid", role: "viewer" },
  { to: "/connections", label: shell.connections, icon: "plug", role: "viewer" },
  { to: "/calls", label: shell.calls, icon: "arrows", role: "viewer" },
  { to: "/explorer", label: shell.explorer, icon: "send", role: "operator" },
  { to: "/secrets", label: shell.secrets, icon: "lock", role: "viewer" },
  { to: "/webhooks", label: shell.webhooks, icon: "hook", role: "admin" },
  { to: "/audit", label: shell.audit, icon: "list", role: "admin" },
  { to: "/keys", label: shell.keys, icon: "key", role: "admin" },
  { to: "/users", label: shell.users, icon: "people", role: "admin" },
  { to: "/settings", label: shell.settings, icon: "gear", role: "viewer" },
];

export function Shell({ me, children }: { me: Me; children: ReactNode }) {
  const [location] = useLocation();
  const page = usePage(location);
  const [open, setOpen] = useState(false);
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {shell.skip}
      </a>
      <header className={open ? "side side-open" : "side"}>
        <div className="side-inner">
          <Link href="/" className="brand">
            <Mark /> {common.product}
          </Link>
          <span className="menu-button">
            <Button icon="menu" aria-expanded={open} aria-controls="navigation" onClick={() => setOpen(!open)}>
              {shell.menu}
            </Button>
          </span>
          <nav className="nav" id="navigation" aria-label={shell.navigation}>
            {LINKS.filter((link) => may(me, link.role)).map((link) => (
              <Link key={link.to} href={link.to} className="nav-link" aria-current={isAt(location, link.to) ? "page" : undefined} onClick={() => setOpen(false)}>
                <Icon name={link.icon} /> {link.label}
              </Link>
            ))}
          </nav>
          <Foot me={me} />
        </div>
      </header>
      <main className="main" id="content" tabIndex={-1} key={page} ref={toTop}>
        {children}
      </main>
    </div>
  );
}

/** Which page it is that stands at an address: a page that is renamed is not another one. */
function usePage(address: string): number {
  const state: unknown = useHistoryState();
  const [shown, setShown] = useState({ address, page: 0 });
  const next = nextShown(shown, address, state);
  if (next !== shown) setShown(next);
  return next.page;
}

/** The address itself or one below it; everything is below `/`. */
function isAt(location: string, to: string): boolean {
  return location === to || (to !== "/" && location.startsWith(`${to}/`));
}

/** A page that is come to is seen from its beginning. */
function toTop(page: HTMLElement | null) {
  if (page) window.scrollTo(0, 0);
}

function Foot({ me }: { me: Me }) {
  const client = useQueryClient();
  const [theme, setTheme] = useState(storedTheme);
  const leaving = useMutation({
    mutationFn: signOut,
    // nothing of this person's stays in the cache
    onSuccess: () => {
      client.clear();
      client.setQueryData(meQuery.queryKey, null);
    },
  });
  return (
    <div className="side-foot">
      <p className="small">
        <span className="muted">{shell.signedInAs}</span>
        <br />
        <bdi className="strong">{me.name}</bdi> <span className="muted">({shell.roles[me.role]})</span>
      </p>
      <Select
        label={shell.theme}
        value={theme}
        options={shell.themes}
        onChange={(chosen) => {
          setTheme(chosen);
          rememberTheme(chosen);
        }}
      />
      {leaving.error && <ProblemView error={leaving.error} />}
      <Button busy={leaving.isPending} onClick={() => leave(() => leaving.mutate())}>
        {shell.signOut}
      </Button>
    </div>
  );
}
