import type { WebhookWithSecret } from "../../api/webhooks";
import { webhooks } from "../../texts/webhooks";
import { Button } from "../../ui/Button";
import { Copyable } from "../../ui/Copyable";
import { Dialog } from "../../ui/Dialog";

/** A signing secret that was made just now; it is not in the query cache, and gone with this dialog. */
export function SecretDialog({ made, onClose }: { made: WebhookWithSecret; onClose: () => void }) {
  return (
    <Dialog title={webhooks.secretTitle}>
      <p>{webhooks.secretLead}</p>
      <Copyable text={made.secret} what={webhooks.secret} />
      <div>
        <Button variant="primary" onClick={onClose}>
          {webhooks.secretDone}
        </Button>
      </div>
    </Dialog>
  );
}
