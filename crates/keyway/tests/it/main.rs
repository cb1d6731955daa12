//! The real binary, driven as a person or a script drives it.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod call;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod demo;
mod deployed;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod files;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod lists;
#[cfg(test)]
#[path = "../../src/commands/demo/page.rs"]
mod page;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod support;
#[cfg(test)]
mod upstream;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod worker;
