// Which page an address opens. Pages that a role may not use are said to be so, not broken.

import { type ReactNode, Suspense, lazy } from "react";
import { Route, Switch } from "wouter";
import { type Me, type Role, may } from "../api/session";
import { CallsPage } from "../calls/CallsPage";
import { ChangePage } from "../connections/change/ChangePage";
import { DetailPage } from "../connections/detail/DetailPage";
import { ListPage } from "../connections/list/ListPage";
import { ConnectorPage } from "../connections/new/ConnectorPage";
import { GraphPage } from "../connections/new/GraphPage";
import { OidcPage } from "../connections/new/OidcPage";
import { PresetPage } from "../connections/new/PresetPage";
import { StartPage } from "../connections/new/StartPage";
import { ExplorerPage } from "../explorer/ExplorerPage";
import { FlowPage } from "../flows/detail/FlowPage";
import { FlowsPage } from "../flows/list/FlowsPage";
import { SecretsPage } from "../flows/secrets/SecretsPage";
import { StartPage as StartFlowPage } from "../flows/start/StartPage";
import { HomePage } from "../home/HomePage";
import { ApprovalsPage } from "../runs/approvals/ApprovalsPage";
import { RunPage } from "../runs/detail/RunPage";
import { RunsPage } from "../runs/list/RunsPage";
import { SettingsPage } from "../settings/about/SettingsPage";
import { AuditPage } from "../settings/audit/AuditPage";
import { KeysPage } from "../settings/keys/KeysPage";
import { WebhookPage } from "../settings/webhooks/WebhookPage";
import { WebhooksPage } from "../settings/webhooks/WebhooksPage";
import { UsersPage } from "../settings/users/UsersPage";
import { TablePage } from "../tables/TablePage";
import { TablesPage } from "../tables/TablesPage";
import { common, shell } from "../texts/common";
import { ButtonLink } from "../ui/Button";
import { Loading } from "../ui/Loaded";
import { Page } from "../ui/Page";

/** The canvas and the text's editor are large, and not everybody's. */
const BuilderPage = lazy(() => import("../flows/builder/BuilderPage"));

export function Pages({ me }: { me: Me }) {
  const only = (role: Role, page: ReactNode) => (may(me, role) ? page : <NotAllowed me={me} />);
  const builder = (flow: string | undefined) => (
    <Suspense fallback={<Loading />}>
      <BuilderPage me={me} flow={flow} />
    </Suspense>
  );
  return (
    <Switch>
      <Route path="/">
        <HomePage me={me} />
      </Route>
      <Route path="/flows">
        <FlowsPage me={me} />
      </Route>
      <Route path="/flows/new">{only("admin", builder(undefined))}</Route>
      <Route path="/flows/:name/edit">{({ name }) => builder(name)}</Route>
      <Route path="/flows/:name/start">{({ name }) => only("operator", <StartFlowPage key={name} name={name} />)}</Route>
      <Route path="/flows/:name">{({ name }) => <FlowPage key={name} name={name} me={me} />}</Route>
      <Route path="/runs">
        <RunsPage />
      </Route>
      <Route path="/runs/:id">{({ id }) => <RunPage key={id} id={id} me={me} />}</Route>
      <Route path="/approvals">
        <ApprovalsPage me={me} />
      </Route>
      <Route path="/tables">
        <TablesPage me={me} />
      </Route>
      <Route path="/tables/:name">{({ name }) => <TablePage key={name} name={name} me={me} />}</Route>
      <Route path="/secrets">
        <SecretsPage me={me} />
      </Route>
      <Route path="/connections">
        <ListPage me={me} />
      </Route>
      <Route path="/connections/new">{only("admin", <StartPage />)}</Route>
      <Route path="/connections/new/api-connector">{only("admin", <ConnectorPage />)}</Route>
      <Route path="/connections/new/microsoft-graph">{only("admin", <GraphPage />)}</Route>
      <Route path="/connections/new/openid-connect">{only("admin", <OidcPage />)}</Route>
      <Route path="/connections/new/preset/:preset">{({ preset }) => only("admin", <PresetPage key={preset} preset={preset} />)}</Route>
      <Route path="/connections/:name/change">{({ name }) => only("admin", <ChangePage key={name} name={name} />)}</Route>
      <Route path="/connections/:name">{({ name }) => <DetailPage key={name} name={name} me={me} />}</Route>
      <Route path="/calls">
        <CallsPage />
      </Route>
      <Route path="/explorer">{only("operator", <ExplorerPage me={me} />)}</Route>
      <Route path="/audit">{only("admin", <AuditPage />)}</Route>
      <Route path="/keys">{only("admin", <KeysPage />)}</Route>
      <Route path="/users">{only("admin", <UsersPage me={me} />)}</Route>
      <Route path="/webhooks">{only("admin", <WebhooksPage />)}</Route>
      <Route path="/webhooks/:name">{({ name }) => only("admin", <WebhookPage key={name} name={name} />)}</Route>
      <Route path="/settings">
        <SettingsPage me={me} />
      </Route>
      <Route>
        <Missing title={common.notFound} lead={common.notFoundLead} />
      </Route>
    </Switch>
  );
}

function NotAllowed({ me }: { me: Me }) {
  return <Missing title={common.notAllowed} lead={common.notAllowedLead(shell.roles[me.role])} />;
}

function Missing({ title, lead }: { title: string; lead: string }) {
  return (
    <Page title={title} lead={lead}>
      <div>
        <ButtonLink to="/connections">{common.toConnections}</ButtonLink>
      </div>
    </Page>
  );
}
