//! The machine from outside: flows are text, what happens to them are journals, what they do are commands.

mod data;
mod decisions;
mod events;
mod traces;
mod trying;
mod world;
