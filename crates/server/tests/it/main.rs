//! The server as a whole, over real HTTP on loopback: against the sandbox, an
//! API of our own making, and an in-memory store whose clock is moved by hand.

mod access;
mod bad_input;
mod browser;
mod callback;
mod calls;
mod house;
mod openapi;
mod people;
mod proxy;
mod walk;
