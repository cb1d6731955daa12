//! Real runs: real stores, the sandbox, and an upstream that keeps count.

mod calls;
mod crash;
mod events;
mod house;
mod people;
mod running;
mod schedules;
mod upstream;
