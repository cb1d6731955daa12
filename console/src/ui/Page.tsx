import type { ReactNode } from "react";
import { common } from "../texts/common";

interface PageProps {
  title: string;
  badge?: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
  width?: "normal" | "narrow";
  children: ReactNode;
}

export function Page({ title, badge, lead, actions, width = "normal", children }: PageProps) {
  return (
    <div className={width === "narrow" ? "page page-narrow" : "page"}>
      <title>{`${title} · ${common.product}`}</title>
      <header className="page-head">
        <div className="page-title">
          <h1>
            <bdi>{title}</bdi>
          </h1>
          {badge}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {lead && <p className="page-lead">{lead}</p>}
      {children}
    </div>
  );
}

/** One part of a page, with a heading of its own. */
export function Panel({ title, lead, actions, children }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel" aria-label={title}>
      <div className="row-between">
        <h2>{title}</h2>
        {actions && <div className="row">{actions}</div>}
      </div>
      {lead && <p className="muted">{lead}</p>}
      {children}
    </section>
  );
}
