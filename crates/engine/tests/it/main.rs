//! Real runs: real stores, the sandbox, and an upstream that keeps count.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod events;
#[cfg(test)]
mod house;
#[cfg(test)]
mod month;
#[cfg(test)]
mod people;
#[cfg(test)]
mod running;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod upstream;
