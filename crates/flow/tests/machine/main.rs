//! The machine from outside: flows are text, what happens to them are journals, what they do are commands.

mod data;
mod decisions;
mod events;
mod random;
mod replay;
mod traces;
mod trying;
mod world;
