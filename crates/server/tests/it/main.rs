//! The server as a whole, over real HTTP on loopback: against the sandbox, an
//! API of our own making, and an in-memory store whose clock is moved by hand.

#[cfg(test)]
mod access;
#[cfg(test)]
mod approvals;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod callback;
#[cfg(test)]
mod callback_errors;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod connection_forms;
#[cfg(test)]
mod console;
#[cfg(test)]
mod csrf;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod house;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod once;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod overview;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod people;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod webhooks;
