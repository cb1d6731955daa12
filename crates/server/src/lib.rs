//! The server: REST API, the browser's way through a sign-in, sessions and API keys, the streaming pass-through.
//!
//! Handlers parse, call one method of `connect` or `store`, and map the answer.
//! This room knows nothing of SQL, token endpoints or the machine; HTTP
//! statuses are known in `problem` alone, permissions in `access`.

mod access;
mod api;
mod app;
mod approve;
mod bare;
mod callback;
mod console;
mod cookie;
mod csrf;
mod frame;
mod health;
mod hooks;
mod json;
mod key_cache;
mod lane;
mod outbox;
mod page;
mod problem;
mod proxy;
mod query;
mod serve;
mod session;

pub use api::setup::setup_token;
pub use api::{openapi, schema};
pub use app::{App, Config, Limits, TlsProxy, router, router_as};
pub use outbox::look_through;
pub use serve::{Error, Tls, serve};

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}
