//! The machine from outside: flows are text, what happens to them are journals, what they do are commands.

#[cfg(test)]
mod data;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod events;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod random;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod trying;
#[cfg(test)]
mod world;
