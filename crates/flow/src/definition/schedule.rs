//! What starts a flow by itself: schedules and hooks.

use jiff::SignedDuration;

use super::listen::{Consume, Read};

/// `schedule`. Several may be combined.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// What starts it.
    pub triggers: Vec<Trigger>,
    /// The IANA time zone of `cron` (`metadata.keyway.timeZone`, default UTC).
    pub time_zone: String,
    /// What happens while the last run still goes (`metadata.keyway.overlap`).
    pub overlap: OverlapPolicy,
    /// What happens to times that were missed while Keyway was off (`metadata.keyway.catchUp`).
    pub catch_up: CatchUp,
}

/// One thing that starts a flow.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// Five fields, in the schedule's zone.
    Cron(String),
    /// At least 10 s.
    Every(SignedDuration),
    /// So long after the last run ended, however it ended.
    After(SignedDuration),
    /// Events; the input is the list of them.
    On {
        /// Which.
        to: Consume,
        /// What they look like.
        read: Read,
    },
}

/// What happens at a nominal time while the last run still goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OverlapPolicy {
    /// This time is skipped.
    #[default]
    Skip,
    /// It begins when the last one ended.
    Queue,
    /// Both go.
    Parallel,
}

/// What happens to nominal times that were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// They are reported as missed.
    None,
    /// The last of them is made up for.
    #[default]
    One,
}

/// A hook: `document.metadata.keyway.webhooks.<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name in the address `/hooks/{flow}/{hook}`.
    pub name: String,
    /// Who may call.
    pub authentication: WebhookAuthentication,
    /// Which methods; default POST.
    pub methods: Vec<String>,
    /// `application/json` unless said otherwise.
    pub content_type: String,
    /// Whether the caller waits for the answer (`respond` or the output), and how long at most.
    pub wait: Option<SignedDuration>,
}

/// Who may call a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookAuthentication {
    /// Standard Webhooks: HMAC-SHA256 with the plain secrets of these names, any of which may sign.
    Signature(Vec<String>),
    /// A Keyway API key.
    ApiKey,
    /// Anybody; warned of.
    Public,
    /// A Graph change notification: `validationToken` is echoed, `clientState` compared with the secret of this name.
    GraphNotification(String),
}
