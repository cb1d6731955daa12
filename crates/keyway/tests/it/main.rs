//! The real binary, driven as a person or a script drives it.

mod architecture;
mod browser;
mod call;
mod command_line;
mod configuration;
mod connection;
mod demo;
#[path = "../../src/commands/demo/page.rs"]
mod page;
mod sandbox;
mod secrets;
mod serve;
mod sign_in;
mod support;
mod upstream;
