// What is running here, how long things are kept, and the keys with which it seals.

import { useQuery } from "@tanstack/react-query";
import { aboutQuery } from "../../api/overview";
import { type Me, may } from "../../api/session";
import { settings } from "../../texts/settings";
import { Copyable } from "../../ui/Copyable";
import { Facts } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ExactTime } from "../../ui/Time";
import { EncryptionPanel } from "../encryption/EncryptionPanel";
import { RetentionPanel } from "../retention/RetentionPanel";

export function SettingsPage({ me }: { me: Me }) {
  const about = useQuery(aboutQuery);
  return (
    <Page title={settings.title}>
      <Panel title={settings.about} lead={settings.file}>
        <Loaded query={about}>
          {({ version, database, public_url, now }) => (
            <Facts
              facts={[
                [settings.version, version],
                [settings.database, database],
                [settings.publicUrl, <Copyable text={public_url} what={settings.publicUrl} />],
                [settings.clock, <ExactTime at={now} />],
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <RetentionPanel editable={may(me, "admin") ? "yes" : "no"} />
      {may(me, "admin") && <EncryptionPanel />}
    </Page>
  );
}
