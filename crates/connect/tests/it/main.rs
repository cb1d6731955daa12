//! The room against the sandbox and a real store; a mock server only for answers the sandbox never gives.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod consents;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod diagnoses;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod house;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod odd;
#[cfg(test)]
mod on_behalf_of;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod presets;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod token_answers;
